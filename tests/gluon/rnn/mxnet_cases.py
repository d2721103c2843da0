"""Recurrent programs whose numbers MXNet 1.9.1 gave (`recorded.npz`).

To record them again, run this file with the python of an environment that has mxnet 1.9.1:

    python tests/gluon/rnn/mxnet_cases.py
"""
import pathlib

import numpy as np

RECORDED = pathlib.Path(__file__).with_name('recorded.npz')
TIME, BATCH, INPUT, HIDDEN = 4, 2, 3, 3
GATES = {'rnn_relu': 1, 'rnn_tanh': 1, 'lstm': 4, 'gru': 3}
OPERATORS = {f'operator_{mode}_{layers}_{bidirectional}': (mode, layers, bidirectional, None)
             for mode in GATES for layers, bidirectional in ((1, False), (2, True))}
# MXNet computes the projection on the CPU without gradients only.
OPERATORS.update({f'operator_projection_{layers}_{bidirectional}': ('lstm', layers, bidirectional, 2)
                  for layers, bidirectional in ((1, False), (2, True))})


def parameter_count(mode, layers, bidirectional, projection):
    """Return how many numbers the operator's parameters have."""
    count, directions, width = 0, 1 + bidirectional, projection or HIDDEN
    for layer in range(layers):
        channels = directions * width if layer else INPUT
        count += directions * GATES[mode] * HIDDEN * (channels + width + 2)
        count += directions * HIDDEN * (projection or 0)
    return count


def values(seed, *shape):
    """Return fixed numbers between -1 and 1 as float32."""
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype('float32')


def run_operator(mx, name):
    """Call the operator; return outputs and, without projection, gradients."""
    mode, layers, bidirectional, projection = OPERATORS[name]
    directions, width = 1 + bidirectional, projection or HIDDEN
    shapes = [(TIME, BATCH, INPUT), (parameter_count(mode, layers, bidirectional, projection),),
              (layers * directions, BATCH, width)] + [(layers * directions, BATCH, HIDDEN)] * (mode == 'lstm')
    arrays = [mx.nd.array(values(i, *shape)) for i, shape in enumerate(shapes)]
    attrs = {'mode': mode, 'num_layers': layers, 'bidirectional': bidirectional, 'state_size': HIDDEN,
             'projection_size': projection, 'state_outputs': True}
    if projection:
        return {f'output{i}': out.asnumpy() for i, out in enumerate(mx.nd.RNN(*arrays, **attrs))}
    for array in arrays:
        array.attach_grad()
    with mx.autograd.record():
        outputs = mx.nd.RNN(*arrays, **attrs)
    mx.autograd.backward(outputs, [mx.nd.array(values(10 + i, *out.shape)) for i, out in enumerate(outputs)])
    found = {f'output{i}': out.asnumpy() for i, out in enumerate(outputs)}
    found.update({f'gradient{i}': array.grad.asnumpy() for i, array in enumerate(arrays)})
    return found


def _bidirectional(rnn):
    return rnn.BidirectionalCell(rnn.LSTMCell(HIDDEN, input_size=INPUT), rnn.GRUCell(HIDDEN, input_size=INPUT))


def _stack(rnn):
    stack = rnn.HybridSequentialRNNCell()
    stack.add(rnn.LSTMCell(INPUT, input_size=INPUT))
    stack.add(rnn.ResidualCell(rnn.GRUCell(INPUT, input_size=INPUT)))
    stack.add(rnn.DropoutCell(0.5))
    stack.add(rnn.ZoneoutCell(rnn.RNNCell(HIDDEN, activation='softsign', input_size=INPUT), 0.5, 0.5))
    return stack


CELLS = {
    'rnn': lambda rnn: rnn.RNNCell(HIDDEN, input_size=INPUT),
    'rnn_relu': lambda rnn: rnn.RNNCell(HIDDEN, activation='relu', input_size=INPUT),
    'lstm': lambda rnn: rnn.LSTMCell(HIDDEN, input_size=INPUT),
    'lstm_activations': lambda rnn: rnn.LSTMCell(HIDDEN, input_size=INPUT, activation='softsign',
                                                 recurrent_activation='softrelu'),
    'gru': lambda rnn: rnn.GRUCell(HIDDEN, input_size=INPUT),
    'bidirectional': _bidirectional,
    'stack': _stack,
}


def run_cell(mx, name, layout, merge, lengths):
    """Unroll a cell outside of training; return outputs, states and gradients of the weights."""
    cell = CELLS[name](mx.gluon.rnn)
    cell.initialize()
    params = list(cell.collect_params().values())
    for i, param in enumerate(params):
        param.set_data(mx.nd.array(values(30 + i, *param.shape)))
    x = values(50, BATCH, TIME, INPUT)
    x = mx.nd.array(x if layout == 'NTC' else x.transpose(1, 0, 2))
    with mx.autograd.record(train_mode=False):
        outputs, states = cell.unroll(TIME, x, layout=layout, merge_outputs=merge,
                                      valid_length=None if lengths is None else mx.nd.array(lengths))
        outputs = outputs if merge else mx.nd.stack(*outputs, axis=layout.find('T'))
        total = (outputs * mx.nd.array(values(51, *outputs.shape))).sum()
        for i, state in enumerate(states):
            total = total + (state * mx.nd.array(values(60 + i, *state.shape))).sum()
    total.backward()
    found = {'outputs': outputs.asnumpy()}
    found.update({f'state{i}': state.asnumpy() for i, state in enumerate(states)})
    found.update({f'gradient{i}': param.grad().asnumpy() for i, param in enumerate(params)})
    return found


UNROLLS = {f'cell_{name}_{layout}_{"merged" if merge else "list"}_{"short" if lengths else "full"}':
           (name, layout, merge, lengths)
           for name in CELLS for layout, merge, lengths in (('NTC', True, None), ('TNC', False, (3, 1)))}


def run(mx, name):
    """Run one case; return its arrays by name."""
    return run_operator(mx, name) if name in OPERATORS else run_cell(mx, *UNROLLS[name])


if __name__ == '__main__':
    import mxnet
    np.savez_compressed(RECORDED, **{f'{name}/{key}': array for name in (*OPERATORS, *UNROLLS)
                                     for key, array in run(mxnet, name).items()})
