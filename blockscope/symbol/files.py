"""Symbol files: graphs of nodes to the text that MXNet 1.9.1 writes, and from the texts that MXNet 1.x wrote.

What a file holds is in ``blockscope.formats.symbol_json``; how graphs of old files are brought up to date is in `upgrade`.

References
----------
``src/c_api/c_api_symbolic.cc`` and ``src/nnvm/legacy_json_util.cc`` of Apache MXNet 1.9.1.
"""
import os

from ..errors import FormatError, MXNetError
from ..formats import symbol_json
from ..formats.atomic import write_atomic
from ..formats.symbol_json import GraphData, NodeData
from ..ndarray.np_shape import is_np_shape
from ..ops import registry
from .node import Node, as_written, walk
from .unique_names import merged_variables, names_made_unique
from .upgrade import MXNET_VERSION, check_attributes, upgrade

__all__ = ['from_text', 'load', 'save', 'to_text']


# ---- writing -------------------------------------------------------------------------------------------------------------


def to_text(entries, remove_amp_cast=False, unique_names=False):
    """Return the text of a graph, as MXNet 1.9.1 writes it.

    Parameters
    ----------
    entries : list of (Node, int)
        Outputs of the graph.
    remove_amp_cast : bool, default False
        Whether to leave out the casts that automatic mixed precision put between operators.
    unique_names : bool, default False
        Whether to give operators of equal names, and of equal names of outputs, names of their own, and to make one variable of
        those that have the same name. MXNet finds nothing by name in a graph with such duplicates, and can't bind it if variables
        are among them. A graph without duplicates has the same text either way.

    Raises
    ------
    FormatError
        When a text can't be read back (see `symbol_json.dumps`).

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.sym.relu(mx.sym.relu(mx.sym.var('x'), name='r'), name='r')
    >>> [line.strip() for line in to_text(net._entries, unique_names=True).split('\\n') if '"name"' in line]
    ['"name": "x",', '"name": "r",', '"name": "r_1",']
    """
    attrs = {'mxnet_version': ('int', MXNET_VERSION)}
    if is_np_shape():
        attrs['is_np_shape'] = ('int', 1)
    if remove_amp_cast:
        entries = _without_amp_casts(entries)
    return symbol_json.dumps(_graph_data(entries, attrs, unique_names, 0))


def save(entries, fname, remove_amp_cast=True, unique_names=False):
    """Write a graph to a file, atomically; see `to_text`."""
    if not isinstance(fname, (str, os.PathLike)):
        raise TypeError('fname need to be string')
    text = to_text(entries, remove_amp_cast, unique_names)
    try:
        write_atomic(fname, text.encode('utf-8'))
    except OSError as error:
        raise MXNetError(str(error)) from error


def _graph_data(entries, attrs, unique_names, depth):
    if depth > symbol_json.MAX_SUBGRAPH_DEPTH:
        raise MXNetError(f'a graph that lies more than {symbol_json.MAX_SUBGRAPH_DEPTH} deep within others cannot be stored')
    order = walk(entries)
    new_names = names_made_unique(order) if unique_names else {}
    # The variables of a subgraph are told apart by their positions, so that they stay.
    first = merged_variables(order) if unique_names and depth == 0 else {}
    kept = [node for node in order if first.get(node, node) is node]
    ids = {node: i for i, node in enumerate(kept)}
    ids.update((node, ids[other]) for node, other in first.items())
    versions, counts = _versions(kept, first)
    nodes = []
    for node in kept:
        inputs = [(ids[child], index, version) for (child, index), version in zip(node.inputs, versions[node])]
        subgraphs = [_graph_data(graph._entries, {}, unique_names, depth + 1) for graph in node.subgraphs]
        nodes.append(NodeData('null' if node.op is None else node.op.name, new_names.get(node, node.name), node.attrs, inputs, [],
                              subgraphs))
    row_ptr = [0]
    for node in kept:
        row_ptr.append(row_ptr[-1] + node.count_outputs())
    heads = [(ids[node], index, _head_version(first.get(node, node), counts)) for node, index in entries]
    return GraphData(nodes, [i for i, node in enumerate(kept) if node.op is None], heads, attrs, row_ptr)


def _versions(order, first):
    """Return the versions of the inputs of each node, and how often each variable is overwritten.

    A variable's version counts the operators that overwrite it, as they were applied: an operator that overwrites it has the version
    that it makes, another the version that it found. Nodes know theirs from their making or their file; those that a pass made don't.
    """
    versions, counts = {}, {}
    for node in as_written(order):
        if node.versions is not None and len(node.versions) == len(node.inputs):
            versions[node] = node.versions
            continue
        found = [counts.get(first.get(child, child), 0) for child, _ in node.inputs]
        for position in node.auxiliary():
            if position < len(found):
                child = node.inputs[position][0]
                child = first.get(child, child)
                if child.op is None:
                    found[position] = counts[child] = counts.get(child, 0) + 1
        versions[node] = found
    return versions, counts


