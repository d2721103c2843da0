"""Cells that change what another cell computes, and dropout."""
import contextlib
from numbers import Number

from ... import ndarray
from ..parameter import tensor_types
from ._cell_base import HybridRecurrentCell
from ._containers import BidirectionalCell, HybridSequentialRNNCell, SequentialRNNCell
from ._sequences import _format_sequence, _mask_sequence_variable_length

__all__ = ['DropoutCell', 'ModifierCell', 'ResidualCell', 'ZoneoutCell']


class DropoutCell(HybridRecurrentCell):
    """Dropout of the input, without state.

    Parameters
    ----------
    rate : float
        Part of the values that are set to 0 while training.
    axes : tuple of int, default ()
        Axes along which all values share their fate.
    prefix, params
        See `RecurrentCell`.
    """

    def __init__(self, rate, axes=(), prefix=None, params=None):
        super().__init__(prefix, params)
        if not isinstance(rate, Number):
            raise AssertionError('rate must be a number')
        self._rate = rate
        self._axes = axes

    def __repr__(self):
        return f'{type(self).__name__}(rate={self._rate}, axes={self._axes})'

    def state_info(self, batch_size=0):
        """Return an empty list: there is no state."""
        return []

    def _alias(self):
        return 'dropout'

    def hybrid_forward(self, F, inputs, states):
        """Compute one time step."""
        if self._rate > 0:
            inputs = F.Dropout(data=inputs, p=self._rate, axes=self._axes, name=f't{self._counter}_fwd')
        return inputs, states

    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        """Drop values of a whole sequence; see `RecurrentCell.unroll`."""
        self.reset()
        inputs, _, F, _ = _format_sequence(length, inputs, layout, merge_outputs)
        if isinstance(inputs, tensor_types):
            return self.hybrid_forward(F, inputs, begin_state or [])
        # Zeros past the end of a sequence stay zeros: there is nothing to mask.
        return super().unroll(length, inputs, begin_state=begin_state, layout=layout, merge_outputs=merge_outputs)


class ModifierCell(HybridRecurrentCell):
    """Base class of cells that change another cell. The other cell must not be called directly from then on.

    Parameters
    ----------
    base_cell : RecurrentCell
        The cell to change; its parameters are this cell's parameters.
    """

    _modifier_example = 'DropoutCell'

    def __init__(self, base_cell):
        if base_cell._modified:
            raise AssertionError(f'Cell {base_cell.name} is already modified. One cell cannot be modified twice')
        super().__init__(prefix=base_cell.prefix + self._alias(), params=None)
        self.base_cell = base_cell
        base_cell._modified = True

    @property
    def params(self):
        """The parameters of the base cell."""
        return self.base_cell.params

    @contextlib.contextmanager
    def _base(self):
        """Give access to the base cell's own methods."""
        self.base_cell._modified = False
        try:
            yield self.base_cell
        finally:
            self.base_cell._modified = True

    def state_info(self, batch_size=0):
        """Return the descriptions of the base cell's states."""
        return self.base_cell.state_info(batch_size)

    def begin_state(self, func=ndarray.zeros, **kwargs):
        """Return the first states of the base cell; see `RecurrentCell.begin_state`."""
        self._check_not_modified()
        with self._base() as cell:
            return cell.begin_state(func=func, **kwargs)

    def hybrid_forward(self, F, inputs, states):
        """Compute one time step; subclasses define this."""
        raise NotImplementedError(f'{type(self).__name__} must define hybrid_forward(self, F, inputs, states)')

    def __repr__(self):
        return f'{type(self).__name__}({self.base_cell})'


class ZoneoutCell(ModifierCell):
    """Keep some values of the step before, at random, while training.

    Parameters
    ----------
    base_cell : RecurrentCell
    zoneout_outputs, zoneout_states : float, default 0
        Part of the values of outputs and of states that are kept from the step before.

    References
    ----------
    Krueger et al., "Zoneout: regularizing RNNs by randomly preserving hidden activations" (2016).
    """

    def __init__(self, base_cell, zoneout_outputs=0., zoneout_states=0.):
        if isinstance(base_cell, BidirectionalCell):
            raise AssertionError("BidirectionalCell doesn't support zoneout since it doesn't support step. Please add "
                                 'ZoneoutCell to the cells underneath instead.')
        if isinstance(base_cell, (HybridSequentialRNNCell, SequentialRNNCell)) and any(
                isinstance(cell, BidirectionalCell) for cell in base_cell._children.values()):
            raise AssertionError("Bidirectional SequentialRNNCell doesn't support zoneout. Please add "
                                 'ZoneoutCell to the cells underneath instead.')
        super().__init__(base_cell)
        self.zoneout_outputs = zoneout_outputs
        self.zoneout_states = zoneout_states
        self._prev_output = None

    def __repr__(self):
        return f'{type(self).__name__}(p_out={self.zoneout_outputs}, p_state={self.zoneout_states}, {self.base_cell})'

    def _alias(self):
        return 'zoneout'

    def reset(self):
        """Start counting steps and states anew, and forget the last output."""
        super().reset()
        self._prev_output = None

    def hybrid_forward(self, F, inputs, states):
        """Compute one time step."""
        new_output, new_states = self.base_cell(inputs, states)

        def mix(probability, new, old):
            # Dropout of ones says which new values are taken: all of them outside of training.
            return F.where(F.Dropout(F.ones_like(new), p=probability), new, old)
        before = F.zeros_like(new_output) if self._prev_output is None else self._prev_output
        output = mix(self.zoneout_outputs, new_output, before) if self.zoneout_outputs != 0 else new_output
        if self.zoneout_states != 0:
            new_states = [mix(self.zoneout_states, new, old) for new, old in zip(new_states, states)]
        self._prev_output = output
        return output, new_states


class ResidualCell(ModifierCell):
    """Add the input to the output of the base cell.

    Parameters
    ----------
    base_cell : RecurrentCell
        Its output must have the shape of its input.

    References
    ----------
    Wu et al., "Google's neural machine translation system" (2016).

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.rnn.ResidualCell(mx.gluon.rnn.GRUCell(4, prefix='gru_')).prefix
    'gru_residualcell'
    """

    def __init__(self, base_cell):
        super().__init__(base_cell)

    def hybrid_forward(self, F, inputs, states):
        """Compute one time step."""
        output, states = self.base_cell(inputs, states)
        return F.elemwise_add(output, inputs, name=f't{self._counter}_fwd'), states

    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        """Run the base cell over a sequence and add the inputs; see `RecurrentCell.unroll`."""
        self.reset()
        with self._base() as cell:
            outputs, states = cell.unroll(length, inputs=inputs, begin_state=begin_state, layout=layout,
                                          merge_outputs=merge_outputs, valid_length=valid_length)
        merged = isinstance(outputs, tensor_types) if merge_outputs is None else merge_outputs
        inputs, axis, F, _ = _format_sequence(length, inputs, layout, merged)
        if valid_length is not None:
            inputs = _mask_sequence_variable_length(F, inputs, length, valid_length, axis, merged)
        if merged:
            return F.elemwise_add(outputs, inputs), states
        return [F.elemwise_add(output, step) for output, step in zip(outputs, inputs)], states
