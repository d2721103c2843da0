"""Dropout that is the same at every step, LSTM with a projection, and unrolling by a loop operator.

Known bugs of MXNet 1.9.1 that are fixed here:

- `VariationalDropoutCell` with `drop_states` over a stack of cells looks for a bidirectional one inside, as its message says
  (AttributeError, or an error at the first step, there).
- `dynamic_unroll` of layout NTC drops the same values at every step (there, of every sequence); it counts steps on the context of
  the states.
"""
from .... import ndarray
from ..._calls import as_ndarray
from ...parameter import tensor_types
from ...rnn import BidirectionalCell, HybridRecurrentCell, HybridSequentialRNNCell, ModifierCell, SequentialRNNCell
from ...rnn.rnn_cell import _format_sequence, _get_begin_state

__all__ = ['VariationalDropoutCell', 'LSTMPCell']


def _is_bidirectional(cell):
    """Return whether a bidirectional cell is somewhere in a stack of cells."""
    if isinstance(cell, (SequentialRNNCell, HybridSequentialRNNCell)):
        return any(isinstance(child, BidirectionalCell) or _is_bidirectional(child) for child in cell._children.values())
    return False


class VariationalDropoutCell(ModifierCell):
    """Dropout of inputs, states and outputs with one mask each for all steps of a sequence.

    A mask is drawn at the first step after `reset`, which `unroll` calls by itself: call it after each sequence when stepping.

    Parameters
    ----------
    base_cell : RecurrentCell
    drop_inputs, drop_states, drop_outputs : float, default 0
        Part of the values that are set to 0 while training. Of the states, the first one is changed only.

    References
    ----------
    Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.VariationalDropoutCell(mx.gluon.rnn.GRUCell(4, prefix='gru_'), 0.2, drop_outputs=0.5)
    >>> cell.prefix, cell
    ('gru_vardrop', VariationalDropoutCell(p_out = 0.5, p_state = 0.0))
    """

    def __init__(self, base_cell, drop_inputs=0., drop_states=0., drop_outputs=0.):
        if drop_states and isinstance(base_cell, BidirectionalCell):
            raise AssertionError("BidirectionalCell doesn't support variational state dropout. Please add VariationalDropoutCell to "
                                 'the cells underneath instead.')
        if drop_states and _is_bidirectional(base_cell):
            raise AssertionError("Bidirectional SequentialRNNCell doesn't support variational state dropout. Please add "
                                 'VariationalDropoutCell to the cells underneath instead.')
        super().__init__(base_cell)
        self.drop_inputs = drop_inputs
        self.drop_states = drop_states
        self.drop_outputs = drop_outputs
        self._forget_masks()

    def _alias(self):
        return 'vardrop'

    def _forget_masks(self):
        self.drop_inputs_mask = None
        self.drop_states_mask = None
        self.drop_outputs_mask = None

    def reset(self):
        """Start counting steps and states anew, and forget the masks."""
        super().reset()
        self._forget_masks()

    def hybrid_forward(self, F, inputs, states):
        """Compute one time step."""
        def mask_of(x, rate):
            return F.Dropout(F.ones_like(x), p=rate)
        if self.drop_states and self.drop_states_mask is None:
            self.drop_states_mask = mask_of(states[0], self.drop_states)
        if self.drop_inputs and self.drop_inputs_mask is None:
            self.drop_inputs_mask = mask_of(inputs, self.drop_inputs)
        if self.drop_states:
            states = [states[0] * self.drop_states_mask, *states[1:]]
        if self.drop_inputs:
            inputs = inputs * self.drop_inputs_mask
        output, states = self.base_cell(inputs, states)
        if self.drop_outputs and self.drop_outputs_mask is None:
            self.drop_outputs_mask = mask_of(output, self.drop_outputs)
        if self.drop_outputs:
            output = output * self.drop_outputs_mask
        return output, states

    def __repr__(self):
        return f'{type(self).__name__}(p_out = {self.drop_outputs}, p_state = {self.drop_states})'

    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        """Run the base cell over a sequence; see `RecurrentCell.unroll`. By default outputs come in one array."""
        if self.drop_states:
            return super().unroll(length, inputs, begin_state, layout, merge_outputs, valid_length=valid_length)
        # Without masks of states, inputs and outputs of all steps are masked at once.
        self.reset()
        inputs, axis, F, batch_size = _format_sequence(length, inputs, layout, True)
        states = _get_begin_state(self, F, begin_state, inputs, batch_size)
        if self.drop_inputs:
            inputs = F.Dropout(inputs, p=self.drop_inputs, axes=(axis,))
        outputs, states = self.base_cell.unroll(length, inputs, states, layout, merge_outputs=True, valid_length=valid_length)
        if self.drop_outputs:
            outputs = F.Dropout(outputs, p=self.drop_outputs, axes=(axis,))
        # The base cell has set outputs past the end of each sequence to 0, and dropout has kept these zeros.
        return _format_sequence(length, outputs, layout, merge_outputs)[0], states


