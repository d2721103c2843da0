"""Normalization: BatchNorm, LayerNorm, InstanceNorm, GroupNorm, L2Normalization, LRN.

The first four share one gradient: with ``x^ = (x - mean) * scale`` and g the gradient of x^, that of x is
``scale * (g - mean(g) - x^ * mean(g * x^))``, the means going over the axes that were normalized together.
"""

from math import prod
from typing import Literal

from ..backend.channels import normalize, normalize_gradient, scale_shift
from .attributes import as_dtype
from .dense import require_shape
from .inference import first, replaced, same, unite
from .registry import operator


def _moments(xp, x, axes):
    """Return ``x - mean`` and mean and variance over the axes (kept)."""
    mean = x.mean(axis=axes, keepdims=True)
    centered = x - mean
    return centered, mean, xp.multiply(centered, centered).mean(axis=axes, keepdims=True)


def _wide(x):
    """Return float16 data as float32, to compute in."""
    return x.astype("float32") if x.dtype.char == "e" else x


def _input_gradient(g, normal, scale, axes):
    """Return the gradient of the data for the gradient g of the normalized data."""
    dx = normal * (g * normal).mean(axis=axes, keepdims=True)
    dx += g.mean(axis=axes, keepdims=True)
    dx = g - dx
    dx *= scale
    return dx


def batch_norm_shapes(shapes, attrs):
    """Fill in one number a channel for gamma, beta and the moving statistics."""
    data = shapes[0]
    return [data] + [(data[_channel_axis(attrs["axis"], len(data))],)] * 4


def _channel_axis(axis, ndim):
    if not -ndim <= axis < ndim:
        raise ValueError(f"Channel axis is out of range: axis={axis} for data of {ndim} dimensions")
    return axis % ndim


def _along(vector, axis, ndim):
    return vector.reshape((1,) * axis + (-1,) + (1,) * (ndim - axis - 1))


# What graphs know of operators that normalize a batch.
_BATCH_NODE = {"output_names": ("output", "mean", "var"),
               "stamps": {"moving_mean": {"__init__": '["zero", {}]'}, "moving_var": {"__init__": '["one", {}]'}}}


def _batch_rule(ins, outs, attrs):
    data = unite(ins[0], outs[0])
    if data is None:
        return (), ()
    return [data], [data, *[(data[_channel_axis(attrs.get("axis", 1), len(data))],)] * 2]


def _batch_types(ins, outs, attrs):
    """Say that statistics of float16 are float32, and all else of one type."""
    data = ins[0] if ins[0] is not None else outs[0]
    if data is None:
        return (), ()
    numbers = as_dtype("float32") if data.char == "e" else data
    return [data, *[numbers] * 4], [data, *[numbers] * (len(outs) - 1)]


@operator("BatchNorm", shapes=batch_norm_shapes, outputs=4, visible=lambda output_mean_var, **_: 3 if output_mean_var else 1,
          mutates=("moving_mean", "moving_var"), graph_outputs=3, **_BATCH_NODE, shape_rule=_batch_rule, type_rule=_batch_types)
def batch_norm(env, data, gamma, beta, moving_mean, moving_var, *, eps: float = 0.0010000000474974513,
               momentum: float = 0.899999976, fix_gamma: bool = True, use_global_stats: bool = False,
               output_mean_var: bool = False, axis: int = 1, cudnn_off: bool = False, min_calib_range: float | None = None,
               max_calib_range: float | None = None, into=None):
    """Normalize every channel (axis) of data to mean 0 and variance 1, then scale by gamma and add beta.

    In training the batch gives mean and variance, and moving_mean and moving_var move towards them:
    ``moving * momentum + batch * (1 - momentum)``; otherwise, and with use_global_stats, they are used instead. With fix_gamma,
    gamma counts as 1. The further outputs are mean and ``1 / sqrt(variance + eps)`` (shown with output_mean_var), and a hidden
    one that is empty when the moving statistics were used. `cudnn_off` and the calibration range change no result.
    """
    y, mean, _, scale, batch = _normalize_batch(env, data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma,
                                                use_global_stats, axis, into)
    return y, mean, scale, batch


