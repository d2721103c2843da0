"""Graphs of old symbol files, brought up to date as MXNet 1.9.1 does it: attributes renamed, inputs added.

References
----------
``src/nnvm/legacy_json_util.cc`` of Apache MXNet 1.9.1.
"""
import warnings

from ..errors import FormatError, MXNetError
from .node import Node, joined_name, walk

__all__ = ['MXNET_VERSION', 'check_attributes', 'upgrade']

MXNET_VERSION = 10901
# How many inputs an operator of an old file may lack (auxiliary states were not written), so that a small file stays a small graph.
MAX_MISSING = 1000
# Annotations that were once written without the underscores around them.
_KEYS = ('ctx_group', 'lr_mult', 'wd_mult', 'force_mirroring', 'mirror_stage')


def upgrade(entries, version, to_np_shape):
    """Bring a graph up to date, in place.

    Parameters
    ----------
    entries : list of (Node, int)
    version : int
        Version of MXNet that wrote the graph, as 10000 * major + 100 * minor + patch.
    to_np_shape : bool
        Whether the graph has classic shapes, with 0 for what is unknown, and is read under NumPy shape semantics.
    """
    if version > MXNET_VERSION:
        warnings.warn(f'loading a symbol that MXNet {version // 10000}.{version // 100 % 100}.{version % 100} saved, which is newer than '
                      'the version 1.9.1 that is known here: it may not mean the same', stacklevel=5)
    if version < MXNET_VERSION:
        for node in walk(entries):
            _hide_annotations(node)
    if version < 900:
        _add_missing_inputs(walk(entries))
    if version < 904:
        for node in walk(entries):
            _stamp_inputs(node)
    if version < 905:
        for node in walk(entries):
            if node.op is not None and node.op.name in ('argmax', 'argmin') and node.attrs.get('axis') == '-1':
                node.set_attribute('axis', None)
    if to_np_shape:
        for node in walk(entries):
            if node.op is None and '__shape__' in node.attrs:
                node.attrs['__shape__'] = _np_shape(node.attrs['__shape__'])


def check_attributes(node):
    """Raise MXNetError if a node has an attribute that its operator doesn't know, or that is wrong, or lacks one.

    Operators without attributes take all, as MXNet's do.
    """
    op = node.op
    if op is None or not (op.attributes or node.attrs):
        return
    if op.attributes:
        for key in node.attrs:
            if key not in op.attributes and key != op.count_attribute and not (len(key) > 4 and key[:2] == '__' == key[-2:]):
                raise MXNetError(f'{op.explain_unknown(key)}, in node {node.name}')
    _params(node)


def _params(node):
    try:
        return node.params
    except (MemoryError, RecursionError):  # from Python's parser, for thousands of signs or brackets
        raise MXNetError(f'the attributes of operator {node.op.name} hold a value that is nested too deeply, in node {node.name}') from None


def _arguments(node):
    params, count = _params(node), len(node.inputs)
    given = node.attrs.get(node.op.count_attribute, '').strip()
    if given.isascii() and given.isdigit():
        if len(given) > 6 or int(given) > count + MAX_MISSING:
            raise FormatError(f'node {node.name} has {count} inputs, and should have {given:.20}')
        count = max(count, int(given))
    return node.op.argument_names(params, count)


def _hide_annotations(node):
    """Write `lr_mult` as `__lr_mult__`, and `weight_lr_mult` of an operator as `__lr_mult__` of its variable `weight`."""
    for key in [key for key in node.attrs if key.endswith(_KEYS)]:
        if key in _KEYS:
            node.attrs[f'__{key}__'] = node.attrs.pop(key)
            continue
        hidden = next(hidden for hidden in _KEYS if key.endswith(hidden))
        argument = key[:-len(hidden) - 1]
        if node.op is None or not argument:
            continue
        names = _arguments(node)
        position = names.index(argument) if argument in names else len(node.inputs)
        if position < len(node.inputs) and node.inputs[position][0].op is None:
            node.inputs[position][0].attrs[f'__{hidden}__'] = node.attrs.pop(key)


def _add_missing_inputs(nodes):
    """Add the inputs that were not written before version 0.9, auxiliary states."""
    total = 0
    for node in nodes:
        if node.op is None:
            continue
        missing = _arguments(node)[len(node.inputs):]
        total += len(missing)
        if total > 2 * len(nodes) + MAX_MISSING:
            raise FormatError(f'operators lack more than {total - 1} inputs')
        for argument in missing:
            node.inputs.append((Node(None, joined_name(node.name, argument), dict(node.attrs)), 0))
        node.versions += (0,) * len(missing)


def _stamp_inputs(node):
    """Set the attributes that operators set on their variables (how to initialise them), where there are none."""
    if node.op is None or not node.op.stamps:
        return
    for argument, (child, _) in zip(_arguments(node), node.inputs):
        if child.op is None:
            for key, text in node.op.stamps.get(argument, {}).items():
                child.attrs.setdefault(key, text)


def _np_shape(text):
    """Return the text of a shape with -1 in place of 0; a shape of no dimensions was an unknown one."""
    try:
        dims = [int(item.strip().rstrip('L')) for item in text.strip().strip('()[]').split(',') if item.strip()]
    except ValueError:  # what is no shape is an unknown one, too
        dims = []
    return f"[{','.join(str(dim or -1) for dim in dims)}]" if dims else 'None'
