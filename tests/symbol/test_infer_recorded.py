"""Incomplete inference against MXNet 1.9.1 (``inference.json.gz``; ``record_inference.py`` makes it): forwards and backwards.

Whatever MXNet knows we must know as well, and equally; we may know more. What MXNet refuses in full we refuse too.
"""

import gzip
import json
import pathlib

import numpy as np
import pytest

import blockscope as mx
from blockscope.ops import get, operators
from blockscope.symbol import functions

RECORDS = json.loads(gzip.decompress(pathlib.Path(__file__).with_name("inference.json.gz").read_bytes()))
BY_NAME = {}
for _case in RECORDS:
    BY_NAME.setdefault((_case["op"], _case["kind"]), []).append(_case)

# Where MXNet's answer to an incomplete question is none that we want, and why. Complete questions are compared all the same.
OTHERWISE = {
    ("Concat", "shape"): "takes an unknown length for 0 and adds up",
    ("_rnn_param_concat", "shape"): "takes an unknown length for 0 and adds up",
    ("Pad", "shape"): "takes an unknown length for 0 and adds the margins",
    ("broadcast_like", "shape"): "takes an unknown length of the other array for 1",
    ("InstanceNorm", "type"): "takes an unknown type for float32 before others could tell it",
    ("_contrib_MultiBoxPrior", "type"): "takes an unknown type for float32 before others could tell it",
    ("softmax", "type"): "takes the type of the result for that of the input",
    ("amp_multicast", "type"): "says that nothing is cast",
}
# What MXNet refuses and we compute.
ACCEPTED = {
    ("Pooling", "shape"): "convention 'same' in one dimension, where MXNet reads beyond its attributes",
    ("SVMOutput", "type"): "labels of another type",
    ("SoftmaxOutput", "type"): "labels of another type",
}


def build(case):
    inputs = [mx.sym.var(f"v{i}") if given else None for i, given in enumerate(case["given"])]
    named = {}
    op = get(case["op"])
    if not op.variadic:
        named = {name: x for name, x in zip(op.inputs, inputs) if x is not None}
        inputs = []
    symbol = functions.function(case["op"])(*inputs, name="n", **named, **case["attrs"])
    return mx.sym.elemwise_add(symbol[0], mx.sym.var("o"), name="sum") if case.get("backward") else symbol


def ours(case):
    symbol = build(case)
    assert symbol.list_arguments() == case["arguments"]
    known = {name: tuple(value) if case["kind"] == "shape" else value for name, value in case["known"].items()}
    return getattr(symbol, f"infer_{case['kind']}_partial")(**known)


def agrees(theirs, value, kind):
    """Return whether our value says all that MXNet's does."""
    if kind == "type":
        return theirs is None or (value is not None and np.dtype(value).name == theirs)
    return theirs in (None, []) or (value is not None and len(value) == len(theirs) and all(
        t in (0, v) for t, v in zip(theirs, value)))


def is_complete(case):
    """Return whether all inputs are given, so that nothing needs to be guessed."""
    unknown = any(case["kind"] == "shape" and 0 in value for value in case["known"].values())
    return not unknown and set(case["known"]) >= {n for n in case["arguments"] if n[0] == "v"}


def disagreements(cases):
    found = []
    for case in cases:
        if (case["op"], case["kind"]) in OTHERWISE and not (is_complete(case) and case["op"] != "amp_multicast"):
            continue
        if case["attrs"].get("act_type") == "rrelu":
            continue  # MXNet shows the slopes as well
        try:
            result = ours(case)
        except mx.MXNetError as error:
            if "error" not in case:
                found.append((case["attrs"], case["known"], "we refuse:", str(error)[:200], case["result"]))
            continue
        if "error" in case:
            if is_complete(case) and (case["op"], case["kind"]) not in ACCEPTED:
                found.append((case["attrs"], case["known"], "MXNet refuses:", case["error"], result))
            continue
        for theirs, part in zip(case["result"], result):
            if len(theirs) != len(part) or not all(agrees(t, v, case["kind"]) for t, v in zip(theirs, part)):
                found.append((case["attrs"], case["known"], "MXNet:", case["result"], "ours:", result))
                break
    return found


@pytest.mark.parametrize("name", sorted({name for name, _ in BY_NAME if name in operators}))
@pytest.mark.parametrize("kind", ["shape", "type"])
def test_we_infer_what_mxnet_infers(name, kind):
    assert disagreements(BY_NAME.get((name, kind), [])) == []
