"""Every row of the table: values, dtypes, memory layouts, ``out=``, overwritten inputs, and MXNet's own numbers."""

import numpy as np
import pytest

import blockscope as mx
from tests.ops import running
from tests.ops.table import MXNET, tolerance

FORMULA = [row for row in running.ROWS if callable(row.expect)]
PAIRS = [
    pytest.param(row, dtype, id=f"{running.IDS[row]}-{dtype}")
    for row in running.ROWS
    for dtype in row.dtypes or ("float32",)
]
RECORDED = running.recorded()


@pytest.mark.parametrize(("row", "dtype"), PAIRS)
def test_values_and_dtypes(row, dtype):
    arrays = row.arrays(dtype)
    got = running.compute(row, arrays, mx.cpu())
    if row.check is not None:
        row.check(got, *arrays)
        if row.expect is None:
            return
    if row.expect == MXNET:
        assert running.IDS[row] in RECORDED, "record it: tests/ops/record_mxnet.py"
        expected, limit = outputs_of(RECORDED[running.IDS[row]]), max(tolerance(row, dtype), 2e-5)
    else:
        expected, limit = running.reference(row, arrays), tolerance(row, dtype)
    assert len(got) == len(expected)
    assert [str(y.dtype) for y in got] == running.expected_dtypes(row, dtype, len(got))
    for y, e in zip(got, expected):
        assert y.shape == (np.shape(e) or (1,))
        np.testing.assert_allclose(y, e, rtol=limit, atol=limit)


def outputs_of(entry):
    """Return the outputs of a recorded row."""
    return [np.array(o["values"], o["dtype"]).reshape(o["shape"]) for o in entry["outputs"]]


COMPARED = [row for row in running.ROWS if row.mxnet is True and running.IDS[row] in RECORDED and not row.random]


@pytest.mark.parametrize(**running.parametrize(COMPARED))
def test_equals_mxnet(row):
    entry, arrays = RECORDED[running.IDS[row]], row.arrays("float32")
    assert entry["inputs"] == digest(arrays), "the row's inputs changed: record it again with tests/ops/record_mxnet.py"
    got, limit = running.compute(row, arrays, mx.cpu()), max(tolerance(row, "float32"), 2e-5)
    for y, e in zip(got, outputs_of(entry), strict=True):
        assert y.shape == e.shape
        np.testing.assert_allclose(y, e, rtol=limit, atol=limit)
    for dtype, given in entry["dtypes"].items():
        if isinstance(given, list) and dtype in row.dtypes:
            assert running.expected_dtypes(row, dtype, len(given)) == given, (
                "MXNet gives another dtype than `result` says"
            )


# Where MXNet gives no gradient (it says why in the file), there is nothing to compare with.
WITH_GRADIENT = [
    row
    for row in COMPARED
    if row.mxnet_gradient is True
    and row.gradient is not False
    and isinstance(RECORDED[running.IDS[row]]["gradients"], dict)
]


@pytest.mark.parametrize(**running.parametrize(WITH_GRADIENT))
def test_gradient_equals_mxnet(row):
    entry = RECORDED[running.IDS[row]]
    positions = tuple(int(i) for i in entry["gradients"])
    got = running.gradients(row, row.arrays("float32"), mx.cpu(), positions)
    limit = max(10 * tolerance(row, "float32"), 1e-4)
    for i in positions:
        expected = np.array(entry["gradients"][str(i)])
        np.testing.assert_allclose(got[i].asnumpy().ravel(), expected, rtol=limit, atol=limit)


def digest(arrays):
    """Return a short text of input values, to notice rows that changed after they were recorded."""
    return [None if a is None else f"{a.shape} {a.dtype} {float(a.astype('float64').sum()):.5g}" for a in arrays]


def strided(array):
    """Return the same values as a transposed array, and as every second element of a larger one."""
    turned = np.ascontiguousarray(array.T).T
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype) if array.ndim else array.copy()
    if array.ndim:
        wide[..., ::2] = array
        wide = wide[..., ::2]
    return turned, wide


STRIDED = [row for row in running.ROWS if row.strided and row.inputs]


@pytest.mark.parametrize("layout", [0, 1], ids=["transposed", "strided"])
@pytest.mark.parametrize(**running.parametrize(STRIDED))
def test_memory_layout_does_not_matter(row, layout):
    arrays = row.arrays(row.dtypes[0] if row.dtypes else "float32")
    plain = running.compute(row, arrays, mx.cpu())
    odd = [None if a is None else mx.nd.NDArray(strided(a)[layout], mx.cpu()) for a in arrays]
    for y, e in zip(running.call(row, odd, mx.cpu()), plain, strict=True):
        np.testing.assert_allclose(y.asnumpy(), e, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(**running.parametrize([row for row in running.ROWS if row.out]))
def test_out(row):
    arrays = row.arrays(row.dtypes[0] if row.dtypes else "float32")
    plain = running.compute(row, arrays, mx.cpu())
    outs = [mx.nd.array(np.full(y.shape, 3), dtype=y.dtype) for y in plain]
    got = running.call(row, running.on_device(arrays, mx.cpu()), mx.cpu(), out=outs[0] if len(outs) == 1 else outs)
    for y, out, e in zip(got, outs, plain, strict=True):
        assert y is out
        np.testing.assert_array_equal(out.asnumpy(), e)


@pytest.mark.parametrize(**running.parametrize([row for row in running.ROWS if row.inputs]))
def test_inputs_keep_their_values(row):
    arrays = row.arrays(row.dtypes[0] if row.dtypes else "float32")
    inputs = running.on_device(arrays, mx.cpu())
    running.call(row, inputs, mx.cpu())
    after = {} if row.mutated is None else row.mutated(*arrays)
    for i, (x, before) in enumerate(zip(inputs, arrays)):
        if x is not None:
            np.testing.assert_allclose(x.asnumpy(), after.get(i, before), rtol=1e-6, atol=1e-6)
