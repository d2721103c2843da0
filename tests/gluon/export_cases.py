"""Networks to export, with fixed weights. `python -m tests.gluon.export_cases FOLDER` writes their files and inputs for MXNet.

MXNet then reads them and records what it computes, with the python of an environment that has mxnet 1.9.1:

    python tests/gluon/record_exports.py FOLDER
"""
import pathlib
import sys

import numpy as np

import blockscope as mx
from blockscope.gluon import HybridBlock, nn, rnn


def sequence(*layers, prefix='net_'):
    net = nn.HybridSequential(prefix=prefix)
    with net.name_scope():
        for layer in layers:
            net.add(layer())
    return net


class Part(HybridBlock):
    """A block given by the function that computes it and the children that it has."""

    def __init__(self, function, children=(), constants=(), **kwargs):
        super().__init__(**kwargs)
        self.function = function
        with self.name_scope():
            for name, make in dict(children).items():
                setattr(self, name, make())
        for name, value in dict(constants).items():
            setattr(self, name, self.params.get_constant(name, value))

    def hybrid_forward(self, F, *args, **params):
        return self.function(self, F, *args, **params)


class Shared(HybridBlock):
    """Two layers with one weight."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.a = nn.Dense(4, in_units=4, activation='relu')
            self.b = nn.Dense(4, in_units=4, params=self.a.params)

    def hybrid_forward(self, F, x):
        return self.b(self.a(x)) + x


def _residual():
    return Part(lambda block, F, x: F.relu(block.norm(block.conv(x)) + x),
                {'conv': lambda: nn.Conv2D(3, 3, padding=1, use_bias=False), 'norm': nn.BatchNorm})


def _foreach(block, F, x, state):
    out, last = F.contrib.foreach(lambda row, s: (block.fc(row) + s, s * 0.5 + row), x, state)
    return [out, last]


def _control(block, F, x, count):
    _, (i, y) = F.contrib.while_loop(lambda i, y: i < 3, lambda i, y: ([], [i + 1, y * 1.5]), [count, x], max_iterations=5)
    return [F.contrib.cond(F.sum(y) > 0, lambda: y + 1, lambda: y - 1), i]


def _operators(block, F, x, table, index):
    y = F.broadcast_mul(F.softmax(x, axis=1), table)
    a, b = F.split(y, num_outputs=2, axis=1)
    rows = F.take(table.reshape((4, 1)), index)
    return [F.concat(a, b * 2, a - b, dim=1), [F.clip(F.sqrt(F.abs(x)) / 3 - 1, -0.5, 0.5), rows, F.max(x, axis=1, keepdims=True)],
            F.where(x > 0, x, F.zeros_like(x)), F.slice_axis(F.transpose(x), axis=0, begin=1, end=3)]


def _unrolled(cell):
    return Part(lambda block, F, x: block.cell.unroll(3, x, merge_outputs=True)[0], {'cell': cell}, prefix='net_')


# Name: the block, shapes of its inputs (a number stands for class numbers of that many rows), and their type.
CASES = {
    'mlp': (lambda: sequence(lambda: nn.Dense(5, activation='relu'), lambda: nn.Dropout(0.5), lambda: nn.Dense(3, use_bias=False)),
            [(2, 4)]),
    'convolutional': (lambda: sequence(lambda: nn.Conv2D(3, 3, padding=1), nn.BatchNorm, lambda: nn.Activation('relu'), _residual,
                                       lambda: nn.MaxPool2D(2, 2), lambda: nn.AvgPool2D(2, 1, ceil_mode=True), nn.Flatten,
                                       lambda: nn.Dense(3)), [(2, 2, 8, 8)]),
    'transposed': (lambda: sequence(lambda: nn.Conv2DTranspose(3, 3, strides=2, output_padding=1), lambda: nn.LeakyReLU(0.1),
                                    nn.InstanceNorm, nn.GlobalAvgPool2D), [(2, 2, 4, 4)]),
    'norms': (lambda: sequence(nn.LayerNorm, nn.PReLU, nn.GELU, nn.ELU, nn.SELU, nn.Swish, lambda: nn.Dense(2, flatten=False)),
              [(2, 3, 4)]),
    'embedding': (lambda: sequence(lambda: nn.Embedding(5, 3), nn.Flatten, lambda: nn.Dense(2, activation='tanh')), [5]),
    'lstm': (lambda: sequence(lambda: rnn.LSTM(3, 2, 'NTC', dropout=0.2, bidirectional=True), lambda: nn.Dense(2, flatten=False)),
             [(2, 3, 4)]),
    'gru': (lambda: sequence(lambda: rnn.GRU(3), lambda: rnn.RNN(2, activation='tanh')), [(3, 2, 4)]),
    'unrolled': (lambda: _unrolled(lambda: rnn.ResidualCell(rnn.GRUCell(4))), [(2, 3, 4)]),
    'constants': (lambda: Part(_operators, constants={'table': [[1, 2, 3, 4]], 'index': [2, 0]}, prefix='net_'), [(2, 4)]),
    'shared': (lambda: Shared(prefix='net_'), [(2, 4)]),
    'twice': (lambda: Part(lambda block, F, x: block.fc(F.relu(block.fc(x))) + block.fc(x), {'fc': lambda: nn.Dense(4, activation='tanh')},
                           prefix='net_'), [(2, 4)]),
    'no_prefix': (lambda: sequence(lambda: nn.Dense(3, prefix=''), lambda: nn.Activation('relu', prefix=''), prefix=''), [(2, 4)]),
    'foreach': (lambda: Part(_foreach, {'fc': lambda: nn.Dense(4, in_units=4)}, prefix='net_'), [(3, 2, 4), (2, 4)]),
    'control': (lambda: Part(_control, prefix='net_'), [(2, 4), (1,)]),
    'double': (lambda: sequence(lambda: nn.Dense(3, dtype='float64', in_units=4, activation='softsign')), [(2, 4)], 'float64'),
    'half': (lambda: _cast(sequence(lambda: nn.Embedding(5, 3), lambda: nn.BatchNorm(axis=2), lambda: nn.Activation('relu'))), [5],
             'float16'),
}


def _cast(net):
    net.cast('float16')
    return net


def inputs_of(name):
    """Return the inputs of a network as NumPy arrays."""
    random = np.random.RandomState(7)
    _, shapes, *dtype = CASES[name]
    return [random.randint(0, shape, (2, 3)).astype(*dtype or ['float32']) if isinstance(shape, int)
            else random.uniform(-1, 1, shape).astype(*dtype or ['float32']) for shape in shapes]


def made(name):
    """Return a network with fixed weights, hybridized and run once, and what it gives, as a flat list."""
    with mx.name.NameManager():
        net = CASES[name][0]()
    net.initialize()
    arrays = [mx.nd.array(x, dtype=x.dtype) for x in inputs_of(name)]
    net(*arrays)
    random = np.random.RandomState(9)
    for key, param in net.collect_params().items():
        if not isinstance(param, mx.gluon.Constant):
            low = 0.5 if key.endswith('var') else -0.5
            param.set_data(mx.nd.array(random.uniform(low, 1, param.shape), dtype=param.dtype))
    net.hybridize()
    return net, flat(net(*arrays))


def flat(out):
    """Return the arrays of nested lists."""
    return [x for item in out for x in flat(item)] if isinstance(out, (list, tuple)) else [out]


def export_all(folder):
    """Write the files of all networks, and `<name>-inputs.npz`."""
    for name in CASES:
        made(name)[0].export(str(folder / name))
        np.savez(folder / f'{name}-inputs.npz', *inputs_of(name))


if __name__ == '__main__':
    export_all(pathlib.Path(sys.argv[1]))
