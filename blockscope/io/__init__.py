"""Iterators over batches of data (``mx.io``): arrays in memory, files, and iterators around others.

`_batch` says what an iterator gives and how it describes it, and the others keep to that: `_ndarray_iter` for arrays in memory, `_files`
for files, which it reads as a whole (`_idx` knows MNIST's), `_around` for other iterators. Arrays and files end a pass in ways of their
own, since MXNet's do, and programs count on which samples come twice. `io` and `utils` exist because MXNet's classes live there: programs
import from them, and messages show them.
"""
from . import io, utils
from .io import (CSVIter, DataBatch, DataDesc, DataIter, ImageDetRecordIter, ImageRecordInt8Iter, ImageRecordIter, ImageRecordIter_v1,
                 ImageRecordUInt8Iter, ImageRecordUInt8Iter_v1, LibSVMIter, MNISTIter, MXDataIter, NDArrayIter, PrefetchingIter,
                 ResizeIter)

__all__ = ["CSVIter", "DataBatch", "DataDesc", "DataIter", "ImageDetRecordIter", "ImageRecordInt8Iter", "ImageRecordIter",
           "ImageRecordIter_v1", "ImageRecordUInt8Iter", "ImageRecordUInt8Iter_v1", "LibSVMIter", "MNISTIter", "MXDataIter",
           "NDArrayIter", "PrefetchingIter", "ResizeIter", "io", "utils"]
