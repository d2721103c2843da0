"""Random matrices of known character, on the host: a part of `test_utils`."""
import math

import numpy as np
from numpy import random as rnd

__all__ = ["new_matrix_with_real_eigvals_2d", "new_matrix_with_real_eigvals_nd", "new_orthonormal_matrix_2d",
           "new_sym_matrix_with_real_eigvals_2d", "new_sym_matrix_with_real_eigvals_nd"]

_GREATEST = 10.0  # of the eigenvalues, in absolute value
_CONDITION = 3  # of the eigenvectors at most: a result then loses little precision


def new_matrix_with_real_eigvals_2d(n):
    """Return a random (n, n) matrix whose eigenvalues are real and between -10 and 10, and whose eigenvectors are well-conditioned.

    Examples
    --------
    >>> import numpy as np
    >>> bool(np.abs(np.linalg.eigvals(new_matrix_with_real_eigvals_2d(3)).imag).max() < 1e-6)
    True
    """
    axis = rnd.uniform(-1.0, 1.0, (n, 1))
    axis /= np.linalg.norm(axis)
    scales = rnd.choice([-1.0, 1.0], n) * rnd.uniform(1 / _CONDITION, 1.0, n)
    vectors = (np.eye(n) - 2 * axis * axis.T) * scales  # a reflection with scaled columns
    return np.linalg.inv(vectors) * rnd.uniform(-_GREATEST, _GREATEST, n) @ vectors


def new_matrix_with_real_eigvals_nd(shape):
    """Return random matrices as :func:`new_matrix_with_real_eigvals_2d` does, stacked to an array of a shape (..., n, n).

    Examples
    --------
    >>> new_matrix_with_real_eigvals_nd((2, 3, 3)).shape
    (2, 3, 3)
    """
    return _stacked(new_matrix_with_real_eigvals_2d, shape)


def new_orthonormal_matrix_2d(n):
    """Return a random (n, n) matrix whose rows are orthonormal.

    Examples
    --------
    >>> import numpy as np
    >>> matrix = new_orthonormal_matrix_2d(3)
    >>> np.allclose(matrix @ matrix.T, np.eye(3))
    True
    """
    return np.linalg.qr(rnd.standard_normal((n, n)))[0]


def new_sym_matrix_with_real_eigvals_2d(n):
    """Return a random symmetric (n, n) matrix with eigenvalues between -10 and 10.

    Examples
    --------
    >>> import numpy as np
    >>> matrix = new_sym_matrix_with_real_eigvals_2d(3)
    >>> np.allclose(matrix, matrix.T)
    True
    """
    vectors = new_orthonormal_matrix_2d(n)
    return vectors.T * rnd.uniform(-_GREATEST, _GREATEST, n) @ vectors


def new_sym_matrix_with_real_eigvals_nd(shape):
    """Return random symmetric matrices, stacked to an array of a shape (..., n, n).

    Examples
    --------
    >>> new_sym_matrix_with_real_eigvals_nd((2, 3, 3)).shape
    (2, 3, 3)
    """
    return _stacked(new_sym_matrix_with_real_eigvals_2d, shape)


def _stacked(make, shape):
    return np.array([make(shape[-1]) for _ in range(math.prod(shape[:-2]))]).reshape(shape)
