"""Operators that select elements by index, mask or range, and those that put elements back."""

from math import prod
from typing import Literal

from .attributes import DType, Shape, as_dtype
from .inference import axis_inside, without
from .inference import first, from_attribute, partly, replaced, type_attribute, type_of_first, types_at, unite
from .registry import operator


def integers(index):
    """Return an index array as integers, fractions cut off."""
    return index if index.dtype.kind in "iu" else index.astype("int64")


def _bounded(xp, index, length, mode):
    """Return indices inside ``[0, length)``: clipped, or taken modulo the length."""
    index = integers(index)
    return index % length if mode == "wrap" else xp.minimum(xp.maximum(index, 0), length - 1)


# ---- take and its transpose ----------------------------------------------------------------------------------------------

def _taken(a, indices, *, axis, **_):
    axis = axis_inside(axis, len(a))
    return a[:axis] + indices + a[axis + 1:]


@operator("take", shape_rule=partly(_taken), type_rule=type_of_first)
def take(env, a, indices, *, axis: int = 0, mode: Literal["raise", "wrap", "clip"] = "clip"):
    """Take slices along an axis; indices outside are clipped, wrapped, or refused."""
    if not -a.ndim <= axis < a.ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {a.ndim}")
    length = a.shape[axis]
    if mode == "raise":
        index = integers(indices)
        if bool(((index < 0) | (index >= length)).any()):
            raise ValueError(f"take operator contains indices out of bound: axis {axis} has length {length}")
    else:
        index = _bounded(env.xp, indices, length, mode)
    return env.xp.take(a, index, axis=axis)


@take.gradient
def _(F, dy, _y, _a, indices, *, axis, mode):
    return (lambda: F._backward_take(dy, indices, axis=axis % _a.ndim, mode=mode, shape=_a.shape)), None


@operator("_backward_take")
def backward_take(env, data, indices, *, axis: int, mode: str, shape: Shape):
    """Add slices into zeros of a shape where `take` takes them from."""
    total = env.xp.zeros(shape, data.dtype)
    index = _bounded(env.xp, indices, shape[axis], mode)
    env.add_at(total, (slice(None),) * axis + (index,), data)
    return total


@backward_take.gradient
def _(F, dy, _y, _data, indices, *, axis, mode, shape):
    return (lambda: F.take(dy, indices, axis=axis, mode=mode)), None


# ---- one element a row ---------------------------------------------------------------------------------------------------

def _along(shape, index_shape, axis):
    """Return the index shape with the picked axis kept at length 1."""
    kept = shape[:axis] + (1,) + shape[axis + 1:]
    if prod(index_shape) != prod(kept):
        raise ValueError(f"index of shape {index_shape} doesn't pick one element a row of {shape} along axis {axis}")
    return kept


def _picked(ins, _outs, attrs):
    data, axis = ins[0], attrs["axis"]
    if data is None:
        return (), ()
    if axis is None:
        return (), [(1,) * len(data) if attrs["keepdims"] else (1,)]
    cut = without(data, axis)
    index = ins[1] if ins[1] is not None and len(ins[1]) == len(data) else cut
    return [data, index], [replaced(data, axis, 1) if attrs["keepdims"] else cut]


@operator("pick", "choose_element_0index", shape_rule=_picked, type_rule=type_of_first)
def pick(env, data, index, *, axis: int | None = -1, keepdims: bool = False, mode: Literal["clip", "wrap"] = "clip"):
    """Pick one element along an axis for every position of the other axes."""
    if axis is None:
        raise ValueError("axis=None is not supported by pick yet. Must specify an axis.")
    axis %= data.ndim
    kept = _along(data.shape, index.shape, axis)
    index = _bounded(env.xp, index, data.shape[axis], mode)
    if axis == data.ndim - 1:  # a row of the flattened matrix each: no axis to move
        matrix = data.reshape((-1, data.shape[-1]))
        picked = matrix[env.xp.arange(matrix.shape[0]), index.reshape(-1)]
        return picked.reshape(kept if keepdims else kept[:-1] or (1,))
    picked = env.xp.take_along_axis(data, index.reshape(kept), axis)
    return picked if keepdims else picked.reshape(data.shape[:axis] + data.shape[axis + 1:] or (1,))


@pick.gradient
def _(F, dy, _y, _data, index, *, axis, keepdims, mode):
    return (lambda: F._backward_pick(dy, index, axis=axis % _data.ndim, mode=mode, shape=_data.shape)), None


@operator("_backward_pick")
def backward_pick(env, data, index, *, axis: int, mode: str, shape: Shape):
    """Put one element a row into zeros, where `pick` picks it."""
    kept = _along(shape, index.shape, axis)
    index = _bounded(env.xp, index, shape[axis], mode)
    if axis == len(shape) - 1:
        total = env.xp.zeros((prod(kept), shape[-1]), data.dtype)
        total[env.xp.arange(total.shape[0]), index.reshape(-1)] = data.reshape(-1)
        return total.reshape(shape)
    index = index.reshape(kept)
    return put_along_axis(env.xp, data.reshape(kept), index, axis, shape[axis])


