"""Correlation of channels-last arrays with kernels at any start, stride and dilation: one matrix product a block of patches.

Forward, data gradient and weight gradient of every convolution come down to the functions here. Patches are gathered block by
block, so that they stay in cache and need no more than a fixed workspace. There are two orders of gathering: *channels-last*, a row
for every output point (long runs of memory where there are many channels), and *kernel-first*, a column for every output point
(long runs where there are few; the weight is used as it lies, which counts where it is larger than the data; groups stay apart).
"""

from math import prod
from typing import NamedTuple

import numpy as np

from .workspace import scratch

_BLOCK = 1 << 20         # elements of patches at a time on the host: they stay in cache
_DEVICE_BLOCK = 1 << 24  # ... and on a device, where every block costs kernel launches


_MANY_CHANNELS = 16


class Window(NamedTuple):
    """What every output point sees: elements ``start + stride * point + dilate * i`` for i in the kernel, zeros outside the data."""

    kernel: tuple
    size: tuple    # of the output
    start: tuple
    stride: tuple
    dilate: tuple

    @property
    def extent(self):
        """Return how many elements along each axis are seen by any output point."""
        return tuple(s * (n - 1) + d * (k - 1) + 1
                     for k, n, s, d in zip(self.kernel, self.size, self.stride, self.dilate))

    def inside(self, lengths):
        """Return for data of `lengths` its slices that are seen, and where they go in an array of the shape `extent`."""
        source, target = [], []
        for start, reach, length in zip(self.start, self.extent, lengths):
            low, high = max(start, 0), min(start + reach, length)
            high = max(low, high)
            source.append(slice(low, high))
            target.append(slice(low - start, high - start) if high > low else slice(0, 0))
        return tuple(source), tuple(target)


