"""Arrays on contexts: where they are made, moved, mixed and computed; the same bodies on every device."""

import numpy as np
import pytest

import blockscope as mx


def test_cpu_contexts_are_distinct_and_mix():
    a, b = mx.nd.ones((2,), ctx=mx.cpu(0)), mx.nd.ones((2,), ctx=mx.cpu(1))
    assert a.context is not b.context
    assert (a + b).context is mx.cpu(0)
    assert (b + a).context is mx.cpu(1)
    assert b.as_in_context(mx.cpu(1)) is b
    moved = b.as_in_context(mx.cpu(0))
    moved[:] = 3
    assert b.asnumpy().tolist() == [1, 1]


def test_with_context(device):
    with device:
        made = [
            mx.nd.zeros((2,)),
            mx.nd.ones(2),
            mx.nd.array([1]),
            mx.nd.full((1,), 2),
            mx.nd.empty((2,)),
            mx.nd.arange(3),
        ]
    assert all(x.context is device for x in made)
    assert mx.nd.zeros((2,)).context is mx.cpu(0)


def test_moving(device):
    x = mx.nd.array([[1, 2], [3, 4]])
    y = x.as_in_context(device)
    assert y.context is device
    assert y.as_in_context(device) is y
    z = y.copyto(mx.cpu(1))
    assert (z.context, z.asnumpy().tolist()) == (mx.cpu(1), [[1, 2], [3, 4]])
    target = mx.nd.zeros((2, 2), ctx=device, dtype="float64")
    assert x.copyto(target) is target
    assert target.asnumpy().tolist() == [[1, 2], [3, 4]]
    assert target.dtype is np.float64


def test_moving_is_differentiated(device):
    x = mx.nd.array([1, 2, 3])
    x.attach_grad()
    with mx.autograd.record():
        y = (x * x).as_in_context(device)
        z = (y * y).copyto(mx.cpu(1)).sum()
    z.backward()
    assert x.grad.context is mx.cpu(0)
    assert x.grad.asnumpy().tolist() == [4, 32, 108]  # 4 x^3


def test_moving_is_differentiated_twice(device):
    x = mx.nd.array([1, 2, 3])
    x.attach_grad()
    with mx.autograd.record():
        y = (x * x * x).as_in_context(device)
        first = mx.autograd.grad(y, x, create_graph=True)[0]
    first.backward()
    assert x.grad.asnumpy().tolist() == [6, 12, 18]


def test_copyto_an_array_is_differentiated():
    x, target = mx.nd.array([1, 2]), mx.nd.zeros((2,), dtype="float64")
    x.attach_grad()
    with mx.autograd.record():
        y = (x * 3).copyto(target)
        z = (y * y).sum()
    assert y is target
    z.backward()
    assert x.grad.asnumpy().tolist() == [18, 36]


def test_two_kinds_of_device_do_not_mix(fake):
    x, y = mx.nd.ones((2,)), mx.nd.ones((2,), ctx=fake(0))
    for call in (lambda: x + y, lambda: y + x, lambda: mx.nd.broadcast_add(y, x), lambda: mx.nd.concat(x, y, dim=0)):
        with pytest.raises(mx.MXNetError, match=r"got arrays on (cpu\(0\)|fake\(0\)) and"):
            call()


def test_indexing(device):
    host = np.arange(12, dtype="float32").reshape(3, 4)
    x = mx.nd.array(host, ctx=device)
    index = mx.nd.array([2, 0], ctx=device)
    for got, expected in (
        (x[1], host[1]),
        (x[1:, 2], host[1:, 2]),
        (x[index], host[[2, 0]]),
        (x[[0, 2], 1:3], host[[0, 2], 1:3]),
        (x[1, 2], host[1, 2:3]),
        (x[:, None, ::-2], host[:, None, ::-2]),
        (x[np.array([1])], host[[1]]),
    ):
        assert got.context is device
        np.testing.assert_array_equal(got.asnumpy(), expected)
    x[index] = 5
    x[0, 1:3] = mx.nd.array([7, 8], ctx=device)
    x[1] = [1, 2, 3, 4]
    x[:, 3] = np.array([9, 9, 9])
    assert x.asnumpy().tolist() == [[5, 7, 8, 9], [1, 2, 3, 9], [5, 5, 5, 9]]


