"""The arithmetic of optimizers, one function a rule, over raw arrays and in place.

A rule is a function of its coefficients that returns ``step(weight, grad, *states, out, *scratch)``: the update of one weight,
with no temporaries but the scratch arrays.  Operators (``nd.sgd_update``) and optimizers (``mx.optimizer.SGD``) both call these, so
that they can't disagree.  `out` may be the weight itself.

The order of operations, and the type in which coefficients are combined, are those of MXNet 1.9.1: float32 results are the
same to the last bit (``tests/optimizer/test_updates.py``).  Subtracting a decay of zero is left out.
"""

import functools

import numpy as np

_float32, _float64 = np.float32, np.float64


class Coefficients:
    """How numbers take part in updates of arrays of one dtype on one kind of device.

    Attributes
    ----------
    xp : module
        Array module.
    real : type
        NumPy scalar type in which coefficients are combined.
    """

    __slots__ = ("dtype", "host", "real", "xp")

    def __init__(self, xp, dtype):
        self.xp = xp
        self.dtype = dtype
        self.host = xp is np
        self.real = _float64 if dtype == _float64 else _float32

    def number(self, value):
        """Return an operand for ufuncs: on the host an array of no axes, which NumPy takes twice as fast as a number."""
        return np.array(value, self.dtype) if self.host else float(value)


@functools.lru_cache(maxsize=64)
def coefficients(xp, dtype):
    """Return the `Coefficients` of an array module and dtype."""
    return Coefficients(xp, dtype)


def rule(scratch, elementwise=True):
    """Note how many scratch arrays a rule's step needs, and whether a part of an array can be updated by itself (decorator)."""
    def note(function):
        function.scratch = scratch
        function.elementwise = elementwise
        return function
    return note


def _clipper(c, bound):
    """Return a function that clips an array in place to ``[-bound, bound]``, or None where `bound` says not to."""
    if bound is None or bound < 0:
        return None
    low, high = c.number(-bound), c.number(bound)
    minimum, maximum = c.xp.minimum, c.xp.maximum

    def clip(x):
        minimum(x, high, out=x)
        maximum(x, low, out=x)
    return clip


def step_gradient(c, lr, rescale_grad, clip_gradient):
    """Return ``f(grad, s)``: s = lr * clip(rescale_grad * grad)."""
    multiply = c.xp.multiply
    clip = _clipper(c, clip_gradient)
    if clip is None:
        rate = c.number(c.real(lr) * c.real(rescale_grad))
        return lambda grad, s: multiply(grad, rate, s)
    rescale, rate = c.number(rescale_grad), c.number(lr)

    def scaled(grad, s):
        multiply(grad, rescale, s)
        clip(s)
        multiply(s, rate, s)
    return scaled


def decayed_gradient(c, wd, rescale_grad, clip_gradient, clip_first=False):
    """Return ``f(weight, grad, s, t)``: s = clip(rescale_grad * grad + wd * weight); `clip_first` leaves the decay unclipped."""
    multiply, add = c.xp.multiply, c.xp.add
    clip = _clipper(c, clip_gradient)
    rescale = c.number(rescale_grad)
    decay = c.number(wd) if wd else None

    def gradient(weight, grad, s, t):
        multiply(grad, rescale, s)
        if clip_first and clip is not None:
            clip(s)
        if decay is not None:
            multiply(weight, decay, t)
            add(s, t, s)
        if not clip_first and clip is not None:
            clip(s)
    return gradient


@rule(scratch=1)
def sgd(c, *, lr, wd, rescale_grad, clip_gradient):
    """weight = (1 - lr * wd) * weight - lr * clip(rescale_grad * grad)."""
    multiply, subtract = c.xp.multiply, c.xp.subtract
    keep = c.number(c.real(1) - c.real(lr) * c.real(wd)) if wd else None
    gradient = step_gradient(c, lr, rescale_grad, clip_gradient)

    def step(weight, grad, out, s):
        gradient(grad, s)
        if keep is not None:
            weight = multiply(weight, keep, out)
        subtract(weight, s, out)
    return step


@rule(scratch=1)
def sgd_mom(c, *, lr, wd, momentum, rescale_grad, clip_gradient):
    """mom = momentum * mom - lr * wd * weight - lr * clip(rescale_grad * grad); weight += mom."""
    multiply, subtract, add = c.xp.multiply, c.xp.subtract, c.xp.add
    inertia = c.number(momentum)
    decay = c.number(c.real(lr) * c.real(wd)) if wd else None
    gradient = step_gradient(c, lr, rescale_grad, clip_gradient)

    def step(weight, grad, mom, out, s):
        multiply(mom, inertia, mom)
        if decay is not None:
            multiply(weight, decay, s)
            subtract(mom, s, mom)
        gradient(grad, s)
        subtract(mom, s, mom)
        add(weight, mom, out)
    return step


