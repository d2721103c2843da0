"""Pooling kernels against windows cut out one by one, in any memory order and any group of images."""
import numpy as np
import pytest

from blockscope.backend import pooling
from blockscope.backend.pooling import Windows
from tests.fakedevice.backend import FakeBackend, installed

RANDOM = np.random.RandomState(0)
WINDOWS = {
    "tiles": Windows((2, 2), (2, 2), (0, 0), (6, 4), (3, 2)),
    "rest at the end": Windows((2, 2), (2, 2), (0, 0), (7, 5), (3, 2)),
    "overlapping": Windows((3, 3), (2, 2), (1, 1), (7, 6), (4, 3)),
    "past the end": Windows((3, 2), (2, 2), (0, 0), (6, 5), (3, 3)),
    "apart": Windows((2, 1), (3, 2), (1, 0), (8, 5), (3, 3)),
    "1-D": Windows((3,), (1,), (1,), (5,), (5,)),
    "3-D": Windows((2, 1, 3), (1, 1, 2), (0, 0, 1), (3, 2, 6), (2, 2, 3)),
}
ORDERS = {"channels first": lambda a: a, "channels last": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1),
          "neither": np.asfortranarray}


@pytest.fixture(params=WINDOWS)
def windows(request):
    return WINDOWS[request.param]


@pytest.fixture(params=ORDERS)
def order(request):
    return ORDERS[request.param]


def data(windows):
    """Return data with many equal elements, and a gradient of the result."""
    return RANDOM.randint(-2, 3, (3, 4, *windows.inside)).astype("float64"), RANDOM.randn(3, 4, *windows.size)


def cut(x, windows):
    """Yield for every window its place in the result and its part of x: a pair of the indices' start and the elements."""
    for place in np.ndindex(*windows.size):
        starts = [i * s - p for i, s, p in zip(place, windows.stride, windows.pad)]
        low = [max(0, a) for a in starts]
        part = tuple(slice(a, b + k) for a, b, k in zip(low, starts, windows.kernel))
        yield (slice(None), slice(None), *place), (slice(None), slice(None), *part)


def expected(x, dy, windows):
    """Return maxima, sums, the gradient of the maxima and that of the sums."""
    largest, total, routed, spread = np.empty_like(dy), np.empty_like(dy), np.zeros_like(x), np.zeros_like(x)
    for place, part in cut(x, windows):
        window = x[part].reshape(3, 4, -1)
        largest[place], total[place] = window.max(-1), window.sum(-1)
        first = np.zeros_like(window)
        np.put_along_axis(first, window.argmax(-1)[..., None], dy[place][..., None], -1)
        routed[part] += first.reshape(x[part].shape)
        spread[part] += dy[place].reshape(3, 4, *[1] * len(windows.size))
    return largest, total, routed, spread


def computed(x, dy, windows, xp=np):
    y = pooling.maximum(xp, x, windows)
    return y, pooling.total(xp, x, windows), pooling.route(xp, dy, y, x, windows), pooling.spread(xp, dy, windows)


def compare(got, wanted):
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_windows_one_by_one(windows, order):
    x, dy = data(windows)
    compare(computed(order(x), dy, windows), expected(x, dy, windows))
    compare(computed(order(x), order(dy), windows), expected(x, dy, windows))


@pytest.mark.parametrize("elements", [1, 200])
def test_groups_of_images_do_not_matter(windows, elements, monkeypatch):
    monkeypatch.setattr(pooling, "_BLOCK", elements)
    x, dy = data(windows)
    compare(computed(x, dy, windows), expected(x, dy, windows))


def test_results_lie_in_memory_as_the_data_do(windows):
    x, dy = data(windows)
    assert all(a.flags.c_contiguous for a in computed(x, dy, windows))
    last = ORDERS["channels last"]
    assert all(np.moveaxis(a, 1, -1).flags.c_contiguous for a in computed(last(x), last(dy), windows))


def test_device(windows):
    x, dy = data(windows)
    backend = FakeBackend()
    with installed(), backend.use(0):
        got = [backend.to_host(a) for a in computed(*(backend.from_host(a, 0) for a in (x, dy)), windows, backend.xp)]
    compare(got, expected(x, dy, windows))


def test_no_images(windows):
    x, dy = data(windows)
    assert [a.shape[0] for a in computed(x[:0], dy[:0], windows)] == [0] * 4
