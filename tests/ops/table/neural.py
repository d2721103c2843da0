"""Rows of the neural operators: dense layers, activations, softmax, output layers, normalization, dropout."""

import numpy as np
from scipy import special

from . import MXNET, Row, Wrong, fixed

INTERNAL = "MXNet doesn't have this operator"
WIDE = ("float32", "float64")
HALF = {"float16": 2e-2}
POSITIVE = (0.4, 2.2)


def softmax(x, axis=-1):
    """Return softmax along an axis."""
    return special.softmax(x, axis)


def one_hot(label, count):
    """Return rows of an identity matrix."""
    return np.eye(count)[label.astype(int)]


def dense(x, w, b=0.0):
    """Return a fully connected layer of the flattened input."""
    return x.reshape(len(x), -1) @ w.T + b


FC = {"num_hidden": 3}
NUMBERS = np.array([[0.0, 2.0], [-1.0, 9.0]])  # two of them out of range
DENSE = [
    Row("FullyConnected", [(2, 4), (3, 4), (3,)], FC, expect=dense, tolerance=HALF,
        wrong=[Wrong(inputs=[(2, 4), (3, 5), (3,)]), Wrong(inputs=[(2, 4), (2, 4), (3,)], says="weight"),
               Wrong(inputs=[(2, 4), (3, 4), (2,)], says="bias"), Wrong(inputs=[(2, 4), (3, 4)], says="no_bias")]),
    Row("FullyConnected", [(2, 2, 2), (3, 4)], {**FC, "no_bias": True}, expect=dense, tolerance=HALF,
        wrong=[Wrong(inputs=[(2, 2, 2), (3, 4), (3,)], says="no_bias")]),
    Row("FullyConnected", [(2, 2, 4), (3, 4), (3,)], {**FC, "flatten": False}, expect=lambda x, w, b: x @ w.T + b, tolerance=HALF),
    Row("FullyConnected", [(2,), (3, 1), (3,)], FC, expect=lambda x, w, b: x[:, None] @ w.T + b, tolerance=HALF),
    Row("Embedding", [fixed(NUMBERS.astype("float32")), (4, 3)], {"input_dim": 4, "output_dim": 3}, gradient=(1,),
        expect=lambda i, w: w[np.clip(i.astype(int), 0, 3)], wrong=[Wrong(inputs=[(2,), (3, 3)], says="weight")]),
    Row("_gemm", [(2, 3), (3, 4)], expect=lambda a, b: a @ b, mxnet=INTERNAL, tolerance=HALF),
    Row("_gemm", [(3, 2), (4, 3)], {"transpose_a": True, "transpose_b": True}, expect=lambda a, b: a.T @ b.T, mxnet=INTERNAL,
        tolerance=HALF),
    Row("_sum_rows", [(2, 3)], expect=lambda x: x.sum(0), mxnet=INTERNAL),
]

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0), "sigmoid": special.expit, "softrelu": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + abs(x)), "tanh": np.tanh,
}
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
LEAKY = {
    "leaky": lambda x: np.where(x > 0, x, 0.3 * x), "elu": lambda x: np.where(x > 0, x, 0.3 * np.expm1(x)),
    "selu": lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)), "gelu": lambda x: x * special.ndtr(x),
    "rrelu": lambda x: np.where(x > 0, x, x * (0.125 + 0.333999991) / 2),
}
BUGS = {
    "selu": "MXNet's gradient of selu at negative values is scale * (alpha + y), but the derivative is scale * alpha + y",
    "rrelu": "MXNet shows the uninitialized slopes as a second output",
}


def _slopes(x, a):
    shape = (1, -1) + (1,) * (x.ndim - 2) if x.ndim > 1 and a.size > 1 else (-1,)
    return np.where(x > 0, x, x * a.reshape(shape))


def _between(low, high):
    def check(outputs, x):
        slopes = outputs[0][x < 0] / x[x < 0]
        assert ((slopes >= low - 1e-3) & (slopes <= high + 1e-3)).all()
        assert len(np.unique(slopes)) > 1
        np.testing.assert_array_equal(outputs[0][x > 0], x[x > 0])
    return check


