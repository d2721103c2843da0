"""Random arrays, shapes and matrices, and small array tools: a part of `test_utils`.

Random numbers of the host come from ``numpy.random``, as in MXNet: seed them with ``numpy.random.seed``.
"""
import numpy as np
from numpy import random as rnd

from . import ndarray as nd
from .backend import Context, current_context
from .naming import ambient

__all__ = ["assign_each", "assign_each2", "collapse_sum_like", "create_2d_tensor", "create_sparse_array", "create_sparse_array_zd",
           "create_vector", "default_context", "default_dtype", "get_identity_mat", "get_identity_mat_batch", "np_reduce",
           "rand_coord_2d", "rand_ndarray", "rand_shape_2d", "rand_shape_3d", "rand_shape_nd", "rand_sparse_ndarray", "random_arrays",
           "random_sample", "random_uniform_arrays", "set_default_context", "shuffle_csr_column_indices"]


def default_context():
    """Return the context that the functions here use when none is given: the current one.

    Examples
    --------
    >>> import blockscope as mx
    >>> default_context()
    cpu(0)
    """
    return current_context()


def set_default_context(ctx):
    """Make a context the current one of this thread until the innermost ``with ctx:`` around the call ends (outside one: for good).

    Parameters
    ----------
    ctx : Context

    Examples
    --------
    >>> import blockscope as mx
    >>> with mx.cpu(0):
    ...     set_default_context(mx.cpu(1))
    ...     mx.nd.zeros(2).context
    cpu(1)
    """
    if not isinstance(ctx, Context):
        raise TypeError(f"set_default_context takes a Context such as mx.cpu(), but got {ctx!r}")
    ambient.stack("context").assign(ctx)


def default_dtype():
    """Return the dtype that the functions here use when none is given.

    Examples
    --------
    >>> default_dtype()
    <class 'numpy.float32'>
    """
    return np.float32


# ---- host arrays ---------------------------------------------------------------------------------------------------------------


def random_arrays(*shapes):
    """Return NumPy arrays of standard normal numbers in float32: one for one shape, else a list.

    Parameters
    ----------
    *shapes : tuple of int

    Examples
    --------
    >>> random_arrays((2, 3)).shape, [array.shape for array in random_arrays((2,), ())]
    ((2, 3), [(2,), ()])
    """
    arrays = [np.array(rnd.standard_normal(shape), dtype=default_dtype()) for shape in shapes]
    return arrays[0] if len(arrays) == 1 else arrays


def random_uniform_arrays(*shapes, **kwargs):
    """Return a list of NumPy arrays of uniform numbers.

    Parameters
    ----------
    *shapes : tuple of int
    low, high : float, default 0 and 1
        The interval.
    dtype : numpy type, default float32

    Examples
    --------
    >>> (array,) = random_uniform_arrays((2, 3), low=5, high=6, dtype="float64")
    >>> array.dtype, bool((array >= 5).all())
    (dtype('float64'), True)
    """
    low, high, dtype = kwargs.pop("low", 0.0), kwargs.pop("high", 1.0), kwargs.pop("dtype", default_dtype())
    if kwargs:
        raise TypeError(f"Got unexpected argument/s : {kwargs.keys()}")
    return [np.asarray(rnd.uniform(low, high, size=shape), dtype=dtype) for shape in shapes]


def random_sample(population, k):
    """Return `k` distinct elements of a sequence in random order.

    Parameters
    ----------
    population : sequence
    k : int
        At most its length.

    Examples
    --------
    >>> sorted(random_sample([1, 2, 3], 3))
    [1, 2, 3]
    """
    if not 0 <= k <= len(population):
        raise AssertionError(f"random_sample: k={k} is not between 0 and the {len(population)} elements there are")
    shuffled = population[:]
    rnd.shuffle(shuffled)
    return shuffled[:k]


def assign_each(the_input, function):
    """Return a NumPy array of ``function(element)`` in float64; a copy of the input when `function` is None.

    Examples
    --------
    >>> import numpy as np
    >>> assign_each(np.array([1, 2]), lambda x: x * 10)
    array([10., 20.])
    """
    if function is None:
        return np.array(the_input)
    the_input = np.asarray(the_input)
    return np.array([function(value) for value in the_input.flat], dtype=np.float64).reshape(the_input.shape)


