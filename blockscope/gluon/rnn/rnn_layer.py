"""Recurrent layers, which compute whole sequences at once (MXNet's `mxnet.gluon.rnn.rnn_layer`)."""
import re
import warnings

from ... import ndarray, symbol
from .._calls import as_ndarray
from .._hybrid_block import HybridBlock
from ..parameter import tensor_types
from ._cells import GRUCell, LSTMCell, RNNCell
from ._containers import BidirectionalCell, HybridSequentialRNNCell
from ._modifiers import DropoutCell

__all__ = ['RNN', 'LSTM', 'GRU']

_GATES = {'rnn_relu': 1, 'rnn_tanh': 1, 'lstm': 4, 'gru': 3}
_OWN_PARAMETER = re.compile(r'([lr])(\d+)_((?:i2h|h2h|h2r)_(?:weight|bias))')


class _RNNLayer(HybridBlock):
    """What the three kinds of layers share; see `RNN` for the parameters."""

    def __init__(self, hidden_size, num_layers, layout, dropout, bidirectional, input_size, i2h_weight_initializer,
                 h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, mode, projection_size,
                 h2r_weight_initializer, lstm_state_clip_min, lstm_state_clip_max, lstm_state_clip_nan, dtype,
                 use_sequence_length=False, **kwargs):
        super().__init__(**kwargs)
        if layout not in ('TNC', 'NTC'):
            raise AssertionError(f"Invalid layout {layout}; must be one of ['TNC' or 'NTC']")
        self._hidden_size = hidden_size
        self._projection_size = projection_size or None
        self._num_layers = num_layers
        self._mode = mode
        self._layout = layout
        self._dropout = dropout
        self._dir = 2 if bidirectional else 1
        self._input_size = input_size
        self._i2h_weight_initializer = i2h_weight_initializer
        self._h2h_weight_initializer = h2h_weight_initializer
        self._i2h_bias_initializer = i2h_bias_initializer
        self._h2h_bias_initializer = h2h_bias_initializer
        self._h2r_weight_initializer = h2r_weight_initializer
        self._lstm_state_clip_min = lstm_state_clip_min
        self._lstm_state_clip_max = lstm_state_clip_max
        self._lstm_state_clip_nan = lstm_state_clip_nan
        self._dtype = dtype
        self._use_sequence_length = use_sequence_length
        self.skip_states = None
        self._gates = _GATES[mode]
        self._register_params()

    def _register_params(self):
        """Make the parameters of all layers and directions."""
        rows, width = self._gates * self._hidden_size, self._projection_size or self._hidden_size
        channels = self._input_size
        for layer in range(self._num_layers):
            for side in self._sides():
                name = f'{side}{layer}_'
                self._register_param(name + 'i2h_weight', (rows, channels), self._i2h_weight_initializer, self._dtype)
                self._register_param(name + 'h2h_weight', (rows, width), self._h2h_weight_initializer, self._dtype)
                self._register_param(name + 'i2h_bias', (rows,), self._i2h_bias_initializer, self._dtype)
                self._register_param(name + 'h2h_bias', (rows,), self._h2h_bias_initializer, self._dtype)
                if self._projection_size:
                    self._register_param(name + 'h2r_weight', (width, self._hidden_size), self._h2r_weight_initializer,
                                         self._dtype)
            channels = width * self._dir

    def _register_param(self, name, shape, init, dtype):
        """Make one parameter and the attribute of its name."""
        param = self.params.get(name, shape=shape, init=init, allow_deferred_init=True, dtype=dtype)
        setattr(self, name, param)
        return param

    def _sides(self):
        return 'lr'[:self._dir]

    def __repr__(self):
        rows, channels = self.l0_i2h_weight.shape
        parts = [f'{channels or None} -> {rows // self._gates}', self._layout]
        if self._num_layers != 1:
            parts.append(f'num_layers={self._num_layers}')
        if self._dropout != 0:
            parts.append(f'dropout={self._dropout}')
        if self._dir == 2:
            parts.append('bidirectional')
        return f"{type(self).__name__}({', '.join(parts)})"

    def _collect_params_with_prefix(self, prefix=''):
        """Return parameters by structure; the keys are those of the unfused cells, as in old files."""
        if prefix:
            prefix += '.'
        bidirectional = any(name.startswith('r') and _OWN_PARAMETER.fullmatch(name) for name in self._reg_params)
        found = {}
        for name, param in self._reg_params.items():
            match = _OWN_PARAMETER.fullmatch(name)
            if match:
                side, layer, kind = match.groups()
                name = f'_unfused.{layer}.{side}_cell.{kind}' if bidirectional else f'_unfused.{layer}.{kind}'
            found[prefix + name] = param
        for name, child in self._children.items():
            found.update(child._collect_params_with_prefix(prefix + name))
        return found

    def state_info(self, batch_size=0):
        """Return a list of dictionaries with `shape`, `__layout__` and `dtype` of each state."""
        layers = self._num_layers * self._dir
        return [{'shape': (layers, batch_size, self._projection_size or self._hidden_size), '__layout__': 'LNC',
                 'dtype': self._dtype}]

    def _unfuse(self):
        """Return a stack of cells that share this layer's parameters."""
        if self._projection_size:
            raise AssertionError('_unfuse does not support projection layer yet!')
        if self._lstm_state_clip_min is not None or self._lstm_state_clip_max is not None:
            raise AssertionError('_unfuse does not support state clipping yet!')
        stack = HybridSequentialRNNCell(prefix=self.prefix, params=self.params)
        with stack.name_scope():
            channels = self._input_size
            for layer in range(self._num_layers):
                cells = [self._unfused_cell(f'{side}{layer}_', channels) for side in self._sides()]
                stack.add(BidirectionalCell(*cells) if self._dir == 2 else cells[0])
                if self._dropout > 0 and layer != self._num_layers - 1:
                    stack.add(DropoutCell(self._dropout))
                channels = self._hidden_size * self._dir
        return stack

    def _unfused_cell(self, prefix, input_size):
        options = {'prefix': prefix, 'input_size': input_size, 'i2h_weight_initializer': self._i2h_weight_initializer,
                   'h2h_weight_initializer': self._h2h_weight_initializer,
                   'i2h_bias_initializer': self._i2h_bias_initializer,
                   'h2h_bias_initializer': self._h2h_bias_initializer}
        if self._mode == 'lstm':
            return LSTMCell(self._hidden_size, **options)
        if self._mode == 'gru':
            return GRUCell(self._hidden_size, **options)
        return RNNCell(self._hidden_size, activation=self._mode.removeprefix('rnn_'), **options)

    def cast(self, dtype):
        """Convert all parameters to another data type."""
        super().cast(dtype)
        self._dtype = dtype

    def begin_state(self, batch_size=0, func=ndarray.zeros, **kwargs):
        """Return the states for the first step.

        Parameters
        ----------
        batch_size : int
        func : callable, default `mx.nd.zeros`
            Makes a state: `func(name=..., shape=..., dtype=..., ...)`.
        **kwargs
            More arguments for `func`, such as `ctx` or `dtype`.

        Returns
        -------
        list of NDArray
        """
        return [func(name=f'{self.prefix}h0_{i}', **{**(info or {}), **kwargs})
                for i, info in enumerate(self.state_info(batch_size))]

    def infer_shape(self, inputs, *args):
        """Take the input's number of channels for the weights of the first layer."""
        if len(inputs.shape) != 3:
            raise ValueError(f'{type(self).__name__} {self.name} takes a sequence with the three axes {self._layout}, '
                             f'but got an array of shape {inputs.shape}')
        for side in self._sides():
            param = getattr(self, f'{side}0_i2h_weight')
            param.shape = (param.shape[0], inputs.shape[2])

    def __call__(self, inputs, states=None, sequence_length=None, **kwargs):
        """Run the layer over a sequence.

        Parameters
        ----------
        inputs : NDArray
            ``(time, batch, channels)``, or ``(batch, time, channels)`` with layout NTC.
        states : NDArray or list of NDArray, optional
            First states, each ``(layers * directions, batch, hidden)``; zeros by default.
        sequence_length : NDArray, optional
            Number of steps that belong to each sequence, ``(batch,)``, for a layer made with
            `use_sequence_length=True`.

        Returns
        -------
        NDArray or (NDArray, list of NDArray)
            Outputs of the last layer; with `states`, the last states too.
        """
        inputs = as_ndarray(inputs)
        if self.skip_states is not (states is None):
            self.skip_states = states is None
            self._clear_cached_op()  # the graph with states returned is another one
        if states is None:
            states = self._first_states(inputs)
        states = as_ndarray(states)
        if isinstance(states, tensor_types):
            states = [states]
        if self._use_sequence_length:
            return super().__call__(inputs, states, sequence_length, **kwargs)
        if sequence_length is not None:
            warnings.warn(f'{type(self).__name__} {self.name} ignores sequence_length, since it was made without '
                          'use_sequence_length=True.', stacklevel=2)
        return super().__call__(inputs, states, **kwargs)

    def _first_states(self, inputs):
        if isinstance(inputs, symbol.Symbol):
            return self.begin_state(0, func=symbol.zeros)  # the batch size follows from the shapes of a call
        return self.begin_state(inputs.shape[self._layout.find('N')], ctx=inputs.context, dtype=inputs.dtype)

    def hybrid_forward(self, F, inputs, states, sequence_length=None, **kwargs):
        """Compute the outputs of a sequence, and the last states."""
        if F is ndarray:
            self._check_states(inputs.shape[self._layout.find('N')], states)
        outputs, states = self._forward_kernel(F, inputs, states, sequence_length, **kwargs)
        return outputs if self.skip_states else (outputs, states)

    def _check_states(self, batch_size, states):
        for state, info in zip(states, self.state_info(batch_size)):
            if state.shape != info['shape']:
                raise ValueError(f"Invalid recurrent state shape. Expecting {info['shape']}, got {state.shape}.")

    def _forward_kernel(self, F, inputs, states, sequence_length, **kwargs):
        """Call the fused operator."""
        if self._layout == 'NTC':
            inputs = F.swapaxes(inputs, 0, 1)
        pieces = ('i2h_weight', 'h2h_weight', 'h2r_weight') if self._projection_size else ('i2h_weight', 'h2h_weight')
        packed = [kwargs[f'{side}{layer}_{piece}'].reshape(-1) for kind in (pieces, ('i2h_bias', 'h2h_bias'))
                  for layer in range(self._num_layers) for side in self._sides() for piece in kind]
        arrays = [inputs, F._internal._rnn_param_concat(*packed, dim=0), *states]
        if self._use_sequence_length:
            arrays.append(sequence_length)
        found = F.RNN(*arrays, use_sequence_length=self._use_sequence_length, state_size=self._hidden_size,
                      projection_size=self._projection_size, num_layers=self._num_layers, bidirectional=self._dir == 2,
                      p=self._dropout, state_outputs=True, mode=self._mode,
                      lstm_state_clip_min=self._lstm_state_clip_min, lstm_state_clip_max=self._lstm_state_clip_max,
                      lstm_state_clip_nan=self._lstm_state_clip_nan)
        outputs, states = found[0], [found[1], found[2]] if self._mode == 'lstm' else [found[1]]
        if self._layout == 'NTC':
            outputs = F.swapaxes(outputs, 0, 1)
        return outputs, states


