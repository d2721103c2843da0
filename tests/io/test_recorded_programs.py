"""Iterators against MXNet 1.9.1: batches, pads, orders of samples for a seed, descriptions, and the state between passes.

``programs.json.gz`` holds what MXNet gave for `programs.random_cases` (an NDArrayIter over random sources with random actions) and
`programs.further_cases`; ``record_programs.py`` makes it.
"""
import gzip
import json
import pathlib

import pytest

import blockscope as mx
from tests.io.programs import further_cases, random_cases, run

FILE = pathlib.Path(__file__).with_name("programs.json.gz")
REGENERATE = "run: python tests/io/record_programs.py (with the python that has mxnet)"
RECORDED = json.loads(gzip.decompress(FILE.read_bytes()))["programs"]


@pytest.mark.parametrize("number", range(len(RECORDED)), ids=[f"{number}-{entry['case']['program']}"
                                                              for number, entry in enumerate(RECORDED)])
def test_program_gives_what_mxnet_gives(number):
    case = RECORDED[number]["case"]
    assert json.loads(json.dumps(run(mx, case))) == RECORDED[number]["gives"], case


def test_the_recording_is_of_these_cases():
    cases = random_cases(250, seed=0) + further_cases()
    assert json.loads(json.dumps(cases)) == [entry["case"] for entry in RECORDED], REGENERATE


def test_recorded_programs_reach_every_way_of_ending_a_pass():
    passes = [(entry["case"], batch) for entry in RECORDED if entry["case"]["program"] == "ndarray_iter"
              for part in entry["gives"] if isinstance(part, list) for batch in part if isinstance(batch, dict)]
    padded = {case["last_batch_handle"] for case, batch in passes if batch["pad"]}
    assert padded == {"pad", "roll_over"}
    assert any(batch["pad"] > case["count"] for case, batch in passes)  # the data is repeated more than once
