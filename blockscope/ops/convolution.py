"""Convolution and Deconvolution in 1 to 3 dimensions.

Both are made of three internal operators, each the gradient of the others: `_convolve` (x, w -> y), `_convolve_data` (dy, w ->
dx, which is also the deconvolution) and `_convolve_weight` (dy, x -> dw). So gradients of every order come from this one place.
"""

from typing import Literal

from ..backend import convolution as kernels
from ..backend.channels import add_by_channel, channel_sums
from ..backend.convolution import Geometry
from .attributes import Shape
from .dense import require_bias, require_shape
from .registry import operator

Layout = Literal["NCDHW", "NCHW", "NCW", "NDHWC", "NHWC"] | None
Tuning = Literal["fastest", "limited_workspace", "off"] | None


@operator("_convolve")
def _convolve(env, x, w, *, stride: Shape, dilate: Shape, pad: Shape, groups: int):
    """Convolve channels-first data."""
    return kernels.forward(env.xp, x, w, Geometry(stride, dilate, pad, groups))


@operator("_convolve_data")
def _convolve_data(env, dy, w, *, stride: Shape, dilate: Shape, pad: Shape, groups: int, size: Shape):
    """Compute the transposed convolution, of spatial shape `size`."""
    return kernels.data_gradient(env.xp, dy, w, Geometry(stride, dilate, pad, groups), size)


@operator("_convolve_weight")
def _convolve_weight(env, dy, x, *, stride: Shape, dilate: Shape, pad: Shape, groups: int, kernel: Shape):
    """Compute the gradient of a convolution's weight."""
    return kernels.weight_gradient(env.xp, dy, x, Geometry(stride, dilate, pad, groups), kernel)


@_convolve.gradient
def _(F, dy, _y, x, w, **geometry):
    return (lambda: F._convolve_data(dy, w, size=x.shape[2:], **geometry),
            lambda: F._convolve_weight(dy, x, kernel=w.shape[2:], **geometry))


@_convolve_data.gradient
def _(F, dy, _y, x, w, *, size, **geometry):
    return (lambda: F._convolve(dy, w, **geometry),
            lambda: F._convolve_weight(x, dy, kernel=w.shape[2:], **geometry))


@_convolve_weight.gradient
def _(F, dy, _y, top, x, *, kernel, **geometry):
    return (lambda: F._convolve(x, dy, **geometry),
            lambda: F._convolve_data(top, dy, size=x.shape[2:], **geometry))


def channels_last(layout):
    """Return whether a layout has its channels on the last axis."""
    return layout is not None and layout[-1] == "C"


def to_first(ndim):
    """Return the axes that bring a channels-last array to channels-first."""
    return (0, ndim - 1, *range(1, ndim - 1))


def to_last(ndim):
    """Return the axes that bring a channels-first array to channels-last."""
    return (0, *range(2, ndim), 1)


def _geometry(kernel, stride, dilate, pad, num_group, **_):
    one = (1,) * len(kernel)
    return {"stride": stride or one, "dilate": dilate or one, "pad": pad or (0,) * len(kernel), "groups": num_group}


def check_spatial(ndim, layout, **tuples):
    """Raise ValueError unless kernel, stride, ... have one number a spatial axis."""
    if layout is not None and len(layout) != ndim:
        raise ValueError(f"layout {layout} is for data of {len(layout)} dimensions, but data has {ndim}")
    for name, value in tuples.items():
        if value and len(value) != ndim - 2:
            raise ValueError(f"{name}={value} must have {ndim - 2} numbers for data of {ndim} dimensions "
                             "(batch, channel and one a spatial axis)")
        if any(v < (0 if name in ("pad", "adj") else 1) for v in value):
            raise ValueError(f"{name}={value} must be {'non-negative' if name in ('pad', 'adj') else 'positive'}")


def _weight_shape(first, second, kernel, layout):
    return (first, *kernel, second) if channels_last(layout) else (first, second, *kernel)


def _channels(data, layout):
    return data[-1] if channels_last(layout) else data[1]


def _divide(channels, groups, what):
    if groups < 1 or channels % groups:
        raise ValueError(f"{what}={channels} must be divisible by num_group={groups}")
    return channels // groups


def convolution_shapes(shapes, attrs):
    """Fill in the shapes of weight and bias."""
    layout, filters = attrs["layout"], attrs["num_filter"]
    _divide(filters, attrs["num_group"], "num_filter")
    inputs = _divide(_channels(shapes[0], layout), attrs["num_group"], "the number of input channels")
    return [shapes[0], _weight_shape(filters, inputs, attrs["kernel"], layout), (filters,)][:len(shapes)]


def _as_first(env, layout, *arrays):
    if not channels_last(layout):
        return arrays
    return [env.xp.transpose(a, to_first(a.ndim)) for a in arrays]


def _finish(env, y, bias, layout):
    if bias is not None:
        add_by_channel(env.xp, y, bias, 1)
    return env.xp.transpose(y, to_last(y.ndim)) if channels_last(layout) else y


