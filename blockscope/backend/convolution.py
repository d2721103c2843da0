"""Convolution of raw arrays in any number of dimensions: forward, gradient of the data, gradient of the weight.

Every convolution and deconvolution goes through these three functions, so that another algorithm (or a vendor's library) needs no
change elsewhere. Arrays are channels-first: x ``(N, C, *in)``, w ``(F, C / groups, *kernel)``, y ``(N, F, *out)``; any
memory order will do. This is tier 0: one matrix product an image (a kernel of one point needs nothing else; larger ones first
gather the patches under every kernel point), with the images taken in groups so that the patches stay in cache.
"""

from itertools import product
from math import prod
from typing import NamedTuple

_CHUNK = 1 << 20  # elements of patches at a time


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


def padded(xp, x, pad, value=0):
    """Return x with `pad` elements of `value` on both ends of every spatial axis."""
    if not any(pad):
        return x
    shape = x.shape[:2] + tuple(n + 2 * p for n, p in zip(x.shape[2:], pad))
    out = xp.full(shape, value, x.dtype) if value else xp.zeros(shape, x.dtype)
    out[(slice(None), slice(None), *(slice(p, p + n) for n, p in zip(x.shape[2:], pad)))] = x
    return out


def points(kernel, size, geometry):
    """Yield, for every kernel point, its index and the slices of a padded array that it meets (leading axes included)."""
    whole = (slice(None), slice(None))
    for point in product(*(range(k) for k in kernel)):
        yield point, whole + tuple(slice(i * d, i * d + s * (n - 1) + 1, s)
                                   for i, n, s, d in zip(point, size, geometry.stride, geometry.dilate))


def _patches(xp, x, kernel, size, geometry):
    """Return the view ``(N, C, *kernel, *out)`` of the elements of a padded x under every kernel point."""
    strides = x.strides
    steps = tuple(s * d for s, d in zip(strides[2:], geometry.dilate))
    jumps = tuple(s * j for s, j in zip(strides[2:], geometry.stride))
    return xp.lib.stride_tricks.as_strided(x, x.shape[:2] + tuple(kernel) + tuple(size), strides[:2] + steps + jumps)


def _pointwise(kernel, geometry):
    return prod(kernel) == 1 and not any(geometry.pad) and prod(geometry.stride) == 1


def _depthwise(w, geometry):
    return geometry.groups > 1 and w.shape[0] == geometry.groups and w.shape[1] == 1


