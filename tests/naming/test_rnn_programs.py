"""About 90 programs on recurrent nets (cells, modifiers, layers, names, files) give what MXNet 1.9.1 gave.

`rnn_programs.txt` holds the programs, `rnn_programs.json.gz` what MXNet gave; run_cases.py tells how it was recorded. What is decided
differently was left out: unrolling over symbols with lengths and `merge_outputs=False`, cells that hold blocks which are no cells, and
the texts of errors that have none in MXNet.
"""
import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest

import blockscope

HERE = pathlib.Path(__file__).parent
RECORDED = json.loads(gzip.decompress((HERE / 'rnn_programs.json.gz').read_bytes()))
CASES = RECORDED['cases']


@pytest.fixture(scope='module')
def outcomes():
    """Run all programs, once."""
    request = {'prelude': RECORDED['prelude'], 'cases': {name: case['code'] for name, case in CASES.items()}}
    package = pathlib.Path(blockscope.__file__).parent
    done = subprocess.run([sys.executable, str(HERE / 'run_cases.py')], input=json.dumps(request), capture_output=True, text=True,
                          timeout=600, check=False, env={**os.environ, 'PYTHONPATH': str(package.parent)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_enough_was_recorded():
    assert len(CASES) > 80
    assert all('result' in case for case in CASES.values() if not case['stdout'])


@pytest.mark.parametrize('name', CASES)
def test_same_as_mxnet(name, outcomes):
    expected = {key: value for key, value in CASES[name].items() if key != 'code'}
    assert outcomes[name] == expected
