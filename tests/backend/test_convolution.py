"""Convolution kernels against sums written out point by point, whatever way of computing is taken."""
from itertools import product

import numpy as np
import pytest

from blockscope.backend import convolution, correlation, workspace
from blockscope.backend.convolution import Geometry
from tests.fakedevice.backend import FakeBackend, installed

RANDOM = np.random.RandomState(0)


def problem(channels=4, filters=6, groups=2, kernel=(3, 2), stride=(1, 1), dilate=(1, 2), pad=(1, 1), size=(6, 7)):
    """Return x, w, dy and the geometry of a convolution of five images."""
    geometry = Geometry(stride, dilate, pad, groups)
    x = RANDOM.randn(5, channels, *size)
    w = RANDOM.randn(filters, channels // groups, *kernel)
    out = convolution.output_size(size, kernel, geometry)
    return x, w, RANDOM.randn(5, filters, *out), geometry


CASES = {
    "groups": problem(),
    "strided groups": problem(stride=(2, 2)),
    "plain": problem(groups=1, dilate=(1, 1)),
    "dilated": problem(groups=1, dilate=(2, 3), size=(9, 8)),
    "strided": problem(groups=1, stride=(2, 3), dilate=(1, 1), pad=(1, 0), size=(8, 9)),
    "stride over dilation": problem(groups=1, stride=(2, 4), dilate=(4, 2), pad=(3, 2), size=(12, 13)),
    "stride beyond kernel": problem(groups=1, stride=(4, 3), dilate=(1, 1), size=(11, 10)),
    "pad beyond kernel": problem(groups=1, dilate=(1, 1), pad=(4, 3)),
    "few filters": problem(8, 2, 1),
    "one channel": problem(1, 3, 1),
    "wide": problem(2, 40, 1, (3, 3), dilate=(1, 1), size=(3, 3)),
    "depthwise": problem(4, 4, 4),
    "depthwise, strided": problem(4, 4, 4, (3, 3), (2, 2), (1, 1)),
    "depthwise, plain": problem(4, 4, 4, (3, 3), (1, 1), (1, 1)),
    "depthwise, no padding": problem(4, 4, 4, (3, 3), (1, 1), (1, 1), (0, 0)),
    "multiplier": problem(3, 6, 3),
    "pointwise": problem(4, 6, 1, (1, 1), (1, 1), (1, 1), (0, 0)),
    "pointwise, strided": problem(4, 6, 1, (1, 1), (2, 2), (1, 1), (0, 0)),
    "pointwise, padded": problem(4, 6, 1, (1, 1), (1, 1), (1, 1), (1, 0)),
    "pointwise, groups": problem(4, 6, 2, (1, 1), (1, 1), (1, 1), (0, 0)),
    "whole image": problem(4, 6, 1, (6, 7), (1, 1), (1, 1), (0, 0)),
    "1-D": problem(3, 4, 1, (3,), (2,), (2,), (1,), (9,)),
    "3-D": problem(2, 4, 2, (2, 3, 1), (1, 2, 1), (2, 1, 1), (1, 1, 0), (5, 4, 3)),
}


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]


def all_three(x, w, dy, geometry, xp=np):
    return (convolution.forward(xp, x, w, geometry), convolution.data_gradient(xp, dy, w, geometry, x.shape[2:]),
            convolution.weight_gradient(xp, dy, x, geometry, w.shape[2:]))


def by_points(x, w, dy, geometry):
    """Return y, dx and dw, each product of the sum written out for one output point and one kernel point."""
    stride, dilate, pad, groups = geometry
    kernel, size = w.shape[2:], dy.shape[2:]
    y, dx, dw = np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w)
    filters, channels = w.shape[0] // groups, w.shape[1]
    for g, out, point in product(range(groups), np.ndindex(*size), np.ndindex(*kernel)):
        at = tuple(o * s + i * d - p for o, s, i, d, p in zip(out, stride, point, dilate, pad))
        if any(a < 0 or a >= n for a, n in zip(at, x.shape[2:])):
            continue
        above, below = slice(g * filters, (g + 1) * filters), slice(g * channels, (g + 1) * channels)
        seen, top, weight = x[(slice(None), below, *at)], dy[(slice(None), above, *out)], w[(above, slice(None), *point)]
        y[(slice(None), above, *out)] += seen @ weight.T
        dx[(slice(None), below, *at)] += top @ weight
        dw[(above, slice(None), *point)] += top.T @ seen
    return y, dx, dw


