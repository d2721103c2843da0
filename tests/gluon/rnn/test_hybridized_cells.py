"""Recurrent cells and layers give the same numbers hybridized as eager, bit for bit: outputs, states, gradients."""
import inspect

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import HybridBlock, contrib, nn, rnn
from tests.gluon.contrib.mxnet_cases import CELLS as CONTRIBUTED
from tests.gluon.hybridized import assert_same

TIME, BATCH, INPUT = 4, 2, 3

pytestmark = pytest.mark.filterwarnings('ignore:.*not used by any computation')


def _stack():
    stack = rnn.HybridSequentialRNNCell()
    with stack.name_scope():
        stack.add(rnn.LSTMCell(INPUT))
        stack.add(rnn.ResidualCell(rnn.GRUCell(INPUT)))
        stack.add(rnn.DropoutCell(0.5))
        stack.add(rnn.ZoneoutCell(rnn.RNNCell(5, activation='softsign'), 0.5, 0.3))
    return stack


def _eager_stack():
    stack = rnn.SequentialRNNCell()
    for cell in (rnn.LSTMCell(INPUT), rnn.DropoutCell(0.5), rnn.GRUCell(2)):
        stack.add(cell)
    return stack


CELLS = {
    'RNNCell': lambda: rnn.RNNCell(5),
    'RNNCell relu': lambda: rnn.RNNCell(5, activation='relu'),
    'RNNCell block': lambda: rnn.RNNCell(5, activation=nn.LeakyReLU(0.3)),
    'LSTMCell': lambda: rnn.LSTMCell(5),
    'LSTMCell activations': lambda: rnn.LSTMCell(5, activation='softsign', recurrent_activation='softrelu'),
    'GRUCell': lambda: rnn.GRUCell(5),
    'DropoutCell': lambda: rnn.DropoutCell(0.5),
    'DropoutCell axes': lambda: rnn.DropoutCell(0.5, axes=(1,)),
    'ZoneoutCell': lambda: rnn.ZoneoutCell(rnn.LSTMCell(5), 0.4, 0.4),
    'ResidualCell': lambda: rnn.ResidualCell(rnn.GRUCell(INPUT)),
    'BidirectionalCell': lambda: rnn.BidirectionalCell(rnn.LSTMCell(5), rnn.GRUCell(4)),
    'BidirectionalCell of modifiers': lambda: rnn.BidirectionalCell(rnn.ResidualCell(rnn.RNNCell(INPUT)),
                                                                    rnn.ZoneoutCell(rnn.RNNCell(2), 0.5)),
    'HybridSequentialRNNCell': _stack,
    'SequentialRNNCell': _eager_stack,
}
CONTRIB = {name: (shape, lambda make=make: make(mx)) for name, (shape, make) in CONTRIBUTED.items()}
# Those of the recorded cases have a function of nd as activation.
CONTRIB['conv1d_lstm'] = (2, 6), lambda: contrib.rnn.Conv1DLSTMCell(
    (2, 6), 2, 3, 3, i2h_pad=2, i2h_dilate=2, activation=nn.LeakyReLU(0.3))
CONTRIB['conv3d_gru'] = (1, 3, 2, 2), lambda: contrib.rnn.Conv3DGRUCell((1, 3, 2, 2), 2, 2, 1, activation=nn.SELU())


class Unrolled(HybridBlock):
    """A cell, unrolled in the graph of the block."""

    def __init__(self, cell, layout='NTC', merge=True, unroll=None, **kwargs):
        super().__init__(**kwargs)
        self.layout, self.merge, self.unroll = layout, merge, unroll
        with self.name_scope():
            self.cell = cell

    def hybrid_forward(self, F, x, lengths=None, states=None):
        if self.unroll:
            return self.unroll(self.cell, x, states, layout=self.layout, valid_length=lengths)
        return self.cell.unroll(TIME, x, states, self.layout, self.merge, lengths)


def sequence(*shape):
    return np.random.RandomState(3).uniform(-1, 1, shape).astype('float32')


def test_every_cell_and_layer_is_listed():
    abstract = {'RecurrentCell', 'HybridRecurrentCell', 'ModifierCell'}
    layers = {'RNN', 'LSTM', 'GRU'}
    assert {name.split()[0] for name in CELLS} | abstract | layers == set(rnn.__all__)
    assert {name.split()[0] for name in LAYERS} == layers
    kinds = {type(make()).__name__ for _, make in CONTRIB.values()}
    assert kinds == {name for name in contrib.rnn.__all__ if inspect.isclass(getattr(contrib.rnn, name))}


@pytest.mark.parametrize('layout', ['NTC', 'TNC'])
@pytest.mark.parametrize('lengths', [None, (3, 1)])
@pytest.mark.parametrize('merge', [True, False])
@pytest.mark.parametrize('name', [name for name in CELLS if name != 'SequentialRNNCell'])
def test_cell_unrolled_in_a_graph(name, layout, lengths, merge):
    shape = (BATCH, TIME, INPUT) if layout == 'NTC' else (TIME, BATCH, INPUT)
    arrays = [sequence(*shape)] + ([] if lengths is None else [np.array(lengths, 'float32')])
    assert_same(lambda: Unrolled(CELLS[name](), layout, merge), arrays)


