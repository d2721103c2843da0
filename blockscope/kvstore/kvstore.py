"""`KVStore`: values by key, which take the sum of what is pushed from several contexts of this process."""
from ..errors import MXNetError
from ..formats.atomic import open_atomic
from ..ndarray import NDArray
from ..optimizer import get_updater
from .base import KVStoreBase

__all__ = ["KVStore"]


class KVStore(KVStoreBase):
    """A store in this process; sums are taken in the order of the values, on the context of the first.

    Parameters
    ----------
    name : {'local', 'device'}
        What `type` says; both do the same here.

    Examples
    --------
    >>> import blockscope as mx
    >>> store = mx.kv.create('local')
    >>> store.init(3, mx.nd.ones((2,)))
    >>> store.push(3, [mx.nd.ones((2,)), mx.nd.ones((2,))])
    >>> out = mx.nd.zeros((2,))
    >>> store.pull(3, out=out)
    >>> out.asnumpy()
    array([2., 2.], dtype=float32)
    """

    def __init__(self, name="local"):
        self._name = name
        self._values = {}
        self._updater = None

    @property
    def type(self):
        """Name that the store was created with."""
        return self._name

    @property
    def rank(self):
        """Number of this process: 0."""
        return 0

    @property
    def num_workers(self):
        """Number of processes: 1."""
        return 1

    def is_capable(self, capability):
        """Return whether the store can run an optimizer (``'optimizer'``, the only capability there is)."""
        if capability.lower() == self.OPTIMIZER:
            return True
        raise ValueError(f"Unknown capability: {capability}")

    def init(self, key, value):
        """Set the first value of a key, or of each of a list of keys."""
        for k, values in _pairs(key, value):
            if k in self._values:
                raise MXNetError(f"duplicate init of key {k}")
            if self._values and isinstance(next(iter(self._values)), str) is not isinstance(k, str):
                raise MXNetError(f"Mixed key types are not allowed: {k!r} beside {next(iter(self._values))!r}")
            self._values[k] = values[0].copy()

    def _stored(self, key):
        if key not in self._values:
            raise MXNetError(f"key {key} doesn't exist. Did you init?")
        return self._values[key]

    def push(self, key, value, priority=0):
        """Give values to a key: their sum replaces the stored value, or goes through the updater.

        Parameters
        ----------
        key : str, int, or list of these
        value : NDArray, list of NDArray, or list of lists of NDArray
            One a context; those of one key are summed.
        priority : int
            Ignored: everything happens at once.
        """
        for k, values in _pairs(key, value):
            stored = self._stored(k)
            total = self.reduce(values)
            if self._updater is None:
                self._values[k] = total.copyto(stored.context) if total is values[0] or total.context is not stored.context else total
            else:
                self._updater(k, total.as_in_context(stored.context), stored)

    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        """Copy the value of a key into `out`, an array or a list of arrays."""
        if out is None:
            raise AssertionError("pull needs out=, where to copy the value to")
        for k, outs in _pairs(key, out):
            stored = self._stored(k)
            for target in outs:
                target._assign(stored if target.context is stored.context else stored.as_in_context(target.context))

    def pushpull(self, key, value, out=None, priority=0):
        """Push values and pull the result into `out` (into `value` itself without one); a key that was never set just sums."""
        for (k, values), (_, outs) in zip(_pairs(key, value), _pairs(key, value if out is None else out)):
            if self._updater is not None:
                self.push(k, values)
                self.pull(k, outs)
                continue
            total = self.reduce(values)
            if k in self._values:
                self._values[k] = total.copy()
            for target in outs:
                if target is not total:
                    target._assign(total if target.context is total.context else total.as_in_context(target.context))

    def broadcast(self, key, value, out, priority=0):
        """Set the first value of a key and copy it into `out`."""
        self.init(key, value)
        self.pull(key, out)

    def row_sparse_pull(self, key, out=None, priority=0, row_ids=None):
        """Raise: there are no sparse arrays yet."""
        raise MXNetError("row_sparse_pull: sparse arrays are not part of blockscope yet; use pull")

    @staticmethod
    def reduce(values):
        """Return the sum of arrays, added in order on the context of the first; a single one is returned itself."""
        if len(values) == 1:
            return values[0]
        home = values[0].context
        total = values[0].copy()
        raw, add = total._raw, home._backend.xp.add
        for value in values[1:]:
            add(raw, value.as_in_context(home)._raw, raw)
        return total

    def set_gradient_compression(self, compression_params):
        """Raise: gradients are never compressed within a process."""
        raise MXNetError(f"gradient compression ({compression_params!r}) is not part of blockscope: leave compression_params=None; "
                         "gradients then stay exact")

    def set_optimizer(self, optimizer):
        """Update stored values by an optimizer from now on, instead of replacing them."""
        self._updater = get_updater(optimizer)

    def _set_updater(self, updater):
        self._updater = updater

    def save_optimizer_states(self, fname, dump_optimizer=False):
        """Write the optimizer's states to a file; see `Updater.get_states`."""
        if self._updater is None:
            raise AssertionError("Cannot save states for distributed training")
        data = self._updater.get_states(dump_optimizer)
        with open_atomic(fname) as file:
            file.write(data)

    def load_optimizer_states(self, fname, allow_pickle=False):
        """Read the optimizer's states from a file; see `Updater.set_states`."""
        if self._updater is None:
            raise AssertionError("Cannot load states for distributed training")
        with open(fname, "rb") as file:
            self._updater.set_states(file.read(), allow_pickle)


def _pairs(key, value):
    """Return ``[(key, [arrays])]`` for one key or a list of keys."""
    if isinstance(key, (list, tuple)):
        if len(key) != len(value):
            raise AssertionError(f"{len(key)} keys cannot take {len(value)} values")
        return [pair for k, v in zip(key, value) for pair in _pairs(k, v)]
    if not isinstance(key, (int, str)):
        raise AssertionError(f"unexpected type for keys: {type(key)}")
    arrays = [value] if isinstance(value, NDArray) else list(value)
    for array in arrays:
        if not isinstance(array, NDArray):
            raise AssertionError(f"the value of key {key} must be an NDArray or a list of them, but got {type(array)}")
    return [(key, arrays)]
