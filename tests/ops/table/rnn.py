"""Rows of the fused recurrent operator.

The expected values come from the textbook equations of the cells, written step by step in NumPy.
"""
import numpy as np

from . import Row, Wrong

GATES = {'rnn_relu': 1, 'rnn_tanh': 1, 'lstm': 4, 'gru': 3}


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _step(mode, x, h, c, wx, wh, bx, bh, wr, clip):
    """One step of one sequence; returns output and cell state."""
    hidden = len(bx) // GATES[mode]
    a, b = wx @ x + bx, wh @ h + bh
    if mode == 'rnn_tanh':
        return np.tanh(a + b), None
    if mode == 'rnn_relu':
        return np.maximum(a + b, 0), None
    a, b = a.reshape(-1, hidden), b.reshape(-1, hidden)
    if mode == 'gru':
        r, z = _sigmoid(a[0] + b[0]), _sigmoid(a[1] + b[1])
        return (1 - z) * np.tanh(a[2] + r * b[2]) + z * h, None
    i, f, g, o = a + b
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    if clip:
        c = np.clip(c, *clip)
    h = _sigmoid(o) * np.tanh(c)
    return (h if wr is None else wr @ h), c


def _parameters(flat, mode, layers, directions, hidden, projection, channels):
    """Unpack: all weights by layer and direction, then all biases."""
    rows, width = GATES[mode] * hidden, projection or hidden
    pieces, at = [], 0

    def take(*shape):
        nonlocal at
        at += int(np.prod(shape))
        return flat[at - int(np.prod(shape)):at].reshape(shape)
    for layer in range(layers):
        count = directions * width if layer else channels
        for _ in range(directions):
            pieces.append([take(rows, count), take(rows, width), take(projection, hidden) if projection else None])
    return [(wx, wh, take(rows), take(rows), wr) for wx, wh, wr in pieces]


def recurrent(mode, layers=1, bidirectional=False, projection=None, clip=None, states=True):
    """Return the expected values as a function of the operator's arrays."""
    def expect(data, flat, h0, c0=None, lengths=None):
        if mode != 'lstm' and c0 is not None:
            c0, lengths = None, c0
        time, batch, channels = data.shape
        directions, hidden = 1 + bidirectional, 2
        weights = _parameters(flat, mode, layers, directions, hidden, projection, channels)
        lengths = [time] * batch if lengths is None else lengths.astype(int)
        hn, cn = h0.copy(), None if c0 is None else c0.copy()
        x = data
        for layer in range(layers):
            y = np.zeros((time, batch, directions * (projection or hidden)))
            for d in range(directions):
                k = layer * directions + d
                wx, wh, bx, bh, wr = weights[k]
                for n in range(batch):
                    h, c = h0[k, n], None if c0 is None else c0[k, n]
                    for t in range(lengths[n])[::-1 if d else 1]:
                        h, c = _step(mode, x[t, n], h, c, wx, wh, bx, bh, wr, clip)
                        y[t, n, d * len(h):(d + 1) * len(h)] = h
                    hn[k, n] = h
                    if c0 is not None:
                        cn[k, n] = c
            x = y
        found = (x, hn) if c0 is None else (x, hn, cn)
        return found if states else x
    return expect


def _attrs(mode, layers=1, **more):
    return {'state_size': 2, 'num_layers': layers, 'mode': mode, 'state_outputs': True, **more}


_IGNORED = 'ignores it on the CPU'
_LENGTHS = np.array([3, 1], 'int32')
_SMALL = {'domain': (-1.0, 1.0), 'second': False, 'out': False, 'tolerance': {'float16': 8e-3, 'float32': 2e-5}}

