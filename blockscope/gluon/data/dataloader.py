"""DataLoader: mini-batches of a dataset, made here, in threads, or in processes."""
import numpy as np

from ... import ndarray as nd
from ...backend import cpu_pinned, current_context
from .dataset import ArrayDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader"]

_ARRAY_TYPES = frozenset(np.dtype(name) for name in ("float16", "float32", "float64", "uint8", "int8", "int32",
                                                     "int64", "bool"))


def default_batchify_fn(data):
    """Stack the samples of a batch.

    Parameters
    ----------
    data : list
        Samples: NDArrays, tuples (which give a list of stacks, at any depth), or whatever NumPy makes an array of.

    Returns
    -------
    NDArray or list
        Of the samples' type; a batch of Python floats is float64.

    Examples
    --------
    >>> default_batchify_fn([(1, 2.5), (3, 4.5)])
    [
    [1 3]
    <NDArray 2 @cpu(0)>,
    [2.5 4.5]
    <NDArray 2 @cpu(0)>]
    """
    if isinstance(data[0], nd.NDArray):
        return nd.stack(*data)
    if isinstance(data[0], tuple):
        return [default_batchify_fn(part) for part in zip(*data)]
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"the samples of a batch do not stack: {error}. Give DataLoader a batchify_fn that pads "
                         "them, or a dataset of equal shapes") from error
    return _wrapped(values)


def _wrapped(values):
    """Return an NDArray of a NumPy array that nobody else holds; in host memory, it is that very array."""
    ctx = current_context()
    if values.dtype in _ARRAY_TYPES and type(values) is ctx._backend.array_type() and values.flags.c_contiguous:
        return nd.NDArray(values, ctx)
    return nd.array(values, ctx=ctx, dtype=values.dtype)


# In MXNet this one stacks into shared memory. Here the transport does, for any batchify_fn.
default_mp_batchify_fn = default_batchify_fn


def _as_in_context(data, ctx):
    """Move the arrays of a batch to another context."""
    if isinstance(data, nd.NDArray):
        return data.as_in_context(ctx)
    if isinstance(data, (list, tuple)):
        return [_as_in_context(part, ctx) for part in data]
    return data


class DataLoader:
    """Iterate over a dataset in mini-batches.

    Parameters
    ----------
    dataset : Dataset or array
        Where the samples are.
    batch_size : int
        Samples in a batch; needed unless `batch_sampler` is given.
    shuffle : bool, default False
        Visit the samples in a random order (by ``numpy.random``), another one in every epoch.
    sampler : Sampler
        Gives the order, in place of `shuffle`.
    last_batch : {'keep', 'discard', 'rollover'}
        What becomes of the samples that do not fill a batch; see :class:`BatchSampler`. Default 'keep'.
    batch_sampler : Sampler
        Gives lists of indices, in place of the four arguments above.
    batchify_fn : callable
        Makes a batch of a list of samples. Default: stack them as NDArrays.
    num_workers : int, default 0
        Processes (or threads) that make batches; 0 makes them in the calling thread.
    pin_memory : bool, default False
        Move batches to page-locked memory, from where they reach a GPU faster.
    pin_device_id : int, default 0
        Device for which memory is pinned.
    prefetch : int, default ``2 * num_workers``
        Batches that workers make ahead.
    thread_pool : bool, default False
        Use threads: they start at once and share memory, and run Python code one at a time.
    timeout : int, default 120
        Seconds that a batch may take a worker.
    auto_reload : bool, default False
        Start on the next epoch as soon as one has ended, before it is asked for.
    start_method : {'fork', 'spawn', 'forkserver'}, keyword only
        How worker processes start (not in MXNet). By default fork on Linux, unless the program has loaded CuPy, which
        a fork breaks, or has called ``multiprocessing.set_start_method``; else spawn.

    Raises
    ------
    ValueError
        When arguments contradict each other.
    AssertionError
        When `timeout` is not positive (the class that MXNet raises).
    multiprocessing.TimeoutError
        When iterating, if a worker takes longer than `timeout`.

    Notes
    -----
    An error in a worker is raised here, with the worker's traceback as its cause. Every batch made by a process starts
    from a seed of its own, which follows from the state of ``numpy.random`` when the loader was made: random transforms
    give the same data with any number of processes.

    Examples
    --------
    >>> import blockscope as mx
    >>> data = mx.gluon.data.ArrayDataset(mx.nd.arange(6).reshape((3, 2)), [0, 1, 0])
    >>> for x, y in mx.gluon.data.DataLoader(data, batch_size=2):
    ...     print(x.shape, y.asnumpy())
    (2, 2) [0 1]
    (1, 2) [0]
    """

    _worker_pool = None  # when __init__ raises, too

    def __init__(self, dataset, batch_size=None, shuffle=False, sampler=None, last_batch=None, batch_sampler=None,
                 batchify_fn=None, num_workers=0, pin_memory=False, pin_device_id=0, prefetch=None, thread_pool=False,
                 timeout=120, auto_reload=False, *, start_method=None):
        if timeout <= 0:
            raise AssertionError(f"timeout must be positive, given {timeout}")
        self._dataset = dataset
        self._batch_sampler = _batch_sampler(dataset, batch_size, shuffle, sampler, last_batch, batch_sampler)
        self._batchify_fn = default_batchify_fn if batchify_fn is None else batchify_fn
        self._num_workers = max(0, num_workers)
        self._prefetch = max(0, int(prefetch) if prefetch is not None else 2 * self._num_workers)
        self._pin_memory = pin_memory
        self._pin_device_id = pin_device_id
        self._thread_pool = thread_pool
        self._timeout = timeout
        self._start_method = start_method
        self._open_pool()
        self.auto_reload = auto_reload
        self._iter = None
        if auto_reload:
            self.refresh()

    def __iter__(self):
        if self._iter is None:
            self.refresh()
        batches, self._iter = self._iter, None  # a started iterator is used once
        yield from batches
        if self._iter is None and self.auto_reload:
            self.refresh()

    def __len__(self):
        return len(self._batch_sampler)

    def __del__(self):
        if self._worker_pool is not None:
            self._worker_pool.close()

    def refresh(self):
        """Start on an epoch now: workers begin to make the batches that the next iteration will give."""
        self._iter = self._prefetch_iter()

    def clean(self):
        """Forget an epoch that was started ahead."""
        self._iter = None

    def _open_pool(self):
        """Start the workers, unless they run."""
        if self._num_workers == 0 or (self._worker_pool is not None and self._worker_pool.close.alive):
            return
        # Imported when used: worker pools need multiprocessing, which would make up a tenth of the time of `import
        # blockscope`.
        from . import _workers

        if self._thread_pool:
            self._worker_pool = _workers.ThreadPool(self._num_workers, self._dataset, self._batchify_fn)
        else:
            self._worker_pool = _workers.ProcessPool(self._num_workers, self._dataset, self._batchify_fn,
                                                     self._start_method)

    def _prefetch_iter(self):
        if self._num_workers == 0:
            return self._batches_made_here()
        self._open_pool()  # again, where a worker died in an earlier epoch
        return _PooledBatches(self._worker_pool, self._batch_sampler, self._prefetch, self._timeout, self._pinned)

    def _batches_made_here(self):
        for samples in self._batch_sampler:
            batch = _gathered(self._dataset, samples) if self._batchify_fn is default_batchify_fn else None
            if batch is None:
                batch = self._batchify_fn([self._dataset[index] for index in samples])
            yield self._pinned(batch)

    def _pinned(self, batch):
        return _as_in_context(batch, cpu_pinned(self._pin_device_id)) if self._pin_memory else batch


