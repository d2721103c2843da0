"""Nodes of graphs against MXNet 1.9.1's: names and number of inputs and outputs, overwritten inputs, stamps, automatic names.

``graph_metadata.json.gz`` holds what MXNet gave; ``record_graph_metadata.py`` makes it.
"""

import gzip
import json
import pathlib

import pytest

from blockscope.ops import get, operators, registry
from tests.ops.table import all_rows

OPSIG = pathlib.Path(__file__).with_name("opsig.tsv")
FILE = pathlib.Path(__file__).with_name("graph_metadata.json.gz")
REGENERATE = "run: python tests/ops/record_graph_metadata.py (with the python that has mxnet)"
RECORDS = json.loads(gzip.decompress(FILE.read_bytes()))


def given(entry):
    """Return the record's attributes as a user writes them, and the number of arrays."""
    attrs = dict(entry["given"])
    count = attrs.pop("count", None)
    return attrs, None if count is None else int(count)


KNOWN = [e for e in RECORDS if e["name"] in operators and "refused" not in e]
# Not of the symbol front end; the operator's other name, cumsum, is recorded.
WITHOUT_RECORD = {"_np_cumsum"}
# Made from subgraphs, with all their inputs.
CONTROL_FLOW = {"_cond", "_foreach", "_while_loop"}


def differs_on_purpose(entry):
    """Return whether we show less: MXNet also shows the slopes that rrelu drew, so that nothing can be applied to the result."""
    return entry["op"] == "LeakyReLU" and entry["attrs"].get("act_type") == "rrelu"


@pytest.mark.parametrize("entry", KNOWN, ids=[f"{e['name']}-{e['given']}" for e in KNOWN])
def test_node_is_as_in_mxnet(entry):
    op = get(entry["name"])
    attrs, count = given(entry)
    attrs = op.parse({k: v for k, v in attrs.items() if k in op.attributes})
    arguments = op.argument_names(attrs, count)
    names = [f"v{i}" if i < (count or 0) else f"n_{name}" for i, name in enumerate(arguments)]
    # Variables that a node makes carry its attributes as well.
    own = [{} if i < (count or 0) else entry["attrs"] for i in range(len(names))]
    ours = {
        "op": op.name,
        "automatic": registry.hint(entry["name"]) + "0",
        "inputs": names,
        "arguments": [n for i, n in enumerate(names) if i not in op.mutates],
        "auxiliary": [n for i, n in enumerate(names) if i in op.mutates],
        "outputs": [f"n_{suffix}" for suffix in op.output_suffixes(attrs)],
        "count": op.count_graph_outputs(attrs),
        "variables": {n: {**own[i], **op.stamps.get(arguments[i], {})} for i, n in enumerate(names)},
    }
    expected = {key: entry[key] for key in ours}
    if differs_on_purpose(entry):
        expected["outputs"] = expected["outputs"][:1]
    assert ours == expected


@pytest.mark.parametrize("name", sorted({e["name"] for e in RECORDS if "refused" in e and e["name"] in operators}))
def test_operators_that_make_no_variables_say_so(name):
    assert not get(name).creates_variables


def test_all_other_operators_make_variables():
    refused = {e["name"] for e in RECORDS if "refused" in e}
    assert {n for n, op in operators.items() if not op.creates_variables} <= refused | CONTROL_FLOW


def test_every_operator_of_the_table_that_mxnet_has_is_recorded():
    theirs = {line.split("\t")[0] for line in OPSIG.read_text().splitlines() if not line.startswith("#")}
    wanted = {row.name for row in all_rows()} & theirs - {e["name"] for e in RECORDS} - WITHOUT_RECORD
    assert not wanted, REGENERATE