def _head_version(node, counts):
    if node.op is not None:
        return 0
    return counts.get(node, 0) + node.overwritten + (node.versions[0] if node.versions else 0)


def _without_amp_casts(entries):
    """Return the graph in which nothing reads the result of a cast of mixed precision; such casts stay where they are outputs."""
    order = walk(entries)
    if not any(_is_amp_cast(node) for node in order):
        return entries
    copies, sources = {}, {}
    for node in order:
        inputs = [sources.get((child, index), (copies[child], index)) for child, index in node.inputs]
        copies[node] = copy = Node(node.op, node.name, node.attrs, inputs, node.subgraphs)
        copy.number, copy.versions = node.number, node.versions
        if _is_amp_cast(node):
            sources.update(((node, i), source) for i, source in enumerate(inputs))
    return [(copies[node], index) for node, index in entries]


def _is_amp_cast(node):
    return node.op is not None and node.op.name in ('amp_cast', 'amp_multicast')


# ---- reading -------------------------------------------------------------------------------------------------------------


def load(fname, symbol):
    """Return the outputs of the graph in a file; see `from_text`.

    Raises
    ------
    MXNetError
        When the file can't be read.
    """
    try:
        graph = symbol_json.load(fname)
    except OSError as error:
        raise MXNetError(str(error)) from error
    return _graph(graph, symbol, os.fsdecode(fname))


def from_text(text, symbol, name='<text>'):
    """Return the outputs of the graph in a text.

    Parameters
    ----------
    text : str or bytes
        Contents of a symbol file of any MXNet 1.x.
    symbol : callable
        Makes the symbols that are a node's subgraphs, from lists of entries.
    name : str
        The file, for messages.

    Returns
    -------
    list of (Node, int)

    Raises
    ------
    FormatError
        When the text is not of this format.
    MXNetError
        When an operator is unknown, or an attribute is missing, unknown or wrong; the message names node and operator.

    Examples
    --------
    >>> from_text('{"nodes": [{"op": "null", "name": "a", "inputs": []}], "arg_nodes": [0], "heads": [[0, 0]]}', list)
    [(<variable a>, 0)]
    """
    return _graph(symbol_json.loads(text, name), symbol, name)


def _graph(graph, symbol, name):
    """Return the entries of a graph; errors name the file, and texts that a file can make very long are cut."""
    try:
        kind, version = graph.attrs.get('mxnet_version', ('int', 800))
        if kind != 'int':
            raise FormatError(f'mxnet_version should be of type int, not {kind}')
        entries = _entries(graph, symbol)
        upgrade(entries, version, is_np_shape() and not graph.attrs.get('is_np_shape', ('int', 0))[1])
        _check(entries)
    except FormatError as error:
        raise FormatError(f'{name}: Invalid symbol file: {error}') from None
    except MXNetError as error:
        text = str(error)
        raise MXNetError(f"{text if len(text) < 4000 else f'{text[:2000]} ... {text[-1000:]}'} ({name})") from None
    return entries


def _entries(graph, symbol):
    nodes = []
    for data in graph.nodes:
        subgraphs = tuple(symbol(_body(part, symbol)) for part in data.subgraphs)
        node = Node(_operator(data), data.name, data.attrs, [(nodes[i], output) for i, output, _ in data.inputs], subgraphs)
        if node.op is not None:
            node.versions = tuple(version for _, _, version in data.inputs)
        nodes.append(node)
    for i, _, version in graph.heads:
        if version and nodes[i].op is None:
            nodes[i].versions = (version,)
    return [(nodes[i], output) for i, output, _ in graph.heads]


def _body(graph, symbol):
    """Return the entries of a subgraph, which are not brought up to date: there were none in old files."""
    entries = _entries(graph, symbol)
    _check(entries)
    return entries


def _operator(data):
    if data.op == 'null':
        return None
    try:
        return registry.get(data.op)
    except MXNetError as error:
        raise MXNetError(f'Failed loading Op {data.name} of type {data.op}: {error}') from None


def _check(entries):
    """Check the attributes of all nodes, and that every output that is used exists."""
    counts = {}
    for node in walk(entries):
        check_attributes(node)
        counts[node] = node.count_outputs()
        for child, index in node.inputs:
            if index >= counts[child]:
                raise _no_output(child, index, counts[child], f'node {node.name}')
    for node, index in entries:
        if index >= counts[node]:
            raise _no_output(node, index, counts[node], 'heads')


def _no_output(node, index, count, user):
    return FormatError(f'output {index} of node {node.name} does not exist: it has {count} (in {user})')
