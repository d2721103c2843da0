"""Contributed cells: names, texts, states, masks, unrolling, messages, devices, gradients.

Names, texts and messages are those MXNet 1.9.1 gives, unless a test says otherwise. Numbers: see `test_recorded`.
"""
import inspect

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import nn, rnn
from blockscope.gluon.contrib import rnn as contrib
from blockscope.gluon.contrib.rnn import LSTMPCell, VariationalDropoutCell
from blockscope.gluon.contrib.rnn.rnn_cell import dynamic_unroll

AXES = {1: 'NCW', 2: 'NCHW', 3: 'NCDHW'}
SIZES = {1: (3, 6), 2: (3, 5, 4), 3: (2, 4, 3, 3)}
HINTS = {'RNN': 'conv_rnn', 'LSTM': 'conv_lstm', 'GRU': 'conv_gru'}
GATES = {'RNN': 1, 'LSTM': 4, 'GRU': 3}
CONV = [(kind, dims, getattr(contrib, f'Conv{dims}D{kind}Cell')) for kind in HINTS for dims in AXES]


def array(*shape, seed=0, ctx=None):
    return mx.nd.array(np.random.RandomState(seed).uniform(-1, 1, shape), ctx=ctx)


def ready(cell, ctx=None):
    cell.initialize(mx.init.Uniform(1), ctx=ctx)
    return cell


@pytest.mark.parametrize(('kind', 'dims', 'cell'), CONV)
def test_convolutional_cells(kind, dims, cell, fresh_names):
    made = cell(SIZES[dims], 2, 3, 3)
    rows, hint = 2 * GATES[kind], HINTS[kind]
    assert made.prefix == f'{hint}0_'
    assert repr(made) == f'{cell.__name__}({SIZES[dims][0]} -> {rows}, tanh, {AXES[dims]})'
    kernel = (3,) * dims
    assert {name: param.shape for name, param in made.collect_params().items()} == {
        f'{hint}0_i2h_weight': (rows, SIZES[dims][0], *kernel), f'{hint}0_h2h_weight': (rows, 2, *kernel),
        f'{hint}0_i2h_bias': (rows,), f'{hint}0_h2h_bias': (rows,)}
    state = {'shape': (7, 2, *(size - 2 for size in SIZES[dims][1:])), '__layout__': AXES[dims]}
    assert made.state_info(7) == [state] * (2 if kind == 'LSTM' else 1)
    assert cell.__module__ == 'blockscope.gluon.contrib.rnn.conv_rnn_cell'


@pytest.mark.parametrize(('kind', 'dims', 'cell'), CONV)
def test_defaults(kind, dims, cell):
    defaults = {name: p.default for name, p in inspect.signature(cell).parameters.items() if p.default is not p.empty}
    assert defaults == {'i2h_pad': (0,) * dims, 'i2h_dilate': (1,) * dims, 'h2h_dilate': (1,) * dims,
                        'i2h_weight_initializer': None, 'h2h_weight_initializer': None, 'i2h_bias_initializer': 'zeros',
                        'h2h_bias_initializer': 'zeros', 'conv_layout': AXES[dims], 'activation': 'tanh', 'prefix': None,
                        'params': None}


def test_channels_last():
    """The numbers of channels-first with all axes moved; MXNet has channels-last convolution on the GPU only."""
    first = ready(contrib.Conv2DLSTMCell((3, 5, 4), 2, 3, 3, i2h_pad=1, prefix='f_'))
    last = contrib.Conv2DLSTMCell((5, 4, 3), 2, 3, 3, i2h_pad=1, conv_layout='NHWC', prefix='l_')
    assert repr(last) == 'Conv2DLSTMCell(3 -> 8, tanh, NHWC)'
    assert last.i2h_weight.shape == (8, 3, 3, 3) and last.state_info(2)[0]['shape'] == (2, 5, 4, 2)
    last.initialize()
    for ours, theirs in zip(last.collect_params().values(), first.collect_params().values()):
        value = theirs.data()
        ours.set_data(value.transpose((0, 2, 3, 1)) if value.ndim == 4 else value)
    x = array(2, 3, 3, 5, 4)
    outputs, _ = first.unroll(3, x, merge_outputs=True)
    moved, _ = last.unroll(3, x.transpose((0, 1, 3, 4, 2)), merge_outputs=True)
    np.testing.assert_allclose(moved.asnumpy().transpose(0, 1, 4, 2, 3), outputs.asnumpy(), rtol=1e-5, atol=1e-6)


