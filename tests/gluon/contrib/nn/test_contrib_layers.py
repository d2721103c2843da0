"""Contributed layers: names, texts, slicing, messages, devices.

Names, texts and messages are those MXNet 1.9.1 gives, unless a test says otherwise.
"""
import warnings

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import contrib, nn
from blockscope.gluon.contrib.nn import (Concurrent, HybridConcurrent, Identity, PixelShuffle1D, PixelShuffle2D, PixelShuffle3D,
                                         SparseEmbedding, SyncBatchNorm)

CONTAINERS = [Concurrent, HybridConcurrent]


def array(*shape, ctx=None):
    return mx.nd.array(np.random.RandomState(0).uniform(-1, 1, shape), ctx=ctx)


def filled(kind, axis):
    net = kind(axis=axis, prefix='c_')
    with net.name_scope():
        net.add(nn.Dense(2, flatten=False), Identity(), nn.Dense(3, flatten=False))
    net.initialize()
    return net


def test_prefixes(fresh_names):
    blocks = [Concurrent(), HybridConcurrent(), Identity(), SparseEmbedding(2, 2), PixelShuffle1D(2), PixelShuffle2D(2),
              PixelShuffle3D(2), SyncBatchNorm(num_devices=1)]
    assert [block.prefix for block in blocks] == [
        'concurrent0_', 'hybridconcurrent0_', 'identity0_', 'sparseembedding0_', 'pixelshuffle1d0_', 'pixelshuffle2d0_',
        'pixelshuffle3d0_', 'syncbatchnorm0_']


def test_texts():
    net = HybridConcurrent(axis=1)
    net.add(nn.Dense(1), Identity())
    assert repr(net) == 'HybridConcurrent(\n  (0): Dense(None -> 1, linear)\n  (1): Identity(\n  \n  )\n)'
    assert repr(Concurrent()) == 'Concurrent(\n\n)'
    assert [repr(layer) for layer in (PixelShuffle1D(2), PixelShuffle2D(2), PixelShuffle3D((1, 2, 3)))] == [
        'PixelShuffle1D(2)', 'PixelShuffle2D((2, 2))', 'PixelShuffle3D((1, 2, 3))']
    assert repr(SparseEmbedding(3, 4)) == 'SparseEmbedding(3 -> 4, float32)'
    assert repr(SyncBatchNorm(3, num_devices=2, prefix='s_')) == (
        "SyncBatchNorm(eps=1e-05, momentum=0.9, fix_gamma=False, use_global_stats=False, ndev=2, key='s_', in_channels=3)")


@pytest.mark.parametrize('kind', CONTAINERS)
def test_outputs_are_joined(kind):
    net, x = filled(kind, 2), array(2, 3, 4)
    want = np.concatenate([net[0](x).asnumpy(), x.asnumpy(), net[2](x).asnumpy()], axis=2)
    np.testing.assert_array_equal(net(x).asnumpy(), want)
    assert list(net.collect_params()) == ['c_dense0_weight', 'c_dense0_bias', 'c_dense1_weight', 'c_dense1_bias']


@pytest.mark.parametrize('kind', CONTAINERS)
def test_a_slice_keeps_the_axis(kind):
    """MXNet gives it axis -1: a slice would join other axes than the whole."""
    net = filled(kind, 1)
    part = net[1:]
    assert (type(part), part.axis, part.prefix, len(part)) == (kind, 1, 'c_', 2)
    assert part[1] is net[2]
    assert net[1:2](array(2, 3, 4)).shape == (2, 3, 4)
    both = kind(axis=0)
    both.add(net[1], net[1])
    assert both[:](array(2, 3)).shape == (4, 3)


@pytest.mark.parametrize('kind', CONTAINERS)
def test_nothing_to_join(kind):
    with pytest.raises(mx.MXNetError, match='(?i)concat'):
        kind()(array(2, 3))


def test_identity_returns_its_input():
    x = array(2)
    assert Identity()(x) is x


@pytest.mark.parametrize(('layer', 'factors'), [(PixelShuffle1D((3,)), (3,)), (PixelShuffle2D((2, 3)), (2, 3)),
                                                (PixelShuffle3D((3, 1, 2)), (3, 1, 2))])
