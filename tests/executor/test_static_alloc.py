"""`hybridize(static_alloc=True)`: results that stay inside of a plan keep their memory from call to call."""
import tracemalloc

import numpy as np
import pytest

import blockscope as mx
from blockscope.executor.buffers import Buffer
from blockscope.gluon import nn

MIB = 1 << 20


def network(static):
    """Return a net with four inner results of 1 MiB each."""
    net = nn.HybridSequential()
    net.add(nn.Dense(1024, in_units=32), nn.BatchNorm(in_channels=1024), nn.Dense(1024, in_units=1024), nn.Activation('tanh'),
            nn.Dense(1, in_units=1024))
    mx.random.seed(0)
    net.initialize()
    net.hybridize(static_alloc=static)
    return net


def allocated(call):
    """Return how far NumPy's memory rises while a call runs, in MiB."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return (tracemalloc.get_traced_memory()[1] - before) / MIB
    finally:
        tracemalloc.stop()


def recorded(net, x):
    with mx.autograd.record():
        return net(x)


@pytest.mark.parametrize(('static', 'least', 'most'), [(False, 2.9, 6), (True, 0, 0.9)])
def test_memory_of_a_recorded_call(static, least, most):
    # The results of Dense, BatchNorm, and Dense with tanh are kept for the gradient: 256 x 1024 float32 are 1 MiB each.
    net, x = network(static), mx.nd.ones((256, 32))
    for _ in range(3):
        recorded(net, x)
    assert least <= allocated(lambda: recorded(net, x)) <= most


def test_a_second_call_before_backward_gets_memory_of_its_own():
    nets = network(False), network(True)
    xs = [mx.nd.array(np.random.RandomState(i).randn(256, 32)) for i in (1, 2)]
    gradients = []
    for net in nets:
        recorded(net, xs[0])
        for x in xs:
            x.attach_grad()
        outs = [recorded(net, x) for x in xs]
        mx.autograd.backward(outs)
        gradients.append([x.grad.asnumpy() for x in xs])
    for plain, static in zip(*gradients):
        np.testing.assert_array_equal(plain, static)


def test_outputs_are_never_overwritten():
    net = nn.HybridLambda(lambda F, x: [F.reshape(F.tanh(x), (-1,)), F.relu(x)])
    net.hybridize(static_alloc=True)
    first = net(mx.nd.full((256, 256), 1))
    for value in (2, 3):
        net(mx.nd.full((256, 256), value))
    assert first[0].asnumpy()[0] == np.tanh(np.float32(1))
    assert first[1].asnumpy()[0, 0] == 1


@pytest.mark.parametrize('axes', [(0, 1, 2), (2, 0, 1), (0, 2, 1)])
def test_buffers_have_the_order_of_the_example(axes):
    example = np.empty((2, 3, 4), 'float16').transpose(axes)
    made = Buffer(example).make(np)
    assert (made.shape, made.strides, made.dtype) == (example.shape, example.strides, example.dtype)