def test_settings():
    cell = contrib.Conv1DGRUCell((0, 6), 2, [3], [3], i2h_pad=[1])  # a TypeError in MXNet
    assert repr(cell) == 'Conv1DGRUCell(None -> 6, tanh, NCW)' and cell.i2h_weight.shape == (6, 0, 3)
    ready(cell)(array(2, 4, 6), cell.begin_state(2))
    assert repr(cell) == 'Conv1DGRUCell(4 -> 6, tanh, NCW)'
    assert repr(contrib.Conv2DRNNCell((3, 4, 4), 2, 3, 3, activation=nn.LeakyReLU(0.2))) == (
        'Conv2DRNNCell(3 -> 2, LeakyReLU(0.2), NCHW)')


def test_wrong_settings():
    with pytest.raises(AssertionError, match=r'^Only support odd number, get h2h_kernel= 2$'):
        contrib.Conv2DRNNCell((3, 4, 4), 2, 3, 2)
    with pytest.raises(AssertionError, match='^For 2D convolution, the convolution settings can only be either int or list/tuple of '
                                             'length 2$'):
        contrib.Conv2DRNNCell((3, 4, 4), 2, (3,), 3)
    with pytest.raises(ValueError, match=r'input_shape of a 2D cell has 3 numbers, in the order CHW, but is \(3, 4\)'):
        contrib.Conv2DRNNCell((3, 4), 2, 3, 3)  # MXNet makes a cell that can't be called
    small = contrib.Conv1DGRUCell((3, 2), 2, 4, 3, prefix='small_')  # which has a name in MXNet too, and a state of -1 values
    with pytest.raises(ValueError, match=r'Conv1DGRUCell small has no state: i2h_kernel \(4,\).*larger than input_shape \(3, 2\)'):
        small.begin_state(1)


def test_a_block_as_activation_can_be_unrolled():
    """MXNet tries to reset the activation: AttributeError."""
    outputs, _ = ready(contrib.Conv1DLSTMCell((2, 4), 3, 1, 1, activation=nn.LeakyReLU(0.2))).unroll(2, array(1, 2, 2, 4))
    assert [output.shape for output in outputs] == [(1, 3, 4)] * 2


def test_projected_cell(fresh_names):
    cell = LSTMPCell(2, 3)
    assert (cell.prefix, repr(cell), repr(LSTMPCell(2, 3, input_size=5))) == (
        'lstmp0_', 'LSTMPCell(None -> 8 -> 3)', 'LSTMPCell(5 -> 8 -> 3)')
    assert {name: param.shape for name, param in cell.collect_params().items()} == {
        'lstmp0_i2h_weight': (8, 0), 'lstmp0_h2h_weight': (8, 3), 'lstmp0_h2r_weight': (3, 2), 'lstmp0_i2h_bias': (8,),
        'lstmp0_h2h_bias': (8,)}
    assert [info['shape'] for info in cell.state_info(4)] == [(4, 3), (4, 2)]


def test_projected_cell_is_the_projected_layer():
    layer = rnn.LSTM(4, input_size=3, projection_size=2, layout='NTC')
    cell = LSTMPCell(4, 2, input_size=3, prefix='c_')
    ready(layer), ready(cell)
    for name, param in cell._collect_params_with_prefix().items():
        param.set_data(getattr(layer, f'l0_{name}').data())
    x = array(2, 5, 3)
    want, last = layer(x, layer.begin_state(2))
    outputs, states = cell.unroll(5, x, merge_outputs=True)
    np.testing.assert_allclose(outputs.asnumpy(), want.asnumpy(), rtol=1e-5, atol=1e-6)
    for state, other in zip(states, last, strict=True):
        np.testing.assert_allclose(state.asnumpy(), other[0].asnumpy(), rtol=1e-5, atol=1e-6)


def test_names_of_variational_dropout():
    cell = VariationalDropoutCell(LSTMPCell(2, 3, prefix='p_'), 0.1, 0.2, 0.3)
    assert (cell.prefix, repr(cell)) == ('p_vardrop', 'VariationalDropoutCell(p_out = 0.3, p_state = 0.2)')
    assert list(cell.collect_params())[0] == 'p_i2h_weight'


