"""`Arena`: small weights, their gradients and states side by side in memory, so that one rule call updates them all.

A net of many small parameters spends its update in calls, not in arithmetic: six parameters of a small perceptron take six times
five ufunc calls. The first update therefore moves them next to each other; the NDArrays stay what they are, only their memory moves.
"""
import sys

__all__ = ['Arena', 'Packer', 'worth_packing']

_SMALL = 16384  # elements up to which a weight counts as small
_TRIES = 8  # how often arrays that somebody moved away again are packed anew


class _Lone:
    """An array that nobody else holds, to compare with."""

    def __init__(self):
        self._raw = object()
        self._storage = object()


def _holders(array):
    """Return how many references there are to an array's memory and to what it shares with views."""
    return sys.getrefcount(array._raw), sys.getrefcount(array._storage)


_ALONE, _ALONE_STORED = _holders(_Lone())


def _is_alone(array):
    """Return whether nobody else reads or writes an array's memory, so that it can be moved."""
    if array._alias or array._raw.base is not None:
        return False
    memory, stored = _holders(array)
    return memory <= _ALONE and (array._storage is None or stored <= _ALONE_STORED)


def worth_packing(lrs, wds, weights):
    """Return whether weights are several small ones with one learning rate and weight decay."""
    count = len(weights)
    return (count > 1 and lrs.count(lrs[0]) == count and wds.count(wds[0]) == count
            and max([weight._raw.size for weight in weights]) <= _SMALL)


class Arena:
    """Arrays of several weights in common memory.

    Parameters
    ----------
    kinds : list of list of NDArray
        Weights, gradients, and each kind of state, one array a weight in each.
    xp : module
        Array module.
    """

    def __init__(self, kinds, xp):
        self.flat = []
        self._views = []
        for arrays in kinds:
            flat = xp.empty(sum(x._raw.size for x in arrays), arrays[0]._raw.dtype)
            start, views = 0, []
            for x in arrays:
                stop = start + x._raw.size
                view = flat[start:stop].reshape(x._raw.shape)
                view[...] = x._raw
                x._raw = view
                views.append(view)
                start = stop
            self.flat.append(flat)
            self._views.append(views)

    def prepare(self, kinds):
        """Announce that all arrays but the gradients are overwritten; return whether all are still where they were packed."""
        for number, (arrays, views) in enumerate(zip(kinds, self._views)):
            if number == 1:
                for x, view in zip(arrays, views):
                    if x._raw is not view:
                        return False
            else:
                for x, view in zip(arrays, views):
                    if x._writable() is not view:
                        return False
        return True


class Packer:
    """Keeps the arena of the weights that an optimizer updates together."""

    def __init__(self):
        self._indices = None
        self._arena = None
        self._tries = 0

    def packed(self, indices, kinds, xp):
        """Return flat arrays that hold everything, or None where the arrays must stay apart.

        Parameters
        ----------
        indices : list
            Which weights.
        kinds : list of list of NDArray
            See `Arena`.
        xp : module
            Array module.
        """
        if self._arena is not None and self._indices == indices:
            if self._arena.prepare(kinds):
                return self._arena.flat
        elif self._indices != indices:
            self._indices, self._tries = indices, 0
        self._arena = None
        if self._tries >= _TRIES:
            return None
        self._tries += 1
        weights = kinds[0]
        for arrays in kinds:
            for x, weight in zip(arrays, weights):
                if arrays is not kinds[1]:
                    x._writable()  # aliases take copies before the memory moves
                if x._raw.shape != weight._raw.shape or x._raw.dtype != weight._raw.dtype or not _is_alone(x):
                    return None
        self._arena = Arena(kinds, xp)
        return self._arena.flat
