"""`CachedOp`: a graph as a function of arrays."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import MXNetError, autograd, nd
from blockscope.executor import CachedOp

A, B = mx.sym.var('a'), mx.sym.var('b')


def test_arguments_come_in_the_order_of_list_inputs():
    norm = mx.sym.BatchNorm(mx.sym.FullyConnected(A, num_hidden=2, name='fc'), name='bn')
    op = CachedOp(norm)
    assert list(op.inputs) == norm.list_inputs()


def test_one_plan_a_kind_of_call():
    op = CachedOp(A + B)
    for shape in ((2,), (3,), (2,), (2,)):
        op(nd.ones(shape), nd.ones(shape))
    assert len(op._plans) == 2
    op(nd.ones((2,), dtype='float64'), nd.ones((2,), dtype='float64'))
    with autograd.train_mode():
        op(nd.ones((2,)), nd.ones((2,)))
    x = nd.ones((2,))
    x.attach_grad()
    with autograd.record():
        op(x, nd.ones((2,)))
        op(nd.ones((2,)), x)
    assert len(op._plans) == 6


def test_a_plan_is_found_again_without_a_search():
    op = CachedOp(A * 2)
    op(nd.ones((2,)))
    plan = op._last[2]
    for _ in range(3):
        op(nd.ones((2,)))
        assert op._last[2] is plan


def test_mixed_types_are_refused_as_for_arrays():
    op = CachedOp(mx.sym.elemwise_add(A, B, name='sum'))
    for _ in range(2):
        with pytest.raises(MXNetError, match='Incompatible attr in node sum at 1-th input: expected float32, got float64'):
            op(nd.ones((2,)), nd.ones((2,), dtype='float64'))


def test_gradients_of_chosen_inputs_only():
    op = CachedOp(mx.sym.dot(A, B))
    a, b = nd.array([[1, 2]]), nd.array([[3], [4]])
    b.attach_grad()
    with autograd.record():
        y, = op(a, b)
    y.backward()
    np.testing.assert_array_equal(b.grad.asnumpy(), [[1], [2]])
    assert a.grad is None


def test_outputs_without_a_gradient():
    op = CachedOp(mx.sym.Group([A * 2, mx.sym.shape_array(A, name='shape')]))
    a = nd.ones((2,))
    a.attach_grad()
    with autograd.record():
        y, shape = op(a)
        total = y.sum()
    total.backward()
    np.testing.assert_array_equal(a.grad.asnumpy(), [2, 2])


def test_no_inputs():
    first, = CachedOp(mx.sym.ones((2, 3)) * 2)()
    np.testing.assert_array_equal(first.asnumpy(), np.full((2, 3), 2))


def test_variables_of_one_name_are_two_inputs():
    op = CachedOp(mx.sym.var('a') * 2 + mx.sym.var('a'))
    assert op.inputs == ('a', 'a')
    assert op(nd.array([1]), nd.array([5]))[0].asscalar() == 7


def test_states_are_overwritten_in_place():
    op = CachedOp(mx.sym.BatchNorm(A, name='bn', momentum=0.5, fix_gamma=False))
    mean, var = nd.zeros((1,)), nd.ones((1,))
    view = mean[:]
    with autograd.train_mode():
        op(nd.array([[1], [3]]), nd.ones((1,)), nd.zeros((1,)), mean, var)
    assert mean.asscalar() == view.asscalar() == 1
    assert var.asscalar() == 1


def test_a_call_says_which_node_failed():
    op = CachedOp(mx.sym.FullyConnected(mx.sym.relu(A, name='r'), num_hidden=2, no_bias=True, name='fc'))
    for _ in range(2):
        with pytest.raises(MXNetError, match=r'FullyConnected\(data=\(1, 3\), weight=\(2, 4\).*in node fc'):
            op(nd.ones((1, 3)), nd.ones((2, 4)))
        op(nd.ones((1, 4)), nd.ones((2, 4)))
