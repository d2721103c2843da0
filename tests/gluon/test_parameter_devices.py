"""Parameters and blocks on the strict fake device (tests/fakedevice): no host array and no other device gets mixed in."""
import numpy as np

from blockscope import autograd, cpu
from blockscope import ndarray as nd
from blockscope.gluon.block import Block, HybridBlock
from blockscope.gluon.parameter import Constant, Parameter


class Scale(HybridBlock):
    """One weight, whose shape the first batch tells."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get('weight', shape=(2, 0), init='ones', allow_deferred_init=True)

    def hybrid_forward(self, F, x, weight):
        return F.FullyConnected(x, weight, num_hidden=2, no_bias=True)


def test_value_gradient_and_file(fake, tmp_path):
    p = Parameter('w', shape=(2,), init='ones')
    p.initialize(ctx=fake(1))
    with autograd.record():
        y = (p.data() * 3).sum()
    y.backward()
    assert p.grad().asnumpy().tolist() == [3, 3]
    p.zero_grad()
    assert p.grad().asnumpy().tolist() == [0, 0]
    p.set_data(np.array([1, 2]))
    assert p._reduce().context == cpu(0)
    assert p._reduce().asnumpy().tolist() == [1, 2]
    p.cast('float16')
    assert p.data().context == fake(1)


def test_replicas_on_host_and_devices(fake):
    p = Parameter('w', shape=(2,), init='ones')
    p.initialize(ctx=[cpu(0), fake(0), fake(1)])
    p.set_data(nd.array([3, 4], ctx=fake(1)))
    assert [a.context for a in p.list_data()] == [cpu(0), fake(0), fake(1)]
    assert [a.asnumpy().tolist() for a in p.list_data()] == [[3, 4]] * 3
    p.reset_ctx(fake(2))
    assert p.data().asnumpy().tolist() == [3, 4]


def test_constant(fake):
    c = Constant('c', [1, 2])
    c.initialize(ctx=fake(1))
    assert c.data(fake(1)).asnumpy().tolist() == [1, 2]


def test_first_batch_tells_shapes_on_a_device(fake):
    net = Scale()
    net.initialize(ctx=fake(1))
    out = net(nd.ones((4, 3), ctx=fake(1)))
    assert out.context == fake(1)
    assert out.asnumpy().tolist() == [[3, 3]] * 4


def test_one_block_on_host_and_device(fake):
    net = Scale()
    net.initialize(ctx=[cpu(0), fake(0)])
    for ctx in (cpu(0), fake(0)):
        with autograd.record():
            out = net(nd.ones((4, 3), ctx=ctx))
        out.backward()
        assert net.weight.grad(ctx).asnumpy().tolist() == [[4, 4, 4]] * 2


def test_loading_onto_a_device(fake, tmp_path):
    net = Scale()
    nd.save(str(tmp_path / 'a'), {'weight': nd.ones((2, 3))})
    net.load_parameters(str(tmp_path / 'a'), ctx=fake(2))
    assert net.weight.data(fake(2)).asnumpy().tolist() == [[1] * 3] * 2


def test_arrays_of_the_device_are_used_without_a_copy(fake):
    class Same(Block):
        def forward(self, x):
            return x
    raw = nd.ones((2,), ctx=fake(1))._raw
    out = Same()(raw)
    assert out.context == fake(1)
    assert out._raw is raw