def fields(xp, x, window, channels_first):
    """Yield ``(first, last, field)``: images with every element seen, (n, *extent, C), in the memory order asked for."""
    source, target = window.inside(x.shape[1:-1])
    count, channels, extent = x.shape[0], x.shape[-1], window.extent
    complete = all(s.stop - s.start == e for s, e in zip(source, extent))
    runs = x.strides[-2 if channels_first else -1] == x.dtype.itemsize
    if complete and (runs or prod(window.kernel) == 1):
        yield 0, count, x[(slice(None), *source)]
        return
    step = max(1, min(count, _limit(xp) // max(1, prod(extent) * channels)))
    ndim = x.ndim
    shape = (step, channels, *extent) if channels_first else (step, *extent, channels)
    field = scratch(xp, "field", shape, x.dtype)
    if channels_first:
        field = field.transpose((0, *range(2, ndim), 1))
    if not complete:
        field.fill(0)
    for first in range(0, count, step):
        part = field[:min(step, count - first)]
        part[(slice(None), *target)] = x[(slice(first, first + step), *source)]
        yield first, first + part.shape[0], part


def _limit(xp):
    return _BLOCK if xp is np else _DEVICE_BLOCK


def _blocks(xp, x, window, channels_first, height):
    """Yield ``(images, rows, view)``: slices of the output's first two axes, and the view (n, *points, *kernel, C) of their patches."""
    axes, size = len(window.kernel), window.size
    image = height * prod(size)
    limit = _limit(xp)
    images = max(1, limit // max(1, image))
    rows = size[0] if image <= limit else max(1, limit // max(1, height * prod(size[1:])))
    for first, last, field in fields(xp, x, window, channels_first):
        strides = field.strides
        jumps = tuple(a * b for a, b in zip(strides[1:], window.stride))
        steps = tuple(a * b for a, b in zip(strides[1:], window.dilate))
        view = xp.lib.stride_tricks.as_strided(field, (field.shape[0], *size, *window.kernel, field.shape[-1]),
                                               (strides[0], *jumps, *steps, strides[1 + axes]))
        for i in range(first, last, images):
            j = min(i + images, last)
            for r in range(0, size[0], rows):
                part = slice(r, min(r + rows, size[0]))
                yield slice(i, j), part, view[i - first:j - first, part]


def _gathered_last(xp, x, window, _groups):
    """Yield ``(images, rows, patches)``: patches are (points, kernel * C)."""
    height = prod(window.kernel) * x.shape[-1]
    for images, rows, view in _blocks(xp, x, window, False, height):
        if prod(window.kernel) == 1 and view.flags.c_contiguous:
            yield images, rows, view.reshape((-1, height))
            continue
        patches = scratch(xp, "patches", view.shape, x.dtype)
        patches[...] = view
        yield images, rows, patches.reshape((-1, height))


def _gathered_first(xp, x, window, groups):
    """Yield ``(images, rows, patches)``: patches are (groups, C / groups * kernel, points)."""
    axes = len(window.kernel)
    height = prod(window.kernel) * x.shape[-1]
    order = (2 * axes + 1, *range(axes + 1, 2 * axes + 1), *range(axes + 1))
    for images, rows, view in _blocks(xp, x, window, True, height):
        view = view.transpose(order)
        patches = scratch(xp, "patches", view.shape, x.dtype)
        patches[...] = view
        yield images, rows, patches.reshape((groups, height // groups, -1))


def small_beside_weight(y, filters):
    """Whether there are so few points in y (N, *size, C) that reordering the weight would cost more than gathering badly."""
    return 2 * prod(y.shape[:-1]) < filters


def _kernel_first(x, window, filters, groups, reusable):
    """Whether to gather kernel-first: for groups, for few channels, and where reordering the weight costs more than the runs lost."""
    if groups > 1:
        return True
    run = x.shape[-1] * (window.kernel[-1] if window.dilate[-1] == 1 else 1)
    return 2 * run < window.size[-1] or (reusable and 2 * x.shape[0] * prod(window.size) < filters)


def correlate(xp, x, w, window, groups, out):
    """Write into `out` the correlation of x with w.

    Parameters
    ----------
    xp : module
        Array module.
    x : array, (N, *in, C)
        In any memory order.
    w : array, (F, C / groups, *kernel)
        In any memory order.
    window : Window
        What every output point sees.
    groups : int
        Number of groups of channels.
    out : array, (N, *size, F)
        Gets the result; contiguous along F.
    """
    filters = w.shape[0]
    if 0 in out.shape:
        return
    if _kernel_first(x, window, filters, groups, w.flags.c_contiguous):
        matrices = w.reshape((groups, filters // groups, -1)).transpose(0, 2, 1)
        for images, rows, patches in _gathered_first(xp, x, window, groups):
            part, copied = _flat(xp, out[images, rows])
            xp.matmul(patches.transpose(0, 2, 1), matrices, out=_by_group(part, groups))
            _put(out[images, rows], part, copied)
        return
    matrix = _weight_matrix(xp, w)
    for images, rows, patches in _gathered_last(xp, x, window, groups):
        part, copied = _flat(xp, out[images, rows])
        xp.matmul(patches, matrix, out=part)
        _put(out[images, rows], part, copied)


def _weight_matrix(xp, w):
    """Return w as a matrix (kernel * C, F), copied in the order that leaves the longest runs."""
    axes = range(2, w.ndim)
    if abs(w.strides[0]) > abs(w.strides[1]):
        return xp.ascontiguousarray(w.transpose((0, *axes, 1))).reshape((w.shape[0], -1)).T
    return xp.ascontiguousarray(w.transpose((*axes, 1, 0))).reshape((-1, w.shape[0]))


def _flat(xp, block):
    """Return (points, F) to write a block of the output into, and whether it is a copy."""
    shape = (prod(block.shape[:-1]), block.shape[-1])
    if block.flags.c_contiguous:
        return block.reshape(shape), False
    return scratch(xp, "result", shape, block.dtype), True


def _put(block, part, copied):
    if copied:
        block[...] = part.reshape(block.shape)


def _by_group(rows, groups):
    """Return (points, channels) as (groups, points, channels / groups)."""
    return rows.reshape((rows.shape[0], groups, -1)).transpose(1, 0, 2)


def correlate_weight(xp, x, dy, window, groups):
    """Return the gradient (F, C / groups, *kernel) of the weight of `correlate` for the gradient dy (N, *size, F) of its output."""
    filters, channels, kernel = dy.shape[-1], x.shape[-1], window.kernel
    shape = (filters, channels // groups, *kernel)
    total = None
    first = _kernel_first(x, window, filters, groups, True)
    for images, rows, patches in (_gathered_first if first else _gathered_last)(xp, x, window, groups):
        top = dy[images, rows]
        if not top.flags.c_contiguous:
            copy = scratch(xp, "top", top.shape, dy.dtype)
            copy[...] = top
            top = copy
        top = top.reshape((-1, filters))
        if first:
            part = xp.matmul(_by_group(top, groups).transpose(0, 2, 1), patches.transpose(0, 2, 1))
        else:
            part = xp.matmul(top.T, patches)
        if total is None:
            total = part
        else:
            total += part
    if total is None:
        return xp.zeros(shape, dy.dtype)
    if first:
        return total.reshape(shape)
    return xp.ascontiguousarray(total.reshape((filters, *kernel, channels)).transpose((0, len(kernel) + 1, *range(1, len(kernel) + 1))))


def transposed(xp, dy, w, window, groups, out):
    """Write into `out` (N, *in, C) the transpose of `correlate`: every element of dy (N, *size, F) goes where its window saw it."""
    count, size, filters, channels = dy.shape[0], window.size, dy.shape[-1], out.shape[-1]
    source, target = window.inside(out.shape[1:-1])
    first = groups > 1 or channels < _MANY_CHANNELS or (w.flags.c_contiguous and small_beside_weight(dy, filters))
    complete = all(s.stop - s.start == n for s, n in zip(source, out.shape[1:-1]))
    if not complete:
        out[...] = 0
    height = channels * prod(window.kernel)
    images = max(1, _limit(xp) // max(1, height * prod(size)))
    rows = max(1, _limit(xp) // max(1, height * prod(size[1:])))
    add = _add_first if first else _add_last
    weight = w.reshape((groups, filters // groups, -1)).transpose(0, 2, 1) if first else \
        xp.ascontiguousarray(w.transpose((*range(2, w.ndim), 0, 1)))
    for i in range(0, count, images):
        n = min(images, count - i)
        shape = (channels, n, *window.extent) if first else (n, *window.extent, channels)
        field = scratch(xp, "field", shape, dy.dtype)
        field.fill(0)
        for r in range(0, size[0], rows):
            top = xp.ascontiguousarray(dy[i:i + n, r:r + rows])
            part = window._replace(size=top.shape[1:-1])
            low = r * window.stride[0]
            add(xp, field[:, :, low:] if first else field[:, low:], top, weight, part)
        if first:
            field = field.transpose((*range(1, field.ndim), 0))
        out[(slice(i, i + n), *source)] = field[(slice(None), *target)]


def point_slices(window):
    """Yield for every point of the kernel its index and the slices of a field that it meets, one a spatial axis."""
    for point in np.ndindex(*window.kernel):
        yield point, tuple(slice(i * d, i * d + s * (n - 1) + 1, s)
                           for i, n, s, d in zip(point, window.size, window.stride, window.dilate))


def _add_first(xp, field, top, weight, window):
    """Add to a field (C, n, *extent): one product for all points of the kernel, whose slabs are then added where they belong."""
    columns = scratch(xp, "patches", (field.shape[0], *window.kernel, *top.shape[:-1]), top.dtype)
    rows = _by_group(top.reshape((-1, top.shape[-1])), len(weight))
    xp.matmul(weight, rows.transpose(0, 2, 1), out=columns.reshape((*weight.shape[:2], rows.shape[1])))
    for point, where in point_slices(window):
        field[(slice(None), slice(None), *where)] += columns[(slice(None), *point)]


def _add_last(xp, field, top, weight, window):
    """Add to a field (n, *extent, C): one product for every point of the kernel."""
    shape = (*top.shape[:-1], field.shape[-1])
    slab = scratch(xp, "patches", (prod(shape[:-1]), shape[-1]), top.dtype)
    rows = top.reshape((-1, top.shape[-1]))
    for point, where in point_slices(window):
        xp.matmul(rows, weight[point], out=slab)
        field[(slice(None), *where)] += slab.reshape(shape)
