"""Batches out of arrays in memory."""
import warnings

import numpy as np

from ..errors import MXNetError
from ..ndarray import array, concat
from ._batch import DataBatch, DataDesc, DataIter
from .utils import _getdata_by_idx, _init_data, is_h5py

__all__ = ["NDArrayIter"]


class NDArrayIter(DataIter):
    """Iterate over arrays in batches.

    Parameters
    ----------
    data : NDArray, numpy.ndarray, h5py.Dataset, list or dict of them
        Inputs; each has one sample for every step along the axis N of `layout`.
    label : like data, optional
        Labels.
    batch_size : int, default 1
        Number of samples of a batch.
    shuffle : bool, default False
        Whether every pass goes through the samples in another order, drawn from `numpy.random`. Shuffled arrays are float32.
    last_batch_handle : {'pad', 'discard', 'roll_over'}
        What happens to samples that don't fill a batch: the first samples are repeated after them (`DataBatch.pad` says how
        many), they are left out, or they start the next pass.
    data_name, label_name : str, default 'data', 'softmax_label'
        Names of arrays that don't come in a dictionary; several become ``_0_data``, ``_1_data``, ...
    layout : str, default 'NCHW'
        One letter an axis; N is the axis of the samples.

    Raises
    ------
    TypeError
        When `data` or `label` is nothing that can become arrays.

    References
    ----------
    mxnet.io.NDArrayIter of MXNet 1.9.1; the order of samples for a seed of NumPy is the same.

    Examples
    --------
    >>> import blockscope as mx
    >>> batches = mx.io.NDArrayIter(mx.nd.arange(5), batch_size=2)
    >>> [(batch.data[0].asnumpy().tolist(), batch.pad) for batch in batches]
    [([0.0, 1.0], 0), ([2.0, 3.0], 0), ([4.0, 0.0], 1)]
    >>> batches.provide_data
    [DataDesc[data,(2,),<class 'numpy.float32'>,NCHW]]
    """

    def __init__(self, data, label=None, batch_size=1, shuffle=False, last_batch_handle="pad", data_name="data",
                 label_name="softmax_label", layout="NCHW"):
        super().__init__(batch_size)
        if batch_size < 1:
            raise MXNetError(f"NDArrayIter: batch_size must be at least 1, but got {batch_size}")
        if last_batch_handle not in ("pad", "discard", "roll_over"):
            warnings.warn(f"NDArrayIter: last_batch_handle={last_batch_handle!r} is none of 'pad', 'discard', 'roll_over'; "
                          "incomplete batches are discarded", stacklevel=2)
        self.data = _init_data(data, allow_empty=False, default_name=data_name)
        self.label = _init_data(label, allow_empty=True, default_name=label_name)
        self.layout = layout
        self.num_data = self.data[0][1].shape[layout.find("N")]
        self.idx = np.arange(self.num_data)
        self._order = np.arange(self.num_data)  # where in the source each sample lies: HDF5 data sets are not put in another order
        self.shuffle = shuffle
        self.last_batch_handle = last_batch_handle
        self.num_source = len(self.data) + len(self.label)
        self.hard_reset()

    @property
    def data_list(self):
        """All arrays, those of the inputs first."""
        return [values for _, values in self.data + self.label]

    @property
    def provide_data(self):
        """Descriptions of the inputs of a batch, a list of `DataDesc`."""
        return self._describe(self.data)

    @property
    def provide_label(self):
        """Descriptions of the labels of a batch, a list of `DataDesc`."""
        return self._describe(self.label)

    def _describe(self, source):
        described = []
        for name, values in source:
            shape = list(values.shape)
            shape[self.layout.find("N")] = self.batch_size
            described.append(DataDesc(name, tuple(shape), values.dtype, layout=self.layout))
        return described

    def hard_reset(self):
        """Go back to the first sample and forget those that the last pass left over."""
        if self.shuffle:
            self._shuffle_data()
        self.cursor = -self.batch_size
        self._cache_data = None
        self._cache_label = None

    def reset(self):
        """Start the next pass; with 'roll_over', it begins with the samples that the last pass left over."""
        if self.shuffle:
            self._shuffle_data()
        left_over = self.num_data - self.batch_size < self.cursor < self.num_data
        if self.last_batch_handle == "roll_over" and left_over:
            self.cursor -= self.num_data + self.batch_size  # one step on, it is minus the number of samples left over
        else:
            self.cursor = -self.batch_size

    def iter_next(self):
        """Move on by one batch and return whether a sample is left."""
        self.cursor += self.batch_size
        return self.cursor < self.num_data

    def next(self):
        """Return the next `DataBatch`, or raise StopIteration after the last one."""
        if not self.iter_next():
            raise StopIteration
        data, label = self.getdata(), self.getlabel()
        if data[0].shape[self.layout.find("N")] != self.batch_size:
            self._cache_data, self._cache_label = data, label  # for the next pass of roll_over
            raise StopIteration
        return DataBatch(data=data, label=label, pad=self.getpad(), index=None)

    def getdata(self):
        """Return the inputs of the current batch."""
        if self._continues():
            cached, self._cache_data = self._cache_data, None
            return self._rolled(cached, self.data)
        return self._batchify(self.data)

    def getlabel(self):
        """Return the labels of the current batch."""
        if self._continues():
            cached, self._cache_label = self._cache_label, None
            return self._rolled(cached, self.label)
        return self._batchify(self.label)

    def getpad(self):
        """Return how many samples the current batch has from the other end of the data.

        Those are the samples repeated at its end ('pad') or left over from the last pass at its start ('roll_over').
        """
        if self._continues():
            return -self.cursor
        if self.last_batch_handle == "pad":
            return max(0, self.cursor + self.batch_size - self.num_data)
        return 0

    def _continues(self):
        """Return whether the current batch starts with samples left over from the last pass."""
        return self.last_batch_handle == "roll_over" and -self.batch_size < self.cursor < 0

    def _rolled(self, cached, source):
        if cached is None:
            raise AssertionError("next epoch should have cached data")
        if self.cursor + self.batch_size > self.num_data:
            raise MXNetError(f"NDArrayIter: last_batch_handle='roll_over' needs a batch_size of at most the number of samples, but "
                             f"batches of {self.batch_size} are asked of {self.num_data} samples; use 'pad'")
        return self._joined(cached, self._rows(source, 0, self.cursor + self.batch_size))

    def _batchify(self, source):
        if self.cursor >= self.num_data:
            raise AssertionError("DataIter needs reset.")
        if self.cursor < 0:
            raise AssertionError("NDArrayIter: no batch has been reached yet; call next() or iter_next() first")
        batch = self._rows(source, self.cursor, min(self.cursor + self.batch_size, self.num_data))
        if self.last_batch_handle == "pad" and (pad := self.getpad()):
            rounds, rest = divmod(pad, self.num_data)
            parts = [self._rows(source, 0, self.num_data)] * rounds if rounds else []
            if rest:
                parts.append(self._rows(source, 0, rest))
            return self._joined(batch, *parts)
        return batch

    def _rows(self, source, start, stop):
        axis = self.layout.find("N")
        return [self._from_file(values, start, stop) if is_h5py(values) else values.slice_axis(axis=axis, begin=start, end=stop)
                for _, values in source]

    def _from_file(self, dataset, start, stop):
        """Read samples of an HDF5 data set, which gives them in rising order only."""
        wanted = self._order[start:stop]
        axis = self.layout.find("N") % len(dataset.shape)
        rising = np.argsort(wanted)
        values = dataset[(slice(None),) * axis + (wanted[rising],)]
        return array(values.take(np.argsort(rising), axis=axis))

    def _joined(self, *parts):
        return [concat(*pieces, dim=self.layout.find("N")) for pieces in zip(*parts, strict=True)]

    def _shuffle_data(self):
        np.random.shuffle(self.idx)
        self._order = self._order[self.idx]  # the arrays below are in the last pass's order already
        axis = self.layout.find("N")
        self.data = _getdata_by_idx(self.data, self.idx, axis)
        self.label = _getdata_by_idx(self.label, self.idx, axis)
