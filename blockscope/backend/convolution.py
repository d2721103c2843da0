"""Convolution of raw arrays in any number of dimensions: forward, gradient of the data, gradient of the weight.

Every convolution and deconvolution goes through these three functions, so that another algorithm (or a vendor's library) needs no
change elsewhere. Arrays are channels-first: x ``(N, C, *in)``, w ``(F, C / groups, *kernel)``, y ``(N, F, *out)``; any
memory order will do, and results are channels-last in memory unless a matrix product makes them channels-first at no cost.

This is tier 0. All three become correlations (see `correlation` and, for kernels of single channels, `depthwise`): the data gradient
is one of dy with the kernels turned around, or with strides one for every residue of the strides. Kernels of one point need no
patches: they are matrix products of the arrays as they lie.
"""

from itertools import product
from math import gcd, prod
from typing import NamedTuple

from .correlation import Window, correlate, correlate_weight, small_beside_weight, transposed
from .depthwise import correlate_depthwise, depthwise_weight
from .memory_order import to_first, to_last


class Geometry(NamedTuple):
    """Where a kernel goes: one stride, dilation and padding a spatial axis, and the number of channel groups."""

    stride: tuple
    dilate: tuple
    pad: tuple
    groups: int = 1


def output_size(size, kernel, geometry):
    """Return the spatial shape of a convolution's result."""
    return tuple((n + 2 * p - (d * (k - 1) + 1)) // s + 1
                 for n, k, s, d, p in zip(size, kernel, geometry.stride, geometry.dilate, geometry.pad))


def _pointwise(kernel, geometry):
    return geometry.groups == 1 and prod(kernel) == 1 and not any(geometry.pad) and prod(geometry.stride) == 1


def _depthwise(filters, channels, groups):
    return groups > 1 and filters == groups == channels


def forward(xp, x, w, geometry, into=None):
    """Return the convolution y of x with w, in the array `into` (channels-last in memory) where one is given."""
    if x.dtype.char == "e":
        return forward(xp, x.astype("float32"), w.astype("float32"), geometry).astype(x.dtype)
    kernel, filters, groups = w.shape[2:], w.shape[0], geometry.groups
    if _pointwise(kernel, geometry):
        return _mix_channels(xp, w.reshape(w.shape[:2]), x)
    size = output_size(x.shape[2:], kernel, geometry)
    window = Window(kernel, size, tuple(-p for p in geometry.pad), geometry.stride, geometry.dilate)
    shape = (x.shape[0], *size, filters)
    y = to_last(into) if _is_last(into, shape, x.dtype) else xp.empty(shape, x.dtype)
    if _depthwise(filters, x.shape[1], groups):
        correlate_depthwise(xp, to_last(x), w[:, 0], window, y)
    else:
        correlate(xp, to_last(x), w, window, groups, y)
    return to_first(y)


def _is_last(array, shape, dtype):
    """Whether there is an array that is contiguous with its channels last, of the shape and type that it has then."""
    return array is not None and array.dtype == dtype and to_last(array).shape == shape and to_last(array).flags.c_contiguous


def _mix_channels(xp, matrix, x):
    """Return the product of a matrix (F, C) with x (N, C, *spatial) along its channels, in x's memory order."""
    last = to_last(x)
    if last.flags.c_contiguous:
        y = xp.matmul(last.reshape((prod(last.shape[:-1]), last.shape[-1])), matrix.T)
        return to_first(y.reshape((*last.shape[:-1], matrix.shape[0])))
    count, spatial = x.shape[0], x.shape[2:]
    return xp.matmul(matrix, x.reshape((count, x.shape[1], prod(spatial)))).reshape((count, matrix.shape[0], *spatial))


