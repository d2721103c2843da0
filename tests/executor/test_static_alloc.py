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


# ---- the backward pass ----------------------------------------------------------------------------------------------------------

def gradient_of(net, x, **options):
    with mx.autograd.record():
        y = net(x)
    return mx.autograd.grad(y, x, **options)[0]


@pytest.mark.parametrize('static', [False, True])
def test_gradients_that_are_handed_out_are_never_overwritten(static):
    # d/dx sum(relu(x)^2) = 2 relu(x), computed in memory of the plan; then handed on by a reshape.
    net = nn.HybridLambda(lambda F, x: F.square(F.relu(F.reshape(x, (-1,)) + 0)).sum())
    net.hybridize(static_alloc=static)
    found = []
    for value in (1, 2, 3):
        x = mx.nd.full((64, 512), value)
        x.attach_grad()
        found.append(gradient_of(net, x))
    assert [float(dx.asnumpy().max()) for dx in found] == [2, 4, 6]
    assert [float(dx.asnumpy().min()) for dx in found] == [2, 4, 6]


@pytest.mark.parametrize('static', [False, True])
def test_a_graph_that_is_kept_gives_the_same_twice(static):
    net, x = network(static), mx.nd.array(np.random.RandomState(3).randn(256, 32))
    params = net.collect_params().values()
    for _ in range(2):
        y = recorded(net, x)
    y.backward(retain_graph=True)
    first = [p.grad().asnumpy() for p in params if p.grad_req != 'null']
    y.backward()
    for a, p in zip(first, (p for p in params if p.grad_req != 'null')):
        np.testing.assert_array_equal(a, p.grad().asnumpy())


def test_what_gradients_may_overwrite():
    # By hand: BatchNorm alone reads what the first Dense made. The first ReLU's result is read by its own gradient after that of Dense; the
    # second's leaves the net, and the input is the caller's.
    net = nn.HybridSequential()
    net.add(nn.Activation('relu'), nn.Dense(8, in_units=8), nn.BatchNorm(in_channels=8), nn.Activation('relu'))
    net.initialize()
    net.hybridize()
    x = mx.nd.ones((4, 8))
    x.attach_grad()
    recorded(net, x)
    plan, = net._cached_op._plans.values()
    assert [(call.op.name, 0 in spare, 'y' in spare) for call, spare in plan.spare.items()] == [
        ('Activation', False, True), ('FullyConnected', False, False), ('BatchNorm', True, False), ('Activation', False, False)]


@pytest.mark.parametrize('request_', ['write', 'add', 'null'])
def test_large_gradients_go_where_they_belong(request_):
    # By hand: loss = sum(x w^T), so dw has the sum of x over the batch in every row.
    net = nn.Dense(256, in_units=256, use_bias=False)
    net.initialize()
    net.weight.grad_req = request_
    net.hybridize()
    x = mx.nd.array(np.random.RandomState(0).randint(-3, 4, (4, 256)))
    for _ in range(3):
        with mx.autograd.record():
            loss = net(x).sum()
        if request_ != 'null':
            loss.backward()
    if request_ != 'null':
        times = 3 if request_ == 'add' else 1
        np.testing.assert_array_equal(net.weight.grad().asnumpy(), np.tile(x.asnumpy().sum(0) * times, (256, 1)))


def test_a_weight_used_inside_and_outside_of_a_plan():
    net = nn.Dense(256, in_units=256, use_bias=False)
    net.initialize(mx.init.One())
    net.hybridize()
    x = mx.nd.ones((2, 256))
    for _ in range(2):
        with mx.autograd.record():
            loss = net(net(x) * 0.5).sum() + (net.weight.data() * 3).sum()
        loss.backward()
    # 256 outputs: d/dw of 1 w w 1 * 0.5 * 2 rows = 256 + 256, and 3.
    np.testing.assert_allclose(net.weight.grad().asnumpy(), np.full((256, 256), 515), rtol=1e-6)
