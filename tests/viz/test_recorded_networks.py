"""Tables and pictures of graphs against MXNet 1.9.1: the same text, nodes, labels, colours and edges.

``networks.json.gz`` holds what MXNet gave for the graphs in `networks`; ``record_networks.py`` makes it.
"""
import gzip
import json
import pathlib

import pytest

import blockscope as mx
from tests.viz.networks import NETWORKS, outcomes

pytest.importorskip("graphviz", reason="pictures need the extra viz")

FILE = pathlib.Path(__file__).with_name("networks.json.gz")
REGENERATE = "run: python tests/viz/record_networks.py (with the python that has mxnet)"
RECORDED = json.loads(gzip.decompress(FILE.read_bytes()))["networks"]


@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_shown_as_by_mxnet(name):
    found = json.loads(json.dumps(outcomes(mx, name)))
    assert found == RECORDED[name], REGENERATE


def test_all_networks_are_recorded():
    assert list(RECORDED) == list(NETWORKS), REGENERATE
