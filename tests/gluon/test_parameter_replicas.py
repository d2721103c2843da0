"""One value on several contexts. Expected values follow from the rules in `blockscope.gluon._replicas`."""
import numpy as np
import pytest

from blockscope import autograd, cpu
from blockscope.gluon.parameter import Parameter

CONTEXTS = [cpu(0), cpu(1), cpu(2)]


@pytest.fixture
def param():
    p = Parameter('w', shape=(2,), init='ones')
    p.initialize(ctx=CONTEXTS)
    return p


def values(p):
    return [a.asnumpy().tolist() for a in p.list_data()]


def test_all_replicas_start_equal(param):
    assert [a.context for a in param.list_data()] == CONTEXTS
    assert values(param) == [[1, 1]] * 3
    assert len({id(a._raw) for a in param.list_data()}) == 3


def test_set_data_reaches_every_context(param):
    param.set_data(np.array([3, 4]))
    assert values(param) == [[3, 4]] * 3


def test_replicas_are_refreshed_when_asked_for(param):
    third = param.data(cpu(2))
    param.set_data(np.array([3, 4]))
    assert third.asnumpy().tolist() == [1, 1]
    assert param.data(cpu(2)) is third
    assert third.asnumpy().tolist() == [3, 4]


def test_the_replica_announced_fresh_is_the_value(param):
    param.list_data()[1][:] = 7
    param._set_fresh(1)
    assert param.data(cpu(2)).asnumpy().tolist() == [7, 7]
    assert param._reduce().asnumpy().tolist() == [7, 7]
    assert values(param) == [[7, 7]] * 3


def test_writing_into_a_replica_stays_there(param):
    param.data(cpu(1))[:] = 4
    assert values(param) == [[1, 1], [4, 4], [1, 1]]
    np.testing.assert_allclose(param._reduce().asnumpy(), [2, 2])


def test_reducing_equal_replicas_is_exact():
    p = Parameter('w', shape=(1000,))
    p.initialize(ctx=CONTEXTS)
    np.testing.assert_array_equal(p._reduce().asnumpy(), p.data(cpu(1)).asnumpy())
    assert p._reduce().context == cpu(0)
    assert not np.shares_memory(p._reduce()._raw, p.data(cpu(0))._raw)


def test_refreshing_is_not_recorded(param):
    param.set_data(np.array([3, 4]))
    with autograd.record():
        y = (param.data(cpu(1)) * 2).sum()
    y.backward()
    assert [g.asnumpy().tolist() for g in param.list_grad()] == [[0, 0], [2, 2], [0, 0]]


def test_gradients_are_kept_per_context(param):
    for factor, ctx in zip((2, 3), CONTEXTS):
        with autograd.record():
            y = (param.data(ctx) * factor).sum()
        y.backward()
    assert [param.grad(ctx).asnumpy().tolist() for ctx in CONTEXTS] == [[2, 2], [3, 3], [0, 0]]


def test_context_map_of_mxnet(param):
    assert param._ctx_map == [[], [0, 1, 2]]
