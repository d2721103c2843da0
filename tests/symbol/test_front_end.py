"""Every operator function of mx.sym against MXNet 1.9.1: its place, its automatic name and its node's operator.

``front_end.json.gz`` holds what MXNet gave; ``record_front_end.py`` makes it.
"""
import gzip
import json
import pathlib

import pytest

import blockscope as mx
from blockscope.ops import operators

FILE = pathlib.Path(__file__).with_name('front_end.json.gz')
RECORDS = json.loads(gzip.decompress(FILE.read_bytes()))
# Names that are where MXNet has them by accident of its imports; and what moves an array, which needs to know from where.
LEFT_OUT = {('contrib', 'uniform'), ('sparse', '_contrib_round_ste'), ('sparse', '_contrib_sign_ste'), ('_internal', '_copyto')}
OURS = [record for record in RECORDS if record['op'] in operators and (record['space'], record['function']) not in LEFT_OUT]
SPACES = ['', 'op', 'contrib', 'linalg', 'random', 'image', 'sparse', '_internal']


def namespace(space):
    return getattr(mx.sym, space) if space else mx.sym


def described(record):
    """Return what our function of this place gives."""
    function = getattr(namespace(record['space']), record['function'])
    with mx.name.NameManager():
        symbol = function(*[mx.sym.var(f'v{i}') for i in range(record['given'])], **record['attrs'])
    graph = json.loads(symbol.tojson())
    return {'name': symbol.name, 'op': graph['nodes'][graph['heads'][0][0]]['op']}


@pytest.mark.parametrize('space', SPACES)
def test_functions_are_where_mxnet_has_them(space):
    wrong = {}
    for record in OURS:
        if record['space'] == space:
            try:
                found = described(record)
            except (mx.MXNetError, AttributeError, TypeError) as error:
                found = f'{type(error).__name__}: {error}'
            if found != {'name': record['name'], 'op': record['op']}:
                wrong[record['function']] = record['name'], record['op'], found
    assert wrong == {}


def test_most_of_the_recorded_functions_are_there():
    # The rest belongs to operators that mx.nd lacks too: quantized, sparse, of graphs (dgl) and of older layers.
    assert len(OURS) > 600


def test_namespaces_list_their_functions():
    for space, name in [('', 'relu'), ('op', 'FullyConnected'), ('contrib', 'box_nms'), ('linalg', 'gemm2'), ('_internal', '_plus')]:
        assert name in dir(namespace(space))
    assert not any(name.startswith('_contrib_') for name in dir(mx.sym))


@pytest.mark.parametrize('space, name', [('', 'nosuch'), ('contrib', 'nosuch'), ('linalg', 'relu'), ('_internal', 'nosuch')])
def test_what_is_no_operator_is_not_there(space, name):
    with pytest.raises(AttributeError, match=f'no attribute {name!r}'):
        getattr(namespace(space), name)
