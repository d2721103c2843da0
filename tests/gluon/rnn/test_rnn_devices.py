"""Recurrent layers and cells on each kind of device: the host's numbers, and no host array mixed in."""
import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import rnn


def run(make, ctx, lengths=None):
    """Return outputs, states and gradients of a network with fixed weights, as NumPy arrays."""
    random = np.random.RandomState(0)
    net = make()
    net.initialize(ctx=ctx)
    x = mx.nd.array(random.uniform(-1, 1, (2, 5, 3)), ctx=ctx)
    lengths = None if lengths is None else mx.nd.array(lengths, ctx=ctx)
    for param in net.collect_params().values():
        param.set_data(mx.nd.array(random.uniform(-1, 1, param.shape)))
    with mx.autograd.record(train_mode=False):
        if isinstance(net, rnn.RecurrentCell):
            outputs, states = net.unroll(5, x, merge_outputs=True, valid_length=lengths)
        else:
            outputs, states = net(x, net.begin_state(2, ctx=ctx), lengths)
    outputs.backward()
    assert outputs.context == ctx and all(state.context == ctx for state in states)
    return [a.asnumpy() for a in (outputs, *states, *(param.grad(ctx) for param in net.collect_params().values()))]


def bidirectional():
    cell = rnn.HybridSequentialRNNCell()
    cell.add(rnn.BidirectionalCell(rnn.LSTMCell(4, input_size=3), rnn.RNNCell(4, input_size=3)))
    cell.add(rnn.ZoneoutCell(rnn.ResidualCell(rnn.GRUCell(8, input_size=8)), 0.2, 0.2))
    return cell


NETS = {
    'lstm': (lambda: rnn.LSTM(4, 2, 'NTC', bidirectional=True, input_size=3), None),
    'lstm projected and clipped': (lambda: rnn.LSTM(4, 2, 'NTC', input_size=3, projection_size=2, state_clip_min=-0.2,
                                                    state_clip_max=0.2), None),
    'gru with lengths': (lambda: rnn.GRU(4, 2, 'NTC', bidirectional=True, input_size=3, use_sequence_length=True),
                         [5, 2]),
    'rnn': (lambda: rnn.RNN(4, 1, 'tanh', 'NTC', input_size=3), None),
    'cells': (bidirectional, None),
    'cells with lengths': (bidirectional, [3, 5]),
}


@pytest.mark.parametrize('name', NETS)
def test_devices_agree(device, name):
    make, lengths = NETS[name]
    for got, want in zip(run(make, device, lengths), run(make, mx.cpu(), lengths), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_dropout_and_deferred_shapes(device):
    net = rnn.GRU(4, 3, dropout=0.5, layout='NTC')
    net.initialize(ctx=device)
    x = mx.nd.ones((2, 5, 3), ctx=device)
    with mx.autograd.record():
        outputs = net(x)
    outputs.backward()
    assert outputs.context == device and net.l0_i2h_weight.shape == (12, 3)
