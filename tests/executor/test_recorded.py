"""Executors against MXNet 1.9.1: results and errors of the programs in `cases` and `simple_cases`, which `record_executor.py` recorded."""
import copy
import json
import pathlib

import numpy as np
import pytest

import blockscope as mx
from tests.executor import simple_cases  # noqa: F401  adds its cases
from tests.executor.cases import CASES, ERRORS

RECORDED = json.loads(pathlib.Path(__file__).with_name('mxnet191.json').read_text())

# Errors whose text is another one here, with the words that it has.
OTHER_TEXTS = {
    'shapes_differ': 'Incompatible attr in node',  # of shape inference, which names the node otherwise
    'types_differ': 'Incompatible attr in node',
    'simple_type_unknown': 'data the type complex64',  # MXNet passes over the type and then misses it
}
# Results in which MXNet is wrong, with the right ones.
CORRECTED = {
    # 2 a + b, heads 1 and 2, starting from 1 and 0: the gradient of a is 1 + 2 * (1 + 2). MXNet reads the head of the second pass from
    # the array in which the gradients of b are added up, and gets 9.
    'backward_twice_adding': lambda recorded: _with_values(recorded, [7.0, 7.0], 0),
    # The heads of y, 2 y, y and x count 1 + 20 + 100 + 1000. MXNet forgets the first of an output that is there twice.
    'the_same_output_twice': lambda recorded: _with_values(recorded, [1121.0, 1121.0], 1, 0),
}


def _with_values(recorded, values, *path):
    changed = copy.deepcopy(recorded)
    place = changed
    for key in path:
        place = place[key]
    assert place['values'] != values
    place['values'] = values
    return changed


def assert_same(found, expected, where):
    if isinstance(found, mx.nd.NDArray):
        assert list(found.shape) == expected['shape'], where
        assert found.dtype.__name__ == expected['dtype'], where
        assert str(found.context) == expected['ctx'], where
        np.testing.assert_allclose(found.asnumpy().ravel(), expected['values'], rtol=2e-5, atol=1e-6, err_msg=where)
    elif isinstance(found, dict):
        assert set(found) == set(expected), where
        for key, item in found.items():
            assert_same(item, expected[key], f'{where}[{key!r}]')
    elif isinstance(found, (list, tuple)):
        assert len(found) == len(expected), where
        for i, item in enumerate(found):
            assert_same(item, expected[i], f'{where}[{i}]')
    elif isinstance(found, mx.Context):
        assert str(found) == expected, where
    else:
        assert found == expected, where


def test_recording_is_complete():
    assert set(CASES) == set(RECORDED['cases'])
    assert set(ERRORS) == set(RECORDED['errors'])
    assert set(OTHER_TEXTS) <= set(ERRORS)
    assert set(CORRECTED) <= set(CASES)


@pytest.mark.parametrize('name', sorted(RECORDED['cases']))
def test_results(name, fresh_names):
    recorded = RECORDED['cases'][name]
    assert_same(CASES[name](mx), CORRECTED[name](recorded) if name in CORRECTED else recorded, name)


@pytest.mark.parametrize('name', sorted(RECORDED['errors']))
def test_errors(name, fresh_names):
    expected = RECORDED['errors'][name]
    with pytest.raises(Exception) as caught:
        ERRORS[name](mx)
    error = caught.value
    assert type(error).__name__ == expected['class']
    text = ' '.join(str(error.args[0] if isinstance(error, KeyError) else error).split())
    assert OTHER_TEXTS.get(name, expected['text'].removesuffix(',')) in text
