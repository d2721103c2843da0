"""Groups of nodes on contexts of different memory: results and gradients are those of one context, and every node runs where it must."""
import numpy as np
import pytest

import blockscope as mx
from blockscope.executor.placement import cut, place, whole
from blockscope.symbol.infer import infer_shapes


def _two_layers():
    with mx.AttrScope(ctx_group='front'):
        net = mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=4, name='a')
        net = mx.sym.Activation(net, act_type='tanh', name='t')
    with mx.AttrScope(ctx_group='back'):
        net = mx.sym.BatchNorm(net, name='bn', fix_gamma=False)
        net = mx.sym.FullyConnected(net, num_hidden=3, name='b')
    return mx.sym.SoftmaxOutput(net, name='softmax')


def _filled(executor):
    draw = np.random.RandomState(3)
    for name, array in sorted({**executor.arg_dict, **executor.aux_dict}.items()):
        values = np.arange(array.size) % 3 if name == 'softmax_label' else draw.uniform(0.5, 1.5, array.shape)
        array[:] = mx.nd.array(values.reshape(array.shape))
    return executor


def _trained(executor):
    outs = executor.forward(is_train=True)
    executor.backward()
    return {**{f'out {i}': x.asnumpy() for i, x in enumerate(outs)}, **{k: x.asnumpy() for k, x in executor.grad_dict.items()},
            **{k: x.asnumpy() for k, x in executor.aux_dict.items()}}


@pytest.fixture
def contexts(fake):
    """Two devices of their own memory, and the host."""
    return {'front': fake(0), 'back': fake(1)}


def test_groups_give_the_results_of_one_context(contexts):
    alone = _trained(_filled(_two_layers().simple_bind(mx.cpu(), x=(6, 5))))
    executor = _filled(_two_layers().simple_bind(mx.cpu(), group2ctx=contexts, x=(6, 5)))
    for _ in range(2):  # the second time by the prepared steps; the moving averages have moved then
        found = _trained(executor)
    assert {name: x.context for name, x in executor.grad_dict.items()} == {
        'x': contexts['front'], 'a_weight': contexts['front'], 'a_bias': contexts['front'], 'bn_gamma': contexts['back'],
        'bn_beta': contexts['back'], 'b_weight': contexts['back'], 'b_bias': contexts['back'], 'softmax_label': mx.cpu()}
    assert executor.outputs[0].context is contexts['back']
    for name, values in alone.items():
        if not name.startswith('bn_moving'):
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    # Twice momentum 0.9: 0.81 of the start and 0.19 of the batch; once: 0.9 and 0.1.
    start = 10 * (alone['bn_moving_mean'] - 0.1 * _batch_mean(alone)) / 9
    np.testing.assert_allclose(found['bn_moving_mean'], 0.81 * start + 0.19 * _batch_mean(alone), rtol=1e-5)


def _batch_mean(_):
    executor = _filled(_two_layers().get_internals()['t_output'].simple_bind(mx.cpu(), x=(6, 5)))
    full = _filled(_two_layers().simple_bind(mx.cpu(), x=(6, 5)))
    executor.copy_params_from(full.arg_dict, allow_extra_params=True)
    return executor.forward()[0].asnumpy().mean(axis=0)


def test_arrays_may_live_elsewhere(contexts, fake):
    """Arguments, gradients and states on the host, nodes on devices: values go there, and gradients and new states come back."""
    alone = _filled(_two_layers().simple_bind(mx.cpu(), x=(6, 5)))
    args = {name: x.copy() for name, x in alone.arg_dict.items()}
    grads = {name: mx.nd.zeros(x.shape, ctx=fake(2)) for name, x in alone.arg_dict.items()}
    aux = {name: x.copy() for name, x in alone.aux_dict.items()}
    bound = _two_layers().bind(mx.cpu(), args, grads, aux_states=aux, group2ctx=contexts)
    assert bound.forward()[0].context is contexts['back']
    expected, found = _trained(alone), _trained(bound)
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_value_read_on_two_devices(contexts):
    """y = exp(x) on one device, read twice on the other and once on its own: dy adds up over both."""
    with mx.AttrScope(ctx_group='front'):
        y = mx.sym.exp(mx.sym.var('x'), name='y')
        near = y * 3
    with mx.AttrScope(ctx_group='back'):
        far = y * 5 + y
    executor = mx.sym.Group([near, far]).simple_bind(mx.cpu(), group2ctx=contexts, x=(2,))
    outs = executor.forward(is_train=True)
    executor.backward([mx.nd.ones(2), mx.nd.ones(2) * 100])
    assert [x.context for x in outs] == [contexts['front'], contexts['back']]
    np.testing.assert_array_equal(executor.grad_dict['x'].asnumpy(), [3 + 600] * 2)  # exp(0) = 1


def test_arrays_of_two_devices_do_not_mix_without_groups(contexts, fake):
    with pytest.raises(mx.MXNetError, match=r'Input array is in fake\(1\) while binding with ctx=cpu\(0\)'):
        (mx.sym.var('x') + 1).bind(mx.cpu(), [mx.nd.zeros(2, ctx=fake(1))])


def test_zeros_of_a_length_that_another_part_tells(contexts):
    with mx.AttrScope(ctx_group='front'):
        start = mx.sym.zeros((0, 3))
    with mx.AttrScope(ctx_group='back'):
        net = start + mx.sym.var('x')
    executor = net.simple_bind(mx.cpu(), group2ctx=contexts, x=(2, 3))
    executor.arg_dict['x'][:] = 4
    np.testing.assert_array_equal(executor.forward()[0].asnumpy(), np.full((2, 3), 4))


def test_a_group_needs_a_context():
    with pytest.raises(TypeError, match=r"gives 'front' \[cpu\(0\)\]"):
        _two_layers().simple_bind(mx.cpu(), group2ctx={'front': [mx.cpu()]}, x=(6, 5))


def test_parts():
    """Nodes in the order in which they were written; neighbours of one context are one part."""
    net = _two_layers()
    variables = {node: mx.cpu() for node, _ in net.get_internals()._entries if node.op is None}
    shapes = infer_shapes(net._entries, {'x': (6, 5)})
    contexts = place(net._entries, {'front': mx.cpu(1), 'back': mx.cpu(2)}, variables, mx.cpu())
    parts, outputs = cut(net._entries, contexts, shapes)
    assert [(part.ctx, [call.node.name for call in part.graph.calls]) for part in parts] == [
        (mx.cpu(1), ['a', 't']), (mx.cpu(2), ['bn', 'b', 'softmax'])]
    assert [node.name for node in parts[1].graph.variables][0] == 't_0_copy'
    count = len(variables)
    assert (parts[0].gives, parts[1].gives, outputs) == ((count,), (count + 1,), [count + 1])
    parts, outputs = whole(net._entries, mx.cpu())
    assert [len(part.graph.calls) for part in parts] == [5] and outputs == [count]


def test_a_part_out_of_the_gradients_way_records_nothing(contexts):
    with mx.AttrScope(ctx_group='front'):
        data = mx.sym.exp(mx.sym.var('x'))
    with mx.AttrScope(ctx_group='back'):
        net = mx.sym.make_loss(data * mx.sym.var('w'))
    executor = net.simple_bind(mx.cpu(), grad_req={'w': 'write'}, group2ctx=contexts, x=(2,), w=(2,))
    executor.forward(is_train=True)
    executor.backward()
    np.testing.assert_array_equal(executor.grad_dict['w'].asnumpy(), [1, 1])
    front, back = executor._program._plans[True]
    assert front.wanted is None and back.wanted == (False, True)
