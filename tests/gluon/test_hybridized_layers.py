"""Every layer and loss gives the same numbers hybridized as eager, bit for bit: outputs, gradients, running statistics."""
import numpy as np
import pytest

from blockscope import MXNetError, nd
from blockscope.gluon import HybridBlock, contrib, loss, nn
from tests.gluon.hybridized import assert_same
from tests.gluon.test_layers_on_devices import LAYERS, LOSSES, _values

IMAGE, VOLUME, SERIES, TABLE = (2, 4, 6, 6), (2, 4, 5, 5, 5), (2, 4, 7), (5, 4)

pytestmark = pytest.mark.filterwarnings('ignore:All children of this Sequential layer')


def _concurrent(block):
    with block.name_scope():
        block.add(nn.Dense(2, flatten=False), contrib.nn.Identity(), nn.Dense(3, activation='tanh', flatten=False))
    return block


CONTRIB = {
    'Concurrent': (lambda: _concurrent(contrib.nn.Concurrent(axis=1)), (3, 4)),
    'HybridConcurrent': (lambda: _concurrent(contrib.nn.HybridConcurrent(axis=-1)), (2, 3, 4)),
    'Identity': (lambda: contrib.nn.Identity(), TABLE),
    'PixelShuffle1D': (lambda: contrib.nn.PixelShuffle1D(3), (2, 6, 3)),
    'PixelShuffle2D': (lambda: contrib.nn.PixelShuffle2D((2, 3)), (2, 12, 2, 3)),
    'PixelShuffle3D': (lambda: contrib.nn.PixelShuffle3D((2, 3, 4)), (1, 48, 2, 1, 3)),
    'SyncBatchNorm': (lambda: contrib.nn.SyncBatchNorm(num_devices=1), IMAGE),
}

# The same layers with other options.
OPTIONS = {
    'Dense plain': (lambda: nn.Dense(3, use_bias=False), SERIES),
    'Dense float64': (lambda: nn.Dense(3, dtype='float64', in_units=4), 'float64'),
    'Dropout': (lambda: nn.Dropout(0.5), TABLE),
    'Dropout axes': (lambda: nn.Dropout(0.5, axes=(1,)), TABLE),
    'BatchNorm global': (lambda: nn.BatchNorm(use_global_stats=True), IMAGE),
    'BatchNorm plain': (lambda: nn.BatchNorm(scale=False, center=False, momentum=0.5), IMAGE),
    'BatchNorm last': (lambda: nn.BatchNorm(axis=-1), IMAGE),
    'BatchNorm table': (lambda: nn.BatchNorm(), TABLE),
    'Conv2D plain': (lambda: nn.Conv2D(6, (3, 2), (2, 1), (1, 0), (1, 2), use_bias=False), IMAGE),
    'Conv2D NHWC': (lambda: nn.Conv2D(5, 3, padding=1, layout='NHWC', activation='tanh'), IMAGE),
    'Conv2D depthwise': (lambda: nn.Conv2D(4, 3, padding=1, groups=4), IMAGE),
    'Conv2D point': (lambda: nn.Conv2D(5, 1), IMAGE),
    'Conv2DTranspose groups': (lambda: nn.Conv2DTranspose(4, 3, padding=1, groups=2, use_bias=False), IMAGE),
    'MaxPool2D ceil': (lambda: nn.MaxPool2D(2, 2, ceil_mode=True), (1, 2, 5, 5)),
    'AvgPool2D NHWC': (lambda: nn.AvgPool2D(2, layout='NHWC'), IMAGE),
    'InstanceNorm plain': (lambda: nn.InstanceNorm(center=False), SERIES),
    'LayerNorm channels': (lambda: nn.LayerNorm(axis=1, scale=False), SERIES),
    'GroupNorm plain': (lambda: nn.GroupNorm(2, center=False, scale=False), IMAGE),
    'HybridSequential of images': (lambda: _sequence(nn.Conv2D(4, 3), nn.LeakyReLU(0.1), nn.BatchNorm(), nn.MaxPool2D(), nn.Flatten(),
                                                     nn.Dense(2)), IMAGE),
    'Lambda of a name': (lambda: nn.HybridLambda('sigmoid'), TABLE),
    'Embedding float64': (lambda: nn.Embedding(4, 3, dtype='float64'), 'index'),
}

