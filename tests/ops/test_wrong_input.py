"""Wrong input raises an error that names the operator, the argument and the shapes."""

import re

import pytest

import blockscope as mx
from blockscope.ndarray import dispatch
from blockscope.ops import attributes, registry
from tests.ops import running

CASES = [
    pytest.param(row, wrong, id=f"{running.IDS[row]}-{i}") for row in running.ROWS for i, wrong in enumerate(row.wrong)
]
CANONICAL = sorted(
    {op.name for op in registry.operators.values()} - {"_copyto"}
)  # _copyto: see ndarray/test_contexts.py


def without_spaces(text):
    """Return a text in which (2, 3), [2, 3] and (2,3) are written alike."""
    return re.sub(r"\s+", "", str(text)).replace("[", "(").replace("]", ")").replace(",)", ")")


@pytest.mark.parametrize(("row", "wrong"), CASES)
def test_wrong_call(row, wrong):
    arrays = row.arrays(row.dtypes[0] if row.dtypes else "float32", wrong.inputs)
    attrs = {k: v for k, v in {**row.attrs, **wrong.attrs}.items() if v is not ...}
    with pytest.raises((mx.MXNetError, TypeError, ValueError)) as caught:
        running.raw_call(row, running.on_device(arrays, mx.cpu()), mx.cpu(), attrs)
    message = without_spaces(caught.value)
    assert row.name in message or any(alias in message for alias in registry.get(row.name).aliases)
    for text in (wrong.says,) if isinstance(wrong.says, str) else wrong.says:
        assert without_spaces(text) in message
    if wrong.shapes if wrong.shapes is not None else wrong.inputs is not None:
        for a in arrays:
            assert a is None or without_spaces(a.shape) in message


def arrays_for(op):
    """Return an array for each required input."""
    return [mx.nd.ones((2, 2)) for _ in range(max(op.required_inputs, 1 if op.variadic else 0))]


@pytest.mark.parametrize("name", CANONICAL)
def test_unknown_attribute(name):
    op = registry.get(name)
    with pytest.raises(mx.MXNetError, match="Cannot find argument 'wrong_one'") as caught:
        dispatch.function(name)(*arrays_for(op), wrong_one=1)
    assert op.name in str(caught.value)


# A text that no attribute of these kinds takes.
BAD = {
    attributes.Int: "many",
    attributes.Float: "warm",
    attributes.Bool: "perhaps",
    attributes.ShapeKind: "wide",
    attributes.AxesKind: "upwards",
    attributes.FloatsKind: "some",
    attributes.DTypeKind: "float33",
    attributes.Enum: "none of these",
}
ATTRIBUTES = [
    (name, a)
    for name in CANONICAL
    for a, spec in registry.get(name).attributes.items()
    if type(getattr(spec.kind, "kind", spec.kind)) in BAD
]


@pytest.mark.parametrize(("name", "attribute"), ATTRIBUTES, ids=[f"{n}-{a}" for n, a in ATTRIBUTES])
def test_attribute_of_a_wrong_kind(name, attribute):
    op = registry.get(name)
    kind = op.attributes[attribute].kind
    bad = BAD[type(getattr(kind, "kind", kind))]
    given = {
        a: spec.kind.words[0] if hasattr(spec.kind, "words") else "1"
        for a, spec in op.attributes.items()
        if spec.required and a != attribute
    }
    with pytest.raises(mx.MXNetError) as caught:
        op.parse({attribute: bad, **given})
    assert attribute in str(caught.value)
    assert op.name in str(caught.value)
    assert bad in str(caught.value)


REQUIRED = [(name, a) for name in CANONICAL for a, spec in registry.get(name).attributes.items() if spec.required]


@pytest.mark.parametrize(("name", "attribute"), REQUIRED, ids=[f"{n}-{a}" for n, a in REQUIRED])
def test_missing_attribute(name, attribute):
    op = registry.get(name)
    others = {
        a: spec.kind.words[0] if hasattr(spec.kind, "words") else "1"
        for a, spec in op.attributes.items()
        if spec.required and a != attribute
    }
    with pytest.raises(
        mx.MXNetError, match=f"Required parameter {attribute} of .* is not presented, in operator {op.name}"
    ):
        op.parse(others)


@pytest.mark.parametrize("name", [n for n in CANONICAL if registry.get(n).inputs])
def test_something_else_than_an_array(name):
    op = registry.get(name)
    with pytest.raises(AssertionError, match="must have NDArray type") as caught:
        dispatch.function(name)([1.0, 2.0], *arrays_for(op)[1:]) if not op.variadic else dispatch.function(name)(3.0)
    assert f"in operator {op.name}" in caught.value.__notes__[0]  # MXNet's text is without it
    assert op.inputs[0] in str(caught.value) or op.variadic


@pytest.mark.parametrize(
    "name", [n for n in CANONICAL if registry.get(n).required_inputs > 1 and not registry.get(n).variadic]
)
def test_missing_array(name):
    op = registry.get(name)
    with pytest.raises(mx.MXNetError, match=f"operator {op.name} expects the arrays") as caught:
        dispatch.function(name)(*arrays_for(op)[:-1])
    assert op.inputs[op.required_inputs - 1] in str(caught.value)
