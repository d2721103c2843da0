"""Loops, branches and users' operators in hybridized networks: layers with states inside, loops inside of loops, closures."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import autograd, nd
from blockscope.gluon import HybridBlock, nn
from tests.executor.twins import Twins

FLAGS = [{}, {'static_alloc': True, 'static_shape': True}]


def series(*shape):
    return np.random.RandomState(5).uniform(-1, 1, shape).astype('float32')


class Layers(HybridBlock):
    """Layers for the functions below."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function
        with self.name_scope():
            self.fc = nn.Dense(4, in_units=4, activation='tanh')
            self.norm = nn.BatchNorm(in_channels=4, momentum=0.5)
            self.drop = nn.Dropout(0.4)
            self.w = self.params.get('w', shape=(1, 4), init='ones')

    def hybrid_forward(self, F, x, w):
        return self.function(self, F, x, w)


def with_layers(net, F, x, w):
    def step(row, states):
        out = net.norm(net.drop(net.fc(row) + states[0]))
        return F.broadcast_mul(out, w), [out]
    out, last = F.contrib.foreach(step, x, [F.zeros_like(F.sum(x, axis=0))])
    return out, last[0]


def loop_in_a_loop(net, F, x, w):
    def step(row, states):
        first = F.sum(row, axis=0, keepdims=True)
        inner, _ = F.contrib.foreach(lambda r, s: (F.broadcast_mul(r.reshape((1, -1)), w) + s, s * 0.5), row, first)
        return F.sum(inner, axis=0) + states[0], [F.broadcast_add(states[0], net.fc(row).mean())]
    out, last = F.contrib.foreach(step, x, [F.zeros((1, 4))])
    return out, last[0]


def branch_in_a_loop(net, F, x, w):
    def step(row, states):
        total = states[0] + F.sum(row)
        out = F.contrib.cond(total > 0.5, lambda: net.fc(row), lambda: F.broadcast_mul(row, w) - 1)
        return out, [total]
    out, last = F.contrib.foreach(step, x, [F.zeros((1,))])
    return out, last[0]


def loop_with_outputs(net, F, x, w):
    def step(i, y):
        y = F.broadcast_mul(net.fc(y), w) + x.slice_axis(axis=0, begin=0, end=1).reshape((-3, -2))
        return [y * 2, i], [i + 1, y]
    (outs, numbers), (_, last) = F.contrib.while_loop(lambda i, y: (i < 3) * (F.sum(y) < 1e6), step,
                                                      [F.zeros((1,)), F.sum(x, axis=0)], max_iterations=5)
    return outs.slice_axis(axis=0, begin=0, end=3), numbers.slice_axis(axis=0, begin=0, end=3), last


def states_unchanged(net, F, x, w):
    total = F.sum(x, axis=0)
    out, (first, second) = F.contrib.foreach(lambda row, s: (row + s[0], [s[0], row - s[1]]), x, [net.fc(total), total])
    return out, first * 2, F.relu(second), F.relu(first)


def branch_with_layers(net, F, x, w):
    y = F.contrib.cond(F.sum(x) > 0, lambda: net.norm(net.fc(F.sum(x, axis=0))), lambda: net.drop(F.mean(x, axis=0)))
    return F.broadcast_mul(y, w) + 1


FUNCTIONS = [with_layers, loop_in_a_loop, branch_in_a_loop, loop_with_outputs, states_unchanged, branch_with_layers]


@pytest.mark.filterwarnings('ignore:.*not used by any computation')
@pytest.mark.parametrize('flags', FLAGS, ids=['', 'static'])
@pytest.mark.parametrize('function', FUNCTIONS)
def test_control_flow(function, flags):
    """To float32: the node of a graph adds up the gradients of all steps before those from elsewhere."""
    twins = Twins(lambda prefix: Layers(function, prefix=prefix), **flags)

    def act(net, sign):
        x = nd.array(series(3, 2, 4) * sign + 0.1)
        x.attach_grad()
        with autograd.record():
            outs = net(x)
        outs = list(outs) if isinstance(outs, (list, tuple)) else [outs]
        autograd.backward([y for y in outs if y._node is not None])
        params = net.collect_params().values()
        return [*outs, x.grad, *[p.grad() for p in params if p.grad_req != 'null'], *[p.data() for p in params], net(x)]

    def flat(found):
        return [y for x in found for y in (flat(x) if isinstance(x, (list, tuple)) else [x])]
    for sign in (1, -1, 1):
        eager, hybrid = (flat(found) for found in twins.do(lambda net: act(net, sign)))
        assert len(eager) == len(hybrid)
        for got, want in zip(hybrid, eager):
            np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-5, atol=1e-6)


class Cube(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], in_data[0] ** 3)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], 3 * in_data[0] ** 2 * out_grad[0])


class CubeProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, in_shapes, in_dtypes):
        return Cube()


@pytest.mark.parametrize('flags', FLAGS, ids=['', 'static'])
def test_users_operators(flags):
    mx.operator.register('test_hybridize_loops_cube')(CubeProp)

    def make(prefix):
        return nn.HybridLambda(lambda F, x: F.relu(F.Custom(x * 2, op_type='test_hybridize_loops_cube')) + F.exp(x), prefix=prefix)
    twins = Twins(make, **flags)
    for _ in range(3):
        twins.step(series(2, 3))
        twins.call(series(2, 3))
