"""Views of arrays with their channels moved: kernels compute channels-last, operators are defined channels-first."""


def to_last(x):
    """Return the view of a channels-first array with its channels last."""
    return x.transpose((0, *range(2, x.ndim), 1))


def to_first(x):
    """Return the view of a channels-last array with its channels first."""
    return x.transpose((0, x.ndim - 1, *range(1, x.ndim - 1)))
