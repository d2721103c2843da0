"""Changing the size of images: UpSampling, BilinearResize2D, AdaptiveAvgPooling2D.

Resizing is linear and separable: the result is ``rows @ image @ columns.T`` with one small matrix an axis, and the gradient is
the same with the matrices transposed.
"""

from math import ceil
from typing import Literal

from ..backend import convolution as kernels
from ..backend.convolution import Geometry
from .attributes import Shape
from .dense import require_shape
from .inference import compute, partly
from .registry import operator


def _averages(xp, source, target, dtype):
    """Return the (target, source) matrix that averages near-equal, possibly overlapping parts."""
    i, j = xp.arange(target).reshape((-1, 1)), xp.arange(source)
    start, end = i * source // target, -((-(i + 1) * source) // target)
    return ((j >= start) & (j < end)).astype(dtype) / (end - start).astype(dtype)


def _interpolation(xp, source, target, dtype, corners):
    """Return the (target, source) matrix of linear interpolation, with or without aligned corners."""
    i = xp.arange(target, dtype="float64")
    if target == 1:
        position = i * 0
    elif corners:
        position = i * ((source - 1) / (target - 1))
    else:
        position = (i + 0.5) * (source / target) - 0.5
    position = xp.clip(position, 0, source - 1).reshape((-1, 1))
    return xp.maximum(1 - xp.abs(position - xp.arange(source)), 0).astype(dtype)


def _matrix(xp, kind, source, target, dtype):
    return _averages(xp, source, target, dtype) if kind == "average" else \
        _interpolation(xp, source, target, dtype, kind == "corners")


@operator("_resize")
def _resize(env, data, *, kind: str, source: Shape, target: Shape, transposed: bool):
    """Multiply the last two axes by the matrices that lead from `source` to `target` size, or by their transposes."""
    wide = data.astype("float32") if data.dtype.char == "e" else data
    rows, columns = (_matrix(env.xp, kind, s, t, wide.dtype) for s, t in zip(source, target))
    if transposed:
        rows, columns = rows.T, columns.T
    return env.xp.matmul(rows, env.xp.matmul(wide, columns.T)).astype(data.dtype, copy=False)


@_resize.gradient
def _(F, dy, _y, _data, *, kind, source, target, transposed):
    return (lambda: F._resize(dy, kind=kind, source=source, target=target, transposed=not transposed),)


def _images(data, name):
    if data.ndim != 4:
        raise ValueError(f"{name} takes data (batch, channel, height, width), but got {data.shape}")
    return data.shape[2:]


def _adaptive_shape(data, *, output_size):
    return (*data[:2], *_adaptive_size(output_size))


@operator("_contrib_AdaptiveAvgPooling2D", shape_rule=partly(_adaptive_shape))
def adaptive_average(env, data, *, output_size: Shape = ()):
    """Average data (batch, channel, height, width) over a grid of `output_size` parts: (height, width), or one number for both."""
    size = _images(data, "AdaptiveAvgPooling2D")
    return _resize.forward(env, data, kind="average", source=size, target=_adaptive_size(output_size), transposed=False)


def _adaptive_size(output_size):
    if len(output_size) > 2 or any(n < 1 for n in output_size):
        raise ValueError(f"output_size must be one or two positive numbers, but is {output_size}")
    return tuple(output_size) if len(output_size) == 2 else (tuple(output_size) or (1,)) * 2


@adaptive_average.gradient
def _(F, dy, _y, _data, *, output_size):
    return (lambda: F._resize(dy, kind="average", source=_data.shape[2:], target=_adaptive_size(output_size), transposed=True),)


def _scaled(n, scale, mode):
    if mode == "odd_scale" and n % 2:
        return int((n - 1) * scale) + 1
    return int(n * scale)


def _resized(size, like, height, width, scale_height, scale_width, mode, **_):
    """Return the size that the attributes ask for."""
    if mode == "like":
        return tuple(like[2:])
    if mode in ("size", "odd_scale"):
        if scale_height is None and scale_width is None and mode == "size":
            target = (height, width)
        elif scale_height is None or scale_width is None:
            raise ValueError(f"BilinearResize2D with mode={mode!r} needs both scale_height and scale_width")
        else:
            target = (_scaled(size[0], scale_height, mode), _scaled(size[1], scale_width, mode))
    else:
        parity, change = mode.endswith(("odd_down", "odd_up")), 1 if mode.endswith("up") else -1
        target = tuple(n if n % 2 == parity else n + change for n in size)
    if min(target) < 1:
        raise ValueError(f"BilinearResize2D: the result would have the size {target}")
    return target


def _bilinear_rule(ins, outs, attrs):
    if None in ins or attrs["mode"] not in ("size", "like") or attrs["scale_height"] is not None:
        return compute(bilinear_resize, ins, outs, attrs)
    size = ins[1][2:] if attrs["mode"] == "like" else (attrs["height"], attrs["width"])
    return (), [(*ins[0][:2], *size)]


@operator("_contrib_BilinearResize2D", arguments=lambda mode, **_: ("data", "like") if mode == "like" else ("data",),
          shape_rule=_bilinear_rule)
def bilinear_resize(env, data, like=None, *, height: int = 1, width: int = 1, scale_height: float | None = None,
                    scale_width: float | None = None,
                    mode: Literal["like", "odd_scale", "size", "to_even_down", "to_even_up", "to_odd_down", "to_odd_up"] = "size",
                    align_corners: bool = True):
    """Resize data (batch, channel, height, width) by bilinear interpolation.

    The mode says to which size: height and width, or the scales where given (size), that of the array `like`, scaled such that
    odd sizes stay odd (odd_scale), or the next even or odd size.
    """
    size = _images(data, "BilinearResize2D")
    if (like is None) == (mode == "like"):
        raise ValueError("BilinearResize2D takes the array like exactly with mode='like'")
    target = _resized(size, None if like is None else like.shape, height, width, scale_height, scale_width, mode)
    return _resize.forward(env, data, kind="corners" if align_corners else "centers", source=size, target=target, transposed=False)