def _chunks(count, each):
    """Return how many images of `each` elements to take at a time, and the ranges of images."""
    step = max(1, min(count, _CHUNK // max(each, 1)))
    return step, [(i, min(i + step, count)) for i in range(0, count, step)]


def _gathered(xp, x, kernel, size, geometry):
    """Yield ``(first, last, patches)`` by groups of images; patches are ``(n, groups, C / groups * kernel, points)``."""
    count, groups, height = x.shape[0], geometry.groups, x.shape[1] * prod(kernel) // geometry.groups
    if _pointwise(kernel, geometry):
        yield 0, count, x.reshape((count, groups, height, prod(size)))
        return
    view = _patches(xp, padded(xp, x, geometry.pad), kernel, size, geometry)
    step, chunks = _chunks(count, height * groups * prod(size))
    buffer = xp.empty((step, *view.shape[1:]), x.dtype)
    for first, last in chunks:
        part = buffer[:last - first]
        part[...] = view[first:last]
        yield first, last, part.reshape((last - first, groups, height, prod(size)))


def forward(xp, x, w, geometry):
    """Return the convolution y of x with w."""
    kernel, groups = w.shape[2:], geometry.groups
    size = output_size(x.shape[2:], kernel, geometry)
    if x.dtype.char == "e":
        return forward(xp, x.astype("float32"), w.astype("float32"), geometry).astype(x.dtype)
    if _depthwise(w, geometry):
        return _depthwise_forward(xp, x, w, size, geometry)
    filters = w.reshape((groups, w.shape[0] // groups, -1))
    y = xp.empty((x.shape[0], groups, w.shape[0] // groups, prod(size)), x.dtype)
    for first, last, patches in _gathered(xp, x, kernel, size, geometry):
        xp.matmul(filters, patches, out=y[first:last])
    return y.reshape((x.shape[0], w.shape[0]) + size)


def data_gradient(xp, dy, w, geometry, size):
    """Return the gradient of x (of spatial shape `size`) for the gradient dy of y: the transposed convolution."""
    kernel, groups, count = w.shape[2:], geometry.groups, dy.shape[0]
    if dy.dtype.char == "e":
        return data_gradient(xp, dy.astype("float32"), w.astype("float32"), geometry, size).astype(dy.dtype)
    channels = w.shape[1] * groups
    shape = (count, channels) + tuple(n + 2 * p for n, p in zip(size, geometry.pad))
    if _depthwise(w, geometry):
        return _unpadded(_depthwise_data(xp, dy, w, xp.zeros(shape, dy.dtype), geometry), geometry.pad)
    if _by_forward(dy, w, geometry, size):
        return _data_by_forward(xp, dy, w, geometry)
    filters = w.reshape((groups, w.shape[0] // groups, -1)).swapaxes(1, 2)
    rows = dy.reshape((count, groups, dy.shape[1] // groups, prod(dy.shape[2:])))
    if _pointwise(kernel, geometry):
        return xp.matmul(filters, rows).reshape(shape)
    dx = xp.zeros(shape, dy.dtype)
    step, chunks = _chunks(count, channels * prod(kernel) * rows.shape[3])
    buffer = xp.empty((step, groups, filters.shape[1], rows.shape[3]), dy.dtype)
    for first, last in chunks:
        patches = xp.matmul(filters, rows[first:last], out=buffer[:last - first])
        patches = patches.reshape((last - first, channels) + kernel + dy.shape[2:])
        part = dx[first:last]
        for point, where in points(kernel, dy.shape[2:], geometry):
            part[where] += patches[(slice(None), slice(None), *point)]
    return _unpadded(dx, geometry.pad)


def _by_forward(dy, w, geometry, size):
    """Whether the data gradient is cheaper as a convolution of dy: no strides, and not many more patches to gather."""
    reach = [d * (k - 1) for d, k in zip(geometry.dilate, w.shape[2:])]
    return (prod(geometry.stride) == 1 and w.shape[0] <= 2 * w.shape[1] * geometry.groups
            and all(p <= r and n + r - 2 * p == m for p, r, n, m in zip(geometry.pad, reach, dy.shape[2:], size)))


def _data_by_forward(xp, dy, w, geometry):
    """Return the data gradient without strides: dy convolved with the kernels turned around, inputs and outputs exchanged."""
    groups, kernel = geometry.groups, w.shape[2:]
    turned = xp.flip(w.reshape((groups, w.shape[0] // groups, *w.shape[1:])), tuple(range(3, 3 + len(kernel))))
    turned = turned.swapaxes(1, 2).reshape((w.shape[1] * groups, w.shape[0] // groups, *kernel))
    pad = tuple(d * (k - 1) - p for p, d, k in zip(geometry.pad, geometry.dilate, kernel))
    return forward(xp, dy, turned, geometry._replace(pad=pad))


def weight_gradient(xp, dy, x, geometry, kernel):
    """Return the gradient of w (of spatial shape `kernel`) for the gradient dy of y."""
    groups, count, size = geometry.groups, dy.shape[0], dy.shape[2:]
    if dy.dtype.char == "e":
        return weight_gradient(xp, dy.astype("float32"), x.astype("float32"), geometry, kernel).astype(dy.dtype)
    shape = (dy.shape[1], x.shape[1] // groups) + tuple(kernel)
    if groups > 1 and dy.shape[1] == groups == x.shape[1]:
        return _depthwise_weight(xp, dy, x, shape, geometry)
    rows = dy.reshape((count, groups, dy.shape[1] // groups, prod(size)))
    dw = None
    for first, last, patches in _gathered(xp, x, kernel, size, geometry):
        part = xp.matmul(rows[first:last], patches.swapaxes(2, 3)).sum(axis=0)
        dw = part if dw is None else dw + part
    return xp.zeros(shape, dy.dtype) if dw is None else dw.reshape(shape)


def _unpadded(x, pad):
    if not any(pad):
        return x
    return x[(slice(None), slice(None), *(slice(p, n - p) for n, p in zip(x.shape[2:], pad)))]


def _by_channel(w, point):
    return w[(slice(None), 0, *point)].reshape((1, -1) + (1,) * len(point))


def _depthwise_forward(xp, x, w, size, geometry):
    x = padded(xp, x, geometry.pad)
    y = xp.zeros((x.shape[0], w.shape[0]) + size, x.dtype)
    for point, where in points(w.shape[2:], size, geometry):
        y += x[where] * _by_channel(w, point)
    return y


def _depthwise_data(xp, dy, w, dx, geometry):
    for point, where in points(w.shape[2:], dy.shape[2:], geometry):
        dx[where] += dy * _by_channel(w, point)
    return dx


def _depthwise_weight(xp, dy, x, shape, geometry):
    x = padded(xp, x, geometry.pad)
    dw = xp.empty(shape, dy.dtype)
    axes = (0, *range(2, dy.ndim))
    for point, where in points(shape[2:], dy.shape[2:], geometry):
        dw[(slice(None), 0, *point)] = (x[where] * dy).sum(axis=axes)
    return dw
