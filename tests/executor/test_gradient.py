"""`Symbol.grad`: symbols of gradients, against calculus, numeric derivatives and bound backward passes."""
import numpy as np
import pytest

import blockscope as mx


def _values(symbol, **arrays):
    return [x.asnumpy() for x in symbol.eval(**{name: mx.nd.array(value) for name, value in arrays.items()})]


def test_of_a_product():
    x, y = mx.sym.var('x'), mx.sym.var('y')
    net = (x * x * y).grad(['y', 'x'])
    assert (net.list_arguments(), len(net)) == (['x', 'y'], 2)
    dy, dx = _values(net, x=[3, 1], y=[5, 2])
    np.testing.assert_array_equal(dy, [9, 1])  # x^2
    np.testing.assert_array_equal(dx, [30, 4])  # 2 x y


def test_names_shapes_and_types(fresh_names):
    net = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=4, name='fc')
    gradient = mx.sym.sum(net).grad(['fc_weight', 'data'])
    assert gradient.list_outputs() == ['gradient0_fc_weight', 'gradient0_data']
    assert gradient.infer_shape(data=(2, 3)) == ([(2, 3), (4, 3), (4,)], [(4, 3), (2, 3)], [])
    assert gradient.infer_type(data='float16')[1] == [np.float16, np.float16]


def test_used_in_a_graph():
    """One step of gradient descent on (w - 3)^2 as a graph, bound and differentiated again: d (w - s 2 (w - 3)) / dw = 1 - 2 s."""
    w, rate = mx.sym.var('w'), mx.sym.var('rate')
    loss = mx.sym.square(w - 3)
    stepped = w - rate * loss.grad(['w'])
    executor = stepped.simple_bind(mx.cpu(), w=(2,), rate=(2,))
    out, = executor.forward(is_train=True, w=np.array([5., 1.]), rate=np.array([.25, .25]))
    executor.backward(mx.nd.ones(2))
    np.testing.assert_allclose(out.asnumpy(), [4, 2])
    np.testing.assert_allclose(executor.grad_dict['w'].asnumpy(), [.5, .5])
    np.testing.assert_allclose(executor.grad_dict['rate'].asnumpy(), [-4, 4])  # - 2 (w - 3)


def test_second_order():
    x = mx.sym.var('x')
    second = (x ** 3).grad(['x']).grad(['x'])
    np.testing.assert_allclose(_values(second, x=[2, -1])[0], [12, -6])  # 6 x


def test_against_differences():
    x, w = mx.sym.var('x'), mx.sym.var('w')
    net = mx.sym.sum(mx.sym.tanh(mx.sym.FullyConnected(x, w, no_bias=True, num_hidden=3)) ** 2)
    draw = np.random.RandomState(0)
    arrays = {'x': draw.randn(2, 4), 'w': draw.randn(3, 4)}
    found = _values(net.grad(['x', 'w']), **arrays)
    for name, gradient in zip(('x', 'w'), found):
        for at in np.ndindex(gradient.shape):
            ends = []
            for step in (1e-2, -1e-2):
                moved = {key: value.copy() for key, value in arrays.items()}
                moved[name][at] += step
                ends.append(float(_values(net, **moved)[0][0]))
            assert gradient[at] == pytest.approx((ends[0] - ends[1]) / 2e-2, abs=2e-3)


def test_states_are_read_but_not_updated():
    """In training the batch's statistics count, and the running ones stay, as a gradient is no step of the net."""
    net = mx.sym.sum(mx.sym.BatchNorm(mx.sym.var('x'), name='bn', fix_gamma=False) * mx.sym.var('y'))
    gradient = net.grad(['x', 'bn_gamma'])
    assert gradient.list_auxiliary_states() == ['bn_moving_mean', 'bn_moving_var']
    draw = np.random.RandomState(1)
    values = {'x': draw.randn(4, 3), 'y': draw.randn(4, 3), 'bn_gamma': draw.rand(3), 'bn_beta': draw.rand(3)}
    bound, plain = gradient.simple_bind(mx.cpu(), grad_req='null', x=(4, 3)), net.simple_bind(mx.cpu(), x=(4, 3))
    for is_train in (True, False):
        for executor in (bound, plain):
            executor.copy_params_from({k: mx.nd.array(v) for k, v in values.items()},
                                      {'bn_moving_mean': mx.nd.ones(3), 'bn_moving_var': mx.nd.ones(3) * 2})
        outs = bound.forward(is_train=is_train)
        plain.forward(is_train=is_train)
        plain.backward(mx.nd.ones(1), is_train=is_train)
        for name, out in zip(('x', 'bn_gamma'), outs):
            np.testing.assert_allclose(out.asnumpy(), plain.grad_dict[name].asnumpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(bound.aux_dict['bn_moving_mean'].asnumpy(), [1, 1, 1])


def test_of_a_loss():
    """The head of SoftmaxOutput needs no gradient: softmax - one hot of the label."""
    net = mx.sym.SoftmaxOutput(mx.sym.var('x'), mx.sym.var('label'), name='s').grad(['x'])
    np.testing.assert_allclose(_values(net, x=[[0., 0.]], label=[1])[0], [[.5, -.5]])


def test_of_a_constant():
    np.testing.assert_array_equal(_values(mx.sym.BlockGrad(mx.sym.var('x') * 2).grad(['x']), x=[1, 2])[0], [0, 0])


def test_survives_a_file():
    net = mx.sym.load_json(mx.sym.sin(mx.sym.var('x')).grad(['x']).tojson())
    np.testing.assert_allclose(_values(net, x=[0., np.pi])[0], [1, -1], rtol=1e-6)


def test_other_variables_in_its_place():
    net = mx.sym.square(mx.sym.var('x')).grad(['x'])
    np.testing.assert_array_equal(_values(net(x=mx.sym.var('z') + 1), z=[1, 2])[0], [4, 6])  # 2 (z + 1)


def test_on_every_device(device):
    x = mx.nd.array([1., 2.], ctx=device)
    out, = mx.sym.square(mx.sym.var('x')).grad(['x']).eval(ctx=device, x=x)
    assert out.context is device
    np.testing.assert_array_equal(out.asnumpy(), [2, 4])


@pytest.mark.parametrize('wrt, error', [('x', TypeError), ([], TypeError), ([3], TypeError), (['y'], mx.MXNetError),
                                        (['bn_moving_mean'], mx.MXNetError)])
def test_wrong_names(wrt, error):
    with pytest.raises(error, match='wrt must be a list|has no argument (y|bn_moving_mean) .*x'):
        mx.sym.BatchNorm(mx.sym.var('x'), name='bn').grad(wrt)