@operator("_channel_sums")
def _channel_sums(env, data, *, axis: int):
    """Sum over all axes but one."""
    if data.dtype.char not in "fd":
        return data.sum(axis=tuple(i for i in range(data.ndim) if i != axis))
    return channel_sums(env.xp, data, axis)


@_channel_sums.gradient
def _(F, dy, _y, _data, *, axis):
    return (lambda: F.broadcast_to(dy.reshape((1,) * axis + (-1,) + (1,) * (_data.ndim - axis - 1)), shape=_data.shape),)


def _bias_gradient(F, dy, layout):
    return F._channel_sums(dy, axis=dy.ndim - 1 if channels_last(layout) else 1)


def _gradient_parts(F, dy, data, weight, layout):
    """Return dy, data and weight channels-first, and the function that brings a gradient back."""
    if not channels_last(layout):
        return dy, data, weight, lambda g: g
    axes, back = to_first(dy.ndim), to_last(dy.ndim)
    return F.transpose(dy, axes=axes), F.transpose(data, axes=axes), F.transpose(weight, axes=axes), \
        lambda g: F.transpose(g, axes=back)


def _check_data(data, kernel, layout):
    if len(data) != len(kernel) + 2:
        raise ValueError(f"Input data should be {len(kernel) + 2}D in {layout or 'batch-num_filter-' + '-'.join('zyx'[-len(kernel):])}, "
                         f"but its shape is {data}")


def _placed(data, spatial, channels, layout):
    return (data[0], *spatial, channels) if channels_last(layout) else (data[0], channels, *spatial)


def _spatial(data, layout):
    return data[1:-1] if channels_last(layout) else data[2:]


