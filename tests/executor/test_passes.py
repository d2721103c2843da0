"""Passes, and what `optimize_for` does around them."""
import numpy as np
import pytest

import blockscope as mx
from blockscope.executor import passes


@pytest.fixture
def registered():
    """Let a test register passes that are gone afterwards."""
    before = dict(passes._passes)
    yield passes.register_pass
    passes._passes.clear()
    passes._passes.update(before)


def _arrays(net, **shapes):
    """Return random arguments and states of a graph."""
    draw = np.random.RandomState(5)
    names, states = net.list_arguments(), net.list_auxiliary_states()
    found, _, aux = net.infer_shape(**shapes)
    return ({name: mx.nd.array(draw.uniform(-1, 1, shape)) for name, shape in zip(names, found)},
            {name: mx.nd.array(draw.uniform(.5, 2, shape)) for name, shape in zip(states, aux)})


def _convolution(**attrs):
    return mx.sym.Convolution(mx.sym.var('x'), kernel=(3, 3), num_filter=4, name='c', **attrs)


LAYERS = {
    'convolution': (lambda: _convolution(), 1, (2, 3, 5, 5)),
    'without bias': (lambda: _convolution(no_bias=True), 1, (2, 3, 5, 5)),
    'in groups': (lambda: _convolution(num_group=2), 1, (2, 2, 5, 5)),
    'channels last': (lambda: _convolution(layout='NHWC'), 3, (2, 5, 5, 3)),
    'dense': (lambda: mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=4, name='c'), 1, (2, 3)),
    'dense on the last axis': (lambda: mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=4, flatten=False, name='c'), -1, (2, 5, 3)),
}


@pytest.mark.parametrize('fix_gamma', [True, False])
@pytest.mark.parametrize('layer', LAYERS)
def test_folded_normalisation_predicts_the_same(layer, fix_gamma):
    make, axis, shape = LAYERS[layer]
    net = mx.sym.relu(mx.sym.BatchNorm(make(), axis=axis, eps=1e-3, fix_gamma=fix_gamma, name='bn'))
    args, aux = _arrays(net, x=shape)
    expected = net.eval(**args, **aux)[0].asnumpy()
    given, old_weight = dict(args), args['c_weight'].asnumpy()
    folded = net.optimize_for('fold_batchnorm', given, aux)
    assert folded.list_arguments() == ['x', 'c_weight', 'c_bias']
    assert (sorted(given), aux, folded.list_auxiliary_states()) == (['c_bias', 'c_weight', 'x'], {}, [])
    assert folded.get_internals().list_outputs()[-2:] == ['bn_output', folded.list_outputs()[0]]
    np.testing.assert_allclose(folded.eval(**given)[0].asnumpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(args['c_weight'].asnumpy(), old_weight)  # the user's array is not written to
    assert net.list_auxiliary_states() == ['bn_moving_mean', 'bn_moving_var']


def test_many_normalisations():
    net = mx.sym.var('x')
    for i in range(3):
        net = mx.sym.Activation(mx.sym.BatchNorm(mx.sym.FullyConnected(net, num_hidden=4, name=f'c{i}'), name=f'bn{i}'), act_type='tanh')
    args, aux = _arrays(net, x=(2, 4))
    expected = net.eval(**args, **aux)[0].asnumpy()
    folded = net.optimize_for('fold_batchnorm', args, aux)
    assert 'bn' not in ''.join(folded.list_inputs()) and aux == {}
    np.testing.assert_allclose(folded.eval(**args)[0].asnumpy(), expected, rtol=1e-4)


def _read_twice():
    layer = mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=4, name='c')
    return mx.sym.BatchNorm(layer, name='bn') + layer


def _is_a_head():
    layer = mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=4, name='c')
    return mx.sym.Group([mx.sym.BatchNorm(layer, name='bn'), layer])


def _shared_weight():
    weight = mx.sym.var('w')
    net = mx.sym.BatchNorm(mx.sym.FullyConnected(mx.sym.var('x'), weight, num_hidden=3, name='c'), name='bn')
    return mx.sym.broadcast_add(net, mx.sym.sum(weight).reshape((1, 1)))


def _other_axis():
    return mx.sym.BatchNorm(mx.sym.Convolution(mx.sym.var('x'), kernel=(1, 1), num_filter=5, name='c'), axis=2, name='bn')


@pytest.mark.parametrize('make, shape', [(_read_twice, (2, 3)), (_is_a_head, (2, 3)), (_shared_weight, (2, 3)),
                                         (_other_axis, (2, 3, 5, 5))])
def test_what_cannot_be_folded_stays(make, shape):
    net = make()
    args, aux = _arrays(net, x=shape)
    expected = [x.asnumpy() for x in net.eval(**args, **aux)]
    given, states = dict(args), dict(aux)
    folded = net.optimize_for('fold_batchnorm', given, states)
    assert (folded.list_inputs(), given, states) == (net.list_inputs(), args, aux)
    for x, values in zip(folded.eval(**given, **states), expected):
        np.testing.assert_array_equal(x.asnumpy(), values)


def test_folding_needs_the_arrays():
    net = mx.sym.BatchNorm(mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=4, name='c'), name='bn')
    with pytest.raises(mx.MXNetError, match='needs the array of bn_moving_var to fold bn into c'):
        net.optimize_for('fold_batchnorm')