ROWS = [
    Row('RNN', inputs=[(3, 2, 3), (14,), (1, 2, 2)], attrs=_attrs('rnn_tanh'), expect=recurrent('rnn_tanh'), **_SMALL,
        wrong=[Wrong(inputs=[(3, 2), (14,), (1, 2, 2)], says='rank-3'),
               Wrong(inputs=[(3, 2, 3), (15,), (1, 2, 2)], says='parameters'),
               Wrong(inputs=[(3, 2, 3), (14,), (2, 2, 2)], says='argument state'),
               Wrong(inputs=[(3, 2, 3), (14,), (1, 2, 2), (1, 2, 2)], says='state_cell'),
               Wrong(attrs={'mode': 'elman'}, says='mode'), Wrong(attrs={'p': 1.5}, says='exceed bound'),
               Wrong(attrs={'state_size': ...}, says='state_size'), Wrong(attrs={'num_layers': 0}, says='num_layers'),
               Wrong(attrs={'projection_size': 1}, says='projection_size'),
               Wrong(attrs={'use_sequence_length': True}, says='sequence_length')]),
    Row('RNN', inputs=[(3, 2, 3), (14,), (1, 2, 2)], attrs={**_attrs('rnn_relu'), 'state_outputs': False},
        expect=recurrent('rnn_relu', states=False), **_SMALL),
    Row('RNN', inputs=[(3, 2, 2), (56,), (4, 2, 2)], attrs=_attrs('rnn_tanh', 2, bidirectional=True),
        expect=recurrent('rnn_tanh', 2, True), **_SMALL),
    Row('RNN', inputs=[(3, 2, 2), (48,), (1, 2, 2), (1, 2, 2)], attrs=_attrs('lstm'), expect=recurrent('lstm'),
        **_SMALL,
        wrong=[Wrong(inputs=[(3, 2, 2), (48,), (1, 2, 2)], says='state_cell'),
               Wrong(inputs=[(3, 2, 2), (48,), (1, 2, 2), (1, 2, 3)], says='argument state_cell'),
               Wrong(attrs={'lstm_state_clip_min': -1.0}, says='together'),
               Wrong(attrs={'use_sequence_length': True}, says='sequence_length')]),
    Row('RNN', inputs=[(3, 2, 2), (96,), (2, 2, 2), (2, 2, 2), _LENGTHS],
        attrs=_attrs('lstm', bidirectional=True, use_sequence_length=True),
        expect=recurrent('lstm', bidirectional=True),
        gradient=(0, 1, 2, 3), mxnet=_IGNORED, **_SMALL,
        wrong=[Wrong(inputs=[(3, 2, 2), (96,), (2, 2, 2), (2, 2, 2), np.array([1, 2, 3])], says='sequence_length')]),
    Row('RNN', inputs=[(3, 2, 2), (42,), (1, 2, 1), (1, 2, 2)], attrs=_attrs('lstm', projection_size=1),
        expect=recurrent('lstm', projection=1), mxnet_gradient='has none for projections on the CPU', **_SMALL),
    Row('RNN', inputs=[(3, 2, 2), (48,), (1, 2, 2), (1, 2, 2)],
        attrs=_attrs('lstm', lstm_state_clip_min=-0.3, lstm_state_clip_max=0.3),
        expect=recurrent('lstm', clip=(-0.3, 0.3)), mxnet=_IGNORED, **_SMALL),
    Row('RNN', inputs=[(3, 2, 2), (36,), (1, 2, 2)], attrs=_attrs('gru'), expect=recurrent('gru'), **_SMALL),
    Row('RNN', inputs=[(3, 2, 2), (36,), (1, 2, 2), _LENGTHS], attrs=_attrs('gru', use_sequence_length=True),
        expect=recurrent('gru'), gradient=(0, 1, 2), mxnet=_IGNORED, **_SMALL),
    Row('_rnn_param_concat', inputs=[(3,), (4,)], attrs={'dim': 0}, expect=lambda a, b: np.concatenate([a, b])),
    Row('_rnn_param_concat', inputs=[(2, 3), (2, 1)], expect=lambda a, b: np.concatenate([a, b], 1),
        wrong=[Wrong(inputs=[(2, 3), (3, 1)])]),
]
