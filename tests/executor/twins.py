"""A network and the same one hybridized, to which the same things happen."""
import numpy as np

import blockscope as mx
from blockscope import autograd
from blockscope.gluon import HybridBlock, nn


class ByName(mx.init.Initializer):
    """Numbers that depend on a parameter's name and shape only: it does not matter in which order first values are drawn."""

    def __init__(self, scale=0.5):
        super().__init__(scale=scale)
        self.scale = scale

    def _init_weight(self, name, arr):
        random = np.random.RandomState(sum(name.encode()))
        arr[:] = random.uniform(-self.scale, self.scale, arr.shape)


class Small(HybridBlock):
    """Convolution, batch normalization, a layer of its own weight, and a constant."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.conv = nn.Conv2D(4, 3, padding=1)
            self.norm = nn.BatchNorm()
            self.drop = nn.Dropout(0.3)
            self.out = nn.Dense(3)
            self.factor = self.params.get('factor', shape=(1, 3), init='ones')
            self.shift = self.params.get_constant('shift', [[1, 2, 3]])

    def hybrid_forward(self, F, x, factor, shift):
        return F.broadcast_add(F.broadcast_mul(self.out(self.drop(F.relu(self.norm(self.conv(x))))), factor), shift)


class Twins:
    """Two equal networks, one of them hybridized."""

    def __init__(self, make=Small, ctx=None, **flags):
        self.nets = []
        for _ in range(2):
            with mx.name.NameManager():
                self.nets.append(make(prefix='net_'))
        self.eager, self.hybrid = self.nets
        self.do(lambda net: net.initialize(ByName(), ctx=ctx))
        self.hybrid.hybridize(**flags)

    def do(self, action):
        """Do something to both, starting from the same random numbers; return what it gives."""
        found = []
        for net in self.nets:
            mx.random.seed(4)
            found.append(action(net))
        return found

    def same(self, action):
        """Check that something gives the same arrays, or nested lists of them, for both."""
        eager, hybrid = self.do(action)
        _same(hybrid, eager)
        return eager

    def step(self, *arrays, ctx=None, dtype='float32', train_mode=True, backward=True):
        """Check a training pass: outputs, gradients of inputs and parameters, parameters."""
        def act(net):
            inputs = [mx.nd.array(a, ctx=ctx, dtype=dtype) for a in arrays]
            for x in inputs:
                x.attach_grad()
            with autograd.record(train_mode=train_mode):
                out = net(*inputs)
            outs = out if isinstance(out, (list, tuple)) else [out]
            if backward:
                autograd.backward(outs)
            params = net.collect_params().values()
            where = inputs[0].ctx
            return [list(outs), [x.grad for x in inputs], [p.grad(where) for p in params if p.grad_req != 'null' and backward],
                    [p.data(where) for p in params]]
        return self.same(act)

    def call(self, *arrays, ctx=None, dtype='float32'):
        """Check a call outside of training."""
        return self.same(lambda net: net(*[mx.nd.array(a, ctx=ctx, dtype=dtype) for a in arrays]))


def _same(got, want):
    if isinstance(want, (list, tuple)):
        assert len(got) == len(want)
        for a, b in zip(got, want):
            _same(a, b)
    elif want is None:
        assert got is None
    else:
        assert got.context == want.context
        np.testing.assert_array_equal(got.asnumpy(), want.asnumpy(), strict=True)


def image(batch=2, channels=2, size=6):
    """Return an array of fixed numbers."""
    return np.random.RandomState(batch + size).uniform(-1, 1, (batch, channels, size, size)).astype('float32')
