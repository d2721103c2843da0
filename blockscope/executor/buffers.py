"""Buffers: memory for results that stay inside of a plan, in the order in which the results lie in memory."""

__all__ = ['Buffer', 'outside_of']


class Buffer:
    """What is known of a buffer before it is made.

    Parameters
    ----------
    array : raw array
        A result such as the buffer is to hold.
    """

    __slots__ = ('_axes', '_back', '_dtype', '_shape')

    def __init__(self, array):
        axes = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
        self._shape = tuple(array.shape[axis] for axis in axes)
        self._axes = tuple(axes)
        self._back = tuple(sorted(range(array.ndim), key=axes.__getitem__))
        self._dtype = array.dtype

    def make(self, xp):
        """Return a new array, of the example's shape, type and order of axes in memory."""
        array = xp.empty(self._shape, self._dtype)
        return array if self._axes == self._back == tuple(range(array.ndim)) else array.transpose(self._back)


def outside_of(buffers, arrays):
    """Return arrays, copied where they lie in one of the buffers, which are to be used again."""
    owners = {id(_owner(buffer)) for buffer in buffers}
    return [array.copy() if id(_owner(array)) in owners else array for array in arrays]


def _owner(array):
    """Return the array whose memory an array lies in (anything else is its own)."""
    base = getattr(array, 'base', None)
    return array if base is None else base
