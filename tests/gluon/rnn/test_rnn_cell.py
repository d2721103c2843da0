"""Cells and their modifiers: names, states, unrolling, errors.

Names and texts are those MXNet 1.9.1 gives, unless a test says otherwise.
"""
import gc
import weakref

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import nn, rnn


def array(*shape, seed=0):
    return mx.nd.array(np.random.RandomState(seed).uniform(-1, 1, shape))


def ready(cell):
    cell.initialize()
    return cell


CELLS = [rnn.RNNCell, rnn.LSTMCell, rnn.GRUCell]


@pytest.mark.parametrize(('kind', 'rows', 'hint'), list(zip(CELLS, (4, 16, 12), ('rnn', 'lstm', 'gru'))))
def test_parameters(kind, rows, hint):
    with mx.name.NameManager():
        cell = kind(4, input_size=3)
    assert cell.prefix == f'{hint}0_'
    assert {name: param.shape for name, param in cell.collect_params().items()} == {
        f'{hint}0_i2h_weight': (rows, 3), f'{hint}0_h2h_weight': (rows, 4), f'{hint}0_i2h_bias': (rows,),
        f'{hint}0_h2h_bias': (rows,)}


def test_representations():
    assert repr(rnn.RNNCell(4, activation='relu')) == 'RNNCell(None -> 4, relu)'
    assert repr(rnn.LSTMCell(4, input_size=3)) == 'LSTMCell(3 -> 16)'
    assert repr(rnn.ZoneoutCell(rnn.GRUCell(4), 0.1, 0.2)) == 'ZoneoutCell(p_out=0.1, p_state=0.2, GRUCell(None -> 12))'
    assert repr(rnn.ResidualCell(rnn.GRUCell(4))) == 'ResidualCell(GRUCell(None -> 12))'
    assert repr(rnn.DropoutCell(0.5, axes=(0,))) == 'DropoutCell(rate=0.5, axes=(0,))'
    stack = rnn.SequentialRNNCell()
    stack.add(rnn.BidirectionalCell(rnn.RNNCell(2), rnn.RNNCell(2)))
    assert repr(stack) == ('SequentialRNNCell(\n(0): BidirectionalCell(forward=RNNCell(None -> 2, tanh), '
                           'backward=RNNCell(None -> 2, tanh))\n)')


def test_names_of_states_count_on_until_reset():
    cell = rnn.LSTMCell(2, prefix='c_')

    def names():
        return cell.begin_state(func=lambda name, **_: name)
    assert names() == ['c_begin_state_0', 'c_begin_state_1']
    assert names() == ['c_begin_state_2', 'c_begin_state_3']
    cell.reset()
    assert names() == ['c_begin_state_0', 'c_begin_state_1']


def test_names_of_modifiers():
    net = rnn.HybridSequentialRNNCell(prefix='s_')
    with net.name_scope():
        zoneout = rnn.ZoneoutCell(rnn.RNNCell(2), 0.5, 0.5)
        residual = rnn.ResidualCell(rnn.GRUCell(2))
    assert (zoneout.prefix, zoneout.base_cell.prefix) == ('s_s_rnn0_zoneout', 's_rnn0_')
    assert residual.prefix == 's_s_gru0_residualcell'
    assert zoneout.params is zoneout.base_cell.params
    assert list(residual._collect_params_with_prefix())[0] == 'base_cell.i2h_weight'


def test_a_cell_is_modified_once_and_not_asked_directly():
    cell = rnn.RNNCell(2, prefix='r_')
    outer = rnn.ZoneoutCell(cell, 0.5, 0.5)
    with pytest.raises(AssertionError, match='Cell r is already modified. One cell cannot be modified twice'):
        rnn.ResidualCell(cell)
    with pytest.raises(AssertionError, match=r'\(e.g. ZoneoutCell\) the base cell cannot be called directly'):
        cell.begin_state(2)
    assert outer.begin_state(batch_size=2)[0].shape == (2, 2)  # Symbols in MXNet, whose default there is symbol.zeros
    with pytest.raises(TypeError):
        outer.begin_state(batch_size=2, func=None)
    with pytest.raises(AssertionError, match='cannot be called directly'):
        cell.begin_state(2)  # still so after an error inside