def compare(got, expected):
    for one, other in zip(got, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


def test_sums_point_by_point(case):
    compare(all_three(*case), by_points(*case))


@pytest.mark.parametrize("elements", [1, 100, 1000])
def test_blocks_do_not_matter(case, elements, monkeypatch):
    monkeypatch.setattr(correlation, "_BLOCK", elements)
    compare(all_three(*case), by_points(*case))


@pytest.mark.parametrize("first", [False, True])
def test_order_of_gathering_does_not_matter(case, first, monkeypatch):
    monkeypatch.setattr(correlation, "_kernel_first", lambda x, window, filters, groups, reusable: groups > 1 or first)
    compare(all_three(*case), by_points(*case))


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("channels", [1, 100])
def test_way_of_the_data_gradient_does_not_matter(case, spread, channels, monkeypatch):
    monkeypatch.setattr(convolution, "_spread", lambda *_: spread)
    monkeypatch.setattr(correlation, "_MANY_CHANNELS", channels)
    compare(all_three(*case), by_points(*case))
    monkeypatch.setattr(correlation, "_BLOCK", 100)
    compare(all_three(*case), by_points(*case))


def channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


def every_second(a):
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]))
    wide[..., ::2] = a
    return wide[..., ::2]


@pytest.mark.parametrize("reorder", [channels_last, every_second, np.asfortranarray, lambda a: a[::-1, ::-1].copy()[::-1, ::-1]])
def test_memory_order_does_not_matter(case, reorder):
    x, w, dy, geometry = case
    compare(all_three(reorder(x), w, dy, geometry), by_points(*case))
    compare(all_three(x, reorder(w), reorder(dy), geometry), by_points(*case))


def test_broadcast_gradients(case):
    """A sum's gradient has no memory of its own: every element is one and the same."""
    x, w, dy, geometry = case
    one = np.broadcast_to(np.float64(1), dy.shape)
    compare(all_three(x, w, one, geometry), all_three(x, w, np.ones(dy.shape), geometry))


def test_device(case):
    x, w, dy, geometry = case
    backend = FakeBackend()
    with installed(), backend.use(0):
        got = all_three(*(backend.from_host(a, 0) for a in (x, w, dy)), geometry, backend.xp)
        got = [backend.to_host(a) for a in got]
    compare(got, by_points(*case))


def test_inputs_are_left_alone(case):
    before = [a.copy() for a in case[:3]]
    all_three(*case)
    assert all((a == b).all() for a, b in zip(case[:3], before))


def test_results_do_not_share_kept_memory(case):
    """A later call of the same shapes takes the same workspace, and the first call's results stay."""
    x, w, dy, geometry = case
    first = all_three(x, w, dy, geometry)
    copies = [a.copy() for a in first]
    all_three(x + 1, w + 1, dy + 1, geometry)
    assert all((a == b).all() for a, b in zip(first, copies))


def test_half_precision_is_computed_in_single():
    x, w, dy, geometry = problem(64, 64, 1, size=(4, 4))
    half = [a.astype("float16") for a in (x, w, dy)]
    for got, precise in zip(all_three(*half, geometry), all_three(*(a.astype("float64") for a in half), geometry)):
        assert got.dtype == np.float16
        np.testing.assert_allclose(got, precise, rtol=2e-3, atol=2e-2)


def test_single_precision_is_kept(case):
    x, w, dy, geometry = case
    for got, precise in zip(all_three(*(a.astype("float32") for a in (x, w, dy)), geometry), by_points(*case)):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, precise, rtol=1e-5, atol=1e-5)


def test_no_images(case):
    x, w, dy, geometry = case
    assert convolution.forward(np, x[:0], w, geometry).shape == (0, *dy.shape[1:])
    assert convolution.data_gradient(np, dy[:0], w, geometry, x.shape[2:]).shape == (0, *x.shape[1:])
    assert not convolution.weight_gradient(np, dy[:0], x[:0], geometry, w.shape[2:]).any()


def test_workspace_is_small(monkeypatch):
    """Patches of one large image would take 75 MB at once."""
    asked = []
    usual = workspace.scratch

    def watch(xp, name, shape, dtype):
        asked.append(int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return usual(xp, name, shape, dtype)
    monkeypatch.setattr(correlation, "scratch", watch)
    x, w, dy, geometry = (a.astype("float32") if isinstance(a, np.ndarray) else a
                          for a in problem(16, 16, 1, (3, 3), (1, 1), (1, 1), (1, 1), (160, 161)))
    all_three(x, w, dy, geometry)
    assert asked and max(asked) <= 1 << 24