class _PooledBatches:
    """The batches of one epoch, in order, from a pool of workers."""

    def __init__(self, pool, batch_sampler, prefetch, timeout, finish):
        self._pool = pool
        self._batch_sampler = batch_sampler
        self._samples = iter(batch_sampler)
        self._tasks = []
        self._timeout = timeout
        self._finish = finish
        for _ in range(prefetch):
            self._push_next()

    def __len__(self):
        return len(self._batch_sampler)

    def __iter__(self):
        return self

    def __next__(self):
        self._push_next()
        if not self._tasks:
            raise StopIteration
        return self._finish(self._pool.result(self._tasks.pop(0), self._timeout))

    next = __next__

    def __del__(self):
        for task in self._tasks:
            self._pool.forget(task)

    def _push_next(self):
        samples = next(self._samples, None)
        if samples is not None:
            self._tasks.append(self._pool.submit(samples))


def _batch_sampler(dataset, batch_size, shuffle, sampler, last_batch, batch_sampler):
    """Return what gives the lists of indices, from the arguments of DataLoader."""
    if batch_sampler is not None:
        if batch_size is not None or shuffle or sampler is not None or last_batch is not None:
            raise ValueError("batch_size, shuffle, sampler and last_batch must not be specified if batch_sampler is "
                             "specified.")
        return batch_sampler
    if batch_size is None:
        raise ValueError("batch_size must be specified unless batch_sampler is specified")
    if sampler is None:
        sampler = RandomSampler(len(dataset)) if shuffle else SequentialSampler(len(dataset))
    elif shuffle:
        raise ValueError("shuffle must not be specified if sampler is specified")
    return BatchSampler(sampler, batch_size, last_batch if last_batch else "keep")


def _gathered(dataset, samples):
    """Return the default batch of an ArrayDataset of arrays by one indexing each, or None.

    The same values as stacking the samples gives, ten to thirty times faster.
    """
    if type(dataset) is not ArrayDataset:
        return None
    batch = [_rows(field, samples) for field in dataset._data]
    if any(rows is None for rows in batch):
        return None
    return batch if len(batch) > 1 else batch[0]


def _rows(field, samples):
    if type(field) is np.ndarray and field.dtype in _ARRAY_TYPES:
        return _wrapped(field[samples])
    if type(field) is nd.NDArray:
        return field[samples]
    return None
