"""Context: the name of a device, and the current one."""

import contextlib
import threading

from ..naming import ambient
from .base import Environment, backend_of, register_backend
from .cupy_backend import CupyBackend
from .numpy_backend import NumpyBackend

_numpy = NumpyBackend()
register_backend("cpu", _numpy)
register_backend("cpu_pinned", _numpy)
register_backend("cpu_shared", _numpy)
register_backend("gpu", CupyBackend())

_NO_SCOPE = contextlib.nullcontext()
_known: dict[tuple[str, int], "Context"] = {}
_lock = threading.Lock()
_current = ambient.stack("context")


class Context:
    """A device that arrays live on.  There is one object for each device, so contexts compare by identity.

    Parameters
    ----------
    device_type : {'cpu', 'gpu', 'cpu_pinned', 'cpu_shared'} or Context
        Kind of device.
    device_id : int
        Index among devices of that kind.  ``cpu(0)`` and ``cpu(1)`` are distinct contexts on one host.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.Context('cpu', 1)
    cpu(1)
    >>> with mx.cpu(1):
    ...     mx.nd.zeros((2,)).context
    cpu(1)
    """

    devtype2str = {1: "cpu", 2: "gpu", 3: "cpu_pinned", 5: "cpu_shared"}
    _common_seed = None  # what mx.random.seed was given for all devices; those not used yet take it when they are
    devstr2type = {"cpu": 1, "gpu": 2, "cpu_pinned": 3, "cpu_shared": 5}

    def __new__(cls, device_type, device_id=0):
        if isinstance(device_type, Context):
            return device_type
        if device_type not in cls.devstr2type:
            error = KeyError(device_type)  # as in MXNet
            error.add_note(f"Unknown device type {device_type!r}: use one of {sorted(cls.devstr2type)}")
            raise error
        key = (device_type, int(device_id))
        found = _known.get(key)
        if found is None:
            with _lock:
                found = _known.get(key)
                if found is None:
                    found = super().__new__(cls)
                    found._fill(*key)
                    _known[key] = found
        return found

    def _fill(self, device_type, device_id):
        self.device_type = device_type
        self.device_id = device_id
        self.device_typeid = self.devstr2type[device_type]
        self._backend = backend_of(device_type)
        self._random = None

    def __getattr__(self, name):
        # Made at first use, since it touches the array module (cupy for a GPU): (predicting, training).
        if name != "_environments":
            raise AttributeError(f"'Context' object has no attribute {name!r}")
        self._environments = (Environment(self, self._backend, False), Environment(self, self._backend, True))
        return self._environments

    def _use(self):
        """Return a context manager that makes this device current for the array module (and does nothing on the host)."""
        return self._environments[0].scope or _NO_SCOPE

    def _random_state(self):
        if self._random is None:
            with _lock:
                if self._random is None:
                    self._random = self._backend.random_state(self.device_id, self._own_seed())
        return self._random

    def _own_seed(self):
        """Return the seed that follows from the common one: another for each device; None if nothing was seeded."""
        if Context._common_seed is None:
            return None
        return (Context._common_seed + 7919 * (8 * self.device_id + self.device_typeid - 1)) % 2**32

    def _seed(self, seed):
        self._random = self._backend.random_state(self.device_id, seed)

    def __reduce__(self):
        return Context, (self.device_type, self.device_id)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __hash__(self):
        return hash((self.device_typeid, self.device_id))

    def __eq__(self, other):
        return self is other

    def __str__(self):
        return f"{self.device_type}({self.device_id})"

    __repr__ = __str__

    def __enter__(self):
        _current.push(self)
        return self

    def __exit__(self, kind, value, trace):
        _current.leave(self)

    def empty_cache(self):
        """Give memory that the device's allocator keeps for reuse back to the device."""
        self._backend.empty_cache(self.device_id)

    @classmethod
    def _default(cls):
        return _cpu0


_cpu0 = Context("cpu", 0)


def known_contexts():
    """Return every context that was named so far."""
    return list(_known.values())


def _seed_all(seed):
    """Seed the random numbers of every device, also of those that are used later."""
    Context._common_seed = seed
    for ctx in known_contexts():
        ctx._random = None


def current_context():
    """Return the context that new arrays go to: that of the innermost ``with ctx:``, or ``cpu(0)``."""
    return _current.top(_cpu0)


def cpu(device_id=0):
    """Return the CPU context number `device_id`."""
    return Context("cpu", device_id)


def gpu(device_id=0):
    """Return the GPU context number `device_id` (no device is touched until an array is made on it)."""
    return Context("gpu", device_id)


def cpu_pinned(device_id=0):
    """Return a context for page-locked host memory; without a GPU the same as host memory."""
    return Context("cpu_pinned", device_id)


def num_gpus():
    """Return how many GPUs can be used; 0 without cupy or a driver."""
    return backend_of("gpu").count()


def gpu_memory_info(device_id=0):
    """Return ``(free, total)`` bytes of a GPU's memory."""
    return backend_of("gpu").memory_info(device_id)
