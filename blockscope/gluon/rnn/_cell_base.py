"""What all recurrent cells share: first states, and unrolling over time."""
from ... import ndarray
from .._block import Block
from .._calls import as_ndarray
from .._hybrid_block import HybridBlock
from ..nn import LeakyReLU
from ._sequences import _format_sequence, _get_begin_state, _mask_sequence_variable_length

__all__ = ['HybridRecurrentCell', 'RecurrentCell']

_MODIFIED = ('After applying modifier cells (e.g. {}) the base cell cannot be called directly. '
             'Call the modifier cell instead.')


class RecurrentCell(Block):
    """Base class of cells: a call takes input and states of one time step, and returns output and next states.

    Parameters
    ----------
    prefix : str, optional
        What the names of parameters and states start with.
    params : ParameterDict, optional
        Parameters to share.
    """

    _modifier_example = 'ZoneoutCell'

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self._modified = False
        self.reset()

    def reset(self):
        """Start counting steps and states anew, as `unroll` does for every sequence."""
        self._init_counter = -1
        self._counter = -1
        for cell in self._children.values():
            if isinstance(cell, RecurrentCell):
                cell.reset()

    def state_info(self, batch_size=0):
        """Return a list of dictionaries with `shape` and `__layout__` of each state."""
        raise NotImplementedError(f'{type(self).__name__} must define state_info(self, batch_size)')

    def _check_not_modified(self):
        if self._modified:
            raise AssertionError(_MODIFIED.format(self._modifier_example))

    def begin_state(self, batch_size=0, func=ndarray.zeros, **kwargs):
        """Return the states for the first step.

        Parameters
        ----------
        batch_size : int
        func : callable, default `mx.nd.zeros`
            Makes a state: `func(name=..., shape=..., ...)`.
        **kwargs
            More arguments for `func`, such as `ctx` or `dtype`.

        Returns
        -------
        list of NDArray

        Raises
        ------
        AssertionError
            The cell is inside of a modifier cell, which is to be asked instead.

        Examples
        --------
        >>> import blockscope as mx
        >>> [state.shape for state in mx.gluon.rnn.LSTMCell(4).begin_state(batch_size=2)]
        [(2, 4), (2, 4)]
        """
        self._check_not_modified()
        states = []
        for info in self.state_info(batch_size):
            self._init_counter += 1
            states.append(func(name=f'{self._prefix}begin_state_{self._init_counter}', **{**(info or {}), **kwargs}))
        return states

    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        """Run the cell over a sequence.

        Parameters
        ----------
        length : int
            Number of steps.
        inputs : NDArray or list of NDArray
            The sequence: one array with axes in the order of `layout`, or `length` arrays ``(batch, channels)``.
        begin_state : list of NDArray, optional
            States for the first step; zeros by default.
        layout : {'NTC', 'TNC'}
            Order of batch, time and channels, of inputs and outputs in one array.
        merge_outputs : bool, optional
            True for outputs in one array, False for a list; by default whatever is there.
        valid_length : NDArray, optional
            Number of steps that belong to each sequence, ``(batch,)``; outputs past it are 0, and the states returned
            are those of the last step before.

        Returns
        -------
        (NDArray or list of NDArray, list of NDArray)
            Outputs of all steps, and the last states.

        Examples
        --------
        >>> import blockscope as mx
        >>> cell = mx.gluon.rnn.GRUCell(4)
        >>> cell.initialize()
        >>> outputs, states = cell.unroll(3, mx.nd.ones((2, 3, 5)), merge_outputs=True)
        >>> outputs.shape, states[0].shape
        ((2, 3, 4), (2, 4))
        """
        self.reset()
        inputs, axis, F, batch_size = _format_sequence(length, inputs, layout, False)
        states = _get_begin_state(self, F, begin_state, inputs, batch_size)
        outputs, history = [], []
        for step in inputs:
            output, states = self(step, states)
            outputs.append(output)
            history.append(states)
        if valid_length is not None:
            valid_length = as_ndarray(valid_length)
            states = [F.SequenceLast(F.stack(*steps, axis=0), sequence_length=valid_length, use_sequence_length=True,
                                     axis=0)
                      for steps in zip(*history)]
            outputs = _mask_sequence_variable_length(F, outputs, length, valid_length, axis, True)
        outputs = _format_sequence(length, outputs, layout, merge_outputs)[0]
        return outputs, states

    def _get_activation(self, F, inputs, activation, **kwargs):
        """Apply an activation given by name, as a block or as a function."""
        if isinstance(activation, str):
            if activation in ('tanh', 'relu', 'sigmoid', 'softsign'):
                return getattr(F, activation)(inputs, **kwargs)
            return F.Activation(inputs, act_type=activation, **kwargs)
        if isinstance(activation, LeakyReLU):
            return F.LeakyReLU(inputs, act_type='leaky', slope=activation._alpha, **kwargs)
        if isinstance(activation, Block):
            return activation(inputs)
        return activation(inputs, **kwargs)

    def forward(self, inputs, states):
        """Compute one time step.

        Parameters
        ----------
        inputs : NDArray
            ``(batch, channels)``.
        states : list of NDArray
            From the step before, or from `begin_state`.

        Returns
        -------
        (NDArray, list of NDArray)
            Output and next states.
        """
        self._counter += 1
        return super().forward(inputs, states)


class HybridRecurrentCell(RecurrentCell, HybridBlock):
    """Base class of cells written as `hybrid_forward(F, inputs, states, ...)`."""

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def hybrid_forward(self, F, x, *args, **kwargs):
        """Compute one time step with the operators of `F`; subclasses define this."""
        raise NotImplementedError(f'{type(self).__name__} must define hybrid_forward(self, F, inputs, states, ...)')
