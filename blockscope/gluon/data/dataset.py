"""Datasets: samples by number, and new datasets made of others."""
from ...errors import public_class
from ...ndarray import NDArray
from .sampler import FilterSampler, Sampler, SequentialSampler

__all__ = ["Dataset", "SimpleDataset", "ArrayDataset"]


class Dataset:
    """Base class: a dataset gives its i-th sample by ``__getitem__`` and their number by ``__len__``.

    Any object with these two, such as a list or an array, serves as a dataset too.

    Examples
    --------
    >>> class Squares(Dataset):
    ...     def __getitem__(self, i):
    ...         return i * i
    ...     def __len__(self):
    ...         return 5
    >>> data = Squares()
    >>> [data.take(3)[i] for i in range(3)], [data.shard(2, 1)[i] for i in range(2)]
    ([0, 1, 4], [9, 16])
    """

    def __getitem__(self, idx):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError

    def filter(self, fn):
        """Return the samples for which `fn` is true.

        `fn` is called now, once for each sample; a lazy transform below is applied again when a sample is fetched.

        Parameters
        ----------
        fn : callable
            Takes a sample, returns a truth value.

        Returns
        -------
        Dataset
        """
        return _SampledDataset(self, FilterSampler(fn, self))

    def shard(self, num_shards, index):
        """Return one of `num_shards` parts that have equally many samples, or one more.

        Shard before shuffling, so that every worker of a distributed training gets samples of its own.

        Parameters
        ----------
        num_shards : int
            Number of parts.
        index : int
            Which of them, from 0.

        Returns
        -------
        Dataset

        Raises
        ------
        AssertionError
            When there is no such part (the class that MXNet raises).
        """
        if index >= num_shards:
            raise AssertionError(f"Shard index of out bound: {index} out of {num_shards}")
        if num_shards <= 0:
            raise AssertionError("Number of shards must be greater than 0")
        if index < 0:
            raise AssertionError("Index must be non-negative")
        each, rest = divmod(len(self), num_shards)
        start = each * index + min(index, rest)
        return _SampledDataset(self, SequentialSampler(each + (index < rest), start))

    def take(self, count):
        """Return the first `count` samples; all of them when `count` is None or greater.

        Parameters
        ----------
        count : int or None
            How many.

        Returns
        -------
        Dataset
        """
        if count is None or count > len(self):
            count = len(self)
        if count < 0:
            raise ValueError(f"count must not be negative, got {count}")
        return _SampledDataset(self, SequentialSampler(count))

    def sample(self, sampler):
        """Return the samples whose indices a sampler gives, in its order; the sampler is asked once, now.

        Parameters
        ----------
        sampler : Sampler
            Gives the indices.

        Returns
        -------
        Dataset

        Raises
        ------
        TypeError
            When `sampler` is no Sampler.
        """
        if not isinstance(sampler, Sampler):
            raise TypeError(f"Invalid sampler type: {public_class(type(sampler))}. "
                            "Expected gluon.data.Sampler instead.")
        return _SampledDataset(self, sampler)

    def transform(self, fn, lazy=True):
        """Return a dataset whose samples went through `fn`.

        Parameters
        ----------
        fn : callable
            Takes a sample (the parts of a tuple as several arguments), returns another.
        lazy : bool, default True
            Call `fn` whenever a sample is fetched, as a random transform needs; else once for every sample, now.

        Returns
        -------
        Dataset
        """
        transformed = _LazyTransformDataset(self, fn)
        return transformed if lazy else SimpleDataset([sample for sample in transformed])

    def transform_first(self, fn, lazy=True):
        """Return a dataset in which the first part of every sample, such as the image, went through `fn`.

        Parameters
        ----------
        fn : callable
            Takes the first part, returns another.
        lazy : bool, default True
            As for :meth:`transform`.

        Returns
        -------
        Dataset
        """
        return self.transform(_TransformFirstClosure(fn), lazy)


class SimpleDataset(Dataset):
    """A dataset around anything with ``len()`` and ``[]``, such as a list or an array.

    Parameters
    ----------
    data : dataset-like
        The samples.

    Examples
    --------
    >>> SimpleDataset([3, 4]).transform(lambda x: x * 10)[1]
    40
    """

    def __init__(self, data):
        self._data = data

    def __len__(self):
        return len(self._data)

    def __getitem__(self, idx):
        return self._data[idx]


class ArrayDataset(Dataset):
    """A dataset of tuples, the i-th made of the i-th elements of several arrays, lists or datasets of equal length.

    Parameters
    ----------
    *args : dataset-like
        One or more; of a single one the samples are its elements, without a tuple.

    Raises
    ------
    AssertionError
        When nothing is given, or the lengths differ (the class that MXNet raises).

    Examples
    --------
    >>> data = ArrayDataset([1, 2, 3], ['a', 'b', 'c'])
    >>> len(data), data[1]
    (3, (2, 'b'))
    """

    def __init__(self, *args):
        if not args:
            raise AssertionError("Needs at least 1 arrays")
        self._length = len(args[0])
        self._data = []
        for number, data in enumerate(args):
            if len(data) != self._length:
                # MXNet's message numbers the second array one too high.
                raise AssertionError(f"All arrays must have the same length; array[0] has length {self._length} "
                                     f"while array[{number}] has {len(data)}.")
            if isinstance(data, NDArray) and data.ndim == 1:
                data = data.asnumpy()  # labels: NumPy scalars cost far less than arrays of one element
            self._data.append(data)

    def __getitem__(self, idx):
        if len(self._data) == 1:
            return self._data[0][idx]
        return tuple(data[idx] for data in self._data)

    def __len__(self):
        return self._length


class _LazyTransformDataset(Dataset):
    """Samples of another dataset, each through a function when it is fetched."""

    def __init__(self, data, fn):
        self._data = data
        self._fn = fn

    def __len__(self):
        return len(self._data)

    def __getitem__(self, idx):
        item = self._data[idx]
        if isinstance(item, tuple):
            return self._fn(*item)
        return self._fn(item)


class _TransformFirstClosure:
    """Apply a function to the first argument: an object and no closure, so that it can be pickled."""

    def __init__(self, fn):
        self._fn = fn

    def __call__(self, x, *args):
        if args:
            return (self._fn(x), *args)
        return self._fn(x)


class _SampledDataset(Dataset):
    """Samples of another dataset, chosen by a sampler."""

    def __init__(self, dataset, sampler):
        self._dataset = dataset
        self._sampler = sampler
        self._indices = list(sampler)

    def __len__(self):
        return len(self._indices)

    def __getitem__(self, idx):
        return self._dataset[self._indices[idx]]
