"""Reductions: sum, mean, prod, max, min, norm, ... over axes.

A reduction over all axes gives shape (1,), as in MXNet.
"""

from .attributes import Axes
from .registry import operator


def reduced_axes(axis, exclude, ndim):
    """Return the axes to reduce, non-negative and in order."""
    if axis is None:
        return tuple(range(ndim))
    axes = {a % ndim if -ndim <= a < ndim else _bad_axis(a, ndim) for a in axis}
    return tuple(a for a in range(ndim) if (a in axes) != exclude)


def _bad_axis(axis, ndim):
    raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")


def keep_one_axis(result, keepdims):
    """Give a full reduction the shape (1,)."""
    return result.reshape((1,)) if result.ndim == 0 else result


def expand_reduced(array, axes, shape, keepdims):
    """Return a reduction's result or gradient in the shape that broadcasts to the input's."""
    return array if keepdims and array.ndim == len(shape) else array.reshape(
        tuple(1 if i in axes else n for i, n in enumerate(shape)))


@operator("sum", "sum_axis")
def reduce_sum(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Sum over axes."""
    axes = reduced_axes(axis, exclude, data.ndim)
    return keep_one_axis(env.xp.sum(data, axis=axes, keepdims=keepdims, dtype=data.dtype), keepdims)


@reduce_sum.gradient
def _(F, dy, _y, _data, *, axis, keepdims, exclude):
    axes = reduced_axes(axis, exclude, _data.ndim)
    return (lambda: F.broadcast_to(expand_reduced(dy, axes, _data.shape, keepdims), shape=_data.shape),)