def test_gradient_of_indexing(device):
    x = mx.nd.array([[1, 2, 3], [4, 5, 6]], ctx=device)
    x.attach_grad()
    with mx.autograd.record():
        y = (x[0] * x[1]).sum() + (x[:, 1] * 2).sum() + (x[mx.nd.array([1, 1], ctx=device)] * 3).sum() + x[1, 2]
    y.backward()
    # by hand: d/dx0 = x1, d/dx1 = x0; +2 in column 1; row 1 is taken twice: +6; +1 at (1, 2)
    assert x.grad.asnumpy().tolist() == [[4, 7, 6], [7, 10, 10]]


def test_second_gradient_of_advanced_indexing():
    x = mx.nd.array([1, 2, 3])
    x.attach_grad()
    with mx.autograd.record():
        y = x[mx.nd.array([0, 2, 2])] ** 3
        first = mx.autograd.grad(y, x, create_graph=True)[0]
    first.backward()
    assert x.grad.asnumpy().tolist() == [6, 0, 36]  # 6 x, once and twice


def test_in_place(device):
    x = mx.nd.array([1, 2], ctx=device)
    y = x
    x += 1
    x *= mx.nd.array([2, 3], ctx=device)
    x -= 1
    x /= 2
    assert y is x
    assert x.asnumpy().tolist() == [1.5, 4.0]


def test_a_broken_in_place_operation_changes_nothing():
    x = mx.nd.array([1, 2])
    with pytest.raises(mx.MXNetError):
        x += mx.nd.zeros((2, 2, 2))
    assert x.asnumpy().tolist() == [1, 2]


def test_numpy_on_either_side():
    x = mx.nd.array([1, 2])
    with pytest.raises(TypeError, match="not supported"):
        x + np.array([1.0, 2.0])
    with pytest.raises(TypeError):
        np.array([1.0, 2.0]) + x
    assert (np.float32(2) * x).asnumpy().tolist() == [2, 4]
    assert np.asarray(x).tolist() == [1, 2]
    assert np.asarray(x, dtype="int64").dtype == np.int64


def test_waiting(device):
    x = mx.nd.ones((2,), ctx=device) + 1
    x.wait_to_read()
    x.wait_to_write()
    mx.nd.waitall()
    assert x.asnumpy().tolist() == [2, 2]


def test_sparse_types_are_refused():
    x = mx.nd.ones((2, 2))
    for call in (
        lambda: x.tostype("csr"),
        lambda: x.tostype("row_sparse"),
        lambda: mx.nd.zeros((2,), stype="csr"),
        lambda: x.attach_grad(stype="row_sparse"),
    ):
        with pytest.raises(mx.MXNetError, match="not available"):
            call()


def test_copyto_needs_a_target():
    with pytest.raises(mx.MXNetError, match="_copyto needs target"):
        mx.nd._internal._copyto(mx.nd.ones((2,)))


def test_assigning_and_indexing_with_arrays_of_another_device(fake):
    """As in MXNet, a value or an index may live elsewhere: it is copied."""
    x = mx.nd.zeros((3,), ctx=fake(1))
    for source in (fake(0), mx.cpu(), mx.cpu(1)):
        x[:] = mx.nd.array([1, 2, 3], ctx=source)
        assert x.asnumpy().tolist() == [1, 2, 3]
        x[mx.nd.array([0, 2], ctx=source)] = 7
        assert x.asnumpy().tolist() == [7, 2, 7]
        assert x[mx.nd.array([1], ctx=source)].asnumpy().tolist() == [2]
        mx.nd.array([4, 5, 6], ctx=source).copyto(x)
        assert x.asnumpy().tolist() == [4, 5, 6]


def test_array_of_a_device_array(fake):
    x = mx.nd.array([1, 2], ctx=fake(1))
    y = mx.nd.array(x._raw, ctx=fake(1))
    y[:] = 0
    assert x.asnumpy().tolist() == [1, 2]
