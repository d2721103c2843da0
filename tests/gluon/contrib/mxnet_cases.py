"""Contributed cells and layers whose numbers MXNet 1.9.1 gave (`recorded.npz`).

To record them again, run this file with the python of an environment that has mxnet 1.9.1:

    python tests/gluon/contrib/mxnet_cases.py
"""
import os
import pathlib

import numpy as np

RECORDED = pathlib.Path(__file__).with_name('recorded.npz')
BATCH, TIME = 2, 3


def values(seed, *shape):
    """Return fixed numbers between -1 and 1 as float32."""
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype('float32')


def _leaky(mx):
    # A function, as MXNet can't unroll a cell with a block as activation.
    return lambda x, **kwargs: mx.nd.LeakyReLU(x, act_type='leaky', slope=0.3, **kwargs)


def _vardrop(mx):
    return mx.gluon.contrib.rnn.VariationalDropoutCell(mx.gluon.contrib.rnn.LSTMPCell(3, 2), 0.3, 0.4, 0.5)


def _vardrop_without_states(mx):
    return mx.gluon.contrib.rnn.VariationalDropoutCell(mx.gluon.rnn.GRUCell(3), 0.3, 0., 0.5)


# Shape of one example at one step, and the cell.
CELLS = {
    'conv1d_rnn': ((2, 6), lambda mx: mx.gluon.contrib.rnn.Conv1DRNNCell((2, 6), 3, 3, 3)),
    'conv2d_rnn': ((2, 4, 5), lambda mx: mx.gluon.contrib.rnn.Conv2DRNNCell(
        (2, 4, 5), 2, (2, 3), (1, 3), i2h_pad=(0, 1), h2h_dilate=(1, 2), activation='relu')),
    'conv3d_rnn': ((1, 3, 3, 2), lambda mx: mx.gluon.contrib.rnn.Conv3DRNNCell((1, 3, 3, 2), 2, 2, 3)),
    'conv1d_lstm': ((2, 6), lambda mx: mx.gluon.contrib.rnn.Conv1DLSTMCell(
        (2, 6), 2, 3, 3, i2h_pad=2, i2h_dilate=2, activation=_leaky(mx))),
    'conv2d_lstm': ((2, 4, 3), lambda mx: mx.gluon.contrib.rnn.Conv2DLSTMCell((2, 4, 3), 2, (3, 1), 3, i2h_pad=(1, 0))),
    'conv3d_lstm': ((1, 3, 2, 2), lambda mx: mx.gluon.contrib.rnn.Conv3DLSTMCell((0, 3, 2, 2), 2, 2, (3, 1, 1))),
    'conv1d_gru': ((2, 6), lambda mx: mx.gluon.contrib.rnn.Conv1DGRUCell((0, 6), 2, 4, 3, activation='softsign')),
    'conv2d_gru': ((2, 4, 3), lambda mx: mx.gluon.contrib.rnn.Conv2DGRUCell((2, 4, 3), 2, 3, 3, i2h_pad=1)),
    'conv3d_gru': ((1, 3, 2, 2), lambda mx: mx.gluon.contrib.rnn.Conv3DGRUCell(
        (1, 3, 2, 2), 2, 2, 1, activation=_leaky(mx))),
    'lstmp': ((4,), lambda mx: mx.gluon.contrib.rnn.LSTMPCell(3, 2)),
    'vardrop': ((4,), _vardrop),
    'vardrop_without_states': ((4,), _vardrop_without_states),
}


def ready(mx, block, *inputs):
    """Initialize a block, learn its shapes from inputs, and give its parameters fixed values."""
    block.initialize()
    block(*inputs)
    params = list(block.collect_params().values())
    for i, param in enumerate(params):
        param.set_data(mx.nd.array(values(30 + i, *param.shape)))
    return params


def run_cell(mx, name, layout, lengths, dynamic):
    """Unroll a cell outside of training; return outputs, states and gradients of weights and input."""
    shape, make = CELLS[name]
    cell = make(mx)
    x = mx.nd.array(np.swapaxes(values(50, BATCH, TIME, *shape), *((0, 0) if layout == 'NTC' else (0, 1))))
    first = cell.begin_state(batch_size=BATCH, func=mx.nd.zeros)
    params = ready(mx, cell, mx.nd.ones((BATCH, *shape)), first)
    cell.reset()
    x.attach_grad()
    lengths = None if lengths is None else mx.nd.array(lengths)
    with mx.autograd.record(train_mode=False):
        if dynamic:
            outputs, states = mx.gluon.contrib.rnn.rnn_cell.dynamic_unroll(
                cell, x, first, layout=layout + 'HW'[:x.ndim - 3], valid_length=lengths, drop_inputs=0.5, drop_outputs=0.5)
        else:
            outputs, states = cell.unroll(TIME, x, begin_state=first, layout=layout, merge_outputs=True, valid_length=lengths)
        total = (outputs * mx.nd.array(values(51, *outputs.shape))).sum()
        for i, state in enumerate(states):
            total = total + (state * mx.nd.array(values(60 + i, *state.shape))).sum()
    total.backward()
    found = {'outputs': outputs.asnumpy(), 'input_gradient': x.grad.asnumpy()}
    found.update({f'state{i}': state.asnumpy() for i, state in enumerate(states)})
    found.update({f'gradient{i}': param.grad().asnumpy() for i, param in enumerate(params)})
    return found


