"""`SymbolBlock`: a graph as a block. Golden names and texts: MXNet 1.9.1 (topic symbolblock of the recorded cases, or asked directly)."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import autograd, nd
from blockscope.gluon import SymbolBlock, nn


def ready(net, **kwargs):
    net.initialize(mx.init.Uniform(0.5), **kwargs)
    return net


def dense():
    return mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=3, name='fc')


def test_computes_what_the_operators_compute():
    net = ready(SymbolBlock(dense(), mx.sym.var('data')))
    x = nd.array(np.random.randn(2, 4))
    x.attach_grad()
    for hybridize in (False, True, False):
        net.hybridize(hybridize)
        with autograd.record():
            out = net(x)
        out.backward()
        weight, bias = net.params['fc_weight'].data(), net.params['fc_bias'].data()
        np.testing.assert_array_equal(out.asnumpy(), nd.FullyConnected(x, weight, bias, num_hidden=3).asnumpy())
        np.testing.assert_allclose(net.params['fc_weight'].grad().asnumpy(), np.ones((2, 3)).T @ x.asnumpy(), rtol=1e-6)
        np.testing.assert_allclose(x.grad.asnumpy(), np.ones((2, 3)) @ weight.asnumpy(), rtol=1e-5)


def test_several_inputs_and_outputs():
    a, b = mx.sym.var('a'), mx.sym.var('b')
    net = SymbolBlock([a + b, a * b], [a, b])
    got = net(nd.array([2]), nd.array([3]))
    assert [x.asscalar() for x in got] == [5, 6]
    net.hybridize()
    assert [x.asscalar() for x in net(nd.array([2]), nd.array([3]))] == [5, 6]


def test_group_is_several_outputs():
    a = mx.sym.var('a')
    net = SymbolBlock(mx.sym.Group([a + 1, a * 5]), a)
    assert [x.asscalar() for x in net(nd.array([2]))] == [3, 10]


def test_deferred_shapes_follow_from_the_first_batch():
    net = ready(SymbolBlock(dense(), mx.sym.var('data')))
    assert net.params['fc_weight'].shape is None or 0 in net.params['fc_weight'].shape or net.params['fc_weight'].shape == ()
    assert net(nd.ones((2, 7))).shape == (2, 3)
    assert net.params['fc_weight'].shape == (3, 7)


def test_parameters_are_shared():
    layer = ready(nn.Dense(3, in_units=4, prefix='fc_'))
    net = SymbolBlock(dense(), mx.sym.var('data'), params=layer.collect_params())
    x = nd.array(np.random.randn(2, 4))
    np.testing.assert_array_equal(net(x).asnumpy(), layer(x).asnumpy())
    assert net.params['fc_weight'] is layer.weight


def test_batch_statistics():
    x = mx.sym.var('data')
    net = SymbolBlock(mx.sym.BatchNorm(x, name='bn', fix_gamma=False, momentum=0.5), x)
    net.initialize(mx.init.One())
    assert [p.grad_req for p in net.collect_params().values()] == ['write', 'write', 'null', 'null']
    with autograd.record():
        net(nd.array([[1], [3]]))
    assert net.params['bn_moving_mean'].data().asscalar() == 1.5  # 0.5 * 1 + 0.5 * 2


def test_composes_with_symbols():
    net = ready(SymbolBlock(dense(), mx.sym.var('data')))
    out = net(mx.sym.var('other') * 2)
    assert out.list_arguments() == ['other', 'fc_weight', 'fc_bias']


def test_part_of_another_network():
    class Both(nn.HybridSequential):
        pass
    net = Both(prefix='net_')
    net.add(SymbolBlock(dense(), mx.sym.var('data')), nn.Dense(2))
    ready(net)
    x = nd.array(np.random.randn(2, 4))
    want = net(x).asnumpy()
    net.hybridize()
    np.testing.assert_array_equal(net(x).asnumpy(), want)


def test_inputs_must_be_variables():
    with pytest.raises(AssertionError, match='Input symbols must be variable, but <Symbol fc> is an output of operators'):
        SymbolBlock(mx.sym.relu(dense()), dense())


def test_structure_of_arguments_is_checked():
    a, b = mx.sym.var('a'), mx.sym.var('b')
    net = SymbolBlock(a + b, [a, b])
    with pytest.raises(ValueError, match='argument structure of HybridBlock does not match the cached version'):
        net(nd.ones((1,)))
    with pytest.raises(AssertionError, match='Invalid input format'):
        net(a)


@pytest.mark.parametrize('dtype', ['float16', 'float64'])
def test_cast(dtype):
    """Batch normalization keeps its parameters in float32 where the rest is float16."""
    x = mx.sym.var('data')
    net = SymbolBlock(mx.sym.BatchNorm(mx.sym.FullyConnected(x, num_hidden=3, name='fc'), name='bn'), x)
    net.initialize(mx.init.One())
    net(nd.ones((2, 4)))
    net.cast(dtype)
    assert net(nd.ones((2, 4), dtype=dtype)).dtype == np.dtype(dtype)
    types = {key: np.dtype(p.dtype).name for key, p in net.collect_params().items()}
    assert types['fc_weight'] == dtype
    assert types['bn_moving_var'] == ('float32' if dtype == 'float16' else dtype)


def test_new_shapes_and_modes_are_noticed():
    x = mx.sym.var('data')
    net = SymbolBlock(mx.sym.Dropout(x * 2, p=0.5), x)
    for shape in ((2, 3), (4, 3), (2, 3)):
        assert (net(nd.ones(shape)).asnumpy() == 2).all()
        with autograd.record():
            assert set(np.unique(net(nd.ones((20, *shape))).asnumpy())) == {0, 4}


def test_hybridize_keeps_the_graph():
    net = ready(SymbolBlock(dense(), mx.sym.var('data')))
    graph = net._cached_graph
    net.hybridize(static_alloc=True)
    net(nd.ones((1, 2)))
    assert net._cached_graph is graph
    assert repr(net) == 'SymbolBlock(\n<Symbol fc> : 1 -> 1\n)'
