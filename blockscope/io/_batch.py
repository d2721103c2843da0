"""What an iterator gives (`DataBatch`), how it describes it (`DataDesc`), and the base class of all of them (`DataIter`)."""
from collections import namedtuple

import numpy as np

__all__ = ["DataBatch", "DataDesc", "DataIter"]


class DataDesc(namedtuple("DataDesc", ["name", "shape"])):
    """Name and shape of one array of a batch, as a pair; element type and layout are attributes beside.

    Parameters
    ----------
    name : str
        Name of the argument that takes the array.
    shape : tuple of int
        Shape of one whole batch.
    dtype : numpy type, default numpy.float32
        Type of the elements.
    layout : str, default 'NCHW'
        One letter an axis; N is the axis along which samples are counted.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.io.DataDesc('data', (32, 3, 8, 8))
    DataDesc[data,(32, 3, 8, 8),<class 'numpy.float32'>,NCHW]
    """

    def __new__(cls, name, shape, dtype=np.float32, layout="NCHW"):
        self = super().__new__(cls, name, shape)
        self.dtype = dtype
        self.layout = layout
        return self

    def __repr__(self):
        return f"DataDesc[{self.name},{self.shape},{self.dtype},{self.layout}]"

    def _replace(self, **changes):
        return type(self)(changes.pop("name", self.name), changes.pop("shape", self.shape), changes.pop("dtype", self.dtype),
                          changes.pop("layout", self.layout), **changes)

    @staticmethod
    def get_batch_axis(layout):
        """Return the axis of N in `layout`: 0 where there is no layout, -1 where it has no N.

        Examples
        --------
        >>> import blockscope as mx
        >>> [mx.io.DataDesc.get_batch_axis(layout) for layout in ('NCHW', 'TNC', None, 'C')]
        [0, 1, 0, -1]
        """
        return 0 if layout is None else layout.find("N")

    @staticmethod
    def get_list(shapes, types):
        """Make descriptions from pairs of name and shape and, unless `types` is None, pairs of name and type.

        Examples
        --------
        >>> import blockscope as mx
        >>> mx.io.DataDesc.get_list([('data', (2, 3))], [('data', 'int8')])
        [DataDesc[data,(2, 3),int8,NCHW]]
        """
        if types is None:
            return [DataDesc(name, shape) for name, shape in shapes]
        types = dict(types)
        return [DataDesc(name, shape, types[name]) for name, shape in shapes]


class DataBatch:
    """Arrays of one batch, with what training and prediction want to know of it.

    Parameters
    ----------
    data : list of NDArray
        Inputs.
    label : list of NDArray, optional
        Labels.
    pad : int, optional
        How many samples at the end only fill the batch up; prediction ignores them.
    index : numpy.ndarray, optional
        Numbers of the samples.
    bucket_key : hashable, optional
        Which graph of a bucketing module the batch is for.
    provide_data, provide_label : list of DataDesc, optional
        Descriptions of `data` and `label`.

    Raises
    ------
    AssertionError
        When `data` or `label` is neither None nor a list or tuple.

    Examples
    --------
    >>> import blockscope as mx
    >>> print(mx.io.DataBatch([mx.nd.ones((2, 3))], [mx.nd.ones((2,))]))
    DataBatch: data shapes: [(2, 3)] label shapes: [(2,)]
    """

    def __init__(self, data, label=None, pad=None, index=None, bucket_key=None, provide_data=None, provide_label=None):
        if data is not None and not isinstance(data, (list, tuple)):
            raise AssertionError("Data must be list of NDArrays")
        if label is not None and not isinstance(label, (list, tuple)):
            raise AssertionError("Label must be list of NDArrays")
        self.data = data
        self.label = label
        self.pad = pad
        self.index = index
        self.bucket_key = bucket_key
        self.provide_data = provide_data
        self.provide_label = provide_label

    def __str__(self):
        labels = [label.shape for label in self.label] if self.label else None
        return f"{type(self).__name__}: data shapes: {[data.shape for data in self.data]} label shapes: {labels}"


class DataIter:
    """Base class of iterators over batches.

    A subclass gives `provide_data`, `provide_label`, `reset`, and either `next`, or `iter_next` with `getdata`, `getlabel`,
    `getindex` and `getpad`.

    Parameters
    ----------
    batch_size : int, default 0
        Number of samples of a batch.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Countdown(mx.io.DataIter):
    ...     left = 2
    ...     def iter_next(self):
    ...         self.left -= 1
    ...         return self.left >= 0
    ...     def getdata(self):
    ...         return [mx.nd.full((2,), self.left)]
    >>> [batch.data[0].asnumpy().tolist() for batch in Countdown(2)]
    [[1.0, 1.0], [0.0, 0.0]]
    """

    def __init__(self, batch_size=0):
        self.batch_size = batch_size

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()

    def reset(self):
        """Go back to the first batch."""

    def next(self):
        """Return the next `DataBatch`, or raise StopIteration after the last one."""
        if not self.iter_next():
            raise StopIteration
        return DataBatch(data=self.getdata(), label=self.getlabel(), pad=self.getpad(), index=self.getindex())

    def iter_next(self):
        """Move on to the next batch and return whether there is one."""

    def getdata(self):
        """Return the inputs of the current batch, a list of NDArray."""

    def getlabel(self):
        """Return the labels of the current batch, a list of NDArray."""

    def getindex(self):
        """Return the numbers of the samples of the current batch, or None where they are not known."""
        return None

    def getpad(self):
        """Return how many samples at the end of the current batch only fill it up."""
