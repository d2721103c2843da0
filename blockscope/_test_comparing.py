"""Comparing arrays within tolerances: the part of `test_utils` that says whether, where and how much two arrays differ.

Known bugs of MXNet 1.9.1 that are fixed here: a failing comparison no longer changes NumPy's print options for good, arrays that
only broadcast to each other and plain numbers get the message instead of an IndexError or AttributeError,
`assert_almost_equal_with_err` heeds `names`, `equal_nan` and `mismatches`, and `same_array` restores values exactly and tells
arrays apart whose elements are too big for ``+ 1`` to show.
"""
import numpy as np
from numpy import testing as npt

from ._test_tolerances import get_atol, get_etol, get_rtol, get_tols
from .ndarray import NDArray

__all__ = ["almost_equal", "assert_allclose", "assert_almost_equal", "assert_almost_equal_ignore_nan", "assert_almost_equal_with_err",
           "checkShapes", "compare_ndarray_tuple", "find_max_violation", "locationError", "same", "same_array"]

_BRIEF = {"threshold": 4, "suppress": True}  # how NumPy shows arrays that are not equal


def to_host(values):
    """Return values as a NumPy array: an NDArray's are fetched from its device, a NumPy array is given back itself."""
    return values.asnumpy() if isinstance(values, NDArray) else np.asarray(values)


# ---- questions -----------------------------------------------------------------------------------------------------------------


def same(a, b):
    """Say whether two arrays have the same shape and the same values.

    Parameters
    ----------
    a, b : NDArray or array_like

    Examples
    --------
    >>> import blockscope as mx
    >>> same(mx.nd.ones(2), [1, 1])
    True
    """
    return np.array_equal(to_host(a), to_host(b))


def almost_equal(a, b, rtol=None, atol=None, equal_nan=False, use_broadcast=True):
    """Say whether ``|a - b| <= atol + rtol * |b|`` everywhere.

    Parameters
    ----------
    a, b : NDArray or array_like
    rtol, atol : float, optional
        By default those of float64, 1e-5 and 1e-20, whatever the dtypes are.
    equal_nan : bool, default False
        Count NaN as equal to NaN.
    use_broadcast : bool, default True
        Allow shapes that broadcast to each other.

    Raises
    ------
    AssertionError
        When the shapes differ and `use_broadcast` is False.

    Examples
    --------
    >>> import numpy as np
    >>> almost_equal(np.array([1.0, 2.0]), np.array([1.0, 2.1])), almost_equal(np.ones(2), 1.01, rtol=0.1)
    (False, True)
    """
    if not use_broadcast:
        checkShapes(a, b)
    return bool(np.allclose(to_host(a), to_host(b), rtol=get_rtol(rtol), atol=get_atol(atol), equal_nan=equal_nan))


def find_max_violation(a, b, rtol=None, atol=None):
    """Return where two arrays differ most, measured in tolerances, and by how many of them.

    Parameters
    ----------
    a, b : NDArray or array_like
        Of shapes that broadcast to each other.
    rtol, atol : float, optional
        As for :func:`almost_equal`.

    Returns
    -------
    index : tuple of int
        ``()`` for numbers.
    violation : float
        ``|a - b| / (atol + rtol * |b|)`` there; more than 1 is a difference.

    Examples
    --------
    >>> import numpy as np
    >>> index, violation = find_max_violation(np.array([1.0, 2.0]), np.array([1.0, 2.5]), rtol=0.1, atol=0)
    >>> index, float(violation)
    ((1,), 2.0)
    """
    a, b = _subtractable(to_host(a)), _subtractable(to_host(b))
    with np.errstate(all="ignore"):  # inf - inf where both are inf counts as no difference
        difference = np.where(np.equal(a, b), 0, np.abs(a - b))
        violation = difference / (float(get_atol(atol)) + float(get_rtol(rtol)) * np.abs(b) + 1e-20)
    index = np.unravel_index(np.argmax(violation), violation.shape)
    return tuple(int(axis) for axis in index), np.max(violation)


_find_max_violation = find_max_violation  # MXNet 1.9's name for it