class LSTMPCell(HybridRecurrentCell):
    """Long short-term memory cell whose output and first state are projected to fewer channels.

    Parameters
    ----------
    hidden_size : int
        Channels of the cell state.
    projection_size : int
        Channels of the output.
    i2h_weight_initializer, h2h_weight_initializer, h2r_weight_initializer : str or Initializer, optional
        For the weights of the input, of the state and of the projection; the block's initializer by default.
    i2h_bias_initializer, h2h_bias_initializer : str or Initializer, default 'zeros'
    input_size : int, default 0
        Channels of the input; 0 to take them from the first one.
    prefix : str, optional
        What the names of parameters and states start with.
    params : ParameterDict, optional
        Parameters to share.

    References
    ----------
    Sak, Senior, Beaufays, "Long short-term memory based recurrent neural network architectures for large vocabulary speech
    recognition", 2014.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.LSTMPCell(4, 2)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((5, 3)), cell.begin_state(5))
    >>> cell, [state.shape for state in states]
    (LSTMPCell(3 -> 16 -> 2), [(5, 2), (5, 4)])
    """

    def __init__(self, hidden_size, projection_size, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 h2r_weight_initializer=None, i2h_bias_initializer='zeros', h2h_bias_initializer='zeros', input_size=0,
                 prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self._hidden_size = hidden_size
        self._input_size = input_size
        self._projection_size = projection_size
        rows = 4 * hidden_size
        for name, shape, init in (('i2h_weight', (rows, input_size), i2h_weight_initializer),
                                  ('h2h_weight', (rows, projection_size), h2h_weight_initializer),
                                  ('h2r_weight', (projection_size, hidden_size), h2r_weight_initializer),
                                  ('i2h_bias', (rows,), i2h_bias_initializer), ('h2h_bias', (rows,), h2h_bias_initializer)):
            setattr(self, name, self.params.get(name, shape=shape, init=init, allow_deferred_init=True))

    def state_info(self, batch_size=0):
        """Return a list of dictionaries with `shape` and `__layout__` of each state."""
        return [{'shape': (batch_size, size), '__layout__': 'NC'} for size in (self._projection_size, self._hidden_size)]

    def _alias(self):
        return 'lstmp'

    def __repr__(self):
        rows, channels = self.i2h_weight.shape
        return f'{type(self).__name__}({channels or None} -> {rows} -> {self.h2r_weight.shape[0]})'

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, h2r_weight, i2h_bias, h2h_bias):
        """Compute one time step."""
        t, rows = f't{self._counter}_', 4 * self._hidden_size
        i2h = F.FullyConnected(data=inputs, weight=i2h_weight, bias=i2h_bias, num_hidden=rows, name=t + 'i2h')
        h2h = F.FullyConnected(data=states[0], weight=h2h_weight, bias=h2h_bias, num_hidden=rows, name=t + 'h2h')
        write, keep, candidate, read = F.SliceChannel(i2h + h2h, num_outputs=4, name=t + 'slice')
        write = F.Activation(write, act_type='sigmoid', name=t + 'i')
        keep = F.Activation(keep, act_type='sigmoid', name=t + 'f')
        candidate = F.Activation(candidate, act_type='tanh', name=t + 'c')
        read = F.Activation(read, act_type='sigmoid', name=t + 'o')
        cell = F.elemwise_add(keep * states[1], write * candidate, name=t + 'state')
        hidden = F.elemwise_mul(read, F.Activation(cell, act_type='tanh'), name=t + 'hidden')
        output = F.FullyConnected(data=hidden, num_hidden=self._projection_size, weight=h2r_weight, no_bias=True, name=t + 'out')
        return output, [output, cell]


