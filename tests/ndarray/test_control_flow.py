"""foreach, while_loop and cond, run step by step; numbers from MXNet 1.9.1 (trace op/control_flow) or by hand."""
import numpy as np
import pytest

import blockscope as mx
from blockscope.ndarray import contrib


def test_foreach_stacks_outputs_and_differentiates_through_states():
    x, s = mx.nd.array([[1, 2], [3, 4]]), mx.nd.array([10, 20])
    x.attach_grad()
    s.attach_grad()
    with mx.autograd.record():
        out, (last,) = contrib.foreach(lambda d, q: (d * q[0], [q[0] + d]), x, [s])
        loss = out.sum() + last.sum()
    loss.backward()
    assert out.asnumpy().tolist() == [[10, 40], [33, 88]]  # 1*10, 2*20; 3*(10+1), 4*(20+2)
    assert last.asnumpy().tolist() == [14, 26]
    # d loss/ds = x0 + x1 + 1; d loss/dx0 = s + x1 + 1; d loss/dx1 = s + x0 + 1
    assert s.grad.asnumpy().tolist() == [5, 7]
    assert x.grad.asnumpy().tolist() == [[14, 25], [12, 23]]


def test_foreach_keeps_nesting():
    data = [mx.nd.zeros((3, 2)), mx.nd.ones((3, 4))]
    out, states = contrib.foreach(lambda d, s: ([d[0], [d[1], s]], s), data, mx.nd.zeros((1,)))
    assert out[0].shape == (3, 2) and out[1][0].shape == (3, 4) and out[1][1].shape == (3, 1)
    assert states.shape == (1,)


def test_while_loop_pads_with_zeros():
    out, (i, a) = contrib.while_loop(lambda i, a: i < 3, lambda i, a: (a * i, [i + 1, a + 1]),
                                     [mx.nd.array([0]), mx.nd.array([1])], max_iterations=5)
    assert out.asnumpy().ravel().tolist() == [0, 2, 6, 0, 0]  # MXNet leaves the last two rows undefined
    assert (i.asscalar(), a.asscalar()) == (3, 4)


def test_while_loop_that_never_runs_gives_no_outputs():
    out, i = contrib.while_loop(lambda i: i < 0, lambda i: (i, i), mx.nd.array([1]), max_iterations=2)
    assert out == [] and i.asscalar() == 1


def test_cond_runs_one_branch():
    ran = []

    def branch(value):
        ran.append(value)
        return mx.nd.array([value])
    assert contrib.cond(mx.nd.array([0]), lambda: branch(5), lambda: branch(6)).asscalar() == 6
    assert ran == [6]


@pytest.mark.parametrize("call, error, why", [
    (lambda: contrib.while_loop(lambda i: i < 3, lambda i: (i, i), mx.nd.zeros((1,))), ValueError, "max_iterations should be"),
    (lambda: contrib.while_loop(lambda: True, lambda: (1, 1), [], 3), ValueError, "at least one element"),
    (lambda: contrib.foreach(lambda d, s: (d, s), [1], mx.nd.zeros((1,))), AssertionError, "data should be an NDArray"),
    (lambda: contrib.cond("x", lambda: 3, lambda: 4), AssertionError, "branch of cond"),
])
def test_wrong_calls(call, error, why):
    with pytest.raises(error, match=why):
        call()


def test_numbers_that_are_not_finite():
    x = mx.nd.array([np.nan, np.inf, -np.inf, 1])
    assert contrib.isnan(x).asnumpy().tolist() == [1, 0, 0, 0]
    assert contrib.isinf(x).asnumpy().tolist() == [0, 1, 1, 0]
    assert contrib.isfinite(x).asnumpy().tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("name", ["csr_matrix", "row_sparse_array", "array"])
def test_sparse_arrays_are_refused_with_what_to_do(name):
    with pytest.raises(mx.MXNetError, match=f"nd.sparse.{name}: sparse arrays are not available in blockscope yet; use"):
        getattr(mx.nd.sparse, name)([[1, 0]])