def _subtractable(values):
    # Differences of unsigned integers would wrap around, and booleans have none.
    return values.astype(np.float64) if values.dtype.kind in "biu" else values


def same_array(array1, array2):
    """Say whether two NDArrays share their memory: what is written to one appears in the other.

    The values are as before afterwards.

    Parameters
    ----------
    array1, array2 : NDArray

    Examples
    --------
    >>> import blockscope as mx
    >>> x = mx.nd.ones((2, 2))
    >>> same_array(x, x.reshape((2, 2))), same_array(x, x.copy())
    (True, False)
    """
    before = array1.copy()
    array1[:] = before == 0  # differs from `before` in every element
    follows = same(array1, array2)
    array1[:] = before
    return follows and np.array_equal(to_host(array1), to_host(array2), equal_nan=True)


# ---- messages ------------------------------------------------------------------------------------------------------------------


def locationError(a, b, index, names, maxError=False):
    """Return the line of a message that shows one differing element.

    Parameters
    ----------
    a, b : numpy.ndarray
    index : tuple of int
        Which element.
    names : tuple of str
        What to call the two.
    maxError : bool, default False
        Call it the maximum error.

    Examples
    --------
    >>> import numpy as np
    >>> locationError(np.array([1.0, 2.0]), np.array([1.0, 2.5]), (1,), ("x", "y"))
    'Location of error: (1,), x=2.00000000, y=2.50000000'
    """
    return (f"Location of {'maximum ' if maxError else ''}error: {index}, {names[0]}={float(np.real(a[index])):.8f}, "
            f"{names[1]}={float(np.real(b[index])):.8f}")


def _shown(a, b, message, **options):
    """Return a message with the two arrays below it, as NumPy 1 (and so MXNet) shows them."""
    with np.printoptions(legacy="1.25", **options):
        return npt.build_err_msg([a, b], err_msg=message)


def _report(a, b, rtol, atol, names, equal_nan, mismatches):
    """Print the worst mismatches of two arrays that differ, and return the text of the error."""
    index, violation = find_max_violation(a, b, rtol, atol)
    if index == ():
        return _shown(a, b, f"Error {violation:f} exceeds tolerance rtol={rtol:e}, atol={atol:e}.\n", **_BRIEF)
    left, right = np.broadcast_arrays(a, b)
    size, worst, where = left.size, violation, locationError(left, right, index, names, maxError=True)
    print(f"\n*** Maximum errors for vector of size {size}:  rtol={rtol}, atol={atol}\n")
    left, right = left.copy(), right.copy()
    wanted, most = mismatches
    count = 1
    while count <= size:
        if count <= wanted:
            print(f"{count:3d}: Error {violation:f}  {locationError(left, right, index, names)}")
        left[index] = right[index] = 0
        if almost_equal(left, right, rtol, atol, equal_nan=equal_nan):
            break
        count += 1
        if 0 < most < count:
            break
        index, violation = find_max_violation(left, right, rtol, atol)
    at_least = "at least " if 0 < most < count else ""
    return _shown(a, b, f"Error {worst:f} exceeds tolerance rtol={rtol:e}, atol={atol:e} (mismatch {at_least}"
                        f"{100 * count / size:f}%).\n{where}", **_BRIEF)


# ---- assertions ----------------------------------------------------------------------------------------------------------------


def checkShapes(a, b):
    """Raise AssertionError unless two arrays have the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> checkShapes(np.ones(2), np.zeros(2))
    """
    if np.shape(a) != np.shape(b):
        raise AssertionError(_shown(a, b, f"a.shape = {np.shape(a)} and b.shape = {np.shape(b)} are not equal"))


