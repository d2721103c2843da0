"""Random states: the same interface on every device, the right ranges, shapes, types and moments, and repeatable."""

import numpy as np
import pytest

from blockscope.backend.cupy_backend import CupyRandom
from blockscope.backend.random_state import HostRandom

# method -> (arguments before the shape, mean, variance)
MOMENTS = {
    "uniform": ((-1.0, 3.0), 1.0, 16 / 12),
    "normal": ((2.0, 3.0), 2.0, 9.0),
    "integers": ((0, 10), 4.5, 99 / 12),
    "gamma": ((2.0, 1.5), 3.0, 4.5),
    "exponential": ((2.0,), 2.0, 4.0),
    "poisson": ((4.0,), 4.0, 4.0),
    "negative_binomial": ((5, 0.5), 5.0, 10.0),
}


def draw(device, name, args, shape, dtype):
    """Return host values of a draw on a device."""
    return device._backend.to_host(getattr(device._random_state(), name)(*args, shape, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", MOMENTS)
def test_moments(device, name, dtype):
    args, mean, variance = MOMENTS[name]
    device._seed(3)
    values = draw(device, name, args, (40000,), dtype)
    assert values.dtype == dtype
    wide = values.astype("float64")
    # Five standard errors of the mean; the variance of 40,000 draws is within 10 percent.
    assert abs(wide.mean() - mean) < 5 * np.sqrt(variance / 40000) + 0.01
    assert abs(wide.var() / variance - 1) < 0.1


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)])
@pytest.mark.parametrize("name", MOMENTS)
def test_shapes(device, name, shape):
    assert np.shape(draw(device, name, MOMENTS[name][0], shape, "float32")) == shape


def test_uniform_stays_in_its_range(device):
    values = draw(device, "uniform", (0.0, 1.0), (100000,), "float32")
    assert values.min() >= 0
    assert values.max() < 1


def test_permutation(device):
    values = device._backend.to_host(device._random_state().permutation(50))
    assert sorted(values.tolist()) == list(range(50))
    assert values.tolist() != list(range(50))


def test_keep_mask(device):
    device._seed(1)
    mask = draw(device, "keep_mask", (0.75,), (20000,), "float32")
    assert set(mask.tolist()) == {0.0, np.float32(1 / 0.75)}
    assert abs((mask > 0).mean() - 0.75) < 0.02
    assert not draw(device, "keep_mask", (0.0,), (10,), "float32").any()
    assert (draw(device, "keep_mask", (1.0,), (10,), "float32") == 1).all()
    assert draw(device, "keep_mask", (0.5,), (10,), "float16").dtype == np.float16


def test_both_states_have_the_same_methods():
    def methods(kind):
        return {n for n in vars(kind) if not n.startswith("_")}

    assert methods(HostRandom) == methods(CupyRandom)
