"""The registry against MXNet's: rows, aliases, attributes, defaults, and whether the most used operators exist."""

import math
import pathlib

import pytest

import blockscope as mx
from blockscope.ops import registry
from blockscope.ops.attributes import DTypeKind
from tests.ops import running

HERE = pathlib.Path(__file__).parent


def _lines(name):
    for line in (HERE / name).read_text().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")


SIGNATURES = {name: (aliases.split(), counter, arguments) for name, aliases, counter, arguments in _lines("opsig.tsv")}
CANONICAL = {op.name: op for op in registry.operators.values()}
OURS = [name for name in CANONICAL if name in SIGNATURES]

# Operators that MXNet doesn't have: parts of gradients and of indexing, called by no user.
INTERNAL = {
    "_advanced_index",
    "_basic_index",
    "_convolve",
    "_convolve_data",
    "_convolve_weight",
    "_cross_entropy",
    "_dense_activation",
    "_enlarge",
    "_gemm",
    "_part",
    "_polygamma",
    "_put_along_axis",
    "_put_gradient",
    "_resize",
    "_shrink",
    "_channel_sums",
    "_spread",
    "_sum_rows",
    "_sum_to",
    "_take_along_axis",
    "_triangle",
}
# Operators that a row can't describe, and the tests that they have instead.
TESTED_ELSEWHERE = {
    "_advanced_index": "ndarray/test_contexts.py::test_gradient_of_indexing",  # its key holds arrays of the device
    "_copyto": "ndarray/test_contexts.py::test_moving_is_differentiated",  # its arguments are contexts
    "Custom": "ndarray/test_custom.py::test_custom_operator_computes_and_differentiates",  # what it does is a class of the user's
    # These three hold graphs.
    "_cond": "symbol/test_control_flow_programs.py::test_numbers_are_mxnets",
    "_foreach": "symbol/test_control_flow_programs.py::test_numbers_are_mxnets",
    "_while_loop": "symbol/test_control_flow_programs.py::test_numbers_are_mxnets",
}


def test_every_operator_has_a_row():
    described = {row.name for row in running.ROWS}
    missing = sorted(
        name
        for name in CANONICAL
        if name not in described and name not in TESTED_ELSEWHERE and not name.startswith("_backward_")
    )
    assert missing == [], f"write a row for each of these in tests/ops/table: {missing}"


def test_tests_elsewhere_are_there():
    for name, where in TESTED_ELSEWHERE.items():
        path, _, test = where.partition("::")
        assert name not in {row.name for row in running.ROWS}
        assert f"def {test}(" in (HERE.parent / path).read_text()


def test_rows_describe_operators_by_their_canonical_name():
    assert [row.name for row in running.ROWS if row.name not in CANONICAL] == []


def test_every_operator_is_one_of_mxnet_or_internal():
    unknown = sorted(
        name
        for name in CANONICAL
        if name not in SIGNATURES and name not in INTERNAL and not name.startswith("_backward_")
    )
    assert unknown == [], f"not canonical names of MXNet 1.9.1: {unknown}"


@pytest.mark.parametrize("name", OURS)
def test_aliases(name):
    missing = [alias for alias in SIGNATURES[name][0] if registry.operators.get(alias) is not CANONICAL[name]]
    assert missing == []


def arguments(name):
    """Return ``(array names, {attribute: default text or None})`` of MXNet's operator."""
    arrays, attributes = [], {}
    for part in filter(None, _split(SIGNATURES[name][2])):
        argument, _, kind = part.partition(": ")
        if "NDArray" in kind:
            arrays.append(argument)
        else:
            attributes[argument] = kind.split("default=")[1].strip().strip("'") if "default=" in kind else None
    return arrays, attributes


def _split(text):
    return [part.strip() for part in text.split("; ")]


