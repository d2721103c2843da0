"""Operators on batches of sequences of different lengths; data is (time, batch, ...), or (batch, time, ...) with axis=1."""

from .indexing import integers
from .inference import first_types_others, unite, without
from .registry import operator


def _check(use, length):
    if use and length is None:
        raise ValueError("use_sequence_length=True needs the array sequence_length")


def _times(xp, data, axis):
    """Return the time steps, shaped to broadcast over (time, batch) or (batch, time)."""
    steps = xp.arange(data.shape[axis])
    return steps.reshape((-1, 1)) if axis == 0 else steps.reshape((1, -1))


def _lengths(length, axis):
    length = integers(length)
    return length.reshape((1, -1)) if axis == 0 else length.reshape((-1, 1))


def _arguments(use_sequence_length, **_):
    return ("data", "sequence_length") if use_sequence_length else ("data",)


def _same_shape(ins, outs, attrs):
    data = unite(ins[0], outs[0])
    return [data, data and data[1 - attrs["axis"]:][:1]], [data]


@operator("SequenceMask", arguments=_arguments, shape_rule=_same_shape, type_rule=first_types_others)
def sequence_mask(env, data, sequence_length=None, *, use_sequence_length: bool = False, value: float = 0.0, axis: int = 0):
    """Replace what lies after the end of every sequence by a number."""
    _check(use_sequence_length, sequence_length)
    if not use_sequence_length:
        return data.copy()
    valid = _times(env.xp, data, axis) < _lengths(sequence_length, axis)
    return env.xp.where(valid.reshape(data.shape[:2] + (1,) * (data.ndim - 2)), data, data.dtype.type(value))


@sequence_mask.gradient
def _(F, dy, _y, _data, length=None, *, use_sequence_length, value, axis):
    if not use_sequence_length:
        return (lambda: dy), None
    return (lambda: F.SequenceMask(dy, length, use_sequence_length=True, value=0.0, axis=axis)), None


def _last_index(env, shape, length, axis):
    """Return the index of the last step of every sequence."""
    xp = env.xp
    batch = xp.arange(shape[1 - axis])
    steps = xp.full(batch.shape, shape[axis] - 1, "int64") if length is None else integers(length) - 1
    return (steps, batch) if axis == 0 else (batch, steps)


def _last_shape(ins, _outs, attrs):
    if ins[0] is None:
        return (), ()
    return [ins[0], ins[0][1 - attrs["axis"]:][:1]], [without(ins[0], attrs["axis"])]


@operator("SequenceLast", arguments=_arguments, shape_rule=_last_shape, type_rule=first_types_others)
def sequence_last(env, data, sequence_length=None, *, use_sequence_length: bool = False, axis: int = 0):
    """Return the last step of every sequence."""
    _check(use_sequence_length, sequence_length)
    if not use_sequence_length:
        return data[-1].copy() if axis == 0 else data[:, -1].copy()
    return data[_last_index(env, data.shape, sequence_length, axis)]


@sequence_last.gradient
def _(F, dy, _y, _data, length=None, *, use_sequence_length, axis):
    if not use_sequence_length:
        before = (None,) * axis
        last = _data.shape[axis] - 1
        return (lambda: F._backward_slice(dy.reshape(_data.shape[:axis] + (1,) + _data.shape[axis + 1:]),
                                          begin=(*before, last), end=(*before, last + 1), step=(), shape=_data.shape)), None
    return (lambda: F._backward_sequence_last(dy, length, F.zeros_like(_data), axis=axis)), None


@operator("_backward_sequence_last")
def backward_sequence_last(env, data, length, zeros, *, axis: int):
    """Put the last steps back into zeros."""
    total = zeros.copy()
    total[_last_index(env, zeros.shape, length, axis)] = data
    return total


@backward_sequence_last.gradient
def _(F, dy, _y, _data, length, _zeros, *, axis):
    return (lambda: F.SequenceLast(dy, length, use_sequence_length=True, axis=axis)), None, None


@operator("SequenceReverse", arguments=_arguments, shape_rule=_same_shape, type_rule=first_types_others)
def sequence_reverse(env, data, sequence_length=None, *, use_sequence_length: bool = False, axis: int = 0):
    """Reverse every sequence in time, leaving what lies after its end."""
    _check(use_sequence_length, sequence_length)
    if axis != 0:
        raise ValueError("SequenceReverse only supports axis=0")
    if not use_sequence_length:
        return data[::-1].copy()
    steps, lengths = _times(env.xp, data, 0), _lengths(sequence_length, 0)
    source = env.xp.where(steps < lengths, lengths - 1 - steps, steps)
    return data[source, env.xp.arange(data.shape[1]).reshape((1, -1))]


@sequence_reverse.gradient
def _(F, dy, _y, _data, length=None, *, use_sequence_length, axis):
    if not use_sequence_length:
        return (lambda: F.SequenceReverse(dy)), None
    return (lambda: F.SequenceReverse(dy, length, use_sequence_length=True)), None
