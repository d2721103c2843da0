"""Random arrays: mx.nd.random.

Parameters of a distribution are all numbers, or all NDArrays of one shape; then every element gives draws of its own, and the
result has the parameters' shape followed by `shape`.
"""

import math
from numbers import Number

import numpy as np

from ..errors import public_class
from .array import NDArray
from .dispatch import function

__all__ = ["exponential", "exponential_like", "gamma", "gamma_like", "generalized_negative_binomial",
           "generalized_negative_binomial_like", "multinomial", "negative_binomial", "negative_binomial_like", "normal",
           "normal_like", "poisson", "poisson_like", "rand_zipfian", "randint", "randn", "shuffle", "uniform", "uniform_like"]


def is_number(value):
    """Return whether a parameter is a number, one of NumPy included."""
    return isinstance(value, (Number, np.generic))


def are_operands(parameters, kind, allowed):
    """Return whether the parameters of a distribution are operands of a front end; otherwise they are numbers.

    Parameters
    ----------
    parameters : list
    kind : type
        NDArray or Symbol.
    allowed : bool
        Whether the distribution takes them, too.

    Raises
    ------
    ValueError
        If a parameter is neither.
    AssertionError
        If there are both (the class that MXNet raises).
    """
    first = parameters[0]
    found = allowed and isinstance(first, kind)
    if not found and not is_number(first):
        raise ValueError(f"Distribution parameters must be either {kind.__name__} or numbers, but got {public_class(type(first))}.")
    for other in parameters[1:]:
        if not (isinstance(other, kind) if found else is_number(other)):
            raise AssertionError("Distribution parameters must all have the same type, but got both "
                                 f"{public_class(type(first))} and {public_class(type(other))}.")
    return found


def _draw(random, sampler, parameters, shape, dtype, ctx, out, kwargs):
    """Call the operator for numbers or the one (if there is one) for arrays."""
    arrays = are_operands(parameters, NDArray, sampler is not None)
    if shape is not None:
        kwargs["shape"] = shape
    if dtype is not None:
        kwargs["dtype"] = dtype
    if arrays:
        return function(sampler)(*parameters, out=out, **kwargs)
    return function(random)(*parameters, ctx=ctx, out=out, **kwargs)


