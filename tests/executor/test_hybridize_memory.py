"""Memory of hybridized networks: writing into outputs, inputs and parameters, several passes at once, buffers that stay.

A hybridized network gives what the eager one gives, or says that what its gradient needs was overwritten.
"""
import gc
import weakref

import numpy as np
import pytest

import blockscope as mx
from blockscope import MXNetError, autograd
from blockscope import ndarray as nd
from blockscope.executor import plan
from blockscope.gluon import HybridBlock, nn
from tests.executor.twins import Small, Twins, image

pytestmark = pytest.mark.filterwarnings('ignore:.*not used by any computation')

FLAGS = [{}, {'static_alloc': True, 'static_shape': True}]


@pytest.fixture(autouse=True)
def small_arrays_count(monkeypatch):
    """Let arrays as small as those here get buffers too, and be dropped early."""
    monkeypatch.setattr(plan, '_LARGE', 0)


flags = pytest.mark.parametrize('flags', FLAGS, ids=['', 'static'])


def net_of(function, flags):
    net = nn.HybridLambda(function)
    net.hybridize(**flags)
    return net


def array(*values):
    x = nd.array(values)
    x.attach_grad()
    return x


# What a graph of two inputs gives, of which parts are views of others or of inputs.
VIEWS = {
    'input': lambda F, x, y: x,
    'inputs': lambda F, x, y: [x, y, x],
    'view of an input': lambda F, x, y: x.reshape((1, -1)),
    'view of a result': lambda F, x, y: [(x * y), (x * y).reshape((1, -1))],
    'two views': lambda F, x, y: [t.reshape((1, -1)) for t in [x + y] * 2],
    'slices': lambda F, x, y: F.split(x * y, num_outputs=2, axis=0),
    'needed by its own gradient': lambda F, x, y: F.exp(x) * 1,
    'needed by a gradient': lambda F, x, y: [F.exp(x), F.exp(x) * y],
    'no step of a loop': lambda F, x, y: F.contrib.while_loop(lambda a: F.sum(a) > 1e9, lambda a: ([], [a * 2]), [x], max_iterations=2)[1],
    'view of a branch': lambda F, x, y: F.contrib.cond(F.sum(x) < 1e9, lambda: x.reshape((1, -1)), lambda: y.reshape((1, -1))),
}


@flags
@pytest.mark.parametrize('name', VIEWS)
def test_writing_into_outputs(name, flags):
    """Outputs that share memory with inputs or with each other are copied when written to, as MXNet's are at once."""
    net = net_of(VIEWS[name], flags)
    x, y = nd.array([1, 2]), nd.array([3, 4])
    for position in range(3):
        outs = net(x, y)
        outs = outs if isinstance(outs, list) else [outs]
        before = [out.asnumpy() for out in outs]
        outs[min(position, len(outs) - 1)][:] = 100
        for i, (out, old) in enumerate(zip(outs, before)):
            if i != min(position, len(outs) - 1):
                np.testing.assert_array_equal(out.asnumpy(), old)
        assert (x.asnumpy().tolist(), y.asnumpy().tolist()) == ([1, 2], [3, 4])


@flags
@pytest.mark.parametrize('name', VIEWS)
def test_writing_into_inputs(name, flags):
    net = net_of(VIEWS[name], flags)
    for _ in range(3):
        x, y = nd.array([1, 2]), nd.array([3, 4])
        outs = net(x, y)
        outs = outs if isinstance(outs, list) else [outs]
        before = [out.asnumpy() for out in outs]
        x[:] = 50
        y[:] = 60
        for out, old in zip(outs, before):
            np.testing.assert_array_equal(out.asnumpy(), old)


