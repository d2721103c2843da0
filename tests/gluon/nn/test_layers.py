"""What layers do beyond their operators: deferred shapes, running statistics, slices, casts. Expected values are hand calculations."""
import warnings

import numpy as np
import pytest

import blockscope as mx
from blockscope import autograd
from blockscope.gluon import nn


def made(block, shape, **kwargs):
    """Return an initialized block that has seen an input of a shape, and its output."""
    block.initialize(**kwargs)
    return block, block(mx.nd.ones(shape))


@pytest.mark.parametrize(("block", "shape", "weight", "out"), [
    (nn.Dense(3), (2, 4, 5), (3, 20), (2, 3)),
    (nn.Dense(3, flatten=False), (2, 4, 5), (3, 5), (2, 4, 3)),
    (nn.Conv1D(4, 3), (2, 5, 8), (4, 5, 3), (2, 4, 6)),
    (nn.Conv2D(4, 3, groups=2), (2, 6, 8, 8), (4, 3, 3, 3), (2, 4, 6, 6)),
    (nn.Conv2D(4, 3, layout="NHWC"), (2, 8, 8, 6), (4, 3, 3, 6), (2, 6, 6, 4)),
    (nn.Conv3D(4, 2), (1, 3, 4, 4, 4), (4, 3, 2, 2, 2), (1, 4, 3, 3, 3)),
    (nn.Conv1DTranspose(4, 3, strides=2, output_padding=1), (1, 3, 4), (3, 4, 3), (1, 4, 10)),
    (nn.Conv2DTranspose(4, 3), (1, 3, 4, 4), (3, 4, 3, 3), (1, 4, 6, 6)),
    (nn.Conv2DTranspose(4, 3, groups=2), (1, 6, 4, 4), (6, 2, 3, 3), (1, 4, 6, 6)),
    (nn.Conv3DTranspose(2, 2), (1, 3, 2, 2, 2), (3, 2, 2, 2, 2), (1, 2, 3, 3, 3)),
])
def test_first_batch_tells_the_shape(block, shape, weight, out):
    block, y = made(block, shape)
    assert block.weight.shape == weight
    assert y.shape == out


@pytest.mark.parametrize(("block", "shape", "length"), [
    (nn.BatchNorm(), (2, 3, 4), 3), (nn.BatchNorm(axis=-1), (2, 3, 4), 4), (nn.InstanceNorm(), (2, 3, 4), 3),
    (nn.InstanceNorm(axis=2), (2, 3, 4), 4), (nn.LayerNorm(), (2, 3, 4), 4), (nn.LayerNorm(axis=1), (2, 3, 4), 3),
    (nn.GroupNorm(2), (2, 4, 3), 2),
])
def test_normalization_learns_its_length(block, shape, length):
    block, y = made(block, shape)
    assert block.gamma.shape == block.beta.shape == (length,)
    assert y.shape == shape


def test_wrong_second_batch_names_operator_and_shapes():
    net, _ = made(nn.Dense(3), (2, 4))
    with pytest.raises(mx.MXNetError, match=r"FullyConnected.*\(2, 5\).*\(3, 4\)"):
        net(mx.nd.ones((2, 5)))


def test_running_statistics_move_in_the_forward_pass_of_training():
    """MXNet moves them in the backward pass only; then a forward pass under record without backward changes nothing."""
    net, _ = made(nn.BatchNorm(momentum=0.5), (2, 1))
    x = mx.nd.array([[1.0], [3.0]])
    net(x)
    assert net.running_mean.data().asnumpy() == [0.0]
    with autograd.record():
        y = net(x)
    assert net.running_mean.data().asnumpy() == [1.0]
    assert net.running_var.data().asnumpy() == [1.0]
    y.backward()
    assert net.running_mean.data().asnumpy() == [1.0]


def test_gamma_counts_as_one_and_is_not_overwritten_without_scale():
    """MXNet overwrites it with 1."""
    net, _ = made(nn.BatchNorm(scale=False), (2, 1))
    net.gamma.set_data(mx.nd.array([5.0]))
    with autograd.record():
        y = net(mx.nd.array([[1.0], [3.0]]))
    np.testing.assert_allclose(y.asnumpy(), [[-1.0], [1.0]], rtol=1e-4)
    assert net.gamma.data().asnumpy() == [5.0]