ACTIVATION = [
    *[Row("Activation", [(2, 3)], {"act_type": name}, expect=f, tolerance=HALF,
          wrong=[Wrong(attrs={"act_type": "gelu"}, says="act_type")]) for name, f in ACTIVATIONS.items()],
    *[Row("LeakyReLU", [(2, 3)], {"act_type": name, "slope": 0.3}, expect=f, tolerance=HALF,
          mxnet=BUGS[name] if name == "rrelu" else True, mxnet_gradient=BUGS.get(name, True)) for name, f in LEAKY.items()],
    Row("LeakyReLU", [(3, 4)], {"act_type": "rrelu"}, check=_between(0.125, 0.334), random=True, training=True, mxnet="random"),
    Row("LeakyReLU", [(2, 3), (3,)], {"act_type": "prelu"}, expect=_slopes, wrong=[Wrong(inputs=[(2, 3)], says="gamma")]),
    Row("LeakyReLU", [(2, 3, 2), (3,)], {"act_type": "prelu"}, expect=_slopes),
    Row("LeakyReLU", [(2, 3), (1,)], {"act_type": "prelu"}, expect=_slopes),
    Row("LeakyReLU", [(3,), (3,)], {"act_type": "prelu"}, expect=_slopes),
    Row("SoftmaxActivation", [(2, 3)], expect=softmax, tolerance=HALF),
    Row("SoftmaxActivation", [(2, 3, 2)], expect=softmax, tolerance=HALF,
        mxnet_gradient="MXNet's gradient takes other rows than its forward pass"),
    Row("SoftmaxActivation", [(2, 3, 2)], {"mode": "channel"}, expect=lambda x: softmax(x, 1), tolerance=HALF),
]

LENGTHS = np.array([1, 3], "int32")


def _masked(x, n):
    valid = np.arange(x.shape[-1]) < n[:, None]
    return softmax(np.where(valid, x, -np.inf)) * valid


def _cross_entropy(x, label):
    return -special.log_softmax(x, -1)[np.arange(len(x)), label.astype(int)]


LABEL = np.array([0.0, 2.0])
SOFTMAX = [
    Row("softmax", [(2, 3)], expect=softmax, tolerance=HALF, wrong=[Wrong(attrs={"axis": 2}, says="axis 2")]),
    Row("softmax", [(2, 3, 2)], {"axis": 1, "temperature": 2.0}, expect=lambda x: softmax(x / 2, 1), tolerance=HALF),
    Row("softmax", [(2, 3)], {"dtype": "float64"}, expect=softmax, result="float64", dtypes=WIDE, tolerance={"float32": 1e-6}),
    Row("softmax", [(2, 3), LENGTHS], {"use_length": True}, expect=_masked, gradient=(0,), tolerance=HALF,
        wrong=[Wrong(inputs=[(2, 3)], says="length"), Wrong(inputs=[(2, 3), np.array([1, 2, 3], "int32")], says="length")]),
    Row("softmin", [(2, 3)], {"axis": 0}, expect=lambda x: softmax(-x, 0), tolerance=HALF),
    Row("log_softmax", [(2, 3)], expect=lambda x: special.log_softmax(x, -1), tolerance=HALF),
    Row("log_softmax", [(2, 3, 2)], {"axis": 1, "temperature": 0.5}, expect=lambda x: special.log_softmax(x / 0.5, 1),
        tolerance=HALF),
    Row("softmax_cross_entropy", [(2, 3), LABEL], expect=lambda x, i: _cross_entropy(x, i).sum().reshape(1), gradient=(0,),
        dtypes=WIDE, wrong=[Wrong(inputs=[(2, 3), (3,)])]),
    *[Row("_dense_activation", [(2, 4), (3, 4), (3,)], {**FC, "act_type": kind}, mxnet=INTERNAL, tolerance=HALF,
          expect=lambda x, w, b, f=f: f(dense(x, w, b)), wrong=[Wrong(inputs=[(2, 4), (3, 5), (3,)])])
      for kind, f in (("relu", lambda z: z * (z > 0)), ("tanh", np.tanh), ("softrelu", lambda z: np.log1p(np.exp(z))))],
    Row("_cross_entropy", [(2, 3), fixed(LABEL)], expect=_cross_entropy, gradient=(0,), mxnet=INTERNAL, tolerance=HALF,
        wrong=[Wrong(inputs=[(2, 3), (3,)])]),
    Row("smooth_l1", [(2, 3)], {"scalar": 2.0}, expect=lambda x: np.where(abs(x) < 0.25, 2 * x * x, abs(x) - 0.125)),
    Row("smooth_l1", [(2, 3)], {"scalar": 0.6}, tolerance=HALF,
        expect=lambda x: np.where(abs(x) < 1 / 0.36, 0.18 * x * x, abs(x) - 0.5 / 0.36)),
]


