"""The layers RNN, LSTM and GRU: names, shapes, arguments, errors, files.

Names and texts are those MXNet 1.9.1 gives, unless a test says otherwise.
"""
import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import rnn


def array(*shape, seed=0):
    return mx.nd.array(np.random.RandomState(seed).uniform(-1, 1, shape))


def filled(layer, seed=3):
    """Initialize a layer with fixed numbers."""
    layer.initialize()
    for i, param in enumerate(layer.collect_params().values()):
        param.set_data(array(*param.shape, seed=seed + i))
    return layer


LAYERS = [rnn.RNN, rnn.LSTM, rnn.GRU]


@pytest.mark.parametrize('kind', LAYERS)
@pytest.mark.parametrize('layout', ['TNC', 'NTC'])
def test_shapes(kind, layout):
    layer = kind(4, num_layers=2, layout=layout, bidirectional=True)
    layer.initialize()
    x = mx.nd.ones((5, 2, 3) if layout == 'TNC' else (2, 5, 3))
    assert layer(x).shape == ((5, 2, 8) if layout == 'TNC' else (2, 5, 8))
    outputs, states = layer(x, layer.begin_state(2))
    assert outputs.shape == ((5, 2, 8) if layout == 'TNC' else (2, 5, 8))
    assert [state.shape for state in states] == [(4, 2, 4)] * (2 if kind is rnn.LSTM else 1)


def test_parameter_names_and_shapes():
    layer = rnn.LSTM(2, 2, bidirectional=True, input_size=3, prefix='m_')
    shapes = {name: param.shape for name, param in layer.collect_params().items()}
    assert list(shapes)[:5] == ['m_l0_i2h_weight', 'm_l0_h2h_weight', 'm_l0_i2h_bias', 'm_l0_h2h_bias',
                                'm_r0_i2h_weight']
    assert shapes['m_r1_i2h_weight'] == (8, 4) and shapes['m_r1_h2h_weight'] == (8, 2)
    assert shapes['m_l1_h2h_bias'] == (8,)
    assert len(shapes) == 16


def test_projection_adds_a_weight():
    layer = rnn.LSTM(4, projection_size=2, prefix='m_')
    layer.initialize()
    outputs, states = layer(mx.nd.ones((5, 2, 3)), layer.begin_state(2))
    assert layer.l0_h2r_weight.shape == (2, 4) and outputs.shape == (5, 2, 2)
    assert [state.shape for state in states] == [(1, 2, 2), (1, 2, 4)]
    assert list(layer._collect_params_with_prefix())[-1] == '_unfused.0.h2r_weight'


def test_representations():
    assert repr(rnn.GRU(4)) == 'GRU(None -> 4, TNC)'
    assert repr(rnn.LSTM(4, 2, 'NTC', 0.3, True, 3)) == 'LSTM(3 -> 4, NTC, num_layers=2, dropout=0.3, bidirectional)'


def test_keys_of_files():
    assert list(rnn.GRU(2)._collect_params_with_prefix())[0] == '_unfused.0.i2h_weight'
    both = rnn.GRU(2, bidirectional=True)._collect_params_with_prefix('net')
    assert list(both)[4] == 'net._unfused.0.r_cell.i2h_weight'


def test_more_than_ten_layers_can_be_saved(tmp_path):
    # MXNet fails here: its pattern of parameter names takes one digit.
    layer = filled(rnn.RNN(2, 12, input_size=2))
    layer.save_parameters(str(tmp_path / 'a.params'))
    again = rnn.RNN(2, 12, input_size=2)
    again.load_parameters(str(tmp_path / 'a.params'))
    np.testing.assert_array_equal(again.l11_h2h_weight.data().asnumpy(), layer.l11_h2h_weight.data().asnumpy())
    assert '_unfused.11.h2h_bias' in layer._collect_params_with_prefix()


def test_subclasses_may_have_parameters_of_their_own():
    # MXNet fails here: it takes every parameter for one of the layer's.
    class Scaled(rnn.GRU):
        def __init__(self):
            super().__init__(2)
            self.scale = self.params.get('scale', shape=(1,))
    assert list(Scaled()._collect_params_with_prefix())[-1] == 'scale'


