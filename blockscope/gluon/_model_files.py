"""`Block.save` and `Block.load`: the structure of a model as JSON beside its parameters.

References
----------
MXNet 1.9.1, `Block.save`: `<prefix>-model.json` nests one dictionary per block under its class name and a running number. There, a
block that was compiled also keeps its graph, and runs that one when it is loaded.
"""
import json

from .. import symbol

__all__ = ['apply_structure', 'read_structure', 'structure_text']


def structure_text(block):
    """Return the structure of a block as JSON."""
    found = {}
    _describe(block, [0], found)
    return json.dumps(found)


def _describe(block, counter, parent):
    children = {}
    entry = {'orig_name': block.name}
    if hasattr(block, '_active'):
        if block._cached_graph:
            inputs, out = block._cached_graph
            entry.update(in_format=block._in_format, out_format=block._out_format, inputs=[x.tojson() for x in inputs],
                         symbol=out.tojson(), hybridized=True)
        else:
            entry['hybridized'] = False
    entry['children'] = children
    parent[_key(block, counter)] = entry
    for name, child in block._children.items():
        counter[0] += 1
        children[child.name] = name
        _describe(child, counter, entry)


def _key(block, counter):
    return f'{type(block).__name__.lower()}{counter[0]}'


def read_structure(filename):
    """Return the structure in a file."""
    with open(filename, encoding='utf-8') as file:
        return json.load(file)


def apply_structure(block, structure, counter=None):
    """Give a block and its children the names that they had when they were saved.

    Raises
    ------
    ValueError
        The block is built in another way than the saved one.
    """
    counter = [0] if counter is None else counter
    key = _key(block, counter)
    if key not in structure:
        raise ValueError(f'the saved model has no {key} where this model has {block.name} ({type(block).__name__}): build the model '
                         'exactly as the saved one was built')
    entry = structure[key]
    block.__dict__['_name'] = entry['orig_name']
    if entry.get('hybridized'):
        graph = [symbol.load_json(text) for text in entry['inputs']], symbol.load_json(entry['symbol'])
        block.__dict__.pop('_traced_blocks', None)
        block.__dict__.update(_in_format=entry['in_format'], _out_format=entry['out_format'], _cached_graph=graph, _active=True)
    own = block.params._params
    skip = len(block.params._prefix)
    renamed = {f'{block.name}_{name[skip:]}': param for name, param in own.items()}
    own.clear()
    own.update(renamed)
    for child in block._children.values():
        counter[0] += 1
        apply_structure(child, entry, counter)
    children = [(entry['children'][child.name], child) for child in block._children.values()]
    block._children.clear()
    block._children.update(children)
