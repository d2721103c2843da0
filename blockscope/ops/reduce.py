"""Reductions: sum, mean, prod, max, min, norm, ... over axes.

A reduction over all axes gives shape (1,), as in MXNet.  float16 is accumulated in float32; integers stay integers.
"""

from functools import lru_cache
from math import prod
from typing import Literal

from .attributes import Axes, DType, as_dtype
from .inference import first, partly, reduced, size_of, type_attribute
from .registry import operator


@lru_cache(1024)
def reduced_axes(axis, exclude, ndim):
    """Return the axes to reduce, non-negative and in order."""
    if axis is None:
        return tuple(range(ndim))
    axes = {a % ndim if -ndim <= a < ndim else _bad_axis(a, ndim) for a in axis}
    if len(axes) != len(axis):
        raise ValueError(f"Reduction axes have duplicates {list(axis)}")
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


def spread(F, dy, data, axis, keepdims, exclude):
    """Return a reduction's gradient repeated along the reduced axes to the shape of `data`."""
    axes = reduced_axes(axis, exclude, data.ndim)
    return F.broadcast_to(expand_reduced(dy, axes, data.shape, keepdims), shape=data.shape)


def _wide(dtype):
    """Return the dtype to accumulate in."""
    return as_dtype("float32") if dtype.char == "e" else dtype


def _reduce(function, data, axes, keepdims):
    """Reduce with the accumulating method of that name and return the data's dtype."""
    result = getattr(data, function)(axis=axes, keepdims=keepdims, dtype=_wide(data.dtype))
    return keep_one_axis(result if result.dtype == data.dtype else result.astype(data.dtype), keepdims)


def _sum(env, data, axes, keepdims, divisor=None):
    """Sum, and divide, in the data's dtype (the ufunc's own method costs half of what the function costs)."""
    result = env.xp.add.reduce(data, axis=axes, keepdims=keepdims, dtype=_wide(data.dtype))
    if divisor is not None:
        result = result / divisor
    return keep_one_axis(result if result.dtype is data.dtype else result.astype(data.dtype), keepdims)


def _count(shape, axes):
    return prod([shape[a] for a in axes])


def _known(data):
    """Return where data is a number: NaN alone differs from itself."""
    return data == data  # noqa: PLR0124


# ---- sums ----------------------------------------------------------------------------------------------------------------

def _reduced_shape(data, *, axis, keepdims, exclude=False, **_):
    return reduced(data, reduced_axes(axis, exclude, len(data)), keepdims)


