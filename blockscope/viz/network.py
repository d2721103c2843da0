"""A picture of a graph, drawn by graphviz."""
import warnings

from ..symbol import Symbol
from ._graph import boxes, shapes_of_outputs, sizes, types_of_outputs

__all__ = ["plot_network"]

INPUT, LAYER, ACTIVATION, NORMALISATION, POOLING, SHAPE, SOFTMAX, OTHER = (
    "#8dd3c7", "#fb8072", "#ffffb3", "#bebada", "#80b1d3", "#fdb462", "#b3de69", "#fccde5")
COLOURS = {"null": INPUT, "Convolution": LAYER, "FullyConnected": LAYER, "Activation": ACTIVATION, "LeakyReLU": ACTIVATION,
           "BatchNorm": NORMALISATION, "Pooling": POOLING, "Concat": SHAPE, "Flatten": SHAPE, "Reshape": SHAPE, "Softmax": SOFTMAX}
WEIGHTS = ("_weight", "_bias", "_beta", "_gamma", "_moving_var", "_moving_mean", "_running_var", "_running_mean")


def plot_network(symbol, title="plot", save_format="pdf", shape=None, dtype=None, node_attrs=None, hide_weights=True):
    """Draw a graph.

    Parameters
    ----------
    symbol : Symbol
        The graph.
    title : str, default 'plot'
        Name of the picture and of its file.
    save_format : str, default 'pdf'
        Format of the file, such as 'svg' or 'png'.
    shape : dict of str to tuple, optional
        Shapes of inputs; edges then show shapes, without the batch.
    dtype : dict of str to type, optional
        Types of inputs; edges then show types.
    node_attrs : dict of str to str, optional
        Further graphviz attributes of all nodes.
    hide_weights : bool, default True
        Whether variables that look like weights (``fc1_weight``, ``bn_gamma``, ...) are left out.

    Returns
    -------
    graphviz.Digraph
        ``.render()`` writes the picture, for which the program ``dot`` must be installed; ``.source`` is its text.

    Raises
    ------
    ImportError
        When the Python package graphviz is not installed.
    TypeError
        When `symbol` is not a Symbol.
    ValueError
        When shapes don't follow from `shape`, or types from `dtype`.

    References
    ----------
    mxnet.visualization.plot_network of MXNet 1.9.1: same nodes, labels, colours and edges.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=3, name='fc')
    >>> mx.viz.plot_network(net, shape={'data': (2, 4)}).render('net')  # doctest: +SKIP
    'net.pdf'
    """
    try:
        from graphviz import Digraph
    except ImportError as error:
        raise ImportError("Draw network requires graphviz library: pip install 'blockscope-gluon[viz]'") from error
    if not isinstance(symbol, Symbol):
        raise TypeError("symbol must be a Symbol")
    shapes = None if shape is None else shapes_of_outputs(symbol, shape)
    types = None if dtype is None else types_of_outputs(symbol, dtype)
    nodes, _ = boxes(symbol)
    _warn_of_repeated_names(nodes)
    picture = Digraph(name=title, format=save_format)
    style = {"shape": "box", "fixedsize": "true", "width": "1.3", "height": "0.8034", "style": "filled", **(node_attrs or {})}
    for node in nodes:
        if not _is_weight(node):
            own = {"shape": "oval"} if node.op == "null" else {}
            picture.node(name=node.name, label=_label(node), **{**style, **own, "fillcolor": COLOURS.get(node.op, OTHER)})
    for node in nodes:
        for number, output in node.inputs[:1 if node.op == "_contrib_BilinearResize2D" else None]:
            source = nodes[number]
            if not (hide_weights and _is_weight(source)):
                picture.edge(tail_name=node.name, head_name=source.name, dir="back", arrowtail="open",
                             label=_edge_label((source.name, output), shapes, types))
    return picture


def _warn_of_repeated_names(nodes):
    names = [node.name for node in nodes]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
    if repeated:
        warnings.warn("There are multiple variables with the same name in your graph, this may result in cyclic graph. Repeated "
                      f"names: {','.join(repeated)}", RuntimeWarning, stacklevel=3)


def _is_weight(node):
    return node.op == "null" and node.name.endswith(WEIGHTS)


def _label(node):
    attrs = node.attrs
    if node.op == "Convolution":
        return f"Convolution\n{_window(attrs)}, {attrs['num_filter']}"
    if node.op == "FullyConnected":
        return f"FullyConnected\n{attrs['num_hidden']}"
    if node.op == "Activation":
        return f"Activation\n{attrs['act_type']}"
    if node.op == "LeakyReLU":
        return f"LeakyReLU\n{attrs.get('act_type', 'Leaky')}"
    if node.op == "Pooling":
        return f"Pooling\n{attrs.get('pool_type', 'max')}, {_window(attrs)}"
    if node.op == "Custom":
        return attrs["op_type"]
    return node.name


def _window(attrs):
    kernel = "x".join(sizes(attrs["kernel"])) if "kernel" in attrs else "[]"
    return f"{kernel}/{'x'.join(sizes(attrs['stride'])) if 'stride' in attrs else '1'}"


def _edge_label(output, shapes, types):
    label = "" if shapes is None else "x".join(map(str, shapes[output][1:]))
    return label if types is None else f"{label}({types[output].__name__})"
