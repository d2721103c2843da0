"""Samplers: in which order the samples of a dataset are visited, and how they are grouped."""
import numpy as np

__all__ = ["Sampler", "SequentialSampler", "RandomSampler", "FilterSampler", "BatchSampler", "IntervalSampler"]


class Sampler:
    """Base class: a sampler gives indices by ``__iter__`` and says how many by ``__len__``."""

    def __iter__(self):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError


class SequentialSampler(Sampler):
    """Give ``start, start + 1, ...``.

    Parameters
    ----------
    length : int
        How many indices.
    start : int, default 0
        The first one.

    Examples
    --------
    >>> list(SequentialSampler(3, start=5))
    [5, 6, 7]
    """

    def __init__(self, length, start=0):
        self._length = length
        self._start = start

    def __iter__(self):
        return iter(range(self._start, self._start + self._length))

    def __len__(self):
        return self._length


class RandomSampler(Sampler):
    """Give ``0 .. length - 1`` in a random order, another one at every iteration.

    The order comes from NumPy's global generator, so that ``numpy.random.seed`` gives the orders that MXNet gives.

    Parameters
    ----------
    length : int
        How many indices.

    Examples
    --------
    >>> np.random.seed(3)
    >>> [int(i) for i in RandomSampler(6)]
    [3, 5, 4, 1, 0, 2]
    """

    def __init__(self, length):
        self._length = length

    def __iter__(self):
        indices = np.arange(self._length)
        np.random.shuffle(indices)
        return iter(indices)

    def __len__(self):
        return self._length


class FilterSampler(Sampler):
    """Give the indices of the samples for which a function is true; the function is called once per sample, at once.

    Parameters
    ----------
    fn : callable
        Takes a sample, returns a truth value.
    dataset : Dataset
        Where the samples are.

    Examples
    --------
    >>> list(FilterSampler(lambda x: x > 4, [3, 8, 5, 1]))
    [1, 2]
    """

    def __init__(self, fn, dataset):
        self._fn = fn
        self._dataset = dataset
        self._indices = [i for i, sample in enumerate(dataset) if fn(sample)]

    def __iter__(self):
        return iter(self._indices)

    def __len__(self):
        return len(self._indices)


class BatchSampler(Sampler):
    """Group the indices of another sampler into lists.

    Parameters
    ----------
    sampler : Sampler
        Gives the indices.
    batch_size : int
        Length of a list.
    last_batch : {'keep', 'discard', 'rollover'}, default 'keep'
        What becomes of a rest that is shorter: a short batch, nothing, or the beginning of the next iteration.

    Raises
    ------
    ValueError
        When iterated or measured with another `last_batch`.

    Examples
    --------
    >>> list(BatchSampler(SequentialSampler(10), 3, 'keep'))
    [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    >>> rolling = BatchSampler(SequentialSampler(4), 3, 'rollover')
    >>> list(rolling), list(rolling)
    ([[0, 1, 2]], [[3, 0, 1]])
    """

    def __init__(self, sampler, batch_size, last_batch="keep"):
        self._sampler = sampler
        self._batch_size = batch_size
        self._last_batch = last_batch
        self._prev = []

    def __iter__(self):
        batch, self._prev = self._prev, []
        for index in self._sampler:
            batch.append(index)
            if len(batch) == self._batch_size:
                yield batch
                batch = []
        if not batch or self._last_batch == "discard":
            return
        if self._last_batch == "keep":
            yield batch
        elif self._last_batch == "rollover":
            self._prev = batch
        else:
            raise self._unknown_last_batch()

    def __len__(self):
        if self._last_batch == "keep":
            return -(-len(self._sampler) // self._batch_size)
        if self._last_batch == "discard":
            return len(self._sampler) // self._batch_size
        if self._last_batch == "rollover":
            return (len(self._prev) + len(self._sampler)) // self._batch_size
        raise self._unknown_last_batch()

    def _unknown_last_batch(self):
        return ValueError(f"last_batch must be one of 'keep', 'discard', or 'rollover', but got {self._last_batch}")


class IntervalSampler(Sampler):
    """Give every `interval`-th index; with `rollover` start again at 1, 2, ... until every index was given once.

    MXNet keeps it in ``gluon.contrib.data``.

    Parameters
    ----------
    length : int
        How many indices there are.
    interval : int
        The distance of two indices, at most `length`.
    rollover : bool, default True
        Whether to go on with the indices that were left out.

    Examples
    --------
    >>> list(IntervalSampler(7, interval=3)), list(IntervalSampler(7, interval=3, rollover=False))
    ([0, 3, 6, 1, 4, 2, 5], [0, 3, 6])
    """

    def __init__(self, length, interval, rollover=True):
        if interval > length:
            raise AssertionError(f"Interval {interval} must be smaller than or equal to length {length}")
        self._length = length
        self._interval = interval
        self._rollover = rollover

    def __iter__(self):
        for start in range(self._interval if self._rollover else 1):
            yield from range(start, self._length, self._interval)

    def __len__(self):
        # MXNet gives `length` also without rollover, although fewer indices come.
        return self._length if self._rollover else -(-self._length // self._interval)
