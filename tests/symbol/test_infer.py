"""Inference over graphs: both directions, contradictions and their messages, declared shapes, names, NumPy shape semantics.

Messages and results that name MXNet are what MXNet 1.9.1 gives for the same lines (its messages go on with file and line).
"""

import time

import numpy as np
import pytest

import blockscope as mx
from blockscope.symbol import infer
from blockscope.symbol.node import walk


def by_name(found):
    """Return what was inferred, by the name of the node; of the first output."""
    return {node.name: value for (node, i), value in found.items() if i == 0}


def shapes(symbol, **known):
    return by_name(infer.infer_shapes(symbol._entries, known))


def types(symbol, **known):
    return by_name(infer.infer_types(symbol._entries, known))


def dense(x, units=4, name="fc"):
    return mx.sym.FullyConnected(x, num_hidden=units, name=name)


def test_batch_comes_back_from_the_output_and_width_goes_forward():
    # MXNet: infer_shape_partial(x=(0, 3), y=(2, 4)) of the same graph.
    y = mx.sym.elemwise_add(dense(mx.sym.var("x")), mx.sym.var("y"), name="sum")
    assert shapes(y, x=(0, 3), y=(2, 4)) == {
        "x": (2, 3), "fc_weight": (4, 3), "fc_bias": (4,), "fc": (2, 4), "y": (2, 4), "sum": (2, 4)}


def test_unknown_state_of_a_recurrent_cell_gets_its_batch_from_the_data():
    # begin_state of MXNet's cells: zeros of shape (0, 4), whose batch follows from what it is added to.
    state = mx.sym.zeros((0, 4), name="begin")
    y = mx.sym.elemwise_add(dense(mx.sym.var("x")), dense(state, name="h2h"), name="sum")
    found = shapes(y, x=(5, 3))
    assert found["begin"] == (5, 4) and found["h2h"] == (5, 4)


def test_lengths_of_images_follow_one_by_one():
    # MXNet's infer_shape_partial of the same.
    x = mx.sym.var("x")
    wide = mx.sym.Deconvolution(x, kernel=(1, 2), stride=(2, 1), pad=(1, 0), num_filter=4, name="n")
    assert shapes(wide, x=(6, 4, 0, 6)) == {"x": (6, 4, 0, 6), "n_weight": (4, 4, 1, 2), "n": (6, 4, 0, 7)}
    narrow = mx.sym.Convolution(x, kernel=(3, 3), num_filter=3, no_bias=True, name="n")
    assert shapes(narrow, x=(2, 0, 8, 0)) == {"x": (2, 0, 8, 0), "n_weight": (3, 0, 3, 3), "n": (2, 3, 6, 0)}


def test_information_passes_backwards_over_many_nodes():
    x = mx.sym.var("x")
    y = x
    for _ in range(20):
        y = mx.sym.relu(y)
    total = mx.sym.elemwise_add(y, mx.sym.var("y"))
    assert shapes(total, y=(2, 3))["x"] == (2, 3)
    assert types(total, y="float16")["x"] == np.float16


def test_unknown_stays_unknown():
    assert shapes(dense(mx.sym.var("x"))) == {"x": None, "fc_weight": None, "fc_bias": None, "fc": None}
    assert types(dense(mx.sym.var("x"))) == {"x": None, "fc_weight": None, "fc_bias": None, "fc": None}


def test_given_shapes_come_before_declared_ones():
    # MXNet: (mx.sym.var('x', shape=(2, 3)) + 1).infer_shape(x=(2, 4)) is ([(2, 4)], [(2, 4)], [])
    x = mx.sym.var("x", shape=(2, 3), dtype="float16")
    assert shapes(x + 1)["x"] == (2, 3)
    assert shapes(x + 1, x=(2, 4))["x"] == (2, 4)
    assert types(x + 1)["x"] == np.float16
    assert types(x + 1, x="float32")["x"] == np.float32


@pytest.mark.parametrize("text, shape", [("(2, 0)", (2, 0)), ("(-1, 3)", (0, 3)), ("[2, 3]", (2, 3)), ("(2L, 3L)", (2, 3)),
                                         ("3", (3,)), ("None", None)])
def test_ways_to_write_a_declared_shape(text, shape):
    # MXNet reads all of them so; -1 is an unknown length as 0 is.
    assert shapes(mx.sym.relu(mx.sym.var("x", attr={"__shape__": text})))["x"] == shape


@pytest.mark.parametrize("attr, ask", [({"__shape__": "abc"}, shapes), ({"__dtype__": "float16"}, types)])
def test_declarations_that_say_nothing_are_refused(attr, ask):
    # MXNet: Check failed: is >> rshape[out_ent_id] Invalid attribute
    with pytest.raises(mx.MXNetError, match="Invalid attribute __.*x"):
        ask(mx.sym.relu(mx.sym.var("x", attr=attr)))


def test_variables_of_one_name_get_one_shape():
    # name_manager/duplicate_argument_infer_shape: MXNet gives [[2, 3], [1, 3], [1], [1, 1], [1]]
    x = mx.sym.var("x")
    y = dense(dense(x, 1), 1)
    assert y.infer_shape(x=(2, 3))[0] == [(2, 3), (1, 3), (1,), (1, 1), (1,)]
    with pytest.raises(mx.MXNetError, match=r"Error in operator fc: Shape inconsistent, Provided = \[1,3\], inferred shape=\(1,1\)"):
        y.infer_shape_partial(x=(2, 3), fc_weight=(1, 3))


