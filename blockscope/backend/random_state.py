"""Random numbers for host memory, in the few shapes that operators ask for."""

import numpy as np

_FLOAT32 = np.dtype(np.float32)


class HostRandom:
    """A generator of random NumPy arrays.

    Parameters
    ----------
    seed : int or None
        Seed; None takes entropy from the operating system.

    Examples
    --------
    >>> HostRandom(3).uniform(0, 1, (2, 3), 'float32').shape
    (2, 3)
    """

    def __init__(self, seed=None):
        self.generator = np.random.Generator(np.random.SFC64(seed))

    def uniform(self, low, high, shape, dtype):
        """Draw from ``[low, high)``."""
        if np.dtype(dtype) is _FLOAT32:
            values = self.generator.random(shape, np.float32)
            values *= high - low
            values += low
            return values
        return self.generator.uniform(low, high, shape).astype(dtype)

    def normal(self, loc, scale, shape, dtype):
        """Draw from a normal distribution with mean `loc` and standard deviation `scale`."""
        if np.dtype(dtype) is _FLOAT32:
            values = self.generator.standard_normal(shape, np.float32)
            values *= scale
            values += loc
            return values
        return self.generator.normal(loc, scale, shape).astype(dtype)

    def integers(self, low, high, shape, dtype):
        """Draw integers from ``[low, high)``."""
        return self.generator.integers(low, high, shape).astype(dtype)

    def gamma(self, alpha, beta, shape, dtype):
        """Draw from a gamma distribution with shape `alpha` and scale `beta`."""
        return self.generator.gamma(alpha, beta, shape).astype(dtype)

    def exponential(self, scale, shape, dtype):
        """Draw from an exponential distribution with mean `scale`."""
        return self.generator.exponential(scale, shape).astype(dtype)

    def poisson(self, lam, shape, dtype):
        """Draw from a Poisson distribution with mean `lam`."""
        return self.generator.poisson(lam, shape).astype(dtype)

    def negative_binomial(self, k, p, shape, dtype):
        """Draw the number of failures before `k` successes of probability `p` each."""
        return self.generator.negative_binomial(k, p, shape).astype(dtype)

    def permutation(self, count):
        """Return ``0..count-1`` in random order."""
        return self.generator.permutation(count)

    def keep_mask(self, probability, shape, dtype):
        """Return an array that is 1 with `probability` and else 0, times ``1 / probability`` (the dropout mask)."""
        mask = (self.generator.random(shape, np.float32) < probability).astype(dtype)
        if probability > 0:
            mask *= mask.dtype.type(1.0 / probability)
        return mask
