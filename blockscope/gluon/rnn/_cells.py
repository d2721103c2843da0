"""The three cells with parameters: Elman, LSTM, GRU."""
from ._cell_base import HybridRecurrentCell

__all__ = ['GRUCell', 'LSTMCell', 'RNNCell']


class _GatedCell(HybridRecurrentCell):
    """A cell with two affine maps, of the input and of the state, to all of its gates."""

    _gates = 1
    _states = 1
    _hint = None

    def __init__(self, hidden_size, i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                 h2h_bias_initializer, input_size, prefix, params):
        super().__init__(prefix=prefix, params=params)
        self._hidden_size = hidden_size
        self._input_size = input_size
        rows = self._gates * hidden_size
        for name, shape, init in (('i2h_weight', (rows, input_size), i2h_weight_initializer),
                                  ('h2h_weight', (rows, hidden_size), h2h_weight_initializer),
                                  ('i2h_bias', (rows,), i2h_bias_initializer),
                                  ('h2h_bias', (rows,), h2h_bias_initializer)):
            setattr(self, name, self.params.get(name, shape=shape, init=init, allow_deferred_init=True))

    def state_info(self, batch_size=0):
        """Return a list of dictionaries with `shape` and `__layout__` of each state."""
        return [{'shape': (batch_size, self._hidden_size), '__layout__': 'NC'} for _ in range(self._states)]

    def _alias(self):
        return self._hint

    def __repr__(self):
        rows, channels = self.i2h_weight.shape
        return f'{type(self).__name__}({channels or None} -> {rows}{self._repr_tail()})'

    def _repr_tail(self):
        return ''

    def _affine(self, F, name, inputs, weight, bias):
        """Return the affine map of one step's input or state."""
        return F.FullyConnected(data=inputs, weight=weight, bias=bias, num_hidden=self._gates * self._hidden_size,
                                name=f't{self._counter}_{name}')


class RNNCell(_GatedCell):
    """Elman cell: `h' = tanh(W x + b + U h + c)`.

    Parameters
    ----------
    hidden_size : int
        Channels of the output.
    activation : str, block or callable, default 'tanh'
        A callable takes the array and `name`.
    i2h_weight_initializer, h2h_weight_initializer : str or Initializer, optional
        For the weights of the input and of the state; the block's initializer by default.
    i2h_bias_initializer, h2h_bias_initializer : str or Initializer, default 'zeros'
        For the biases.
    input_size : int, default 0
        Channels of the input; 0 to take them from the first one.
    prefix : str, optional
        What the names of parameters and states start with.
    params : ParameterDict, optional
        Parameters to share.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.rnn.RNNCell(4, input_size=3)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3)), cell.begin_state(2))
    >>> cell, output.shape
    (RNNCell(3 -> 4, tanh), (2, 4))
    """

    _hint = 'rnn'

    def __init__(self, hidden_size, activation='tanh', i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer='zeros', h2h_bias_initializer='zeros', input_size=0, prefix=None, params=None):
        super().__init__(hidden_size, i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, input_size, prefix, params)
        self._activation = activation

    def _repr_tail(self):
        return f', {self._activation}'

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        """Compute one time step."""
        i2h = self._affine(F, 'i2h', inputs, i2h_weight, i2h_bias)
        h2h = self._affine(F, 'h2h', states[0], h2h_weight, h2h_bias)
        total = F.elemwise_add(i2h, h2h, name=f't{self._counter}_plus0')
        output = self._get_activation(F, total, self._activation, name=f't{self._counter}_out')
        return output, [output]


