"""Random symbols: mx.sym.random.

Parameters of a distribution are all numbers, or all symbols; then every element gives draws of its own, and the result has the
parameters' shape followed by `shape`.
"""
from ..errors import public_class
from ..ndarray.random import are_operands, is_number, zipfian
from .functions import function
from .symbol import Symbol

__all__ = ['exponential', 'exponential_like', 'gamma', 'gamma_like', 'generalized_negative_binomial',
           'generalized_negative_binomial_like', 'multinomial', 'negative_binomial', 'negative_binomial_like', 'normal', 'normal_like',
           'poisson', 'poisson_like', 'rand_zipfian', 'randint', 'randn', 'shuffle', 'uniform', 'uniform_like']


def _draw(random, sampler, parameters, shape, dtype, kwargs):
    """Apply the operator for numbers or the one (if there is one) for symbols."""
    symbols = are_operands(parameters, Symbol, sampler is not None)
    return function(sampler if symbols else random)(*parameters, **_given(shape, dtype), **kwargs)


def _given(shape, dtype):
    """Return shape and type as attributes, if they are given."""
    return {key: value for key, value in (('shape', shape), ('dtype', dtype)) if value is not None}


def uniform(low=0, high=1, shape=None, dtype=None, **kwargs):
    """Draw from the uniform distribution over ``[low, high)`` whenever the graph runs.

    Parameters
    ----------
    low, high : float or Symbol
        Bounds.
    shape : int or tuple of int, optional
        Shape of the result (draws per parameter for symbols).
    dtype : {'float16', 'float32', 'float64'}, optional
        float32 by default.
    **kwargs
        `name`, `attr`, or `ctx`, which says where it runs if nothing else does.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.sym.random.uniform(2, 3, shape=(2, 4)).infer_shape()
    ([], [(2, 4)], [])
    """
    return _draw('_random_uniform', '_sample_uniform', [low, high], shape, dtype, kwargs)


def normal(loc=0, scale=1, shape=None, dtype=None, **kwargs):
    """Draw from the normal distribution with mean `loc` and standard deviation `scale`; see `uniform`."""
    return _draw('_random_normal', '_sample_normal', [loc, scale], shape, dtype, kwargs)


def randn(*shape, **kwargs):
    """Draw from the normal distribution; the shape is given as arguments.

    Parameters
    ----------
    *shape : int
        Lengths of the axes.
    **kwargs
        loc, scale, dtype, name and attr as in `normal`.

    Raises
    ------
    AssertionError
        loc or scale is neither a number nor a symbol (the class that MXNet raises).
    """
    loc, scale = kwargs.pop('loc', 0), kwargs.pop('scale', 1)
    for value in (loc, scale):
        if not isinstance(value, Symbol) and not is_number(value):
            raise AssertionError(f'loc and scale must be numbers or symbols, but got {public_class(type(value))}')
    return normal(loc, scale, shape, **kwargs)


def poisson(lam=1, shape=None, dtype=None, **kwargs):
    """Draw from the Poisson distribution of mean `lam`, as floating-point numbers; see `uniform`."""
    return _draw('_random_poisson', '_sample_poisson', [lam], shape, dtype, kwargs)


def exponential(scale=1, shape=None, dtype=None, **kwargs):
    """Draw from the exponential distribution of mean `scale`; see `uniform`."""
    return _draw('_random_exponential', '_sample_exponential', [1.0 / scale], shape, dtype, kwargs)


def gamma(alpha=1, beta=1, shape=None, dtype=None, **kwargs):
    """Draw from the gamma distribution of shape `alpha` and scale `beta`; see `uniform`."""
    return _draw('_random_gamma', '_sample_gamma', [alpha, beta], shape, dtype, kwargs)


def negative_binomial(k=1, p=1, shape=None, dtype=None, **kwargs):
    """Draw the number of failures before `k` successes of probability `p`, as floating-point numbers; see `uniform`."""
    return _draw('_random_negative_binomial', '_sample_negative_binomial', [k, p], shape, dtype, kwargs)


def generalized_negative_binomial(mu=1, alpha=1, shape=None, dtype=None, **kwargs):
    """Draw from the negative binomial distribution of mean `mu` and dispersion `alpha`; see `uniform`."""
    return _draw('_random_generalized_negative_binomial', '_sample_generalized_negative_binomial', [mu, alpha], shape, dtype, kwargs)


def randint(low, high, shape=None, dtype=None, **kwargs):
    """Draw integers from ``[low, high)``, of type int32 (or int64); see `uniform`."""
    return _draw('_random_randint', None, [low, high], shape, dtype, kwargs)


def multinomial(data, shape=None, get_prob=True, dtype='int32', **kwargs):
    """Draw indices with given probabilities.

    Parameters
    ----------
    data : Symbol
        Probabilities; those of one distribution along the last axis.
    shape : int or tuple of int, optional
        How many draws of each distribution.
    get_prob : bool
        Return the logarithms of the probabilities of the drawn indices too (for arrays, unlike here, the default is False).
    dtype : str or numpy type
        Type of the indices.
    """
    return function('_sample_multinomial')(data, get_prob=get_prob, **_given(shape, dtype), **kwargs)


def shuffle(data, **kwargs):
    """Return the slices of axis 0 in random order."""
    return function('_shuffle')(data, **kwargs)


def rand_zipfian(true_classes, num_sampled, range_max):
    """Draw classes from ``[0, range_max)``, small ones more often: class k with ``log((k + 2) / (k + 1)) / log(range_max + 1)``.

    Parameters
    ----------
    true_classes : Symbol
        Classes whose expected counts are wanted too.
    num_sampled : int
        How many to draw.
    range_max : int
        How many classes there are.

    Returns
    -------
    (Symbol, Symbol, Symbol)
        The drawn classes (int64), and how often the true classes and the drawn ones are expected among them (float64).
    """
    if not isinstance(true_classes, Symbol):
        raise AssertionError(f'unexpected type {public_class(type(true_classes))}')
    return zipfian(uniform, true_classes, num_sampled, range_max)


uniform_like = function('_random_uniform_like')
normal_like = function('_random_normal_like')
poisson_like = function('_random_poisson_like')
exponential_like = function('_random_exponential_like')
gamma_like = function('_random_gamma_like')
negative_binomial_like = function('_random_negative_binomial_like')
generalized_negative_binomial_like = function('_random_generalized_negative_binomial_like')
