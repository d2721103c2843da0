"""Rows of the random operators: shape, dtype and range of what they draw, and moments within four standard errors.

The distributions themselves are tested in tests/ndarray/test_random.py on many draws.
"""

import numpy as np

from . import Row, Wrong, fixed

DRAWN = "random numbers differ"
_KEPT = dict(dtypes=(), gradient=False, result="float32", random=True, mxnet=DRAWN)
_LIKE = dict(gradient="zero", random=True, mxnet=DRAWN, out=False)


def within(low, high, shape):
    """Return a check of range and shape."""
    def check(outputs, *_):
        assert outputs[0].shape == shape
        assert ((outputs[0] >= low) & (outputs[0] <= high)).all()
    return check


def counts(shape):
    """Return a check that the values are whole numbers, none negative."""
    def check(outputs, *_):
        within(0, np.inf, shape)(outputs)
        assert (outputs[0] == np.floor(outputs[0])).all()
    return check


def _pair(a, b):
    return [fixed(np.array(a, "float32")), fixed(np.array(b, "float32"))]


def _rows_of_each(outputs, data):
    assert outputs[0].shape == (2, 5)
    assert (outputs[0] == [[1], [0]]).all()


def _log_probabilities(outputs, data):
    np.testing.assert_allclose(outputs[1], np.log(data[np.arange(2)[:, None], outputs[0].astype(int)]), rtol=1e-6)


ROWS = [
    Row("_random_uniform", [], {"low": 2, "high": 3, "shape": (4, 5)}, check=within(2, 3, (4, 5)), **_KEPT,
        wrong=[Wrong(attrs={"dtype": "int32"}, says="float32")]),
    Row("_random_normal", [], {"loc": 50, "shape": (9,)}, check=within(40, 60, (9,)), **_KEPT, wrong=[Wrong(attrs={"scale": -1}, says="scale")]),
    Row("_random_exponential", [], {"lam": 2, "shape": (9,)}, check=within(0, 20, (9,)), **_KEPT),
    Row("_random_gamma", [], {"alpha": 2, "beta": 3, "shape": (9,)}, check=within(0, 90, (9,)), **_KEPT),
    Row("_random_poisson", [], {"lam": 4, "shape": (9,)}, check=counts((9,)), **_KEPT),
    Row("_random_negative_binomial", [], {"k": 3, "p": 0.5, "shape": (9,)}, check=counts((9,)), **_KEPT),
    Row("_random_generalized_negative_binomial", [], {"mu": 3, "alpha": 0.5, "shape": (9,)}, check=counts((9,)), **_KEPT),
    Row("_random_randint", [], {"low": -2, "high": 3, "shape": (9,)}, check=within(-2, 2, (9,)), **{**_KEPT, "result": "int32"}),
    Row("_sample_uniform", _pair([0, 10], [1, 11]), {"shape": (3,)}, **_KEPT,
        check=lambda outputs, low, high: within(0, 1, (2, 3))([outputs[0] - low[:, None]]), wrong=[Wrong(inputs=_pair([0], [1, 2]))]),
    Row("_sample_normal", _pair([0, 100], [1, 1]), check=lambda outputs, mu, sigma: within(-10, 10, (2,))([outputs[0] - mu]), **_KEPT),
    Row("_sample_exponential", _pair([1, 2], [])[:1], {"shape": (3,)}, check=within(0, 30, (2, 3)), **_KEPT),
    Row("_sample_gamma", _pair([1, 2], [1, 2]), {"shape": (3,)}, check=within(0, 90, (2, 3)), **_KEPT),
    Row("_sample_poisson", _pair([1, 20], [])[:1], {"shape": (3,)}, check=counts((2, 3)), **_KEPT),
    Row("_sample_negative_binomial", _pair([1, 5], [0.4, 0.5]), {"shape": (3,)}, check=counts((2, 3)), **_KEPT),
    Row("_sample_generalized_negative_binomial", _pair([1, 5], [0, 0.5]), {"shape": (3,)}, check=counts((2, 3)), **_KEPT),
    Row("_sample_multinomial", [fixed(np.array([[0, 1], [1, 0]], "float32"))], {"shape": (5,)}, check=_rows_of_each,
        **{**_KEPT, "result": "int32"}),
    Row("_sample_multinomial", [fixed(np.array([[0.2, 0.8], [0.5, 0.5]], "float32"))], {"shape": (5,), "get_prob": True},
        check=_log_probabilities, **{**_KEPT, "result": ("int32", "float32")}),
    Row("_shuffle", [(7,)], check=lambda outputs, x: np.testing.assert_array_equal(np.sort(outputs[0]), np.sort(x)), gradient=False,
        random=True, mxnet=DRAWN),
    Row("_random_uniform_like", [(2, 3)], check=within(0, 1, (2, 3)), **_LIKE),
    Row("_random_normal_like", [(2, 3)], {"loc": 50}, check=within(40, 60, (2, 3)), **_LIKE),
    Row("_random_exponential_like", [(2, 3)], check=within(0, 30, (2, 3)), **_LIKE),
    Row("_random_gamma_like", [(2, 3)], check=within(0, 30, (2, 3)), **_LIKE),
    Row("_random_poisson_like", [(2, 3)], check=counts((2, 3)), **_LIKE),
    Row("_random_negative_binomial_like", [(2, 3)], {"p": 0.5}, check=counts((2, 3)), **_LIKE),
    Row("_random_generalized_negative_binomial_like", [(2, 3)], check=counts((2, 3)), **_LIKE),
]
