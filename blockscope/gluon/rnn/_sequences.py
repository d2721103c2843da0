"""Sequences of a recurrent network: one array with a time axis, or a list of one array for each step."""
from ... import ndarray, symbol
from .._calls import as_ndarray
from ..parameter import tensor_types

__all__ = ['_cells_begin_state', '_cells_state_info', '_format_sequence', '_get_begin_state',
           '_mask_sequence_variable_length', '_reverse_sequences']


def _cells_state_info(cells, batch_size):
    """Return the descriptions of the states of all cells, in order."""
    return [info for cell in cells for info in cell.state_info(batch_size)]


def _cells_begin_state(cells, **kwargs):
    """Return the first states of all cells, in order."""
    return [state for cell in cells for state in cell.begin_state(**kwargs)]


def _get_begin_state(cell, F, begin_state, inputs, batch_size):
    """Return the given first states, or else zeros of the inputs' context and floating-point type."""
    if begin_state is not None:
        return begin_state
    first = inputs if isinstance(inputs, tensor_types) else inputs[0]
    if F is symbol:
        return cell.begin_state(func=F.zeros, batch_size=batch_size)
    kind = first.dtype
    options = {'dtype': kind} if kind.__name__ in ('float16',
                                                   'float64') else {}  # as blocks know it, float32 needs no mention
    with first.context:
        return cell.begin_state(func=F.zeros, batch_size=batch_size, **options)


def _operators(array):
    """Return the front end that an array or symbol belongs to."""
    return symbol if isinstance(array, symbol.Symbol) else ndarray


def _split(F, sequence, count, axis, squeeze_axis=True):
    """Return the steps of a sequence as a list. Graphs hold `squeeze_axis` as it is written: 1 or True."""
    steps = F.split(sequence, axis=axis, num_outputs=count, squeeze_axis=squeeze_axis)
    return [steps] if isinstance(steps, ndarray.NDArray) else list(steps)


def _check_length(length, found):
    if length is not None and length != found:
        raise AssertionError(f'unroll was told length={length}, but the inputs have {found} time steps')


def _format_sequence(length, inputs, layout, merge, in_layout=None):
    """Bring a sequence into the wanted form.

    Parameters
    ----------
    length : int or None
        Number of steps, to be checked.
    inputs : NDArray or Symbol, or list of them
        The sequence.
    layout : str
        Order of the axes, such as 'NTC' or 'TNC'.
    merge : bool or None
        True for one array, False for a list, None for either.
    in_layout : str, optional
        Order of the axes of `inputs`, where it differs.

    Returns
    -------
    (NDArray or list of NDArray, int, module, int)
        Sequence, its time axis, the operators to use, batch size.
    """
    if inputs is None:
        raise AssertionError('unroll(inputs=None) has been deprecated. Please create input variables outside unroll.')
    inputs, axis = as_ndarray(inputs), layout.find('T')
    F = _operators(inputs)
    in_axis = axis if in_layout is None else in_layout.find('T')
    if isinstance(inputs, symbol.Symbol):
        batch_size = 0  # follows from the shapes that the graph is run with
        if merge is False:
            if len(inputs) != 1:
                raise AssertionError("unroll doesn't allow grouped symbol as input. Please convert to list with list(inputs) first or let "
                                     'unroll handle splitting.')
            if length is None:
                raise ValueError('unroll of a symbol needs length: a symbol does not know how many time steps it has')
            inputs = _split(F, inputs, length, in_axis, squeeze_axis=1)
    elif isinstance(inputs, tensor_types):
        batch_size = inputs.shape[layout.find('N')]
        if merge is False:
            _check_length(length, inputs.shape[in_axis])
            inputs = _split(F, inputs, inputs.shape[in_axis], in_axis, squeeze_axis=1)
    else:
        _check_length(length, len(inputs))
        F = _operators(inputs[0])
        batch_size = 0 if F is symbol else inputs[0].shape[0]
        if merge is True:
            inputs, in_axis = F.stack(*inputs, axis=axis), axis
    if isinstance(inputs, tensor_types) and axis != in_axis:
        inputs = F.swapaxes(inputs, dim1=axis, dim2=in_axis)
    return inputs, axis, F, batch_size


def _mask_sequence_variable_length(F, data, length, valid_length, time_axis, merge):
    """Set all steps past the end of each sequence to 0; return one array, or a list unless `merge`."""
    if valid_length is None:
        raise AssertionError('valid_length is needed to mask a sequence')
    if not isinstance(data, tensor_types):
        data = F.stack(*data, axis=time_axis)
    masked = F.SequenceMask(data, sequence_length=as_ndarray(valid_length), use_sequence_length=True, axis=time_axis)
    return masked if merge else _split(F, masked, length, time_axis)


def _reverse_sequences(sequences, unroll_step, valid_length=None):
    """Return the steps in reverse order; with `valid_length`, only steps that belong to a sequence change places."""
    if valid_length is None:
        return list(reversed(sequences))
    F = _operators(sequences[0])
    reversed_ = F.SequenceReverse(F.stack(*sequences, axis=0), sequence_length=as_ndarray(valid_length), use_sequence_length=True)
    return _split(F, reversed_, unroll_step, 0)
