"""What the convolutional cells share, and the three kinds: Elman, LSTM, GRU.

Known bug of MXNet 1.9.1 that is fixed here: a list as kernel is taken as a tuple is (TypeError there).
"""
from .... import ndarray
from ....base import numeric_types
from ...rnn import HybridRecurrentCell

__all__ = ['_BaseConvRNNCell', '_ConvGRUCell', '_ConvLSTMCell', '_ConvRNNCell']


def _get_conv_out_size(dimensions, kernels, paddings, dilations):
    """Return the size of a convolution's output of stride 1; unknown sizes (0) stay unknown."""
    return tuple(int(x + 2 * p - d * (k - 1)) if x else 0 for x, k, p, d in zip(dimensions, kernels, paddings, dilations))


def _setting(value, dims):
    """Return one number an axis.

    Raises
    ------
    AssertionError
        If there are more or fewer.
    """
    if isinstance(value, numeric_types):
        return (value,) * dims
    if len(value) != dims:
        raise AssertionError(f'For {dims}D convolution, the convolution settings can only be either int or list/tuple of length '
                             f'{dims}')
    return tuple(value)


class _BaseConvRNNCell(HybridRecurrentCell):
    """A cell with two convolutions, of the input and of the state, to all of its gates."""

    _states = 1
    _gate_names: tuple[str, ...] = ('',)
    _hint = None

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                 i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, dims, conv_layout,
                 activation, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        if len(input_shape) != dims + 1:
            raise ValueError(f'input_shape of a {dims}D cell has {dims + 1} numbers, in the order {conv_layout[1:]}, '
                             f'but is {input_shape}')
        self._hidden_channels = hidden_channels
        self._input_shape = input_shape
        self._conv_layout = conv_layout
        self._activation = activation
        self._stride = (1,) * dims
        self._i2h_kernel, self._i2h_pad, self._i2h_dilate, self._h2h_kernel, self._h2h_dilate = (
            _setting(value, dims) for value in (i2h_kernel, i2h_pad, i2h_dilate, h2h_kernel, h2h_dilate))
        if any(k % 2 == 0 for k in self._h2h_kernel):
            raise AssertionError(f'Only support odd number, get h2h_kernel= {h2h_kernel}')
        (self._channel_axis, self._in_channels, i2h_shape, h2h_shape, self._h2h_pad, self._state_shape) = self._decide_shapes()
        rows = hidden_channels * self._num_gates
        for name, shape, init in (('i2h_weight', i2h_shape, i2h_weight_initializer),
                                  ('h2h_weight', h2h_shape, h2h_weight_initializer),
                                  ('i2h_bias', (rows,), i2h_bias_initializer), ('h2h_bias', (rows,), h2h_bias_initializer)):
            setattr(self, name, self.params.get(name, shape=shape, init=init, allow_deferred_init=True))

    def _decide_shapes(self):
        """Return channel axis, input channels, shapes of both weights, padding that keeps the state's size, state's shape."""
        channel_axis = self._conv_layout.find('C')
        first = channel_axis == 1  # whether channels come before the other axes
        in_channels = self._input_shape[channel_axis - 1]
        sizes = self._input_shape[1:] if first else self._input_shape[:-1]

        def joined(channels, others):
            return (channels, *others) if first else (*others, channels)
        rows = self._hidden_channels * self._num_gates
        state = _get_conv_out_size(sizes, self._i2h_kernel, self._i2h_pad, self._i2h_dilate)
        pad = tuple(d * (k - 1) // 2 for d, k in zip(self._h2h_dilate, self._h2h_kernel))
        return (channel_axis, in_channels, (rows, *joined(in_channels, self._i2h_kernel)),
                (rows, *joined(self._hidden_channels, self._h2h_kernel)), pad, joined(self._hidden_channels, state))

    @property
    def _num_gates(self):
        return len(self._gate_names)

    def _alias(self):
        return self._hint

    def __repr__(self):
        shape = self.i2h_weight.shape
        channels = shape[1 if self._channel_axis == 1 else -1]
        return f'{type(self).__name__}({channels or None} -> {shape[0]}, {self._activation}, {self._conv_layout})'

    def state_info(self, batch_size=0):
        """Return a list of dictionaries with `shape` and `__layout__` of each state."""
        return [{'shape': (batch_size, *self._state_shape), '__layout__': self._conv_layout} for _ in range(self._states)]

    def begin_state(self, batch_size=0, func=ndarray.zeros, **kwargs):
        """Return the states for the first step; see `RecurrentCell.begin_state`.

        Raises
        ------
        ValueError
            The kernel for the input is larger than the padded input.
        """
        if min(self._state_shape) < 0:
            raise ValueError(f'{type(self).__name__} {self.name} has no state: i2h_kernel {self._i2h_kernel} with i2h_dilate '
                             f'{self._i2h_dilate} and i2h_pad {self._i2h_pad} is larger than input_shape {self._input_shape} '
                             f'({self._conv_layout[1:]})')
        return super().begin_state(batch_size=batch_size, func=func, **kwargs)

    def _conv_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias, prefix):
        """Return the convolutions of one step's input and state."""
        common = {'num_filter': self._hidden_channels * self._num_gates, 'stride': self._stride, 'layout': self._conv_layout}
        i2h = F.Convolution(data=inputs, weight=i2h_weight, bias=i2h_bias, kernel=self._i2h_kernel, pad=self._i2h_pad,
                            dilate=self._i2h_dilate, name=prefix + 'i2h', **common)
        h2h = F.Convolution(data=states[0], weight=h2h_weight, bias=h2h_bias, kernel=self._h2h_kernel, pad=self._h2h_pad,
                            dilate=self._h2h_dilate, name=prefix + 'h2h', **common)
        return i2h, h2h