def _normalize_batch(env, data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma, use_global_stats, axis, into=None):
    """Return the output, mean, variance, ``1 / sqrt(variance + eps)``, and an array that is empty for moving statistics."""
    channel = _channel_axis(axis, data.ndim)
    for name, vector in (("gamma", gamma), ("beta", beta), ("moving_mean", moving_mean), ("moving_var", moving_var)):
        require_shape(name, vector, (data.shape[channel],))
    x = _wide(data)
    if env.training and not use_global_stats:
        y, mean, variance, scale = normalize(env.xp, x, channel, eps, None if fix_gamma else gamma, beta, into)
        for moving, now in ((moving_mean, mean), (moving_var, variance)):
            moving *= moving.dtype.type(momentum)
            moving += now * moving.dtype.type(1 - momentum)
        batch = env.xp.ones((1,), x.dtype)
    else:
        mean, variance, batch = moving_mean.copy(), moving_var.copy(), env.xp.empty((0,), x.dtype)
        scale = 1 / env.xp.sqrt(variance + eps)
        factor = scale if fix_gamma else scale * gamma
        y = scale_shift(env.xp, x, channel, factor, beta - mean * factor, into)
    return y.astype(data.dtype, copy=False), mean, variance, scale.astype(mean.dtype, copy=False), batch


@batch_norm.gradient
def _(F, dy, y, data, gamma, _beta, _moving_mean, _moving_var, *, fix_gamma, axis, **_):
    made = []

    def part(index):
        if not made:
            made.append(F._backward_BatchNorm(dy[0], data, gamma, y[1], y[2], axis=axis, fix_gamma=fix_gamma,
                                              batch=y[3].shape[0] == 1))
        return made[0][index]
    return lambda: part(0), lambda: part(1), lambda: part(2), None, None


batch_norm.saved_outputs = (1, 2, 3)


@batch_norm.prepared_gradient
def _(env, attrs, wanted, spare, data, *_vectors):
    if 0 not in spare:
        return None
    axis, fix_gamma = attrs["axis"], attrs["fix_gamma"]

    def gradients(dy, y, x, gamma, *_vectors):
        top = env.xp.zeros(x.shape, x.dtype) if dy[0] is None else dy[0]
        found = _backward_batch_norm.forward(env, top, x, gamma, y[1], y[2], axis=axis, fix_gamma=fix_gamma,
                                             batch=y[3].shape[0] == 1, into=x)
        return [found[position] if position < 3 else None for position in wanted]
    return gradients


@operator("_backward_BatchNorm", outputs=3)
def _backward_batch_norm(env, dy, data, gamma, mean, scale, *, axis: int, fix_gamma: bool, batch: bool, into=None):
    """Compute the gradients of data, gamma and beta; that of data in the memory of `into`, which may be data, if it is like data."""
    dx, dgamma, dbeta = normalize_gradient(env.xp, _wide(dy), _wide(data), axis % data.ndim, mean, scale,
                                           scale if fix_gamma else scale * gamma, batch, into)
    if fix_gamma:
        dgamma = env.xp.zeros_like(dgamma)
    return dx.astype(data.dtype, copy=False), dgamma.astype(gamma.dtype, copy=False), dbeta.astype(gamma.dtype, copy=False)


@operator("_contrib_BatchNormWithReLU", shapes=batch_norm_shapes, outputs=4,
          visible=lambda output_mean_var, **_: 3 if output_mean_var else 1, mutates=("moving_mean", "moving_var"), **_BATCH_NODE,
          shape_rule=_batch_rule, type_rule=_batch_types)
def batch_norm_relu(env, data, gamma, beta, moving_mean, moving_var, *, eps: float = 0.0010000000474974513,
                    momentum: float = 0.899999976, fix_gamma: bool = True, use_global_stats: bool = False,
                    output_mean_var: bool = False, axis: int = 1, cudnn_off: bool = False, min_calib_range: float | None = None,
                    max_calib_range: float | None = None):
    """Compute relu of BatchNorm; see there."""
    y, *rest = batch_norm.forward(env, data, gamma, beta, moving_mean, moving_var, eps=eps, momentum=momentum, fix_gamma=fix_gamma,
                                  use_global_stats=use_global_stats, axis=axis)
    return env.xp.maximum(y, y.dtype.type(0), out=y), *rest


