"""Programs (nets as people write them, executors, recurrent nets) give the numbers, shapes and names that MXNet 1.9.1 gave.

Each `*_programs.txt` holds programs, the file `.json.gz` of the same name what MXNet gave; run_traces.py tells how it was recorded.
Numbers may differ by rounding: by the tolerance of test_traces.py, which is relative to the largest number of an array. Programs in
`real_programs.txt` train for several steps, often with Adam, which divides by roots of small numbers and so makes rounding larger.
"""
import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest
from traces.test_traces import TOLERANCE, check_same

import blockscope

HERE = pathlib.Path(__file__).parent
RECORDED = {path.name.removesuffix('_programs.json.gz'): json.loads(gzip.decompress(path.read_bytes()))
            for path in sorted(HERE.glob('*_programs.json.gz'))}
PROGRAMS = [(kind, trace['id']) for kind, recorded in RECORDED.items() for trace in recorded['traces']]
TRAINED = {'float16': 2e-3, 'float32': 1e-3, 'float64': 1e-3}
TRACES = {(kind, trace['id']): trace for kind, recorded in RECORDED.items() for trace in recorded['traces']}


@pytest.fixture(scope='module')
def outcomes():
    """Run all programs, each kind once."""
    package, found = pathlib.Path(blockscope.__file__).parent, {}
    for kind, recorded in RECORDED.items():
        request = {'prelude': recorded['prelude'], 'traces': {trace['id']: trace['code'] for trace in recorded['traces']}}
        done = subprocess.run([sys.executable, str(HERE / 'run_traces.py')], input=json.dumps(request), capture_output=True, text=True,
                              timeout=600, check=False, env={**os.environ, 'PYTHONPATH': str(package.parent)})
        assert done.returncode == 0, done.stderr
        found.update({(kind, name): outcome for name, outcome in json.loads(done.stdout).items()})
    return found


def test_enough_was_recorded():
    assert set(RECORDED) == {'real', 'rnn', 'symbol'}
    assert len(TRACES) == len(PROGRAMS) > 150
    assert [name for name, trace in TRACES.items() if 'out' not in trace] == []


@pytest.mark.parametrize('program', PROGRAMS, ids='/'.join)
def test_same_as_mxnet(program, outcomes):
    found = outcomes[program]
    assert 'error' not in found, found['error']
    check_same(TRACES[program]['out'], found['out'], '/'.join(program), TRAINED if program[0] == 'real' else TOLERANCE)