class RNN(_RNNLayer):
    """Elman layers: `h' = activation(W x + b + U h + c)` at each step.

    Parameters
    ----------
    hidden_size : int
        Channels of the output, for each direction.
    num_layers : int, default 1
        Layers on top of each other.
    activation : {'relu', 'tanh'}, default 'relu'
    layout : {'TNC', 'NTC'}, default 'TNC'
        Order of time, batch and channels of input and output.
    dropout : float, default 0
        Part of the values set to 0 between layers while training.
    bidirectional : bool, default False
        Whether to run over the sequence backwards too; outputs of both directions are joined.
    i2h_weight_initializer, h2h_weight_initializer : str or Initializer, optional
        For the weights of the input and of the state; the block's initializer by default.
    i2h_bias_initializer, h2h_bias_initializer : str or Initializer, default 'zeros'
        For the biases.
    input_size : int, default 0
        Channels of the input; 0 to take them from the first one.
    dtype : str, default 'float32'
        Of parameters and states.
    use_sequence_length : bool, default False
        Whether calls take `sequence_length`. (Other keywords are those of `HybridBlock`.)

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.rnn.RNN(4, num_layers=2, bidirectional=True)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((5, 2, 3))).shape
    (5, 2, 8)
    >>> layer
    RNN(3 -> 4, TNC, num_layers=2, bidirectional)
    """

    def __init__(self, hidden_size, num_layers=1, activation='relu', layout='TNC', dropout=0, bidirectional=False,
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', input_size=0, dtype='float32', **kwargs):
        if activation not in ('relu', 'tanh'):
            raise ValueError(f"activation of gluon.rnn.RNN must be 'relu' or 'tanh', but is {activation!r}; "
                             'RNNCell takes others')
        super().__init__(hidden_size, num_layers, layout, dropout, bidirectional, input_size, i2h_weight_initializer,
                         h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 'rnn_' + activation, None,
                         None, None, None, False, dtype, **kwargs)


class LSTM(_RNNLayer):
    """Long short-term memory layers; see `LSTMCell` for one step.

    Parameters
    ----------
    hidden_size, num_layers, layout, dropout, bidirectional, input_size, initializers, dtype, use_sequence_length
        See `RNN`.
    projection_size : int, optional
        Project outputs to so many channels (and the first of the two states with them).
    h2r_weight_initializer : str or Initializer, optional
        For the weights of the projection.
    state_clip_min, state_clip_max : float, optional
        Bounds of the cell state after each step; both or none.
    state_clip_nan : bool, default False
        Whether a NaN in the cell state becomes `state_clip_min` instead of spreading.

    References
    ----------
    Sak, Senior, Beaufays, "Long short-term memory recurrent neural network architectures for large scale acoustic
    modeling" (2014), for the projection.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.rnn.LSTM(4, layout='NTC', prefix='lstm_')
    >>> layer.initialize()
    >>> outputs, states = layer(mx.nd.ones((2, 5, 3)), layer.begin_state(2))
    >>> outputs.shape, [state.shape for state in states]
    ((2, 5, 4), [(1, 2, 4), (1, 2, 4)])
    >>> list(layer.collect_params())
    ['lstm_l0_i2h_weight', 'lstm_l0_h2h_weight', 'lstm_l0_i2h_bias', 'lstm_l0_h2h_bias']
    """

    def __init__(self, hidden_size, num_layers=1, layout='TNC', dropout=0, bidirectional=False, input_size=0,
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', projection_size=None, h2r_weight_initializer=None, state_clip_min=None,
                 state_clip_max=None, state_clip_nan=False, dtype='float32', **kwargs):
        super().__init__(hidden_size, num_layers, layout, dropout, bidirectional, input_size, i2h_weight_initializer,
                         h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 'lstm', projection_size,
                         h2r_weight_initializer, state_clip_min, state_clip_max, state_clip_nan, dtype, **kwargs)

    def state_info(self, batch_size=0):
        """Return a list of dictionaries with `shape`, `__layout__` and `dtype` of both states."""
        cell = {'shape': (self._num_layers * self._dir, batch_size, self._hidden_size), '__layout__': 'LNC',
                'dtype': self._dtype}
        return [*super().state_info(batch_size), cell]


class GRU(_RNNLayer):
    """Gated recurrent layers; see `GRUCell` for one step.

    Parameters
    ----------
    hidden_size, num_layers, layout, dropout, bidirectional, input_size, initializers, dtype, use_sequence_length
        See `RNN`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.rnn.GRU(4, use_sequence_length=True)
    >>> layer.initialize()
    >>> outputs = layer(mx.nd.ones((3, 2, 5)), None, mx.nd.array([3, 1]))
    >>> outputs[2, 1]  # past the end of the second sequence
    <BLANKLINE>
    [0. 0. 0. 0.]
    <NDArray 4 @cpu(0)>
    """

    def __init__(self, hidden_size, num_layers=1, layout='TNC', dropout=0, bidirectional=False, input_size=0,
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', dtype='float32', **kwargs):
        super().__init__(hidden_size, num_layers, layout, dropout, bidirectional, input_size, i2h_weight_initializer,
                         h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 'gru', None, None, None,
                         None, False, dtype, **kwargs)
