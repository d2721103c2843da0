"""Functions that turn their arguments into those of an operator: sym.split_v2 and sym.histogram."""
from .functions import function
from .symbol import Symbol

__all__ = ['histogram', 'split_v2']


def split_v2(ary, indices_or_sections, axis=0, squeeze_axis=False):
    """Cut along an axis.

    Parameters
    ----------
    ary : Symbol
    indices_or_sections : int or tuple of int
        Number of equal parts, or where to cut.
    axis : int
    squeeze_axis : bool
        Remove the axis from parts of length 1.

    Examples
    --------
    >>> import blockscope as mx
    >>> len(split_v2(mx.sym.var('x'), (1, 3)))
    3
    """
    if isinstance(indices_or_sections, int):
        indices, sections = [], indices_or_sections
    elif isinstance(indices_or_sections, tuple):
        indices, sections = [0, *indices_or_sections], 0
    else:
        raise ValueError('indices_or_sections must either int or tuple of ints')
    return function('_split_v2')(ary, indices, axis, squeeze_axis, sections)


def histogram(a, bins=10, range=None, **kwargs):  # noqa: A002 (MXNet's name)
    """Count values in bins: a number of equal ones over `range`, or the edges given as a symbol; return counts and edges."""
    if isinstance(bins, Symbol):
        return function('_histogram')(data=a, bins=bins, **kwargs)
    if isinstance(bins, int):
        if range is None:
            raise ValueError('null range is not supported in symbol mode')
        return function('_histogram')(data=a, bin_cnt=bins, range=range, **kwargs)
    raise ValueError('bins argument should be either an integer or an NDArray')


Symbol.split_v2 = split_v2