# Attributes that differ from MXNet's on purpose, by operator (or "*"), with the reason.
DIFFERENT = {
    ("*", "ctx"): "a Context is handed over beside the attributes",
    ("*", "name"): "a name is handed over beside the attributes",
    **{
        ("_linspace", a): "the recorded signature is that of _arange; nd.linspace passes num and endpoint"
        for a in ("step", "repeat", "infer_range", "num", "endpoint", "stop")
    },
    ("_copyto", "source"): "the operator is called by as_in_context and copyto only",
    ("smooth_l1", "scalar"): "MXNet takes 1 where it isn't given, although it says required",
    ("_copyto", "target"): "the operator is called by as_in_context and copyto only",
    ("_foreach", "fn"): "a node keeps its graphs apart from its attributes",
    **{("_while_loop", a): "a node keeps its graphs apart from its attributes" for a in ("cond", "func")},
    **{("_cond", a): "a node keeps its graphs apart from its attributes" for a in ("cond", "then_branch", "else_branch")},
}


def differs(name, attribute):
    return ("*", attribute) in DIFFERENT or (name, attribute) in DIFFERENT


@pytest.mark.parametrize("name", OURS)
def test_array_names(name):
    op = CANONICAL[name]
    if op.variadic:
        return
    assert [n.rstrip("_") for n in op.inputs] == [n.removesuffix("[]") for n in arguments(name)[0]]


@pytest.mark.parametrize("name", OURS)
def test_attribute_names(name):
    op, theirs = CANONICAL[name], arguments(name)[1]
    counter = SIGNATURES[name][1]
    missing = [a for a in theirs if a not in op.attributes and a != counter and not differs(name, a)]
    extra = [a for a in op.attributes if a not in theirs and not differs(name, a)]
    assert (missing, extra) == ([], []), "attributes that MXNet has and we don't, and the reverse"


def same_default(attribute, text):
    """Return whether a default equals the text of MXNet's."""
    ours = attribute.default
    if text in ("", "[]", "()", "None") and ours in ((), None, ""):
        return True
    if text == "None":
        return ours is None
    theirs = attribute.kind.parse(text)
    if isinstance(theirs, float):
        return ours is not None and math.isclose(float(ours), theirs, rel_tol=1e-5)
    if isinstance(theirs, tuple) and theirs and isinstance(theirs[0], float):
        return all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(ours, theirs, strict=True))
    return ours == theirs or isinstance(attribute.kind, DTypeKind) and str(ours) == text


@pytest.mark.parametrize("name", OURS)
def test_defaults(name):
    op, theirs = CANONICAL[name], arguments(name)[1]
    wrong = []
    for attribute, text in theirs.items():
        if attribute not in op.attributes or differs(name, attribute):
            continue
        record = op.attributes[attribute]
        if record.required != (text is None):
            wrong.append(f"{attribute}: required here {record.required}, in MXNet {text is None}")
        elif text is not None and not same_default(record, text):
            wrong.append(f"{attribute}: {record.default!r} here, {text} in MXNet")
    assert wrong == []


# Names of the census that are no operators, but functions of mx.nd.
FUNCTIONS = {"array", "waitall", "empty", "load", "save", "from_numpy", "random.randn", "Custom", "contrib.foreach"}
# Names of the census that don't exist here yet, with the reason.
LATER = {
    "sparse.csr_matrix": "sparse arrays are refused with a clear error until they exist",
}
RANKED = list(_lines("ops_ranked.tsv"))


@pytest.mark.parametrize(("name", "names"), RANKED, ids=[r[0] for r in RANKED])
def test_most_used_operators_exist(name, names):
    if name in LATER:
        assert name not in registry.operators, f"{name} exists now: take it off the list LATER"
        return
    if name not in FUNCTIONS:
        assert name in registry.operators
    for spelled in names.split():
        if spelled != "pow":  # mx.sym only
            assert reachable(spelled), f"{spelled} is not reachable"


def reachable(spelled):
    """Return whether a name as users write it leads to something: ``.sum`` a method, ``random.normal`` a function."""
    if spelled.startswith("."):
        return hasattr(mx.nd.NDArray, spelled[1:])
    item = mx.nd
    for part in spelled.split("."):
        item = getattr(item, part, None)
    return item is not None


def test_elementwise_operators_have_a_cuda_expression():
    """The GPU's fused kernels are made of these expressions."""
    missing = sorted(name for name, op in CANONICAL.items() if op.elementwise and op.cuda is None)
    assert missing == [] or set(missing) <= {"zeros_like", "ones_like"}, missing