def assert_almost_equal(a, b, rtol=None, atol=None, names=('a', 'b'), equal_nan=False,
                        use_broadcast=True, mismatches=(10, 10)):
    """Raise AssertionError unless ``|a - b| <= atol + rtol * |b|`` everywhere.

    The error shows the worst element; more of them are printed.

    Parameters
    ----------
    a, b : NDArray or array_like
    rtol, atol : float or dict of numpy.dtype -> float, optional
        Tolerances; by default those of the dtypes of `a` and `b` (:func:`default_rtols`, :func:`default_atols`), the larger ones.
    names : tuple of str
        What the message calls the two.
    equal_nan : bool, default False
        Count NaN as equal to NaN.
    use_broadcast : bool, default True
        Allow shapes that broadcast to each other.
    mismatches : tuple of int
        How many differing elements to print, and how many to count (0 or less: all) before the message says "at least".

    Examples
    --------
    >>> import blockscope as mx
    >>> assert_almost_equal(mx.nd.array([1, 2]), [1, 2.0001])
    """
    if not use_broadcast:
        checkShapes(a, b)
    rtol, atol = get_tols(a, b, rtol, atol)
    a, b = to_host(a), to_host(b)
    if a.dtype == np.bool_ and b.dtype == np.bool_:
        np.testing.assert_equal(a, b)
    elif not almost_equal(a, b, rtol, atol, equal_nan=equal_nan):
        raise AssertionError(_report(a, b, rtol, atol, names, equal_nan, mismatches))


def assert_allclose(a, b, rtol=1e-07, atol=0, equal_nan=True):
    """Raise AssertionError unless two arrays agree as closely as NumPy's function of this name asks.

    Parameters
    ----------
    a, b : NDArray or array_like
    rtol, atol : float
        Tolerances.
    equal_nan : bool, default True
        Count NaN as equal to NaN.

    Examples
    --------
    >>> assert_allclose(1.0, 1.0 + 1e-9)
    """
    assert_almost_equal(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def assert_almost_equal_with_err(a, b, rtol=None, atol=None, etol=None,
                                 names=('a', 'b'), equal_nan=False, mismatches=(10, 10)):
    """Raise AssertionError when more than a share of the elements differ.

    Parameters
    ----------
    a, b : NDArray or array_like
    rtol, atol, names, equal_nan, mismatches
        As for :func:`assert_almost_equal`.
    etol : float, optional
        The share of elements (0 to 1) that may differ; none by default.

    Examples
    --------
    >>> import numpy as np
    >>> assert_almost_equal_with_err(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 5.0]), etol=0.25)
    """
    if not get_etol(etol) > 0:
        assert_almost_equal(a, b, rtol, atol, names, equal_nan, mismatches=mismatches)
        return
    rtol, atol = get_tols(a, b, rtol, atol)
    a, b = to_host(a), to_host(b)
    equal = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if 1 - np.count_nonzero(equal) / equal.size > etol:
        raise AssertionError(_report(a, b, rtol, atol, names, equal_nan, mismatches))


def assert_almost_equal_ignore_nan(a, b, rtol=None, atol=None, names=('a', 'b')):
    """Raise AssertionError unless two arrays agree wherever neither is NaN.

    Parameters
    ----------
    a, b : NDArray or array_like
        Of one shape.
    rtol, atol, names
        As for :func:`assert_almost_equal`.

    Examples
    --------
    >>> import numpy as np
    >>> assert_almost_equal_ignore_nan(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    """
    a, b = np.array(to_host(a)), np.array(to_host(b))
    unknown = np.isnan(a) | np.isnan(b)
    a[unknown] = b[unknown] = 0
    assert_almost_equal(a, b, rtol, atol, names)


def compare_ndarray_tuple(t1, t2, rtol=None, atol=None):
    """Raise AssertionError unless arrays, or nested tuples of them, agree within tolerances.

    Parameters
    ----------
    t1, t2 : NDArray, None, or tuple of these
        None on one side agrees with everything, and of tuples of different lengths the common part is compared, as in MXNet.
    rtol, atol : float, optional
        As for :func:`assert_almost_equal`.

    Examples
    --------
    >>> import blockscope as mx
    >>> compare_ndarray_tuple((mx.nd.ones(2), (mx.nd.zeros(3), None)), (mx.nd.ones(2), (mx.nd.zeros(3), None)))
    """
    if t1 is None or t2 is None:
        return
    if isinstance(t1, (tuple, list)):
        for one, other in zip(t1, t2):
            compare_ndarray_tuple(one, other, rtol, atol)
    else:
        assert_almost_equal(t1, t2, rtol=rtol, atol=atol)
