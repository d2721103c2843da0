"""A table of a graph's layers."""
from math import prod

from ..symbol import Symbol
from ._graph import boxes, shapes_of_outputs, sizes

__all__ = ["print_summary"]

HEADINGS = ("Layer (type)", "Output Shape", "Param #", "Previous Layer")


def print_summary(symbol, shape=None, line_length=120, positions=(.44, .64, .74, 1.)):
    """Print a table of the layers of a graph: names, shapes of outputs without the batch, numbers of parameters, inputs.

    Parameters are counted from the channels of the layers before, as MXNet counts them: of Convolution, FullyConnected (behind an
    image, give it a Flatten layer), BatchNorm and Embedding, and only where shapes are given.

    Parameters
    ----------
    symbol : Symbol
        The graph.
    shape : dict of str to tuple, optional
        Shapes of its inputs.
    line_length : int, default 120
        Width of the table.
    positions : sequence of number, default (.44, .64, .74, 1.)
        Where each column ends, in characters or as parts of the width.

    Raises
    ------
    TypeError
        When `symbol` is not a Symbol.
    ValueError
        When shapes don't follow from `shape`.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=3, name='fc')
    >>> mx.viz.print_summary(net, {'data': (2, 4)}, line_length=60, positions=[20, 34, 45, 60])
    ____________________________________________________________
    Layer (type)        Output Shape  Param #    Previous Layer
    ============================================================
    data(null)          4             0
    ____________________________________________________________
    fc(FullyConnected)  3             15         data
    ============================================================
    Total params: 15
    ____________________________________________________________
    """
    if not isinstance(symbol, Symbol):
        raise TypeError("symbol must be Symbol")
    shapes = {} if shape is None else shapes_of_outputs(symbol, shape)
    nodes, head = boxes(symbol)
    heads = set(head)  # MXNet takes all numbers of the first output for nodes, among them always node 0, the input
    if positions[-1] <= 1:
        positions = [int(line_length * position) for position in positions]
    print("_" * line_length)
    _print_row(HEADINGS, positions)
    print("=" * line_length)
    total = 0
    for number, node in enumerate(nodes):
        if node.op == "null" and number > 0:
            continue
        before = [source for source in node.inputs if nodes[source[0]].op != "null" or source[0] in heads]
        count = _count_parameters(node, _channels(nodes, before, shapes), shapes)
        total += count
        previous = [nodes[source].name for source, _ in before] or [""]
        _print_row([f"{node.name}({node.op})", "x".join(map(str, _shown(node, shapes))), count, previous[0]], positions)
        for name in previous[1:]:
            _print_row(["", "", "", name], positions)
        print(("=" if number == len(nodes) - 1 else "_") * line_length)
    print(f"Total params: {total}")
    print("_" * line_length)


def _print_row(fields, positions):
    line = ""
    for field, end in zip(fields, positions):
        line = (line + str(field))[:end].ljust(end)
    print(line)


def _shown(node, shapes):
    """Return the shape of a node's output without the batch; empty where it has several, none of which is called output."""
    return shapes.get(node.name if node.op == "null" else f"{node.name}_output", ())[1:]


def _channels(nodes, sources, shapes):
    """Return how many channels the inputs of a node have together."""
    shapes_before = [_shown(nodes[source], shapes) for source, _ in sources]
    return sum(shape[0] for shape in shapes_before if shape)


def _count_parameters(node, channels, shapes):
    if node.op == "Convolution":
        filters = int(node.attrs["num_filter"])
        weights = channels * filters // int(node.attrs.get("num_group", "1")) * prod(map(int, sizes(node.attrs["kernel"])))
        return weights if node.attrs.get("no_bias") == "True" else weights + filters
    if node.op == "FullyConnected":
        return (channels + (node.attrs.get("no_bias") != "True")) * int(node.attrs["num_hidden"])
    if node.op == "BatchNorm" and shapes:
        return 2 * shapes[f"{node.name}_output"][1]
    if node.op == "Embedding":
        return int(node.attrs["input_dim"]) * int(node.attrs["output_dim"])
    return 0