def _time_first(F, x, axis, layout):
    """Swap the time axis with the first one."""
    if axis == 0:
        return x
    axes = list(range(len(layout)))
    axes[0], axes[axis] = axis, 0
    return F.transpose(x, axes=axes)


def _masked_step(F, cell, valid_length):
    """Return a step of `cell` that keeps the states of sequences that are over; the last state counts steps."""
    def step(inputs, states):
        *before, count = states
        output, after = cell(inputs, before)
        kept = [F.where(F.broadcast_greater(valid_length, count), new, old) for new, old in zip(after, before)]
        return output, [*kept, count + 1]
    return step


def dynamic_unroll(cell, inputs, begin_state, drop_inputs=0, drop_outputs=0, layout='TNC', valid_length=None):
    """Run a cell over a sequence of any length with the loop operator `foreach`.

    Parameters
    ----------
    cell : RecurrentCell
    inputs : NDArray or list of NDArray
        The sequence, with axes in the order of `layout`.
    begin_state : list of NDArray
        States for the first step.
    drop_inputs, drop_outputs : float, default 0
        Part of the values set to 0 while training, the same at every step.
    layout : {'TNC', 'NTC'}
        Order of batch, time and channels, of inputs and outputs. TNC is faster.
    valid_length : NDArray, optional
        Number of steps that belong to each sequence, ``(batch,)``; outputs past it are 0, and the states returned
        are those of the last step before.

    Returns
    -------
    (NDArray, list of NDArray)
        Outputs of all steps in one array, and the last states.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.rnn.LSTMCell(4)
    >>> cell.initialize()
    >>> inputs, lengths = mx.nd.ones((3, 2, 5)), mx.nd.array([2, 3])
    >>> outputs, states = mx.gluon.contrib.rnn.rnn_cell.dynamic_unroll(cell, inputs, cell.begin_state(2), valid_length=lengths)
    >>> outputs.shape, outputs[2, 0].asnumpy()
    ((3, 2, 4), array([0., 0., 0., 0.], dtype=float32))
    """
    inputs, axis, F, _ = _format_sequence(None, inputs, layout, True)
    inputs = _time_first(F, inputs, axis, layout)
    if drop_inputs:
        inputs = F.Dropout(inputs, p=drop_inputs, axes=(0,))
    states = as_ndarray(begin_state)
    if valid_length is None:
        outputs, states = F.contrib.foreach(cell, inputs, states)
    else:
        valid_length = as_ndarray(valid_length)
        states = [states] if isinstance(states, tensor_types) else list(states)
        if F is ndarray:
            count = ndarray.zeros((1,), ctx=inputs.context, dtype=valid_length.dtype)
        else:
            for state in states:
                F.zeros_like(state)  # takes a name, as in MXNet
            count = F.zeros((1,))
        outputs, states = F.contrib.foreach(_masked_step(F, cell, valid_length), inputs, [*states, count])
        states = states[:-1]
    if drop_outputs:
        outputs = F.Dropout(outputs, p=drop_outputs, axes=(0,))
    outputs = _time_first(F, outputs, axis, layout)
    if valid_length is not None:
        outputs = F.SequenceMask(outputs, sequence_length=valid_length, use_sequence_length=True, axis=axis)
    return outputs, states