@pytest.mark.parametrize('kind', LAYERS)
@pytest.mark.parametrize('lengths', [None, [3, 5]])
def test_layer_equals_its_cells(kind, lengths):
    layer = filled(kind(4, num_layers=2, bidirectional=True, layout='NTC', input_size=3, dropout=0.3,
                        use_sequence_length=lengths is not None))
    x, lengths = array(2, 5, 3), None if lengths is None else mx.nd.array(lengths)
    got, states = layer(x, layer.begin_state(2), lengths)
    want, cell_states = layer._unfuse().unroll(5, x, layout='NTC', merge_outputs=True, valid_length=lengths)
    np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-4, atol=1e-6)
    step = 2 if kind is rnn.LSTM else 1
    for i, state in enumerate(states):
        want = np.stack([cell_state.asnumpy() for cell_state in cell_states[i::step]])
        np.testing.assert_allclose(state.asnumpy(), want, rtol=1e-4, atol=1e-6)


def test_unfuse_refuses_what_cells_cannot():
    with pytest.raises(AssertionError, match='_unfuse does not support projection layer yet!'):
        rnn.LSTM(4, projection_size=2)._unfuse()
    with pytest.raises(AssertionError, match='_unfuse does not support state clipping yet!'):
        rnn.LSTM(4, state_clip_min=-1, state_clip_max=1)._unfuse()


def test_cell_state_is_clipped():
    # MXNet ignores the bounds on the CPU. With c bounded by b, outputs o*tanh(c) are bounded by tanh(b).
    layer = filled(rnn.LSTM(8, input_size=3, state_clip_min=-0.1, state_clip_max=0.1))
    outputs, (_, cell) = layer(array(6, 2, 3), layer.begin_state(2))
    assert np.abs(cell.asnumpy()).max() == np.float32(0.1)
    assert np.abs(outputs.asnumpy()).max() <= np.tanh(0.1)


def test_nan_in_the_cell_state_may_be_stopped():
    x = array(3, 1, 2)
    x[1] = np.nan
    for stop in (False, True):
        layer = filled(rnn.LSTM(2, input_size=2, state_clip_min=-1, state_clip_max=1, state_clip_nan=stop))
        _, (_, cell) = layer(x, layer.begin_state(1))
        assert np.isnan(cell.asnumpy()).all() != stop or not stop


def test_bounds_come_together():
    layer = rnn.LSTM(2, state_clip_min=-1)
    layer.initialize()
    with pytest.raises(mx.MXNetError, match='lstm_state_clip_max must be given together'):
        layer(mx.nd.ones((3, 1, 2)))


def test_padding_does_not_matter():
    layer = filled(rnn.GRU(4, 2, bidirectional=True, input_size=3, use_sequence_length=True))
    x, lengths = array(5, 2, 3), mx.nd.array([5, 2], dtype='int32')
    changed = x.copy()
    changed[2:, 1] = np.nan
    grads = []
    for data in (x, changed):
        with mx.autograd.record():
            outputs = layer(data, None, lengths)
        outputs.backward()
        grads.append(layer.l0_i2h_weight.grad().asnumpy().copy())
        assert not outputs.asnumpy()[2:, 1].any()
    np.testing.assert_array_equal(*grads)


def test_sequence_length_needs_the_option():
    layer = filled(rnn.GRU(4, input_size=3))
    with pytest.warns(UserWarning, match='ignores sequence_length'):
        layer(array(5, 2, 3), None, mx.nd.array([5, 2]))
    layer = filled(rnn.GRU(4, input_size=3, use_sequence_length=True))
    with pytest.raises(mx.MXNetError, match='sequence_length is missing'):
        layer(array(5, 2, 3))


def test_dropout_between_layers():
    # All weights pass ones on, so that the second layer shows the mask: 0, or 1 / (1 - p).
    layer = rnn.RNN(1, num_layers=2, dropout=0.5, input_size=1, h2h_weight_initializer='zeros')
    layer.initialize(mx.init.One())
    x = mx.nd.ones((20, 30, 1))
    assert (layer(x).asnumpy() == 1).all()
    x.attach_grad()
    with mx.autograd.record():
        outputs = layer(x)
    outputs.backward()
    assert set(np.unique(outputs.asnumpy())) == {0, 2}
    assert 0.85 < outputs.asnumpy().mean() < 1.15  # 600 fair coins: six standard deviations of the mean are 0.24
    np.testing.assert_array_equal(x.grad.asnumpy(), outputs.asnumpy())


