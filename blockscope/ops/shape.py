"""Operators that only change shape or order: views of the same values where the array module gives them."""

from math import prod

from .attributes import Axes, DType, Shape
from .registry import operator
from .reshape_codes import infer_reshape

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


@operator("Reshape", "reshape", aliasing=True)
def reshape(env, data, *, shape: Shape = (), reverse: bool = False, target_shape: Shape = (), keep_highest: bool = False):
    """Change the shape; see `reshape_codes` for the codes in `shape`."""
    if not shape and target_shape:
        return data.reshape(_old_target(data.shape, target_shape, keep_highest))
    return data.reshape(infer_reshape(data.shape, shape, reverse))


def _reshape_back(F, dy, _y, _data, **_attrs):
    return (lambda: dy.reshape(_data.shape),)


reshape.gradient(_reshape_back)


@operator("Flatten", "flatten", aliasing=True)
def flatten(env, data):
    """Merge all axes but the first."""
    return data.reshape((data.shape[0], prod(data.shape[1:])))


flatten.gradient(_reshape_back)


@operator("expand_dims", aliasing=True)
def expand_dims(env, data, *, axis: int):
    """Insert an axis of length 1."""
    if not -data.ndim - 1 <= axis <= data.ndim:
        raise ValueError(f"axis {axis} exceeds the input dimension of {data.ndim}")
    position = axis if axis >= 0 else axis + data.ndim + 1
    return data.reshape(data.shape[:position] + (1,) + data.shape[position:])


expand_dims.gradient(_reshape_back)


@operator("squeeze", aliasing=True)
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


@operator("reshape_like", aliasing=True)
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


@operator("broadcast_to", aliasing=True)
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


@operator("broadcast_axis", "broadcast_axes", aliasing=True)
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


@operator("broadcast_like", aliasing=True)
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

@operator("transpose", aliasing=True)
def transpose(env, data, *, axes: Shape = ()):
    """Permute the axes; reverse them by default."""
    return data.transpose(axes or None)


@transpose.gradient
def _(F, dy, _y, _data, *, axes):
    order = [a % _data.ndim for a in axes]
    return (lambda: F.transpose(dy, axes=tuple(sorted(range(len(order)), key=order.__getitem__))),)


@operator("SwapAxis", "swapaxes", aliasing=True)
def swap_axis(env, data, *, dim1: int = 0, dim2: int = 0):
    """Exchange two axes."""
    return data.swapaxes(dim1, dim2)


@swap_axis.gradient
def _(F, dy, _y, _data, *, dim1, dim2):
    return (lambda: F.SwapAxis(dy, dim1=dim1, dim2=dim2),)


@operator("reverse", "flip", aliasing=True)
def reverse(env, data, *, axis: Shape):
    """Reverse the order of elements along axes."""
    chosen = {_inside(a, data.ndim) for a in axis}
    return data[tuple([slice(None, None, -1) if i in chosen else slice(None) for i in range(data.ndim)])]


@reverse.gradient
def _(F, dy, _y, _data, *, axis):
    return (lambda: F.reverse(dy, axis=axis),)


@operator("depth_to_space")
def depth_to_space(env, data, *, block_size: int):
    """Move blocks of channels into height and width: (n, b*b*c, h, w) to (n, c, h*b, w*b)."""
    n, channels, height, width = data.shape
    b = block_size
    parts = data.reshape((n, b, b, channels // (b * b), height, width)).transpose((0, 3, 4, 1, 5, 2))
    return parts.reshape((n, channels // (b * b), height * b, width * b))


@operator("space_to_depth")
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

@operator("diag")
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


# ---- type ----------------------------------------------------------------------------------------------------------------

def convert(data, dtype):
    """Return data as another dtype; fractions are cut off and too large integers wrap, as in C."""
    if data.dtype.kind == "f" and dtype.kind in "iu" and dtype.itemsize < 8:
        return data.astype("int64").astype(dtype)
    return data.astype(dtype)


def _cast_back(F, dy, _y, _data, **_attrs):
    return (lambda: F.Cast(dy, dtype=_data.dtype),)


@operator("Cast", "cast")
def cast(env, data, *, dtype: DType):
    """Convert to another data type."""
    return convert(data, dtype)


@operator("amp_cast")
def amp_cast(env, data, *, dtype: DType):
    """Convert floating-point data to another floating-point type; other data pass as they are."""
    return data.astype(dtype) if data.dtype.kind == "f" else data.copy()


cast.gradient(_cast_back)
amp_cast.gradient(_cast_back)


@operator("amp_multicast", outputs=lambda num_outputs, **_: num_outputs)
def amp_multicast(env, *data, num_outputs: int, cast_narrow: bool = False):
    """Convert all arrays to the widest of their types (or the narrowest)."""
    choose = min if cast_narrow else max
    dtype = choose([x.dtype for x in data], key=lambda d: d.itemsize)
    return tuple([x.astype(dtype) for x in data])


@amp_multicast.gradient
def _(F, dy, _y, *_data, **_attrs):
    return [lambda d=d, x=x: F.Cast(d, dtype=x.dtype) for d, x in zip(dy, _data)]


@operator("cast_storage", "_sparse_cast_storage", aliasing=True)
def cast_storage(env, data, *, stype: str):
    """Return data; only the dense storage type 'default' exists."""
    if stype != "default":
        raise ValueError(f"stype={stype!r}: sparse arrays are not available; keep the dense array (stype 'default')")
    return data


@cast_storage.gradient
def _(F, dy, _y, _data, *, stype):
    return (lambda: dy,)