@batch_norm_relu.gradient
def _(F, dy, y, data, gamma, _beta, _moving_mean, _moving_var, **attrs):
    return batch_norm.rule(F, [dy[0] * (y[0] > 0)], y, data, gamma, _beta, _moving_mean, _moving_var, **attrs)


@operator("_contrib_SyncBatchNorm", shapes=lambda shapes, attrs: batch_norm_shapes(shapes, {"axis": 1}), outputs=5,
          visible=lambda output_mean_var, **_: 3 if output_mean_var else 1, mutates=("moving_mean", "moving_var"), graph_outputs=3,
          **_BATCH_NODE, shape_rule=_batch_rule, type_rule=_batch_types)
def sync_batch_norm(env, data, gamma, beta, moving_mean, moving_var, *, key: str, eps: float = 0.00100000005,
                    momentum: float = 0.899999976, fix_gamma: bool = True, use_global_stats: bool = False,
                    output_mean_var: bool = False, ndev: int = 1):
    """Compute BatchNorm of axis 1 for a batch that lies on one device; see there.

    The further outputs are mean and variance (shown with output_mean_var), and hidden ones for the gradient. A batch cut over
    several devices (`ndev`, whose parts `key` names) is refused in training: each part's output needs the others' mean first.
    """
    if ndev > 1 and env.training and not use_global_stats:
        raise ValueError(f"SyncBatchNorm (key={key!r}) was made for ndev={ndev} devices, but a batch cut over several devices can't "
                         "be normalized as a whole here: each part is computed before the next one is known. Pass num_devices=1 "
                         "to normalize each device's part by itself, or give the whole batch to one device")
    return _normalize_batch(env, data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma, use_global_stats, 1)


@sync_batch_norm.gradient
def _(F, dy, y, data, gamma, _beta, _moving_mean, _moving_var, *, fix_gamma, **_):
    return batch_norm.rule(F, dy, (y[0], y[1], y[3], y[4]), data, gamma, _beta, _moving_mean, _moving_var, fix_gamma=fix_gamma,
                           axis=1)


def layer_norm_shapes(shapes, attrs):
    """Fill in gamma and beta: as long as the normalized axis."""
    length = (shapes[0][_channel_axis(attrs["axis"], len(shapes[0]))],)
    return [shapes[0], length, length]


def _visible_moments(output_mean_var, **_):
    return 3 if output_mean_var else 1


def _layer_rule(ins, outs, attrs):
    data = unite(ins[0], outs[0])
    if data is None:
        return (), ()
    return [data], [data, *[replaced(data, attrs["axis"], 1)] * 2]


@operator("LayerNorm", shapes=layer_norm_shapes, outputs=3, visible=_visible_moments, output_names=("output", "mean", "std"),
          shape_rule=_layer_rule)
def layer_norm(env, data, gamma, beta, *, axis: int = -1, eps: float = 9.99999975e-06, output_mean_var: bool = False):
    """Normalize every vector along `axis` to mean 0 and variance 1, then scale by gamma and add beta.

    The further outputs are mean and ``sqrt(variance + eps)``.
    """
    axis = _channel_axis(axis, data.ndim)
    require_shape("gamma", gamma, (data.shape[axis],))
    require_shape("beta", beta, (data.shape[axis],))
    y, mean, variance = _moments(env.xp, _wide(data), axis)
    deviation = env.xp.sqrt(variance + eps)
    y /= deviation
    y *= _along(gamma, axis, data.ndim)
    y += _along(beta, axis, data.ndim)
    return tuple(a.astype(data.dtype, copy=False) for a in (y, mean, deviation))


@layer_norm.gradient
def _(F, dy, y, data, gamma, _beta, *, axis, eps, output_mean_var):
    made = []

    def part(index):
        if not made:
            made.append(F._backward_LayerNorm(dy[0], data, gamma, y[1], y[2], axis=axis))
        return made[0][index]
    return lambda: part(0), lambda: part(1), lambda: part(2)


