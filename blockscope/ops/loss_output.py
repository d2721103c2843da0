"""Output layers of the older interface: forward is a prediction, and the gradient is that of a loss against the label.

Whatever gradient arrives from above is ignored (unless SoftmaxOutput is told otherwise with `out_grad`).
"""

from math import prod
from typing import Literal

from .inference import first, label_types
from .registry import operator
from .softmax import one_hot


def _softmax(env, data, axis):
    y = env.xp.exp(data - data.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y


def softmax_label_shapes(shapes, attrs):
    """Fill in the label's shape: one class number a row, or with multi_output one a position."""
    data, label = shapes
    if not label or 0 in label:
        label = data[:1] + data[2:] if attrs.get("multi_output") else data[:-1]
    return [data, label]


@operator("SoftmaxOutput", "Softmax", shapes=softmax_label_shapes, shape_rule=first, type_rule=label_types)
def softmax_output(env, data, label, *, grad_scale: float = 1.0, ignore_label: float = -1.0, multi_output: bool = False,
                   use_ignore: bool = False, preserve_shape: bool = False,
                   normalization: Literal["batch", "null", "valid"] = "null", out_grad: bool = False,
                   smooth_alpha: float = 0.0):
    """Compute softmax, over axis 1 (multi_output), the last axis (preserve_shape), or all axes but the first together.

    The gradient is that of the cross entropy with label: ``(softmax - one_hot(label)) * grad_scale``, or ``softmax - label``
    for a label of data's shape (probabilities). Rows whose label is `ignore_label` have none with `use_ignore`. `normalization`
    divides by the batch size or by the number of rows not ignored.
    """
    if label.shape != data.shape and label.size != (data.size // data.shape[1] if multi_output else prod(data.shape[:-1])):
        expected = softmax_label_shapes([data.shape, None], {"multi_output": multi_output})[1]
        raise ValueError(f"Shape inconsistent, Provided = {list(label.shape)}, inferred shape={list(expected)}: argument label")
    if multi_output:
        return _softmax(env, data, 1)
    if preserve_shape:
        return _softmax(env, data, -1)
    return _softmax(env, data.reshape((data.shape[0], prod(data.shape[1:]))), 1).reshape(data.shape)


@softmax_output.gradient
def _(F, dy, y, _data, label, **attrs):
    def left():
        dx = F._backward_SoftmaxOutput(y, label, **attrs)
        return dx * dy if attrs["out_grad"] else dx
    return left, lambda: F.zeros_like(label)


softmax_output.uses_head = lambda attrs: attrs["out_grad"]


@operator("_backward_SoftmaxOutput")
def _backward_softmax_output(env, y, label, *, grad_scale: float, ignore_label: float, multi_output: bool, use_ignore: bool,
                             preserve_shape: bool, normalization: str, out_grad: bool, smooth_alpha: float):
    """Compute the cross entropy's gradient from the softmax."""
    if label.shape == y.shape:
        return (y - label.astype(y.dtype, copy=False)) * y.dtype.type(grad_scale)
    if multi_output:
        p = y.reshape((y.shape[0], y.shape[1], prod(y.shape[2:])))
        label = label.reshape((p.shape[0], p.shape[2]))
    elif preserve_shape:
        p = y.reshape((prod(y.shape[:-1]), y.shape[-1]))
        label = label.reshape((-1,))
    else:
        p = y.reshape((y.shape[0], prod(y.shape[1:])))
        label = label.reshape((-1,))[:p.shape[0]]
    count = p.shape[1]
    target = one_hot(env, label, count, 1).astype(y.dtype)
    if smooth_alpha and not multi_output and count > 1:
        target = target * (1 - smooth_alpha - smooth_alpha / (count - 1)) + smooth_alpha / (count - 1)
    dx = p - target
    if use_ignore:
        dx *= env.xp.expand_dims(label != ignore_label, 1)
    dx *= y.dtype.type(grad_scale / (p.shape[2] if multi_output and normalization != "valid" else 1))
    if normalization == "batch":
        dx /= y.shape[0]
    elif normalization == "valid":
        # The count stays an array: reading it would make the device wait.
        dx /= env.xp.maximum((label.astype("int32") != int(ignore_label)).sum(), 1).astype(y.dtype)
    return dx.reshape(y.shape)


def _same_label(shapes, attrs):
    return [shapes[0], shapes[1] if shapes[1] and 0 not in shapes[1] else shapes[0]]


def _regression(name, alias, predict, difference, doc):
    def forward(env, data, label, *, grad_scale: float = 1.0):
        if label.size != data.size:
            raise ValueError(f"Shape inconsistent, Provided = {list(label.shape)}, inferred shape={list(data.shape)}: "
                             "argument label")
        return predict(env, data)
    forward.__doc__ = doc
    op = operator(name, alias, shapes=_same_label, shape_rule=first, type_rule=label_types)(forward)

    @op.gradient
    def _(F, _dy, y, _data, label, *, grad_scale):
        def left():
            target = label if label.dtype == y.dtype else F.Cast(label, dtype=y.dtype)
            return difference(F, y - target.reshape(y.shape)) * (grad_scale / max(prod(y.shape[1:]), 1))
        return left, lambda: F.zeros_like(label)


_regression("LinearRegressionOutput", "_sparse_LinearRegressionOutput", lambda env, x: x.copy(), lambda F, d: d,
            "Return data; its gradient is that of half the squared distance to label, divided by the outputs a row.")
_regression("MAERegressionOutput", "_sparse_MAERegressionOutput", lambda env, x: x.copy(), lambda F, d: F.sign(d),
            "Return data; its gradient is that of the absolute distance to label, divided by the outputs a row.")
_regression("LogisticRegressionOutput", "_sparse_LogisticRegressionOutput", lambda env, x: 1 / (1 + env.xp.exp(-x)),
            lambda F, d: d,
            "Return the sigmoid of data; its gradient is that of the cross entropy with label, divided by the outputs a row.")


@operator("MakeLoss", shape_rule=first)
def make_loss_scaled(env, data, *, grad_scale: float = 1.0, valid_thresh: float = 0.0,
                     normalization: Literal["batch", "null", "valid"] = "null"):
    """Return data and start the gradient here with `grad_scale`.

    `normalization` divides it by the number of rows (all axes but the last), or by the number of elements above `valid_thresh`.
    """
    return data.copy()


@make_loss_scaled.gradient
def _(F, _dy, _y, data, *, grad_scale, valid_thresh, normalization):
    def left():
        ones = F.ones_like(data) * grad_scale
        if normalization == "batch":
            return ones / prod(data.shape[:-1])
        if normalization == "valid":
            count = F.ones_like(data) * (data > valid_thresh)
            return ones / F.broadcast_maximum(count.sum().reshape((1,) * data.ndim), F.ones_like(data))
        return ones
    return (left,)


@operator("make_loss", "_sparse_make_loss", output_names=("loss",), shape_rule=first)
def make_loss(env, data):
    """Return data and start the gradient here with 1."""
    return data.copy()


@make_loss.gradient
def _(F, _dy, _y, data):
    return (lambda: F.ones_like(data),)


@operator("SVMOutput", shapes=softmax_label_shapes, shape_rule=first, type_rule=label_types)
def svm_output(env, data, label, *, margin: float = 1.0, regularization_coefficient: float = 1.0, use_linear: bool = False):
    """Return data (batch, classes); its gradient is that of the hinge loss (squared unless use_linear) with label (batch,)."""
    if label.shape != data.shape[:1]:
        raise ValueError(f"Shape inconsistent, Provided = {list(label.shape)}, inferred shape={list(data.shape[:1])}: "
                         "argument label")
    return data.copy()


@svm_output.gradient
def _(F, _dy, _y, data, label, **attrs):
    return lambda: F._backward_SVMOutput(data, label, **attrs), lambda: F.zeros_like(label)


@operator("_backward_SVMOutput")
def _backward_svm_output(env, data, label, *, margin: float, regularization_coefficient: float, use_linear: bool):
    """Compute the hinge loss's gradient."""
    hot = one_hot(env, label, data.shape[1])
    sign = env.xp.where(hot, -1, 1).astype(data.dtype)
    distance = margin + sign * data
    slope = (distance > 0).astype(data.dtype) if use_linear else 2 * env.xp.maximum(distance, data.dtype.type(0))
    return sign * slope * data.dtype.type(regularization_coefficient)
