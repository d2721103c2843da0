"""mx.nd.random and mx.random: distributions on many draws, arguments, seeds.

Means and variances are those of the distributions (formulas beside each); with 20000 draws a sample mean lies within five standard
errors but once in a million runs, and the seed is fixed. Messages and shapes: what MXNet 1.9.1 gives.
"""
import numpy as np
import pytest

import blockscope as mx
from blockscope import nd

DRAWS = 20000
# name, arguments, mean, variance
DISTRIBUTIONS = [
    ("uniform", (2, 5), 3.5, 9 / 12), ("normal", (-1, 2), -1, 4), ("exponential", (3,), 3, 9), ("poisson", (4,), 4, 4),
    ("gamma", (2, 3), 6, 18),
    ("negative_binomial", (3, 0.4), 3 * 0.6 / 0.4, 3 * 0.6 / 0.16),
    ("generalized_negative_binomial", (2, 0.5), 2, 2 + 0.5 * 4), ("randint", (0, 5), 2, 2),
]


def has_moments(values, mean, variance):
    """Return whether mean and variance are those of the distribution, as far as the draws can tell."""
    return abs(values.mean() - mean) < 5 * np.sqrt(variance / values.size) and abs(values.var() / variance - 1) < 0.15


@pytest.mark.parametrize(("name", "arguments", "mean", "variance"), DISTRIBUTIONS, ids=[d[0] for d in DISTRIBUTIONS])
def test_moments(name, arguments, mean, variance):
    mx.random.seed(11)
    assert has_moments(getattr(nd.random, name)(*arguments, shape=DRAWS).asnumpy().astype("float64"), mean, variance)


@pytest.mark.parametrize(("name", "arguments", "mean", "variance"), DISTRIBUTIONS[:-1], ids=[d[0] for d in DISTRIBUTIONS[:-1]])
def test_arrays_of_parameters_draw_for_each_element(name, arguments, mean, variance):
    mx.random.seed(11)
    values = getattr(nd.random, name)(*[nd.array([a, a]) for a in arguments], shape=(DRAWS // 2,)).asnumpy()
    assert values.shape == (2, DRAWS // 2)
    assert has_moments(values[0], mean, variance)
    assert has_moments(values[1], mean, variance)


def test_parameters_of_different_elements_stay_apart():
    values = nd.random.normal(nd.array([0, 100]), nd.array([1, 2]), shape=(DRAWS,)).asnumpy()
    assert has_moments(values[0], 0, 1)
    assert has_moments(values[1], 100, 4)


def test_multinomial_has_the_frequencies_of_its_probabilities():
    mx.random.seed(2)
    drawn = nd.random.multinomial(nd.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0]]), shape=DRAWS).asnumpy()
    for row, expected in zip(drawn, [[0.1, 0.2, 0.7], [0.5, 0.5, 0]]):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / DRAWS, expected, atol=0.02)


@pytest.mark.parametrize(("shape", "drawn"), [(None, (2,)), (3, (2, 3)), ((3, 1), (2, 3, 1))])
def test_multinomial_shapes(shape, drawn):
    assert nd.random.multinomial(nd.array([[0.5, 0.5], [1, 0]]), shape=shape).shape == drawn


