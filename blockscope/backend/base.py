"""What a kind of device must offer, and the environment that one operator call runs in."""

from ..errors import MXNetError

_backends: dict[str, "Backend"] = {}


class Backend:
    """One kind of device: its array module and the few things array modules do differently.

    Attributes
    ----------
    name : str
        Device type served, for messages.
    xp : module
        Array module with NumPy's interface.
    mixes_contexts : bool
        Whether one computation may use arrays of several contexts of this kind (they share one memory).
    """

    name = "abstract"
    xp = None
    mixes_contexts = False

    def array_type(self):
        """Return the class of this device's arrays."""
        raise MXNetError(f"backend {self.name} has no array type")

    def use(self, device_id):
        """Return a reusable context manager that makes `device_id` current, or None where there is nothing to do."""
        return None

    def from_host(self, array, device_id):
        """Copy a host NumPy array onto the device."""
        raise MXNetError(f"backend {self.name} can't take host arrays")

    def to_host(self, raw):
        """Copy a device array into a new host NumPy array (waits for the device)."""
        raise MXNetError(f"backend {self.name} can't give host arrays")

    def copy(self, raw, device_id):
        """Copy a device array to another device of the same kind."""
        raise MXNetError(f"backend {self.name} can't copy between devices")

    def synchronize(self, device_id):
        """Wait for all work queued on the device."""

    def random_state(self, device_id, seed):
        """Return a random state (see `backend.random_state.HostRandom`) for the device."""
        raise MXNetError(f"backend {self.name} has no random state")

    def add_at(self, target, index, values):
        """Add `values` into `target[index]`, repeated indices accumulating."""
        raise MXNetError(f"backend {self.name} has no scatter")

    def empty_cache(self, device_id):
        """Give memory that is kept for reuse back to the device."""

    def count(self):
        """Return how many devices of this kind there are."""
        raise MXNetError(f"backend {self.name} does not count its devices")

    def memory_info(self, device_id):
        """Return ``(free, total)`` bytes of a device's memory."""
        raise MXNetError(f"backend {self.name} does not know how much memory its devices have")

    @property
    def special(self):
        """The module of special functions (scipy.special or its twin)."""
        raise MXNetError(f"backend {self.name} has no special functions")

    @property
    def linalg(self):
        """The module of dense linear algebra beyond ``xp.linalg`` (scipy.linalg or its twin)."""
        raise MXNetError(f"backend {self.name} has no linear algebra")


class Environment:
    """What an operator may know about the call beyond its arrays and attributes.

    Attributes
    ----------
    xp : module
        Array module of the call's device.
    training : bool
        Whether the call belongs to a training pass (``autograd.train_mode``).
    ctx : Context
        Where inputs live and outputs go.
    backend : Backend
        Kind of device.
    scope : context manager or None
        Makes the device current while the operator runs; None where there is only one.
    """

    __slots__ = ("backend", "ctx", "functions", "scope", "training", "xp")

    def __init__(self, ctx, backend, training):
        self.ctx = ctx
        self.backend = backend
        self.xp = backend.xp
        self.training = training
        self.functions = None
        self.scope = backend.use(ctx.device_id)

    @property
    def random(self):
        """Random state of the context."""
        return self.ctx._random_state()

    @property
    def special(self):
        """Special functions of the device."""
        return self.backend.special

    @property
    def linalg(self):
        """Dense linear algebra of the device."""
        return self.backend.linalg

    def add_at(self, target, index, values):
        """Add `values` into `target[index]`, repeated indices accumulating."""
        self.backend.add_at(target, index, values)


def register_backend(device_type, backend):
    """Serve contexts of `device_type` by `backend`."""
    _backends[device_type] = backend


def backend_of(device_type):
    """Return the backend that serves `device_type`."""
    return _backends[device_type]