def assign_each2(input1, input2, function):
    """Return a NumPy array of ``function(element1, element2)`` in float64; a copy of `input1` when `function` is None.

    Examples
    --------
    >>> import numpy as np
    >>> assign_each2(np.array([1, 2]), np.array([3, 4]), lambda x, y: x * y)
    array([3., 8.])
    """
    if function is None:
        return np.array(input1)
    input1, input2 = np.asarray(input1), np.asarray(input2)
    if input1.shape != input2.shape:
        raise AssertionError(f"assign_each2 takes arrays of one shape, but got {input1.shape} and {input2.shape}")
    values = [function(*pair) for pair in zip(input1.flat, input2.flat)]
    return np.array(values, dtype=np.float64).reshape(input1.shape)


def np_reduce(dat, axis, keepdims, numpy_reduce_func):
    """Reduce a NumPy array over axes with a function that takes one axis at a time.

    Parameters
    ----------
    dat : numpy.ndarray
    axis : int, sequence of int, or None
        None means all.
    keepdims : bool
        Keep reduced axes with length 1.
    numpy_reduce_func : callable
        Such as ``np.sum``: called as ``f(array, axis=int)``.

    Examples
    --------
    >>> import numpy as np
    >>> np_reduce(np.ones((2, 3, 4)), (0, 2), True, np.sum)
    array([[[8.],
            [8.],
            [8.]]])
    """
    axes = range(dat.ndim) if axis is None else [axis] if isinstance(axis, (int, np.integer)) else axis
    axes = sorted({one % dat.ndim for one in axes})
    reduced = dat
    for one in reversed(axes):
        reduced = numpy_reduce_func(reduced, axis=one)
    if keepdims:
        reduced = reduced.reshape(tuple(1 if one in axes else length for one, length in enumerate(dat.shape)))
    return reduced


def collapse_sum_like(a, shape):
    """Sum a NumPy array over what broadcasting from `shape` had added: the gradient of broadcasting.

    Parameters
    ----------
    a : numpy.ndarray
    shape : tuple of int
        Broadcasts to the shape of `a`.

    Examples
    --------
    >>> import numpy as np
    >>> collapse_sum_like(np.ones((4, 2, 3)), (2, 1))
    array([[12.],
           [12.]])
    """
    added = a.ndim - len(shape)
    if added < 0 or any(own not in (1, length) for own, length in zip(shape, a.shape[max(added, 0):])):
        raise AssertionError(f"collapse_sum_like: shape {tuple(shape)} does not broadcast to {a.shape}")
    if 0 in shape or a.size == 0:
        return np.zeros(shape, dtype=a.dtype)
    axes = [*range(added), *(added + n for n, own in enumerate(shape) if own != a.shape[added + n])]
    return np.sum(a, axis=tuple(axes)).reshape(shape)


# ---- NDArrays ------------------------------------------------------------------------------------------------------------------


def create_2d_tensor(rows, columns, dtype=np.int64):
    """Return an NDArray whose row i is filled with i.

    Examples
    --------
    >>> create_2d_tensor(3, 2).asnumpy().tolist()
    [[0, 0], [1, 1], [2, 2]]
    """
    return nd.broadcast_to(nd.arange(0, rows, dtype=dtype).reshape(rows, 1), shape=(rows, columns))


def create_vector(size, dtype=np.int64):
    """Return the NDArray 0, 1, ..., size - 1.

    Examples
    --------
    >>> create_vector(3).asnumpy()
    array([0, 1, 2])
    """
    return nd.arange(0, size, dtype=dtype)


