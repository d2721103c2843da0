"""Iterators around other iterators."""
from concurrent.futures import ThreadPoolExecutor

from ._batch import DataBatch, DataDesc, DataIter

__all__ = ["PrefetchingIter", "ResizeIter"]


class _Around(DataIter):
    """What iterators around others share: the batch that they gave last."""

    current_batch = None

    def getdata(self):
        """Return the inputs of the current batch."""
        return self.current_batch.data

    def getlabel(self):
        """Return the labels of the current batch."""
        return self.current_batch.label

    def getindex(self):
        """Return the numbers of the samples of the current batch."""
        return self.current_batch.index

    def getpad(self):
        """Return how many samples of the current batch only fill it up."""
        return self.current_batch.pad


class ResizeIter(_Around):
    """Give a number of batches a pass, whatever the iterator inside has: it stops early, or goes round again.

    Parameters
    ----------
    data_iter : DataIter
        The iterator inside.
    size : int
        Number of batches of a pass.
    reset_internal : bool, default True
        Whether `reset` resets the iterator inside too.

    Examples
    --------
    >>> import blockscope as mx
    >>> batches = mx.io.ResizeIter(mx.io.NDArrayIter(mx.nd.arange(4), batch_size=2), 3)
    >>> [batch.data[0].asnumpy().tolist() for batch in batches]
    [[0.0, 1.0], [2.0, 3.0], [0.0, 1.0]]
    """

    def __init__(self, data_iter, size, reset_internal=True):
        super().__init__()
        self.data_iter = data_iter
        self.size = size
        self.reset_internal = reset_internal
        self.cur = 0
        self.provide_data = data_iter.provide_data
        self.provide_label = data_iter.provide_label
        self.batch_size = data_iter.batch_size
        if hasattr(data_iter, "default_bucket_key"):
            self.default_bucket_key = data_iter.default_bucket_key

    def reset(self):
        """Start the next pass."""
        self.cur = 0
        if self.reset_internal:
            self.data_iter.reset()

    def iter_next(self):
        """Move on by one batch and return whether the pass has one more."""
        if self.cur == self.size:
            return False
        try:
            self.current_batch = self.data_iter.next()
        except StopIteration:
            self.data_iter.reset()
            self.current_batch = self.data_iter.next()
        self.cur += 1
        return True


class PrefetchingIter(_Around):
    """Read one batch ahead, in a thread for each iterator inside; their arrays are joined to one batch.

    An error in an iterator inside is raised by the call that would have given its batch.

    Parameters
    ----------
    iters : DataIter or list of DataIter
        The iterators inside, with equally many batches each.
    rename_data, rename_label : list of dict, optional
        For each iterator inside, the new name of each of its arrays.

    Examples
    --------
    >>> import blockscope as mx
    >>> batches = mx.io.PrefetchingIter(mx.io.NDArrayIter(mx.nd.arange(4), batch_size=2), [{'data': 'x'}])
    >>> batches.provide_data
    [DataDesc[x,(2,),<class 'numpy.float32'>,NCHW]]
    >>> [batch.data[0].asnumpy().tolist() for batch in batches]
    [[0.0, 1.0], [2.0, 3.0]]
    """

    def __init__(self, iters, rename_data=None, rename_label=None):
        super().__init__()
        self.iters = iters if isinstance(iters, list) else [iters]
        if not self.iters:
            raise AssertionError("PrefetchingIter: the list of iterators is empty")
        self.n_iter = len(self.iters)
        for argument, names in (("rename_data", rename_data), ("rename_label", rename_label)):
            if names is not None and len(names) != self.n_iter:
                raise ValueError(f"PrefetchingIter: {argument} has {len(names)} dictionaries for {self.n_iter} iterators")
        self.rename_data = rename_data
        self.rename_label = rename_label
        self.batch_size = self.provide_data[0].shape[0]
        # The threads know the iterators but not this object, so that they end when it is dropped.
        self._readers = ThreadPoolExecutor(self.n_iter, thread_name_prefix="PrefetchingIter")
        self._ahead = []
        self._read_ahead()

    def _read_ahead(self):
        self._ahead = [self._readers.submit(_next_or_none, source) for source in self.iters]

    @property
    def provide_data(self):
        """Descriptions of the inputs of a batch, a list of `DataDesc`."""
        return _renamed([source.provide_data for source in self.iters], self.rename_data)

    @property
    def provide_label(self):
        """Descriptions of the labels of a batch, a list of `DataDesc`."""
        return _renamed([source.provide_label for source in self.iters], self.rename_label)

    def reset(self):
        """Start the next pass of all iterators inside."""
        for reading in self._ahead:
            reading.exception()  # wait: an iterator is not reset while it reads; an error of the old pass is over with it
        for source in self.iters:
            source.reset()
        self._read_ahead()

    def iter_next(self):
        """Move on by one batch and return whether there is one."""
        batches = [reading.result() for reading in self._ahead]
        first = batches[0]
        if any((batch is None) != (first is None) or (batch is not None and batch.pad != first.pad) for batch in batches):
            raise AssertionError("Number of entry mismatches between iterators")
        if first is None:
            return False
        self.current_batch = DataBatch([array for batch in batches for array in batch.data],
                                       [array for batch in batches for array in batch.label or []], first.pad, first.index,
                                       provide_data=self.provide_data, provide_label=self.provide_label)
        self._read_ahead()
        return True

    def next(self):
        """Return the next `DataBatch`, or raise StopIteration after the last one."""
        if not self.iter_next():
            raise StopIteration
        return self.current_batch


def _next_or_none(source):
    try:
        return source.next()
    except StopIteration:  # a future can't hold it
        return None


def _renamed(descriptions, names):
    described = [[desc if isinstance(desc, DataDesc) else DataDesc(*desc) for desc in group] for group in descriptions]
    if names is None:
        return [desc for group in described for desc in group]
    return [DataDesc(new[desc.name], desc.shape, desc.dtype, desc.layout)
            for new, group in zip(names, described) for desc in group]
