"""Activation functions: Activation and LeakyReLU with all their types.

Each type is one `Function`: its forward on raw arrays and its derivative as an expression that differentiates again.
"""

import math
from typing import Literal, NamedTuple

from .inference import first
from .registry import operator

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


ActivationType = Literal["relu", "sigmoid", "softrelu", "softsign", "tanh"]


class Function(NamedTuple):
    """An activation: ``forward(env, x, out) -> y`` (out is None, an array like x, or x) and ``gradient(F, dy, y, x) -> dx``."""

    forward: object
    gradient: object


def _sigmoid(env, x, out=None):
    y = env.xp.negative(x, out=out)
    env.xp.exp(y, out=y)
    y += 1
    return env.xp.divide(1, y, out=y)


def _softsign(env, x, out=None):
    y = env.xp.abs(x)
    y += 1
    return env.xp.divide(x, y, out=y if out is None else out)


def _softsign_gradient(F, dy, y, x):
    scale = F.abs(y) - 1
    return dy * (scale * scale)


ACTIVATIONS = {
    "relu": Function(lambda env, x, out=None: env.xp.maximum(x, 0, out=out), lambda F, dy, y, x: dy * (y > 0)),
    "sigmoid": Function(_sigmoid, lambda F, dy, y, x: dy * (y * (1 - y))),
    "softrelu": Function(lambda env, x, out=None: env.xp.logaddexp(x, x.dtype.type(0), out=out), lambda F, dy, y, x: dy * (1 - F.exp(-y))),
    "softsign": Function(_softsign, _softsign_gradient),
    "tanh": Function(lambda env, x, out=None: env.xp.tanh(x, out=out), lambda F, dy, y, x: dy * (1 - y * y)),
}


@operator("Activation", shape_rule=first)
def activation(env, data, *, act_type: ActivationType, out=None):
    """Apply an activation function to every element."""
    if data.dtype.kind != "f" and act_type != "relu":
        raise ValueError(f"Activation {act_type} takes floating-point data, but got {data.dtype}")
    return ACTIVATIONS[act_type].forward(env, data, out)


@activation.gradient
def _(F, dy, y, _data, *, act_type):
    return (lambda: ACTIVATIONS[act_type].gradient(F, dy, y, None),)


@activation.prepared_gradient
def _(env, attrs, wanted, spare, data):
    if attrs["act_type"] != "relu" or "y" not in spare or not wanted:
        return None
    multiply = env.xp.multiply

    def gradients(dy, y, x):
        return [multiply(dy, y > 0, out=y)] if dy.dtype == y.dtype else [dy * (y > 0)]
    return gradients


def _gelu_gradient(F, dy, y, x):
    density = F.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return dy * ((F.erf(x * math.sqrt(0.5)) + 1) * 0.5 + x * density)


def _per_channel(gamma, ndim):
    """Return the shape in which slopes of the channels (axis 1) broadcast over data."""
    return (1, gamma.size) + (1,) * (ndim - 2) if ndim > 1 and gamma.size > 1 else (gamma.size,)


def leaky_shapes(shapes, attrs):
    """Fill in the shape of prelu's gamma: one slope a channel."""
    if len(shapes) == 1:
        return shapes
    data = shapes[0]
    return [data, shapes[1] if shapes[1] and 0 not in shapes[1] else (data[1] if len(data) > 1 else data[0],)]


def _negative_part(env, data, change):
    """Return data where positive, and `change` of it elsewhere."""
    return env.xp.where(data > 0, data, change(data))


def _elu(env, x, alpha):
    return _negative_part(env, x, lambda v: env.xp.expm1(v) * alpha)


def _gelu(env, x):
    y = env.special.erf(x * math.sqrt(0.5)).astype(x.dtype)
    y += 1
    y *= x
    y *= 0.5
    return y


@operator("LeakyReLU", random=True, shapes=leaky_shapes, outputs=2, visible=1, output_names=("output", "mask"),
          graph_outputs=lambda act_type, **_: 2 if act_type == "rrelu" else 1,
          arguments=lambda act_type, **_: ("data", "gamma") if act_type == "prelu" else ("data",),
          stamps={"gamma": {"__init__": '["Constant", {"value": 0.25}]'}}, shape_rule=first)
def leaky_relu(env, data, gamma=None, *, act_type: Literal["elu", "gelu", "leaky", "prelu", "rrelu", "selu"] = "leaky",
               slope: float = 0.25, lower_bound: float = 0.125, upper_bound: float = 0.333999991):
    """Apply an activation that lets negative values through: leaky, prelu, elu, selu, gelu or rrelu.

    gamma holds the slopes of prelu, one a channel (axis 1) or one for all. rrelu draws the slopes from
    ``[lower_bound, upper_bound)`` in training, and takes their mean otherwise. The hidden second output holds rrelu's slopes.
    """
    if (gamma is None) == (act_type == "prelu"):
        raise ValueError(f"LeakyReLU with act_type={act_type!r} takes {'data and gamma' if gamma is None else 'data only'}")
    slopes = env.xp.empty((0,), data.dtype)
    if act_type == "leaky":
        return _negative_part(env, data, lambda v: v * slope), slopes
    if act_type == "prelu":
        slopes_by_axis = gamma.reshape(_per_channel(gamma, data.ndim))
        return _negative_part(env, data, lambda v: v * slopes_by_axis), slopes
    if act_type == "elu":
        return _elu(env, data, slope), slopes
    if act_type == "selu":
        return _elu(env, data, _SELU_ALPHA) * _SELU_SCALE, slopes
    if act_type == "gelu":
        return _gelu(env, data), slopes
    if env.training:
        slopes = env.random.uniform(lower_bound, upper_bound, data.shape, data.dtype)
        return _negative_part(env, data, lambda v: v * slopes), slopes
    return _negative_part(env, data, lambda v: v * ((lower_bound + upper_bound) / 2)), slopes


@leaky_relu.gradient
def _(F, dy, y, data, gamma=None, *, act_type, slope, lower_bound, upper_bound):
    dy, (y, slopes) = dy[0], y

    def left():
        if act_type == "gelu":
            return _gelu_gradient(F, dy, y, data)
        if act_type == "selu":
            return F.where(data > 0, dy * _SELU_SCALE, dy * (y + _SELU_SCALE * _SELU_ALPHA))
        if act_type == "leaky":
            change = slope
        elif act_type == "prelu":
            change = gamma.reshape(_per_channel(gamma, data.ndim))
        elif act_type == "elu":
            change = y + slope
        else:
            change = slopes if slopes.size else (lower_bound + upper_bound) / 2
        return F.where(data > 0, dy, dy * change)

    def right():
        pulled = F.where(data > 0, F.zeros_like(data), dy * data)
        return F._sum_to(pulled, shape=_per_channel(gamma, data.ndim)).reshape(gamma.shape)
    return left, right


@operator("SoftmaxActivation", shape_rule=first)
def softmax_activation(env, data, *, mode: Literal["channel", "instance"] = "instance"):
    """Apply softmax over axis 1 (channel), or over the last axis (instance)."""
    axis = 1 if mode == "channel" else -1
    y = env.xp.exp(data - data.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y


@softmax_activation.gradient
def _(F, dy, y, _data, *, mode):
    axis = 1 if mode == "channel" else -1
    return (lambda: (dy - (dy * y).sum(axis=axis, keepdims=True)) * y,)
