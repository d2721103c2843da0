"""What can be read off a graph: its variables, outputs, attributes, and a text for people."""
from .node import HIDDEN_KEYS, walk

__all__ = ['all_variables', 'attribute_table', 'child_entries', 'debug_text', 'internal_entries', 'no_such_name', 'position_of',
           'shown_attributes', 'variables']

_SHOWN = {f'__{key}__': key for key in HIDDEN_KEYS}


def all_variables(entries):
    """Return the variables of a graph, in the order of its files."""
    return [node for node in walk(entries) if node.op is None]


def variables(entries):
    """Return the variables that operators only read, and those that they overwrite."""
    found, overwritten = [], set()
    for node in walk(entries):
        if node.op is None:
            found.append(node)
        else:
            overwritten.update(node.inputs[i][0] for i in node.auxiliary() if i < len(node.inputs))
    return [n for n in found if n not in overwritten], [n for n in found if n in overwritten]


def internal_entries(entries):
    """Return the visible outputs of all nodes."""
    return [(node, i) for node in walk(entries) for i in range(node.count_visible())]


def child_entries(entries):
    """Return the inputs of the heads' nodes."""
    heads = dict.fromkeys(node for node, _ in entries)
    return [entry for node in heads for entry in node.inputs]


def no_such_name(function, name, names):
    """Return MXNet's message for an input that was given by a name which is none of those that exist."""
    listed = '\n'.join(f'\t[{i}]{known}' for i, known in enumerate(names))
    return f'{function}Keyword argument name {name} not found.\nCandidate arguments:\n{listed}\n'


def position_of(names, wanted):
    """Return where a name stands in a list.

    Raises
    ------
    ValueError
        It is not there, or more than once.
    """
    found = [i for i, name in enumerate(names) if name == wanted]
    if len(found) > 1:
        raise ValueError(f'There are multiple outputs with name "{wanted}"')
    if not found:
        raise ValueError(f'Cannot find output that matches name "{wanted}"')
    return found[0]


def shown_attributes(node):
    """Return a node's attributes; hidden ones under both spellings."""
    shown = {}
    for key, text in node.attrs.items():
        shown[key] = text
        if key in _SHOWN:
            shown[_SHOWN[key]] = text
    return shown


def attribute_table(entries):
    """Return the attributes of all nodes that have some, by node name."""
    table = {}
    for node in walk(entries):
        if node.attrs:
            table.setdefault(node.name, {}).update(shown_attributes(node))
    return table


def debug_text(entries):
    """Return MXNet's description of a graph, node by node."""
    if len(entries) == 1 and not entries[0][0].inputs:
        node = entries[0][0]
        return f'Variable:{node.name}\n' if node.op is None else f'AtomicFunctor  Op:{node.op.name}\n'
    lines = ['Symbol Outputs:']
    lines += [f'\toutput[{i}]={node.name}({index})' for i, (node, index) in enumerate(entries)]
    for node in walk(entries):
        if node.op is None:
            lines.append(f'Variable:{node.name}')
            continue
        lines += ['--------------------', f'Op:{node.op.name}, Name={node.name}', 'Inputs:']
        versions = node.versions or [int(i in node.auxiliary()) for i in range(len(node.inputs))]
        lines += [f'\targ[{i}]={child.name}({index})' + (f' version={versions[i]}' if child.op is None else '')
                  for i, (child, index) in enumerate(node.inputs)]
        if node.attrs:
            lines.append('Attrs:')
            lines += [f'\t{key}={node.attrs[key]}' for key in sorted(node.attrs)]
    return '\n'.join(lines) + '\n'