UNROLLS = {f'{name}_NTC_full': (name, 'NTC', None, False) for name in CELLS}
UNROLLS.update({f'{name}_TNC_short': (name, 'TNC', (3, 1), False) for name in ('conv1d_lstm', 'conv2d_gru', 'lstmp', 'vardrop')})
UNROLLS.update({f'{name}_{layout}_{lengths}_dynamic': (name, layout, lengths, True)
                for name in ('conv1d_rnn', 'conv2d_lstm', 'lstmp') for layout in ('NTC', 'TNC') for lengths in (None, (1, 3))})


def _concurrent(mx, kind, axis):
    nn, contrib = mx.gluon.nn, mx.gluon.contrib.nn
    net = getattr(contrib, kind)(axis=axis)
    with net.name_scope():
        net.add(nn.Dense(2, flatten=False), contrib.Identity(), nn.Dense(3, activation='tanh', flatten=False))
    return net


LAYERS = {
    'concurrent': ((3, 4), True, lambda mx: _concurrent(mx, 'Concurrent', 1)),
    'hybridconcurrent': ((2, 3, 4), True, lambda mx: _concurrent(mx, 'HybridConcurrent', -1)),
    'pixelshuffle1d': ((2, 6, 3), True, lambda mx: mx.gluon.contrib.nn.PixelShuffle1D(3)),
    'pixelshuffle2d': ((2, 12, 2, 3), True, lambda mx: mx.gluon.contrib.nn.PixelShuffle2D((2, 3))),
    'pixelshuffle3d': ((1, 48, 2, 1, 3), True, lambda mx: mx.gluon.contrib.nn.PixelShuffle3D((2, 3, 4))),
    'syncbatchnorm': ((4, 3, 2, 2), True, lambda mx: mx.gluon.contrib.nn.SyncBatchNorm(num_devices=1)),
    'syncbatchnorm_matrix': ((5, 3), True, lambda mx: mx.gluon.contrib.nn.SyncBatchNorm(num_devices=1, momentum=0.5)),
    'syncbatchnorm_unscaled': ((4, 3, 2), True, lambda mx: mx.gluon.contrib.nn.SyncBatchNorm(
        num_devices=1, scale=False, center=False, epsilon=0.1)),
    'syncbatchnorm_global': ((4, 3, 2), True, lambda mx: mx.gluon.contrib.nn.SyncBatchNorm(
        num_devices=1, use_global_stats=True)),
    'syncbatchnorm_predict': ((4, 3, 2), False, lambda mx: mx.gluon.contrib.nn.SyncBatchNorm(num_devices=1)),
}


def run_layer(mx, name):
    """Call a layer; return output, gradients, and parameters without a gradient (running statistics) afterwards."""
    shape, training, make = LAYERS[name]
    layer = make(mx)
    x = mx.nd.array(values(1, *shape))
    params = ready(mx, layer, x)
    for param in params:
        if param.name.endswith('running_var'):
            param.set_data(mx.nd.array(1 + values(2, *param.shape) ** 2))
    x.attach_grad()
    with mx.autograd.record(train_mode=training):
        output = layer(x)
    if not training:  # where MXNet's gradient of SyncBatchNorm is made of memory that nothing was written to
        return {'output': output.asnumpy()}
    output.backward(mx.nd.array(values(3, *output.shape)))
    found = {'output': output.asnumpy(), 'input_gradient': x.grad.asnumpy()}
    for param in params:
        key = param.name[len(layer.prefix):]
        if param.grad_req != 'null':
            found['gradient_' + key] = param.grad().asnumpy()
        elif key.startswith('running'):
            found[key] = param.data().asnumpy()
    return found


CASES = (*UNROLLS, *LAYERS)


def run(mx, name):
    """Run one case; return its arrays by name."""
    return run_layer(mx, name) if name in LAYERS else run_cell(mx, *UNROLLS[name])


if __name__ == '__main__':
    os.environ['MXNET_MKLDNN_ENABLED'] = '0'  # whose gradients of 3D convolutions MXNet can't read
    import mxnet
    np.savez_compressed(RECORDED, **{f'{name}/{key}': array for name in CASES for key, array in run(mxnet, name).items()})