def get_identity_mat(size):
    """Return the identity matrix as an NDArray.

    Examples
    --------
    >>> get_identity_mat(2).asnumpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return nd.eye(size)


def get_identity_mat_batch(size):
    """Return two identity matrices as an NDArray of shape (2, size, size).

    Examples
    --------
    >>> get_identity_mat_batch(3).shape
    (2, 3, 3)
    """
    identity = nd.eye(size)
    return nd.stack(identity, identity)


def rand_ndarray(shape, stype='default', density=None, dtype=None, modifier_func=None,
                 shuffle_csr_indices=False, distribution=None, ctx=None):
    """Return an NDArray of standard normal numbers.

    Parameters
    ----------
    shape : tuple of int
    stype : str
        'default'; 'csr' and 'row_sparse' raise, see :func:`rand_sparse_ndarray`.
    dtype : str or numpy type, default float32
    ctx : Context, optional
        Where to put it; the current context by default.
    density, modifier_func, shuffle_csr_indices, distribution
        For sparse arrays: they have no meaning for 'default' and may be given all the same.

    Examples
    --------
    >>> rand_ndarray((2, 3), dtype="float64").dtype
    <class 'numpy.float64'>
    """
    if stype == "default":
        return nd.array(random_arrays(shape), dtype=dtype, ctx=ctx or default_context())
    array, _ = rand_sparse_ndarray(shape, stype, density=density, modifier_func=modifier_func, dtype=dtype, distribution=distribution,
                                   shuffle_csr_indices=shuffle_csr_indices, ctx=ctx)
    return array


def rand_sparse_ndarray(shape, stype, density=None, dtype=None, distribution=None,
                        data_init=None, rsp_indices=None, modifier_func=None,
                        shuffle_csr_indices=False, ctx=None):
    """Raise MXNetError: blockscope has no sparse arrays yet.

    Raises
    ------
    MXNetError
        For 'csr' and 'row_sparse'.
    AssertionError
        For other storage types.
    """
    makers = {"row_sparse": nd.sparse.row_sparse_array, "csr": nd.sparse.csr_matrix}
    if stype not in makers:
        raise AssertionError(f"unknown storage type {stype!r}: use 'csr' or 'row_sparse'")
    return makers[stype](shape=shape, dtype=dtype, ctx=ctx)


def create_sparse_array(shape, stype, data_init=None, rsp_indices=None,
                        dtype=None, modifier_func=None, density=.5,
                        shuffle_csr_indices=False):
    """Raise MXNetError: blockscope has no sparse arrays yet (see :func:`rand_sparse_ndarray`)."""
    return rand_sparse_ndarray(shape, stype, density=density, dtype=dtype, data_init=data_init, rsp_indices=rsp_indices,
                               modifier_func=modifier_func, shuffle_csr_indices=shuffle_csr_indices)[0]


def create_sparse_array_zd(shape, stype, density, data_init=None,
                           rsp_indices=None, dtype=None, modifier_func=None,
                           shuffle_csr_indices=False):
    """Raise MXNetError: blockscope has no sparse arrays yet (see :func:`rand_sparse_ndarray`)."""
    return create_sparse_array(shape, stype, data_init=data_init, rsp_indices=rsp_indices, dtype=dtype, modifier_func=modifier_func,
                               density=density, shuffle_csr_indices=shuffle_csr_indices)


def shuffle_csr_column_indices(csr):
    """Shuffle the column indices within each row of a CSR matrix, in place; the values stay where they are.

    Parameters
    ----------
    csr : scipy.sparse.csr_matrix
        Anything with ``indptr`` and ``indices``.
    """
    for begin, end in zip(csr.indptr[:-1], csr.indptr[1:]):
        csr.indices[begin:end] = rnd.permutation(csr.indices[begin:end])


# ---- shapes --------------------------------------------------------------------------------------------------------------------


def rand_shape_2d(dim0=10, dim1=10, allow_zero_size=False):
    """Return a random shape of two axes, of lengths 1 (or 0) to `dim0` and `dim1`.

    Examples
    --------
    >>> rand_shape_2d(1, 1)
    (1, 1)
    """
    return _rand_shape((dim0, dim1), allow_zero_size)


def rand_shape_3d(dim0=10, dim1=10, dim2=10, allow_zero_size=False):
    """Return a random shape of three axes, of lengths 1 (or 0) to `dim0`, `dim1` and `dim2`.

    Examples
    --------
    >>> rand_shape_3d(1, 1, 1)
    (1, 1, 1)
    """
    return _rand_shape((dim0, dim1, dim2), allow_zero_size)


def rand_shape_nd(num_dim, dim=10, allow_zero_size=False):
    """Return a random shape of `num_dim` axes, each of length 1 (or 0) to `dim`.

    Examples
    --------
    >>> rand_shape_nd(4, 1)
    (1, 1, 1, 1)
    """
    return tuple(int(length) for length in rnd.randint(0 if allow_zero_size else 1, dim + 1, size=num_dim))


def _rand_shape(longest, allow_zero_size):
    return tuple(int(rnd.randint(0 if allow_zero_size else 1, length + 1)) for length in longest)


def rand_coord_2d(x_low, x_high, y_low, y_high):
    """Return a random point (x, y) of integers with ``x_low <= x < x_high`` and ``y_low <= y < y_high``.

    Examples
    --------
    >>> x, y = rand_coord_2d(3, 4, 5, 6)
    >>> int(x), int(y)
    (3, 5)
    """
    return rnd.randint(x_low, x_high, dtype=np.int64), rnd.randint(y_low, y_high, dtype=np.int64)