@flags
@pytest.mark.parametrize('name', VIEWS)
def test_writing_into_outputs_before_backward(name, flags):
    def gradients(net, write):
        x, y = array(1, 2), array(3, 4)
        with autograd.record():
            outs = net(x, y)
        outs = outs if isinstance(outs, list) else [outs]
        if write:
            with autograd.pause():
                for out in outs:
                    out[:] = 100
        autograd.backward(outs)
        return [x.grad.asnumpy(), y.grad.asnumpy()]
    net = net_of(VIEWS[name], flags)
    for _ in range(2):
        for got, want in zip(gradients(net, True), gradients(nn.HybridLambda(VIEWS[name]), False)):
            np.testing.assert_array_equal(got, want)


@flags
@pytest.mark.parametrize('which', ['input', 'parameter'])
def test_overwriting_what_a_gradient_needs_is_an_error(which, flags):
    net = nn.Dense(2, in_units=2)
    net.initialize()
    net.hybridize(**flags)
    x = array([1, 2])
    for _ in range(2):
        with autograd.record():
            y = net(x) ** 2
        with autograd.pause():
            (x if which == 'input' else net.weight.data())[:] = 3
        with pytest.raises(MXNetError, match='stale graph: input .*' + ('data' if which == 'input' else 'weight')):
            y.backward()


@flags
def test_overwriting_what_no_gradient_needs(flags):
    net = nn.Dense(2, in_units=2)
    net.initialize()
    net.hybridize(**flags)
    x = array([1, 2])
    with autograd.record():
        y = net(x)
    net.bias.set_data(nd.ones(2))
    y.backward()
    np.testing.assert_array_equal(net.weight.grad().asnumpy(), [[1, 2], [1, 2]])


@flags
def test_two_forward_passes_before_backward(flags):
    twins = Twins(**flags)

    def act(net):
        found = []
        inputs = [nd.array(image(batch)) for batch in (16, 16, 16, 3)]
        for x in inputs:
            x.attach_grad()
        for _ in range(2):
            with autograd.record():
                outs = [net(x) for x in inputs]
            net(inputs[0])
            for out in outs[::2] + outs[1::2]:
                out.backward()
            found += [*outs, *[x.grad for x in inputs], *[p.grad() for p in net.collect_params().values() if p.grad_req != 'null']]
        return found
    twins.same(act)
    twins.same(act)


@flags
def test_backward_twice(flags):
    twins = Twins(**flags)

    def act(net):
        x = nd.array(image(16))
        x.attach_grad('add')
        for _ in range(2):
            with autograd.record():
                out = net(x)
            out.backward(retain_graph=True)
            net(nd.array(image(16, size=8)[..., :6, :6]))
            out.backward()
            with pytest.raises(MXNetError, match='freed by an earlier backward pass'):
                out.backward()
        return x.grad
    twins.same(act)


@flags
def test_values_of_a_retained_graph_stay(flags):
    twins = Twins(**flags)

    def act(net):
        x, other = nd.array(image(16)), nd.array(image(16)[::-1].copy())
        x.attach_grad()
        with autograd.record():
            kept = net(x)
        kept.backward(retain_graph=True)
        first = x.grad.copy()
        for _ in range(3):
            with autograd.record():
                out = net(other)
            out.backward()
        kept.backward()
        return [kept, first, x.grad]
    twins.same(act)


@flags
def test_outputs_stay_when_the_network_goes_on(flags):
    net = net_of(lambda F, x: F.relu(F.exp(x) * 2 + 1), flags)
    xs = [nd.array(np.full((100, 100), i)) for i in range(4)]
    outs = [net(x) for x in xs]
    for i, out in enumerate(outs):
        np.testing.assert_allclose(out.asnumpy(), np.exp(np.float32(i)) * 2 + 1, rtol=1e-6)


@flags
@pytest.mark.parametrize('used', [(0,), (1,), (2,), (0, 2), (2, 1)])
def test_gradient_of_some_outputs(used, flags):
    def make(prefix):
        return nn.HybridLambda(lambda F, x: [F.exp(x), *F.split(F.tanh(x) * 2, num_outputs=2, axis=1)], prefix=prefix)
    twins = Twins(make, **flags)

    def act(net):
        x = nd.array(image())
        x.attach_grad()
        with autograd.record():
            outs = net(x)
        autograd.backward([outs[i] for i in used])
        return x.grad
    for _ in range(2):
        twins.same(act)


