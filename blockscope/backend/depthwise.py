"""Correlation of every channel with a kernel of its own: channels-last arrays, any start, stride and dilation.

There is no matrix product in it, so that it is a matter of passes over memory. NumPy's einsum multiplies and adds in one pass; other
array modules have nothing like it and take a product and a sum for every point of the kernel.
"""

import numpy as np

from .correlation import fields, point_slices
from .workspace import scratch


def _merged(field, window):
    """Whether rows of output points and their channels lie in memory as one run."""
    return window.stride[-1] == 1 and field.strides[-2] == field.shape[-1] * field.dtype.itemsize


def _patch_view(field, window, merged):
    """Return the view (n, *kernel, *size, C) of a field; its last two axes are one if `merged`."""
    strides, item, size = field.strides, field.dtype.itemsize, window.size
    steps = tuple(a * b for a, b in zip(strides[1:], window.dilate))
    jumps = tuple(a * b for a, b in zip(strides[1:], window.stride))
    shape = (field.shape[0], *window.kernel, *size, field.shape[-1])
    strides = (strides[0], *steps, *jumps, strides[-1])
    if merged:
        shape, strides = (*shape[:-2], shape[-2] * shape[-1]), (*strides[:-2], item)
    return np.lib.stride_tricks.as_strided(field, shape, strides, writeable=False)


def _labels(axes, merged):
    """Return the labels of the kernel's axes and of the output's (the channels last) for einsum."""
    return list(range(1, axes + 1)), list(range(axes + 1, 2 * axes + (1 if merged else 2)))


def correlate_depthwise(xp, x, w, window, out):
    """Write into `out` (N, *size, C) the correlation of x (N, *in, C) with w (C, *kernel)."""
    if 0 in out.shape:
        return
    w = xp.ascontiguousarray(w.transpose((*range(1, w.ndim), 0)))
    if xp is not np:
        for first, last, field in fields(xp, x, window, False):
            part = out[first:last]
            part[...] = 0
            for point, where in point_slices(window):
                part += field[(slice(None), *where)] * w[point]
        return
    for first, last, field in fields(xp, x, window, False):
        merged = _merged(field, window)
        weight = w if not merged else np.repeat(w[..., None, :], window.size[-1], axis=-2).reshape((*w.shape[:-1], -1))
        kernel, points = _labels(len(window.kernel), merged)
        shared = kernel + points[-1:]
        for i, patches in enumerate(_patch_view(field, window, merged), first):
            part = out[i]
            target = part if part.flags.c_contiguous else scratch(xp, "result", part.shape, out.dtype)
            np.einsum(patches, kernel + points, weight, shared, points, out=target.reshape(patches.shape[len(kernel):]))
            if target is not part:
                part[...] = target


def depthwise_weight(xp, x, dy, window):
    """Return the gradient (C, *kernel) of the weight for the gradient dy (N, *size, C) of the output."""
    axes, channels = len(window.kernel), x.shape[-1]
    total = xp.zeros((*window.kernel, channels), dy.dtype)
    for first, last, field in fields(xp, x, window, False):
        top = dy[first:last]
        if xp is not np:
            for point, where in point_slices(window):
                total[point] += (field[(slice(None), *where)] * top).sum(axis=tuple(range(axes + 1)))
            continue
        merged = _merged(field, window)
        top = np.ascontiguousarray(top)
        patches = _patch_view(field, window, merged)
        kernel, points = _labels(axes, merged)
        part = np.einsum(patches, [0, *kernel, *points], top.reshape((len(top), *patches.shape[axes + 1:])), [0, *points],
                         kernel + points[-1:])
        total += part.reshape((*window.kernel, window.size[-1], channels)).sum(axis=-2) if merged else part
    return xp.ascontiguousarray(total.transpose((axes, *range(axes))))
