"""Every row of the table on the other devices: the strict fake one, and CuPy on a card, give the host's numbers."""

import numpy as np
import pytest

import blockscope as mx
from tests.fakedevice import FakeArray, counts
from tests.ops import running

WITH_GRADIENT = [row for row in running.ROWS if row.gradient is not False and row.inputs]


def positions_of(row):
    return (
        running.wanted(row)
        if row.numeric or row.gradient == "zero"
        else tuple(i for i, varies in enumerate(row.varies()) if varies)[:1]
    )


@pytest.mark.parametrize(**running.parametrize(running.ROWS))
def test_values_on_the_fake_device(row, fake):
    arrays, ctx = row.arrays(row.dtypes[0] if row.dtypes else "float32"), fake(1)
    expected = running.compute(row, arrays, mx.cpu())
    inputs = running.on_device(arrays, ctx)
    counts.reset()
    got = running.call(row, inputs, ctx)
    assert counts.syncs <= row.syncs, "the operator waited for the device"
    assert counts.d2h <= 16 * row.syncs, "the operator copied to the host"
    for y, e in zip(got, expected, strict=True):
        assert type(y._raw) is FakeArray
        assert y.context is ctx
        assert y.dtype == e.dtype.type
        np.testing.assert_allclose(y.asnumpy(), e, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(**running.parametrize([row for row in running.ROWS if "float16" in row.dtypes]))
def test_half_precision_on_the_fake_device(row, fake):
    arrays = row.arrays("float16")
    for y, e in zip(running.compute(row, arrays, fake(1)), running.compute(row, arrays, mx.cpu()), strict=True):
        np.testing.assert_allclose(y, e, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(**running.parametrize(WITH_GRADIENT))
def test_gradients_on_the_fake_device(row, fake):
    arrays, ctx, positions = row.arrays("float32"), fake(1), positions_of(row)
    expected = running.gradients(row, arrays, mx.cpu(), positions)
    inputs = running.on_device(arrays, ctx)
    for i in positions:
        inputs[i].attach_grad()
    _, heads, grads = running.recorded_call(row, inputs, ctx)
    counts.reset()
    mx.autograd.backward(heads, grads, train_mode=row.training)
    assert (counts.syncs, counts.d2h) == (0, 0), "the gradient waited for the device"
    for i in positions:
        np.testing.assert_allclose(inputs[i].grad.asnumpy(), expected[i].asnumpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.gpu
@pytest.mark.parametrize(**running.parametrize(running.ROWS))
def test_values_on_a_card(row):
    arrays = row.arrays(row.dtypes[0] if row.dtypes else "float32")
    got = running.compute(row, arrays, mx.gpu())
    if row.random:
        if row.check is not None:
            row.check(got, *arrays)
        return
    for y, e in zip(got, running.compute(row, arrays, mx.cpu()), strict=True):
        assert y.dtype == e.dtype
        np.testing.assert_allclose(y, e, rtol=1e-4, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize(**running.parametrize([row for row in WITH_GRADIENT if not row.random]))
def test_gradients_on_a_card(row):
    arrays, positions = row.arrays("float32"), positions_of(row)
    expected = running.gradients(row, arrays, mx.cpu(), positions)
    for i, g in running.gradients(row, arrays, mx.gpu(), positions).items():
        np.testing.assert_allclose(g.asnumpy(), expected[i].asnumpy(), rtol=1e-3, atol=1e-4)