def test_no_variational_states_of_bidirectional_cells():
    pair = rnn.BidirectionalCell(rnn.LSTMCell(2), rnn.LSTMCell(2))
    with pytest.raises(AssertionError, match="^BidirectionalCell doesn't support variational state dropout. Please add "
                                             'VariationalDropoutCell to the cells underneath instead.$'):
        VariationalDropoutCell(pair, drop_states=0.2)
    assert VariationalDropoutCell(pair, 0.2, 0, 0.2).base_cell is pair


@pytest.mark.parametrize('kind', [rnn.SequentialRNNCell, rnn.HybridSequentialRNNCell])
def test_no_variational_states_of_bidirectional_stacks(kind):
    """MXNet has this message, but looks for an attribute that stacks don't have (AttributeError), or not at all."""
    inner, stack = kind(), kind()
    inner.add(rnn.GRUCell(2))
    stack.add(inner)
    if kind is rnn.HybridSequentialRNNCell:  # the other one is no HybridBlock, and can't be modified at all
        assert VariationalDropoutCell(stack, drop_states=0.2).base_cell is stack
    inner.add(rnn.BidirectionalCell(rnn.GRUCell(2), rnn.GRUCell(2)))
    with pytest.raises(AssertionError, match="^Bidirectional SequentialRNNCell doesn't support variational state dropout. Please add "
                                             'VariationalDropoutCell to the cells underneath instead.$'):
        VariationalDropoutCell(stack, drop_states=0.2)


class Echo(rnn.HybridRecurrentCell):
    """Returns its input, and counts up its state."""

    def state_info(self, batch_size=0):
        return [{'shape': (batch_size, 50)}]

    def hybrid_forward(self, F, inputs, states):
        return inputs + 0 * states[0], [states[0] + 1]


@pytest.mark.parametrize('states', [0, 1e-9])  # one mask for the whole sequence, or step by step
@pytest.mark.parametrize('layout', ['NTC', 'TNC'])
def test_masks_are_the_same_at_every_step(states, layout):
    cell = VariationalDropoutCell(Echo(), 0.5, states, 0.25)
    axis = layout.find('T')
    with mx.autograd.train_mode():
        first, second = (cell.unroll(4, mx.nd.ones((4, 4, 50)), layout=layout, merge_outputs=True)[0].asnumpy() for _ in range(2))
    for outputs in (first, second):
        np.testing.assert_array_equal(outputs, np.repeat(outputs.take([0], axis), 4, axis))
        np.testing.assert_allclose(np.unique(outputs), [0, 1 / (0.5 * 0.75)], rtol=1e-6)
        assert not (outputs == outputs.take([0], 1 - axis)).all()  # sequences have masks of their own
    assert not (first == second).all()


def test_masks_of_states():
    cell = VariationalDropoutCell(Echo(), drop_states=0.5)
    with mx.autograd.train_mode():
        _, states = cell.unroll(3, mx.nd.ones((2, 3, 50)))
        _, stepped = cell(mx.nd.ones((2, 50)), states)
    found = states[0].asnumpy()
    assert set(np.unique(found)) == {1., 7.}  # kept: ((0 * 2 + 1) * 2 + 1) * 2 + 1, dropped: 1 each time; by hand
    np.testing.assert_array_equal(stepped[0].asnumpy(), np.where(found == 1, 1, 15))  # the same mask until reset
    cell.reset()
    assert cell.drop_states_mask is None


def test_unrolled_outputs_come_as_asked():
    cell = ready(VariationalDropoutCell(rnn.GRUCell(2, input_size=3), 0.5))
    assert cell.unroll(4, array(2, 4, 3))[0].shape == (2, 4, 2)
    assert [y.shape for y in cell.unroll(4, list(array(4, 2, 3)), merge_outputs=False)[0]] == [(2, 2)] * 4


def test_zeros_past_the_end_stay_zeros():
    cell = ready(VariationalDropoutCell(rnn.GRUCell(2, input_size=3), 0.5, 0, 0.5))
    with mx.autograd.train_mode():
        outputs, _ = cell.unroll(4, array(2, 4, 3), merge_outputs=True, valid_length=mx.nd.array([4, 1]))
    assert not outputs[1, 1:].asnumpy().any() and outputs[0].asnumpy().any()


