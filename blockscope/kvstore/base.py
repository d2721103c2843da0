"""`KVStoreBase`: what a Trainer asks of a store, and `create`, which makes one by name."""
from ..errors import MXNetError

__all__ = ["KVStoreBase", "create"]


class KVStoreBase:
    """Interface of stores; a program may register its own under its class name and pass that name to `Trainer`.

    Examples
    --------
    >>> import blockscope as mx
    >>> @mx.kvstore.KVStoreBase.register
    ... class Mine(mx.kvstore.KVStoreBase):
    ...     type = 'mine'
    >>> mx.kv.create('mine').type
    'mine'
    """

    OPTIMIZER = "optimizer"
    kv_registry: dict[str, type] = {}

    def broadcast(self, key, value, out, priority=0):
        """Set a key's first value and copy it into `out` on all contexts and workers."""
        raise NotImplementedError()

    def pushpull(self, key, value, out=None, priority=0):
        """Sum values over contexts and workers into `out` (or in place)."""
        raise NotImplementedError()

    def set_optimizer(self, optimizer):
        """Update stored values by an optimizer."""
        raise NotImplementedError()

    @staticmethod
    def is_capable(capability):
        """Return whether the store has a capability, such as ``'optimizer'``."""
        raise NotImplementedError()

    def save_optimizer_states(self, fname, dump_optimizer=False):
        """Write the optimizer's states to a file."""
        raise NotImplementedError()

    def load_optimizer_states(self, fname):
        """Read the optimizer's states from a file."""
        raise NotImplementedError()

    @property
    def type(self):
        """Name of the kind of store."""
        raise NotImplementedError()

    @property
    def rank(self):
        """Number of this worker."""
        raise NotImplementedError()

    @property
    def num_workers(self):
        """How many workers there are."""
        raise NotImplementedError()

    @staticmethod
    def register(klass):
        """Register a store under its lower-case class name (class decorator)."""
        if not isinstance(klass, type):
            raise AssertionError(f"only a class can be registered as a kvstore, but got {klass!r}")
        KVStoreBase.kv_registry[klass.__name__.lower()] = klass
        return klass


# Names of MXNet's stores within a process; all of them sum where the first value is.
LOCAL = ("local", "device", "local_update_cpu", "local_allreduce_cpu", "local_allreduce_device")


def create(name="local"):
    """Make a store.

    Parameters
    ----------
    name : str
        'local' or 'device', or the name of a registered class.

    Raises
    ------
    MXNetError
        For any other kind. (MXNet takes every unknown word for 'local'.)
    """
    if not isinstance(name, str):
        raise TypeError("name must be a string")
    if name.lower() in KVStoreBase.kv_registry:
        return KVStoreBase.kv_registry[name.lower()]()
    if name.lower() in LOCAL:
        return KVStoreBase.kv_registry["kvstore"](name.lower())
    if any(word in name.lower() for word in ("dist", "nccl", "horovod", "byteps")):
        raise MXNetError(f"kvstore type {name!r} works over several machines or libraries, which blockscope does not do yet: use "
                         "'device' or 'local', or register a class of your own with mx.kvstore.KVStoreBase.register")
    raise MXNetError(f"unknown kvstore type {name!r}: use 'device' or 'local', or register a class of your own with "
                     "mx.kvstore.KVStoreBase.register")
