"""Every row of the table: first- and second-order gradients against central differences, their dtypes, and zeros."""

import numpy as np
import pytest

import blockscope as mx
from blockscope.ops import registry
from tests.ops import running
from tests.ops.table import MXNET

NUMERIC = [row for row in running.ROWS if row.numeric]


@pytest.mark.parametrize(**running.parametrize(NUMERIC))
def test_first_order(row):
    arrays = row.arrays("float64")
    got = running.gradients(row, arrays, mx.cpu())
    assert got, "no input takes the dtype under test: give gradient=False or positions"
    for i, gradient in got.items():
        expected = running.numeric(lambda moved: running.weighted(row, moved, mx.cpu()), arrays, i)
        np.testing.assert_allclose(
            gradient.asnumpy(), expected, rtol=row.gradient_tolerance, atol=row.gradient_tolerance
        )


@pytest.mark.parametrize(**running.parametrize([row for row in NUMERIC if isinstance(row.gradient, tuple)]))
def test_other_inputs_have_no_gradient(row):
    others = tuple(i for i, varies in enumerate(row.varies()) if varies and i not in row.gradient)
    for gradient in running.gradients(row, row.arrays("float64"), mx.cpu(), row.gradient + others).items():
        if gradient[0] in others:
            assert not gradient[1].asnumpy().any()


@pytest.mark.parametrize(**running.parametrize([row for row in running.ROWS if row.gradient == "zero"]))
def test_zero_gradient(row):
    for gradient in running.gradients(row, row.arrays("float64"), mx.cpu()).values():
        assert not gradient.asnumpy().any()


@pytest.mark.parametrize(**running.parametrize([row for row in running.ROWS if callable(row.gradient)]))
def test_gradient_by_formula(row):
    arrays = row.arrays("float64")
    outputs = running.compute(row, arrays, mx.cpu())
    heads = running.head_gradients(outputs)
    expected = row.gradient(heads[0] if len(heads) == 1 else heads, *arrays)
    positions = tuple(i for i, e in enumerate(expected) if e is not None)
    for i, gradient in running.gradients(row, arrays, mx.cpu(), positions).items():
        np.testing.assert_allclose(gradient.asnumpy(), expected[i], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    **running.parametrize([row for row in running.ROWS if row.gradient is False and any(row.varies())])
)
def test_no_gradient_says_so(row):
    arrays = row.arrays("float64")
    positions = tuple(i for i, varies in enumerate(row.varies()) if varies)
    with pytest.raises(mx.MXNetError, match=f"operator {registry.get(row.name).name} has no gradient"):
        running.gradients(row, arrays, mx.cpu(), positions)


DIFFERENTIABLE = [row for row in running.ROWS if row.gradient is not False and row.inputs]
TYPED = [
    pytest.param(row, dtype, id=f"{running.IDS[row]}-{dtype}")
    for row in DIFFERENTIABLE
    for dtype in ("float32", "float16")
    if dtype in row.dtypes
]


@pytest.mark.parametrize(("row", "dtype"), TYPED)
def test_gradients_have_the_dtype_of_their_input(row, dtype):
    """A gradient in a wider type would be twice the memory and time; `grad` shows it, a buffer would hide it."""
    if row.gradient == MXNET or callable(row.gradient):
        positions = tuple(i for i, varies in enumerate(row.varies()) if varies)[:1]
    else:
        positions = running.wanted(row)
    inputs = running.on_device(row.arrays(dtype), mx.cpu())
    for i in positions:
        inputs[i].attach_grad()
    _, heads, grads = running.recorded_call(row, inputs, mx.cpu())
    found = mx.autograd.grad(heads, [inputs[i] for i in positions], head_grads=grads, train_mode=row.training)
    assert [np.dtype(g.dtype).name for g in found] == [dtype] * len(positions)
    assert [g.shape for g in found] == [inputs[i].shape for i in positions]
    if row.random:  # other dtypes draw other numbers
        return
    precise = running.gradients(
        row,
        [a if a is None or a.dtype.kind != "f" else a.astype("float64") for a in row.arrays(dtype)],
        mx.cpu(),
        positions,
    )
    limit = {"float32": 2e-4, "float16": 3e-2}[dtype]
    for i, g in zip(positions, found):
        np.testing.assert_allclose(g.asnumpy(), precise[i].asnumpy(), rtol=limit, atol=limit)


def double_gradient(row, arrays, positions):
    """Return the gradient of the weighted sum of the gradients, as arrays by position."""
    inputs = running.on_device(arrays, mx.cpu())
    for i in positions:
        inputs[i].attach_grad()
    with mx.autograd.record(train_mode=row.training):
        outputs = running.raw_call(row, inputs, mx.cpu())
        weights = running.head_gradients(outputs)
        heads = [y for y, w in zip(outputs, weights) if w is not None]
        grads = [mx.nd.array(w, dtype=w.dtype) for w in weights if w is not None]
        first = mx.autograd.grad(
            heads, [inputs[i] for i in positions], head_grads=grads, create_graph=True, train_mode=row.training
        )
        total = sum((g * mx.nd.array(w, dtype=w.dtype)).sum() for g, w in zip(first, running.head_gradients(first)))
        total = total + sum((inputs[i] * 0).sum() for i in positions)  # a first gradient may not depend on the inputs
    total.backward(train_mode=row.training)
    return {i: inputs[i].grad.asnumpy() for i in positions}


def weighted_gradient(row, arrays, positions):
    """Return the weighted sum of the first gradients: what `double_gradient` is the gradient of."""
    found = [g.asnumpy() for g in running.gradients(row, arrays, mx.cpu(), positions).values()]
    return sum(float((g * w).sum()) for g, w in zip(found, running.head_gradients(found)))


@pytest.mark.parametrize(**running.parametrize([row for row in NUMERIC if row.wants_second is True]))
def test_second_order(row):
    arrays, positions = row.arrays("float64"), running.wanted(row)
    got = double_gradient(row, arrays, positions)
    limit = 10 * row.gradient_tolerance
    for i in positions:
        expected = running.numeric(lambda moved: weighted_gradient(row, moved, positions), arrays, i)
        np.testing.assert_allclose(got[i], expected, rtol=limit, atol=limit)


@pytest.mark.parametrize(**running.parametrize([row for row in NUMERIC if row.second is False]))
def test_no_second_order_says_so(row):
    with pytest.raises(mx.MXNetError, match="has no gradient"):
        double_gradient(row, row.arrays("float64"), running.wanted(row))