def _ce_gradient(scale=1.0, ignore=None, smooth=0.0):
    def gradient(dy, x, label):
        target = one_hot(label, 3)
        if smooth:
            target = target * (1 - smooth - smooth / 2) + smooth / 2
        rows = np.ones(len(x)) if ignore is None else label != ignore
        return (softmax(x) - target) * rows[:, None] * scale, None
    return gradient


def _regression(function, slope):
    return lambda dy, x, label: (slope(function(x) - label) * 0.5 / 3, None)


def _hinge(dy, x, label):
    sign = 1 - 2 * one_hot(label, 3)
    return sign * 2 * np.maximum(0, 0.5 + sign * x) * 1.5, None


def _linear_hinge(dy, x, label):
    sign = 1 - 2 * one_hot(label, 3)
    return sign * (1 + sign * x > 0), None


CLASSES = fixed(LABEL)
SO = "SoftmaxOutput"
OUTPUT = [
    Row(SO, [(2, 3), CLASSES], expect=lambda x, i: softmax(x), gradient=_ce_gradient(), dtypes=WIDE, mxnet_gradient=True,
        wrong=[Wrong(inputs=[(2, 3), (3,)], says="label")]),
    Row(SO, [(2, 3), CLASSES], {"grad_scale": 0.5, "normalization": "batch"}, expect=lambda x, i: softmax(x),
        gradient=_ce_gradient(0.25), dtypes=WIDE),
    Row(SO, [(2, 3), CLASSES], {"use_ignore": True, "ignore_label": 2, "normalization": "valid"}, expect=lambda x, i: softmax(x),
        gradient=_ce_gradient(ignore=2), dtypes=WIDE),
    Row(SO, [(2, 3), CLASSES], {"smooth_alpha": 0.1}, expect=lambda x, i: softmax(x), gradient=_ce_gradient(smooth=0.1), dtypes=WIDE),
    Row(SO, [(2, 3), CLASSES], {"out_grad": True}, expect=lambda x, i: softmax(x), dtypes=WIDE,
        gradient=lambda dy, x, i: (_ce_gradient()(dy, x, i)[0] * dy, None),
        mxnet_gradient="MXNet multiplies by the output instead of the output's gradient"),
    Row(SO, [(2, 3, 2), fixed(np.array([[0.0, 2], [1, 1]]))], {"multi_output": True, "normalization": "valid"},
        expect=lambda x, i: softmax(x, 1), gradient=MXNET, dtypes=("float32",)),
    Row(SO, [(2, 3, 2), fixed(np.array([[0.0, 2], [1, 1]]))], {"multi_output": True}, expect=lambda x, i: softmax(x, 1),
        gradient=MXNET, dtypes=("float32",)),
    Row(SO, [(2, 2, 3), fixed(np.array([[0.0, 2], [1, 1]]))], {"preserve_shape": True}, expect=lambda x, i: softmax(x),
        gradient=MXNET, dtypes=("float32",)),
    Row(SO, [(2, 3), fixed(np.full((2, 3), 0.25))], expect=lambda x, p: softmax(x), gradient=lambda dy, x, p: (softmax(x) - p, None),
        dtypes=WIDE),
    Row("LinearRegressionOutput", [(2, 3), (2, 3)], {"grad_scale": 0.5}, expect=lambda x, t: x,
        gradient=_regression(lambda x: x, lambda d: d), dtypes=WIDE, wrong=[Wrong(inputs=[(2, 3), (2, 2)], says="label")]),
    Row("LogisticRegressionOutput", [(2, 3), (2, 3)], {"grad_scale": 0.5}, expect=lambda x, t: special.expit(x),
        gradient=_regression(special.expit, lambda d: d), dtypes=WIDE),
    Row("MAERegressionOutput", [(2, 3), (2, 3)], {"grad_scale": 0.5}, expect=lambda x, t: x,
        gradient=_regression(lambda x: x, np.sign), dtypes=WIDE),
    Row("MakeLoss", [(2, 3)], {"grad_scale": 3.0}, expect=lambda x: x, gradient=lambda dy, x: (np.full(x.shape, 3.0),)),
    Row("MakeLoss", [(2, 3)], {"normalization": "batch"}, expect=lambda x: x, gradient=lambda dy, x: (np.full(x.shape, 0.5),)),
    Row("MakeLoss", [(2, 3)], {"normalization": "valid", "valid_thresh": 0.5}, expect=lambda x: x,
        gradient=lambda dy, x: (np.full(x.shape, 1 / (x > 0.5).sum()),)),
    Row("make_loss", [(2, 3)], expect=lambda x: x, gradient=lambda dy, x: (np.ones(x.shape),)),
    Row("SVMOutput", [(2, 3), CLASSES], {"margin": 0.5, "regularization_coefficient": 1.5}, expect=lambda x, i: x, gradient=_hinge,
        dtypes=WIDE, wrong=[Wrong(inputs=[(2, 3), (3,)], says="label")]),
    Row("SVMOutput", [(2, 3), CLASSES], {"use_linear": True}, expect=lambda x, i: x, gradient=_linear_hinge, dtypes=WIDE),
]


