"""Pooling of raw arrays over windows, and its gradients.

Arrays are seen with their channels last, ``(N, *in, C)``, and lie in memory either so or channels-first; results lie as the data do.
Windows are taken point by point: for every position inside the kernel one strided slice of the data meets one of the result, clipped
where windows reach into the padding, so that nothing is padded. On the host a few images are done at a time and stay in cache.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from .memory_order import to_first, to_last
_BLOCK = 1 << 18  # elements of data at a time on the host


class Windows(NamedTuple):
    """Where windows lie: tuples with one number a spatial axis."""

    kernel: tuple
    stride: tuple
    pad: tuple
    inside: tuple  # input sizes
    size: tuple    # output sizes

    @property
    def apart(self):
        """Whether no two windows overlap."""
        return all(s >= k for s, k in zip(self.stride, self.kernel))

    @property
    def tile(self):
        """Whether every element lies in one window."""
        return (self.stride == self.kernel and not any(self.pad)
                and all(m * k == n for m, k, n in zip(self.size, self.kernel, self.inside)))

    def points(self):
        """Yield for every point of the kernel the slices of the result and of the data (axes N, *spatial) where it meets the data."""
        axes = [[_meet(*axis, i) for i in range(axis[0])]
                for axis in zip(self.kernel, self.stride, self.pad, self.inside, self.size)]
        for point in product(*axes):
            if all(point):
                yield (slice(None), *(p[0] for p in point)), (slice(None), *(p[1] for p in point))


def _meet(_, stride, pad, inside, size, i):
    """Return the slices of one axis of the result and of the data that point i of the kernel connects, or None."""
    low, high = max(0, -((i - pad) // stride)), min(size, (inside - 1 + pad - i) // stride + 1)
    if high <= low:
        return None
    start = low * stride + i - pad
    return slice(low, high), slice(start, start + stride * (high - low - 1) + 1, stride)


def _shaped_like(xp, x, size, dtype):
    """Return an undefined array (N, *size, C) that lies in memory as x does."""
    if x.flags.c_contiguous:
        return xp.empty((x.shape[0], *size, x.shape[-1]), dtype)
    return to_last(xp.empty((x.shape[0], x.shape[-1], *size), dtype))


def _ordered_like(xp, a, x):
    """Return a, copied into x's memory order unless it has it."""
    if x.flags.c_contiguous:
        return xp.ascontiguousarray(a)
    return to_last(xp.ascontiguousarray(to_first(a)))


def _groups(xp, x):
    """Yield slices of images to be done at a time."""
    count = x.shape[0]
    step = max(1, _BLOCK * count // max(1, x.size)) if xp is np else max(1, count)
    for i in range(0, count, step):
        yield slice(i, i + step)


def _reduce(xp, x, windows, function, start):
    x = to_last(x)
    y = _shaped_like(xp, x, windows.size, x.dtype)
    points = list(windows.points())
    complete = [slice(None), *(slice(0, m) for m in windows.size)]
    first = next((p for p in points if list(p[0]) == complete), None)
    if first is not None:
        points.remove(first)
    for group in _groups(xp, x):
        source, result = x[group], y[group]
        result[...] = start if first is None else source[first[1]]
        for to, where in points:
            part = result[to]
            function(part, source[where], out=part)
    return to_first(y)


def maximum(xp, x, windows):
    """Return the largest element of every window of x (N, C, *inside)."""
    return _reduce(xp, x, windows, xp.maximum, xp.finfo(x.dtype).min)


def total(xp, x, windows):
    """Return the sum over every window of x (N, C, *inside)."""
    return _reduce(xp, x, windows, xp.add, 0)


def spread(xp, dy, windows):
    """Return the sum, for every element, of the values dy (N, C, *size) of the windows that it lies in."""
    dy = to_last(dy)
    dx = _shaped_like(xp, dy, windows.inside, dy.dtype)
    if not windows.tile:
        dx.fill(0)
    for group in _groups(xp, dx):
        top, result = dy[group], dx[group]
        for to, where in windows.points():
            if windows.apart:
                result[where] = top[to]
            else:
                result[where] += top[to]
    return to_first(dx)


def fill_windows(xp, dy, size):
    """Return dy (N, C, 1, ...) repeated to the spatial shape `size`."""
    dy = to_last(dy)
    dx = _shaped_like(xp, dy, size, dy.dtype)
    dx[...] = dy
    return to_first(dx)


def route(xp, dy, y, x, windows):
    """Return the gradient of x where dy (N, C, *size) goes to the first of each window's elements that equal its maximum y."""
    x = to_last(x)
    y, dy = (_ordered_like(xp, to_last(a), x) for a in (y, dy))
    dx = _shaped_like(xp, x, windows.inside, dy.dtype)
    if not windows.tile:
        dx.fill(0)
    points = list(windows.points())
    for group in _groups(xp, x):
        _route_group(xp, dy[group], y[group], x[group], dx[group], points, windows.apart)
    return to_first(dx)


def _route_group(xp, dy, y, x, dx, points, apart):
    waiting = xp.ones_like(y, dtype=bool)
    for to, where in points:
        values, left = y[to], waiting[to]
        mask = xp.equal(x[where], values)
        mask &= left
        left ^= mask
        if apart:
            xp.multiply(dy[to], mask, out=dx[where])
        else:
            dx[where] += xp.multiply(dy[to], mask)
