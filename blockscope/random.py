"""Random numbers: mx.random.

``mx.random.seed(n)`` makes everything that follows repeatable, on every device; the functions are those of ``mx.nd.random``.
"""

import numbers

from .backend import Context
from .backend.context import _seed_all
from .ndarray.random import (
    exponential,
    exponential_like,
    gamma,
    gamma_like,
    generalized_negative_binomial,
    generalized_negative_binomial_like,
    multinomial,
    negative_binomial,
    negative_binomial_like,
    normal,
    normal_like,
    poisson,
    poisson_like,
    randint,
    randn,
    shuffle,
    uniform,
    uniform_like,
)

__all__ = ["exponential", "exponential_like", "gamma", "gamma_like", "generalized_negative_binomial",
           "generalized_negative_binomial_like", "multinomial", "negative_binomial", "negative_binomial_like", "normal",
           "normal_like", "poisson", "poisson_like", "randint", "randn", "seed", "shuffle", "uniform", "uniform_like"]


def seed(seed_state, ctx="all"):
    """Seed the random numbers of all devices, or of one.

    Parameters
    ----------
    seed_state : int
        The seed.
    ctx : Context or 'all'
        Device to seed. Seeded by name, two devices of a kind give the same numbers; seeded together, each gives its own.

    Raises
    ------
    ValueError
        If the seed is not an integer.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.random.seed(3)
    >>> a = mx.nd.random.uniform(shape=2)
    >>> mx.random.seed(3)
    >>> (mx.nd.random.uniform(shape=2) == a).asnumpy()
    array([1., 1.], dtype=float32)
    """
    if not isinstance(seed_state, numbers.Integral):
        raise ValueError("seed_state must be int")
    value = int(seed_state) % 2**32
    if ctx == "all":
        _seed_all(value)
    else:
        Context(ctx)._seed(value)