@flags
def test_gradient_of_gradient(flags):
    class Two(HybridBlock):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.a, self.b = nn.Dense(4, activation='tanh'), nn.Dense(1)

        def hybrid_forward(self, F, x):
            return F.sum(F.sigmoid(self.b(self.a(x))) * x)
    twins = Twins(Two, **flags)

    def act(net):
        x = nd.array(np.random.RandomState(1).uniform(-1, 1, (3, 1)))
        x.attach_grad()
        with autograd.record():
            y = net(x)
            first, = autograd.grad(y, [x], create_graph=True)
            z = (first ** 2).sum()
        z.backward()
        return [first, x.grad, *[p.grad() for p in net.collect_params().values()]]
    for _ in range(2):
        for got, want in zip(*reversed(twins.do(act))):
            np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-5, atol=1e-7)


def test_gradient_of_gradient_of_random_numbers_is_an_error():
    net = nn.Dropout(0.5)
    net.hybridize()
    x = array(1, 2)
    with autograd.record():
        y = (net(x) * x).sum()
        with pytest.raises(MXNetError, match='draws random numbers.*hybridize.False.'):
            autograd.grad(y, [x], create_graph=True)


@flags
def test_parameters_between_forward_and_backward_of_a_step(flags):
    """`trainer.step` after backward leaves no stale graph behind, also where outputs live on."""
    twins = Twins(**flags)
    trainers = twins.do(lambda net: mx.gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1, 'momentum': 0.9}))
    kept = []
    for _ in range(3):
        kept.append(twins.step(image(16)))
        for trainer in trainers:
            trainer.step(1)


def test_buffers_live_across_calls():
    net = net_of(lambda F, x: F.sum(F.tanh(F.exp(x) - 1) * F.sigmoid(x)), {'static_alloc': True})
    x = nd.array(np.ones((100, 100)))
    x.attach_grad()

    def step():
        with autograd.record():
            y = net(x)
        y.backward()
        return x.grad.asnumpy()
    want = step()
    step()
    last = net._cached_op._last[2]
    assert len(last._pool) == 1
    buffers = [id(b) for b in last._pool[0]]
    assert buffers
    np.testing.assert_array_equal(step(), want)
    assert [id(b) for b in last._pool[0]] == buffers


@flags
def test_nothing_is_kept_of_a_finished_step(flags):
    """Memory of a recorded call goes with its outputs."""
    net = Small()
    net.initialize()
    net.hybridize(**flags)
    x = nd.array(image())
    gc.collect()
    gc.disable()
    try:
        with autograd.record():
            out = net(x)
        seen = weakref.ref(out._node)
        out.backward()
        del out
        assert seen() is None
    finally:
        gc.enable()


@flags
@pytest.mark.parametrize('train_mode', [True, False])
def test_a_gradient_to_differentiate_leaves_statistics_alone(train_mode, flags):
    """The graph is computed again, in the mode in which it was recorded."""
    def make(prefix):
        net = nn.HybridSequential(prefix=prefix)
        with net.name_scope():
            net.add(nn.Dense(4), nn.BatchNorm(momentum=0.5), nn.Dropout(0.5), nn.Dense(1))
        return net
    twins = Twins(make, **flags)

    def act(net):
        x = nd.array(np.random.RandomState(0).uniform(-1, 1, (3, 2)))
        x.attach_grad()
        with autograd.record(train_mode=train_mode):
            y = (net(x) ** 2).sum()
        found, = autograd.grad(y, [x], create_graph=True)
        return [y, found, net[1].running_mean.data(), net[1].running_var.data()]
    if train_mode:
        for net in twins.nets:
            net._children.pop('2')  # a node of Dropout is refused
    for _ in range(2):
        twins.same(act)
