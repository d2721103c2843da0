"""Functions that turn their arguments into those of an operator: nd.split_v2 and nd.histogram."""

from .array import NDArray
from .dispatch import function


def split_v2(ary, indices_or_sections, axis=0, squeeze_axis=False):
    """Cut an array along an axis.

    Parameters
    ----------
    ary : NDArray
        What to cut.
    indices_or_sections : int or tuple of int
        Number of equal parts, or where to cut.
    axis : int
        Along which axis.
    squeeze_axis : bool
        Remove the axis from parts of length 1.

    Examples
    --------
    >>> import blockscope as mx
    >>> [part.shape for part in mx.nd.split_v2(mx.nd.zeros((5, 2)), (1, 3))]
    [(1, 2), (2, 2), (2, 2)]
    """
    if isinstance(indices_or_sections, int):
        if ary.shape[axis] % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
        return function("_split_v2")(ary, indices=(), axis=axis, squeeze_axis=squeeze_axis, sections=indices_or_sections)
    indices = (0, *indices_or_sections)
    return function("_split_v2")(ary, indices=indices, axis=axis, squeeze_axis=squeeze_axis)


def histogram(a, bins=10, range=None):
    """Count values in bins.

    Parameters
    ----------
    a : NDArray
        Values.
    bins : int or NDArray
        Number of equal bins, or their edges.
    range : (float, float), optional
        Lowest and highest edge; those of the values by default.

    Returns
    -------
    list of NDArray
        Counts, and edges.
    """
    if isinstance(bins, NDArray):
        return function("_histogram")(a, bins=bins)
    if range is None:
        low, high = float(a.min().asscalar()), float(a.max().asscalar())
        counts, edges = function("_histogram")(a, bin_cnt=bins, range=(low, high))
        return [counts.astype("float32"), edges]  # MXNet's types, which differ with and without range
    return function("_histogram")(a, bin_cnt=bins, range=range)
