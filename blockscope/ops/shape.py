"""Operators that only change shape or order: views of the same values where the array module gives them."""

from .attributes import DType, Shape
from .registry import operator
from .reshape_codes import infer_reshape


@operator("Reshape", "reshape", aliasing=True)
def reshape(env, data, *, shape: Shape = (), reverse: bool = False, target_shape: Shape = (), keep_highest: bool = False):
    """Change the shape; see `reshape_codes` for the codes in `shape`."""
    target = infer_reshape(data.shape, shape, reverse)
    return data.reshape(target)


@reshape.gradient
def _(F, dy, _y, _data, **_attrs):
    return (lambda: dy.reshape(_data.shape),)


@operator("broadcast_to", aliasing=True)
def broadcast_to(env, data, *, shape: Shape = ()):
    """Repeat along axes of length 1 up to `shape`; 0 keeps the input's length."""
    target = tuple(n if n else d for n, d in zip(shape, data.shape)) if len(shape) == data.ndim else shape
    return data if target == data.shape else env.xp.broadcast_to(data, target)


@broadcast_to.gradient
def _(F, dy, _y, _data, *, shape):
    return (lambda: F._sum_to(dy, shape=_data.shape),)


@operator("Cast", "cast")
def cast(env, data, *, dtype: DType):
    """Convert to another data type."""
    return data.astype(dtype)


@cast.gradient
def _(F, dy, _y, _data, *, dtype):
    return (lambda: F.Cast(dy, dtype=_data.dtype),)


@operator("transpose", aliasing=True)
def transpose(env, data, *, axes: Shape = ()):
    """Permute the axes; reverse them by default."""
    return env.xp.transpose(data, axes or None)


@transpose.gradient
def _(F, dy, _y, _data, *, axes):
    inverse = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return (lambda: F.transpose(dy, axes=inverse),)