@backward_pick.gradient
def _(F, dy, _y, _data, index, *, axis, mode, shape):
    return (lambda: F.pick(dy, index, axis=axis, mode=mode).reshape(_data.shape)), None


def put_along_axis(xp, values, index, axis, length):
    """Return zeros of `length` along an axis with `values` put at `index`, each place at most once."""
    values, index = xp.moveaxis(values, axis, -1), xp.moveaxis(index, axis, -1)
    rows, width = prod(values.shape[:-1]), values.shape[-1]
    total = xp.zeros((rows, length), values.dtype)
    total[xp.arange(rows).reshape((rows, 1)), index.reshape((rows, width))] = values.reshape((rows, width))
    return xp.moveaxis(total.reshape(values.shape[:-1] + (length,)), -1, axis)


@operator("_take_along_axis")
def take_along(env, data, index, *, axis: int):
    """Take the elements at `index` along an axis."""
    return env.xp.take_along_axis(data, index, axis)


@operator("_put_along_axis")
def put_along(env, data, index, *, axis: int, length: int):
    """Put elements into zeros at distinct places along an axis."""
    return put_along_axis(env.xp, data, index, axis, length)


@take_along.gradient
def _(F, dy, _y, _data, index, *, axis):
    return (lambda: F._put_along_axis(dy, index, axis=axis, length=_data.shape[axis])), None


@put_along.gradient
def _(F, dy, _y, _data, index, *, axis, length):
    return (lambda: F._take_along_axis(dy, index, axis=axis)), None


def _batch_taken(ins, outs, _attrs):
    shape = unite(ins[1], outs[0])
    return [ins[0], shape], [shape]


def _batch_take_types(ins, outs, attrs):
    found, outs = type_of_first(ins, outs, attrs)
    return [*found, as_dtype("int32") if ins[1] is None else ins[1]], outs


@operator("batch_take", shape_rule=_batch_taken, type_rule=_batch_take_types)
def batch_take(env, a, indices):
    """Take one element of every row of a matrix."""
    return pick.forward(env, a, indices)


@batch_take.gradient
def _(F, dy, _y, _a, indices):
    return (lambda: F._backward_pick(dy, indices, axis=1, mode="clip", shape=_a.shape)), None


@operator("fill_element_0index", creates_variables=False, shape_rule=first, type_rule=type_of_first)
def fill_element(env, lhs, mhs, rhs):
    """Return lhs with element ``rhs[i]`` of row i replaced by ``mhs[i]``."""
    result = lhs.copy()
    result[env.xp.arange(lhs.shape[0]), integers(rhs)] = mhs
    return result


def _one_hot(ins, outs, attrs):
    data = ins[0] if ins[0] is not None else outs[0] and outs[0][:-1]
    return [data], [data and (*data, attrs["depth"])]


@operator("one_hot", shape_rule=_one_hot, type_rule=type_attribute())
def one_hot(env, indices, *, depth: int, on_value: float = 1.0, off_value: float = 0.0, dtype: DType = "float32"):
    """Return rows of `off_value` with `on_value` at the index; an index outside gives a row without it."""
    hit = integers(indices)[..., None] == env.xp.arange(depth)
    if on_value == 1 and off_value == 0:
        return hit.astype(dtype)
    return env.xp.where(hit, on_value, off_value).astype(dtype)


@one_hot.gradient
def _(F, _dy, _y, _indices, **_attrs):
    return (lambda: F.zeros_like(_indices),)


# ---- by coordinates ------------------------------------------------------------------------------------------------------

def _coordinates(indices):
    return tuple(integers(indices))


def _gathered(data, indices):
    if indices[0] > len(data):
        raise ValueError(f"indices of shape {indices} point into {indices[0]} axes, but data of shape {data} has fewer")
    return (indices[1:] + data[indices[0]:] or (1,)) if indices[0] else None


@operator("gather_nd", shape_rule=partly(_gathered), type_rule=type_of_first)
def gather_nd(env, data, indices):
    """Take elements by coordinates: axis 0 of `indices` runs over the first axes of data."""
    result = data[_coordinates(indices)]
    return result if result.ndim else result.reshape((1,))


@gather_nd.gradient
def _(F, dy, _y, _data, indices):
    return (lambda: F._backward_gather_nd(dy, indices, shape=_data.shape)), None


@operator("_backward_gather_nd")
def backward_gather_nd(env, data, indices, *, shape: Shape):
    """Add elements into zeros at coordinates."""
    total = env.xp.zeros(shape, data.dtype)
    env.add_at(total, _coordinates(indices), data)
    return total


@backward_gather_nd.gradient
def _(F, dy, _y, _data, indices, *, shape):
    return (lambda: F.gather_nd(dy, indices)), None


@operator("scatter_nd", shape_rule=from_attribute, type_rule=type_of_first)
def scatter_nd(env, data, indices, *, shape: Shape):
    """Put elements into zeros of a shape at coordinates."""
    total = env.xp.zeros(shape, data.dtype)
    total[_coordinates(indices)] = data
    return total


@scatter_nd.gradient
def _(F, dy, _y, _data, indices, *, shape):
    return (lambda: F.gather_nd(dy, indices)), None


