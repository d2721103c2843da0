"""The work in JAX: one operator at a time (``unjitted``), and compiled as a whole (``jit``), marked as such.

JAX has no layers and no parameter files of its own, so those cases are absent.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

BATCH = 32


def uniform(seed, *shape, low=-1.0, high=1.0):
    """Return random numbers of `shape`."""
    return jax.random.uniform(jax.random.PRNGKey(seed), shape, minval=low, maxval=high)


def add():
    """Add two 4x4 arrays."""
    a, b = jnp.ones((4, 4)), jnp.ones((4, 4))
    return lambda: a + b


def op_chain():
    """Run ten small operators one after the other on (32, 64)."""
    x, weight = uniform(0, 32, 64), uniform(1, 64, 64, low=-0.1, high=0.1)

    def call():
        y = jnp.matmul(x, weight)
        y = jax.nn.relu(y * 0.5 + 1.0)
        y = jnp.tanh(y - x)
        y = jnp.exp(y).reshape((64, 32))
        return jnp.sum(jnp.transpose(y), axis=1)

    return call


def dense_params(seed, units, in_units):
    """Return weight and bias of a dense layer."""
    bound = (6.0 / (units + in_units)) ** 0.5
    return uniform(seed, units, in_units, low=-bound, high=bound), jnp.zeros(units)


def dense(params, x):
    """Apply a dense layer."""
    weight, bias = params
    return x @ weight.T + bias


def cross_entropy(scores, label):
    """Return the mean softmax cross-entropy."""
    return -jnp.take_along_axis(jax.nn.log_softmax(scores), label[:, None], axis=1).mean()


def mlp_loss(params, data, label):
    """Return the loss of the 64-64-64-10 net."""
    hidden = jax.nn.relu(dense(params[0], data))
    hidden = jax.nn.relu(dense(params[1], hidden))
    return cross_entropy(dense(params[2], hidden), label)


def momentum_step(params, momenta, data, label):
    """Return the parameters and momenta after one step."""
    _, grads = jax.value_and_grad(mlp_loss)(params, data, label)
    momenta = jax.tree_util.tree_map(lambda m, g: 0.9 * m - 0.01 * g, momenta, grads)
    return jax.tree_util.tree_map(jnp.add, params, momenta), momenta


def mlp_step(compile_step):
    """Train a 64-64-64-10 net for one step."""
    params = [dense_params(0, 64, 64), dense_params(1, 64, 64), dense_params(2, 10, 64)]
    state = [params, jax.tree_util.tree_map(jnp.zeros_like, params)]
    data, label = uniform(3, BATCH, 64), jnp.arange(BATCH) % 10
    step = compile_step(momentum_step)

    def call():
        state[:] = step(*state, data, label)
        return state

    return call


def convolve(params, x):
    """Apply a 5x5 convolution, the rectifier and 2x2 maximum pooling."""
    weight, bias = params
    x = lax.conv_general_dilated(x, weight, (1, 1), "VALID") + bias[:, None, None]
    return lax.reduce_window(jax.nn.relu(x), -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def lenet_loss(params, data, label):
    """Return the loss of the small convolutional net."""
    x = convolve(params[1], convolve(params[0], data))
    hidden = jax.nn.relu(dense(params[2], x.reshape(BATCH, 800)))
    return cross_entropy(dense(params[3], hidden), label)


def lenet(compile_step):
    """Run forward and backward of a small convolutional net on 28x28 images."""
    params = [
        (uniform(0, 20, 1, 5, 5, low=-0.1, high=0.1), jnp.zeros(20)),
        (uniform(1, 50, 20, 5, 5, low=-0.1, high=0.1), jnp.zeros(50)),
        dense_params(2, 128, 800),
        dense_params(3, 10, 128),
    ]
    data, label = uniform(4, BATCH, 1, 28, 28), jnp.arange(BATCH) % 10
    step = compile_step(jax.value_and_grad(lenet_loss))
    return lambda: step(params, data, label)


def convolution(channels, size, filters, kernel, stride=1, groups=1):
    """Run forward and backward of one convolution of a batch of 8."""
    x, weight = uniform(0, 8, channels, size, size), uniform(1, filters, channels // groups, kernel, kernel, low=-0.1, high=0.1)
    pad = [((kernel - 1) // 2,) * 2] * 2

    def convolved(x, weight):
        return lax.conv_general_dilated(x, weight, (stride, stride), pad, feature_group_count=groups)

    @jax.jit
    def gradients(x, weight):
        y, back = jax.vjp(convolved, x, weight)
        return y, back(jnp.ones_like(y))

    return lambda: gradients(x, weight)


def matmul():
    """Multiply two 1024x1024 matrices."""
    a, b = uniform(0, 1024, 1024), uniform(1, 1024, 1024)
    return lambda: jnp.matmul(a, b)


def unjitted(function):
    """Return `function` as it is, to run one operator at a time."""
    return function


CASES = {
    "add": add,
    "mlp_step@jit": partial(mlp_step, jax.jit),
    "mlp_step@unjitted": partial(mlp_step, unjitted),
    "op_chain@unjitted": op_chain,
    "lenet@jit": partial(lenet, jax.jit),
    "lenet@unjitted": partial(lenet, unjitted),
    "conv_3x3": partial(convolution, 64, 56, 64, 3),
    "conv_strided": partial(convolution, 64, 56, 128, 3, 2),
    "conv_pointwise": partial(convolution, 128, 28, 128, 1),
    "conv_depthwise": partial(convolution, 128, 56, 128, 3, groups=128),
    "matmul": matmul,
}


def open_system(library: str, threads: int) -> dict[str, Any]:
    """Return what the worker needs; the CPU count the worker is bound to sets the threads of `library`."""
    return {"version": jax.__version__, "wait": jax.block_until_ready, "cases": CASES}
