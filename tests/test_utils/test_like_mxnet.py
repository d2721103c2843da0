"""What test_utils returns, raises and prints, against MXNet 1.9.1 (``recorded.json``, written by ``record_mxnet.py``)."""
import json
import pathlib

import numpy as np
import pytest

import blockscope as mx
from tests.test_utils import cases

RECORDED = json.loads(pathlib.Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))
ADDED = {"find_max_violation", "set_env_var"}  # older names of MXNet 1


@pytest.mark.parametrize("text", cases.MESSAGES)
def test_assertions(text):
    assert cases.run(mx, text) == RECORDED["messages"][text]


@pytest.mark.parametrize("text", cases.VALUES)
def test_values(text):
    assert cases.run(mx, text) == RECORDED["values"][text]


def test_every_recorded_program_runs():
    assert list(RECORDED["messages"]) == cases.MESSAGES and list(RECORDED["values"]) == cases.VALUES
    assert sum("error" in recorded for recorded in RECORDED["messages"].values()) > 25


def test_signatures():
    ours = cases.signatures(mx)
    assert {name: ours.get(name) for name in RECORDED["signatures"]} == RECORDED["signatures"]
    assert set(ours) - set(RECORDED["signatures"]) == ADDED


def test_names_that_star_imports_give():
    namespace = {}
    exec("from blockscope.test_utils import *", namespace)
    assert {"np", "os", "logging", "array", "Symbol", "Context", "current_context", "assert_almost_equal", *ADDED} <= set(namespace)
    assert namespace["np"] is np
