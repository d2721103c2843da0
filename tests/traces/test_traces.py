"""Numeric traces recorded from MXNet 1.9.1: the same numbers, shapes, types and kinds of error here.

`traces.json.gz` holds small programs with what MXNet gave (its `source` says how they were recorded). What waits for a part that
blockscope does not have yet, and what is decided differently, is listed in `lists.py` with the reason.
"""
import gzip
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from traces.lists import DIFFERENT, WAITING

import blockscope

HERE = pathlib.Path(__file__).parent
RECORDED = json.loads(gzip.decompress((HERE / 'traces.json.gz').read_bytes()))
TRACES = {trace['id']: trace for trace in RECORDED['traces']}
LISTED = {name: reason for reasons in (DIFFERENT, WAITING) for reason, names in reasons.items() for name in names.split()}
COMPARED = [name for name, trace in TRACES.items() if name not in LISTED and 'out' in trace]
TOLERANCE = {'float16': 2e-3, 'float32': 2e-4, 'float64': 2e-4}


@pytest.fixture(scope='module')
def outcomes():
    """Run all traces that are compared, once."""
    request = {'prelude': RECORDED['prelude'], 'traces': {name: TRACES[name]['code'] for name in COMPARED}}
    package = pathlib.Path(blockscope.__file__).parent
    done = subprocess.run([sys.executable, str(HERE / 'run_traces.py')], input=json.dumps(request), capture_output=True, text=True,
                          timeout=600, check=False, env={**os.environ, 'PYTHONPATH': str(package.parent)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def is_array(value):
    """Return whether a recorded value is an array."""
    return isinstance(value, dict) and set(value) == {'shape', 'dtype', 'values'}


def check_same(expected, found, where, tolerances=TOLERANCE):
    """Assert that two outcomes agree: containers by their parts, numbers up to the rounding of their type."""
    if is_array(expected):
        assert is_array(found), (where, found)
        assert (found['shape'], found['dtype']) == (expected['shape'], expected['dtype']), where
        check_close(np.array(expected['values'], float), np.array(found['values'], float), tolerances.get(expected['dtype'], 0), where)
    elif isinstance(expected, dict):
        assert isinstance(found, dict) and set(found) == set(expected), where
        for key, value in expected.items():
            check_same(value, found[key], f'{where}/{key}', tolerances)
    elif isinstance(expected, list):
        assert isinstance(found, list) and len(found) == len(expected), where
        for i, value in enumerate(expected):
            check_same(value, found[i], f'{where}[{i}]', tolerances)
    elif isinstance(expected, float):
        check_close(np.array(expected), np.array(found, float), tolerances['float64'], where)
    else:
        assert found == expected, where


def check_close(expected, found, tolerance, where):
    """Assert that numbers agree relative to the largest of them; infinities and NaN exactly."""
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.where(finite, 0, found), np.where(finite, 0, expected), err_msg=where)
    if finite.any():
        scale = max(5e-3, np.abs(expected[finite]).max())
        assert np.abs(expected[finite] - found[finite]).max() <= tolerance * scale, where


def test_the_lists_name_traces_that_exist():
    assert [name for name in LISTED if name not in TRACES] == []
    assert len(TRACES) == 1487
    assert len(COMPARED) > 1350


@pytest.mark.parametrize('name', COMPARED)
def test_same_as_mxnet(name, outcomes):
    found = outcomes[name]
    assert 'error' not in found, found['error']
    check_same(TRACES[name]['out'], found['out'], name)
