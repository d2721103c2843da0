"""Does a generator of random numbers follow its distribution?  A part of `test_utils`."""
import numpy as np
from scipy import special

from ._test_comparing import to_host

__all__ = ["chi_square_check", "gen_buckets_probs_with_ppf", "mean_check", "var_check", "verify_generator"]


def gen_buckets_probs_with_ppf(ppf, nbuckets):
    """Cut a distribution into intervals of equal probability.

    Parameters
    ----------
    ppf : callable
        The quantile function, the inverse of the cumulative distribution.
    nbuckets : int
        Number of intervals.

    Returns
    -------
    buckets : list of tuple
        The intervals (low, high).
    probs : list of float
        Their probabilities.

    Examples
    --------
    >>> gen_buckets_probs_with_ppf(lambda p: 10 * p, 2)
    ([(0.0, 5.0), (5.0, 10.0)], [0.5, 0.5])
    """
    if nbuckets <= 0:
        raise AssertionError(f"gen_buckets_probs_with_ppf needs at least one bucket, but got nbuckets={nbuckets}")
    return [(ppf(n / nbuckets), ppf((n + 1) / nbuckets)) for n in range(nbuckets)], [1.0 / nbuckets] * nbuckets


def mean_check(generator, mu, sigma, nsamples=1000000):
    """Say whether the mean of samples is within three standard errors of `mu`.

    Parameters
    ----------
    generator : callable
        ``generator(n)`` returns n independent samples.
    mu, sigma : float
        Mean and standard deviation of the distribution.
    nsamples : int
        How many to draw.

    Examples
    --------
    >>> import numpy as np
    >>> mean_check(lambda n: np.random.normal(1, 2, n), 1, 2, nsamples=100) in (True, False)
    True
    """
    error = 3 * sigma / np.sqrt(nsamples)
    return bool(abs(to_host(generator(nsamples)).mean() - mu) < error)


def var_check(generator, sigma, nsamples=1000000):
    """Say whether the variance of samples of a normal distribution is within three standard errors of ``sigma ** 2``.

    Parameters
    ----------
    generator : callable
        ``generator(n)`` returns n independent samples.
    sigma : float
        Standard deviation of the distribution.
    nsamples : int
        How many to draw.

    Examples
    --------
    >>> import numpy as np
    >>> var_check(lambda n: np.random.normal(1, 2, n), 2, nsamples=100) in (True, False)
    True
    """
    error = 3 * np.sqrt(2 * sigma ** 4 / (nsamples - 1))
    return bool(abs(to_host(generator(nsamples)).var(ddof=1) - sigma ** 2) < error)


def chi_square_check(generator, buckets, probs, nsamples=1000000):
    """Compare how often samples fall into buckets with how often they should (Pearson's chi-square test).

    Parameters
    ----------
    generator : callable
        ``generator(n)`` returns n independent samples.
    buckets : list of tuple, or list of number
        For a continuous distribution the intervals (low, high), in ascending order and without overlap; for a discrete one its values.
    probs : list of float
        Their probabilities.
    nsamples : int
        How many to draw.

    Returns
    -------
    p : float
        The probability of frequencies at least as unusual; small ones (below 0.05) speak against the generator.
    obs_freq, expected_freq : numpy.ndarray
        The frequencies.

    Notes
    -----
    Expected frequencies are rounded down, as in MXNet; where that changes their sum MXNet 1.9.1 fails, and blockscope does not.

    Examples
    --------
    >>> import numpy as np
    >>> p, observed, expected = chi_square_check(lambda n: np.arange(n) % 2, [0, 1], [0.5, 0.5], nsamples=100)
    >>> float(p), observed, expected
    (1.0, array([50, 50]), array([50, 50], dtype=int32))
    """
    if not isinstance(buckets, list) or len(buckets) != len(probs):
        raise AssertionError(f"chi_square_check takes a list of buckets and a probability for each, but got {type(buckets).__name__} of "
                             f"{len(buckets)} buckets and {len(probs)} probabilities")
    samples = to_host(generator(nsamples))
    if isinstance(buckets[0], (list, tuple)):
        edges = np.array(buckets, dtype=np.float32).ravel()
        if (np.diff(edges) < 0).any():
            raise AssertionError(f"chi_square_check: the buckets must ascend and not overlap, but are {buckets}")
        places = np.searchsorted(edges, samples, side="right")
        places, wanted = np.where(places % 2, places // 2, -1), range(len(buckets))  # even: between two buckets or outside them
    else:
        places, wanted = samples, buckets
    observed = np.array([(places == bucket).sum() for bucket in wanted])
    expected = (nsamples * np.array(probs, dtype=np.float32)).astype(np.int32)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = ((observed - expected) ** 2 / expected).sum()
    return special.chdtrc(len(buckets) - 1, statistic), observed, expected


def verify_generator(generator, buckets, probs, nsamples=1000000, nrepeat=5, success_rate=0.2, alpha=0.05):
    """Raise AssertionError when a generator fails the chi-square test too often.

    Parameters
    ----------
    generator, buckets, probs, nsamples
        As for :func:`chi_square_check`.
    nrepeat : int
        How many tests to run.
    success_rate : float
        The share of them that must succeed.
    alpha : float
        A test succeeds if its p is greater.

    Returns
    -------
    list of float
        The p of each test.

    Examples
    --------
    >>> import numpy as np
    >>> [float(p) for p in verify_generator(lambda n: np.arange(n) % 2, [0, 1], [0.5, 0.5], nsamples=100, nrepeat=2)]
    [1.0, 1.0]
    """
    p_values, observed, expected = zip(*(chi_square_check(generator, buckets, probs, nsamples) for _ in range(nrepeat)))
    if sum(p > alpha for p in p_values) < nrepeat * success_rate:
        raise AssertionError(f"Generator test fails, Chi-square p={list(p_values)}, obs_freq={list(observed)}, "
                             f"expected_freq={list(expected)}.\nbuckets={buckets}, probs={probs}")
    return list(p_values)
