"""Operators of no arrays, and constants in the shape of an array.

`ctx` is where the array goes; the call of an operator takes it out and runs the operator there.
"""

from math import ceil

from .attributes import Axes, DType, Floats, Shape, as_dtype
from .inference import compute
from .inference import first, fixed, fixed_types, forward, from_attribute, partly, type_attribute
from .registry import operator


@operator("_zeros", shape_rule=from_attribute, type_rule=type_attribute())
def _zeros(env, *, shape: Shape = (), ctx: str = "", dtype: DType = "float32"):
    """Make an array of zeros."""
    return env.xp.zeros(shape, dtype)


@operator("_ones", shape_rule=from_attribute, type_rule=type_attribute())
def _ones(env, *, shape: Shape = (), ctx: str = "", dtype: DType = "float32"):
    """Make an array of ones."""
    return env.xp.ones(shape, dtype)


@operator("_full", shape_rule=from_attribute, type_rule=type_attribute())
def _full(env, *, shape: Shape = (), ctx: str = "", dtype: DType = "float32", value: float):
    """Make an array filled with one number."""
    return env.xp.full(shape, value, dtype)


@operator("_eye", shape_rule=forward(lambda *, N, M, **_: (N, M or N)), type_rule=type_attribute())
def _eye(env, *, N: int, M: int = 0, k: int = 0, ctx: str = "", dtype: DType = "float32"):
    """Make a matrix with ones on diagonal `k`; square if `M` is 0."""
    return env.xp.eye(N, M or N, k, dtype)


def _sequence(env, start, step, count, dtype):
    """Return `count` numbers, each computed from its index so that steps don't add up errors."""
    steps = env.xp.arange(count, dtype="float64" if dtype.kind == "f" else "int64")
    if dtype.kind != "f" and float(start).is_integer() and float(step).is_integer():
        start, step = int(start), int(step)
    return (steps * step + start).astype(dtype)


@operator("_arange", type_rule=type_attribute())
def _arange(env, *, start: float, stop: float | None = None, step: float = 1.0, repeat: int = 1, infer_range: bool = False,
            ctx: str = "", dtype: DType = "float32"):
    """Make evenly spaced values in ``[start, stop)``, each repeated `repeat` times; one number alone is `stop`."""
    if infer_range:
        raise ValueError("infer_range=True needs a symbolic graph that tells the length; give stop")
    if stop is None:
        start, stop = 0.0, start
    if step == 0:
        raise ValueError("step can't be 0")
    values = _sequence(env, start, step, max(0, ceil((stop - start) / step)), dtype)
    return env.xp.repeat(values, repeat) if repeat > 1 else values


@_arange.infers_shape
def _(ins, outs, attrs):
    if attrs["infer_range"] and attrs["stop"] is None:
        return ins, outs
    return compute(_arange, ins, outs, attrs)


@operator("_linspace", shape_rule=forward(lambda *, num, **_: (num,)), type_rule=type_attribute())
def _linspace(env, *, start: float, stop: float, num: int, endpoint: bool = True, ctx: str = "", dtype: DType = "float32"):
    """Make `num` evenly spaced values from start to stop (without stop itself if not `endpoint`)."""
    parts = num - 1 if endpoint else num
    return _sequence(env, start, (stop - start) / parts if parts > 0 else 0.0, num, dtype)


@operator("zeros_like", "_sparse_zeros_like", shape_rule=first)
def zeros_like(env, data):
    """Make zeros of the shape and type of data."""
    return env.xp.zeros(data.shape, data.dtype)


@operator("ones_like", shape_rule=first)
def ones_like(env, data):
    """Make ones of the shape and type of data."""
    return env.xp.ones(data.shape, data.dtype)


def _constant_gradient(F, _dy, _y, _data):
    return (lambda: F.zeros_like(_dy),)


zeros_like.gradient(_constant_gradient)
ones_like.gradient(_constant_gradient)


@operator("_contrib_arange_like", shape_rule=partly(lambda data, *, axis, **_: data if axis is None else (data[axis],)))
def arange_like(env, data, *, start: float = 0.0, step: float = 1.0, repeat: int = 1, ctx: str = "",
                axis: int | None = None):
    """Make evenly spaced values for an axis of data, or in the whole shape of data."""
    count = data.size if axis is None else data.shape[axis]
    values = _sequence(env, start, step, -(-count // repeat), data.dtype)
    if repeat > 1:
        values = env.xp.repeat(values, repeat)[:count]
    return values.reshape(data.shape) if axis is None else values


@arange_like.gradient
def _(F, dy, _y, _data, **_attrs):
    return (None,)


@operator("shape_array", shape_rule=lambda ins, _outs, _attrs: ((), [(len(ins[0] or ()),)]), type_rule=fixed_types("int64"))
def shape_array(env, data):
    """Return the shape of data as an array of int64."""
    return env.xp.array(data.shape, "int64")


@operator("size_array", shape_rule=fixed(1), type_rule=fixed_types("int64"))
def size_array(env, data):
    """Return the number of elements of data as an array of int64 of shape (1,)."""
    return env.xp.array([data.size], "int64")


@operator("_contrib_index_array",
          shape_rule=partly(lambda data, *, axes: (*data, len(data if axes is None else axes))),
          type_rule=fixed_types("int64"))
def index_array(env, data, *, axes: Axes = None):
    """Return the index of every element along `axes` (all by default), as int64 in a new last axis."""
    axes = tuple(range(data.ndim)) if axes is None else axes
    xp = env.xp
    parts = []
    for axis in axes:
        axis %= data.ndim
        along = xp.arange(data.shape[axis]).reshape((-1,) + (1,) * (data.ndim - axis - 1))
        parts.append(xp.broadcast_to(along, data.shape))
    return xp.stack(parts, axis=-1).astype("int64")


def _no_gradient(F, _dy, _y, _data, **_attrs):
    return (None,)


for _op in (shape_array, size_array, index_array):
    _op.gradient(_no_gradient)


def _histogram_shapes(ins, _outs, attrs):
    count = attrs["bin_cnt"] if attrs["bin_cnt"] is not None else ins[1] and ins[1][0] - 1
    return (), [(count,), (count + 1,)] if count else []


def _histogram_types(ins, outs, _attrs):
    return (), [as_dtype("int64"), ins[0]]


@operator("_histogram", outputs=2, arguments=lambda bin_cnt, **_: ("data", "bins") if bin_cnt is None else ("data",),
          shape_rule=_histogram_shapes, type_rule=_histogram_types)
def histogram(env, data, bins=None, *, bin_cnt: int | None = None, range: Floats | None = None):
    """Count values in bins; returns counts and the edges of the bins."""
    if bin_cnt is None:
        counts, edges = env.xp.histogram(data.reshape((-1,)), bins)
        return counts.astype("int64"), edges.astype(data.dtype)
    if range is None:
        raise ValueError("range must be given with bin_cnt")
    counts, edges = env.xp.histogram(data.reshape((-1,)), bin_cnt, (float(range[0]), float(range[1])))
    return counts.astype("int64"), edges.astype(data.dtype)
