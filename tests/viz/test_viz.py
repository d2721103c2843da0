"""Where print_summary and plot_network fail in MXNet, refuse, or warn; what they share is in test_recorded_networks."""
import sys

import pytest

import blockscope as mx
from tests.viz.networks import table


def test_one_module_under_two_names():
    assert mx.viz.print_summary is mx.visualization.print_summary
    assert mx.viz.plot_network is mx.visualization.plot_network


def test_only_symbols_are_shown():
    pytest.importorskip("graphviz")
    with pytest.raises(TypeError, match="^symbol must be Symbol$"):  # both texts are MXNet 1.9.1's
        mx.viz.print_summary(mx.nd.ones(1))
    with pytest.raises(TypeError, match="^symbol must be a Symbol$"):
        mx.viz.plot_network(mx.nd.ones(1))


def test_without_graphviz_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"^Draw network requires graphviz library: pip install 'blockscope-gluon\[viz\]'$"):
        mx.viz.plot_network(mx.sym.var("data"))


def test_shapes_that_do_not_follow_are_refused():
    pytest.importorskip("graphviz")
    net = mx.sym.var("data") + mx.sym.var("other")
    with pytest.warns(UserWarning, match="Cannot decide shape"), pytest.raises(ValueError, match="^Input shape is incomplete$"):
        mx.viz.print_summary(mx.sym.FullyConnected(net, num_hidden=2), {})


def test_a_layer_behind_single_numbers():
    # MXNet takes the first size behind the batch, and fails where there is none.
    net = mx.sym.FullyConnected(mx.sym.sum(mx.sym.var("data"), axis=1, name="sum"), num_hidden=3, no_bias=True, name="fc", flatten=False)
    lines = table(mx, net, {"data": (4, 5)}, line_length=60)
    assert lines[5].split() == ["sum(sum)", "0", "data"] and lines[7].split() == ["fc(FullyConnected)", "0", "sum"]


def test_pooling_may_leave_its_type_out():
    pytest.importorskip("graphviz")
    picture = mx.viz.plot_network(mx.sym.Pooling(mx.sym.var("data"), kernel=(2, 2), name="pool"))  # KeyError in MXNet
    assert 'label="Pooling\nmax, 2x2/1"' in picture.source


def test_edges_show_the_output_that_they_leave():
    pytest.importorskip("graphviz")
    parts = mx.sym.split_v2(mx.sym.var("data"), (1, 3), axis=1)  # KeyError in MXNet
    picture = mx.viz.plot_network(mx.sym.relu(parts[1], name="relu"), shape={"data": (2, 4)})
    assert [line.split("label=")[1].split()[0] for line in picture.body if "->" in line] == ["4", "2"]


def test_names_that_occur_twice_are_told():
    pytest.importorskip("graphviz")
    net = mx.sym.relu(mx.sym.relu(mx.sym.var("data"), name="twice"), name="twice")
    with pytest.warns(RuntimeWarning, match="There are multiple variables with the same name in your graph, this may result in "
                                            "cyclic graph. Repeated names: twice$"):  # text of MXNet 1.9.1
        mx.viz.plot_network(net)


def test_attributes_of_nodes_stay_the_callers():
    pytest.importorskip("graphviz")
    given = {"width": "9"}
    picture = mx.viz.plot_network(mx.sym.var("data"), node_attrs=given)
    assert given == {"width": "9"} and "width=9" in picture.source


def test_custom_operators_are_shown_by_their_type():
    pytest.importorskip("graphviz")

    @mx.operator.register("viz_test_op")
    class _Properties(mx.operator.CustomOpProp):
        pass

    picture = mx.viz.plot_network(mx.sym.Custom(mx.sym.var("data"), op_type="viz_test_op", name="mine"))
    assert any(line.strip().startswith("mine [label=viz_test_op ") for line in picture.body)