@operator("_backward_LayerNorm", outputs=3)
def _backward_layer_norm(env, dy, data, gamma, mean, deviation, *, axis: int):
    """Compute the gradients of data, gamma and beta."""
    axis, ndim = axis % data.ndim, data.ndim
    others = tuple(i for i in range(ndim) if i != axis)
    scale = 1 / _wide(deviation)
    normal = (_wide(data) - mean) * scale
    top = _wide(dy)
    dgamma = (top * normal).sum(axis=others)
    dx = _input_gradient(top * _along(gamma, axis, ndim), normal, scale, axis)
    return dx.astype(data.dtype, copy=False), dgamma.astype(gamma.dtype, copy=False), \
        top.sum(axis=others).astype(gamma.dtype, copy=False)


def instance_norm_shapes(shapes, attrs):
    """Fill in gamma and beta: one number a channel."""
    return [shapes[0], (shapes[0][1],), (shapes[0][1],)]


def _instance_rule(ins, outs, _attrs):
    data = unite(ins[0], outs[0])
    return [data], [data, *[data and data[:2]] * 2]


@operator("InstanceNorm", shapes=instance_norm_shapes, graph_outputs=3, output_names=("output",), shape_rule=_instance_rule)
def instance_norm(env, data, gamma, beta, *, eps: float = 0.00100000005):
    """Normalize every channel of every example over its spatial axes, then scale by gamma and add beta."""
    if data.ndim < 3:
        raise ValueError(f"InstanceNorm only supports input tensors of rank >= 3, not of shape {data.shape}")
    require_shape("gamma", gamma, data.shape[1:2])
    require_shape("beta", beta, data.shape[1:2])
    y, _, variance = _moments(env.xp, _wide(data), tuple(range(2, data.ndim)))
    y /= env.xp.sqrt(variance + eps)
    y *= _along(gamma, 1, data.ndim)
    y += _along(beta, 1, data.ndim)
    return y.astype(data.dtype, copy=False)


@instance_norm.gradient
def _(F, dy, _y, data, gamma, _beta, *, eps):
    made = []

    def part(index):
        if not made:
            made.append(F._backward_InstanceNorm(dy, data, gamma, eps=eps))
        return made[0][index]
    return lambda: part(0), lambda: part(1), lambda: part(2)


@operator("_backward_InstanceNorm", outputs=3)
def _backward_instance_norm(env, dy, data, gamma, *, eps: float):
    """Compute the gradients of data, gamma and beta."""
    spatial = tuple(range(2, data.ndim))
    centered, _, variance = _moments(env.xp, _wide(data), spatial)
    scale = 1 / env.xp.sqrt(variance + eps)
    normal, top = centered * scale, _wide(dy)
    dx = _input_gradient(top * _along(gamma, 1, data.ndim), normal, scale, spatial)
    dgamma, dbeta = (top * normal).sum(axis=(0, *spatial)), top.sum(axis=(0, *spatial))
    return dx.astype(data.dtype, copy=False), dgamma.astype(gamma.dtype, copy=False), dbeta.astype(gamma.dtype, copy=False)


def group_norm_shapes(shapes, attrs):
    """Fill in gamma and beta: one number a group."""
    return [shapes[0], (attrs["num_groups"],), (attrs["num_groups"],)]


def _group_rule(ins, outs, attrs):
    data = unite(ins[0], outs[0])
    return [data], [data, *[data and (data[0], attrs["num_groups"])] * 2]


@operator("GroupNorm", shapes=group_norm_shapes, outputs=3, visible=_visible_moments, output_names=("output", "mean", "std"),
          shape_rule=_group_rule)
def group_norm(env, data, gamma, beta, *, num_groups: int = 1, eps: float = 9.99999975e-06, output_mean_var: bool = False):
    """Normalize every group of channels (axis 1) of every example, then scale by gamma and add beta, one number a group.

    The further outputs are mean and ``sqrt(variance + eps)``, (batch, num_groups).
    """
    if num_groups < 1 or data.ndim < 3 or data.shape[1] % num_groups:
        raise ValueError(f"GroupNorm takes data (batch, channel, ...) whose {data.shape[1:2]} channels divide by "
                         f"num_groups={num_groups}")
    require_shape("gamma", gamma, (num_groups,))
    require_shape("beta", beta, (num_groups,))
    y, mean, variance = _moments(env.xp, _wide(data).reshape((data.shape[0], num_groups, -1)), 2)
    deviation = env.xp.sqrt(variance + eps)
    y /= deviation
    y *= gamma.reshape((1, -1, 1))
    y += beta.reshape((1, -1, 1))
    return tuple(a.astype(data.dtype, copy=False)
                 for a in (y.reshape(data.shape), mean.reshape(mean.shape[:2]), deviation.reshape(mean.shape[:2])))