@pytest.mark.parametrize('kind', CELLS)
def test_unrolling_is_stepping(kind):
    cell = ready(kind(4))
    x = array(2, 3, 5)
    outputs, states = cell.unroll(3, x, merge_outputs=False)
    state = cell.begin_state(2)
    for t in range(3):
        output, state = cell(x[:, t], state)
        np.testing.assert_array_equal(outputs[t].asnumpy(), output.asnumpy())
    assert [a.shape for a in states] == [(2, 4)] * len(state)
    np.testing.assert_array_equal(states[-1].asnumpy(), state[-1].asnumpy())


def test_forms_of_sequences():
    cell = ready(rnn.GRUCell(4))
    x = array(2, 3, 5)
    want = cell.unroll(3, x, merge_outputs=True)[0].asnumpy()
    steps = [x[:, t] for t in range(3)]
    assert isinstance(cell.unroll(3, x)[0], list)
    np.testing.assert_array_equal(cell.unroll(3, steps, merge_outputs=True)[0].asnumpy(), want)
    turned = cell.unroll(3, x.swapaxes(0, 1), layout='TNC', merge_outputs=True)[0]
    np.testing.assert_array_equal(turned.asnumpy(), want.swapaxes(0, 1))
    np.testing.assert_array_equal(cell.unroll(3, x.asnumpy(), merge_outputs=True)[0].asnumpy(), want)
    assert cell.unroll(1, x[:, :1], merge_outputs=True)[0].shape == (2, 1, 4)


@pytest.mark.parametrize('kind', CELLS)
def test_short_sequences_end_early(kind):
    cell = ready(kind(4))
    x = array(2, 3, 5)
    outputs, states = cell.unroll(3, x, merge_outputs=True, valid_length=mx.nd.array([1, 3]))
    assert not outputs.asnumpy()[0, 1:].any()
    want, short_states = cell.unroll(1, x[:, :1], merge_outputs=True)
    np.testing.assert_allclose(outputs.asnumpy()[0, :1], want.asnumpy()[0], rtol=1e-6)
    for state, short in zip(states, short_states):
        np.testing.assert_allclose(state.asnumpy()[0], short.asnumpy()[0], rtol=1e-6)
    assert isinstance(cell.unroll(3, x, merge_outputs=False, valid_length=mx.nd.array([1, 3]))[0], list)


@pytest.mark.parametrize('layout', ['NTC', 'TNC'])
@pytest.mark.parametrize('merge', [None, True, False])
def test_bidirectional_runs_backwards_from_the_end_of_each_sequence(layout, merge):
    # MXNet fails for NTC and merge_outputs=None: it takes a merged sequence apart along the batch.
    cell = ready(rnn.BidirectionalCell(rnn.GRUCell(3), rnn.GRUCell(3)))
    x, axis = array(2, 3, 5), layout.find('T')
    data = x if layout == 'NTC' else x.swapaxes(0, 1)
    outputs, states = cell.unroll(3, data, layout=layout, merge_outputs=merge, valid_length=mx.nd.array([2, 3]))
    if merge is False:
        outputs = mx.nd.stack(*outputs, axis=axis)
    outputs = outputs.asnumpy() if layout == 'NTC' else outputs.asnumpy().swapaxes(0, 1)
    assert outputs.shape == (2, 3, 6) and not outputs[0, 2].any()
    backward = cell._children['r_cell'].unroll(2, x[:1, :2][:, ::-1], merge_outputs=True)[0].asnumpy()
    np.testing.assert_allclose(outputs[0, :2, 3:], backward[0, ::-1], rtol=1e-5)
    np.testing.assert_allclose(states[1].asnumpy()[0], backward[0, -1], rtol=1e-5)