def _convolution_rule(ins, outs, attrs):
    data, kernel, layout = ins[0], attrs["kernel"], attrs["layout"]
    if data is None:
        return (), ()
    _check_data(data, kernel, layout)
    geometry = _geometry(**attrs)
    size, back, out = [], [], outs[0] if outs[0] is not None and len(outs[0]) == len(data) else None
    known = _spatial(out, layout) if out is not None else (0,) * len(kernel)
    for n, k, s, d, p, y in zip(_spatial(data, layout), kernel, geometry["stride"], geometry["dilate"], geometry["pad"], known):
        extent = d * (k - 1) + 1
        if n and extent > n + 2 * p:
            raise ValueError(f"kernel size exceed input: a kernel of {k} with dilation {d} on {n} elements padded to {n + 2 * p}")
        size.append((n + 2 * p - extent) // s + 1 if n else 0)
        back.append(n or (y - 1 + extent - 2 * p if s == 1 and y else 0))
    batch = data[0] or (out[0] if out is not None else 0)
    data = (batch, *data[1:])
    return [_placed(data, back, _channels(data, layout), layout)], [_placed(data, size, attrs["num_filter"], layout)]


@operator("Convolution", shapes=convolution_shapes, shape_rule=_convolution_rule)
def convolution(env, data, weight, bias=None, *, kernel: Shape, stride: Shape = (), dilate: Shape = (), pad: Shape = (),
                num_filter: int, num_group: int = 1, workspace: int = 1024, no_bias: bool = False, cudnn_tune: Tuning = None,
                cudnn_off: bool = False, layout: Layout = None, into=None):
    """Convolve data (batch, channel, *spatial) with weight (num_filter, channel / num_group, *kernel).

    With a layout such as NHWC, data is (batch, *spatial, channel) and weight (num_filter, *kernel, channel / num_group).
    `workspace`, `cudnn_tune` and `cudnn_off` choose among MXNet's kernels and change no result.
    """
    check_spatial(data.ndim, layout, kernel=kernel, stride=stride, dilate=dilate, pad=pad)
    require_bias(bias, no_bias)
    attrs = {"layout": layout, "num_filter": num_filter, "num_group": num_group, "kernel": kernel}
    for name, array, shape in zip(("weight", "bias"), (weight, bias), convolution_shapes([data.shape, None, None], attrs)[1:]):
        if array is not None:
            require_shape(name, array, shape)
    data, weight = _as_first(env, layout, data, weight)
    geometry = Geometry(**_geometry(kernel, stride, dilate, pad, num_group))
    for n, k, d, p in zip(data.shape[2:], kernel, geometry.dilate, geometry.pad):
        if d * (k - 1) + 1 > n + 2 * p:
            raise ValueError(f"kernel size exceed input: a kernel of {k} with dilation {d} on {n} elements padded to {n + 2 * p}")
    into = None if channels_last(layout) else into
    return _finish(env, kernels.forward(env.xp, data, weight, geometry, into), bias, layout)


convolution.same_dtype = True


@convolution.gradient
def _(F, dy, _y, data, weight, _bias=None, *, kernel, layout, **attrs):
    geometry = _geometry(kernel, **attrs)
    top, x, w, back = _gradient_parts(F, dy, data, weight, layout)
    return (lambda: back(F._convolve_data(top, w, size=x.shape[2:], **geometry)),
            lambda: back(F._convolve_weight(top, x, kernel=kernel, **geometry)), lambda: _bias_gradient(F, dy, layout))


def deconvolution_shapes(shapes, attrs):
    """Fill in the shapes of weight and bias."""
    layout, filters = attrs["layout"], attrs["num_filter"]
    outputs = _divide(filters, attrs["num_group"], "num_filter")
    if not attrs["target_shape"]:
        _check_adj(attrs["adj"], attrs["stride"])
    weight = _weight_shape(_channels(shapes[0], layout), outputs, attrs["kernel"], layout)
    return [shapes[0], weight, (filters,)][:len(shapes)]


def _check_adj(adj, stride):
    if any(a >= s for a, s in zip(adj, stride or (1,) * len(adj))):
        raise ValueError(f"adj={adj} must be smaller than stride={stride}")


def _deconvolution_size(spatial, geometry, kernel, adj, target_shape):
    """Return the padding and the result's spatial shape: `target_shape` decides both where it is given."""
    stride, dilate, pad = geometry["stride"], geometry["dilate"], geometry["pad"]
    extent = [d * (k - 1) + 1 for d, k in zip(dilate, kernel)]
    adj = adj or (0,) * len(kernel)
    if target_shape:
        total = [s * (n - 1) + e - t for s, n, e, t in zip(stride, spatial, extent, target_shape)]
        if min(total) < 0:
            raise ValueError(f"too big target shape {target_shape}")
        return tuple((t + t % 2) // 2 for t in total), tuple(target_shape)
    _check_adj(adj, stride)
    size = tuple(s * (n - 1) + e - 2 * p + a for s, n, e, p, a in zip(stride, spatial, extent, pad, adj))
    if min(size) < 1:
        raise ValueError(f"the result would have the spatial shape {size}: pad={pad} is too large")
    return pad, size


def _deconvolution_rule(ins, outs, attrs):
    data, kernel, layout = ins[0], attrs["kernel"], attrs["layout"]
    if data is None:
        return (), ()
    _check_data(data, kernel, layout)
    spatial, size = _spatial(data, layout), attrs["target_shape"]
    if not size or 0 not in spatial:
        # Lengths follow one by one: take any that is long enough where one is not known, and forget what comes out.
        lengths = tuple([n or 1 + 2 * sum(attrs["pad"]) for n in spatial])
        _, found = _deconvolution_size(lengths, _geometry(**attrs), kernel, attrs["adj"], size)
        size = [n and m for n, m in zip(spatial, found)]
    return (), [_placed(data, size, attrs["num_filter"], layout)]


@operator("Deconvolution", shapes=deconvolution_shapes, shape_rule=_deconvolution_rule)
def deconvolution(env, data, weight, bias=None, *, kernel: Shape, stride: Shape = (), dilate: Shape = (), pad: Shape = (),
                  adj: Shape = (), target_shape: Shape = (), num_filter: int, num_group: int = 1, workspace: int = 512,
                  no_bias: bool = True, cudnn_tune: Tuning = None, cudnn_off: bool = False, layout: Layout = None):
    """Compute the transposed convolution of data (batch, channel, *spatial), weight (channel, num_filter / num_group, *kernel).

    `adj` lengthens the result by some elements; `target_shape` asks for its spatial shape, and then `pad` and `adj` follow from it.
    `workspace`, `cudnn_tune` and `cudnn_off` choose among MXNet's kernels and change no result.
    """
    check_spatial(data.ndim, layout, kernel=kernel, stride=stride, dilate=dilate, pad=pad, adj=adj, target_shape=target_shape)
    require_bias(bias, no_bias)
    attrs = {"layout": layout, "num_filter": num_filter, "num_group": num_group, "kernel": kernel, "stride": stride, "adj": adj,
             "target_shape": target_shape}
    for name, array, shape in zip(("weight", "bias"), (weight, bias), deconvolution_shapes([data.shape, None, None], attrs)[1:]):
        if array is not None:
            require_shape(name, array, shape)
    data, weight = _as_first(env, layout, data, weight)
    _divide(data.shape[1], num_group, "the number of input channels")
    geometry = _geometry(kernel, stride, dilate, pad, num_group)
    geometry["pad"], size = _deconvolution_size(data.shape[2:], geometry, kernel, adj, target_shape)
    return _finish(env, kernels.data_gradient(env.xp, data, weight, Geometry(**geometry), size), bias, layout)


deconvolution.same_dtype = True


@deconvolution.gradient
def _(F, dy, _y, data, weight, _bias=None, *, kernel, layout, adj, target_shape, **attrs):
    geometry = _geometry(kernel, **attrs)
    top, x, w, back = _gradient_parts(F, dy, data, weight, layout)
    geometry["pad"], _size = _deconvolution_size(x.shape[2:], geometry, kernel, adj, target_shape)
    return (lambda: back(F._convolve(top, w, **geometry)),
            lambda: back(F._convolve_weight(x, top, kernel=kernel, **geometry)), lambda: _bias_gradient(F, dy, layout))