@rule(scratch=2)
def nag_mom(c, *, lr, wd, momentum, rescale_grad, clip_gradient):
    """weight += momentum * mom' - lr * g, with g = clip(rescale_grad * grad) + wd * weight and mom' = momentum * mom - lr * g.

    As in MXNet 1.9.1, an update in place takes the decay in mom' from the weight after the update.
    """
    multiply, subtract, add = c.xp.multiply, c.xp.subtract, c.xp.add
    inertia, ahead, rate = c.number(momentum), c.number(c.real(momentum) + c.real(1)), c.number(lr)
    gradient = decayed_gradient(c, wd, rescale_grad, clip_gradient, clip_first=True)

    def step(weight, grad, mom, out, s, t):
        gradient(weight, grad, s, t)
        multiply(s, rate, s)
        multiply(mom, inertia, mom)
        subtract(mom, s, t)
        multiply(t, ahead, t)
        subtract(weight, mom, out)
        add(out, t, out)
        if wd:
            gradient(weight, grad, s, t)
            multiply(s, rate, s)
        subtract(mom, s, mom)
    return step


@rule(scratch=2)
def adam(c, *, lr, wd, beta1, beta2, epsilon, rescale_grad, clip_gradient):
    """g = clip(rescale_grad * grad + wd * weight); mean and var follow g and g**2; weight -= lr * mean / (sqrt(var) + epsilon)."""
    xp = c.xp
    multiply, add, subtract, divide, sqrt = xp.multiply, xp.add, xp.subtract, xp.true_divide, xp.sqrt
    one = c.real(1)
    # 1 - beta is taken of the beta that the dtype holds, which for float16 is far from the difference of the numbers given.
    keep1, new1 = c.number(beta1), c.number(one - c.real(c.dtype.type(beta1)))
    keep2, new2 = c.number(beta2), c.number(one - c.real(c.dtype.type(beta2)))
    rate, tiny = c.number(lr), c.number(epsilon)
    gradient = decayed_gradient(c, wd, rescale_grad, clip_gradient)

    def step(weight, grad, mean, var, out, s, t):
        gradient(weight, grad, s, t)
        multiply(s, new1, t)
        multiply(mean, keep1, mean)
        add(mean, t, mean)
        multiply(s, new2, t)
        multiply(t, s, t)
        multiply(var, keep2, var)
        add(var, t, var)
        sqrt(var, t)
        add(t, tiny, t)
        multiply(mean, rate, s)
        divide(s, t, s)
        subtract(weight, s, out)
    return step


@rule(scratch=2)
def rmsprop(c, *, lr, wd, gamma1, epsilon, rescale_grad, clip_gradient, clip_weights):
    """g = clip(rescale_grad * grad + wd * weight); n follows g**2; weight -= lr * g / sqrt(n + epsilon); weight is clipped."""
    xp = c.xp
    multiply, add, subtract, divide, sqrt = xp.multiply, xp.add, xp.subtract, xp.true_divide, xp.sqrt
    keep, new = c.number(gamma1), c.number(c.real(1) - c.real(gamma1))
    rate, tiny = c.number(lr), c.number(epsilon)
    gradient = decayed_gradient(c, wd, rescale_grad, clip_gradient)
    clip = _clipper(c, clip_weights)

    def step(weight, grad, n, out, s, t):
        gradient(weight, grad, s, t)
        multiply(s, s, t)
        multiply(t, new, t)
        multiply(n, keep, n)
        add(n, t, n)
        add(n, tiny, t)
        sqrt(t, t)
        divide(s, t, s)
        multiply(s, rate, s)
        subtract(weight, s, out)
        if clip is not None:
            clip(out)
    return step


