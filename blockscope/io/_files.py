"""Iterators over files: functions with MXNet's names, which make an `MXDataIter`."""
import logging
import os
import warnings

import numpy as np

from ..backend import cpu
from ..errors import FormatError, MXNetError
from ..ndarray import array
from ._batch import DataBatch, DataDesc, DataIter
from ._idx import read_idx, shuffled

__all__ = ["CSVIter", "ImageDetRecordIter", "ImageRecordInt8Iter", "ImageRecordIter", "ImageRecordIter_v1", "ImageRecordUInt8Iter",
           "ImageRecordUInt8Iter_v1", "LibSVMIter", "MNISTIter", "MXDataIter"]

_log = logging.getLogger(__name__)


class MXDataIter(DataIter):
    """Iterate over what a reader gives; `CSVIter` and `MNISTIter` return one.

    Parameters
    ----------
    handle : reader
        Has ``begin()``, which starts a pass, and ``read()``, which returns data, label (numpy arrays), pad and index (see
        `DataBatch`) of the next batch, or None after the last one.
    data_name, label_name : str, default 'data', 'softmax_label'
        Names in `provide_data` and `provide_label`.

    Examples
    --------
    >>> import numpy as np
    >>> import blockscope as mx
    >>> class Squares:
    ...     def begin(self):
    ...         self.number = 0
    ...     def read(self):
    ...         self.number += 1
    ...         return (np.array([self.number**2]), np.zeros(1), 0, None) if self.number <= 3 else None
    >>> squares = Squares()
    >>> squares.begin()
    >>> [batch.data[0].asscalar() for batch in mx.io.MXDataIter(squares)] == [1, 4, 9]
    True
    """

    def __init__(self, handle, data_name="data", label_name="softmax_label"):
        super().__init__()
        self.handle = handle
        self._debug_skip_load = False
        self._current = None
        self._waiting = self._load()  # the first batch has been read for its shape, and is given first
        if not self._waiting:
            raise MXNetError("the file holds less than one batch; ask for a smaller batch_size")
        data, label = self._current.data[0], self._current.label[0]
        self.provide_data = [DataDesc(data_name, data.shape, data.dtype)]
        self.provide_label = [DataDesc(label_name, label.shape, label.dtype)]
        self.batch_size = data.shape[0]

    def debug_skip_load(self):
        """Give the current batch again and again from now on, to time a program without its reading."""
        self._debug_skip_load = True
        _log.info("Set debug_skip_load to be true, will simply return first batch")

    def reset(self):
        """Start the next pass."""
        self._waiting = False
        self.handle.begin()

    def iter_next(self):
        """Move on by one batch and return whether there is one."""
        if self._waiting or self._debug_skip_load:
            self._waiting = False
            return True
        return self._load()

    def next(self):
        """Return the next `DataBatch`, or raise StopIteration after the last one."""
        if not self.iter_next():
            raise StopIteration
        return self._current

    def getdata(self):
        """Return the input of the current batch, one NDArray."""
        return self._current.data[0]

    def getlabel(self):
        """Return the label of the current batch, one NDArray."""
        return self._current.label[0]

    def getindex(self):
        """Return the numbers of the samples of the current batch, or None where they are not known."""
        return self._current.index

    def getpad(self):
        """Return how many samples of the current batch only fill it up."""
        return self._current.pad

    def _load(self):
        found = self.handle.read()
        if found is None:
            return False
        data, label, pad, index = found
        self._current = DataBatch([array(data, ctx=cpu(), dtype=data.dtype)], [array(label, ctx=cpu(), dtype=label.dtype)], pad, index)
        return True


class _RoundReader:
    """Reads batches of rows. The last one is filled up with the first rows, and the next pass starts after those; or, without
    `round_batch`, with what its rows held in the batch before."""

    def __init__(self, data, label, batch_size, round_batch):
        self.data, self.label, self.batch_size, self.round_batch = data, label, batch_size, round_batch
        self.position, self.finished = 0, False
        self.rows = np.zeros(batch_size, dtype=np.uint64)

    def begin(self):
        self.position = self.position % len(self.data) if self.finished and self.round_batch else 0
        self.finished = False

    def read(self):
        count = len(self.data)
        if self.finished or self.position >= count:
            return None
        rows = np.arange(self.position, self.position + self.batch_size, dtype=np.uint64)
        pad = max(0, self.position + self.batch_size - count)
        self.position += self.batch_size
        self.finished = pad > 0
        if pad:
            rows[-pad:] = rows[-pad:] % count if self.round_batch else self.rows[-pad:]
        self.rows = rows
        return self.data[rows], self.label[rows], pad, rows