@group_norm.gradient
def _(F, dy, y, data, gamma, _beta, *, num_groups, eps, output_mean_var):
    made = []

    def part(index):
        if not made:
            made.append(F._backward_GroupNorm(dy[0], data, gamma, y[1], y[2]))
        return made[0][index]
    return lambda: part(0), lambda: part(1), lambda: part(2)


@operator("_backward_GroupNorm", outputs=3)
def _backward_group_norm(env, dy, data, gamma, mean, deviation):
    """Compute the gradients of data, gamma and beta."""
    shape = (*mean.shape, prod(data.shape[1:]) // mean.shape[1])
    scale = 1 / _wide(deviation)[..., None]
    normal = (_wide(data).reshape(shape) - mean[..., None]) * scale
    top = _wide(dy).reshape(shape)
    dx = _input_gradient(top * gamma.reshape((1, -1, 1)), normal, scale, 2).reshape(data.shape)
    dgamma, dbeta = (top * normal).sum(axis=(0, 2)), top.sum(axis=(0, 2))
    return dx.astype(data.dtype, copy=False), dgamma.astype(gamma.dtype, copy=False), dbeta.astype(gamma.dtype, copy=False)


def _norm_axes(mode, ndim):
    if ndim < (2 if mode == "instance" else 3):
        raise ValueError(f"L2Normalization with mode={mode!r} takes data of {2 if mode == 'instance' else 3} or more dimensions, "
                         f"but data has {ndim}")
    return {"instance": tuple(range(1, ndim)), "channel": (1,), "spatial": tuple(range(2, ndim))}[mode]


@operator("L2Normalization", graph_outputs=2, output_names=("output",), shape_rule=first)
def l2_normalization(env, data, *, eps: float = 1.00000001e-10, mode: Literal["channel", "instance", "spatial"] = "instance"):
    """Divide by ``sqrt(sum of squares + eps)`` over an example (instance), its axis 1 (channel) or its further axes (spatial)."""
    axes = _norm_axes(mode, data.ndim)
    x = _wide(data)
    return (x / env.xp.sqrt((x * x).sum(axis=axes, keepdims=True) + eps)).astype(data.dtype, copy=False)


@l2_normalization.gradient
def _(F, dy, y, data, *, eps, mode):
    def left():
        axes = _norm_axes(mode, data.ndim)
        norm = F.sqrt((data * data).sum(axis=axes, keepdims=True) + eps)
        return (dy - y * (dy * y).sum(axis=axes, keepdims=True)) / norm
    return (left,)


def _window_sum(xp, x, nsize):
    """Sum over ``(nsize - 1) // 2`` neighbours on either side along axis 1."""
    reach = (nsize - 1) // 2
    out = x.copy()
    for i in range(1, min(reach, x.shape[1] - 1) + 1):
        out[:, i:] += x[:, :-i]
        out[:, :-i] += x[:, i:]
    return out


@operator("LRN", graph_outputs=2, output_names=("output",), shape_rule=same)
def lrn(env, data, *, alpha: float = 9.99999975e-05, beta: float = 0.75, knorm: float = 2.0, nsize: int):
    """Divide by ``(knorm + alpha / nsize * sum of squares over nsize neighbouring channels) ** beta``."""
    return data * (knorm + _window_sum(env.xp, data * data, nsize) * (alpha / nsize)) ** -beta


@lrn.gradient
def _(F, dy, _y, data, **attrs):
    return (lambda: F._backward_LRN(dy, data, **attrs),)


@operator("_backward_LRN")
def _backward_lrn(env, dy, data, *, alpha: float, beta: float, knorm: float, nsize: int):
    """Compute the gradient of data."""
    base = knorm + _window_sum(env.xp, data * data, nsize) * (alpha / nsize)
    shared = _window_sum(env.xp, dy * data * base ** (-beta - 1), nsize)
    return dy * base ** -beta - data * shared * (2 * beta * alpha / nsize)
