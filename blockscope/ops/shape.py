"""Operators that only change shape or order: views of the same values where the array module gives them."""

from math import prod

from .attributes import Axes, Shape
from .inference import first, is_complete, listed, partly, size_of, type_of_first, unite, without
from .registry import operator
from .reshape_codes import infer_partial, infer_reshape

_SMALL = 8192  # elements up to which filling an array is cheaper than making a broadcast view of it


# ---- reshape -------------------------------------------------------------------------------------------------------------
def _old_target(shape, target, keep_highest):
    """Return the shape that the deprecated `target_shape` stands for: 0 is inferred, the first may be kept."""
    target = list(target)
    if keep_highest:
        target[0] = shape[0]
    if 0 in target:
        position = target.index(0)
        target[position] = prod(shape) // max(1, prod(n for n in target if n))
    return tuple(target)


def _reshaped(ins, outs, attrs):
    data, codes = ins[0], attrs["shape"]
    if data is None:
        return (), ()
    if is_complete(data):
        return (), [infer_reshape(data, codes, attrs["reverse"]) if codes or not attrs["target_shape"] else
                    _old_target(data, attrs["target_shape"], attrs["keep_highest"])]
    size = size_of(outs[0])
    if size and data.count(0) == 1:
        data = tuple([n or size // prod([m for m in data if m]) for n in data])
        return [data], ()
    return (), [infer_partial(data, codes, attrs["reverse"])] if codes else ()


@operator("Reshape", "reshape", aliasing=True, shape_rule=_reshaped)
def reshape(env, data, *, shape: Shape = (), reverse: bool = False, target_shape: Shape = (), keep_highest: bool = False):
    """Change the shape; see `reshape_codes` for the codes in `shape`."""
    if not shape and target_shape:
        return data.reshape(_old_target(data.shape, target_shape, keep_highest))
    return data.reshape(infer_reshape(data.shape, shape, reverse))


def _reshape_back(F, dy, _y, _data, **_attrs):
    return (lambda: dy.reshape(_data.shape),)


reshape.gradient(_reshape_back)


@operator("Flatten", "flatten", aliasing=True, shape_rule=partly(lambda data: (data[0], prod(data[1:]))))
def flatten(env, data):
    """Merge all axes but the first."""
    return data.reshape((data.shape[0], prod(data.shape[1:])))


flatten.gradient(_reshape_back)


def _expanded(ins, outs, attrs):
    data, axis = ins[0], attrs["axis"]
    if data is None:
        return ([without(outs[0], axis)] if outs[0] is not None else ()), ()
    if not -len(data) - 1 <= axis <= len(data):
        raise ValueError(f"axis {axis} exceeds the input dimension of {len(data)}")
    position = axis % (len(data) + 1)
    return (), [(*data[:position], 1, *data[position:])]


@operator("expand_dims", aliasing=True, shape_rule=_expanded)
def expand_dims(env, data, *, axis: int):
    """Insert an axis of length 1."""
    if not -data.ndim - 1 <= axis <= data.ndim:
        raise ValueError(f"axis {axis} exceeds the input dimension of {data.ndim}")
    position = axis if axis >= 0 else axis + data.ndim + 1
    return data.reshape(data.shape[:position] + (1,) + data.shape[position:])


expand_dims.gradient(_reshape_back)


def _squeezed(data, *, axis):
    if axis is None:
        return tuple([n for n in data if n != 1]) or (1,) if 0 not in data else None
    chosen = {_inside(a, len(data)) for a in axis}
    for a in chosen:
        if data[a] > 1:
            raise ValueError(f"cannot select an axis to squeeze out which has size={data[a]} not equal to one")
    return tuple([n for i, n in enumerate(data) if i not in chosen]) or (1,)


@operator("squeeze", aliasing=True, shape_rule=partly(_squeezed))
def squeeze(env, data, *, axis: Axes = None):
    """Remove axes of length 1: the given ones, or all."""
    if axis is None:
        chosen = {i for i, n in enumerate(data.shape) if n == 1}
    else:
        chosen = {_inside(a, data.ndim) for a in axis}
        for a in chosen:
            if data.shape[a] != 1:
                raise ValueError(f"cannot select an axis to squeeze out which has size={data.shape[a]} not equal to one")
    return data.reshape(tuple(n for i, n in enumerate(data.shape) if i not in chosen) or (1,))


squeeze.gradient(_reshape_back)


def _inside(axis, ndim):
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def _range(begin, end, ndim):
    """Return begin and end of a range of axes, where None and negative numbers count from the end."""
    begin = 0 if begin is None else begin + ndim if begin < 0 else begin
    end = ndim if end is None else end + ndim if end < 0 else end
    return begin, end


def _reshaped_like(ins, outs, attrs):
    lhs, rhs = ins
    given = tuple([attrs[name] for name in ("lhs_begin", "lhs_end", "rhs_begin", "rhs_end")])
    if given == (None,) * 4:
        return (), [rhs]
    if lhs is None or rhs is None:
        return (), ()
    begin, end = _range(*given[:2], len(lhs))
    start, stop = _range(*given[2:], len(rhs))
    return (), [lhs[:begin] + rhs[start:stop] + lhs[end:]]


@operator("reshape_like", aliasing=True, shape_rule=_reshaped_like, type_rule=type_of_first)
def reshape_like(env, lhs, rhs, *, lhs_begin: int | None = None, lhs_end: int | None = None, rhs_begin: int | None = None,
                 rhs_end: int | None = None):
    """Give lhs the shape of rhs, or replace a range of its axes by a range of those of rhs."""
    first, last = _range(lhs_begin, lhs_end, lhs.ndim)
    start, stop = _range(rhs_begin, rhs_end, rhs.ndim)
    return lhs.reshape(lhs.shape[:first] + rhs.shape[start:stop] + lhs.shape[last:])


@reshape_like.gradient
def _(F, dy, _y, _lhs, _rhs, **_attrs):
    return (lambda: dy.reshape(_lhs.shape)), None


# ---- broadcasting --------------------------------------------------------------------------------------------------------

def _broadcast_back(F, dy, _y, _data, **_attrs):
    return (lambda: F._sum_to(dy, shape=_data.shape),)


def _broadcast_to(data, *, shape):
    if len(shape) != len(data):
        raise ValueError(f"Operand of shape {listed(data)} cannot be broadcasted to {listed(shape)}")
    return _stretched(data, enumerate(shape))


def _stretched(data, lengths):
    """Return a shape with other lengths of some axes, of length 1 so far; 0 leaves an axis as it is."""
    target = list(data)
    for axis, length in lengths:
        if data[axis] > 1 and length not in (0, data[axis]):
            raise ValueError(f"axis {axis} of length {data[axis]} can't be broadcast to {length}")
        target[axis] = length or data[axis]
    return tuple(target)


@operator("broadcast_to", aliasing=True, shape_rule=partly(_broadcast_to))
def broadcast_to(env, data, *, shape: Shape = ()):
    """Repeat along axes of length 1 up to `shape`; 0 keeps the input's length."""
    if len(shape) != data.ndim:
        raise ValueError(f"Operand of shape {list(data.shape)} cannot be broadcasted to {list(shape)}")
    target = tuple([n if n else d for n, d in zip(shape, data.shape)])
    if target == data.shape:
        return data
    if prod(target) <= _SMALL:
        # Filling a small array costs a third of making a view of it, which goes through Python.
        filled = env.xp.empty(target, data.dtype)
        filled[...] = data
        return filled
    return env.xp.broadcast_to(data, target)


broadcast_to.gradient(_broadcast_back)


@operator("broadcast_axis", "broadcast_axes", aliasing=True,
          shape_rule=partly(lambda data, *, axis, size: _stretched(data, [(_inside(a, len(data)), n) for a, n in zip(axis, size)])))
def broadcast_axis(env, data, *, axis: Shape = (), size: Shape = ()):
    """Repeat along the given axes of length 1, each up to its size."""
    if len(axis) != len(size):
        raise ValueError(f"axis {axis} and size {size} must have the same number of elements")
    target = list(data.shape)
    for a, n in zip(axis, size):
        if data.shape[_inside(a, data.ndim)] != 1:
            raise ValueError(f"axis {a} of length {data.shape[a]} can't be broadcast: only axes of length 1")
        target[a] = n
    return env.xp.broadcast_to(data, tuple(target))


broadcast_axis.gradient(_broadcast_back)


def _broadcast_like(lhs, rhs, *, lhs_axes, rhs_axes):
    if lhs_axes is None:
        lhs_axes = rhs_axes = tuple(range(len(lhs)))
        if len(lhs) != len(rhs):
            raise ValueError(f"Operand of shape {listed(lhs)} cannot be broadcasted to {listed(rhs)}")
    lengths = [(_inside(a, len(lhs)), rhs[_inside(b, len(rhs))]) for a, b in zip(lhs_axes, rhs_axes)]
    # An axis of length 1 takes the other's length, also one that is not known.
    unknown = {axis for axis, length in lengths if not length}
    return _stretched(tuple([0 if i in unknown and n == 1 else n for i, n in enumerate(lhs)]), lengths)


@operator("broadcast_like", aliasing=True, shape_rule=partly(_broadcast_like), type_rule=type_of_first)
def broadcast_like(env, lhs, rhs, *, lhs_axes: Axes = None, rhs_axes: Axes = None):
    """Repeat lhs to the shape of rhs, or only along some axes to the lengths of some axes of rhs."""
    if (lhs_axes is None) != (rhs_axes is None) or (lhs_axes and len(lhs_axes) != len(rhs_axes)):
        raise ValueError("lhs_axes and rhs_axes must be given together, with the same number of elements")
    if lhs_axes is None:
        if lhs.ndim != rhs.ndim:
            raise ValueError(f"Operand of shape {list(lhs.shape)} cannot be broadcasted to {list(rhs.shape)}")
        return env.xp.broadcast_to(lhs, rhs.shape)
    target = list(lhs.shape)
    for left, right in zip(lhs_axes, rhs_axes):
        target[_inside(left, lhs.ndim)] = rhs.shape[_inside(right, rhs.ndim)]
    return env.xp.broadcast_to(lhs, tuple(target))


@broadcast_like.gradient
def _(F, dy, _y, _lhs, _rhs, **_attrs):
    return (lambda: F._sum_to(dy, shape=_lhs.shape)), None


# ---- order of axes and elements ------------------------------------------------------------------------------------------

def _transposed(ins, outs, attrs):
    known = ins[0] if ins[0] is not None else outs[0]
    if known is None:
        return (), ()
    order = attrs["axes"] or tuple(range(len(known)))[::-1]
    if len(order) != len(known) or sorted([_inside(a, len(known)) for a in order]) != list(range(len(known))):
        raise ValueError(f"axes {order} is no permutation of the axes of {known}")
    order = [a % len(known) for a in order]
    if ins[0] is None:
        return [tuple([outs[0][order.index(i)] for i in range(len(order))])], ()
    back = outs[0] and len(outs[0]) == len(order) and tuple([outs[0][order.index(i)] for i in range(len(order))])
    data = unite(ins[0], back or None)
    return [data], [tuple([data[a] for a in order])]


@operator("transpose", aliasing=True, shape_rule=_transposed)
def transpose(env, data, *, axes: Shape = ()):
    """Permute the axes; reverse them by default."""
    return data.transpose(axes or None)


@transpose.gradient
def _(F, dy, _y, _data, *, axes):
    order = [a % _data.ndim for a in axes]
    return (lambda: F.transpose(dy, axes=tuple(sorted(range(len(order)), key=order.__getitem__))),)


def _swapped(data, *, dim1, dim2):
    shape, a, b = list(data), _inside(dim1, len(data)), _inside(dim2, len(data))
    shape[a], shape[b] = shape[b], shape[a]
    return tuple(shape)


@operator("SwapAxis", "swapaxes", aliasing=True, shape_rule=partly(_swapped))
def swap_axis(env, data, *, dim1: int = 0, dim2: int = 0):
    """Exchange two axes."""
    return data.swapaxes(dim1, dim2)


@swap_axis.gradient
def _(F, dy, _y, _data, *, dim1, dim2):
    return (lambda: F.SwapAxis(dy, dim1=dim1, dim2=dim2),)


@operator("reverse", "flip", aliasing=True, shape_rule=first)
def reverse(env, data, *, axis: Shape):
    """Reverse the order of elements along axes."""
    chosen = {_inside(a, data.ndim) for a in axis}
    return data[tuple([slice(None, None, -1) if i in chosen else slice(None) for i in range(data.ndim)])]


@reverse.gradient
def _(F, dy, _y, _data, *, axis):
    return (lambda: F.reverse(dy, axis=axis),)


def _blocked(data, wider, deeper):
    """Return the shape of images that become wider (and higher) or deeper."""
    n, channels, height, width = data
    return n, channels * deeper ** 2 // wider ** 2, height * wider // deeper, width * wider // deeper


@operator("depth_to_space",
          shape_rule=partly(lambda data, *, block_size: _blocked(data, block_size, 1)))
def depth_to_space(env, data, *, block_size: int):
    """Move blocks of channels into height and width: (n, b*b*c, h, w) to (n, c, h*b, w*b)."""
    n, channels, height, width = data.shape
    b = block_size
    parts = data.reshape((n, b, b, channels // (b * b), height, width)).transpose((0, 3, 4, 1, 5, 2))
    return parts.reshape((n, channels // (b * b), height * b, width * b))


@operator("space_to_depth",
          shape_rule=partly(lambda data, *, block_size: _blocked(data, 1, block_size)))
def space_to_depth(env, data, *, block_size: int):
    """Move blocks of height and width into channels: (n, c, h*b, w*b) to (n, b*b*c, h, w)."""
    n, channels, height, width = data.shape
    b = block_size
    parts = data.reshape((n, channels, height // b, b, width // b, b)).transpose((0, 3, 5, 1, 2, 4))
    return parts.reshape((n, channels * b * b, height // b, width // b))


@depth_to_space.gradient
def _(F, dy, _y, _data, *, block_size):
    return (lambda: F.space_to_depth(dy, block_size=block_size),)


@space_to_depth.gradient
def _(F, dy, _y, _data, *, block_size):
    return (lambda: F.depth_to_space(dy, block_size=block_size),)


# ---- diagonals -----------------------------------------------------------------------------------------------------------

def _diag_shape(data, *, k, axis1, axis2):
    if len(data) == 1:
        return (data[0] and data[0] + abs(k),) * 2
    first, second = _inside(axis1, len(data)), _inside(axis2, len(data))
    length = min(data[first] + min(k, 0), data[second] - max(k, 0)) if data[first] and data[second] else 0
    return (*[n for i, n in enumerate(data) if i not in (first, second)], length)


@operator("diag", shape_rule=partly(_diag_shape))
def diag(env, data, *, k: int = 0, axis1: int = 0, axis2: int = 1):
    """Take diagonal `k` of two axes; of a vector make a matrix that has it on diagonal `k`."""
    if data.ndim == 1:
        return env.xp.diag(data, k)
    return env.xp.diagonal(data, k, axis1, axis2).copy()


@diag.gradient
def _(F, dy, _y, _data, *, k, axis1, axis2):
    if _data.ndim == 1:
        return (lambda: F.diag(dy, k=k),)
    return (lambda: F._backward_diag(dy, k=k, axis1=axis1 % _data.ndim, axis2=axis2 % _data.ndim, shape=_data.shape),)


@operator("_backward_diag")
def backward_diag(env, data, *, k: int, axis1: int, axis2: int, shape: Shape):
    """Put the last axis of data on diagonal `k` of two axes of zeros."""
    total = env.xp.zeros(shape, data.dtype)
    index = env.xp.arange(data.shape[-1])
    inner = env.xp.moveaxis(total, (axis1, axis2), (-2, -1))
    inner[..., index + max(0, -k), index + max(0, k)] = data
    return total


@backward_diag.gradient
def _(F, dy, _y, _data, *, k, axis1, axis2, shape):
    return (lambda: F.diag(dy, k=k, axis1=axis1, axis2=axis2),)