def test_initial_states_have_names_and_options():
    made = []
    layer = rnn.LSTM(2, prefix='m_', dtype='float64')
    states = layer.begin_state(3, func=lambda name, **info: made.append((name, info)) or name, ctx=mx.cpu(0))
    assert states == ['m_h0_0', 'm_h0_1']
    assert made[0][1] == {'shape': (1, 3, 2), '__layout__': 'LNC', 'dtype': 'float64', 'ctx': mx.cpu(0)}
    assert [state.dtype for state in layer.begin_state(3)] == [np.float64, np.float64]


def test_other_types():
    layer = rnn.GRU(4, dtype='float64')
    layer.initialize()
    assert layer(mx.nd.ones((3, 2, 5), dtype='float64')).dtype == np.float64
    layer.cast('float16')
    outputs, states = layer(mx.nd.ones((3, 2, 5), dtype='float16'), layer.begin_state(2))
    assert outputs.dtype == np.float16 and states[0].dtype == np.float16


def test_numpy_arrays_are_taken_as_they_are():
    layer = filled(rnn.LSTM(4, input_size=3))
    x = array(5, 2, 3)
    np.testing.assert_array_equal(layer(x.asnumpy()).asnumpy(), layer(x).asnumpy())


def test_one_state_needs_no_list():
    layer = filled(rnn.GRU(4, input_size=3))
    outputs, states = layer(array(5, 2, 3), mx.nd.zeros((1, 2, 4)))
    np.testing.assert_array_equal(outputs[4].asnumpy(), states[0][0].asnumpy())


def test_hybridized_layer_gives_the_same():
    layer = filled(rnn.LSTM(4, input_size=3))
    x = array(5, 2, 3)
    want = layer(x).asnumpy()
    layer.hybridize()
    np.testing.assert_array_equal(layer(x).asnumpy(), want)
    outputs, states = layer(x, layer.begin_state(2))
    np.testing.assert_array_equal(outputs.asnumpy(), want)
    assert isinstance(states, list)


def test_input_size_is_learned_inside_of_a_net():
    class Net(mx.gluon.HybridBlock):
        def __init__(self):
            super().__init__(prefix='net_')
            with self.name_scope():
                self.rnn = rnn.GRU(4, bidirectional=True)

        def hybrid_forward(self, F, x):
            return self.rnn(x)
    net = Net()
    net.infer_shape(mx.nd.ones((3, 2, 7)))
    assert net.rnn.r0_i2h_weight.shape == (12, 7)
    assert list(net.collect_params())[0] == 'net_gru0_l0_i2h_weight'
    net = Net()
    net.initialize()
    assert net(mx.nd.ones((3, 2, 5))).shape == (3, 2, 8)


def test_wrong_arguments():
    with pytest.raises(AssertionError, match="Invalid layout NCT; must be one of \\['TNC' or 'NTC'\\]"):
        rnn.LSTM(2, layout='NCT')
    with pytest.raises(ValueError, match="must be 'relu' or 'tanh', but is 'sigmoid'"):
        rnn.RNN(2, activation='sigmoid')
    layer = rnn.GRU(4)
    layer.initialize()
    with pytest.raises(ValueError, match=r'three axes TNC, but got an array of shape \(3, 4\)'):
        layer(mx.nd.ones((3, 4)))
    layer = filled(rnn.GRU(4, input_size=3))
    with pytest.raises(ValueError, match=r'Invalid recurrent state shape. Expecting \(1, 2, 4\), got \(1, 2, 5\).'):
        layer(array(3, 2, 3), mx.nd.ones((1, 2, 5)))
    with pytest.raises(mx.MXNetError, match='parameters'):
        layer(array(3, 2, 9))
    layer = filled(rnn.LSTM(4, input_size=3))
    with pytest.raises(mx.MXNetError, match='state_cell is missing'):
        layer(array(3, 2, 3), mx.nd.ones((1, 2, 4)))


def test_second_order_says_so():
    layer = filled(rnn.GRU(4, input_size=3))
    x = array(5, 2, 3)
    x.attach_grad()
    with mx.autograd.record():
        outputs = layer(x)
        grad = mx.autograd.grad(outputs, x, create_graph=True)[0]
    with pytest.raises(mx.MXNetError, match='_backward_RNN has no gradient'):
        grad.backward()