def _residues(length, k, stride, dilate, pad):
    """Yield for every residue of one axis of x modulo the stride which points of the kernel meet it, and from where on.

    Element ``stride * t + residue`` is met by the kernel's points ``taps``, taken backwards, at the outputs ``t + start``,
    ``t + start + step``, ...; `taps` is None where no point meets it.
    """
    common = gcd(dilate, stride)
    for residue in range(min(stride, length)):
        count, shift = len(range(residue, length, stride)), residue + pad
        first = next((i for i in range(min(k, stride // common)) if (dilate * i - shift) % stride == 0), None)
        if first is None:
            yield residue, count, None, 0, 1
            continue
        taps = range(first, k, stride // common)[::-1]
        yield residue, count, taps, (shift - dilate * taps[0]) // stride, dilate // common


def _select(w, axis, taps):
    """Return the elements `taps` (a range) of an axis of w, as a view."""
    stop = taps.stop if taps.stop >= 0 else None
    return w[(slice(None),) * axis + (slice(taps.start, stop, taps.step),)]


def _spread(dy, w, channels, size, geometry):
    """Whether to spread products over the data, and not to gather dy: far fewer channels, windows, or points beside the weight."""
    return (4 * channels <= w.shape[0] or prod(size) > 1.2 * prod(dy.shape[2:]) * prod(geometry.stride)
            or small_beside_weight(to_last(dy), w.shape[0]) and prod(geometry.stride) == 1)


def data_gradient(xp, dy, w, geometry, size):
    """Return the gradient of x (of spatial shape `size`) for the gradient dy of y: the transposed convolution."""
    if dy.dtype.char == "e":
        return data_gradient(xp, dy.astype("float32"), w.astype("float32"), geometry, size).astype(dy.dtype)
    groups = geometry.groups
    if _pointwise(w.shape[2:], geometry) and tuple(size) == dy.shape[2:]:
        return _mix_channels(xp, w.reshape(w.shape[:2]).T, dy)
    channels = w.shape[1] * groups
    dx = xp.empty((dy.shape[0], *size, channels), dy.dtype)
    depthwise = _depthwise(w.shape[0], channels, groups)
    if not depthwise and _spread(dy, w, channels, size, geometry):
        window = Window(w.shape[2:], dy.shape[2:], tuple(-p for p in geometry.pad), geometry.stride, geometry.dilate)
        transposed(xp, to_last(dy), w, window, groups, dx)
        return to_first(dx)
    turned = w.swapaxes(0, 1)
    if groups > 1:
        turned = w.reshape((groups, w.shape[0] // groups, *w.shape[1:])).swapaxes(1, 2).reshape((channels, -1, *w.shape[2:]))
    axes = [_residues(*axis) for axis in zip(size, w.shape[2:], geometry.stride, geometry.dilate, geometry.pad)]
    for parts in product(*axes):
        residue, count, taps, start, step = zip(*parts)
        target = dx[(slice(None), *(slice(r, None, s) for r, s in zip(residue, geometry.stride)))]
        if any(t is None for t in taps):
            target[...] = 0
            continue
        part = turned
        for axis, along in enumerate(taps, 2):
            part = _select(part, axis, along)
        window = Window(part.shape[2:], count, start, (1,) * len(count), step)
        if depthwise:
            correlate_depthwise(xp, to_last(dy), part[:, 0], window, target)
        else:
            correlate(xp, to_last(dy), part, window, groups, target)
    return to_first(dx)


def weight_gradient(xp, dy, x, geometry, kernel):
    """Return the gradient of w (of spatial shape `kernel`) for the gradient dy of y."""
    if dy.dtype.char == "e":
        return weight_gradient(xp, dy.astype("float32"), x.astype("float32"), geometry, kernel).astype(dy.dtype)
    if _pointwise(kernel, geometry):
        return _channel_products(xp, dy, x).reshape((dy.shape[1], x.shape[1], *kernel))
    window = Window(tuple(kernel), dy.shape[2:], tuple(-p for p in geometry.pad), geometry.stride, geometry.dilate)
    if _depthwise(dy.shape[1], x.shape[1], geometry.groups):
        return depthwise_weight(xp, to_last(x), to_last(dy), window).reshape((x.shape[1], 1, *kernel))
    return correlate_weight(xp, to_last(x), to_last(dy), window, geometry.groups)


def _channel_products(xp, dy, x):
    """Return the matrix (F, C) of products of the channels of dy and x, summed over everything else."""
    top, last = to_last(dy), to_last(x)
    if top.flags.c_contiguous and last.flags.c_contiguous:
        return xp.matmul(top.reshape((-1, dy.shape[1])).T, last.reshape((-1, x.shape[1])))
    total = xp.zeros((dy.shape[1], x.shape[1]), dy.dtype)
    for i in range(len(x)):
        total += xp.matmul(dy[i].reshape((dy.shape[1], -1)), x[i].reshape((x.shape[1], -1)).T)
    return total
