"""Pooling over windows in 1 to 3 dimensions: max, average, sum and Lp.

`backend.pooling` has the kernels.
"""

from math import prod
from typing import Literal

from ..backend import pooling as kernels
from ..backend.pooling import Windows
from .attributes import Shape
from .convolution import channels_last, check_spatial, to_first, to_last
from .registry import operator

Convention = Literal["full", "same", "valid"]
PoolLayout = Literal["NCDHW", "NCHW", "NCW", "NDHWC", "NHWC", "NWC"] | None


def find_windows(shape, kernel, stride, pad, convention):
    """Return the `Windows` of channels-first data of a shape.

    Raises
    ------
    ValueError
        If the kernel doesn't fit.
    """
    inside = tuple(shape[2:])
    stride = stride or (1,) * len(kernel)
    pad = pad or (0,) * len(kernel)
    if convention == "same":
        if any(pad):
            raise ValueError("Same pooling convention disables the use of pad parameter.")
        return Windows(kernel, stride, pad, inside, tuple(-(-n // s) for n, s in zip(inside, stride)))
    size = []
    for n, k, s, p in zip(inside, kernel, stride, pad):
        if k > n + 2 * p:
            raise ValueError(f"kernel size ({k}) exceeds input ({n} padded to {n + 2 * p})")
        if p >= k:
            raise ValueError(f"pad ({p}) must be smaller than the kernel ({k})")
        room = n + 2 * p - k
        size.append((-(-room // s) if convention == "full" else room // s) + 1)
    return Windows(kernel, stride, pad, inside, tuple(size))


def _counts(xp, windows, include_pad, dtype):
    """Return how many elements each window averages over: a number where all are equal, else an array."""
    low = [0 if include_pad else p for p in windows.pad]
    high = [p + n + (p if include_pad else 0) for p, n in zip(windows.pad, windows.inside)]
    regular = all(a <= 0 and (m - 1) * s + k <= b
                  for a, b, m, s, k in zip(low, high, windows.size, windows.stride, windows.kernel))
    if regular:
        return prod(windows.kernel)
    total = None
    for a, b, m, s, k in zip(low, high, windows.size, windows.stride, windows.kernel):
        start = xp.arange(m) * s
        along = xp.minimum(start + k, b) - xp.maximum(start, a)
        total = along if total is None else total[..., None] * along
    return xp.maximum(total, 1).astype(dtype)


def _power_sum(xp, x, windows, p):
    """Return the p-th root of the sum of p-th powers (the signed root for odd p, as in MXNet)."""
    if p not in (1, 2, 3):
        raise ValueError(f"p value of {p} is not supported: p_value is 1, 2 or 3")
    total = kernels.total(xp, x ** p, windows)
    return total if p == 1 else xp.sqrt(total) if p == 2 else xp.cbrt(total)


def _pool(env, x, windows, pool_type, p_value, include_pad):
    xp = env.xp
    if pool_type == "max":
        return kernels.maximum(xp, x, windows)
    if pool_type == "lp":
        return _power_sum(xp, x, windows, p_value)
    total = kernels.total(xp, x, windows)
    if pool_type == "avg":
        total /= _counts(xp, windows, include_pad, x.dtype)
    return total


def _global(env, x, pool_type, p_value):
    axes = tuple(range(2, x.ndim))
    if pool_type == "max":
        return x.max(axis=axes, keepdims=True)
    if pool_type == "avg":
        return x.mean(axis=axes, keepdims=True).astype(x.dtype)
    if pool_type == "sum":
        return x.sum(axis=axes, keepdims=True)
    return _power_sum(env.xp, x, Windows(x.shape[2:], (1,) * len(axes), (0,) * len(axes), x.shape[2:], (1,) * len(axes)), p_value)


def _graph_outputs(pool_type, kernel, layout, **_):
    # A workspace of the kernels that MXNet takes for these pools.
    return 2 if pool_type == "max" and kernel and not channels_last(layout) else 1


def _pooling_rule(ins, _outs, attrs):
    data, last = ins[0], channels_last(attrs["layout"])
    if data is None:
        return (), ()
    spatial = data[1:-1] if last else data[2:]
    if attrs["global_pool"]:
        size = (1,) * len(spatial)
    else:
        kernel = attrs["kernel"]
        if len(kernel) != len(spatial):
            raise ValueError(f"Pooling: kernel={kernel} is for data of {len(kernel) + 2} dimensions, but data has {len(data)}")
        check_spatial(len(data), attrs["layout"], kernel=kernel, stride=attrs["stride"], pad=attrs["pad"])
        # Lengths follow one by one: one that is not known may be anything that the kernel fits in.
        lengths = [n or k for n, k in zip(spatial, kernel)]
        found = find_windows((1, 1, *lengths), kernel, attrs["stride"], attrs["pad"], attrs["pooling_convention"]).size
        size = [n and m for n, m in zip(spatial, found)]
    shape = (data[0], *size, data[-1]) if last else (*data[:2], *size)
    return (), [shape, shape]


@operator("Pooling", graph_outputs=_graph_outputs, output_names=("output",), shape_rule=_pooling_rule)
def pooling(env, data, *, kernel: Shape = (), pool_type: Literal["avg", "lp", "max", "sum"] = "max", global_pool: bool = False,
            cudnn_off: bool = False, pooling_convention: Convention = "valid", stride: Shape = (), pad: Shape = (),
            p_value: int | None = None, count_include_pad: bool | None = None, layout: PoolLayout = None):
    """Reduce data (batch, channel, *spatial) over windows.

    The convention says how many windows there are: those that fit (valid), also one that starts inside and ends outside (full),
    or one every stride (same, no padding). An average counts padding unless count_include_pad=False. global_pool takes one
    window over everything. `cudnn_off` chooses among MXNet's kernels and changes no result.
    """
    if data.dtype.kind != "f":
        raise ValueError(f"This operation only support floating point types, not {data.dtype}")
    if pool_type == "lp" and p_value is None:
        raise ValueError("Pooling with pool_type='lp' needs p_value")
    last = channels_last(layout)
    x = env.xp.transpose(data, to_first(data.ndim)) if last else data
    if global_pool:
        check_spatial(data.ndim, layout)
        y = _global(env, x, pool_type, p_value)
    else:
        if len(kernel) != data.ndim - 2:
            raise ValueError(f"Pooling: kernel={kernel} is for data of {len(kernel) + 2} dimensions, but data has {data.ndim}")
        check_spatial(data.ndim, layout, kernel=kernel, stride=stride, pad=pad)
        windows = find_windows(x.shape, kernel, stride, pad, pooling_convention)
        y = _pool(env, x, windows, pool_type, p_value, count_include_pad is not False)
    return env.xp.transpose(y, to_last(y.ndim)) if last else y


@pooling.gradient
def _(F, dy, y, x, *, layout, **attrs):
    def left():
        if not channels_last(layout):
            return _data_gradient(F, dy, y, x, **attrs)
        axes = to_first(x.ndim)
        dx = _data_gradient(F, *(F.transpose(a, axes=axes) for a in (dy, y, x)), **attrs)
        return F.transpose(dx, axes=to_last(x.ndim))
    return (left,)


def _data_gradient(F, dy, y, x, *, kernel, pool_type, global_pool, pooling_convention, stride, pad, p_value, count_include_pad,
                   cudnn_off):
    if global_pool:
        kernel, stride, pad, pooling_convention = x.shape[2:], (), (), "valid"
    where = {"kernel": kernel, "stride": stride, "pad": pad, "pooling_convention": pooling_convention}
    if pool_type == "max":
        return F._backward_max_pool(dy, y, x, **where)
    if pool_type == "lp":
        scaled = dy if p_value == 1 else F.where(y == 0, F.zeros_like(dy), dy / y ** (p_value - 1))
        spread = F._spread(scaled, size=x.shape[2:], average=False, count_include_pad=None, **where)
        return spread if p_value == 1 else spread * x ** (p_value - 1)
    return F._spread(dy, size=x.shape[2:], average=pool_type == "avg", count_include_pad=count_include_pad, **where)


@operator("_spread")
def _spread(env, dy, *, size: Shape, kernel: Shape, stride: Shape, pad: Shape, pooling_convention: str, average: bool,
            count_include_pad: bool | None):
    """Give every element of a window the window's value, added up over windows: the transpose of average and sum pooling."""
    xp = env.xp
    windows = find_windows((0, 0, *size), kernel, stride, pad, pooling_convention)
    if average:
        dy = dy / _counts(xp, windows, count_include_pad is not False, dy.dtype)
    if tuple(kernel) == tuple(size) and not any(windows.pad):
        return kernels.fill_windows(xp, dy, size)
    return kernels.spread(xp, dy, windows)


@_spread.gradient
def _(F, dy, _y, _top, *, size, average, count_include_pad, kernel, stride, pad, pooling_convention):
    return (lambda: F.Pooling(dy, kernel=kernel, pool_type="avg" if average else "sum", stride=stride, pad=pad,
                              pooling_convention=pooling_convention, count_include_pad=count_include_pad),)


@operator("_backward_max_pool")
def _backward_max_pool(env, dy, y, x, *, kernel: Shape, stride: Shape, pad: Shape, pooling_convention: str):
    """Give each window's gradient to the first of its largest elements."""
    xp = env.xp
    windows = find_windows(x.shape, kernel, stride, pad, pooling_convention)
    if tuple(kernel) == x.shape[2:] and not any(windows.pad):
        flat = x.reshape(x.shape[:2] + (-1,))
        first = xp.expand_dims(flat.argmax(axis=2), 2) == xp.arange(flat.shape[2])
        return (first * dy.reshape(dy.shape[:2] + (1,))).astype(dy.dtype).reshape(x.shape)
    return kernels.route(xp, dy, y, x, windows)