class _ConvRNNCell(_BaseConvRNNCell):
    """`h' = activation(W * x + b + U * h + c)`."""

    _hint = 'conv_rnn'

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        """Compute one time step."""
        t = f't{self._counter}_'
        i2h, h2h = self._conv_forward(F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias, t)
        output = self._get_activation(F, i2h + h2h, self._activation, name=t + 'out')
        return output, [output]


class _ConvLSTMCell(_BaseConvRNNCell):
    """Gates in the order input, forget, cell, output."""

    _states = 2
    _gate_names = ('_i', '_f', '_c', '_o')
    _hint = 'conv_lstm'

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        """Compute one time step."""
        t = f't{self._counter}_'
        i2h, h2h = self._conv_forward(F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias, t)
        write, keep, candidate, read = F.SliceChannel(i2h + h2h, num_outputs=4, name=t + 'slice', axis=self._channel_axis)
        write = F.Activation(write, act_type='sigmoid', name=t + 'i')
        keep = F.Activation(keep, act_type='sigmoid', name=t + 'f')
        candidate = self._get_activation(F, candidate, self._activation, name=t + 'c')
        read = F.Activation(read, act_type='sigmoid', name=t + 'o')
        cell = F.elemwise_add(keep * states[1], write * candidate, name=t + 'state')
        output = F.elemwise_mul(read, self._get_activation(F, cell, self._activation), name=t + 'out')
        return output, [output, cell]


class _ConvGRUCell(_BaseConvRNNCell):
    """Gates in the order reset, update, new; the reset gate acts after the convolution."""

    _gate_names = ('_r', '_z', '_o')
    _hint = 'conv_gru'

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        """Compute one time step."""
        t = f't{self._counter}_'
        i2h, h2h = self._conv_forward(F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias, t)
        i2h_r, i2h_z, i2h_n = F.SliceChannel(i2h, num_outputs=3, name=t + 'i2h_slice', axis=self._channel_axis)
        h2h_r, h2h_z, h2h_n = F.SliceChannel(h2h, num_outputs=3, name=t + 'h2h_slice', axis=self._channel_axis)
        reset = F.Activation(i2h_r + h2h_r, act_type='sigmoid', name=t + 'r_act')
        update = F.Activation(i2h_z + h2h_z, act_type='sigmoid', name=t + 'z_act')
        new = self._get_activation(F, i2h_n + reset * h2h_n, self._activation, name=t + 'h_act')
        output = F.elemwise_add((1. - update) * new, update * states[0], name=t + 'out')
        return output, [output]
