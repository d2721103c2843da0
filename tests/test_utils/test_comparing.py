"""Comparisons beyond what MXNet's own answers show (`test_like_mxnet`): its bugs that are fixed, and devices. By hand."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import test_utils as utils


def test_a_failure_leaves_the_print_options_alone():
    before = np.get_printoptions()
    with pytest.raises(AssertionError):
        utils.assert_almost_equal(np.zeros(9), np.ones(9))
    assert np.get_printoptions() == before


@pytest.mark.parametrize("a, b", [(np.array([1.0, 2.0, 4.0]), 1.0), (4.0, np.array([1.0, 2.0, 4.0])), ([1.0, 4.0], [1.0, 1.0]),
                                  (mx.nd.array([1, 4]), 1), (np.array([[1.0], [4.0]]), np.ones(2))])
def test_messages_for_numbers_lists_and_shapes_that_broadcast(a, b, capsys):
    # MXNet raises AttributeError or IndexError while it writes the message.
    with pytest.raises(AssertionError, match=r"exceeds tolerance .*\nLocation of maximum error: \([0-2], ?0?\), a=\d\.0{8}, b=\d\.0{8}"):
        utils.assert_almost_equal(a, b)
    assert "*** Maximum errors for vector of size" in capsys.readouterr().out
    utils.assert_almost_equal(a, b, rtol=10)


def test_unsigned_integers_and_booleans_differ_by_their_difference():
    # In uint8 1 - 3 wraps around to 254.
    index, violation = utils.find_max_violation(np.array([1, 9], "uint8"), np.array([3, 8], "uint8"), rtol=0, atol=1)
    assert (index, float(violation)) == ((0,), 2.0)
    with pytest.raises(AssertionError, match=r"Location of maximum error: \(1,\), a=1.0{8}, b=0.0{8}"):
        utils.assert_almost_equal(np.array([True, True]), np.array([1, 0], "float32"))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        utils.assert_almost_equal(np.array([True, True]), mx.nd.array([1, 0], dtype="bool"))


def test_error_rate_heeds_every_argument(capsys):
    a, b = np.array([1.0, np.nan, 3.0]), np.array([1.0, np.nan, 4.0])
    with pytest.raises(AssertionError, match="p=3.00000000, q=4.00000000"):
        utils.assert_almost_equal_with_err(a[::2], b[::2], names=("p", "q"), mismatches=(0, 1))
    assert "Error" not in capsys.readouterr().out.replace("Maximum errors", "")
    utils.assert_almost_equal_with_err(a, b, etol=0.4, equal_nan=True)  # one of three differs
    with pytest.raises(AssertionError):
        utils.assert_almost_equal_with_err(a, b, etol=0.4)


def test_tolerances_of_types_that_mxnet_has_no_default_for():
    assert utils.get_tols(np.ones(1, "int16"), np.ones(1, "uint16"), None, None) == (0, 0)
    assert utils.get_tols(np.ones(1, "complex128"), 1, 0.5, 0.25) == (0.5, 0.25)
    with pytest.raises(KeyError, match="no default tolerance for dtype complex128: pass a number"):
        utils.assert_almost_equal(np.ones(1, "complex128"), np.ones(1))


def test_float32_on_a_gpu_is_compared_as_float16_only_with_the_switch(monkeypatch):
    class OnGpu:
        dtype, ctx = np.float32, mx.gpu(0)

    monkeypatch.delenv("CUPY_TF32", raising=False)
    assert utils.effective_dtype(OnGpu) == np.float32
    monkeypatch.setenv("CUPY_TF32", "1")
    assert utils.effective_dtype(OnGpu) == np.float16 and utils.effective_dtype(mx.nd.ones(1)) == np.float32
    assert utils.get_tols(OnGpu, 1.0, None, None) == (1e-2, 1e-1)


def test_same_array():
    x = mx.nd.array([[1e-20, 1e30], [np.nan, 0]])  # 1e-20 + 1 - 1 is 0, and 1e30 + 1 is 1e30
    before = x.asnumpy()
    assert utils.same_array(x[0], x[0]) and utils.same_array(x, x)
    assert not utils.same_array(x, x.copy()) and not utils.same_array(x, x.reshape(4))
    assert not utils.same_array(mx.nd.array([1e30]), mx.nd.array([1e30]))
    np.testing.assert_array_equal(x.asnumpy(), before)


def test_arrays_of_every_device(device):
    a, b = mx.nd.array([1, 2, 3], ctx=device), mx.nd.array([1, 2, 4], ctx=device)
    utils.assert_almost_equal(a, mx.nd.array([1, 2, 3]))
    with pytest.raises(AssertionError, match=r"\(2,\), a=3.00000000, b=4.00000000"):
        utils.assert_almost_equal(a, b)
    assert utils.same(a, [1, 2, 3]) and not utils.same(a, b) and not utils.almost_equal(a, b)
    assert utils.same_array(a, a) and not utils.same_array(a, b)
    assert utils.rand_ndarray((2, 3), ctx=device).context == device
    assert utils.create_2d_tensor(2, 2).shape == (2, 2)
    utils.compare_optimizer(mx.optimizer.SGD(), mx.optimizer.SGD(), (2, 3), "float32")