def test_multinomial_passes_gradients_to_probabilities():
    """The gradient of log p of the drawn index is 1 / p there and 0 elsewhere."""
    p = nd.array([0.25, 0.75])
    p.attach_grad()
    with mx.autograd.record():
        index, logarithm = nd.random.multinomial(p, get_prob=True)
    logarithm.backward()
    expected = np.zeros(2)
    expected[int(index.asscalar())] = 1 / p.asnumpy()[int(index.asscalar())]
    np.testing.assert_allclose(p.grad.asnumpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(("name", "count"), [("uniform", 2), ("normal", 2), ("gamma", 2), ("poisson", 1), ("negative_binomial", 2),
                                             ("generalized_negative_binomial", 2)])
def test_draws_pass_no_gradient_to_parameters(name, count):
    parameter = nd.array([0.5, 0.75])
    parameter.attach_grad()
    with mx.autograd.record():
        drawn = getattr(nd.random, name)(*[parameter] * count)
        total = drawn * parameter
    total.backward()
    np.testing.assert_allclose(parameter.grad.asnumpy(), drawn.asnumpy(), rtol=1e-6)


def test_shuffle_permutes_slices():
    x = nd.arange(60).reshape((20, 3))
    shuffled = nd.random.shuffle(x).asnumpy()
    assert (shuffled != x.asnumpy()).any()
    np.testing.assert_array_equal(shuffled[shuffled[:, 0].argsort()], x.asnumpy())


def test_defaults():
    assert nd.random.uniform().shape == (1,)
    assert nd.random.randint(0, 5).dtype == np.int32
    assert nd.random.normal(dtype="float64").dtype == np.float64
    assert nd.random.randn(2, 3, loc=1, scale=2, dtype="float16").dtype == np.float16


def test_out_gives_shape_and_dtype():
    target = nd.zeros((2, 3), dtype="float64")
    result = nd.random.uniform(1, 2, out=target)
    assert result is target
    assert ((target.asnumpy() >= 1) & (target.asnumpy() < 2)).all()


def test_context():
    assert nd.random.uniform(ctx=mx.cpu(1)).context is mx.cpu(1)


def test_like_takes_shape_and_dtype():
    like = nd.random.normal_like(nd.zeros((2, 3), dtype="float64"), loc=100)
    assert like.shape == (2, 3)
    assert like.dtype == np.float64
    assert like.asnumpy().min() > 50


def draws():
    return nd.random.uniform(shape=5).asnumpy().tolist()


def test_seed_repeats():
    mx.random.seed(5)
    first = draws()
    assert draws() != first
    mx.random.seed(5)
    assert draws() == first


def test_a_seed_for_all_covers_contexts_used_later_and_differs_by_context():
    mx.random.seed(5)
    first = nd.random.uniform(shape=5, ctx=mx.cpu(71)).asnumpy().tolist()
    assert first != draws()
    mx.random.seed(5)
    assert nd.random.uniform(shape=5, ctx=mx.cpu(71)).asnumpy().tolist() == first


def test_a_seed_for_one_context_gives_the_same_on_another():
    mx.random.seed(9, ctx=mx.cpu(1))
    first = nd.random.uniform(shape=5, ctx=mx.cpu(1)).asnumpy().tolist()
    mx.random.seed(9, ctx=mx.cpu(2))
    assert nd.random.uniform(shape=5, ctx=mx.cpu(2)).asnumpy().tolist() == first


@pytest.mark.parametrize("seed", ["a", 3.5])
def test_a_seed_is_an_integer(seed):
    with pytest.raises(ValueError, match="seed_state must be int"):
        mx.random.seed(seed)


def test_mixed_parameters_are_refused():
    with pytest.raises(AssertionError, match="Distribution parameters must all have the same type, but got both .*NDArray.* and .*int"):
        nd.random.uniform(nd.array([0]), 1)
    with pytest.raises(ValueError, match="Distribution parameters must be either NDArray or numbers, but got .*str"):
        nd.random.uniform("a")


@pytest.mark.parametrize(("call", "says"), [
    (lambda: nd.random.normal(0, -1), "scale parameter in gaussian has to be positive"),
    (lambda: nd.random.uniform(dtype="int32"), "Invalid Input: 'int32'"),
    (lambda: nd.random.randint(0, 5, dtype="float32"), "Invalid Input: 'float32'"),
    (lambda: nd.random.randn(2, foo=1), "Cannot find argument 'foo'")])
def test_wrong_arguments(call, says):
    with pytest.raises(mx.MXNetError, match=says):
        call()
