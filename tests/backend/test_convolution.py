"""Convolution kernels: every way of computing gives what the plain one gives."""
import numpy as np
import pytest

from blockscope.backend import convolution
from blockscope.backend.convolution import Geometry

RANDOM = np.random.RandomState(0)


def problem(channels=4, filters=6, groups=2, kernel=(3, 2), stride=(1, 1), dilate=(1, 2), pad=(1, 1), size=(6, 7)):
    """Return x, w, dy and the geometry of a convolution of five images."""
    geometry = Geometry(stride, dilate, pad, groups)
    x = RANDOM.randn(5, channels, *size)
    w = RANDOM.randn(filters, channels // groups, *kernel)
    out = convolution.output_size(size, kernel, geometry)
    return x, w, RANDOM.randn(5, filters, *out), geometry


def all_three(x, w, dy, geometry):
    return (convolution.forward(np, x, w, geometry), convolution.data_gradient(np, dy, w, geometry, x.shape[2:]),
            convolution.weight_gradient(np, dy, x, geometry, w.shape[2:]))


CASES = [problem(), problem(stride=(2, 2)), problem(groups=1), problem(4, 4, 4), problem(kernel=(1, 1), pad=(0, 0), dilate=(1, 1))]


@pytest.mark.parametrize("case", CASES)
def test_groups_of_images_do_not_matter(case, monkeypatch):
    whole = all_three(*case)
    monkeypatch.setattr(convolution, "_CHUNK", 1)
    for one, all_at_once in zip(all_three(*case), whole):
        np.testing.assert_allclose(one, all_at_once, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_data_gradient_by_convolution_or_by_scattering(case, monkeypatch):
    x, w, dy, geometry = case
    usual = convolution.data_gradient(np, dy, w, geometry, x.shape[2:])
    monkeypatch.setattr(convolution, "_by_forward", lambda *_: False)
    np.testing.assert_allclose(usual, convolution.data_gradient(np, dy, w, geometry, x.shape[2:]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_transposes(case):
    """The product of dy with the convolution of x by w equals that of x, and of w, with their gradients."""
    x, w, dy, _ = case
    y, dx, dw = all_three(*case)
    np.testing.assert_allclose([(dx * x).sum(), (dw * w).sum()], (dy * y).sum(), rtol=1e-10)


def test_memory_order_does_not_matter():
    x, w, dy, geometry = problem()
    last = [np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) for a in (x, w, dy)]
    for one, other in zip(all_three(x, w, dy, geometry), all_three(*last, geometry)):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_half_precision_is_computed_in_single():
    x, w, dy, geometry = problem(64, 64, 1, size=(4, 4))
    half = [a.astype("float16") for a in (x, w, dy)]
    for got, precise in zip(all_three(*half, geometry), all_three(*(a.astype("float64") for a in half), geometry)):
        assert got.dtype == np.float16
        np.testing.assert_allclose(got, precise, rtol=2e-3, atol=2e-2)


def test_no_images():
    x, w, dy, geometry = problem()
    assert convolution.forward(np, x[:0], w, geometry).shape == (0, *dy.shape[1:])
    assert convolution.data_gradient(np, dy[:0], w, geometry, x.shape[2:]).shape == (0, *x.shape[1:])
    assert not convolution.weight_gradient(np, dy[:0], x[:0], geometry, w.shape[2:]).any()
