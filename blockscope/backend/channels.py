"""Sums and scaling by channel in few passes over memory, for arrays in either memory order.

The channels of an array that is channels-last in memory are the columns of a matrix. Where they are few, several rows count as one,
so that NumPy's inner loops are long. Sums over rows are products with a vector of ones, which BLAS does in a third of the time; on
the host a block of rows is done at a time, so that it stays in cache from one pass to the next.
"""

from math import prod

import numpy as np

from .memory_order import to_first, to_last

_BLOCK = 1 << 17  # elements at a time on the host
_WIDE = 512       # elements of a row


class Channels:
    """An array seen by its channels: (rows, repeats * channels), or (outer, channels, inner).

    Parameters
    ----------
    xp : module
        Array module.
    x : array
        Is copied only where neither view of it exists.
    axis : int
        Axis of the channels, not negative.

    Attributes
    ----------
    array : array
        The view.
    copied : bool
        Whether it is none, but a copy.
    """

    def __init__(self, xp, x, axis):
        self._xp, self._axis, self._count, self._strides = xp, axis, x.shape[axis], x.strides
        self._last = axis == 1 and x.ndim > 2 and not x.flags.c_contiguous and to_last(x).flags.c_contiguous
        if self._last:
            x = to_last(x)
        self._shape, self.copied = x.shape, not x.flags.c_contiguous
        if self._last or axis == x.ndim - 1:
            rows = x.size // max(1, self._count)
            self._repeats = next(r for r in range(max(1, min(rows, _WIDE // max(1, self._count))), 0, -1) if rows % r == 0)
            self.array = x.reshape((rows // self._repeats, self._repeats * self._count))
        else:
            self._repeats = 0
            outer = prod(x.shape[:axis])
            self.array = x.reshape((outer, self._count, x.size // max(1, outer * self._count)))

    def seen(self, other):
        """Return another array of the same shape seen in the same way, copied if it has another memory order."""
        if self._last:
            other = to_last(other)
        return other.reshape(self.array.shape)

    def result(self, into):
        """Return an array for a result, seen in this way: the memory of `into`, or new."""
        if into is None or into.dtype != self.array.dtype or into.strides != self._strides:
            return self._xp.empty_like(self.array)
        return self.seen(into)

    def restored(self, array):
        """Return an array seen in this way with its shape as it was."""
        array = array.reshape(self._shape)
        return to_first(array) if self._last else array

    def along(self, vector):
        """Return one number a channel in a shape that broadcasts."""
        if not self._repeats:
            return vector.reshape((self._count, 1))
        return vector if self._repeats == 1 else self._xp.tile(vector, self._repeats)

    def blocks(self):
        """Return slices of rows to be done at a time."""
        rows = self.array.shape[0]
        step = max(1, rows) if self._xp is not np else max(1, _BLOCK * rows // max(1, self.array.size))
        return [slice(i, i + step) for i in range(0, rows, step)]

    def sums(self, parts):
        """Add up arrays (each some rows of the view) by channel."""
        xp, total = self._xp, None
        for part in parts:
            if self._repeats:
                added = xp.ones(part.shape[0], part.dtype).dot(part)
            else:
                added = xp.matmul(part, xp.ones(part.shape[2], part.dtype)).sum(axis=0)
            total = added if total is None else total + added
        return self._folded(total)

    def products(self, pairs):
        """Add up products of arrays (each some rows of the view) by channel."""
        total = None
        for a, b in pairs:
            added = self._xp.einsum("rc,rc->c" if self._repeats else "ncs,ncs->c", a, b)
            total = added if total is None else total + added
        return self._folded(total)

    def _folded(self, total):
        if total is None:
            return self._xp.zeros((self._count,), self.array.dtype)
        return total.reshape((self._repeats, self._count)).sum(axis=0) if self._repeats > 1 else total


def channel_sums(xp, x, axis):
    """Return the sums of x by channel."""
    channels = Channels(xp, x, axis)
    return channels.sums(channels.array[rows] for rows in channels.blocks())


def add_by_channel(xp, x, vector, axis):
    """Add one number a channel to x in place."""
    channels = Channels(xp, x, axis)
    if channels.copied:
        x += vector.reshape((-1,) + (1,) * (x.ndim - axis - 1))
    else:
        channels.array += channels.along(vector)


def normalize(xp, x, axis, eps, gamma, beta, into=None):
    """Return x with every channel brought to mean 0 and variance 1, scaled by gamma (None: 1) and shifted by beta.

    The result is written into the array `into` where that has x's memory order.

    Returns
    -------
    tuple of array
        The result, and by channel the mean, the variance and ``1 / sqrt(variance + eps)``.
    """
    channels = Channels(xp, x, axis)
    source, blocks = channels.array, channels.blocks()
    count = max(1, x.size // max(1, x.shape[axis]))
    mean = channels.sums(source[rows] for rows in blocks) / count
    y, wide = channels.result(into), channels.along(mean)
    variance = channels.products((xp.subtract(source[rows], wide, out=y[rows]),) * 2 for rows in blocks) / count
    scale = 1 / xp.sqrt(variance + eps)
    factor, shift = channels.along(scale if gamma is None else scale * gamma), channels.along(beta)
    for rows in blocks:
        part = y[rows]
        part *= factor
        part += shift
    return channels.restored(y), mean, variance, scale


def scale_shift(xp, x, axis, scale, shift, into=None):
    """Return x with every channel scaled and shifted, in the array `into` where that has x's memory order."""
    channels = Channels(xp, x, axis)
    y, scale, shift = channels.result(into), channels.along(scale), channels.along(shift)
    for rows in channels.blocks():
        part = xp.multiply(channels.array[rows], scale, out=y[rows])
        part += shift
    return channels.restored(y)


def normalize_gradient(xp, dy, x, axis, mean, scale, factor, batch, into=None):
    """Return the gradients of x, of the scale and of the shift for the gradient dy of the normalized and scaled x.

    Parameters
    ----------
    xp : module
        Array module.
    dy, x : array
        Of one shape.
    axis : int
        Axis of the channels.
    mean, scale : array, (channels,)
        What x was normalized with: ``(x - mean) * scale``.
    factor : array, (channels,)
        What it was multiplied by altogether.
    batch : bool
        Whether `mean` and `scale` came from x itself.
    into : array, optional
        Where the gradient of x is written if it has x's memory order; x itself will do.
    """
    channels = Channels(xp, x, axis)
    source, top, blocks = channels.array, channels.seen(dy), channels.blocks()
    dx, wide = channels.result(into), channels.along(mean)
    dshift = channels.sums(top[rows] for rows in blocks)
    dscale = channels.products((top[rows], xp.subtract(source[rows], wide, out=dx[rows])) for rows in blocks) * scale
    count = max(1, x.size // max(1, x.shape[axis]))
    slope, level, factor_wide = (channels.along(v) for v in (-factor * scale * (dscale / count), -factor * (dshift / count), factor))
    for rows in blocks:
        part = dx[rows]
        if not batch:
            xp.multiply(top[rows], factor_wide, out=part)
            continue
        part *= slope
        part += level
        part += top[rows] * factor_wide
    return channels.restored(dx), dscale, dshift
