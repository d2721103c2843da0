"""Datasets. Results and messages were asked of MXNet 1.9.1."""
import pickle

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon.data import ArrayDataset, Dataset, FilterSampler, SimpleDataset


@pytest.fixture
def pairs():
    return ArrayDataset(list(range(10)), list(range(10, 20)))


def test_samples_of_several_arrays_are_tuples(pairs):
    assert pairs[2] == (2, 12) and pairs[2:4] == ([2, 3], [12, 13]) and len(pairs) == 10


def test_samples_of_one_array_are_elements():
    assert ArrayDataset([3, 4])[1] == 4
    assert ArrayDataset(mx.nd.array([[1, 2], [3, 4]]))[1].asnumpy().tolist() == [3, 4]


def test_labels_in_an_ndarray_become_numbers():
    assert isinstance(ArrayDataset(mx.nd.array([1, 2]))[1], np.float32)


def test_wrong_arrays():
    with pytest.raises(AssertionError, match="Needs at least 1 arrays"):
        ArrayDataset()
    # MXNet 1.9.1 says array[2] here, which does not exist.
    with pytest.raises(AssertionError, match=r"All arrays must have the same length; array\[0\] has length 1 while "
                                             r"array\[1\] has 2\."):
        ArrayDataset([1], [1, 2])


def test_shards_cover_everything_once(pairs):
    shards = [pairs.shard(3, i) for i in range(3)]
    assert [len(shard) for shard in shards] == [4, 3, 3]
    assert [sample[0] for shard in shards for sample in shard] == list(range(10))


@pytest.mark.parametrize("num_shards, index, message", [
    (3, 3, "Shard index of out bound: 3 out of 3"), (3, -1, "Index must be non-negative"),
    (0, 0, "Shard index of out bound: 0 out of 0"), (0, -1, "Number of shards must be greater than 0")])
def test_shards_that_do_not_exist(pairs, num_shards, index, message):
    with pytest.raises(AssertionError, match=message):
        pairs.shard(num_shards, index)


def test_take(pairs):
    assert [len(pairs.take(count)) for count in (None, 99, 2, 0)] == [10, 10, 2, 0]
    assert list(pairs.take(2)) == [(0, 10), (1, 11)]
    with pytest.raises(ValueError, match="count must not be negative, got -1"):
        pairs.take(-1)
    with pytest.raises(IndexError):
        pairs.take(2)[2]


def test_filter_and_sample(pairs):
    expected = [(0, 10), (4, 14), (8, 18)]
    assert list(pairs.filter(lambda sample: sample[0] % 4 == 0)) == expected
    assert list(pairs.sample(FilterSampler(lambda sample: sample[0] % 4 == 0, pairs))) == expected
    with pytest.raises(TypeError, match="Invalid sampler type: <class 'list'>. Expected gluon.data.Sampler instead."):
        pairs.sample([1, 2])


def test_transform(pairs):
    assert list(pairs.take(2).transform(lambda a, b: a + b)) == [10, 12]
    assert list(pairs.take(2).transform_first(lambda a: a * 10, lazy=False)) == [(0, 10), (10, 11)]
    # A list is one argument; only a tuple is several.
    assert list(SimpleDataset([[1, 2], [3, 4]]).transform_first(lambda a: a * 2)) == [[1, 2, 1, 2], [3, 4, 3, 4]]


def test_lazy_transforms_run_at_each_access_and_eager_ones_once(pairs):
    calls = []
    lazy = pairs.take(3).transform_first(lambda a: calls.append(a) or a)
    assert calls == []
    lazy[0], lazy[0]
    assert calls == [0, 0]
    eager = pairs.take(3).transform_first(lambda a: calls.append(a) or a, lazy=False)
    del calls[:]
    assert eager[1] == (1, 11) and calls == []


def test_a_subclass_is_iterated_by_index_until_indexerror():
    class Three(Dataset):
        def __getitem__(self, index):
            if index == 3:
                raise IndexError
            return index

    assert [sample for sample in Three()] == [0, 1, 2]
    assert list(Three().transform(lambda x: -x, lazy=False)) == [0, -1, -2]
    with pytest.raises(NotImplementedError):
        len(Three())


def test_datasets_pickle():
    data = pickle.loads(pickle.dumps(ArrayDataset([1, 2, 3], [4, 5, 6]).shard(2, 0).transform_first(abs)))
    assert list(data) == [(1, 4), (2, 5)]
