"""Calling the rows of the table: what the tests of this folder share."""

import json
import pathlib

import numpy as np

import blockscope as mx
from blockscope.ndarray import dispatch
from tests.ops.table import Row, all_rows

ROWS = all_rows()
RECORDED = pathlib.Path(__file__).with_name("recorded.jsonl")
SEED = 7


def unique_ids(rows):
    """Return an id for each row; rows of one key are numbered."""
    seen: dict = {}
    ids = []
    for row in rows:
        seen[row.key] = seen.get(row.key, 0) + 1
        ids.append(row.key if seen[row.key] == 1 else f"{row.key}#{seen[row.key]}")
    return ids


IDS = dict(zip(ROWS, unique_ids(ROWS)))


def parametrize(rows):
    """Return arguments of ``pytest.mark.parametrize`` for a list of rows."""
    return {"argnames": "row", "argvalues": rows, "ids": [IDS[row] for row in rows]}


def recorded():
    """Return what MXNet gave, by row id."""
    if not RECORDED.exists():
        return {}
    return {entry["id"]: entry for entry in map(json.loads, RECORDED.read_text().splitlines())}


def on_device(arrays, ctx):
    """Return NDArrays with copies of host arrays (None stays None)."""
    return [None if a is None else mx.nd.array(a, ctx=ctx, dtype=a.dtype) for a in arrays]


def raw_call(row, arrays, ctx, attrs=None, **given):
    """Call a row's operator on NDArrays and return the list of its visible outputs."""
    if row.random:
        ctx._seed(SEED)
    attrs = dict(row.attrs if attrs is None else attrs)
    if not arrays:
        attrs["ctx"] = ctx
    result = dispatch.function(row.name)(*arrays, **attrs, **given)
    return list(result) if isinstance(result, list | tuple) else [result]


def call(row, arrays, ctx, **given):
    """Call a row's operator in its mode, prediction or training."""
    with mx.autograd.train_mode() if row.training else mx.autograd.predict_mode():
        return raw_call(row, arrays, ctx, **given)


def compute(row, arrays, ctx):
    """Return the values of a row's outputs on host arrays."""
    return [y.asnumpy() for y in call(row, on_device(arrays, ctx), ctx)]


def head_gradients(outputs):
    """Return a head gradient for every output of floats (None for the others), always the same."""
    random = np.random.RandomState(11)
    return [
        random.uniform(0.5, 1.5, y.shape).astype(y.dtype) if np.dtype(y.dtype).kind == "f" else None for y in outputs
    ]


def wanted(row):
    """Return the positions of the inputs whose gradient is tested."""
    if isinstance(row.gradient, tuple):
        return row.gradient
    return tuple(i for i, varies in enumerate(row.varies()) if varies)


def gradients(row, arrays, ctx, positions=None):
    """Return the gradients of the row's inputs, as NDArrays by position, after an ordinary backward pass."""
    inputs = on_device(arrays, ctx)
    positions = wanted(row) if positions is None else positions
    for i in positions:
        inputs[i].attach_grad()
    outputs, heads, grads = recorded_call(row, inputs, ctx)
    mx.autograd.backward(heads, grads, train_mode=row.training)
    return {i: inputs[i].grad for i in positions}


def recorded_call(row, inputs, ctx):
    """Return ``(outputs, heads, head gradients)`` of a call under recording."""
    with mx.autograd.record(train_mode=row.training):
        outputs = raw_call(row, inputs, ctx)
    weights = head_gradients(outputs)
    heads = [y for y, w in zip(outputs, weights) if w is not None]
    return outputs, heads, [mx.nd.array(w, ctx=ctx, dtype=w.dtype) for w in weights if w is not None]


def weighted(row, arrays, ctx):
    """Return the sum of the outputs of floats, weighted as in `head_gradients`: what the gradients are gradients of."""
    with mx.autograd.train_mode() if row.training else mx.autograd.predict_mode():
        outputs = [y.asnumpy() for y in raw_call(row, on_device(arrays, ctx), ctx)]
    return sum(float((y * w).sum()) for y, w in zip(outputs, head_gradients(outputs)) if w is not None)


def numeric(function, arrays, position, step=1e-5):
    """Return the gradient of a function of host arrays with respect to one of them, by central differences."""
    base = arrays[position]
    result = np.zeros_like(base)
    for place in np.ndindex(base.shape):
        sides = []
        for sign in (1, -1):
            moved = base.copy()
            moved[place] += sign * step
            sides.append(function([*arrays[:position], moved, *arrays[position + 1 :]]))
        result[place] = (sides[0] - sides[1]) / (2 * step)
    return result


def reference(row, arrays):
    """Return what a row's formula expects of host arrays, as a list."""
    wide = [a if a is None or a.dtype.kind != "f" else a.astype("float64") for a in arrays]
    result = row.expect(*wide)
    return list(result) if isinstance(result, tuple | list) else [result]


def expected_dtypes(row, dtype, count):
    """Return the dtypes that a row's outputs must have."""
    names = row.result if isinstance(row.result, tuple) else (row.result,) * count
    return [dtype if n == "same" else n for n in names]


__all__ = [
    "IDS",
    "ROWS",
    "Row",
    "call",
    "compute",
    "gradients",
    "numeric",
    "on_device",
    "parametrize",
    "recorded",
    "reference",
]
