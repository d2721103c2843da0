"""Rules for shapes and types against forward: every row of the operator table gives what its operator's rules say."""

import numpy as np
import pytest

import blockscope as mx
from blockscope.errors import MXNetError
from blockscope.ops import get
from tests.ops.running import ROWS, call, on_device, parametrize

# Rows whose result has a shape that depends on values, so that a length stays unknown.
BY_VALUE = {"_contrib_boolean_mask"}
# Operators of eager calls, whose attributes hold what a graph can't.
EAGER = {"_advanced_index", "_basic_index", "_cross_entropy", "_put_along_axis", "_put_gradient", "_take_along_axis"}
# Operators whose unknown parameter gets its usual shape, which needn't be that of the row.
USUAL = {"LeakyReLU", "SoftmaxOutput", "where"}
GRAPH_ROWS = [row for row in ROWS if row.name not in EAGER]


def typed(row):
    """Return operator and typed attributes of a row."""
    op = get(row.name)
    return op, op.parse({k: v for k, v in row.attrs.items() if k in op.attributes})


def inputs_of(row, dtype, op, attrs):
    """Return a row's host arrays, as many as a node of a graph has."""
    arrays = [a for a in row.arrays(dtype) if a is not None]
    return arrays[:len(op.argument_names(attrs, len(arrays)))]


@pytest.mark.parametrize(**parametrize(GRAPH_ROWS))
def test_shapes_are_those_of_forward(row):
    op, attrs = typed(row)
    dtype = (row.dtypes or ("float32",))[0]
    arrays = inputs_of(row, dtype, op, attrs)
    outs = call(row, on_device(row.arrays(dtype), mx.cpu()), mx.cpu())
    ins = [a.shape for a in arrays]
    found_ins, found = op.infer_shape(ins, [None] * op.count_graph_outputs(attrs), attrs)
    assert found_ins == ins
    if row.name in BY_VALUE:
        assert found[0][0] == 0 and found[0][1:] == outs[0].shape[1:]
    else:
        assert found[:len(outs)] == [y.shape for y in outs]
    # What is known is confirmed, and known outputs don't confuse the rule.
    assert op.infer_shape(ins, found, attrs) == (ins, found)


@pytest.mark.parametrize(**parametrize(GRAPH_ROWS))
def test_types_are_those_of_forward(row):
    op, attrs = typed(row)
    for dtype in row.dtypes or ("float32",):
        arrays = inputs_of(row, dtype, op, attrs)
        outs = call(row, on_device(row.arrays(dtype), mx.cpu()), mx.cpu())
        try:
            found_ins, found = op.infer_type([a.dtype for a in arrays], [None] * op.count_graph_outputs(attrs), attrs)
        except (ValueError, MXNetError) as error:
            pytest.fail(f"{dtype}: {error}")
        assert found_ins == [a.dtype for a in arrays]
        assert found[:len(outs)] == [np.dtype(y.dtype) for y in outs], dtype


@pytest.mark.parametrize(**parametrize([r for r in GRAPH_ROWS if r.inputs and r.name not in BY_VALUE | USUAL]))
def test_unknown_lengths_and_shapes_never_give_wrong_ones(row):
    op, attrs = typed(row)
    dtype = (row.dtypes or ("float32",))[0]
    ins = [a.shape for a in inputs_of(row, dtype, op, attrs)]
    _, truth = op.infer_shape(ins, [None] * op.count_graph_outputs(attrs), attrs)
    for i, shape in enumerate(ins):
        for less in [None, *[(*shape[:a], 0, *shape[a + 1:]) for a in range(len(shape))]]:
            for outs in ([None] * len(truth), truth):
                given = [*ins[:i], less, *ins[i + 1:]]
                found_ins, found = op.infer_shape(given, outs, attrs)
                for known, true in zip([*found_ins, *found], [*ins, *truth]):
                    assert known is None or true is None or (len(known) == len(true) and all(
                        k in (0, t) for k, t in zip(known, true))), (given, outs)
