"""Partly known shapes: 0 stands for a size that the first batch will tell (-1 under NumPy semantics)."""

__all__ = ['compatible', 'filled', 'merged', 'shape_is_known']


def shape_is_known(shape):
    """Tell whether every size of a shape is known. A shape of None or () is unknown.

    Raises
    ------
    AssertionError
        A size is negative.

    Examples
    --------
    >>> shape_is_known((2, 3)), shape_is_known((2, 0)), shape_is_known(())
    (True, False, False)
    """
    if not shape:
        return False
    for size in shape:
        if size == 0:
            return False
        if size < 0:
            raise AssertionError(f'shape dimension size cannot be less than 0, while received {size}')
    return True


def compatible(new, old):
    """Tell whether `new` may replace `old`: same rank, and a size of `old` changes only where it was unknown.

    Examples
    --------
    >>> compatible((2, 4), (2, 0)), compatible((2, 4), (2, 3)), compatible((2,), (2, 0))
    (True, False, False)
    """
    return len(new) == len(old) and all(j in (0, -1) or i == j for i, j in zip(new, old))


def filled(shape, known):
    """Return `shape` with its unknown sizes taken from `known`.

    Examples
    --------
    >>> filled((2, 0), (2, 4))
    (2, 4)
    """
    return tuple([j if i == 0 else i for i, j in zip(shape, known)])


def merged(new, old):
    """Return what two views of one shape say together; None where they contradict each other.

    References
    ----------
    MXNet 1.9.1, `ParameterDict.get`: of two unknown sizes the older spelling (0 or -1) stays, unless they are equal.

    Examples
    --------
    >>> merged((2, 0), (0, 3)), merged((2, 4), (2, 3)), merged((0, 3), (-1, 3))
    ((2, 3), None, (-1, 3))
    """
    result = []
    for i, j in zip(new, old):
        if i != j and i > 0 and j > 0:
            return None
        result.append(j if i in (0, -1) else i)
    return tuple(result)
