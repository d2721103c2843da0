"""Rows of batch normalization over several devices."""
import numpy as np

from tests.ops.table import MXNET, Row, Wrong

KEY = {"key": "norm_"}


def _normalized(x, gamma, beta, mean, var, eps):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps) * gamma.reshape(shape) + beta.reshape(shape)


def _batch(x):
    axes = tuple(i for i in range(x.ndim) if i != 1)
    return x.mean(axes), x.var(axes)


def _trained(x, gamma, beta, mean, var):
    return _normalized(x, gamma, beta, *_batch(x), 1e-3)


def _moved(momentum):
    def moved(x, gamma, beta, mean, var):
        new = _batch(x)
        return {3: mean * momentum + new[0] * (1 - momentum), 4: var * momentum + new[1] * (1 - momentum)}
    return moved


PREDICTING = "MXNet reads memory that nothing was written to where the moving statistics were used without use_global_stats"
DOMAIN = [(-2.0, 2.0), (0.5, 2.0), (-1.0, 1.0), (-0.5, 0.5), (0.5, 2.0)]

ROWS = [
    Row("_contrib_SyncBatchNorm", inputs=[(3, 2, 2), (2,), (2,), (2,), (2,)], attrs={**KEY, "fix_gamma": False}, expect=_trained,
        mutated=_moved(0.9), training=True, domain=DOMAIN, gradient=(0, 1, 2), second=False, dtypes=("float32", "float64"),
        tolerance={"float32": 1e-4},
        wrong=[Wrong(inputs=[(3, 2, 2), (3,), (2,), (2,), (2,)], says="gamma"), Wrong(inputs=[(3,), (3,), (3,), (3,), (3,)]),
               Wrong(attrs={"key": ...}, says="key")]),
    Row("_contrib_SyncBatchNorm", inputs=[(4, 2), (2,), (2,), (2,), (2,)],
        attrs={**KEY, "momentum": 0.25, "output_mean_var": True, "eps": 0.1, "fix_gamma": False}, training=True, mutated=_moved(0.25),
        expect=lambda x, gamma, beta, mean, var: (_normalized(x, gamma, beta, *_batch(x), 0.1), *_batch(x)),
        domain=DOMAIN, gradient=MXNET, dtypes=("float32",), tolerance={"float32": 1e-4},
        mxnet_gradient="MXNet has none for mean and variance"),
    Row("_contrib_SyncBatchNorm", inputs=[(3, 2, 2), (2,), (2,), (2,), (2,)], attrs={**KEY, "fix_gamma": False, "ndev": 4},
        expect=lambda x, gamma, beta, mean, var: _normalized(x, gamma, beta, mean, var, 1e-3), domain=DOMAIN, gradient=(0, 1, 2),
        second=False, dtypes=("float32", "float64"), mxnet_gradient=PREDICTING),
    Row("_contrib_SyncBatchNorm", inputs=[(3, 2, 2), (2,), (2,), (2,), (2,)], attrs={**KEY, "use_global_stats": True}, training=True,
        expect=lambda x, gamma, beta, mean, var: _normalized(x, np.ones(2), beta, mean, var, 1e-3), domain=DOMAIN,
        gradient=(0, 2), second=False, dtypes=("float32", "float64")),
]
