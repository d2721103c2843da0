"""What the networks compute, on their own and as the base of users' classes."""
import json

import numpy as np
import pytest
from gluon.model_zoo import mxnet_cases, mxnet_names

import blockscope as mx
from blockscope import autograd, gluon, nd
from blockscope.gluon import nn
from blockscope.gluon.model_zoo import vision
from blockscope.gluon.model_zoo.vision import mobilenet, resnet, squeezenet

RECORDED = json.loads(mxnet_cases.RECORDED.read_text(encoding='utf-8'))['outputs']
# These end with an average over windows as large as the features of the images that they were made for.
FULL_SIZE = ('densenet', 'inception', 'squeezenet')


@pytest.mark.parametrize('name', mxnet_cases.SIZES)
def test_outputs_of_mxnet(name):
    """Fixed weights, two images. Sums of float32 in another order move the outputs by 4e-6 of the largest at most; 2e-5 allows for
    other processors and libraries. Another image, weight or statistic moves them by more than 1e-2."""
    want = np.array(RECORDED[name])
    np.testing.assert_allclose(mxnet_cases.run(mx, name), want, rtol=0, atol=2e-5 * abs(want).max())


def test_every_recorded_network_is_run():
    assert list(RECORDED) == list(mxnet_cases.SIZES)


class Noise(mx.init.Initializer):
    """Fill a parameter with the same noise over and over: drawing 138 million random numbers takes longer than to use them."""

    tile = mxnet_cases.noise('tile', (50_021,))  # a prime, so that rows of weights differ

    def _init_weight(self, name, arr):
        arr[:] = mxnet_cases.value(name, np.resize(self.tile, arr.shape))


def ready(name):
    net = vision.get_model(name)
    for param in net.collect_params().values():
        param.initialize(init=Noise())
    return net


def small_size(name):
    if name.startswith(FULL_SIZE):
        return mxnet_names.image_size(name)
    return 64 if name == 'alexnet' else 32


def forward(name, size):
    out = ready(name)(nd.random.uniform(shape=(1, 3, size, size))).asnumpy()
    assert out.shape == (1, 1000)
    assert np.isfinite(out).all() and out.std() > 0


@pytest.mark.parametrize('name', vision._MODELS)
def test_forward(name):
    forward(name, small_size(name))


@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name in vision._MODELS if not name.startswith(FULL_SIZE)])
def test_forward_at_full_size(name):
    forward(name, 224)


@pytest.mark.parametrize('name', ['alexnet', 'densenet121', 'inceptionv3', 'mobilenet0.5', 'mobilenetv2_0.5', 'resnet18_v1', 'resnet50_v2',
                                  'squeezenet1.1', 'vgg11_bn'])
def test_hybridized_networks_compute_the_same(name):
    net, x = ready(name), nd.random.uniform(shape=(1, 3, small_size(name), small_size(name)))
    want = net(x).asnumpy()
    net.hybridize()
    # Fused steps may add in another order: 1e-5 is a hundred roundings of float32.
    np.testing.assert_allclose(net(x).asnumpy(), want, rtol=0, atol=1e-5 * abs(want).max())


def trained(net, size=16, ctx=None):
    """Take one step of gradients and return the parameters whose gradient is zero."""
    ctx = ctx or mx.cpu()
    net.initialize(mx.init.Xavier(), ctx=ctx)
    x = nd.random.uniform(shape=(4, 3, size, size)).as_in_context(ctx)
    with autograd.record():
        loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(x), nd.arange(4, ctx=ctx))
    loss.backward()
    return [name for name, param in net.collect_params().items()
            if param.grad_req == 'write' and not param.grad(ctx).asnumpy().any()]


SMALL = {
    'ResNetV1 basic': lambda: vision.ResNetV1(vision.BasicBlockV1, [1, 2], [4, 4, 8], classes=4, thumbnail=True),
    'ResNetV1 bottleneck': lambda: vision.ResNetV1(vision.BottleneckV1, [1, 2], [4, 8, 16], classes=4),
    'ResNetV2 basic': lambda: vision.ResNetV2(vision.BasicBlockV2, [1, 2], [4, 4, 8], classes=4),
    'ResNetV2 bottleneck': lambda: vision.ResNetV2(vision.BottleneckV2, [1, 2], [4, 8, 16], classes=4, thumbnail=True),
    'VGG': lambda: vision.VGG([1, 2], [4, 8], classes=4, batch_norm=True),
    'MobileNet': lambda: vision.MobileNet(0.25, classes=4),
    'MobileNetV2': lambda: vision.MobileNetV2(0.25, classes=4),
}
# A bias before batch normalization only shifts what the mean takes away: its gradient is zero but for rounding, which may be 0.
SHIFTED = 'conv[0-9]+_bias'