@pytest.mark.parametrize('name', ['LSTMCell', 'BidirectionalCell', 'HybridSequentialRNNCell'])
def test_first_states_are_given(name):
    infos = CELLS[name]().state_info(BATCH)
    arrays = [sequence(BATCH, TIME, INPUT), *[sequence(*info['shape']) for info in infos]]
    assert_same(lambda: Unrolled(CELLS[name]()), arrays, nest=lambda inputs: [inputs[0], None, inputs[1:]])


@pytest.mark.parametrize('name', [name for name in CELLS if 'Zoneout' not in name and 'modifiers' not in name and 'Hybrid' not in name])
def test_cell_hybridized_by_itself(name):
    """Each step is a call of a graph, which adds up its own gradients of a state before those from elsewhere.

    (A ZoneoutCell remembers its output of the step before, which a graph can't.)
    """
    assert_same(CELLS[name], [sequence(BATCH, TIME, INPUT)], tolerance=1e-6,
                call=lambda cell, args: cell.unroll(TIME, args[0], merge_outputs=True))


@pytest.mark.parametrize('name', CONTRIB)
def test_contributed_cell(name):
    shape, make = CONTRIB[name]
    assert_same(lambda: Unrolled(make()), [sequence(BATCH, TIME, *shape)])


@pytest.mark.parametrize('name', ['LSTMCell', 'GRUCell', 'ZoneoutCell'])
@pytest.mark.parametrize('lengths', [None, (3, 1)])
def test_dynamic_unroll(name, lengths):
    """The graph has one node for the loop, which adds up gradients in another order."""
    cell = {'LSTMCell': rnn.LSTMCell, 'GRUCell': rnn.GRUCell}.get(name, rnn.RNNCell)
    first = [sequence(BATCH, 5)] * (2 if name == 'LSTMCell' else 1)
    arrays = [sequence(TIME, BATCH, INPUT), np.array(lengths or (), 'float32'), *first]
    assert_same(lambda: Unrolled(cell(5, input_size=INPUT), 'TNC', unroll=contrib.rnn.rnn_cell.dynamic_unroll), arrays, tolerance=1e-5,
                nest=lambda inputs: [inputs[0], inputs[1] if lengths else None, inputs[2:]])


# Options of layers, and whether a call gets states and lengths.
LAYERS = {
    'RNN': (lambda: rnn.RNN(5), False, False),
    'RNN tanh': (lambda: rnn.RNN(5, 2, 'tanh', 'NTC'), True, False),
    'LSTM': (lambda: rnn.LSTM(5, 2), False, False),
    'LSTM states': (lambda: rnn.LSTM(5, 2), True, False),
    'LSTM bidirectional': (lambda: rnn.LSTM(5, 2, 'NTC', dropout=0.4, bidirectional=True), True, False),
    'LSTM lengths': (lambda: rnn.LSTM(5, 2, bidirectional=True, use_sequence_length=True), True, True),
    'LSTM projection': (lambda: rnn.LSTM(5, 2, projection_size=2), True, False),
    'LSTM clipped': (lambda: rnn.LSTM(5, state_clip_min=-0.2, state_clip_max=0.2), True, False),
    'LSTM sized': (lambda: rnn.LSTM(5, input_size=INPUT), False, False),
    'GRU': (lambda: rnn.GRU(5, 2, 'NTC', bidirectional=True), True, False),
    'GRU lengths': (lambda: rnn.GRU(5, 2, use_sequence_length=True), False, True),
    'GRU dropout': (lambda: rnn.GRU(5, 3, dropout=0.5), False, False),
}


@pytest.mark.parametrize('inside', [False, True])
@pytest.mark.parametrize('name', LAYERS)
def test_layer(name, inside):
    """By itself, and as part of the graph of another network."""
    make, with_states, with_lengths = LAYERS[name]
    layer = make()
    arrays = [sequence(*((BATCH, TIME, INPUT) if layer._layout == 'NTC' else (TIME, BATCH, INPUT)))]
    if with_states:
        arrays += [sequence(*info['shape']) for info in layer.state_info(BATCH)]
    if with_lengths:
        arrays.append(np.array([3, 1], 'float32'))

    def nest(inputs):
        states = inputs[1:-1] if with_lengths else inputs[1:]
        args = [inputs[0], states] if with_states else [inputs[0]]
        if with_lengths:
            return [*(args if with_states else [inputs[0], None]), inputs[-1]]
        return args
    assert_same((lambda: Around(make())) if inside else make, arrays, nest=nest)


class Around(HybridBlock):
    """A layer between two others."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.before = nn.Dense(INPUT, flatten=False)
            self.layer = layer
            self.after = nn.Dense(2, flatten=False)

    def hybrid_forward(self, F, x, states=None, lengths=None):
        if states is None and lengths is None:
            return self.after(self.layer(self.before(x)))
        args = [self.before(x), states] if lengths is None else [self.before(x), states, lengths]
        found = self.layer(*args)
        return [self.after(found[0]), found[1]] if isinstance(found, (list, tuple)) else self.after(found)


@pytest.mark.parametrize('make', [lambda: rnn.LSTM(5, 2, bidirectional=True), lambda: rnn.GRU(5, 2), lambda: rnn.RNN(5)])
def test_cells_of_a_layer(make):
    layer = make()
    layer.initialize(mx.init.Uniform(0.7))
    x = mx.nd.array(sequence(TIME, BATCH, INPUT))
    want, states = layer(x, layer.begin_state(BATCH))
    cells = layer._unfuse()
    block = Unrolled(cells, 'TNC')
    block.hybridize()
    got, last = block(x)
    np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-5, atol=1e-6)
    assert len(last) == len(states) * layer._num_layers * layer._dir
