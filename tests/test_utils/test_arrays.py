"""Random arrays, shapes and matrices of test_utils: shapes, ranges, and what follows from the definitions."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import test_utils as utils


@pytest.mark.parametrize("stype", ["csr", "row_sparse"])
def test_sparse_arrays_are_refused(stype):
    for make in (utils.rand_ndarray, utils.rand_sparse_ndarray, utils.create_sparse_array):
        with pytest.raises(mx.MXNetError, match="sparse arrays are not available in blockscope yet"):
            make((3, 4), stype, density=0.5)
    with pytest.raises(mx.MXNetError, match="sparse arrays are not available"):
        utils.create_sparse_array_zd((3, 4), stype, 0.5)


def test_unknown_storage_types():
    with pytest.raises(AssertionError, match="unknown storage type 'dense'"):
        utils.rand_ndarray((3, 4), "dense")


def test_arguments_for_sparse_arrays_may_be_given_for_dense_ones():
    array = utils.rand_ndarray((2, 3), "default", density=0.1, modifier_func=None, shuffle_csr_indices=True, distribution="uniform")
    assert array.stype == "default" and (array.asnumpy() != 0).all()


def test_random_numbers_follow_numpys_seed():
    np.random.seed(3)
    first = utils.random_arrays((2, 3)), utils.rand_shape_nd(4), utils.rand_ndarray((5,)).asnumpy()
    np.random.seed(3)
    second = utils.random_arrays((2, 3)), utils.rand_shape_nd(4), utils.rand_ndarray((5,)).asnumpy()
    for one, other in zip(first, second):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], utils.random_arrays((2, 3)))


def test_shapes_and_coordinates_cover_their_ranges():
    shapes = [utils.rand_shape_2d(2, 3) for _ in range(200)]
    assert set(shapes) == {(i, j) for i in (1, 2) for j in (1, 2, 3)}
    assert {n for _ in range(100) for n in utils.rand_shape_3d(1, 1, 1, allow_zero_size=True)} == {0, 1}
    assert {n for _ in range(100) for n in utils.rand_shape_nd(3, 2)} == {1, 2}
    assert {utils.rand_coord_2d(0, 2, 5, 7) for _ in range(200)} == {(0, 5), (0, 6), (1, 5), (1, 6)}


def test_distributions():
    values = utils.random_arrays((10000,))
    assert abs(values.mean()) < 0.05 and abs(values.std() - 1) < 0.05  # five standard errors
    (values,) = utils.random_uniform_arrays((10000,), low=2, high=4)
    assert values.min() >= 2 and values.max() < 4 and abs(values.mean() - 3) < 0.03 and values.dtype == np.float32
    with pytest.raises(TypeError, match="Got unexpected argument/s : .*'hi'"):
        utils.random_uniform_arrays((2,), hi=3)


def test_random_sample():
    population = list(range(20))
    sample = utils.random_sample(population, 5)
    assert len(set(sample)) == 5 and set(sample) < set(population) and population == list(range(20))
    with pytest.raises(AssertionError, match="k=21 is not between 0 and the 20 elements"):
        utils.random_sample(population, 21)


def test_reductions_refuse_and_repair():
    dat = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(utils.np_reduce(dat, (0, -2), True, np.sum), [[3, 5, 7]])  # one axis, named twice
    for shape in ((2,), (1, 1, 2, 3)):
        with pytest.raises(AssertionError, match="does not broadcast"):
            utils.collapse_sum_like(dat, shape)
    with pytest.raises(AssertionError, match=r"arrays of one shape, but got \(2,\) and \(3,\)"):
        utils.assign_each2(np.ones(2), np.ones(3), max)
    np.testing.assert_array_equal(utils.assign_each(dat.T, lambda x: 2 * x), 2 * dat.T)


def test_shuffled_columns_stay_in_their_rows():
    class Csr:
        indptr, indices = np.array([0, 5, 5, 8]), np.arange(8)

    utils.shuffle_csr_column_indices(Csr)
    assert sorted(Csr.indices[:5]) == [0, 1, 2, 3, 4] and sorted(Csr.indices[5:]) == [5, 6, 7]
    assert list(Csr.indices) != list(range(8))


def test_matrices():
    matrix = utils.new_matrix_with_real_eigvals_2d(6)
    values = np.linalg.eigvals(matrix)
    assert np.abs(values.imag).max() < 1e-9 and np.abs(values.real).max() <= 10
    assert not np.allclose(matrix, matrix.T)
    stack = utils.new_matrix_with_real_eigvals_nd((2, 3, 4, 4))
    assert stack.shape == (2, 3, 4, 4) and np.abs(np.linalg.eigvals(stack).imag).max() < 1e-9
    orthonormal = utils.new_orthonormal_matrix_2d(5)
    np.testing.assert_allclose(orthonormal @ orthonormal.T, np.eye(5), atol=1e-12)
    symmetric = utils.new_sym_matrix_with_real_eigvals_nd((3, 4, 4))
    np.testing.assert_allclose(symmetric, symmetric.transpose(0, 2, 1), atol=1e-12)
    assert np.abs(np.linalg.eigvalsh(symmetric)).max() <= 10
    assert utils.new_matrix_with_real_eigvals_nd((3, 3)).shape == (3, 3)


def test_default_context():
    with mx.cpu(0):
        utils.set_default_context(mx.cpu(1))
        assert utils.default_context() == mx.current_context() == mx.cpu(1)
        with mx.cpu(2):
            assert utils.default_context() == mx.cpu(2)
        assert utils.rand_ndarray((1,)).context == mx.cpu(1)
    assert utils.default_context() == mx.cpu(0)
    with pytest.raises(TypeError, match="takes a Context such as mx.cpu"):
        utils.set_default_context("cpu")
