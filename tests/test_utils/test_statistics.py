"""Checks of random number generators: they accept right ones and reject wrong ones, and p-values agree with SciPy's."""
import numpy as np
import pytest
from scipy import stats

import blockscope as mx
from blockscope import test_utils as utils

N = 20000


def test_right_generators_pass():
    buckets, probs = utils.gen_buckets_probs_with_ppf(lambda p: stats.norm.ppf(p, 1, 2), 5)
    assert buckets[0][0] == -np.inf and buckets[-1][1] == np.inf and probs == [0.2] * 5
    values = utils.verify_generator(lambda n: np.random.normal(1, 2, n), buckets, probs, nsamples=N)
    assert len(values) == 5
    utils.verify_generator(lambda n: mx.nd.random.normal(1, 2, shape=(n,)), buckets, probs, nsamples=N)
    assert utils.mean_check(lambda n: mx.nd.random.uniform(0, 1, shape=(n,)), 0.5, 12 ** -0.5, N)
    assert utils.var_check(lambda n: np.random.normal(1, 2, n), 2, N)


def test_wrong_generators_fail():
    buckets, probs = utils.gen_buckets_probs_with_ppf(lambda p: stats.norm.ppf(p, 1, 2), 5)
    for wrong in (lambda n: np.random.normal(1.2, 2, n), lambda n: np.random.normal(1, 2.2, n)):
        with pytest.raises(AssertionError, match=r"Generator test fails, Chi-square p=\[.*\], obs_freq=.*expected_freq=.*\nbuckets="):
            utils.verify_generator(wrong, buckets, probs, nsamples=N)
    assert not utils.mean_check(lambda n: np.random.normal(1.1, 1, n), 1, 1, N)
    assert not utils.var_check(lambda n: np.random.normal(1, 1.1, n), 1, N)


def test_p_values_are_scipys():
    samples = np.random.randint(0, 4, 1000)
    p, observed, expected = utils.chi_square_check(lambda n: samples, [0, 1, 2, 3], [0.25] * 4, nsamples=1000)
    np.testing.assert_array_equal(observed, np.bincount(samples, minlength=4))
    np.testing.assert_allclose(p, stats.chisquare(observed, expected).pvalue, rtol=1e-12)


def test_expected_frequencies_that_are_rounded_down():
    # 1000 / 3 is 333 for each bucket: their sum is 999, at which SciPy's function, and so MXNet, raises ValueError.
    p, observed, expected = utils.chi_square_check(lambda n: np.arange(n) % 3, [0, 1, 2], [1 / 3] * 3, nsamples=1000)
    assert list(observed) == [334, 333, 333] and list(expected) == [333] * 3 and p > 0.99


def test_samples_outside_all_buckets_count_in_none():
    _, observed, _ = utils.chi_square_check(lambda n: np.array([-1.0, 0.5, 1.5, 2.5, 9.0]), [(0, 1), (2, 3)], [0.5, 0.5], nsamples=5)
    assert list(observed) == [1, 1]


@pytest.mark.parametrize("buckets, probs, message", [
    ([0, 1], [1.0], "list of 2 buckets and 1 probabilities"), ((0, 1), [0.5, 0.5], "a list of buckets"),
    ([(0, 2), (1, 3)], [0.5, 0.5], "must ascend and not overlap")])
def test_malformed_buckets(buckets, probs, message):
    with pytest.raises(AssertionError, match=message):
        utils.chi_square_check(lambda n: np.arange(n), buckets, probs, nsamples=10)
    with pytest.raises(AssertionError, match="at least one bucket"):
        utils.gen_buckets_probs_with_ppf(lambda p: p, 0)
