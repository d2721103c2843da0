"""The work in Gluon 1.x, for whichever module answers to it: blockscope or MXNet."""

from __future__ import annotations

import importlib
import os
import tempfile
from functools import partial
from typing import Any

BATCH = 32
SMALL_LAYERS = 5000


def dense_construct(mx):
    """Construct one small layer inside the name scope of a parent."""
    parent = mx.gluon.nn.HybridSequential()
    dense = mx.gluon.nn.Dense

    def call():
        with parent.name_scope():
            return dense(4, in_units=4)

    return call


def many_layers(mx):
    """Return a net of 5,000 small layers, which hold 10,000 parameters."""
    net = mx.gluon.nn.HybridSequential()
    with net.name_scope():
        for _ in range(SMALL_LAYERS):
            net.add(mx.gluon.nn.Dense(4, in_units=4))
    return net


def collect_params(mx):
    """Collect the 10,000 parameters of a net."""
    return many_layers(mx).collect_params


def init_params(mx):
    """Initialise 10,000 small parameters for the first time: values and gradient arrays."""
    return (lambda net: net.initialize()), (lambda: many_layers(mx))


def add(mx):
    """Add two 4x4 arrays."""
    a, b = mx.nd.ones((4, 4)), mx.nd.ones((4, 4))
    return lambda: a + b


def op_chain(mx):
    """Run ten small operators one after the other on (32, 64)."""
    nd = mx.nd
    x = nd.random.uniform(-1, 1, shape=(32, 64))
    weight = nd.random.uniform(-0.1, 0.1, shape=(64, 64))

    def call():
        y = nd.dot(x, weight)
        y = nd.relu(y * 0.5 + 1.0)
        y = nd.tanh(y - x)
        y = nd.exp(y).reshape((64, 32))
        return nd.sum(nd.transpose(y), axis=1)

    return call


def training_step(mx, net, data, label):
    """Return one imperative step: forward, loss, backward, momentum SGD."""
    net.initialize(mx.init.Xavier())
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9})
    record = mx.autograd.record

    def call():
        with record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(BATCH)
        return loss

    return call


def labels(mx):
    """Return the batch's class numbers."""
    return mx.nd.array([i % 10 for i in range(BATCH)])


def mlp(mx):
    """Return a 64-64-64-10 net."""
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    with net.name_scope():
        net.add(nn.Dense(64, activation="relu", in_units=64))
        net.add(nn.Dense(64, activation="relu", in_units=64))
        net.add(nn.Dense(10, in_units=64))
    return net


def mlp_step(mx):
    """Train a 64-64-64-10 net for one step."""
    return training_step(mx, mlp(mx), mx.nd.random.uniform(-1, 1, shape=(BATCH, 64)), labels(mx))


def hybrid_mlp_step(mx):
    """Train a hybridized 64-64-64-10 net for one step."""
    net = mlp(mx)
    net.hybridize(static_alloc=True, static_shape=True)
    return training_step(mx, net, mx.nd.random.uniform(-1, 1, shape=(BATCH, 64)), labels(mx))


def plan_resnet50(mx):
    """Trace ResNet-50, infer its shapes and plan it: everything that a first call does but the arithmetic."""
    net = mx.gluon.model_zoo.vision.resnet50_v1()
    net.initialize()
    net.hybridize()
    data = mx.nd.zeros((1, 3, 224, 224))

    def call():
        net._clear_cached_op()
        net.infer_shape(data)
        net._build_cache(data)
        return net._cached_op

    return call


def lenet(mx):
    """Run forward and backward of a small convolutional net on 28x28 images."""
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    with net.name_scope():
        net.add(nn.Conv2D(20, 5, activation="relu", in_channels=1), nn.MaxPool2D(2, 2))
        net.add(nn.Conv2D(50, 5, activation="relu", in_channels=20), nn.MaxPool2D(2, 2))
        net.add(nn.Dense(128, activation="relu", in_units=800), nn.Dense(10, in_units=128))
    net.initialize(mx.init.Xavier())
    data, label = mx.nd.random.uniform(-1, 1, shape=(BATCH, 1, 28, 28)), labels(mx)
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()

    def call():
        with mx.autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        return loss

    return call


def convolution(mx, channels, size, filters, **attrs):
    """Run forward and backward of one convolution of a batch of 8."""
    x = mx.nd.random.uniform(-1, 1, shape=(8, channels, size, size))
    kernel = attrs["kernel"]
    weight = mx.nd.random.uniform(-0.1, 0.1, shape=(filters, channels // attrs.get("num_group", 1), *kernel))
    x.attach_grad()
    weight.attach_grad()
    top = mx.nd.ones_like(mx.nd.Convolution(x, weight, num_filter=filters, no_bias=True, **attrs))

    def call():
        with mx.autograd.record():
            y = mx.nd.Convolution(x, weight, num_filter=filters, no_bias=True, **attrs)
        y.backward(top)
        return weight.grad

    return call


def conv_3x3(mx):
    """Convolve with 3x3 kernels."""
    return convolution(mx, 64, 56, 64, kernel=(3, 3), pad=(1, 1))


def conv_strided(mx):
    """Convolve with 3x3 kernels at every second point."""
    return convolution(mx, 64, 56, 128, kernel=(3, 3), stride=(2, 2), pad=(1, 1))


def conv_pointwise(mx):
    """Mix channels."""
    return convolution(mx, 128, 28, 128, kernel=(1, 1))


def conv_depthwise(mx):
    """Convolve every channel with a kernel of its own."""
    return convolution(mx, 128, 56, 128, kernel=(3, 3), pad=(1, 1), num_group=128)


def matmul(mx):
    """Multiply two 1024x1024 matrices."""
    a, b = (mx.nd.random.uniform(-1, 1, shape=(1024, 1024)) for _ in range(2))
    return lambda: mx.nd.dot(a, b)


class ParameterFile:
    """Own a temporary directory with a 10 MB parameter file, removed with this object."""

    def __init__(self, mx: Any):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "net.params")
        self.nd = mx.nd
        self.arrays = {f"dense{i}_weight": mx.nd.random.uniform(-1, 1, shape=(256, 256)) for i in range(40)}
        self.save()

    def save(self) -> None:
        """Write the file."""
        self.nd.save(self.path, self.arrays)

    def load(self) -> Any:
        """Read the file."""
        return self.nd.load(self.path)


def save_file(mx):
    """Save 10 MB of parameters."""
    return ParameterFile(mx).save


def load_file(mx):
    """Load 10 MB of parameters."""
    return ParameterFile(mx).load


CASES = {
    function.__name__: function
    for function in (
        dense_construct,
        collect_params,
        init_params,
        add,
        mlp_step,
        hybrid_mlp_step,
        plan_resnet50,
        op_chain,
        lenet,
        conv_3x3,
        conv_strided,
        conv_pointwise,
        conv_depthwise,
        matmul,
        save_file,
        load_file,
    )
}


def open_system(library: str, threads: int) -> dict[str, Any]:
    """Import `library` (its threads are set through the environment) and return what the worker needs."""
    mx = importlib.import_module(library)
    mx.random.seed(0)

    def wait(_: object) -> None:
        # MXNet runs behind the caller's back: without this the queue is timed, not the work.
        mx.nd.waitall()

    return {
        "version": mx.__version__,
        "wait": wait,
        "cases": {name: partial(function, mx) for name, function in CASES.items()},
    }
