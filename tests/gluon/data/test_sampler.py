"""Samplers. Orders, lengths and messages were asked of MXNet 1.9.1."""
import numpy as np
import pytest

from blockscope.gluon.data import (BatchSampler, FilterSampler, IntervalSampler, RandomSampler, Sampler,
                                   SequentialSampler)


def test_sequential():
    assert list(SequentialSampler(3, 5)) == [5, 6, 7] and len(SequentialSampler(3)) == 3


def test_random_gives_the_orders_of_mxnet():
    np.random.seed(3)
    sampler = RandomSampler(6)
    assert list(sampler) == [3, 5, 4, 1, 0, 2] and len(sampler) == 6  # MXNet 1.9.1 after numpy.random.seed(3)
    orders = {tuple(sampler) for _ in range(20)}
    assert len(orders) > 1 and all(sorted(order) == list(range(6)) for order in orders)


def test_filter_asks_once():
    asked = []
    sampler = FilterSampler(lambda x: asked.append(x) or x % 2 == 0, [4, 5, 6])
    assert list(sampler) == list(sampler) == [0, 2] and len(sampler) == 2 and asked == [4, 5, 6]


@pytest.mark.parametrize("last_batch, epochs, lengths", [
    ("keep", [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]] * 3, [3, 3, 3, 3]),
    ("discard", [[[0, 1, 2, 3], [4, 5, 6, 7]]] * 3, [2, 2, 2, 2]),
    ("rollover", [[[0, 1, 2, 3], [4, 5, 6, 7]], [[8, 9, 0, 1], [2, 3, 4, 5], [6, 7, 8, 9]],
                  [[0, 1, 2, 3], [4, 5, 6, 7]]], [2, 3, 2, 3]),
])
def test_last_batch(last_batch, epochs, lengths):
    sampler = BatchSampler(SequentialSampler(10), 4, last_batch)
    assert len(sampler) == lengths[0]
    for epoch, length in zip(epochs, lengths[1:]):
        assert list(sampler) == epoch and len(sampler) == length


def test_unknown_last_batch():
    message = "last_batch must be one of 'keep', 'discard', or 'rollover', but got x"
    sampler = BatchSampler(SequentialSampler(10), 4, "x")
    with pytest.raises(ValueError, match=message):
        list(sampler)
    with pytest.raises(ValueError, match=message):
        len(sampler)


def test_interval():
    assert list(IntervalSampler(13, interval=3)) == [0, 3, 6, 9, 12, 1, 4, 7, 10, 2, 5, 8, 11]
    assert list(IntervalSampler(13, interval=3, rollover=False)) == [0, 3, 6, 9, 12]
    assert len(IntervalSampler(13, interval=3)) == 13
    assert len(IntervalSampler(13, interval=3, rollover=False)) == 5  # MXNet says 13, and 5 come
    with pytest.raises(AssertionError, match="Interval 3 must be smaller than or equal to length 2"):
        IntervalSampler(2, interval=3)


def test_the_base_class_is_abstract():
    with pytest.raises(NotImplementedError):
        iter(Sampler())
    with pytest.raises(NotImplementedError):
        len(Sampler())
