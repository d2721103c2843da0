"""The fake device as a backend, and its registration for a test session."""

import contextlib

from scipy import linalg, special

from blockscope.backend import Context, base, context
from blockscope.backend.base import Backend
from blockscope.backend.random_state import HostRandom

from . import array
from .array import FakeArray, wrap_result
from .module import make_module, make_namespace

TYPE_NUMBER = 102
DEVICES = 3


class FakeRandom:
    """The host's random numbers, as if they had been drawn on the device."""

    def __init__(self, device_id, seed):
        self._device = device_id
        self._host = HostRandom(seed)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        draw = getattr(self._host, name)
        if not callable(draw):
            raise AttributeError(f"random state of a device has no {name}")

        def call(*args, **kwargs):
            with array.use(self._device):
                return wrap_result(
                    draw(*[array._operand(a) for a in args], **{k: array._operand(v) for k, v in kwargs.items()})
                )

        return call


class FakeBackend(Backend):
    """Fake arrays on devices ``fake(0)`` to ``fake(2)``."""

    name = "fake"
    xp = make_module()
    special = make_namespace("special", special)
    linalg = make_namespace("slinalg", linalg)
    mixes_contexts = False
    counts = array.counts

    def array_type(self):
        return FakeArray

    def use(self, device_id):
        return array.use(device_id)

    def from_host(self, host, device_id):
        return array.upload(host, device_id)

    def to_host(self, raw):
        return array.download(raw)

    def copy(self, raw, device_id):
        return array.copy_between(raw, device_id)

    def synchronize(self, device_id):
        self.counts.syncs += 1

    def random_state(self, device_id, seed):
        return FakeRandom(device_id, seed)

    def add_at(self, target, index, values):
        self.xp.add.at(target, index, values)

    def empty_cache(self, device_id):
        """Nothing is cached."""

    def count(self):
        return DEVICES

    def memory_info(self, device_id):
        return 0, 0


_entered = 0


@contextlib.contextmanager
def installed():
    """Make ``Context('fake', i)`` exist for a while; gives the function ``fake(i=0)``.  May be nested."""
    global _entered
    if not _entered:
        base.register_backend("fake", FakeBackend())
        Context.devstr2type["fake"] = TYPE_NUMBER
        Context.devtype2str[TYPE_NUMBER] = "fake"
    _entered += 1
    try:
        yield lambda device_id=0: Context("fake", device_id)
    finally:
        _entered -= 1
        if not _entered:
            _uninstall()


def _uninstall():
    del base._backends["fake"], Context.devstr2type["fake"], Context.devtype2str[TYPE_NUMBER]
    for key in [k for k in context._known if k[0] == "fake"]:
        del context._known[key]
