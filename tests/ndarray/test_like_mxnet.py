"""NDArray against the real MXNet 1.9.1: the programs of ``cases.py``, with what it gave in ``recorded.json``.

Regenerate with ``python tests/ndarray/record_mxnet.py``, run with the python that has mxnet.
"""

import json
import pathlib

import numpy as np
import pytest

import blockscope as mx
from tests.ndarray import cases

RECORDED = json.loads(pathlib.Path(__file__).with_name("recorded.json").read_text())

# Where we do something else on purpose: program -> what it gives here, and why.
DIFFERENT = {
    "mx.nd.zeros((2, 0))": "arrays of no elements exist here; MXNet takes 0 for an unknown length",
    "bool(mx.nd.zeros((0,)))": "arrays of no elements exist here",
    "float(mx.nd.array([2.5]))": "float() of one element works here; MXNet's NDArray lacks it",
    "int(mx.nd.array([2.5]))": "int() of one element works here; MXNet's NDArray lacks it",
    "x.attach_grad('sometimes')": "ValueError that names the choices; MXNet shows a bare KeyError",
    "mx.nd.zeros((2,), ctx='cpu')": "the same class of error without a C++ trace",
    "x.reshape()": "ValueError; user errors are no assertions here",
    "len(mx.nd.array(3))": "TypeError, as for every Python object without a length",
    "float(x)": "the same class of error, in our words",
    "np.asarray(i32).dtype.name": "NumPy gets an array of int32; MXNet 1.9.1 lets it walk over objects",
    "x.__setitem__((0, 1), [1, 2])": "the same class of error, in NumPy's words",
    "x + f64": "MXNet compares shapes first; here the message names both",
}
# Keys that mean something else here on purpose.
DIFFERENT_KEYS = {
    "True": "refused; MXNet takes True for 1",
    "False": "refused; MXNet takes False for 0",
    "np.array([True, False])": "a mask, as in NumPy; MXNet takes it for the indices 1 and 0",
}
# Reshape codes that only we accept.
DIFFERENT_RESHAPES = {((3, 4), (-2, -1), False): "-1 after all axes are copied is 1"}


def differs(program):
    return program in DIFFERENT


def same(got, expected):
    """Compare two results of ``cases``; messages are compared where Python made them (no C++ trace)."""
    if "error" in expected:
        assert "error" in got, f"MXNet raises {expected['error']}: {expected['message']}"
        assert got["error"] == expected["error"], got["message"]
        if "Traceback" not in expected["message"] and expected["error"] != "MXNetError":
            ours, theirs = (
                got["message"],
                expected["message"].replace("mxnet.ndarray.ndarray", "blockscope.ndarray.ndarray"),
            )
            assert ours.startswith(theirs.replace("module 'mxnet.", "module 'blockscope.")[:60])
        return
    assert "error" not in got, got
    if "values" in expected:
        np.testing.assert_allclose(got.pop("values"), expected["values"], rtol=2e-5, atol=1e-6)
    assert got == {k: v for k, v in expected.items() if k != "values"}


@pytest.mark.parametrize("key", [k for k in cases.KEYS + cases.BAD_KEYS if k not in DIFFERENT_KEYS])
def test_get(key):
    same(cases.get(mx, key), dict(RECORDED["get"][key]))


@pytest.mark.parametrize(("key", "value"), cases.SETTINGS)
def test_put(key, value):
    same(cases.put(mx, key, value), dict(RECORDED["put"][f"x[{key}] = {value}"]))


def test_boolean_keys():
    x = mx.nd.arange(6).reshape((2, 3))
    assert x[np.array([True, False])].asnumpy().tolist() == [[0, 1, 2]]
    assert x[x.asnumpy() > 2].asnumpy().tolist() == [3, 4, 5]
    for key in (True, False, np.True_):
        with pytest.raises(ValueError, match="does not support slicing with key"):
            x[key]


def test_minus_one_after_all_axes():
    assert mx.nd.zeros((3, 4)).reshape((-2, -1)).shape == (3, 4, 1)


@pytest.mark.parametrize("case", [c for c in cases.RESHAPES if c not in DIFFERENT_RESHAPES], ids=str)
def test_reshape(case):
    got, expected = cases.reshape(mx, *case), RECORDED["reshape"][str(case)]
    assert got.get("shape") == expected.get("shape"), (got, expected)


@pytest.mark.parametrize("program", cases.SHARING)
def test_sharing(program):
    same(cases.shares(mx, program), dict(RECORDED["sharing"][program]))


@pytest.mark.parametrize("program", [p for p in cases.EXPRESSIONS + cases.FAILING if not differs(p)])
def test_expression(program):
    expected = RECORDED["expressions"].get(program) or RECORDED["failing"][program]
    same(cases.run(mx, program), dict(expected))


@pytest.mark.parametrize("program", DIFFERENT)
def test_what_differs_on_purpose_still_differs_or_fails_alike(program):
    expected = RECORDED["expressions"].get(program) or RECORDED["failing"][program]
    assert cases.run(mx, program) != expected, "this is like MXNet now: take it off the list DIFFERENT"