def test_bidirectional_cannot_be_stepped():
    cell = rnn.BidirectionalCell(rnn.GRUCell(3), rnn.GRUCell(3))
    with pytest.raises(NotImplementedError, match='Bidirectional cannot be stepped. Please use unroll'):
        cell(mx.nd.ones((1, 2)), [])
    stack = rnn.SequentialRNNCell()
    stack.add(cell)
    with pytest.raises(AssertionError, match='cannot be stepped'):
        stack(mx.nd.ones((1, 2)), stack.begin_state(batch_size=1))
    for base in (cell, stack):
        with pytest.raises(AssertionError, match="doesn't support zoneout"):
            rnn.ZoneoutCell(base, 0.5)


@pytest.mark.parametrize('kind', [rnn.SequentialRNNCell, rnn.HybridSequentialRNNCell])
def test_stacks(kind):
    stack = kind(prefix='s_')
    with stack.name_scope():
        stack.add(rnn.LSTMCell(4))
        stack.add(rnn.DropoutCell(0.5))
        stack.add(rnn.ResidualCell(rnn.GRUCell(4)))
    ready(stack)
    assert len(stack) == 3 and stack[0].prefix == 's_lstm0_'
    assert [info['shape'] for info in stack.state_info(7)] == [(7, 4)] * 3
    x = array(2, 3, 5)
    outputs, states = stack.unroll(3, x, merge_outputs=True)
    state = stack.begin_state(batch_size=2)
    for t in range(3):
        output, state = stack(x[:, t], state)
        np.testing.assert_allclose(outputs.asnumpy()[:, t], output.asnumpy(), rtol=1e-6)
    assert len(states) == len(state) == 3


def test_hybrid_stack_takes_hybrid_cells_only():
    with pytest.raises(ValueError, match='Children of HybridBlock must also be HybridBlock'):
        rnn.HybridSequentialRNNCell().add(rnn.SequentialRNNCell())


def test_zoneout_keeps_old_values_while_training():
    cell = ready(rnn.ZoneoutCell(rnn.RNNCell(50, input_size=2), 0.5, 0.))
    x = array(4, 6, 2)
    plain = cell.base_cell.unroll(6, x, begin_state=[mx.nd.zeros((4, 50))], merge_outputs=True)[0].asnumpy()
    np.testing.assert_array_equal(cell.unroll(6, x, merge_outputs=True)[0].asnumpy(), plain)
    with mx.autograd.record():
        outputs = cell.unroll(6, x, merge_outputs=True)[0].asnumpy()
    new = outputs == plain
    old = outputs == np.concatenate([np.zeros((4, 1, 50)), outputs[:, :-1]], axis=1)
    assert (new | old).all()
    assert 0.4 < new.mean() < 0.6  # 1200 fair coins: six standard deviations are 0.087


def test_modifiers_of_stacks():
    stack = rnn.SequentialRNNCell()
    stack.add(rnn.RNNCell(3))
    with pytest.raises(ValueError, match='Children of HybridBlock must also be HybridBlock'):  # AttributeError in MXNet
        rnn.ZoneoutCell(stack, 0.5)
    assert len(stack.begin_state(batch_size=1)) == 1  # not modified
    stack = rnn.HybridSequentialRNNCell()
    stack.add(rnn.RNNCell(3))
    cell = ready(rnn.ZoneoutCell(stack, 0.5))
    assert cell.unroll(2, mx.nd.ones((1, 2, 4)), merge_outputs=True)[0].shape == (1, 2, 3)


def test_dropout_cell():
    cell = rnn.DropoutCell(0.5)
    x = mx.nd.ones((8, 3, 50))
    assert cell.state_info() == [] and cell.begin_state() == []
    with mx.autograd.record():
        outputs, states = cell.unroll(3, x, merge_outputs=True)
        steps, _ = cell.unroll(3, x, merge_outputs=False)
    assert set(np.unique(outputs.asnumpy())) == {0, 2} and states == []
    assert len(steps) == 3 and set(np.unique(steps[0].asnumpy())) == {0, 2}
    np.testing.assert_array_equal(cell.unroll(3, x, merge_outputs=True)[0].asnumpy(), x.asnumpy())
    with pytest.raises(AssertionError, match='rate must be a number'):
        rnn.DropoutCell('half')


