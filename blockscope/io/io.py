"""The iterators, under MXNet's module name."""
from ._around import PrefetchingIter, ResizeIter
from ._batch import DataBatch, DataDesc, DataIter
from ._files import (CSVIter, ImageDetRecordIter, ImageRecordInt8Iter, ImageRecordIter, ImageRecordIter_v1, ImageRecordUInt8Iter,
                     ImageRecordUInt8Iter_v1, LibSVMIter, MNISTIter, MXDataIter)
from ._ndarray_iter import NDArrayIter

__all__ = ["CSVIter", "DataBatch", "DataDesc", "DataIter", "ImageDetRecordIter", "ImageRecordInt8Iter", "ImageRecordIter",
           "ImageRecordIter_v1", "ImageRecordUInt8Iter", "ImageRecordUInt8Iter_v1", "LibSVMIter", "MNISTIter", "MXDataIter",
           "NDArrayIter", "PrefetchingIter", "ResizeIter"]

for _class in (DataBatch, DataDesc, DataIter, MXDataIter, NDArrayIter, PrefetchingIter, ResizeIter):
    _class.__module__ = __name__  # messages and pickles name the public home
