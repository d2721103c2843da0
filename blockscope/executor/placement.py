"""Placement: the context that each node of a graph runs on, and the graph cut into parts of one context each.

Users put nodes into groups (``with mx.AttrScope(ctx_group='dev1')``) and give `bind` a context for each group. A node of no group runs
where its first input is.
"""
from ..errors import MXNetError
from ..symbol.listing import all_variables
from ..symbol.node import Node, as_written, walk
from .graph import Graph

__all__ = ['Part', 'cut', 'group_context', 'place', 'whole']

_GROUP = '__ctx_group__'


class Part:
    """What runs on one context.

    Attributes
    ----------
    graph : Graph
    ctx : Context
    takes : tuple of int
        The numbers, in the whole graph, of the values of its variables.
    gives : tuple of int
        The numbers of the values of its outputs.
    """

    __slots__ = ('ctx', 'gives', 'graph', 'takes')

    def __init__(self, graph, ctx, takes, gives):
        self.graph = graph
        self.ctx = ctx
        self.takes = takes
        self.gives = gives


def group_context(node, group2ctx, default):
    """Return the context of a node's group, or `default` for a node of no group.

    Raises
    ------
    MXNetError
        The group has no context.
    """
    group = node.attrs.get(_GROUP)
    if group is None or not group2ctx:
        return default
    if group not in group2ctx:
        raise MXNetError(f'The device assignment not found for group {group}: group2ctx has {sorted(group2ctx)}')
    return group2ctx[group]


def place(entries, group2ctx, contexts, default):
    """Return the context of every node.

    Parameters
    ----------
    entries : list of (Node, int)
    group2ctx : dict of str to Context
    contexts : dict of Node to Context
        Those of the variables.
    default : Context
        For nodes that nothing else tells of.

    Returns
    -------
    dict of Node to Context
    """
    found = dict(contexts)
    order = walk(entries)
    for node in order:
        if node.op is not None:
            near = next((found[child] for child, _ in node.inputs if found[child] is not None), None)
            found[node] = group_context(node, group2ctx, near)
    for node in reversed(order):
        if found[node] is None:
            found[node] = default
        for child, _ in node.inputs:
            if found[child] is None:
                found[child] = found[node]
    return found


def whole(entries, ctx):
    """Return a graph as one part: ``(parts, numbers of the outputs)``."""
    unique = list(dict.fromkeys(entry for entry in entries if entry[0].op is not None))
    number = {(node, 0): i for i, node in enumerate(all_variables(entries))}
    for entry in unique:
        number[entry] = len(number)
    parts = []
    if unique:
        graph = Graph(unique)
        parts = [Part(graph, ctx, tuple(number[node, 0] for node in graph.variables), tuple(number[entry] for entry in unique))]
    return parts, [number[entry] for entry in entries]


def cut(entries, contexts, shapes):
    """Return a graph as parts of one context each, in the order in which they run.

    Parameters
    ----------
    entries : list of (Node, int)
    contexts : dict of Node to Context
    shapes : dict of (Node, int) to tuple
        Shapes in the graph: a part alone may not tell how long the zeros are that a recurrent layer starts with.

    Returns
    -------
    (list of Part, list of int)
        The parts, and the numbers of the outputs. Values are numbered from the variables on.
    """
    order = walk(entries)
    number = {(node, 0): i for i, node in enumerate(all_variables(entries))}
    groups, of = [], {}
    for node in as_written(n for n in order if n.op is not None):
        if not groups or groups[-1][0] is not contexts[node]:
            groups.append((contexts[node], []))
        groups[-1][1].append(node)
        of[node] = len(groups) - 1
    needed = [{} for _ in groups]  # of each group, the entries that others read
    for node in order:
        for child, index in node.inputs:
            if child.op is not None and of[child] != of[node]:
                needed[of[child]][child, index] = None
    for node, index in entries:
        if node.op is not None:
            needed[of[node]][node, index] = None
    for given in needed:
        for entry in given:
            number[entry] = len(number)
    parts = [_part(ctx, nodes, list(given), number, shapes) for (ctx, nodes), given in zip(groups, needed)]
    return parts, [number[entry] for entry in entries]


def _part(ctx, nodes, given, number, shapes):
    """Return a part, in whose graph variables stand for what comes from elsewhere."""
    copies, sources = {}, {}
    for node in nodes:
        inputs = []
        for child, index in node.inputs:
            if child in copies:
                inputs.append((copies[child], index))
                continue
            if (child, index) not in sources:
                name = child.name if child.op is None else f'{child.name}_{index}_copy'
                sources[child, index] = Node(None, name, child.attrs if child.op is None else None)
            inputs.append((sources[child, index], 0))
        attrs = node.attrs
        if not inputs and 0 in (node.params.get('shape') or ()):
            attrs = {**attrs, 'shape': str(shapes[node, 0])}
        copies[node] = copy = Node(node.op, node.name, attrs, inputs, node.subgraphs)
        copy.number = node.number
    graph = Graph([(copies[node], index) for node, index in given])
    entry_of = {source: entry for entry, source in sources.items()}
    return Part(graph, ctx, tuple(number[entry_of[node]] for node in graph.variables), tuple(number[entry] for entry in given))