class LSTMCell(_GatedCell):
    """Long short-term memory cell; gates in the order input, forget, cell, output.

    Parameters
    ----------
    hidden_size : int
        Channels of the output.
    initializers, input_size, prefix, params
        See `RNNCell`.
    activation : str, default 'tanh'
        Of the cell's input and output.
    recurrent_activation : str, default 'sigmoid'
        Of the gates.

    References
    ----------
    Hochreiter, Schmidhuber, "Long short-term memory" (1997); Gers, Schmidhuber, Cummins, "Learning to forget" (2000).

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.rnn.LSTMCell(4)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3)), cell.begin_state(2))
    >>> cell, len(states)
    (LSTMCell(3 -> 16), 2)
    """

    _gates = 4
    _states = 2
    _hint = 'lstm'

    def __init__(self, hidden_size, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer='zeros', h2h_bias_initializer='zeros', input_size=0, prefix=None, params=None,
                 activation='tanh', recurrent_activation='sigmoid'):
        super().__init__(hidden_size, i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, input_size, prefix, params)
        self._activation = activation
        self._recurrent_activation = recurrent_activation

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        """Compute one time step."""
        t = f't{self._counter}_'
        i2h = self._affine(F, 'i2h', inputs, i2h_weight, i2h_bias)
        h2h = self._affine(F, 'h2h', states[0], h2h_weight, h2h_bias)
        parts = F.SliceChannel(F.elemwise_add(i2h, h2h, name=t + 'plus0'), num_outputs=4, name=t + 'slice')
        kinds = (('i', self._recurrent_activation), ('f', self._recurrent_activation), ('c', self._activation),
                 ('o', self._recurrent_activation))
        gates = [self._get_activation(F, part, kind, name=t + name) for part, (name, kind) in zip(parts, kinds)]
        write, keep, candidate, read = gates
        kept = F.elemwise_mul(keep, states[1], name=t + 'mul0')
        cell = F.elemwise_add(kept, F.elemwise_mul(write, candidate, name=t + 'mul1'), name=t + 'state')
        output = F.elemwise_mul(read, self._squash(F, cell, t + 'activation0'), name=t + 'out')
        return output, [output, cell]

    def _squash(self, F, cell, name):
        if isinstance(self._activation, str):
            return F.Activation(cell, act_type=self._activation, name=name)
        return self._get_activation(F, cell, self._activation, name=name)


class GRUCell(_GatedCell):
    """Gated recurrent unit as in cuDNN: gates are reset, update, new; the reset gate acts after the matrix product.

    Parameters
    ----------
    hidden_size : int
        Channels of the output.
    initializers, input_size, prefix, params
        See `RNNCell`.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014).

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.rnn.GRUCell(4, prefix='gru_')
    >>> list(cell.collect_params())
    ['gru_i2h_weight', 'gru_h2h_weight', 'gru_i2h_bias', 'gru_h2h_bias']
    """

    _gates = 3
    _hint = 'gru'

    def __init__(self, hidden_size, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer='zeros', h2h_bias_initializer='zeros', input_size=0, prefix=None, params=None):
        super().__init__(hidden_size, i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, input_size, prefix, params)

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        """Compute one time step."""
        t, state = f't{self._counter}_', states[0]
        i2h = self._affine(F, 'i2h', inputs, i2h_weight, i2h_bias)
        h2h = self._affine(F, 'h2h', state, h2h_weight, h2h_bias)
        i2h_r, i2h_z, i2h_n = F.SliceChannel(i2h, num_outputs=3, name=t + 'i2h_slice')
        h2h_r, h2h_z, h2h_n = F.SliceChannel(h2h, num_outputs=3, name=t + 'h2h_slice')
        reset = F.Activation(F.elemwise_add(i2h_r, h2h_r, name=t + 'plus0'), act_type='sigmoid', name=t + 'r_act')
        update = F.Activation(F.elemwise_add(i2h_z, h2h_z, name=t + 'plus1'), act_type='sigmoid', name=t + 'z_act')
        total = F.elemwise_add(i2h_n, F.elemwise_mul(reset, h2h_n, name=t + 'mul0'), name=t + 'plus2')
        new = F.Activation(total, act_type='tanh', name=t + 'h_act')
        rest = F.elemwise_sub(F.ones_like(update, name=t + 'ones_like0'), update, name=t + 'minus0')
        output = F.elemwise_add(F.elemwise_mul(rest, new, name=t + 'mul1'),
                                F.elemwise_mul(update, state, name=t + 'mul20'), name=t + 'out')
        return output, [output]
