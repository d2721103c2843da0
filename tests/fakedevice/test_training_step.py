"""A training step on the strict fake device: it copies nothing, waits for nothing, and gives the host's numbers."""

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import Trainer, loss, nn
from tests.fakedevice import counts

DATA = np.random.RandomState(3).uniform(-1, 1, (8, 1, 8, 8)).astype("float32")


def build(ctx):
    """Return a small net of convolution, normalization, pooling, dropout and dense layers, the same one each time."""
    mx.cpu()._seed(5)
    net = nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(
            nn.Conv2D(4, 3, in_channels=1),
            nn.BatchNorm(in_channels=4),
            nn.Activation("relu"),
            nn.MaxPool2D(),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Dense(10, in_units=36),
        )
    net.initialize(mx.init.Xavier(), ctx=mx.cpu())
    net.collect_params().reset_ctx(ctx)
    return net


def train(ctx, optimizer, steps, before_step=lambda: None):
    """Train for some steps; return the losses and parameters on the host."""
    net = build(ctx)
    trainer = Trainer(net.collect_params(), optimizer, {"learning_rate": 0.05})
    x, y = mx.nd.array(DATA, ctx=ctx), mx.nd.array(np.arange(8) % 10, ctx=ctx)
    losses = []
    ctx._seed(11)
    for _ in range(steps):
        before_step()
        with mx.autograd.record():
            value = loss.SoftmaxCrossEntropyLoss()(net(x), y)
        value.backward()
        trainer.step(8)
        losses.append(value)
    traffic = (counts.h2d, counts.d2h, counts.syncs)
    return [v.asnumpy() for v in losses], {k: p.data(ctx).asnumpy() for k, p in net.collect_params().items()}, traffic


@pytest.mark.parametrize("optimizer", ["sgd", "nag", "adam", "rmsprop", "adagrad", "adadelta", "ftrl"])
def test_a_steady_step_copies_and_waits_for_nothing(fake, optimizer):
    traffic = train(fake(1), optimizer, 3, counts.reset)[2]
    assert traffic == (0, 0, 0), "bytes to the device, bytes from it, waits"


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_gives_the_hosts_numbers(fake, optimizer):
    host, device = train(mx.cpu(), optimizer, 4), train(fake(1), optimizer, 4)
    for a, b in zip(host[0], device[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for name in host[1]:
        np.testing.assert_allclose(host[1][name], device[1][name], rtol=1e-4, atol=1e-6)


@pytest.mark.gpu
def test_training_on_a_card_gives_the_hosts_numbers():
    """Without dropout, whose masks differ."""
    host, device = (train_without_dropout(ctx) for ctx in (mx.cpu(), mx.gpu()))
    for name in host:
        np.testing.assert_allclose(host[name], device[name], rtol=1e-3, atol=1e-5)


def train_without_dropout(ctx):
    net = build(ctx)
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05})
    x, y = mx.nd.array(DATA, ctx=ctx), mx.nd.array(np.arange(8) % 10, ctx=ctx)
    for _ in range(4):
        with mx.autograd.record(train_mode=False):
            value = loss.SoftmaxCrossEntropyLoss()(net(x), y)
        value.backward()
        trainer.step(8)
    return {k: p.data(ctx).asnumpy() for k, p in net.collect_params().items()}
