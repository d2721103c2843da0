"""Names, shapes and texts of the networks, and what the modules offer, against MXNet 1.9.1 (see `mxnet_names`)."""
import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest
from gluon.model_zoo import mxnet_names

import blockscope as mx
from blockscope.gluon.model_zoo import vision

RECORDED = json.loads(gzip.decompress(mxnet_names.RECORDED.read_bytes()))
NETWORKS = RECORDED['networks']


@pytest.mark.parametrize('name', NETWORKS)
def test_names_shapes_and_text(name):
    got = mxnet_names.describe(mx, mxnet_names.make(mx, name), name)
    want = {key: NETWORKS[name][key] for key in got}
    for key, value in want.items():
        assert got[key] == value, key


@pytest.mark.parametrize('name', NETWORKS)
def test_names_in_the_graph(name):
    got = mxnet_names.describe_graph(mx, mxnet_names.make(mx, name))
    assert got == {key: NETWORKS[name][key] for key in got}


def test_all_34_are_recorded():
    assert len(NETWORKS) == 34
    # Counted by hand: 50 blocks of 15 parameters, 4 projections, 3 normalizations, a convolution and a dense layer are 769.
    assert [len(NETWORKS[name]['names']) for name in ('alexnet', 'resnet152_v2', 'vgg19_bn')] == [16, 769, 102]


def test_modules_offer_what_mxnet_has():
    assert mxnet_names.public('blockscope') == RECORDED['public']


def test_names_of_modules_are_names_of_the_package():
    for names in RECORDED['public'].values():
        for key in names:
            assert key in ('get_model_file', 'purge') or callable(getattr(vision, key))


def test_unknown_network():
    assert mxnet_names.refusal(mx, '?') == RECORDED['refusal']


def test_capitals_do_not_matter():
    assert type(vision.get_model('ResNet18_V2', classes=3)) is vision.ResNetV2


def test_modules_are_found_under_the_name_of_mxnet():
    program = ('from mxnet.gluon.model_zoo.vision.resnet import BottleneckV2, _conv3x3, resnet_spec\n'
               'from mxnet.gluon.model_zoo.vision import alexnet\n'
               'from mxnet.gluon.model_zoo.model_store import _model_sha1\n'
               'import mxnet as mx\n'
               'print(mx.gluon.model_zoo.vision.resnet.BottleneckV2 is BottleneckV2, alexnet(classes=7).output)')
    done = subprocess.run([sys.executable, '-c', 'import blockscope; blockscope.as_mxnet()\n' + program], capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, 'PYTHONPATH': str(pathlib.Path(mx.__file__).parents[1])})
    assert (done.stdout, done.stderr) == ('True Dense(None -> 7, linear)\n', '')
