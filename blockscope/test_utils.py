"""Tools for tests, under MXNet's module name: compare arrays, check symbols and gradients, make random arrays, fetch data.

The parts live in ``blockscope._test_*``. Sparse arrays are not available: the functions that make them raise MXNetError.

Examples
--------
>>> import blockscope as mx
>>> mx.test_utils.assert_almost_equal(mx.nd.array([1, 2]), [1, 2.00001])
>>> mx.test_utils.same([1, 2], [1, 3])
False
"""
# flake8: noqa: F401
# Programs reach for these modules and names through test_utils, or get them by `from mxnet.test_utils import *`.
import logging
import os
import sys
import time

import numpy as np
from numpy import random as rnd

from ._test_arrays import (assign_each, assign_each2, collapse_sum_like, create_2d_tensor, create_sparse_array, create_sparse_array_zd,
                           create_vector, default_context, default_dtype, get_identity_mat, get_identity_mat_batch, np_reduce,
                           rand_coord_2d, rand_ndarray, rand_shape_2d, rand_shape_3d, rand_shape_nd, rand_sparse_ndarray, random_arrays,
                           random_sample, random_uniform_arrays, set_default_context, shuffle_csr_column_indices)
from ._test_comparing import (_find_max_violation, almost_equal, assert_allclose, assert_almost_equal, assert_almost_equal_ignore_nan,
                              assert_almost_equal_with_err, checkShapes, compare_ndarray_tuple, find_max_violation, locationError, same,
                              same_array)
from ._test_consistency import check_consistency, check_gluon_hybridize_consistency, compare_optimizer
from ._test_data import (DummyIter, download, download_model, get_bz2_data, get_cifar10, get_im2rec_path, get_mnist, get_mnist_iterator,
                         get_mnist_pkl, get_mnist_ubyte, get_zip_data)
from ._test_matrices import (new_matrix_with_real_eigvals_2d, new_matrix_with_real_eigvals_nd, new_orthonormal_matrix_2d,
                             new_sym_matrix_with_real_eigvals_2d, new_sym_matrix_with_real_eigvals_nd)
from ._test_process import (assert_exception, discard_stderr, environment, has_tvm_ops, is_aarch64_run, is_cd_run, is_op_runnable,
                            list_gpus, retry, set_env_var)
from ._test_statistics import chi_square_check, gen_buckets_probs_with_ppf, mean_check, var_check, verify_generator
from ._test_symbolic import (check_numeric_gradient, check_speed, check_symbolic_backward, check_symbolic_forward, numeric_grad,
                             same_symbol_structure, simple_forward)
from ._test_tolerances import (default_atols, default_numeric_eps, default_rtols, effective_dtype, get_atol, get_etol, get_rtol,
                               get_tolerance, get_tols)
from .context import Context, current_context
from .ndarray import array
from .symbol import Symbol
