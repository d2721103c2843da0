"""Names for graphs in which several nodes have the same one, such as that of a layer called twice."""
from .node import joined_name

__all__ = ['merged_variables', 'names_made_unique']


def names_made_unique(order):
    """Return new names of those operators whose name, or the name of an output, another node has.

    Variables keep their names, which are those of parameters. Of the operators of one name the first keeps it, the others get the first
    of `name_1`, `name_2`, ... that gives no node and no output a name that was there.

    Parameters
    ----------
    order : list of Node
        All nodes of a graph, inputs first.

    Returns
    -------
    dict of Node to str
    """
    operators = [node for node in order if node.op is not None]
    suffixes = {node: tuple(node.op.output_suffixes(node.params)) for node in operators}
    wanted = {node.name for node in operators}
    outputs = {node.name for node in order if node.op is None}
    wanted_outputs = outputs.union(*(_outputs(node.name, suffixes[node]) for node in operators))
    names, tried, new = set(), {}, {}
    for node in operators:
        name, own = node.name, _outputs(node.name, suffixes[node])
        if name in names or not outputs.isdisjoint(own):
            name, own = _next(node.name, suffixes[node], tried, lambda name, own: name in wanted or not wanted_outputs.isdisjoint(own))
            new[node] = name
            wanted.add(name)
            wanted_outputs.update(own)
        names.add(name)
        outputs.update(own)
    return new


def _outputs(name, suffixes):
    return {joined_name(name, suffix) for suffix in suffixes}


def _next(base, suffixes, tried, is_taken):
    while True:
        number = tried[base] = tried.get(base, 0) + 1
        name = f'{base}_{number}'
        own = _outputs(name, suffixes)
        if not is_taken(name, own):
            return name, own


def merged_variables(order):
    """Return, for each variable that has the name of an earlier one, the first of that name.

    Parameters come to variables by name, so that variables of one name have one value.
    """
    first, found = {}, {}
    for node in order:
        if node.op is None:
            earlier = found.setdefault(node.name, node)
            if earlier is not node:
                first[node] = earlier
    return first
