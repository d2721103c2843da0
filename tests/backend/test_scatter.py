"""Scatter on the host: narrow and wide rows take different code, which must agree with numpy.add.at."""
import numpy as np
import pytest

from blockscope.backend.context import cpu


@pytest.mark.parametrize("width", [3, 127, 128, 200])
@pytest.mark.parametrize("index", [np.array([1, 3, 1]), np.array([[0, -1], [2, 2]])], ids=["vector", "matrix"])
def test_rows_accumulate(width, index):
    values = np.random.RandomState(0).randn(*index.shape, width)
    expected, got = np.zeros((4, width)), np.zeros((4, width))
    np.add.at(expected, index, values)
    cpu()._backend.add_at(got, (index,), values)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_number_outside_is_an_error():
    with pytest.raises(IndexError):
        cpu()._backend.add_at(np.zeros((2, 200)), np.array([5]), np.ones((1, 200)))