@pytest.mark.parametrize('name', SMALL)
def test_every_parameter_is_trained(name):
    net = SMALL[name]()
    free = set(net.collect_params(f'.*{SHIFTED}')) if name in ('ResNetV1 bottleneck', 'VGG') else set()
    # Version 2 normalizes the images themselves, with a gamma and beta that stay 1 and 0.
    assert set(trained(net, 64 if 'Mobile' in name else 16)) <= free


@pytest.mark.parametrize('name', ['ResNetV1 basic', 'ResNetV2 bottleneck'])
def test_networks_on_every_device(name, device):
    assert trained(SMALL[name](), 8, device) == []


def test_dropout_between_layers_of_densenet():
    net = vision.DenseNet(4, 4, [1], dropout=0.5, classes=3)
    assert [type(layer) for layer in net.features[4][0][1]][-1] is nn.Dropout


class _Gated(vision.BottleneckV2):
    """A user's block: the parent's layers, and gates for its channels."""

    def __init__(self, channels, *args, **kwargs):
        super().__init__(channels, *args, **kwargs)
        self.gate = nn.Dense(channels, activation='sigmoid')

    def hybrid_forward(self, F, x):
        out = super().hybrid_forward(F, x)
        return out * F.expand_dims(F.expand_dims(self.gate(out), -1), -1)


def test_blocks_can_be_subclassed():
    net = vision.ResNetV2(_Gated, [1, 1], [4, 8, 16], classes=4, thumbnail=True, prefix='net_')
    assert trained(net) == []
    assert net.features[2][0].gate.weight.name == 'net_stage1_dense0_weight'


def test_stages_can_be_overridden():
    class Dilated(vision.ResNetV1):
        def _make_layer(self, block, layers, channels, stride, stage_index, in_channels=0):
            return super()._make_layer(block, layers + 1, channels, 1, stage_index, in_channels=in_channels)

    net = Dilated(vision.BasicBlockV1, [1, 1], [4, 4, 8], classes=4, thumbnail=True)
    assert [len(stage) for stage in net.features[1:3]] == [2, 2]
    net.initialize()
    assert net.features[:3](nd.ones((1, 3, 8, 8))).shape == (1, 8, 8, 8)


def test_features_can_be_taken_over():
    """Transfer learning as in MXNet's tutorials: the features of one network under a new output."""
    source = vision.squeezenet1_1(prefix='source_')
    net = vision.squeezenet1_1(classes=5, prefix='net_')
    net.features = source.features
    assert list(net.collect_params())[0] == 'source_conv0_weight'
    assert net.output[0].weight.shape[0] == 5


@pytest.mark.parametrize('make, error, message', [
    (lambda: vision.get_resnet(3, 18), AssertionError, 'Invalid resnet version: 3. Options are 1 and 2.'),
    (lambda: vision.get_resnet(1, 19), AssertionError,
     'Invalid number of layers: 19. Options are dict_keys([18, 34, 50, 101, 152])'),
    (lambda: vision.SqueezeNet('2.0'), AssertionError, 'Unsupported SqueezeNet version 2.0:1.0 or 1.1 expected'),
    (lambda: vision.get_vgg(12), KeyError, "'Invalid number of layers: 12. Options are [11, 13, 16, 19]'"),
    (lambda: vision.densenet.get_densenet(7), KeyError, "'Invalid number of layers: 7. Options are [121, 161, 169, 201]'"),
    (lambda: vision.VGG([1], [4, 8]), AssertionError,
     'every stage needs a number of layers and one of filters, but got layers=[1], filters=[4, 8]'),
    (lambda: vision.ResNetV1(vision.BasicBlockV1, [1, 1], [4, 8]), AssertionError,
     'channels needs one number for the first convolution and one for every stage, but got layers=[1, 1], channels=[4, 8]'),
])
def test_refusals(make, error, message):
    """The first three messages are those of MXNet 1.9.1; its others are a bare number or nothing."""
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == message


def test_helpers_that_users_import():
    assert repr(resnet._conv3x3(8, 2, 4)) == 'Conv2D(4 -> 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)'
    assert resnet.resnet_spec[50] == ('bottle_neck', [3, 4, 6, 3], [64, 256, 512, 1024, 2048])
    assert callable(squeezenet.get_squeezenet) and issubclass(mobilenet.RELU6, gluon.HybridBlock)
