"""Some 450 more programs give what MXNet 1.9.1 gave.

`more_programs.txt` holds programs about layers, parameters, files, trainers, data and messages, `graph_programs.txt` such about traces,
symbols, exported files and hybridized blocks; the `.json.gz` files hold what MXNet gave, and run_cases.py tells how they were recorded.
Lines on which the two differ were left out of the programs: those that are fixed on purpose (blockscope/mxnet.py lists them), and some
texts of errors.
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
RECORDED = {name: json.loads(gzip.decompress((HERE / f'{name}.json.gz').read_bytes())) for name in ('more_programs', 'graph_programs')}


@pytest.fixture(scope='module')
def outcomes():
    """Run all programs, once."""
    return {name: _run(recorded) for name, recorded in RECORDED.items()}


def _run(recorded):
    request = {'prelude': recorded['prelude'], 'cases': {name: case['code'] for name, case in recorded['cases'].items()}}
    package = pathlib.Path(blockscope.__file__).parent
    done = subprocess.run([sys.executable, str(HERE / 'run_cases.py')], input=json.dumps(request), capture_output=True, text=True,
                          timeout=600, check=False, env={**os.environ, 'PYTHONPATH': str(package.parent)})
    assert done.returncode == 0, done.stderr
    # Python 3.13 renamed re.error, whose name stands in a recorded text.
    return json.loads(done.stdout.replace('"PatternError: ', '"error: '))


def test_enough_was_recorded():
    for recorded in RECORDED.values():
        assert len(recorded['cases']) > 200
        assert sum('result' in case for case in recorded['cases'].values()) > 180


@pytest.mark.parametrize(('source', 'name'), [(source, name) for source, recorded in RECORDED.items() for name in recorded['cases']])
def test_same_as_mxnet(source, name, outcomes):
    expected = {key: value for key, value in RECORDED[source]['cases'][name].items() if key != 'code'}
    assert outcomes[source][name] == expected
