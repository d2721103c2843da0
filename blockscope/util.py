"""NumPy shape semantics: whether shapes such as ``()`` and ``(0, 3)`` in a file are those of arrays, and not of unknown size.

MXNet has two switches: shape semantics, which is here, and array semantics (``mx.np`` arrays), which is not available.
"""

import functools
import warnings

from .errors import MXNetError
from .ndarray.np_shape import is_np_shape, pop_np_shape, push_np_shape, set_np_shape

__all__ = ["is_np_array", "is_np_shape", "np_shape", "reset_np", "set_np", "set_np_shape", "use_np_shape"]


def is_np_array():
    """Return whether blocks work on ``mx.np`` arrays: never."""
    return False


class np_shape:
    """A scope in which NumPy shape semantics is on or off; entered as often as wanted.

    Examples
    --------
    >>> import blockscope as mx
    >>> with mx.util.np_shape(True):
    ...     mx.util.is_np_shape()
    True
    >>> mx.util.is_np_shape()
    False
    """

    def __init__(self, active=True):
        self._active = bool(active)

    def __enter__(self):
        push_np_shape(self._active)
        return self

    def __exit__(self, kind, value, trace):
        pop_np_shape(self._active)


def use_np_shape(func):
    """Return a function that runs under NumPy shape semantics."""
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        with np_shape(True):
            return func(*args, **kwargs)
    return wrapped


def set_np(shape=True, array=True, dtype=False):
    """Switch on NumPy shape semantics.

    Array semantics can't be switched on, since there are no ``mx.np`` arrays; asking for it (the default, as in MXNet) warns.

    Raises
    ------
    ValueError
        If `array` is asked for without `shape`.
    MXNetError
        If `dtype` (NumPy's default of float64) is asked for.
    """
    if not shape and array:
        raise ValueError("NumPy Shape semantics is required in using NumPy array semantics.")
    if dtype:
        raise MXNetError("set_np: dtype=True belongs to mx.np arrays, which are not available in blockscope")
    if array:
        warnings.warn("mx.np arrays are not available in blockscope: set_np switches on NumPy shape semantics alone; say "
                      "set_np(array=False) to do so without this warning", stacklevel=2)
    set_np_shape(shape)


def reset_np():
    """Switch NumPy shape semantics off."""
    set_np_shape(False)
