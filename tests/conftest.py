"""What every test shares: random seeds, the marks ``gpu`` and ``slow``, and a report header that says what ran."""
import importlib.util
import os
import random

import numpy as np
import pytest

import blockscope

REQUIRE_GPU = os.environ.get("BLOCKSCOPE_REQUIRE_GPU") == "1"


def _why_no_gpu():
    """Return None where a kernel can run on a card, else the reason in words."""
    if importlib.util.find_spec("cupy") is None:
        return "cupy is not installed"
    import cupy

    if not cupy.is_available():
        return "cupy finds no CUDA device"
    try:  # a driver without a working compiler passes the check above
        total = float((cupy.arange(2) + 1).sum())
    except Exception as error:
        return f"cupy cannot run a kernel: {type(error).__name__}: {error}"
    return None if total == 3.0 else f"cupy computes 1 + 2 = {total}"


NO_GPU = _why_no_gpu()


def pytest_report_header():
    if NO_GPU is None:
        return "blockscope: numpy (cpu) and cupy (gpu) ran"
    required = ", and BLOCKSCOPE_REQUIRE_GPU=1 makes its tests fail" if REQUIRE_GPU else ", and its tests are skipped"
    return f"blockscope: numpy (cpu) ran; no GPU ran: {NO_GPU}{required}"


def pytest_ignore_collect(collection_path, config):
    """Leave helper modules and the scripts that run on the real MXNet to those who call them."""
    if collection_path.suffix == ".py" and not collection_path.name.startswith(("test_", "conftest")):
        return True
    return None


def pytest_runtest_setup(item):
    if NO_GPU is not None and item.get_closest_marker("gpu"):
        if REQUIRE_GPU:
            pytest.fail(f"BLOCKSCOPE_REQUIRE_GPU=1, but {NO_GPU}", pytrace=False)
        pytest.skip(f"no GPU: {NO_GPU}")


@pytest.fixture(autouse=True)
def seed():
    """Start every test from the same random numbers, of Python, NumPy and the CPU, and give the seed."""
    random.seed(0)
    np.random.seed(0)
    blockscope.cpu()._seed(0)
    return 0


@pytest.fixture
def fresh_names():
    """Count names from zero, as in a new process: the first Dense is ``dense0_``."""
    with blockscope.name.NameManager() as manager:
        yield manager


@pytest.fixture(scope="session")
def fake():
    """Give ``fake(i)``, the contexts of the strict fake device, which exist only in this session."""
    from tests.fakedevice import installed

    with installed() as contexts:
        yield contexts


@pytest.fixture(params=["host", "fake", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request):
    """Give the context of each kind of device in turn: one test body for NumPy, the strict fake device and CuPy."""
    import blockscope as mx

    if request.param == "fake":
        return request.getfixturevalue("fake")(1)  # not device 0, which is current when nobody says so
    return mx.cpu() if request.param == "host" else mx.gpu()
