"""NumPy shape semantics: what it lets files hold, and that it is switched in one thread of execution only."""
import threading

import numpy as np
import pytest

import blockscope as mx
from blockscope.formats import params
from blockscope.util import is_np_array, is_np_shape, np_shape, reset_np, set_np, set_np_shape, use_np_shape


@pytest.fixture(autouse=True)
def off_afterwards():
    yield
    reset_np()


def test_scope_nests_and_repeats():
    on, off = np_shape(True), np_shape(False)
    with on, off:
        assert not is_np_shape()
        with on:
            assert is_np_shape()
        assert not is_np_shape()
    with on:
        assert is_np_shape()
    assert not is_np_shape()


def test_switch_returns_what_was_before_and_belongs_to_the_thread():
    assert set_np_shape(True) is False
    assert set_np_shape(True) is True
    seen = []
    thread = threading.Thread(target=lambda: seen.append(is_np_shape()))
    thread.start()
    thread.join()
    assert seen == [False]
    assert use_np_shape(is_np_shape)() and set_np_shape(False) is True


def test_set_np_says_that_there_are_no_np_arrays():
    with pytest.warns(UserWarning, match="mx.np arrays are not available"):
        set_np()
    assert is_np_shape() and not is_np_array()
    set_np(array=False)
    with pytest.raises(ValueError, match="NumPy Shape semantics is required"):
        set_np(shape=False)
    with pytest.raises(mx.MXNetError, match="dtype=True"):
        set_np(array=False, dtype=True)


def test_file_of_a_scalar_needs_np_shape(tmp_path):
    path = str(tmp_path / "scalar.params")
    params.save(path, [np.float32(3).reshape(()), np.zeros((0, 2), "float32")], ["w", "e"], version=3)
    with pytest.raises(mx.MXNetError, match="saved in np shape semantics"):
        mx.nd.load(path)
    with np_shape():
        loaded = mx.npx.load(path)
    assert loaded["w"].shape == () and float(loaded["w"]) == 3
    assert loaded["e"].shape == (0, 2)


def test_what_is_absent_is_named():
    with pytest.raises(AttributeError, match="'mod'.*not part of blockscope yet .the Module front end."):
        mx.mod  # noqa: B018
    assert not hasattr(mx, "np")
