"""Loops, branches, random numbers and users' operators in graphs against MXNet 1.9.1.

``programs.json.gz`` holds what MXNet made of the programs in ``programs.py``; ``record_programs.py`` records it.
"""
import gzip
import json
import pathlib

import numpy as np
import pytest

import blockscope as mx
from blockscope.executor import CachedOp
from tests.symbol import programs

RECORDED = json.loads(gzip.decompress(pathlib.Path(__file__).with_name('programs.json.gz').read_bytes()))


@pytest.fixture(autouse=True)
def fresh_counters(monkeypatch):
    monkeypatch.setattr(mx.AttrScope, '_subgraph_names', {})
    with mx.name.NameManager():
        yield


def test_every_program_is_recorded():
    ours = {'graphs': programs.GRAPHS, 'numbers': programs.NUMBERS, 'errors': programs.ERRORS}
    assert {kind: sorted(found) for kind, found in ours.items()} == {kind: sorted(found) for kind, found in RECORDED.items()}


@pytest.mark.parametrize('name', programs.GRAPHS)
def test_graph_is_as_in_mxnet(name):
    symbol = programs.GRAPHS[name](mx)
    expected = RECORDED['graphs'][name]
    assert symbol.tojson() == expected['json']
    assert symbol.list_arguments() == expected['arguments']
    assert symbol.list_auxiliary_states() == expected['auxiliary']
    assert symbol.list_outputs() == expected['outputs']
    assert symbol.get_internals().list_outputs() == expected['internals']


@pytest.mark.parametrize('name', programs.GRAPHS)
def test_graph_can_be_read_again(name):
    text = RECORDED['graphs'][name]['json']
    programs.register_operators(mx)
    assert mx.sym.load_json(text).tojson() == text


def computed(symbol, values):
    """Return outputs, gradients and states of a graph, as the recorder computes them."""
    arrays = {name: mx.nd.array(value) for name, value in values.items()}
    for name in symbol.list_arguments():
        arrays[name].attach_grad()
    with mx.autograd.record():
        outputs = CachedOp(symbol)(*[arrays[name] for name in symbol.list_inputs()])
    mx.autograd.backward(outputs, [(i + 1) * mx.nd.arange(1, x.size + 1).reshape(x.shape) for i, x in enumerate(outputs)])
    return {'outputs': [x.asnumpy() for x in outputs], 'states': {n: arrays[n].asnumpy() for n in symbol.list_auxiliary_states()},
            'gradients': {n: arrays[n].grad.asnumpy() for n in symbol.list_arguments()}}


@pytest.mark.parametrize('name', programs.NUMBERS)
@pytest.mark.parametrize('again', [False, True], ids=['made', 'read from its text'])
def test_numbers_are_mxnets(name, again):
    symbol, values = programs.NUMBERS[name](mx)
    found, expected = computed(mx.sym.load_json(symbol.tojson()) if again else symbol, values), RECORDED['numbers'][name]
    for ours, theirs in zip(found['outputs'], expected['outputs'], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    for kind in ('gradients', 'states'):
        assert set(found[kind]) == set(expected[kind])
        for key, value in found[kind].items():
            np.testing.assert_allclose(value, expected[kind][key], rtol=1e-5, err_msg=key)


@pytest.mark.parametrize('name', programs.ERRORS)
def test_errors_are_mxnets(name):
    expected = RECORDED['errors'][name]
    with pytest.raises(Exception) as caught:  # noqa: PT011 (the class is compared below)
        programs.ERRORS[name](mx)
    assert type(caught.value).__name__ == expected['type']
    message = expected['message'].replace('mxnet.', 'blockscope.')
    if expected['type'] == 'MXNetError':  # those of C++ begin with a place in its source
        message = message.split(': ')[-1].removesuffix('.')
        assert message in str(caught.value)
    else:
        assert str(caught.value) == message