@operator("_scatter_set_nd", shape_rule=lambda _ins, _outs, attrs: ([attrs["shape"]], [attrs["shape"]]), type_rule=types_at(0, 1))
def scatter_set_nd(env, lhs, rhs, indices, *, shape: Shape):
    """Return lhs with rhs put at coordinates."""
    result = lhs.copy()
    result[_coordinates(indices)] = rhs
    return result


def _given(shape):
    if not shape:
        raise ValueError("shape must be given: the lengths of the axes that indices run over")
    return tuple(shape)


def _raveled(ins, outs, attrs):
    if attrs["shape"] is None:
        return (), [ins[0] and ins[0][1:]]
    data = unite(ins[0], outs[0] and (len(attrs["shape"]), *outs[0]))
    return [data], [data and (data[1:] or (1,))]


def _unraveled(ins, outs, attrs):
    if attrs["shape"] is None:
        return [outs[0] and outs[0][1:]], ()
    data = unite(ins[0], outs[0] and outs[0][1:])
    return [data], [data and (len(attrs["shape"]), *data)]


@operator("_ravel_multi_index", "ravel_multi_index", shape_rule=_raveled)
def ravel_multi_index(env, data, *, shape: Shape | None = None):
    """Return flat indices of coordinates (axis 0) in an array of `shape`; the first length is not needed."""
    lengths = _given(shape)
    flat = data[0]
    for n, part in zip(lengths[1:], data[1:]):
        flat = flat * n + part
    return flat.copy() if len(lengths) == 1 else flat


@operator("_unravel_index", "unravel_index", shape_rule=_unraveled)
def unravel_index(env, data, *, shape: Shape | None = None):
    """Return coordinates (axis 0) of flat indices in an array of `shape`; the first length is not needed."""
    left, parts = integers(data), []
    for n in reversed(_given(shape)[1:]):
        parts.append(left % n)
        left = left // n
    return env.xp.stack([left, *reversed(parts)]).astype(data.dtype)


def _no_slope(F, _dy, _y, _data, *, shape):
    return (lambda: F.zeros_like(_data),)


ravel_multi_index.gradient(_no_slope)
unravel_index.gradient(_no_slope)


# ---- by mask -------------------------------------------------------------------------------------------------------------

def _row_condition(condition, x):
    """Return a condition that says something of whole rows in a shape that broadcasts over them."""
    if condition.shape == x.shape:
        return condition
    if condition.ndim == 1 and condition.shape[0] == x.shape[0]:
        return condition.reshape((-1,) + (1,) * (x.ndim - 1))
    raise ValueError(f"condition of shape {condition.shape} must have the shape of x, {x.shape}, or one element a row of it")


def _where(ins, outs, _attrs):
    condition, x, y = ins
    shape = unite(unite(x, y), outs[0])
    if shape is not None and condition is None:
        condition = shape
    elif condition is not None and shape is not None and len(condition) != 1:
        condition = unite(condition, shape)
    return [condition, shape, shape], [shape]


@operator("where", "_sparse_where", shape_rule=_where, type_rule=types_at(1, 2))
def where(env, condition, x, y):
    """Choose from x where condition isn't zero, else from y; a vector chooses whole rows."""
    if x.shape != y.shape:
        raise ValueError(f"x and y must have one shape, but got {x.shape} and {y.shape}")
    if x.dtype != y.dtype:
        raise ValueError(f"x and y must have one dtype, but got {x.dtype} and {y.dtype}: cast one with .astype(...)")
    condition = _row_condition(condition, x)
    return env.xp.where(condition if condition.dtype.kind == "b" else condition != 0, x, y)


@where.gradient
def _(F, dy, _result, condition, _x, _y):
    return (None, lambda: F.where(condition, dy, F.zeros_like(dy)), lambda: F.where(condition, F.zeros_like(dy), dy))


@operator("_contrib_boolean_mask", outputs=2, visible=1, graph_outputs=1,
          shape_rule=partly(lambda data, index, *, axis: replaced(data, axis, 0)), type_rule=type_of_first)
def boolean_mask(env, data, index, *, axis: int = 0):
    """Keep the slices along an axis whose entry in `index` isn't zero (waits for the device)."""
    positions = env.xp.nonzero(index)[0]
    return env.xp.take(data, positions, axis=axis), positions


boolean_mask.dynamic = True


@boolean_mask.gradient
def _(F, dy, y, _data, _index, *, axis):
    return (lambda: F._backward_take(dy[0], y[1], axis=axis % _data.ndim, mode="clip", shape=_data.shape)), None


@operator("_contrib_index_copy", shape_rule=first, type_rule=types_at(0, 2))
def index_copy(env, old_tensor, index_vector, new_tensor):
    """Return old_tensor with the rows at index_vector replaced by those of new_tensor."""
    result = old_tensor.copy()
    result[integers(index_vector)] = new_tensor
    return result


@index_copy.gradient
def _(F, dy, _y, _old, index, _new):
    return (lambda: F._contrib_index_copy(dy, index, F.zeros_like(_new)), None, lambda: F.take(dy, index))