@pytest.mark.parametrize('layout', ['NTC', 'TNC'])
@pytest.mark.parametrize('lengths', [None, [3, 1]])
def test_dynamic_unroll_is_unroll(layout, lengths):
    cell = ready(rnn.LSTMCell(4, input_size=5))
    x = array(*((2, 3, 5) if layout == 'NTC' else (3, 2, 5)))
    lengths = None if lengths is None else mx.nd.array(lengths)
    want, last = cell.unroll(3, x, cell.begin_state(2), layout, merge_outputs=True, valid_length=lengths)
    outputs, states = dynamic_unroll(cell, x, cell.begin_state(2), layout=layout, valid_length=lengths)
    for got, other in zip([outputs, *states], [want, *last], strict=True):
        np.testing.assert_allclose(got.asnumpy(), other.asnumpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('layout', ['NTC', 'TNC'])
@pytest.mark.parametrize('rates', [(0.5, 0), (0, 0.5)])
def test_dynamic_unroll_drops_the_same_at_every_step(layout, rates):
    """MXNet does so for TNC, and for NTC shares the mask among sequences instead."""
    axis = layout.find('T')
    with mx.autograd.train_mode():
        outputs, _ = dynamic_unroll(Echo(), mx.nd.ones((4, 4, 50)), [mx.nd.zeros((4, 50))], *rates, layout=layout)
    outputs = outputs.asnumpy()
    assert set(np.unique(outputs)) == {0., 2.}
    np.testing.assert_array_equal(outputs, np.repeat(outputs.take([0], axis), 4, axis))
    assert not (outputs == outputs.take([0], 1 - axis)).all()


CELLS = {
    'conv1d_rnn': lambda: (contrib.Conv1DRNNCell((2, 5), 2, 3, 3, i2h_pad=1), (2, 5)),
    'conv2d_lstm': lambda: (contrib.Conv2DLSTMCell((2, 4, 3), 2, (3, 1), (1, 3), h2h_dilate=2), (2, 4, 3)),
    'conv3d_gru': lambda: (contrib.Conv3DGRUCell((1, 3, 2, 2), 2, 2, 1), (1, 3, 2, 2)),
    'lstmp': lambda: (LSTMPCell(3, 2, input_size=4), (4,)),
}


def gradients(cell, x, ctx):
    """Return a function of parameters' values, and its gradients by parameter."""
    def loss():
        outputs, states = cell.unroll(2, x, merge_outputs=True)
        return sum((y * y).sum() + y.sum() for y in (outputs, *states))
    with mx.autograd.record():
        total = loss()
    total.backward()
    return loss, [param.grad(ctx).asnumpy() for param in cell.collect_params().values()]


@pytest.mark.parametrize('name', CELLS)
def test_numeric_gradients(name):
    """Central differences in float64, of every parameter in one random direction."""
    cell, shape = CELLS[name]()
    ready(cell)
    cell.cast('float64')
    x = mx.nd.array(array(2, 2, *shape).asnumpy(), dtype='float64')
    loss, found = gradients(cell, x, mx.cpu())
    for param, gradient in zip(cell.collect_params().values(), found, strict=True):
        value, direction = param.data().asnumpy().copy(), np.random.uniform(-1, 1, param.shape)
        around = []
        for sign in (1, -1):
            param.set_data(mx.nd.array(value + sign * 1e-6 * direction, dtype='float64'))
            around.append(loss().asscalar())
        param.set_data(mx.nd.array(value, dtype='float64'))
        np.testing.assert_allclose((gradient * direction).sum(), (around[0] - around[1]) / 2e-6, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize('name', CELLS)
def test_devices_agree(device, name):
    found = []
    for ctx in (device, mx.cpu()):
        cell, shape = CELLS[name]()
        ready(cell, ctx)
        for i, param in enumerate(cell.collect_params().values()):
            param.set_data(array(*param.shape, seed=i))
        found.append(gradients(cell, array(2, 2, *shape, ctx=ctx), ctx)[1])
    for got, want in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_modified_and_dynamic_cells_on_devices(device):
    cell = ready(VariationalDropoutCell(rnn.GRUCell(4, input_size=3), 0.5, 0.5, 0.5), device)
    x = array(3, 2, 3, ctx=device)
    states = [mx.nd.zeros((2, 4), ctx=device)]
    with mx.autograd.record():
        outputs, last = cell.unroll(3, x, layout='TNC', begin_state=states, merge_outputs=True)
        more, _ = dynamic_unroll(cell.base_cell, x, last, 0.5, 0.5, valid_length=mx.nd.array([1, 3], ctx=device))
        total = outputs.sum() + more.sum()
    total.backward()
    assert outputs.context == more.context == device
    assert not more[1:, 0].asnumpy().any()