def uniform(low=0, high=1, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw from the uniform distribution over ``[low, high)``.

    Parameters
    ----------
    low, high : float or NDArray
        Bounds.
    shape : int or tuple of int, optional
        Shape of the result (draws per parameter for arrays).
    dtype : {'float16', 'float32', 'float64'}, optional
        float32 by default.
    ctx : Context, optional
        Where; the current context, or that of the parameters, by default.
    out : NDArray, optional
        Array to fill instead.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.nd.random.uniform(2, 3, shape=(2, 4)).shape
    (2, 4)
    >>> mx.nd.random.uniform(mx.nd.array([0, 10]), mx.nd.array([1, 11]), shape=3).shape
    (2, 3)
    """
    return _draw("_random_uniform", "_sample_uniform", [low, high], shape, dtype, ctx, out, kwargs)


def normal(loc=0, scale=1, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw from the normal distribution with mean `loc` and standard deviation `scale`; see `uniform`."""
    return _draw("_random_normal", "_sample_normal", [loc, scale], shape, dtype, ctx, out, kwargs)


def randn(*shape, **kwargs):
    """Draw from the normal distribution; the shape is given as arguments.

    Parameters
    ----------
    *shape : int
        Lengths of the axes.
    **kwargs
        loc, scale, dtype, ctx and out as in `normal`.
    """
    return normal(kwargs.pop("loc", 0), kwargs.pop("scale", 1), shape=shape or None, **kwargs)


def poisson(lam=1, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw from the Poisson distribution of mean `lam`, as floating-point numbers; see `uniform`."""
    return _draw("_random_poisson", "_sample_poisson", [lam], shape, dtype, ctx, out, kwargs)


def exponential(scale=1, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw from the exponential distribution of mean `scale`; see `uniform`."""
    return _draw("_random_exponential", "_sample_exponential", [1.0 / scale], shape, dtype, ctx, out, kwargs)


def gamma(alpha=1, beta=1, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw from the gamma distribution of shape `alpha` and scale `beta`; see `uniform`."""
    return _draw("_random_gamma", "_sample_gamma", [alpha, beta], shape, dtype, ctx, out, kwargs)


def negative_binomial(k=1, p=1, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw the number of failures before `k` successes of probability `p`, as floating-point numbers; see `uniform`."""
    return _draw("_random_negative_binomial", "_sample_negative_binomial", [k, p], shape, dtype, ctx, out, kwargs)


def generalized_negative_binomial(mu=1, alpha=1, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw from the negative binomial distribution of mean `mu` and dispersion `alpha`; see `uniform`."""
    return _draw("_random_generalized_negative_binomial", "_sample_generalized_negative_binomial", [mu, alpha], shape, dtype,
                 ctx, out, kwargs)


def randint(low, high, shape=None, dtype=None, ctx=None, out=None, **kwargs):
    """Draw integers from ``[low, high)``, of type int32 (or int64); see `uniform`."""
    return _draw("_random_randint", None, [low, high], shape, dtype, ctx, out, kwargs)


def multinomial(data, shape=None, get_prob=False, out=None, dtype="int32", **kwargs):
    """Draw indices with given probabilities.

    Parameters
    ----------
    data : NDArray
        Probabilities; those of one distribution along the last axis.
    shape : int or tuple of int, optional
        How many draws of each distribution.
    get_prob : bool
        Return the logarithms of the probabilities of the drawn indices too; they are differentiable in `data`.
    out : NDArray, optional
        Array to fill instead.
    dtype : str or numpy type
        Type of the indices.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.nd.random.multinomial(mx.nd.array([[0, 1], [1, 0]]), shape=2)
    <BLANKLINE>
    [[1 1]
     [0 0]]
    <NDArray 2x2 @cpu(0)>
    """
    if shape is not None:
        kwargs["shape"] = shape
    return function("_sample_multinomial")(data, get_prob=get_prob, dtype=dtype, out=out, **kwargs)


def shuffle(data, **kwargs):
    """Return the slices of axis 0 in random order."""
    return function("_shuffle")(data, **kwargs)


def rand_zipfian(true_classes, num_sampled, range_max, ctx=None):
    """Draw classes from ``[0, range_max)``, small ones more often: class k with ``log((k + 2) / (k + 1)) / log(range_max + 1)``.

    Parameters
    ----------
    true_classes : NDArray
        Classes whose expected counts are wanted too.
    num_sampled : int
        How many to draw.
    range_max : int
        How many classes there are.
    ctx : Context, optional
        Where to draw; the current context by default.

    Returns
    -------
    (NDArray, NDArray, NDArray)
        The drawn classes (int64), and how often the true classes and the drawn ones are expected among them (float64).

    Examples
    --------
    >>> import blockscope as mx
    >>> drawn, of_true, of_drawn = mx.nd.contrib.rand_zipfian(mx.nd.array([3]), 4, 5)
    >>> of_true
    <BLANKLINE>
    [0.49815515]
    <NDArray 1 @cpu(0)>
    """
    def draw(low, high, shape, dtype):
        return uniform(low, high, shape, dtype, ctx)
    return zipfian(draw, true_classes, num_sampled, range_max)


def zipfian(uniform, true_classes, num_sampled, range_max):
    """Do what `rand_zipfian` says, with one front end's `uniform` and operands."""
    log_range = math.log(range_max + 1)
    drawn = (uniform(0, log_range, shape=(num_sampled,), dtype="float64").exp() - 1).astype("int64") % range_max

    def expected(classes):
        classes = classes.astype("float64")
        return ((classes + 2.0) / (classes + 1.0)).log() / log_range * num_sampled
    return drawn, expected(true_classes), expected(drawn)


uniform_like = function("_random_uniform_like")
normal_like = function("_random_normal_like")
poisson_like = function("_random_poisson_like")
exponential_like = function("_random_exponential_like")
gamma_like = function("_random_gamma_like")
negative_binomial_like = function("_random_negative_binomial_like")
generalized_negative_binomial_like = function("_random_generalized_negative_binomial_like")
