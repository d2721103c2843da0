"""Every layer and loss has MXNet 1.9.1's signature, text, hint and parameters, and its errors are MXNet's.

The golden values are in ``layers.json``; ``record_mxnet.py`` beside it makes them.
"""
import inspect
import json
import pathlib

import pytest

import blockscope as mx
from blockscope.gluon import loss, nn
from tests.gluon.nn.programs import PROGRAMS, describe, signatures

GOLDEN = json.loads(pathlib.Path(__file__).with_name("layers.json").read_text())


@pytest.mark.parametrize("program", PROGRAMS)
def test_layer(program):
    assert describe(program, nn, loss) == GOLDEN["layers"][program]


def test_every_class_is_there():
    assert sorted(signatures(nn, loss, inspect)) == sorted(GOLDEN["signatures"])


@pytest.mark.parametrize("name", GOLDEN["signatures"])
def test_signature(name):
    assert signatures(nn, loss, inspect)[name] == GOLDEN["signatures"][name]


def test_every_class_is_tried():
    tried = " ".join(PROGRAMS)
    assert [n for n in nn.__dict__ if n[0].isupper() and f"nn.{n}(" not in tried and n not in BASES] == []


BASES = ("Block", "HybridBlock", "SymbolBlock", "Sequential", "HybridSequential")


def test_convolution_refuses_groups_that_do_not_divide():
    with pytest.raises(mx.MXNetError, match="num_filter=3 must be divisible by num_group=2"):
        nn.Conv2D(3, 2, groups=2)
    with pytest.raises(mx.MXNetError, match="input channels=3 must be divisible by num_group=2"):
        nn.Conv2D(4, 2, groups=2, in_channels=3)


def test_reflection_pad_takes_one_or_eight_numbers():
    with pytest.raises(AssertionError, match="8 numbers"):
        nn.ReflectionPad2D((1, 2))