def test_identities_go():
    x = mx.sym.identity(mx.sym.var('x'))
    net = mx.sym.BlockGrad(mx.sym.Dropout(mx.sym.relu(x, name='r'), p=.9)) * 2
    always = mx.sym.Dropout(mx.sym.var('x'), mode='always')
    assert [node.op.name for node, _ in net.optimize_for('remove_identity').get_internals()._entries if node.op] == ['relu', '_mul_scalar']
    assert len(net.optimize_for('remove_identity', training=True).get_internals()) == 5
    assert len(always.optimize_for('remove_identity').get_internals()) == 2
    assert len(net.get_internals()) == 6


# ---- optimize_for ----------------------------------------------------------------------------------------------------------

def test_mxnets_backend_changes_nothing():
    y = mx.sym.relu(mx.sym.var('x'), name='r')
    assert y.optimize_for('MKLDNN').tojson() == y.tojson()


def test_training_what_a_pass_made_warns():
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(2, 3, in_channels=1), mx.gluon.nn.BatchNorm(in_channels=2))
    net.initialize()
    net.hybridize(backend='fold_batchnorm')
    net(mx.nd.ones((1, 1, 5, 5)))
    with pytest.warns(UserWarning, match="gradients go to these, not to the block's"), mx.autograd.record():
        net(mx.nd.ones((1, 1, 5, 5)))


@pytest.mark.parametrize('backend', ['TensorRT', 'default', 'nope'])
def test_unknown_pass(backend):
    with pytest.raises(ValueError, match=f"backend '{backend}' is not known: the passes are .*'fold_batchnorm', 'remove_identity'"):
        mx.sym.var('x').optimize_for(backend)
    with pytest.raises(ValueError, match='the passes are'):
        mx.sym.var('x').get_backend_symbol(backend)


def test_arrays_are_added_and_removed(registered):
    @registered('swap')
    def swap(symbol, args, aux, **options):
        assert options == {'by': 3}
        args['w'] = mx.nd.array([options['by']])
        return mx.sym.var('x') * mx.sym.var('w')
    args = {'x': mx.nd.ones(1), 'y': mx.nd.ones(1)}
    net = mx.sym.var('x') + mx.sym.var('y')
    new = net.optimize_for('swap', args, by=3)
    assert (new.list_arguments(), sorted(args)) == (['x', 'w'], ['w', 'x'])
    with pytest.raises(RuntimeError, match='Cannot add new args in optimize_for since args is None\nProvide a dictionary to the args'):
        net.optimize_for('swap', by=3)


def test_a_removed_array_is_told_of(registered):
    @registered('first')
    def first(symbol, args, aux):
        return symbol[0]
    net = mx.sym.Group([mx.sym.var('x'), mx.sym.var('y')])
    with pytest.warns(UserWarning, match='A param was deleted during optimization, but no args dictionary was provided'):
        assert net.optimize_for('first').list_arguments() == ['x']


def test_a_pass_must_return_a_symbol(registered):
    registered('nothing')(lambda symbol, args, aux: None)
    with pytest.raises(TypeError, match='the pass nothing must return a Symbol, but returned None'):
        mx.sym.var('x').optimize_for('nothing')
    with pytest.raises(TypeError, match='takes the name of the pass'):
        registered(len)


NET = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=3, name='fc')


# Classes and texts as MXNet 1.9.1 gives them; its AssertionErrors have none.
@pytest.mark.parametrize('kwargs, error, text', [
    ({'args': []}, AssertionError, 'args must be a dict'),
    ({'aux': []}, AssertionError, 'aux must be a dict'),
    ({'ctx': 'cpu'}, AssertionError, 'ctx must be a Context'),
    ({'shape_dict': {'data': 3}}, ValueError, '3 has to be a tuple or list.'),
    ({'type_dict': {'data': 'complex64'}}, ValueError, "<class 'numpy.complex64'> is not a MXNet type."),
    ({'stype_dict': {'data': 'foo'}}, ValueError, 'foo is not a MXNet storage type.'),
    ({'args': {'data': 3}}, TypeError, 'Only accept list of NDArrays or dict of str to NDArray'),
    ({'args': {'data': mx.nd.ones((2, 4)), 'fc_weight': mx.nd.ones((3, 5))}}, mx.MXNetError, r'Shape inconsistent, Provided = \[3,5\]'),
])
def test_wrong_arguments(kwargs, error, text):
    with pytest.raises(error, match=text):
        NET.optimize_for('remove_identity', **kwargs)


def test_inference_may_be_skipped():
    args = {'data': mx.nd.ones((2, 4)), 'fc_weight': mx.nd.ones((3, 5))}
    assert NET.optimize_for('remove_identity', args, skip_infer=True).list_arguments() == NET.list_arguments()


def test_hybrid_block_folds_its_normalisation():
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(4, 3, in_channels=2), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Activation('relu'))
    net.initialize()
    x = mx.nd.random.uniform(shape=(2, 2, 6, 6))
    with mx.autograd.record():
        net(x)  # moves the running statistics
    expected = net(x).asnumpy()
    net.optimize_for(x, backend='fold_batchnorm')
    np.testing.assert_allclose(net(x).asnumpy(), expected, rtol=1e-4, atol=1e-5)
    assert [call.op.name for call in net._cached_op.graph.calls] == ['Convolution', 'Activation']