# Losses with other options: predictions, other arrays, and how a call takes them.
LOSS_OPTIONS = {
    'L2Loss weights': (lambda: loss.L2Loss(2.0, batch_axis=1), TABLE, [('value', TABLE), ('positive', (5, 1))]),
    'L1Loss weights': (lambda: loss.L1Loss(), TABLE, [('value', TABLE), ('positive', (5, 1))]),
    'HuberLoss weights': (lambda: loss.HuberLoss(0.5, 3.0), TABLE, [('value', TABLE), ('positive', (5, 1))]),
    'SoftmaxCELoss dense': (lambda: loss.SoftmaxCELoss(sparse_label=False, axis=1), TABLE, [('positive', TABLE), ('positive', (5, 1))]),
    'SoftmaxCELoss logits': (lambda: loss.SoftmaxCELoss(from_logits=True, weight=0.5), TABLE, [('labels', (5,))]),
    'SigmoidBCELoss weights': (lambda: loss.SigmoidBCELoss(), TABLE, [('positive', TABLE), ('positive', (5, 1)), ('positive', (5, 1))]),
    'KLDivLoss logits': (lambda: loss.KLDivLoss(), TABLE, [('positive', TABLE)]),
    'LogisticLoss binary': (lambda: loss.LogisticLoss(label_format='binary'), TABLE, [('positive', TABLE)]),
    'PoissonNLLLoss full': (lambda: loss.PoissonNLLLoss(from_logits=False, compute_full=True), TABLE, [('positive', TABLE)]),
    'CTCLoss lengths': (lambda: loss.CTCLoss(layout='TNC', label_layout='TN'), (6, 2, 4),
                        [('labels', (3, 2)), ('six', (2,)), ('two', (2,))]),
    'TripletLoss margin': (lambda: loss.TripletLoss(margin=3, weight=2.0), TABLE, [('value', TABLE), ('value', TABLE)]),
}


def _sequence(*layers):
    net = nn.HybridSequential()
    with net.name_scope():
        net.add(*layers)
    return net


def _input(shape, random):
    if shape == 'index':
        return random.randint(0, 4, (3, 2)).astype('float32')
    return random.randn(3, 4) if shape == 'float64' else random.randn(*shape).astype('float32')


def test_every_contributed_layer_is_listed():
    assert {*CONTRIB, 'SparseEmbedding'} == set(contrib.nn.__all__)
    with pytest.raises(MXNetError, match='needs sparse arrays'):
        contrib.nn.SparseEmbedding(4, 3)(nd.ones((1,)))


@pytest.mark.parametrize('name', [*LAYERS, *CONTRIB, *OPTIONS])
def test_layer(name):
    make, shape = (LAYERS | CONTRIB | OPTIONS)[name]
    seen = assert_same(make, [_input(shape, np.random.RandomState(3))])
    assert any(np.abs(x).max() > 0 for x in seen['outputs 0'])


def _other(kind, shape, random):
    if kind in ('six', 'two'):
        return np.full(shape, {'six': 6, 'two': 2}[kind], 'float32')
    return _values(kind, shape, random)


@pytest.mark.parametrize('name', [*LOSSES, *LOSS_OPTIONS])
def test_loss(name):
    make, shape, others = (LOSSES | LOSS_OPTIONS)[name]
    random = np.random.RandomState(3)
    first = random.rand(*shape).astype('float32') if 'full' in name else random.randn(*shape).astype('float32')
    # Eager, the usual case of this loss is one operator of its own; a graph has the operators that MXNet's has.
    usual = name in ('SoftmaxCELoss', 'SoftmaxCrossEntropyLoss')
    assert_same(make, [first, *(_other(kind, s, random) for kind, s in others)], tolerance=1e-6 if usual else 0)


class Net(HybridBlock):
    """A small convolutional network and its loss in one graph."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = _sequence(nn.Conv2D(4, 3, padding=1), nn.BatchNorm(), nn.Activation('relu'), nn.MaxPool2D(), nn.Dropout(0.3))
            self.output = nn.Dense(3)
            self.loss = loss.L2Loss()

    def hybrid_forward(self, F, x, label):
        y = self.output(self.features(x))
        return self.loss(y, label), y


@pytest.mark.parametrize('optimizer', ['sgd', 'adam', 'rmsprop'])
def test_training_with_the_loss_in_the_graph(optimizer):
    random = np.random.RandomState(3)
    assert_same(Net, [random.randn(4, 2, 6, 6).astype('float32'), random.rand(4, 3).astype('float32')], steps=4, optimizer=optimizer)


@pytest.mark.parametrize('dtype', ['float16', 'float64'])
def test_other_types(dtype):
    def make():
        net = _sequence(nn.Conv2D(4, 3, in_channels=2), nn.BatchNorm(in_channels=4), nn.Activation('relu'), nn.Dense(3, in_units=64))
        net.cast(dtype)
        return net
    seen = assert_same(make, [np.random.RandomState(3).randn(2, 2, 6, 6).astype(dtype)])
    assert seen['outside'][0].dtype == dtype
