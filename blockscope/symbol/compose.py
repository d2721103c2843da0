"""Composition: applying an operator to symbols, and replacing the variables of a graph by other symbols.

Inputs that are not given become variables named after the node (`fc1_weight`), with a copy of the node's attributes, as in MXNet.
"""
import numpy as np

from ..errors import MXNetError
from ..naming.attr_scope import AttrScope
from ..naming.name_manager import NameManager
from .listing import no_such_name
from .node import HIDDEN_KEYS, Node, as_written, joined_name, walk

__all__ = ['apply', 'attribute_text', 'hidden_key', 'replace_variables']


def attribute_text(key, value):
    """Return the text of an attribute's value, as MXNet's Python front end writes it.

    Examples
    --------
    >>> attribute_text('kernel', [3, 3]), attribute_text('dtype', 'float16'), attribute_text('axis', None)
    ('[3, 3]', 'float16', 'None')
    """
    if key == 'dtype' and value is not None:
        return np.dtype(value).name
    if isinstance(value, (tuple, list)):
        return str(type(value)(_plain(item) for item in value))
    return str(value)


def _plain(item):
    """Return a number of Python for one of NumPy, whose repr is not a number's since NumPy 2."""
    if isinstance(item, np.generic):
        return item.item()
    return type(item)(_plain(part) for part in item) if isinstance(item, (tuple, list)) else item


def hidden_key(key):
    """Return the key under which an attribute is kept: `lr_mult` as `__lr_mult__`."""
    return f'__{key}__' if key in HIDDEN_KEYS else key


def _node_attributes(op, given):
    """Return the attribute texts of a node.

    Raises
    ------
    MXNetError
        For an attribute of an argument (`weight_lr_mult`), which MXNet asks to be set on the variable.
    """
    attrs = {}
    for key, value in given.items():
        text = attribute_text(key, value)
        for hidden in HIDDEN_KEYS:
            if key.startswith(hidden):
                attrs[f'__{key}__'] = text
                break
            if key.endswith(hidden) and key != hidden and not key.startswith('__'):
                argument = key[:-len(hidden) - 1]
                raise MXNetError(f'setting variable attributes with {key} is deprecated. please instead use\nw = Variable({hidden}='
                                 f'{text})\nsym = YourSymbolName({argument}=w)')
        else:
            # An operator without attributes takes any as annotations: CosineEmbeddingLoss gives `axis` to broadcast_maximum.
            if not (key in op.attributes or key == op.count_attribute or key.startswith('__') or key == 'ctx' and not op.inputs
                    or not op.attributes and op.count_attribute is None):
                raise MXNetError(op.explain_unknown(key))
            attrs[key] = text
    return attrs


def apply(op, hint, args, sym_kwargs, given, name=None, attr=None, subgraphs=()):
    """Return the node of an operator applied to symbols.

    Parameters
    ----------
    op : Operator
    hint : str
        What automatic names start with.
    args : sequence of Symbol
        Inputs by position.
    sym_kwargs : dict of str to Symbol
        Inputs by name.
    given : dict
        Attributes as the user wrote them.
    name : str, optional
        Name; the current name manager completes it.
    attr : dict of str to str, optional
        Annotations; the current AttrScope completes them.
    subgraphs : tuple of Symbol
        Bodies of control flow.

    Returns
    -------
    Node

    Raises
    ------
    MXNetError
        An attribute is missing, unknown or wrong, an input is unknown, or is a group. No name has been drawn then.
    """
    scope = AttrScope._current.value.get(attr)
    attrs = _node_attributes(op, {**given, **scope} if scope else given)
    if op.count_attribute is not None and op.count_attribute not in attrs:
        attrs[op.count_attribute] = str(len(args) + len(sym_kwargs))
    node = Node(op, None, attrs)
    node.subgraphs = subgraphs
    params = node.params
    count = len(args) + len(sym_kwargs)
    if op.count_attribute is not None:
        count = max(count, _count(op, attrs[op.count_attribute]))
    names = op.argument_names(params, count)
    _check_inputs(op, names, args, sym_kwargs)
    if name and not isinstance(name, str):
        raise TypeError(f'the name of a node is a str, but got {name!r}, in operator {op.name}')
    node.name = name = NameManager._current.value.get(name, hint)
    for position, argument in enumerate(names):
        source = args[position] if position < len(args) else sym_kwargs.get(argument)
        if source is None:
            source_entry = (Node(None, joined_name(name, argument), dict(attrs)), 0)
        else:
            source_entry = source._entries[0]
        node.inputs.append(source_entry)
        if argument in op.stamps:
            for key, text in op.stamps[argument].items():
                if source_entry[0].op is None:
                    source_entry[0].attrs.setdefault(key, text)
    node.count_versions()
    return node


def _count(op, text):
    try:
        return int(text)
    except ValueError:
        raise MXNetError(f'Invalid value {text!r} for parameter {op.count_attribute} of operator {op.name}: it takes int') from None


def _check_inputs(op, names, args, sym_kwargs):
    if len(args) > len(names):
        raise MXNetError(f'Incorrect number of arguments, requires {len(names)}, provided {len(args)}, in operator {op.name}')
    for i, source in enumerate(args):
        if len(source._entries) != 1:
            raise MXNetError(f'Argument {i} is a tuple with {len(source._entries)} elements, scalar is required, in operator {op.name}. '
                             'Choose one output, such as x[0].')
    free = names[len(args):]
    for key, source in sym_kwargs.items():
        if key not in free:
            raise MXNetError(f'{no_such_name("Symbol.Compose", key, names)}, in operator {op.name}')
        if len(source._entries) != 1:
            raise MXNetError(f'Keyword Argument {key} is a tuple, single value is required, in operator {op.name}. Choose one output, '
                             'such as x[0].')
    if op.count_attribute is not None and not names:
        raise MXNetError(f'operator {op.name} expects at least one symbol')
    if not op.creates_variables and len(args) + len(sym_kwargs) < len(names):
        raise MXNetError(f'Not enough argument to call operator {op.name}: it needs {", ".join(names)}')
    for position in op.mutates:
        if position < len(names):
            source = args[position] if position < len(args) else sym_kwargs.get(names[position])
            if source is not None and source._entries[0][0].op is not None:
                raise MXNetError(f'Mutation target can only be Variable: operator {op.name} overwrites its input {names[position]}, '
                                 f'which is the result of {source._entries[0][0].name}. Give a variable.')


def replace_variables(entries, replacements, rename=None):
    """Return entries of a copy of a graph in which some variables are replaced.

    Parameters
    ----------
    entries : list of (Node, int)
    replacements : dict of Node to (Node, int)
        What stands in the place of a variable; the graph behind it is not copied.
    rename : str, optional
        New name of the head's node.

    Returns
    -------
    list of (Node, int)
    """
    copies = dict(replacements)
    heads = {node for node, _ in entries}
    for node in as_written(walk(entries)):
        if node not in copies:
            inputs = [_moved(copies, child, index) for child, index in node.inputs]
            name = rename if rename and node in heads and node.op is not None else None
            copies[node] = (node.copy(inputs, name), 0)
            if any(child in replacements for child, _ in node.inputs):
                copies[node][0].count_versions()
    return [_moved(copies, node, index) for node, index in entries]


def _moved(copies, node, index):
    new, new_index = copies[node]
    return (new, new_index if node.op is None else index)