@bilinear_resize.gradient
def _(F, dy, _y, _data, _like=None, *, align_corners, **_):
    return (lambda: F._resize(dy, kind="corners" if align_corners else "centers", source=_data.shape[2:], target=dy.shape[2:],
                              transposed=True), lambda: F.zeros_like(_like))


@operator("_enlarge")
def _enlarge(env, data, *, scale: int):
    """Repeat every element of an image `scale` times in both directions."""
    n, c, h, w = data.shape
    repeated = env.xp.broadcast_to(data.reshape((n, c, h, 1, w, 1)), (n, c, h, scale, w, scale))
    return repeated.reshape((n, c, h * scale, w * scale))


@operator("_shrink")
def _shrink(env, data, *, scale: int):
    """Sum over squares of `scale` by `scale` elements."""
    n, c, h, w = data.shape
    return data.reshape((n, c, h // scale, scale, w // scale, scale)).sum(axis=(3, 5))


@_enlarge.gradient
def _(F, dy, _y, _data, *, scale):
    return (lambda: F._shrink(dy, scale=scale),)


@_shrink.gradient
def _(F, dy, _y, _data, *, scale):
    return (lambda: F._enlarge(dy, scale=scale),)


def _bilinear_geometry(scale, channels):
    pad = ceil((scale - 1) / 2)
    return {"stride": (scale, scale), "dilate": (1, 1), "pad": (pad, pad), "groups": channels}


def _kernel(scale):
    return 2 * scale - scale % 2


def upsampling_shapes(shapes, attrs):
    """Fill in the shape of the weight of bilinear upsampling."""
    if attrs["sample_type"] == "nearest":
        return shapes
    return [shapes[0], (shapes[0][1], 1) + (_kernel(attrs["scale"]),) * 2]


def _factors(shapes, scale):
    """Return by how much each image must grow to the size of the first one's result."""
    height, width = shapes[0][2] * scale, shapes[0][3] * scale
    for shape in shapes:
        if height % shape[2] or width % shape[3] or height // shape[2] != width // shape[3]:
            raise ValueError(f"UpSampling: an image of {shape[2:]} can't grow to {(height, width)} by one whole number")
    return [height // shape[2] for shape in shapes]


def _upsampling_arguments(count, sample_type, **_):
    return ("data", "weight") if sample_type == "bilinear" else tuple([f"arg{i}" for i in range(count)])


# MXNet stamps the second input whatever it is.
def _upsampling_rule(ins, outs, attrs):
    data, scale = ins[0], attrs["scale"]
    if data is None or None in ins:
        return (), ()
    channels = data[1]
    if attrs["sample_type"] == "nearest" and attrs["multi_input_mode"] == "concat":
        channels = sum([s[1] for s in ins]) if all([s[1] for s in ins]) else 0
    return (), [(data[0], channels, data[2] * scale, data[3] * scale)]


@operator("UpSampling", count_attribute="num_args", shapes=upsampling_shapes, arguments=_upsampling_arguments,
          stamps={"weight": {"__init__": '["bilinear", {}]'}, "arg1": {"__init__": '["bilinear", {}]'}}, shape_rule=_upsampling_rule)
def upsampling(env, *data, scale: int, num_filter: int = 0, sample_type: Literal["bilinear", "nearest"],
               multi_input_mode: Literal["concat", "sum"] = "concat", workspace: int = 512):
    """Enlarge images (batch, channel, height, width) by a whole number.

    nearest repeats elements; several images grow to the same size and are joined along the channels, or added. bilinear takes
    the image and a weight (channel, 1, 2 scale - scale % 2, ...) and is a deconvolution of each channel. `num_filter` (the number
    of channels) and `workspace` change no result.
    """
    for image in data:
        _images(image, "UpSampling")
    if sample_type == "bilinear":
        if len(data) != 2:
            raise ValueError(f"UpSampling with sample_type='bilinear' takes data and weight, but got {len(data)} arrays")
        image, weight = data
        require_shape("weight", weight, upsampling_shapes([image.shape], {"sample_type": sample_type, "scale": scale})[1])
        size = tuple(n * scale for n in image.shape[2:])
        return kernels.data_gradient(env.xp, image, weight, Geometry(**_bilinear_geometry(scale, image.shape[1])), size)
    grown = [_enlarge.forward(env, x, scale=f) for x, f in zip(data, _factors([x.shape for x in data], scale))]
    return sum(grown[1:], grown[0]) if multi_input_mode == "sum" else env.xp.concatenate(grown, axis=1)


@upsampling.gradient
def _(F, dy, _y, *data, scale, sample_type, multi_input_mode, **_):
    if sample_type == "bilinear":
        image, weight = data
        geometry = _bilinear_geometry(scale, image.shape[1])
        return (lambda: F._convolve(dy, weight, **geometry),
                lambda: F._convolve_weight(image, dy, kernel=weight.shape[2:], **geometry))
    thunks, begin = [], 0
    for x, factor in zip(data, _factors([x.shape for x in data], scale)):
        end = begin + x.shape[1]
        if multi_input_mode == "sum":
            thunks.append(lambda factor=factor: F._shrink(dy, scale=factor))
        else:
            thunks.append(lambda factor=factor, begin=begin, end=end:
                          F._shrink(F._part(dy, axis=1, begin=begin, end=end), scale=factor))
        begin = end
    return thunks
