"""Random programs give the names that MXNet 1.9.1 gave (random_programs.json.gz, written by random_programs.py)."""
import gzip
import importlib.util
import json
import pathlib

import pytest

import blockscope

HERE = pathlib.Path(__file__).parent
RECORDED = json.loads(gzip.decompress((HERE / 'random_programs.json.gz').read_bytes()))['programs']


def load_program():
    spec = importlib.util.spec_from_file_location('random_programs', HERE / 'random_programs.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Program


Program = load_program()


@pytest.mark.parametrize('seed', RECORDED)
def test_same_names_as_mxnet(seed):
    assert json.loads(json.dumps(Program(blockscope, int(seed)).run())) == RECORDED[seed]


def test_enough_was_recorded():
    assert len(RECORDED) > 150
    assert sum(map(len, RECORDED.values())) > 4000