@operator("sum", "sum_axis", "_sparse_sum", shape_rule=partly(_reduced_shape))
def reduce_sum(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Sum over axes."""
    return _sum(env, data, reduced_axes(axis, exclude, data.ndim), keepdims)


@reduce_sum.gradient
def _(F, dy, _y, _data, *, axis, keepdims, exclude):
    return (lambda: spread(F, dy, _data, axis, keepdims, exclude),)


@operator("mean", "_sparse_mean", shape_rule=partly(_reduced_shape))
def mean(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Average over axes; integers round towards zero."""
    axes = reduced_axes(axis, exclude, data.ndim)
    if data.dtype.kind == "f":
        return _sum(env, data, axes, keepdims, _count(data.shape, axes))
    average = env.xp.sum(data, axis=axes, keepdims=keepdims, dtype="float64") / _count(data.shape, axes)
    return keep_one_axis(average.astype(data.dtype), keepdims)


@mean.gradient
def _(F, dy, _y, _data, *, axis, keepdims, exclude):
    count = _count(_data.shape, reduced_axes(axis, exclude, _data.ndim))
    return (lambda: spread(F, dy / count, _data, axis, keepdims, exclude),)


@operator("nansum", shape_rule=partly(_reduced_shape))
def nansum(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Sum over axes, taking NaN as zero."""
    filled = env.xp.where(env.xp.isnan(data), data.dtype.type(0), data)
    return _reduce("sum", filled, reduced_axes(axis, exclude, data.ndim), keepdims)


@nansum.gradient
def _(F, dy, _y, data, *, axis, keepdims, exclude):
    return (lambda: spread(F, dy, data, axis, keepdims, exclude) * _known(data),)


@operator("_square_sum", shape_rule=partly(_reduced_shape))
def square_sum(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Sum the squares over axes."""
    return _reduce("sum", data * data, reduced_axes(axis, exclude, data.ndim), keepdims)


@square_sum.gradient
def _(F, dy, _y, data, *, axis, keepdims, exclude):
    return (lambda: spread(F, dy, data, axis, keepdims, exclude) * data * 2,)


# ---- products ------------------------------------------------------------------------------------------------------------

@operator("prod", shape_rule=partly(_reduced_shape))
def reduce_prod(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Multiply over axes."""
    return _reduce("prod", data, reduced_axes(axis, exclude, data.ndim), keepdims)


@reduce_prod.gradient
def _(F, dy, y, data, *, axis, keepdims, exclude):
    return (lambda: spread(F, dy * y, data, axis, keepdims, exclude) / data,)


@operator("nanprod", shape_rule=partly(_reduced_shape))
def nanprod(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Multiply over axes, taking NaN as one."""
    filled = env.xp.where(env.xp.isnan(data), data.dtype.type(1), data)
    return _reduce("prod", filled, reduced_axes(axis, exclude, data.ndim), keepdims)


@nanprod.gradient
def _(F, dy, y, data, *, axis, keepdims, exclude):
    def gradient():
        return F.where(_known(data), spread(F, dy * y, data, axis, keepdims, exclude) / data, F.zeros_like(data))
    return (gradient,)


# ---- extremes ------------------------------------------------------------------------------------------------------------

def _extreme_gradient(F, dy, y, data, *, axis, keepdims, exclude):
    """Every element that equals the extreme gets the whole gradient."""
    def gradient():
        axes = reduced_axes(axis, exclude, data.ndim)
        chosen = data == expand_reduced(y, axes, data.shape, keepdims)
        return expand_reduced(dy, axes, data.shape, keepdims) * chosen
    return (gradient,)


@operator("max", "max_axis", shape_rule=partly(_reduced_shape))
def reduce_max(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Return the largest values over axes."""
    return keep_one_axis(data.max(axis=reduced_axes(axis, exclude, data.ndim), keepdims=keepdims), keepdims)


@operator("min", "min_axis", shape_rule=partly(_reduced_shape))
def reduce_min(env, data, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False):
    """Return the smallest values over axes."""
    return keep_one_axis(data.min(axis=reduced_axes(axis, exclude, data.ndim), keepdims=keepdims), keepdims)


reduce_max.gradient(_extreme_gradient)
reduce_min.gradient(_extreme_gradient)


# ---- norms and moments ---------------------------------------------------------------------------------------------------

@operator("norm", "_sparse_norm", shape_rule=partly(_reduced_shape), type_rule=type_attribute("out_dtype"))
def norm(env, data, *, ord: int = 2, axis: Axes = None,
         out_dtype: Literal["float16", "float32", "float64", "int32", "int64", "int8"] | None = None,
         keepdims: bool = False):
    """Return the 1-norm or the 2-norm over axes."""
    if ord not in (1, 2):
        raise ValueError(f"norm only supports ord=1 and ord=2, not {ord}")
    axes = reduced_axes(axis, False, data.ndim)
    wide = _wide(data.dtype)
    sizes = env.xp.abs(data) if ord == 1 else env.xp.square(data, dtype=wide)
    total = env.xp.sum(sizes, axis=axes, keepdims=keepdims, dtype=wide)
    result = total if ord == 1 else env.xp.sqrt(total)
    return keep_one_axis(result.astype(out_dtype or data.dtype), keepdims)


@norm.gradient
def _(F, dy, y, data, *, ord, axis, out_dtype, keepdims):
    def gradient():
        head = spread(F, dy, data, axis, keepdims, False)
        if out_dtype is not None:
            head = F.Cast(head, dtype=data.dtype)
        if ord == 1:
            return head * F.sign(data)
        size = F.Cast(y, dtype=data.dtype) if out_dtype is not None else y
        return head * data / spread(F, size, data, axis, keepdims, False)
    return (gradient,)


def _moments_shape(data, *, axes, keepdims):
    return [_reduced_shape(data, axis=axes, keepdims=keepdims)] * 2


@operator("moments", outputs=2, shape_rule=partly(_moments_shape))
def moments(env, data, *, axes: Axes = None, keepdims: bool = False):
    """Return mean and variance over axes."""
    if axes is None:
        raise ValueError("Empty axes is not supported, if you would like to do global moments, please pass all axes to "
                         "axes argument")
    reduced = reduced_axes(axes, False, data.ndim)
    wide = _wide(data.dtype)
    average = env.xp.mean(data, axis=reduced, keepdims=True, dtype=wide)
    variance = env.xp.mean(env.xp.square(data - average), axis=reduced, keepdims=keepdims, dtype=wide)
    average = average.reshape(variance.shape)
    return tuple([keep_one_axis(r.astype(data.dtype), keepdims) for r in (average, variance)])


@moments.gradient
def _(F, dy, y, data, *, axes, keepdims):
    def gradient():
        count = _count(data.shape, reduced_axes(axes, False, data.ndim))
        distance = data - spread(F, y[0], data, axes, keepdims, False)
        return (spread(F, dy[0], data, axes, keepdims, False)
                + spread(F, dy[1], data, axes, keepdims, False) * distance * 2) / count
    return (gradient,)


def _cumsum_rule(ins, outs, attrs):
    return first(ins, outs, attrs) if attrs["axis"] is not None else ((), [ins[0] and (size_of(ins[0]),)])


@operator("_np_cumsum", "cumsum", shape_rule=_cumsum_rule, type_rule=type_attribute())
def cumsum(env, a, *, axis: int | None = None, dtype: DType | None = None):
    """Return running sums along an axis, or of the flattened array."""
    return env.xp.cumsum(a, axis=axis, dtype=dtype or a.dtype)


@cumsum.gradient
def _(F, dy, _y, _a, *, axis, dtype):
    def gradient():
        along = 0 if axis is None else axis % _a.ndim
        backwards = F.reverse(F._np_cumsum(F.reverse(dy, axis=(along,)), axis=along), axis=(along,))
        return F.Cast(backwards, dtype=_a.dtype).reshape(_a.shape)
    return (gradient,)
