"""`Arena`: small weights, their gradients and states side by side in memory, so that one rule call updates them all.

A net of many small parameters spends its update in calls, not in arithmetic: six parameters of a small perceptron take six times
five ufunc calls. The first update therefore moves them next to each other; the NDArrays stay what they are, only their memory moves.
"""
import sys

__all__ = ['Arena', 'Packer', 'worth_packing']

_SMALL = 16384  # elements up to which a weight counts as small
_GRADIENTS = 1  # which kind of arrays these are: weights, gradients, states
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

    Attributes
    ----------
    flat : list of raw array
        One array a kind, that holds all of it.
    """

    def __init__(self, kinds, xp):
        self.flat = []
        self._places = []  # arrays, where they were put, and whether they are overwritten
        for number, arrays in enumerate(kinds):
            flat = xp.empty(sum(x._raw.size for x in arrays), arrays[0]._raw.dtype)
            start = 0
            for x in arrays:
                stop = start + x._raw.size
                view = flat[start:stop].reshape(x._raw.shape)
                view[...] = x._raw
                x._raw = view
                self._places.append((x, view, number != _GRADIENTS))
                start = stop
            self.flat.append(flat)

    def holds(self, kinds):
        """Return whether these are the arrays that were packed."""
        given = [x for arrays in kinds for x in arrays]
        return len(given) == len(self._places) and all(x is place[0] for x, place in zip(given, self._places))

    def is_intact(self):
        """Return whether all arrays are where they were put, and nobody reads them as if they had been copied."""
        for x, view, _ in self._places:
            storage = x._storage
            if x._raw is not view or x._alias or storage is not None and storage.aliases is not None:
                return False
        return True

    def announce(self):
        """Count the overwriting of all arrays but the gradients."""
        for x, _, written in self._places:
            if written:
                if x._storage is None:
                    x._own_storage()
                x._storage.writes += 1


class Packer:
    """Keeps the arena of the weights on one context that an optimizer updates together.

    Attributes
    ----------
    indices : list or None
        Which weights they are.
    arena : Arena or None
    """

    def __init__(self):
        self.indices = self.arena = None
        self._tries = 0

    def packed(self, indices, kinds, xp):
        """Return flat arrays that hold everything, about to be overwritten, or None where the arrays must stay apart.

        Parameters
        ----------
        indices : list
            Which weights.
        kinds : list of list of NDArray
            See `Arena`.
        xp : module
            Array module.
        """
        if self.indices != indices:
            self._tries = 0
        if self.arena is None or not self.arena.holds(kinds) or not self.arena.is_intact():
            self.arena = self._new_arena(kinds, xp)
        self.indices = indices
        if self.arena is None:
            return None
        self.arena.announce()
        return self.arena.flat

    def _new_arena(self, kinds, xp):
        if self._tries >= _TRIES:
            return None
        self._tries += 1
        for number, arrays in enumerate(kinds):
            for x, weight in zip(arrays, kinds[0]):
                if number != _GRADIENTS:
                    x._writable()  # aliases take copies before the memory moves
                if x._raw.shape != weight._raw.shape or x._raw.dtype != weight._raw.dtype or not _is_alone(x):
                    return None
        return Arena(kinds, xp)