def test_residual_masks_its_input_too():
    cell = ready(rnn.ResidualCell(rnn.GRUCell(5, input_size=5)))
    outputs, _ = cell.unroll(3, array(2, 3, 5), merge_outputs=True, valid_length=mx.nd.array([1, 3]))
    assert not outputs.asnumpy()[0, 1:].any()
    steps, _ = cell.unroll(3, array(2, 3, 5), merge_outputs=False, valid_length=mx.nd.array([1, 3]))
    np.testing.assert_array_equal(steps[0].asnumpy(), outputs.asnumpy()[:, 0])


@pytest.mark.parametrize('make', [lambda: nn.LeakyReLU(0.1), nn.PReLU, nn.Swish,
                                  lambda: lambda x, name: mx.nd.LeakyReLU(x, slope=0.1)])
def test_activations_that_are_blocks_or_functions(make):
    # MXNet steps only with LeakyReLU and functions, and unrolls with functions alone.
    for cell in (rnn.RNNCell(3, activation=make()), rnn.LSTMCell(3, activation=make())):
        outputs, _ = ready(cell).unroll(2, array(1, 2, 4), merge_outputs=True)
        assert outputs.shape == (1, 2, 3)


def test_states_have_the_type_of_the_inputs():
    # MXNet starts with float32, and fails in the first step.
    cell = ready(rnn.LSTMCell(3, input_size=4))
    cell.cast('float64')
    outputs, states = cell.unroll(2, mx.nd.ones((1, 2, 4), dtype='float64'), merge_outputs=True)
    assert outputs.dtype == np.float64 and states[0].dtype == np.float64


def test_shared_parameters():
    first = rnn.LSTMCell(2, input_size=3, prefix='a_')
    second = rnn.LSTMCell(2, input_size=3, prefix='b_', params=first.params)
    assert second.prefix == 'b_' and second.i2h_weight is first.i2h_weight
    assert second.begin_state(1, func=lambda name, **_: name)[0] == 'b_begin_state_0'


def test_hybridized_cells_give_the_same():
    cell = ready(rnn.GRUCell(4))
    x = array(2, 3, 5)
    want = cell.unroll(3, x, merge_outputs=True)[0].asnumpy()
    cell.hybridize()
    np.testing.assert_array_equal(cell.unroll(3, x, merge_outputs=True)[0].asnumpy(), want)


def test_own_cells():
    class Decay(rnn.HybridRecurrentCell):
        def state_info(self, batch_size=0):
            return [{'shape': (batch_size, 3), '__layout__': 'NC'}]

        def hybrid_forward(self, F, inputs, states):
            output = 0.5 * states[0] + inputs
            return output, [output]
    outputs, _ = Decay().unroll(3, mx.nd.ones((1, 3, 3)), merge_outputs=True)
    np.testing.assert_array_equal(outputs.asnumpy()[0, :, 0], [1, 1.5, 1.75])


def test_wrong_calls():
    cell = ready(rnn.RNNCell(3))
    with pytest.raises(AssertionError, match=r'unroll\(inputs=None\) has been deprecated'):
        cell.unroll(3, None)
    with pytest.raises(AssertionError, match='length=3, but the inputs have 2 time steps'):
        cell.unroll(3, mx.nd.ones((1, 2, 3)))
    with pytest.raises(NotImplementedError, match='must define state_info'):
        rnn.RecurrentCell().begin_state()


def test_a_dropped_cell_is_freed_at_once():
    cell = rnn.ZoneoutCell(rnn.LSTMCell(2), 0.5)
    gone = weakref.ref(cell)
    gc.disable()
    try:
        del cell
        assert gone() is None
    finally:
        gc.enable()
