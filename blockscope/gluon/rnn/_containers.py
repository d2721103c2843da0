"""Cells made of cells: one after the other, or one for each direction of time."""
from .._text import indent, owned_by
from ..parameter import tensor_types
from ._cell_base import HybridRecurrentCell, RecurrentCell
from ._sequences import (_cells_begin_state, _cells_state_info, _format_sequence, _get_begin_state,
                         _mask_sequence_variable_length, _reverse_sequences)

__all__ = ['BidirectionalCell', 'HybridSequentialRNNCell', 'SequentialRNNCell']


class _Stack(RecurrentCell):
    """What both stacks of cells do."""

    def __repr__(self):
        lines = [f'({key}): {indent(repr(cell), 2)}' for key, cell in self._children.items()]
        return '{}(\n{}\n)'.format(type(self).__name__, '\n'.join(lines))

    def add(self, cell):
        """Put a cell on top of the stack."""
        self.register_child(cell)

    def state_info(self, batch_size=0):
        """Return the descriptions of the states of all cells, in order."""
        return _cells_state_info(self._children.values(), batch_size)

    def begin_state(self, **kwargs):
        """Return the first states of all cells, in order; see `RecurrentCell.begin_state`."""
        self._check_not_modified()
        return _cells_begin_state(self._children.values(), **kwargs)

    def __call__(self, inputs, states):
        """Compute one time step of all cells."""
        self._counter += 1
        for cell in self._children.values():
            if isinstance(cell, BidirectionalCell):
                raise AssertionError(f'{type(self).__name__} {self.name} holds a BidirectionalCell, which cannot be '
                                     'stepped. Please use unroll')
        next_states, start = [], 0
        for cell in self._children.values():
            stop = start + len(cell.state_info())
            inputs, new = cell(inputs, states[start:stop])
            next_states.extend(new)
            start = stop
        return inputs, next_states

    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        """Run all cells over a sequence, one cell after the other; see `RecurrentCell.unroll`."""
        self.reset()
        inputs, _, F, batch_size = _format_sequence(length, inputs, layout, None)
        begin_state = _get_begin_state(self, F, begin_state, inputs, batch_size)
        next_states, start, last = [], 0, len(self._children) - 1
        for i, cell in enumerate(self._children.values()):
            stop = start + len(cell.state_info())
            inputs, states = cell.unroll(length, inputs=inputs, begin_state=begin_state[start:stop], layout=layout,
                                         merge_outputs=merge_outputs if i == last else None, valid_length=valid_length)
            next_states.extend(states)
            start = stop
        return inputs, next_states

    def __getitem__(self, i):
        return self._children[str(i)]

    def __len__(self):
        return len(self._children)


class SequentialRNNCell(_Stack):
    """A stack of cells; each takes the output of the one below.

    Parameters
    ----------
    prefix, params
        See `RecurrentCell`.

    Examples
    --------
    >>> import blockscope as mx
    >>> stack = mx.gluon.rnn.SequentialRNNCell()
    >>> stack.add(mx.gluon.rnn.LSTMCell(4, input_size=3))
    >>> stack.add(mx.gluon.rnn.GRUCell(4, input_size=4))
    >>> stack
    SequentialRNNCell(
    (0): LSTMCell(3 -> 16)
    (1): GRUCell(4 -> 12)
    )
    """

    add = owned_by('SequentialRNNCell', _Stack.add)
    begin_state = owned_by('SequentialRNNCell', _Stack.begin_state)

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def hybrid_forward(self, *args, **kwargs):
        """Raise: this stack is no HybridBlock."""
        raise NotImplementedError(f'{type(self).__name__} is no HybridBlock: call it, or use HybridSequentialRNNCell')


class HybridSequentialRNNCell(_Stack, HybridRecurrentCell):
    """A stack of hybrid cells; see `SequentialRNNCell`.

    Parameters
    ----------
    prefix, params
        See `RecurrentCell`.
    """

    add = owned_by('HybridSequentialRNNCell', _Stack.add)
    begin_state = owned_by('HybridSequentialRNNCell', _Stack.begin_state)

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def hybrid_forward(self, F, inputs, states):
        """Compute one time step of all cells."""
        return self(inputs, states)


class BidirectionalCell(HybridRecurrentCell):
    """Two cells over the same sequence, one of them backwards; their outputs are joined.

    Such a cell can only be unrolled, since the backward cell begins at the end.

    Parameters
    ----------
    l_cell, r_cell : RecurrentCell
        For the forward and the backward direction.
    output_prefix : str, default 'bi_'
        What the names of outputs start with.

    References
    ----------
    Schuster, Paliwal, "Bidirectional recurrent neural networks" (1997).

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.rnn.BidirectionalCell(mx.gluon.rnn.GRUCell(4), mx.gluon.rnn.GRUCell(4))
    >>> cell.initialize()
    >>> outputs, states = cell.unroll(3, mx.nd.ones((2, 3, 5)), merge_outputs=True)
    >>> outputs.shape, len(states)
    ((2, 3, 8), 2)
    """

    _modifier_example = 'DropoutCell'

    def __init__(self, l_cell, r_cell, output_prefix='bi_'):
        super().__init__(prefix='', params=None)
        self.register_child(l_cell, 'l_cell')
        self.register_child(r_cell, 'r_cell')
        self._output_prefix = output_prefix

    def __call__(self, inputs, states):
        """Raise: a single step has no backward direction."""
        raise NotImplementedError('Bidirectional cannot be stepped. Please use unroll')

    def __repr__(self):
        return f"{type(self).__name__}(forward={self._children['l_cell']}, backward={self._children['r_cell']})"

    def state_info(self, batch_size=0):
        """Return the descriptions of the states of both cells."""
        return _cells_state_info(self._children.values(), batch_size)

    def begin_state(self, **kwargs):
        """Return the first states of both cells; see `RecurrentCell.begin_state`."""
        self._check_not_modified()
        return _cells_begin_state(self._children.values(), **kwargs)

    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        """Run both cells over a sequence; see `RecurrentCell.unroll`."""
        self.reset()
        inputs, axis, F, batch_size = _format_sequence(length, inputs, layout, False)
        backwards = _reverse_sequences(inputs, length, valid_length)
        states = _get_begin_state(self, F, begin_state, inputs, batch_size)
        l_cell, r_cell = self._children.values()
        count = len(l_cell.state_info(batch_size))
        l_outputs, l_states = l_cell.unroll(length, inputs=inputs, begin_state=states[:count], layout=layout,
                                            merge_outputs=merge_outputs, valid_length=valid_length)
        r_outputs, r_states = r_cell.unroll(length, inputs=backwards, begin_state=states[count:], layout=layout,
                                            merge_outputs=False, valid_length=valid_length)
        r_outputs = _reverse_sequences(r_outputs, length, valid_length)
        if merge_outputs is None:
            merge_outputs = isinstance(l_outputs, tensor_types)
        if merge_outputs:
            outputs = F.concat(l_outputs, F.stack(*r_outputs, axis=axis), dim=2, name=f'{self._output_prefix}out')
        else:
            outputs = [F.concat(l_output, r_output, dim=1, name=f'{self._output_prefix}t{i}')
                       for i, (l_output, r_output) in enumerate(zip(l_outputs, r_outputs))]
        if valid_length is not None:
            outputs = _mask_sequence_variable_length(F, outputs, length, valid_length, axis, merge_outputs)
        return outputs, l_states + r_states
