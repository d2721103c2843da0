"""split_v2 and histogram; values by hand, types and messages from MXNet 1.9.1."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import nd


@pytest.mark.parametrize("split", [nd.split_v2, lambda x, *args, **kwargs: x.split_v2(*args, **kwargs)], ids=["function", "method"])
def test_split_v2(split):
    x = nd.arange(6)
    assert [p.asnumpy().tolist() for p in split(x, (1, 4))] == [[0], [1, 2, 3], [4, 5]]
    assert [p.asnumpy().tolist() for p in split(x, 3)] == [[0, 1], [2, 3], [4, 5]]
    assert [p.shape for p in split(x.reshape((2, 3)), 3, axis=1, squeeze_axis=True)] == [(2,)] * 3


def test_split_v2_passes_gradients():
    x = nd.arange(6)
    x.attach_grad()
    with mx.autograd.record():
        _, middle, _ = nd.split_v2(x, (1, 4))
        y = middle * 3
    y.backward()
    assert x.grad.asnumpy().tolist() == [0, 3, 3, 3, 0, 0]


def test_split_v2_refuses_unequal_parts():
    with pytest.raises(ValueError, match="array split does not result in an equal division"):
        nd.split_v2(nd.arange(6), 4)


def test_histogram():
    x = nd.array([[3, 1, 2], [1, 3, 3]])
    counts, edges = nd.histogram(x, bins=3)
    assert counts.asnumpy().tolist() == [2, 1, 3]
    assert counts.dtype == np.float32
    np.testing.assert_allclose(edges.asnumpy(), np.linspace(1, 3, 4), rtol=1e-6)
    counts, _ = nd.histogram(x, bins=2, range=(0, 2))
    assert counts.asnumpy().tolist() == [0, 3]
    assert counts.dtype == np.int64
    counts, _ = nd.histogram(x, bins=nd.array([0, 1.5, 4]))
    assert counts.asnumpy().tolist() == [2, 4]
