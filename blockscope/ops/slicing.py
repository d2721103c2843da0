"""Operators that take or replace a range of an array, given by begin, end and step of every axis."""

from .attributes import Shape
from .inference import axis_inside, first as first_rule, partly, replaced, type_of_first, unite
from .registry import operator


def slices(begin, end, step=()):
    """Return the slices of begin, end and step, each one number (or None) an axis."""
    if len(begin) != len(end) or (step and len(step) != len(begin)):
        raise ValueError(f"begin {begin}, end {end} and step {step} must have one number for each of the same axes")
    return tuple([slice(b, e, s) for b, e, s in zip(begin, end, step or (None,) * len(begin))])


def _sliced(data, *, begin, end, step=(), **_):
    if len(begin) > len(data):
        raise ValueError(f"begin {begin} has more entries than data of shape {data} has axes")
    ranges = [len(range(*cut.indices(n))) if n else 0 for n, cut in zip(data, slices(begin, end, step))]
    return (*ranges, *data[len(ranges):])


@operator("slice", "crop", "_sparse_slice", aliasing=True, shape_rule=partly(_sliced))
def slice_(env, data, *, begin: Shape, end: Shape, step: Shape = ()):
    """Take a range of the first axes; None stands for the end that lies in the direction of the step."""
    if len(begin) > data.ndim:
        raise ValueError(f"begin {begin} has more entries than data of shape {data.shape} has axes")
    return data[slices(begin, end, step)]


@slice_.gradient
def _(F, dy, _y, _data, *, begin, end, step):
    return (lambda: F._backward_slice(dy, begin=begin, end=end, step=step, shape=_data.shape),)


@operator("_backward_slice")
def backward_slice(env, data, *, begin: Shape, end: Shape, step: Shape, shape: Shape):
    """Put data into a range of zeros."""
    total = env.xp.zeros(shape, data.dtype)
    total[slices(begin, end, step)] = data
    return total


@backward_slice.gradient
def _(F, dy, _y, _data, *, begin, end, step, shape):
    return (lambda: F.slice(dy, begin=begin, end=end, step=step),)


# ---- along one axis ------------------------------------------------------------------------------------------------------

def _one_range(shape, axis, begin, end):
    """Return axis, begin and end as non-negative numbers, after MXNet's checks."""
    ndim = len(shape)
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    axis %= ndim
    length = shape[axis]
    first = begin + length if begin < 0 else begin
    last = length if end is None else end + length if end < 0 else end
    if last > length:
        raise ValueError(f"Invalid end for end={end} as axis_size is {length}")
    if not 0 <= first < last:
        raise ValueError(f"Invalid begin, end, get begin={begin}, end={end}")
    return axis, first, last


def _sliced_axis(data, *, axis, begin, end):
    if not data[axis_inside(axis, len(data))]:
        return data
    axis, first, last = _one_range(data, axis, begin, end)
    return replaced(data, axis, last - first)


@operator("slice_axis", aliasing=True, shape_rule=partly(_sliced_axis))
def slice_axis(env, data, *, axis: int, begin: int, end: int | None):
    """Take ``[begin, end)`` along one axis."""
    axis, first, last = _one_range(data.shape, axis, begin, end)
    return data[(slice(None),) * axis + (slice(first, last),)]


@slice_axis.gradient
def _(F, dy, _y, _data, *, axis, begin, end):
    def gradient():
        at, first, last = _one_range(_data.shape, axis, begin, end)
        before = (None,) * at
        return F._backward_slice(dy, begin=(*before, first), end=(*before, last), step=(), shape=_data.shape)
    return (gradient,)


def _like_end(shape, like, axes):
    """Return the end of every axis for `slice_like`."""
    if not axes:
        if len(shape) != len(like):
            raise ValueError(f"arrays of shape {shape} and {like} must have equally many axes, unless axes= says which to cut")
        axes = range(len(shape))
    end = [None] * len(shape)
    for axis in axes:
        axis = axis % len(shape)
        length = like[axis]
        if length > shape[axis]:
            raise ValueError(f"Slice axis {axis} with size {length} exceeds limit of input with size {shape[axis]}")
        end[axis] = length
    return tuple(end)


def _sliced_like(data, like, *, axes):
    end = _like_end(data, like, tuple(a % len(data) for a in axes)) if 0 not in data else \
        [like[i] if not axes or i in [a % len(data) for a in axes] else None for i in range(len(data))]
    return tuple([n if stop is None else stop for n, stop in zip(data, end)])


@operator("slice_like", aliasing=True, shape_rule=partly(_sliced_like), type_rule=type_of_first)
def slice_like(env, data, shape_like, *, axes: Shape = ()):
    """Cut data to the lengths of another array, along all axes or the given ones."""
    end = _like_end(data.shape, shape_like.shape, tuple(a % data.ndim for a in axes))
    return data[tuple([slice(0, e) for e in end])]


@slice_like.gradient
def _(F, dy, _y, _data, _shape_like, *, axes):
    end = _like_end(_data.shape, _shape_like.shape, tuple(a % _data.ndim for a in axes))
    return (lambda: F._backward_slice(dy, begin=(None,) * len(end), end=end, step=(), shape=_data.shape)), None


# ---- replace a range -----------------------------------------------------------------------------------------------------

def _assigned(ins, outs, attrs):
    data = unite(ins[0], outs[0])
    return [data, data and _sliced(data, **attrs)], [data]


@operator("_slice_assign", "_crop_assign", shape_rule=_assigned)
def slice_assign(env, lhs, rhs, *, begin: Shape, end: Shape, step: Shape = ()):
    """Return lhs with a range replaced by rhs."""
    result = lhs.copy()
    result[slices(begin, end, step)] = rhs
    return result


@slice_assign.gradient
def _(F, dy, _y, _lhs, _rhs, *, begin, end, step):
    return (lambda: F._slice_assign_scalar(dy, scalar=0.0, begin=begin, end=end, step=step),
            lambda: F.slice(dy, begin=begin, end=end, step=step))


@operator("_slice_assign_scalar", "_crop_assign_scalar", shape_rule=first_rule)
def slice_assign_scalar(env, data, *, scalar: float = 0.0, begin: Shape, end: Shape, step: Shape = ()):
    """Return data with a range filled with one number."""
    result = data.copy()
    result[slices(begin, end, step)] = scalar
    return result


@slice_assign_scalar.gradient
def _(F, dy, _y, _data, *, scalar, begin, end, step):
    return (lambda: F._slice_assign_scalar(dy, scalar=0.0, begin=begin, end=end, step=step),)