def test_batch_norm_keeps_float32_parameters_when_cast_to_float16():
    net, _ = made(nn.BatchNorm(), (2, 3))
    net.cast("float16")
    assert net.gamma.data().dtype == np.float32
    assert net(mx.nd.ones((2, 3), dtype="float16")).dtype == np.float16


def test_batch_norm_relu_is_relu_of_batch_norm():
    x = mx.nd.array(np.random.randn(4, 3))
    fused, _ = made(nn.BatchNormReLU(), (4, 3))
    plain, _ = made(nn.BatchNorm(), (4, 3))
    with autograd.record():
        np.testing.assert_allclose(fused(x).asnumpy(), np.maximum(plain(x).asnumpy(), 0), rtol=1e-6)


def test_dropout_acts_in_training_only():
    net, x = nn.Dropout(0.5), mx.nd.ones((100, 100))
    np.testing.assert_array_equal(net(x).asnumpy(), 1)
    with autograd.record():
        y = net(x).asnumpy()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert 0.45 < (y == 0).mean() < 0.55
    with autograd.record():
        np.testing.assert_array_equal(nn.Dropout(0)(x).asnumpy(), 1)


def test_slices_share_blocks_and_keep_the_prefix():
    net = nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(nn.Dense(4, in_units=3), nn.Activation("relu"), nn.Dense(2, in_units=4))
    net.initialize()
    tail = net[1:]
    assert type(tail) is nn.HybridSequential
    assert (len(net), len(tail), tail.prefix) == (3, 2, "net_")
    assert tail[1] is net[2] is net[-1]
    x = mx.nd.ones((1, 3))
    np.testing.assert_array_equal(tail(net[0](x)).asnumpy(), net(x).asnumpy())


def test_sequential_recommends_hybrid_sequential():
    net = nn.Sequential(prefix="net_")
    net.add(nn.Dense(2, in_units=2))
    with pytest.warns(UserWarning, match="'net_' are HybridBlocks. Consider using HybridSequential"):
        net.hybridize()
    net.add(nn.Lambda("relu"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.hybridize()


@pytest.mark.parametrize("block", [
    nn.Dense(3, activation="relu"), nn.Conv2D(3, 2), nn.BatchNorm(), nn.LayerNorm(), nn.PReLU(), nn.Swish(), nn.MaxPool2D(),
    nn.GlobalAvgPool2D(), nn.ReflectionPad2D(1), nn.Flatten(), nn.GELU(), nn.HybridLambda("tanh")])
def test_hybridized_layers_give_the_same(block):
    block.initialize()
    x = mx.nd.array(np.random.randn(2, 3, 4, 4))
    plain = block(x).asnumpy()
    block.hybridize()
    np.testing.assert_allclose(block(x).asnumpy(), plain, rtol=1e-6)


def test_embedding_gradient_adds_up_repeated_rows():
    net = nn.Embedding(4, 2)
    net.initialize()
    with autograd.record():
        y = net(mx.nd.array([1, 1, 3]))
    y.backward()
    np.testing.assert_array_equal(net.weight.grad().asnumpy(), [[0, 0], [2, 2], [0, 0], [1, 1]])


def test_lambdas_take_several_arrays():
    a, b = mx.nd.array([1, 2]), mx.nd.array([3, 5])
    np.testing.assert_array_equal(nn.Lambda(lambda x, y: x + y)(a, b).asnumpy(), [4, 7])
    np.testing.assert_array_equal(nn.HybridLambda("broadcast_mul")(a, b).asnumpy(), [3, 10])


def test_max_pool_gives_the_gradient_to_the_first_of_equals():
    """As in MXNet 1.9.1."""
    x = mx.nd.ones((1, 1, 2, 2))
    x.attach_grad()
    with autograd.record():
        y = nn.MaxPool2D()(x)
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [[[[1, 0], [0, 0]]]])


def test_training_lowers_the_loss_of_a_convolutional_network():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, padding=1), nn.BatchNorm(), nn.Activation("relu"), nn.MaxPool2D(), nn.Dropout(0.1), nn.Flatten(),
            nn.Dense(2))
    net.initialize()
    x = np.random.randn(16, 1, 6, 6)
    x[:8, :, :3] += 2
    data, label = mx.nd.array(x), mx.nd.array([0] * 8 + [1] * 8)
    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    seen = []
    for _ in range(30):
        with autograd.record():
            value = loss(net(data), label)
        value.backward()
        trainer.step(16)
        seen.append(value.mean().asscalar())
    assert seen[-1] < 0.2 * seen[0]