class _WholeReader:
    """Reads batches that are full; samples that don't fill one are left out."""

    def __init__(self, data, label, index, batch_size):
        self.data, self.label, self.index, self.batch_size = data, label, index, batch_size
        self.position = 0

    def begin(self):
        self.position = 0

    def read(self):
        batch = slice(self.position, self.position + self.batch_size)
        if batch.stop > len(self.data):
            return None
        self.position = batch.stop
        return self.data[batch], self.label[batch], 0, self.index[batch]


def _check_arguments(name, positional, unknown, **required):
    if positional:
        raise TypeError(f"{name} can only accept keyword arguments")
    for argument, (value, kind) in required.items():
        if value is None:
            raise MXNetError(f"Required parameter {argument} of {kind} is not presented")
    for argument in unknown:
        warnings.warn(f"{name} has no argument {argument!r}; it is ignored", stacklevel=3)


def CSVIter(*args, data_csv=None, data_shape=None, label_csv="NULL", label_shape=(1,), batch_size=None, round_batch=True,
            prefetch_buffer=4, ctx="gpu", dtype=None, data_name="data", label_name="softmax_label", **unknown):
    """Iterate over the rows of a file of comma-separated numbers.

    Parameters
    ----------
    data_csv : str
        The file, or a folder whose files are read in the order of their names. A row is a sample.
    data_shape : tuple of int
        Shape of a sample.
    label_csv : str, optional
        The file of the labels; without one, labels are 0.
    label_shape : tuple of int, default (1,)
        Shape of a label; a batch of single numbers has shape (batch_size,).
    batch_size : int
        Number of samples of a batch.
    round_batch : bool, default True
        Whether the last batch is filled up with the first samples, after which the next pass starts then. Otherwise its last
        `pad` samples are left from the batch before it (the first sample, where there is none).
    prefetch_buffer, ctx
        Not needed here: the file is in memory, and batches are on the CPU.
    dtype : {None, 'float32', 'int32', 'int64'}
        Type of the elements; float32 by default.
    data_name, label_name : str, default 'data', 'softmax_label'
        Names in `provide_data` and `provide_label`.

    Returns
    -------
    MXDataIter

    Raises
    ------
    FormatError
        When a file holds something else than numbers, or rows that don't have the shape.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import blockscope as mx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, 'numbers.csv')
    ...     _ = file.write_text('1,2' + chr(10) + '3,4')
    ...     batches = mx.io.CSVIter(data_csv=str(file), data_shape=(2,), batch_size=2)
    >>> batches.next().data[0].asnumpy().tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    _check_arguments("CSVIter", args, unknown, data_csv=(data_csv, "string"), data_shape=(data_shape, "Shape(tuple)"),
                     batch_size=(batch_size, "int (non-negative)"))
    kind = np.dtype(np.float32) if dtype in (None, "None") else np.dtype(dtype)
    if kind.name not in ("float32", "int32", "int64"):
        raise MXNetError(f"{kind.name} is not supported for CSVIter")
    data = _read_csv(data_csv, tuple(data_shape), kind)
    label_shape = tuple(label_shape)
    if label_csv == "NULL":
        label = np.zeros((len(data), *label_shape), dtype=kind)
    else:
        label = _read_csv(label_csv, label_shape, kind)
        if len(label) < len(data):
            raise FormatError(f"{label_csv}: {len(label)} labels for the {len(data)} rows of {data_csv}")
    if label[0].size == 1:
        label = label.reshape(-1)
    if round_batch and batch_size > len(data):
        raise MXNetError(f"number of input must be bigger than batch size: {data_csv} has {len(data)} rows, fewer than "
                         f"batch_size={batch_size}; pass round_batch=False")
    return MXDataIter(_RoundReader(data, label, int(batch_size), bool(round_batch)), data_name, label_name)


def _read_csv(path, shape, kind):
    rows = []
    for file in _files(path):
        with open(file, encoding="utf-8") as lines:
            lines = [line for line in lines if line.strip()]
        try:
            rows.append(np.loadtxt(lines, dtype=kind, delimiter=",", comments=None, ndmin=2) if lines else np.zeros((0, 0), kind))
        except ValueError as error:
            raise FormatError(f"{file}: {error}") from error
        if lines and rows[-1].shape[1] != int(np.prod(shape)):
            raise FormatError(f"{file}: The data size in CSV do not match size of shape: specified shape={list(shape)}, the csv "
                              f"row-length={rows[-1].shape[1]}")
    rows = [part for part in rows if part.size]
    if not rows:
        raise FormatError(f"{path}: no rows")
    return np.concatenate(rows).reshape(-1, *shape)


def _files(path):
    if not os.path.exists(path):
        raise MXNetError(f"{path}: No such file or directory")
    if not os.path.isdir(path):
        return [path]
    return [file for name in sorted(os.listdir(path)) if os.path.isfile(file := os.path.join(path, name))]


def MNISTIter(*args, image="./train-images-idx3-ubyte", label="./train-labels-idx1-ubyte", batch_size=128, shuffle=True, flat=False,
              seed=0, silent=False, num_parts=1, part_index=0, prefetch_buffer=4, ctx="gpu", dtype=None, data_name="data",
              label_name="softmax_label", **unknown):
    """Iterate over images and labels in the files of MNIST (``idx3-ubyte`` and ``idx1-ubyte``, plain or gzip).

    Grey values are divided by 256. Samples that don't fill a batch are left out. Every pass has the same order.

    Parameters
    ----------
    image, label : str
        The files.
    batch_size : int, default 128
        Number of samples of a batch.
    shuffle : bool, default True
        Whether the order is random, drawn from `seed`.
    flat : bool, default False
        Whether an image has shape (height * width,), and not (1, height, width).
    seed : int, default 0
        Gives the same order as in MXNet.
    silent : bool, default False
        Whether the number of images is kept out of the log.
    num_parts, part_index : int, default 1, 0
        Read one of several equal parts of the file.
    prefetch_buffer, ctx
        Not needed here: the file is in memory, and batches are on the CPU.
    dtype : {None, 'float32'}
        Type of the elements.
    data_name, label_name : str, default 'data', 'softmax_label'
        Names in `provide_data` and `provide_label`.

    Returns
    -------
    MXDataIter

    Raises
    ------
    FormatError
        When a file is not of this format, or not as long as its header says.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import blockscope as mx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     image, label = pathlib.Path(folder, 'image'), pathlib.Path(folder, 'label')
    ...     _ = image.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 64, 128]))
    ...     _ = label.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]))
    ...     batches = mx.io.MNISTIter(image=str(image), label=str(label), batch_size=2, shuffle=False, silent=True)
    >>> batches.next().data[0].asnumpy().ravel().tolist()
    [0.25, 0.5]
    """
    _check_arguments("MNISTIter", args, unknown)
    if dtype not in (None, "None") and np.dtype(dtype) != np.float32:
        raise MXNetError(f"{dtype} is not supported for MNISTIter: leave dtype out")
    images, labels = read_idx(image, dimensions=3), read_idx(label, dimensions=1)
    if len(images) != len(labels):
        raise FormatError(f"{image} holds {len(images)} images, and {label} {len(labels)} labels")
    if not 0 <= part_index < num_parts:
        raise MXNetError(f"MNISTIter: part_index={part_index} is none of the num_parts={num_parts} parts")
    order = np.arange(len(images) * part_index // num_parts, len(images) * (part_index + 1) // num_parts)
    if shuffle:
        order = order[shuffled(len(order), seed)]
    shape = (-1,) if flat else (1, *images.shape[1:])
    data = (images[order] * np.float32(1 / 256)).reshape(len(order), *shape)
    reader = _WholeReader(data, labels[order].astype(np.float32), order.astype(np.uint64), int(batch_size))
    if len(order) < batch_size:
        raise MXNetError(f"MNISTIter: {len(order)} images are fewer than one batch of {batch_size}; ask for a smaller batch_size")
    if not silent:
        shown = ",".join(str(size) for size in (batch_size, *data.shape[1:]))
        _log.info("MNISTIter: load %d images, shuffle=%d, shape=[%s]", len(order), shuffle, shown)
    return MXDataIter(reader, data_name, label_name)


def _absent(name, what, instead):
    def refuse(*args, **kwargs):
        raise MXNetError(f"mx.io.{name}: {what} are not part of blockscope yet; {instead}")
    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Raise MXNetError: {what} are not part of blockscope yet; {instead}."
    return refuse


_LOADER = "give arrays to NDArrayIter, or a Dataset to gluon.data.DataLoader"
ImageRecordIter, ImageRecordIter_v1, ImageRecordInt8Iter, ImageRecordUInt8Iter, ImageRecordUInt8Iter_v1, ImageDetRecordIter = (
    _absent(name, "RecordIO files of images", _LOADER)
    for name in ("ImageRecordIter", "ImageRecordIter_v1", "ImageRecordInt8Iter", "ImageRecordUInt8Iter", "ImageRecordUInt8Iter_v1",
                 "ImageDetRecordIter"))
LibSVMIter = _absent("LibSVMIter", "sparse arrays", "read the file with sklearn.datasets.load_svmlight_file and give "
                     "its toarray() to NDArrayIter")