def test_pixel_shuffle_by_its_definition(layer, factors):
    """Element by element: output[n, c, i f + a, ...] = input[n, (c, a, ...), i, ...]. MXNet takes no tuple for one axis."""
    channels, sizes, count = 2, (2, 3, 2)[:len(factors)], int(np.prod(factors))
    x = array(2, channels * count, *sizes).asnumpy()
    want = np.empty((2, channels, *(s * f for s, f in zip(sizes, factors))), 'float32')
    for n, c, *place in np.ndindex(want.shape):
        inside = np.ravel_multi_index([p % f for p, f in zip(place, factors)], factors)
        want[(n, c, *place)] = x[(n, c * count + inside, *(p // f for p, f in zip(place, factors)))]
    np.testing.assert_array_equal(layer(mx.nd.array(x)).asnumpy(), want)


def test_wrong_factors_and_channels():
    with pytest.raises(AssertionError, match='^wrong length 3$'):
        PixelShuffle2D((1, 2, 3))
    with pytest.raises(mx.MXNetError, match=r'\(1, 6, 2, 2\)'):
        PixelShuffle2D(2)(mx.nd.ones((1, 6, 2, 2)))


def test_sparse_embedding_is_refused_when_called():
    layer = SparseEmbedding(10, 4, prefix='words_')
    assert (layer.weight.name, layer.weight.shape) == ('words_weight', (10, 4))
    layer.initialize()
    with pytest.raises(mx.MXNetError, match=r"SparseEmbedding 'words' needs sparse arrays.*nn.Embedding\(10, 4, dtype='float32'\)"):
        layer(mx.nd.array([1]))


def test_number_of_devices():
    with pytest.warns(UserWarning, match='if not using all the GPUs, please mannually set num_devices'):
        layer = SyncBatchNorm()
    assert layer._kwargs['ndev'] == max(mx.context.num_gpus(), 1)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert SyncBatchNorm(num_devices=3)._kwargs['ndev'] == 3


def test_synchronized_statistics_are_refused_in_training():
    """MXNet waits for the other devices, for ever if there are none."""
    layer = SyncBatchNorm(num_devices=2, prefix='s_')
    layer.initialize()
    x = array(2, 3, 4)
    np.testing.assert_allclose(layer(x).asnumpy(), x.asnumpy() / np.sqrt(1 + 1e-5), rtol=1e-6)
    with mx.autograd.record(), pytest.raises(mx.MXNetError, match=r"key='s_'.*ndev=2.*num_devices=1"):
        layer(x)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('scale', [True, False])
def test_one_device_is_batch_norm(training, scale):
    """Outputs, gradients and running statistics; in prediction MXNet's gradient is not defined."""
    found = []
    for layer in (nn.BatchNorm(scale=scale, prefix='n_'), SyncBatchNorm(num_devices=1, scale=scale, prefix='n_')):
        layer.initialize(mx.init.Constant(1.5))
        x = array(4, 3, 2)
        x.attach_grad()
        with mx.autograd.record(train_mode=training):
            y = layer(x)
        y.backward(array(4, 3, 2))
        params = layer.collect_params()
        found.append([y, x.grad, params['n_beta'].grad(), *(p.data() for p in params.values())])
    for ours, want in zip(*found, strict=True):
        np.testing.assert_array_equal(ours.asnumpy(), want.asnumpy())


NETS = {'concurrent': (lambda: filled(Concurrent, 1), (2, 5)), 'hybridconcurrent': (lambda: filled(HybridConcurrent, 1), (2, 5)),
        'pixelshuffle1d': (lambda: PixelShuffle1D(2), (2, 4, 3)), 'pixelshuffle2d': (lambda: PixelShuffle2D(2), (2, 4, 3, 2)),
        'pixelshuffle3d': (lambda: PixelShuffle3D(2), (1, 8, 3, 2, 1)),
        'syncbatchnorm': (lambda: SyncBatchNorm(num_devices=1), (4, 3, 2))}


@pytest.mark.parametrize('name', NETS)
def test_devices_agree(device, name):
    make, shape = NETS[name]
    found = []
    for ctx in (device, mx.cpu()):
        net, x = make(), array(*shape, ctx=ctx)
        net.initialize(mx.init.Constant(0.5), ctx=ctx, force_reinit=True)
        x.attach_grad()
        with mx.autograd.record():
            y = net(x)
        y.backward(array(*y.shape, ctx=ctx))
        assert y.context == ctx
        found.append([y.asnumpy(), x.grad.asnumpy(), *(p.data(ctx).asnumpy() for p in net.collect_params().values())])
    for got, want in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(('name', 'what'), [('cnn', 'deformable convolution'), ('estimator', 'Estimator')])
def test_what_is_missing_says_so(name, what):
    with pytest.raises(AttributeError, match=what):
        getattr(contrib, name)
    with pytest.raises(AttributeError, match="no attribute 'text'"):
        contrib.text