@pytest.mark.parametrize("ask", [lambda y: shapes(y, q=(1,)), lambda y: types(y, q="int8")])
def test_unknown_names_are_refused(ask):
    # MXNet: InferShapeKeyword argument name q not found.\nCandidate arguments:\n\t[0]x ...
    with pytest.raises(mx.MXNetError, match=r"Infer\w+Keyword argument name q not found\.\nCandidate arguments:\n\t\[0\]x\n"):
        ask(mx.sym.relu(mx.sym.var("x")))


def contradictions():
    x, y = mx.sym.var("x"), mx.sym.var("y")
    full = {"x": (2, 3), "y": (4, 5)}
    yield mx.sym.dot(x, y, name="n"), full, "dot shape error: [2,3] X [4,5]"
    yield mx.sym.elemwise_add(x, y, name="n"), full, "Incompatible attr in node  at 1-th input: expected [2,3], got [4,5]"
    yield mx.sym.broadcast_add(x, y, name="n"), full, "operands could not be broadcast together with shapes [2,3] [4,5]"
    yield mx.sym.Concat(x, y, dim=1, name="n"), full, "Shape inconsistent"
    yield mx.sym.sum(x, axis=3, name="n"), {"x": (2, 3)}, "axis 3"
    yield mx.sym.Convolution(x, kernel=(3, 3), num_filter=1, name="n"), {"x": (2, 3, 8)}, "Input data should be 4D in batch-num_filter-y-x"
    yield mx.sym.Convolution(x, kernel=(3, 3), num_filter=1, name="n"), {"x": (2, 3, 2, 2)}, "kernel size exceed input"
    yield dense(x, name="n"), {"x": (2, 3), "n_weight": (4, 4)}, "Shape inconsistent, Provided = [4,4], inferred shape=(4,3)"
    yield mx.sym.depth_to_space(x, block_size=2, name="n"), {"x": (2, 3)}, ""


@pytest.mark.parametrize("symbol, known, message", list(contradictions()))
def test_contradictions_name_node_operator_and_inputs(symbol, known, message):
    with pytest.raises(mx.MXNetError) as caught:
        shapes(symbol, **known)
    text = str(caught.value)
    assert text.startswith(f"Error in operator n: {message}")
    assert symbol._entries[0][0].op.name + "(" in text
    assert f"=x {known['x']}" in text


def test_types_that_differ_are_refused():
    # MXNet: Incompatible attr in node elemwise_add0 at 1-th input: expected float16, got float32
    y = mx.sym.elemwise_add(mx.sym.var("x"), mx.sym.var("y"), name="n")
    with pytest.raises(mx.MXNetError, match="Error in operator n: .* at 1-th input: expected float16, got float32"):
        types(y, x="float16", y="float32")


def test_float64_is_a_type():
    # numpy.dtype("float64") == None is true.
    assert types(mx.sym.Cast(mx.sym.var("x"), dtype="float64", name="n"), x="float32")["n"] == np.dtype("float64")
    assert types(mx.sym.relu(mx.sym.var("x"), name="n"), x="float64")["n"] == np.dtype("float64")


def test_statistics_of_half_precision_are_single():
    found = types(mx.sym.BatchNorm(mx.sym.var("x"), name="n"), x="float16")
    assert found == {"x": np.float16, "n_gamma": np.float32, "n_beta": np.float32, "n_moving_mean": np.float32,
                     "n_moving_var": np.float32, "n": np.float16}


def test_one_entry_twice_takes_what_follows_for_either_place():
    x = mx.sym.var("x")
    y = mx.sym.elemwise_add(mx.sym.Concat(x, x, dim=1), mx.sym.var("y"))
    assert shapes(y, x=(0, 3), y=(2, 6))["x"] == (2, 3)


def test_numpy_shapes():
    x = mx.sym.var("x")
    with mx.util.np_shape(True):
        assert (x + 1).infer_shape_partial(x=(-1, 3)) == ([(-1, 3)], [(-1, 3)], [])
        assert (x + 1).infer_shape_partial() == ([None], [None], [])
        assert (x + 1).infer_shape(x=()) == ([()], [()], [])
        with pytest.raises(mx.MXNetError, match="without elements"):
            (x + 1).infer_shape(x=(0, 3))
    assert (x + 1).infer_shape_partial(x=()) == ([()], [()], [])


def test_operators_without_a_rule_are_tried_out():
    det = mx.sym.linalg.maketrian(mx.sym.var("x"), name="n")
    assert det._entries[0][0].op.shape_rule is None
    assert shapes(det, x=(2, 6))["n"] == (2, 3, 3)
    assert shapes(det)["n"] is None


def test_results_of_one_question_are_not_those_of_another():
    x, y = mx.sym.var("x"), mx.sym.var("y")
    both = mx.sym.Concat(x, y, dim=0, name="n")
    assert shapes(both, x=(2, 3), y=(1, 3))["n"] == (3, 3)
    assert shapes(both, x=(2, 3))["y"] == (0, 3)
    assert shapes(mx.sym.Concat(x, y, dim=1, name="n"), x=(2, 3))["y"] == (2, 0)


def test_a_large_graph_takes_little_time():
    x = mx.sym.var("x")
    y = x
    for _ in range(100):
        y = mx.sym.relu(mx.sym.BatchNorm(mx.sym.Convolution(y, kernel=(3, 3), pad=(1, 1), num_filter=8)))
    assert len(walk(y._entries)) == 901
    times = []
    for batch in (1, 2, 3):
        begin = time.perf_counter()
        shapes(y, x=(batch, 8, 32, 32))
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.03
