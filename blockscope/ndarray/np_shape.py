"""Whether NumPy shape semantics is on, in this thread of execution."""

from ..naming import ambient

_active = ambient.stack("np_shape")


def is_np_shape():
    """Return whether shapes ``()`` and ``(0, 3)`` are those of arrays, and not of unknown size."""
    return _active.top(False)


def set_np_shape(active):
    """Switch NumPy shape semantics on or off until it is switched again; return what it was.

    Examples
    --------
    >>> set_np_shape(True), set_np_shape(False), is_np_shape()
    (False, True, False)
    """
    before = _active.top(False)
    _active.leave(before)
    _active.push(bool(active))
    return before


def push_np_shape(active):
    """Enter a scope of NumPy shape semantics."""
    _active.push(active)


def pop_np_shape(active):
    """Leave the innermost scope of that kind."""
    _active.leave(active)
