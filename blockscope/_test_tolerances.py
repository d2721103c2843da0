"""The tolerances within which arrays count as equal, by dtype: a part of `test_utils`."""
import numbers
import os

import numpy as np

__all__ = ["default_atols", "default_numeric_eps", "default_rtols", "effective_dtype", "get_atol",
           "get_etol", "get_rtol", "get_tolerance", "get_tols"]

_EXACT = ("bool", "int8", "uint8", "int32", "uint32", "int64", "uint64")


def _by_dtype(half, single, double):
    return {np.dtype(np.float16): half, np.dtype(np.float32): single, np.dtype(np.float64): double}


def default_rtols():
    """Return the relative tolerances by dtype that comparisons use when none is given.

    Returns
    -------
    dict of numpy.dtype -> float

    Examples
    --------
    >>> import numpy as np
    >>> default_rtols()[np.dtype("float32")]
    0.0001
    """
    return {**_by_dtype(1e-2, 1e-4, 1e-5), **{np.dtype(name): 0 for name in _EXACT}}


def default_atols():
    """Return the absolute tolerances by dtype that comparisons use when none is given.

    Returns
    -------
    dict of numpy.dtype -> float

    Examples
    --------
    >>> import numpy as np
    >>> default_atols()[np.dtype("float16")]
    0.1
    """
    return {**_by_dtype(1e-1, 1e-3, 1e-20), **{np.dtype(name): 0 for name in _EXACT}}


def default_numeric_eps():
    """Return the steps by dtype that finite differences take; powers of two, so that adding one loses no bits.

    Returns
    -------
    dict of numpy.dtype -> float

    Examples
    --------
    >>> import numpy as np
    >>> default_numeric_eps()[np.dtype("float32")] == 2 ** -9
    True
    """
    return _by_dtype(2.0 ** -6, 2.0 ** -9, 2.0 ** -14)


def effective_dtype(dat):
    """Return the dtype whose tolerance suits an array: its own, but float16 for float32 products on a GPU under ``CUPY_TF32=1``.

    Parameters
    ----------
    dat : NDArray or numpy.ndarray

    Returns
    -------
    numpy.dtype

    Examples
    --------
    >>> import blockscope as mx
    >>> effective_dtype(mx.nd.ones(2))
    dtype('float32')
    """
    dtype, ctx = np.dtype(dat.dtype), getattr(dat, "ctx", None)
    # With that switch products of matrices on a GPU have the mantissa of float16.
    rounded = dtype == np.float32 and ctx is not None and ctx.device_type == "gpu" and os.environ.get("CUPY_TF32") == "1"
    return np.dtype(np.float16) if rounded else dtype


def get_tolerance(dat, tol, default_tol):
    """Return the tolerance for an array.

    Parameters
    ----------
    dat : NDArray or numpy.ndarray
        Its dtype counts.
    tol : float, dict of numpy.dtype -> float, or None
        A number is the answer; a dict is asked first.
    default_tol : dict of numpy.dtype -> float
        Asked next. Integers that it lacks (int16, uint16) must agree exactly.

    Raises
    ------
    KeyError
        When neither knows the dtype.

    Examples
    --------
    >>> import numpy as np
    >>> get_tolerance(np.ones(2), {np.dtype("float32"): 0.5}, default_rtols())
    1e-05
    """
    if isinstance(tol, numbers.Number):
        return tol
    dtype = effective_dtype(dat)
    if tol and dtype in tol:
        return tol[dtype]
    if dtype not in default_tol and dtype.kind not in "iub":
        raise KeyError(f"there is no default tolerance for dtype {dtype}: pass a number")
    return default_tol.get(dtype, 0)


def get_tols(x, y, rtol, atol):
    """Return the relative and the absolute tolerance for comparing two arrays: the larger of what each of them needs.

    Parameters
    ----------
    x, y : NDArray, numpy.ndarray or number
        Numbers count as float64 or int64.
    rtol, atol : float, dict of numpy.dtype -> float, or None
        As for :func:`get_tolerance`.

    Returns
    -------
    rtol, atol : float

    Examples
    --------
    >>> import numpy as np
    >>> get_tols(np.ones(2, "float16"), np.ones(2, "float32"), None, None)
    (0.01, 0.1)
    """
    x, y = (value if hasattr(value, "dtype") else np.array(value) for value in (x, y))
    return tuple(max(get_tolerance(x, tol, defaults), get_tolerance(y, tol, defaults))
                 for tol, defaults in ((rtol, default_rtols()), (atol, default_atols())))


def get_atol(atol=None, dtype=np.dtype(np.float64)):
    """Return `atol`, or the default absolute tolerance of a dtype.

    Examples
    --------
    >>> get_atol(), get_atol(0.5)
    (1e-20, 0.5)
    """
    return default_atols()[np.dtype(dtype)] if atol is None else atol


def get_rtol(rtol=None, dtype=np.dtype(np.float64)):
    """Return `rtol`, or the default relative tolerance of a dtype.

    Examples
    --------
    >>> get_rtol(), get_rtol(0.5)
    (1e-05, 0.5)
    """
    return default_rtols()[np.dtype(dtype)] if rtol is None else rtol


def get_etol(etol=None):
    """Return `etol`, the share of elements that may differ, or the default of none.

    Examples
    --------
    >>> get_etol(), get_etol(0.1)
    (0, 0.1)
    """
    return 0 if etol is None else etol
