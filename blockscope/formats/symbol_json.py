"""Symbol files (``-symbol.json``): the text of a graph, as plain data.

Reads every dialect that MXNet 1.x wrote and writes what MXNet 1.9.1 writes, byte for byte. Nothing here knows operators: what they
are, and how graphs of old files are brought up to date, is the business of ``blockscope.symbol.files``.

References
----------
``dmlc/json.h`` and ``nnvm/src/pass/saveload_json.cc`` of Apache MXNet 1.9.1.
"""
import dataclasses
import os
import re

from ..errors import FormatError
from . import dmlc_json

__all__ = ['GraphData', 'NodeData', 'dumps', 'load', 'loads']

MAX_NODES = 1_000_000
MAX_INPUTS = 10_000_000
MAX_SUBGRAPH_DEPTH = 16
MAX_NAME_BYTES = 1 << 16
MAX_VALUE_BYTES = 1 << 20

# A graph in a graph lies four containers deeper (nodes, node, subgraphs, graph); what a graph holds needs four more.
MAX_NESTING = 4 * (MAX_SUBGRAPH_DEPTH + 2)
_GRAPH_KEYS = {'nodes': True, 'arg_nodes': True, 'heads': True, 'node_row_ptr': False, 'attrs': False}
_NODE_KEYS = {'op': True, 'name': True, 'inputs': True, 'attrs': False, 'attr': False, 'param': False, 'control_deps': False,
              'backward_source_id': False, 'subgraphs': False}