@rule(scratch=2)
def rmspropalex(c, *, lr, wd, gamma1, gamma2, epsilon, rescale_grad, clip_gradient, clip_weights):
    """As rmsprop, with the mean taken off: delta = gamma2 * delta - lr * g / sqrt(n - mean**2 + epsilon); weight += delta."""
    xp = c.xp
    multiply, add, subtract, divide, sqrt = xp.multiply, xp.add, xp.subtract, xp.true_divide, xp.sqrt
    keep, new = c.number(gamma1), c.number(c.real(1) - c.real(gamma1))
    inertia, rate, tiny = c.number(gamma2), c.number(lr), c.number(epsilon)
    gradient = decayed_gradient(c, wd, rescale_grad, clip_gradient)
    clip = _clipper(c, clip_weights)

    def step(weight, grad, n, mean, delta, out, s, t):
        gradient(weight, grad, s, t)
        multiply(s, s, t)
        multiply(t, new, t)
        multiply(n, keep, n)
        add(n, t, n)
        multiply(s, new, t)
        multiply(mean, keep, mean)
        add(mean, t, mean)
        multiply(mean, mean, t)
        subtract(n, t, t)
        add(t, tiny, t)
        sqrt(t, t)
        multiply(s, rate, s)
        divide(s, t, s)
        multiply(delta, inertia, delta)
        subtract(delta, s, delta)
        add(weight, delta, out)
        if clip is not None:
            clip(out)
    return step


@rule(scratch=3)
def ftrl(c, *, lr, wd, lamda1, beta, rescale_grad, clip_gradient):
    """z += g - (sqrt(n + g**2) - sqrt(n)) * weight / lr; n += g**2; weight = (sign(z) * lamda1 - z) / ((beta + sqrt(n)) / lr + wd), 0 where |z| <= lamda1."""  # noqa: E501
    xp = c.xp
    multiply, add, subtract, divide, sqrt = xp.multiply, xp.add, xp.subtract, xp.true_divide, xp.sqrt
    rate, decay, smooth, sparse = c.number(lr), c.number(wd), c.number(beta), c.number(lamda1)
    gradient = decayed_gradient(c, 0, rescale_grad, clip_gradient)

    def step(weight, grad, z, n, out, s, t, u):
        gradient(weight, grad, s, t)
        sqrt(n, t)
        multiply(s, s, u)
        add(n, u, n)
        sqrt(n, u)
        subtract(u, t, t)
        multiply(t, weight, t)
        divide(t, rate, t)
        subtract(s, t, s)
        add(z, s, z)
        add(u, smooth, u)
        divide(u, rate, u)
        add(u, decay, u)
        xp.sign(z, s)
        multiply(s, sparse, s)
        subtract(s, z, s)
        divide(s, u, s)
        xp.absolute(z, t)
        xp.greater(t, sparse, t)
        multiply(s, t, out)
    return step


@rule(scratch=2)
def adagrad(c, *, lr, wd, epsilon, rescale_grad, clip_gradient):
    """history += g**2; weight -= lr * (g / sqrt(history + epsilon) + wd * weight), where g = clip(rescale_grad * grad)."""
    xp = c.xp
    multiply, add, subtract, divide, sqrt = xp.multiply, xp.add, xp.subtract, xp.true_divide, xp.sqrt
    rate, tiny = c.number(lr), c.number(epsilon)
    decay = c.number(wd) if wd else None
    gradient = decayed_gradient(c, 0, rescale_grad, clip_gradient)

    def step(weight, grad, history, out, s, t):
        gradient(weight, grad, s, t)
        multiply(s, s, t)
        add(history, t, history)
        add(history, tiny, t)
        sqrt(t, t)
        divide(s, t, s)
        if decay is not None:
            multiply(weight, decay, t)
            add(s, t, s)
        multiply(s, rate, s)
        subtract(weight, s, out)
    return step


@rule(scratch=3)
def adadelta(c, *, wd, rho, epsilon, rescale_grad, clip_gradient):
    """delta = sqrt(acc_delta + epsilon) / sqrt(acc_g + epsilon) * g, both following squares; weight -= delta + wd * weight."""
    xp = c.xp
    multiply, add, subtract, divide, sqrt = xp.multiply, xp.add, xp.subtract, xp.true_divide, xp.sqrt
    keep, new, tiny = c.number(rho), c.number(1. - rho), c.number(epsilon)
    decay = c.number(wd) if wd else None
    gradient = decayed_gradient(c, 0, rescale_grad, clip_gradient)

    def follow(average, x, t):
        multiply(x, new, t)
        multiply(t, x, t)
        multiply(average, keep, average)
        add(average, t, average)

    def step(weight, grad, acc_g, acc_delta, out, s, t, u):
        gradient(weight, grad, s, t)
        follow(acc_g, s, t)
        add(acc_delta, tiny, t)
        sqrt(t, t)
        add(acc_g, tiny, u)
        sqrt(u, u)
        divide(t, u, t)
        multiply(t, s, s)
        follow(acc_delta, s, t)
        if decay is not None:
            multiply(weight, decay, t)
            add(s, t, s)
        subtract(weight, s, out)
    return step
