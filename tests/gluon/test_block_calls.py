"""Nested arguments. Golden texts: MXNet 1.9.1 (`mxnet.gluon.block._flatten`, `_regroup`)."""
import pytest

from blockscope import ndarray as nd
from blockscope.context import cpu
from blockscope.gluon._calls import _flatten, _gather_contexts, _regroup


@pytest.fixture
def arrays():
    return [nd.zeros((i + 1,)) for i in range(3)]


def test_flatten_and_regroup_are_inverse_up_to_lists(arrays):
    a, b, c = arrays
    flat, form = _flatten([a, (b, None), [c]], 'input')
    assert flat == [a, b, None, c]
    assert form == [0, [0, -1], [0]]
    assert _regroup(flat, form) == [a, [b, None], [c]]
    assert _regroup([a], 0) is a
    assert _regroup([a, b], 2) == [a, b]


def test_flatten_refuses_other_things(arrays):
    with pytest.raises(ValueError, match=r"^When hybridized, the input of HybridBlock input must be \(nested\) list of Symbol or "
                                         r"NDArray, but got 3 of type <class 'int'>$"):
        _flatten([arrays[0], 3], 'input')


def test_regroup_refuses_wrong_formats(arrays):
    with pytest.raises(ValueError, match=r'^Unsupported encoded format -2\.$'):
        _regroup(arrays, -2)
    with pytest.raises(ValueError, match='^We do not support passing types that are not None'):
        _regroup(arrays, [-1])


def test_contexts_in_order_of_appearance():
    a, b = nd.zeros((1,), ctx=cpu(1)), nd.zeros((1,), ctx=cpu(0))
    assert _gather_contexts([None, [a, (b,)], a, 3]) == [cpu(1), cpu(0)]
    assert _gather_contexts([None]) == []