_ESCAPED = str.maketrans({'\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\', '"': '\\"'})
_BAD_IN_KEY = re.compile(r'["\\\x00-\x1f]')


@dataclasses.dataclass(slots=True)
class NodeData:
    """One node of a graph.

    Attributes
    ----------
    op : str
        Operator, or ``null`` for a variable.
    name : str
    attrs : dict of str to str
    inputs : list of (int, int, int)
        Number of an earlier node, number of its output, version.
    control_deps : list of int
        Nodes that run before this one.
    subgraphs : list of GraphData
    """

    op: str
    name: str
    attrs: dict = dataclasses.field(default_factory=dict)
    inputs: list = dataclasses.field(default_factory=list)
    control_deps: list = dataclasses.field(default_factory=list)
    subgraphs: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class GraphData:
    """A graph as a file holds it.

    Attributes
    ----------
    nodes : list of NodeData
        Inputs before their users.
    arg_nodes : list of int
        Numbers of the variables.
    heads : list of (int, int, int)
        Entries that are the outputs.
    attrs : dict of str to (str, object)
        Type name and value of the attributes of the graph, such as ``{"mxnet_version": ("int", 10901)}``.
    node_row_ptr : list of int
        How many outputs the nodes before each node have; ignored when read.
    """

    nodes: list
    arg_nodes: list
    heads: list
    attrs: dict = dataclasses.field(default_factory=dict)
    node_row_ptr: list = dataclasses.field(default_factory=list)


def load(path):
    """Read the graph in a file; see `loads`.

    Raises
    ------
    OSError
        When the file cannot be opened.
    """
    with open(path, 'rb') as file:
        return loads(file.read(), os.fsdecode(path))


def loads(text, name='<text>'):
    """Read a graph.

    Parameters
    ----------
    text : str or bytes
        Contents of a symbol file.
    name : str
        The file, for messages.

    Returns
    -------
    GraphData

    Raises
    ------
    FormatError
        When the text is not of this format, when entries name what is not there, or when a limit of this module is passed.

    Examples
    --------
    >>> graph = loads('{"nodes": [{"op": "null", "name": "a", "inputs": []}], "arg_nodes": [0], "heads": [[0, 0]]}')
    >>> graph.nodes[0].name, graph.heads
    ('a', [(0, 0, 0)])
    """
    if isinstance(text, bytes):
        try:
            text = text.decode('utf-8')
        except UnicodeDecodeError as error:
            raise FormatError(f'{name}: Invalid symbol file: the text is not UTF-8: {error}') from None
    return _Checker(name).graph(dmlc_json.parse(text, name, MAX_NESTING), 0)


class _Checker:
    """Turns parsed text into GraphData, and counts what all graphs of a file have together."""

    def __init__(self, name):
        self.name = name
        self.nodes = self.inputs = 0
        self.where = []  # what is being read, from the outside inwards

    def error(self, message):
        where = f' (in {", in ".join(self.where)})' if self.where else ''
        return FormatError(f'{self.name}: Invalid symbol file: {message}{where}')

    def fields(self, value, keys, what):
        if not isinstance(value, dict):
            raise self.error(f'{what} should be an object in braces, not {_shown(value)}')
        for key in value:
            if key not in keys:
                raise self.error(f'Unknown field {key!r:.80} of {what}, candidates are: {", ".join(keys)}')
        for key, required in keys.items():
            if required and key not in value:
                raise self.error(f'Missing field "{key}" of {what}')

    def graph(self, value, depth):
        if depth > MAX_SUBGRAPH_DEPTH:
            raise self.error(f'graphs lie more than {MAX_SUBGRAPH_DEPTH} deep within each other')
        self.fields(value, _GRAPH_KEYS, 'a graph')
        listed = self.list(value['nodes'], 'nodes')
        self.nodes += len(listed)
        if self.nodes > MAX_NODES:
            raise self.error(f'there are more than {MAX_NODES} nodes')
        nodes = []
        for number, node in enumerate(listed):
            self.where.append(f'node {number}')
            nodes.append(self.node(node, number, depth))
            self.where.pop()
        arg_nodes = self.integers(value['arg_nodes'], 'arg_nodes')
        for number in arg_nodes:
            if number >= len(nodes) or nodes[number].op != 'null':
                raise self.error(f'arg_nodes names node {number}, which is no variable' if number < len(nodes) else
                                 f'arg_nodes names node {number}, and there are {len(nodes)} nodes')
        heads = self.entries(value['heads'], len(nodes), 'heads')
        row_ptr = self.integers(value.get('node_row_ptr', []), 'node_row_ptr')
        return GraphData(nodes, arg_nodes, heads, self.graph_attrs(value.get('attrs', {})), row_ptr)

    def node(self, value, number, depth):
        self.fields(value, _NODE_KEYS, 'a node')
        op, name = self.text(value['op'], 'op', MAX_NAME_BYTES), self.text(value['name'], 'name', MAX_NAME_BYTES)
        self.where[-1] = f'node {number} {name!r:.80}'
        if not isinstance(value.get('backward_source_id', 0), int):
            raise self.error('backward_source_id should be an integer')
        inputs = self.entries(value['inputs'], number, 'inputs')
        if inputs and op == 'null':
            raise self.error('a variable has inputs')
        self.inputs += len(inputs)
        if self.inputs > MAX_INPUTS:
            raise self.error(f'the nodes have more than {MAX_INPUTS} inputs')
        control_deps = self.integers(value.get('control_deps', []), 'control_deps')
        if control_deps and max(control_deps) >= number:
            raise self.error(f'control_deps names node {max(control_deps)}, which does not come before')
        subgraphs = [self.graph(graph, depth + 1) for graph in self.list(value.get('subgraphs', []), 'subgraphs')]
        return NodeData(op, name, self.attrs(value), inputs, control_deps, subgraphs)

    def attrs(self, node):
        """Join what the dialects call attrs (the operator's and others), attr (either) and param (the operator's)."""
        attrs = {}
        for key in node:  # attrs and attr are two names of one field, of which the last counts
            if key in ('attrs', 'attr'):
                attrs = self.texts(node[key], key)
        if 'param' in node:
            attrs = {**self.texts(node['param'], 'param'), **attrs}
        return attrs

    def texts(self, value, what):
        if not isinstance(value, dict):
            raise self.error(f'{what} should be an object in braces, not {_shown(value)}')
        for key, text in value.items():
            self.text(key, 'a key', MAX_NAME_BYTES)
            self.text(text, f'the attribute {key!r:.80}', MAX_VALUE_BYTES)
        return value

    def text(self, value, what, limit):
        if not isinstance(value, str):
            raise self.error(f'{what} should be a string, not {_shown(value)}')
        if 4 * len(value) > limit and len(value.encode('utf-8', 'surrogatepass')) > limit:
            raise self.error(f'{what} is longer than the limit of {limit} bytes')
        if '\0' in value:
            raise self.error(f'{what} holds a zero byte')
        return value

    def list(self, value, what):
        if not isinstance(value, list):
            raise self.error(f'{what} should be an array, not {_shown(value)}')
        return value

    def integers(self, value, what):
        for item in self.list(value, what):
            if not isinstance(item, int) or not 0 <= item < 1 << 32:
                raise self.error(f'{what} should hold numbers from 0 to 4294967295, not {_shown(item)}')
        return value

    def entries(self, value, count, what):
        """Check pairs (from before versions) and triples; nodes must be before `count`, so that no graph runs in circles."""
        entries = []
        for item in self.list(value, what):
            entry = self.integers(item, f'an entry of {what}')
            if len(entry) not in (2, 3):
                raise self.error(f'an entry of {what} should be a node, an output and a version, not {_shown(item)}')
            if entry[0] >= count:
                raise self.error(f'{what} names node {entry[0]}, and there are {count} nodes' +
                                 (' before this one' if what == 'inputs' else ''))
            entries.append((entry[0], entry[1], entry[2] if len(entry) == 3 else 0))
        return entries

    def graph_attrs(self, value):
        if not isinstance(value, dict):
            raise self.error(f'attrs of the graph should be an object in braces, not {_shown(value)}')
        for key, pair in value.items():
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
                raise self.error(f'the attribute {key!r:.80} of the graph should be a type name and a value, not {_shown(pair)}')
            if pair[0] not in _GRAPH_TYPES:
                raise self.error(f'the attribute {key!r:.80} of the graph has the unknown type {pair[0]!r:.80}; types are '
                                 + ', '.join(_GRAPH_TYPES))
            if not _GRAPH_TYPES[pair[0]](pair[1]):
                raise self.error(f'the attribute {key!r:.80} of the graph should be of type {pair[0]}, and is {_shown(pair[1])}')
        return {key: tuple(pair) for key, pair in value.items()}


def _shown(value):
    return 'an object' if isinstance(value, dict) else 'an array' if isinstance(value, list) else f'{value!r:.60}'


_GRAPH_TYPES = {
    'int': lambda value: isinstance(value, int) and -1 << 31 <= value < 1 << 31,
    'str': lambda value: isinstance(value, str),
    'list_int': lambda value: isinstance(value, list) and all(isinstance(item, int) for item in value),
    'list_str': lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
}


def dumps(graph):
    """Return the text of a graph, byte for byte as MXNet 1.9.1 writes it.

    Parameters
    ----------
    graph : GraphData

    Raises
    ------
    FormatError
        When a text could not be read back: a key of an attribute with quotes, a backslash or a control character, or a zero byte or
        half of a surrogate pair anywhere; when graphs lie too deep within each other.

    Examples
    --------
    >>> dumps(GraphData([NodeData('null', 'a')], [0], [(0, 0, 0)], node_row_ptr=[0, 1]))[:70]
    '{\\n  "nodes": [\\n    {\\n      "op": "null", \\n      "name": "a", \\n      "i'
    """
    return _graph_text(graph, 0)


def _graph_text(graph, level):
    """Return the text of a graph whose brace stands `level` steps from the margin."""
    if level > 4 * MAX_SUBGRAPH_DEPTH:
        raise FormatError(f'a graph that lies more than {MAX_SUBGRAPH_DEPTH} deep within others cannot be stored')
    nodes = _lines([_node_text(node, level + 2) for node in graph.nodes], '[]', level + 1, True)
    fields = [f'"nodes": {nodes}', f'"arg_nodes": {_array(graph.arg_nodes, level + 1)}',
              f'"node_row_ptr": {_array(graph.node_row_ptr, level + 1)}', f'"heads": {_entries(graph.heads, level + 1)}']
    if graph.attrs:
        values = {key: f'["{kind}", {_graph_value(value, level + 2)}]' for key, (kind, value) in graph.attrs.items()}
        fields.append(f'"attrs": {_map(values, level + 1)}')
    return _lines(fields, '{}', level, True)


def _node_text(node, level):
    where = f'node {node.name!r:.80}'
    fields = [f'"op": {_quoted(node.op, where)}', f'"name": {_quoted(node.name, where)}']
    if node.attrs:
        values = {key: _quoted(text, f'attribute {key!r:.80} of {where}') for key, text in node.attrs.items()}
        fields.append(f'"attrs": {_map(values, level + 1)}')
    fields.append(f'"inputs": {_entries(node.inputs, level + 1)}')
    if node.control_deps:
        fields.append(f'"control_deps": {_array(node.control_deps, level + 1)}')
    if node.subgraphs:
        subgraphs = [_graph_text(graph, level + 2) for graph in node.subgraphs]
        fields.append(f'"subgraphs": {_lines(subgraphs, "[]", level + 1, True)}')
    return _lines(fields, '{}', level, True)


def _lines(items, brackets, level, multi_line):
    """Return items in brackets, each on its own line or all on one; lines end with a comma and a space."""
    if not multi_line or not items:
        return f'{brackets[0]}{", ".join(items)}{brackets[1]}'
    margin = '\n' + '  ' * level
    return f'{brackets[0]}{margin}  ' + f', {margin}  '.join(items) + f'{margin}{brackets[1]}'


def _array(numbers, level):
    return _lines([str(number) for number in numbers], '[]', level, len(numbers) > 10)


def _entries(entries, level):
    return _lines([f'[{node}, {output}, {version}]' for node, output, version in entries], '[]', level, len(entries) > 10)


def _map(texts, level):
    for key in texts:
        if _BAD_IN_KEY.search(key):
            raise FormatError(f'the attribute key {key!r:.80} cannot be stored: keys have no quotes, backslashes and control characters')
        _quoted(key, 'a key')
    return _lines([f'"{key}": {texts[key]}' for key in sorted(texts)], '{}', level, len(texts) > 1)


def _graph_value(value, level):
    if isinstance(value, (list, tuple)):
        return _lines([_graph_value(item, level) for item in value], '[]', level + 1, len(value) > 10)
    return str(value) if isinstance(value, int) else _quoted(value, 'an attribute of the graph')


def _quoted(text, where):
    """Return a text in quotes. MXNet's reader takes other control characters as they are."""
    if '\0' in text:
        raise FormatError(f'{text!r:.80} cannot be stored: it holds a zero byte ({where})')
    try:
        text.encode('utf-8')
    except UnicodeEncodeError as error:
        raise FormatError(f'{text!r:.80} cannot be stored as UTF-8: {error.reason} ({where})') from None
    return f'"{text.translate(_ESCAPED)}"'