def _normal(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def _along(v, axis, ndim):
    return v.reshape((1,) * axis + (-1,) + (1,) * (ndim - axis - 1))


def _batch_norm(axis=1, eps=0.001, fixed_gamma=False, moving=False, rectify=False):
    def expect(x, gamma, beta, mean, var):
        wide = [_along(v, axis % x.ndim, x.ndim) for v in (gamma, beta, mean, var)]
        axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
        y = (x - wide[2]) / np.sqrt(wide[3] + eps) if moving else _normal(x, axes, eps)
        y = y * (1 if fixed_gamma else wide[0]) + wide[1]
        return np.maximum(y, 0) if rectify else y
    return expect


def _moved(momentum=0.9, axis=1):
    def mutated(x, gamma, beta, mean, var):
        axes = tuple(i for i in range(x.ndim) if i != axis)
        return {3: momentum * mean + (1 - momentum) * x.mean(axes), 4: momentum * var + (1 - momentum) * x.var(axes)}
    return mutated


BN = [(4, 3, 2), (3,), (3,), (3,), (3,)]
DOMAIN = [(-2.0, 2.0), POSITIVE, (-1.0, 1.0), (-1.0, 1.0), POSITIVE]
COMMON = {"domain": DOMAIN, "dtypes": WIDE, "second": False, "tolerance": {"float32": 1e-4}, "gradient_tolerance": 1e-4}
NORM = [
    Row("BatchNorm", BN, {"fix_gamma": False}, expect=_batch_norm(moving=True), gradient=(0, 1, 2), **COMMON,
        wrong=[Wrong(inputs=[(4, 3, 2), (2,), (3,), (3,), (3,)], says="gamma"), Wrong(attrs={"axis": 5}, says="axis=5")]),
    Row("BatchNorm", BN, {"fix_gamma": False}, training=True, expect=_batch_norm(), gradient=(0, 1, 2), mutated=_moved(), **COMMON),
    Row("BatchNorm", BN, training=True, expect=_batch_norm(fixed_gamma=True), gradient=(0, 2), mutated=_moved(), **COMMON),
    Row("BatchNorm", [(3, 2, 4), (4,), (4,), (4,), (4,)], {"fix_gamma": False, "axis": 2, "eps": 0.1, "momentum": 0.5}, training=True,
        expect=_batch_norm(2, 0.1), gradient=(0, 1, 2), mutated=_moved(0.5, 2), **COMMON),
    Row("BatchNorm", BN, {"fix_gamma": False, "use_global_stats": True}, training=True, expect=_batch_norm(moving=True),
        gradient=(0, 1, 2), **COMMON),
    Row("BatchNorm", BN, {"fix_gamma": False, "output_mean_var": True}, training=True, gradient=MXNET, mutated=_moved(),
        expect=lambda x, g, b, m, v: (_batch_norm()(x, g, b, m, v), x.mean((0, 2)), 1 / np.sqrt(x.var((0, 2)) + 0.001)),
        domain=DOMAIN, dtypes=("float32",), tolerance={"float32": 1e-4}, mxnet_gradient="MXNet has none for mean and variance"),
    Row("_contrib_BatchNormWithReLU", BN, {"fix_gamma": False}, training=True, expect=_batch_norm(rectify=True), gradient=(0, 1, 2),
        mutated=_moved(), mxnet="MXNet has it in oneDNN's layouts only", **COMMON),
    Row("LayerNorm", [(2, 3, 4), (4,), (4,)], {"eps": 0.01}, expect=lambda x, g, b: _normal(x, (2,), 0.01) * g + b, second=False,
        tolerance=HALF, wrong=[Wrong(inputs=[(2, 3, 4), (3,), (4,)], says="gamma")]),
    Row("LayerNorm", [(2, 3, 4), (3,), (3,)], {"axis": 1}, second=False, tolerance={"float16": 3e-2, "float32": 1e-4},
        expect=lambda x, g, b: _normal(x, (1,), 1e-5) * g[:, None] + b[:, None]),
    Row("InstanceNorm", [(2, 3, 4), (3,), (3,)], {"eps": 0.01}, second=False, tolerance={"float16": 3e-2},
        expect=lambda x, g, b: _normal(x, (2,), 0.01) * g[:, None] + b[:, None],
        wrong=[Wrong(inputs=[(2, 3, 4), (4,), (3,)], says="gamma")]),
    Row("GroupNorm", [(2, 4, 3), (2,), (2,)], {"num_groups": 2, "eps": 0.01}, second=False, tolerance={"float16": 3e-2},
        expect=lambda x, g, b: (_normal(x.reshape(2, 2, 6), (2,), 0.01) * g[:, None] + b[:, None]).reshape(x.shape),
        wrong=[Wrong(attrs={"num_groups": 3}, says="num_groups=3")]),
    *[Row("L2Normalization", [(2, 3, 2)], {"mode": mode, "eps": 0.01}, tolerance=HALF,
          expect=lambda x, axes=axes: x / np.sqrt((x * x).sum(axes, keepdims=True) + 0.01))
      for mode, axes in (("instance", (1, 2)), ("channel", (1,)), ("spatial", (2,)))],
    Row("LRN", [(1, 5, 2, 2)], {"nsize": 3, "alpha": 0.5}, second=False, expect=MXNET, dtypes=WIDE),
    Row("LRN", [(1, 6, 1, 2)], {"nsize": 5, "alpha": 0.5, "beta": 0.5, "knorm": 1.0}, second=False, expect=MXNET, dtypes=WIDE),
]


def _dropped(p, shared=None):
    def check(outputs, x):
        (y,) = outputs
        ratio = np.round(y.astype("float64") * (1 - p) / x, 2)
        assert set(np.unique(ratio)) == {0.0, 1.0}
        if shared is not None:
            assert (ratio == ratio.take([0], shared)).all()
    return check


DROPOUT = [
    Row("Dropout", [(5, 6)], {"p": 0.5}, training=True, random=True, check=_dropped(0.5), mxnet="random"),
    Row("Dropout", [(8, 3)], {"p": 0.25, "axes": (1,)}, training=True, random=True, check=_dropped(0.25, 1), mxnet="random"),
    Row("Dropout", [(5, 6)], {"mode": "always", "p": 0.4}, random=True, check=_dropped(0.4), mxnet="random"),
    Row("Dropout", [(2, 3)], expect=lambda x: x, wrong=[Wrong(attrs={"p": 1.5}, says="1.5")]),
    Row("Dropout", [(2, 3)], {"p": 1.0}, training=True, expect=np.zeros_like, mxnet="MXNet divides by 0"),
]

ROWS = [*DENSE, *ACTIVATION, *SOFTMAX, *OUTPUT, *NORM, *DROPOUT]
