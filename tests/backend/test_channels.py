"""Sums, scaling and normalization by channel against the plain formulas, for every axis and memory order."""
import numpy as np
import pytest

from blockscope.backend import channels
from tests.fakedevice.backend import FakeBackend, installed

RANDOM = np.random.RandomState(0)


def channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 2 else a


ORDERS = {"as shaped": lambda a: a, "channels last": channels_last, "neither": np.asfortranarray}


@pytest.fixture(params=[((3, 4, 5, 6), 1), ((3, 4, 5, 6), 3), ((3, 4, 5, 6), 0), ((7, 4), 1), ((2, 3, 9), 1), ((5,), 0),
                        ((2, 600, 3, 3), 1), ((0, 4, 5, 6), 1)], ids=str)
def problem(request):
    """Return arrays x and dy, the axis of their channels, and two vectors by channel."""
    shape, axis = request.param
    return RANDOM.randn(*shape) + 3, RANDOM.randn(*shape), axis, RANDOM.rand(shape[axis]) + 0.5, RANDOM.randn(shape[axis])


@pytest.fixture(params=ORDERS)
def order(request):
    return ORDERS[request.param]


def others(x, axis):
    return tuple(i for i in range(x.ndim) if i != axis)


def along(vector, x, axis):
    return vector.reshape((-1,) + (1,) * (x.ndim - axis - 1))


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("elements", [1 << 17, 1, 50])
def test_sums_and_scaling(problem, order, elements, monkeypatch):
    monkeypatch.setattr(channels, "_BLOCK", elements)
    x, _, axis, scale, shift = problem
    close(channels.channel_sums(np, order(x), axis), x.sum(axis=others(x, axis)))
    close(channels.scale_shift(np, order(x), axis, scale, shift), x * along(scale, x, axis) + along(shift, x, axis))
    added = order(x.copy())
    channels.add_by_channel(np, added, shift, axis)
    close(added, x + along(shift, x, axis))


def expected(x, dy, axis, gamma, beta, eps=0.1):
    """Return what normalizing gives, and the gradients of x, gamma and beta, by the formulas of the paper."""
    rest, count = others(x, axis), x.size // x.shape[axis]
    mean, variance = x.mean(axis=rest), x.var(axis=rest)
    scale = 1 / np.sqrt(variance + eps)
    normal = (x - along(mean, x, axis)) * along(scale, x, axis)
    dgamma, dbeta = (dy * normal).sum(axis=rest), dy.sum(axis=rest)
    dx = along(gamma * scale, x, axis) * (dy - along(dbeta / count, x, axis) - normal * along(dgamma / count, x, axis))
    return normal * along(gamma, x, axis) + along(beta, x, axis), mean, variance, scale, dx, dgamma, dbeta


def computed(x, dy, axis, gamma, beta, xp=np, eps=0.1):
    y, mean, variance, scale = channels.normalize(xp, x, axis, eps, gamma, beta)
    return y, mean, variance, scale, *channels.normalize_gradient(xp, dy, x, axis, mean, scale, gamma * scale, True)


@pytest.mark.parametrize("elements", [1 << 17, 1, 50])
def test_normalization(problem, order, elements, monkeypatch):
    monkeypatch.setattr(channels, "_BLOCK", elements)
    x, dy, axis, gamma, beta = problem
    if not x.size:
        return
    wanted = expected(x, dy, axis, gamma, beta)
    for got in (computed(order(x), dy, axis, gamma, beta), computed(order(x), order(dy), axis, gamma, beta)):
        for one, other in zip(got, wanted, strict=True):
            close(one, other)


def test_gradient_with_statistics_of_elsewhere(problem, order):
    x, dy, axis, gamma, mean = problem
    got = channels.normalize_gradient(np, dy, order(x), axis, mean, gamma, gamma, False)
    normal = (x - along(mean, x, axis)) * along(gamma, x, axis)
    for one, other in zip(got, (dy * along(gamma, x, axis), (dy * normal).sum(axis=others(x, axis)), dy.sum(axis=others(x, axis)))):
        close(one, other)


def test_memory_order_is_kept():
    x = channels_last(RANDOM.randn(2, 3, 4, 5))
    y, *_, dx, _, _ = computed(x, x + 1, 1, np.ones(3), np.ones(3))
    assert all(np.moveaxis(a, 1, -1).flags.c_contiguous for a in (y, dx, channels.scale_shift(np, x, 1, np.ones(3), np.ones(3))))


def test_many_numbers_in_single_precision():
    """Sums of 10^5 numbers are good to five digits of the deviation, with a mean far from zero."""
    x = (RANDOM.randn(8, 2, 112, 112) + 10).astype("float32")
    for array in (x, channels_last(x)):
        y, mean, variance, _ = channels.normalize(np, array, 1, 1e-5, None, np.zeros(2, "float32"))
        np.testing.assert_allclose(mean, x.astype("float64").mean(axis=(0, 2, 3)), rtol=2e-6)
        np.testing.assert_allclose(variance, x.astype("float64").var(axis=(0, 2, 3)), rtol=2e-5)


def test_device(problem):
    x, dy, axis, gamma, beta = problem
    if not x.size:
        return
    backend = FakeBackend()
    with installed(), backend.use(0):
        arrays = [backend.from_host(a, 0) for a in (x, dy, gamma, beta)]
        got = [backend.to_host(a) for a in computed(*arrays[:2], axis, *arrays[2:], backend.xp)]
    for one, other in zip(got, expected(x, dy, axis, gamma, beta), strict=True):
        close(one, other)
