"""GPU memory: CuPy, imported at the first use of a GPU context and never before."""

import importlib.util

from ..errors import MXNetError
from .base import Backend

_INSTALL = ("install it with \"pip install 'blockscope-gluon[cuda12]'\" (or [cuda13]) on a machine with an NVIDIA driver, "
            "or use mx.cpu()")


class CupyRandom:
    """Random arrays made on the GPU, with the interface of `HostRandom`."""

    def __init__(self, cupy, device_id, seed):
        self._device = cupy.cuda.Device(device_id)
        with self._device:
            self._state = cupy.random.RandomState(seed)

    def uniform(self, low, high, shape, dtype):
        """Draw from ``[low, high)``."""
        with self._device:
            return self._state.random_sample(shape).astype(dtype) * float(high - low) + float(low)

    def normal(self, loc, scale, shape, dtype):
        """Draw from a normal distribution."""
        with self._device:
            return self._state.normal(loc, scale, shape).astype(dtype)

    def integers(self, low, high, shape, dtype):
        """Draw integers from ``[low, high)``."""
        with self._device:
            return self._state.randint(low, high, shape).astype(dtype)

    def gamma(self, alpha, beta, shape, dtype):
        """Draw from a gamma distribution."""
        with self._device:
            return (self._state.standard_gamma(alpha, shape) * beta).astype(dtype)

    def exponential(self, scale, shape, dtype):
        """Draw from an exponential distribution."""
        with self._device:
            return self._state.exponential(scale, shape).astype(dtype)

    def poisson(self, lam, shape, dtype):
        """Draw from a Poisson distribution."""
        with self._device:
            return self._state.poisson(lam, shape).astype(dtype)

    def negative_binomial(self, k, p, shape, dtype):
        """Draw the number of failures before `k` successes."""
        with self._device:
            return self._state.negative_binomial(k, p, shape).astype(dtype)

    def permutation(self, count):
        """Return ``0..count-1`` in random order, on the GPU."""
        with self._device:
            return self._state.permutation(count)

    def keep_mask(self, probability, shape, dtype):
        """Return the dropout mask."""
        with self._device:
            mask = (self._state.random_sample(shape) < probability).astype(dtype)
            return mask * (1.0 / probability) if probability > 0 else mask


class CupyBackend(Backend):
    """CuPy arrays on NVIDIA GPUs."""

    name = "gpu"

    def __init__(self):
        self._module = None

    @property
    def xp(self):
        """The cupy module, imported at the first request."""
        if self._module is None:
            self._module = self._import()
        return self._module

    def _import(self):
        if importlib.util.find_spec("cupy") is None:
            raise MXNetError(f"a GPU context was used, but the package cupy is not installed: {_INSTALL}")
        import cupy
        if not cupy.is_available():
            raise MXNetError(f"a GPU context was used, but cupy {cupy.__version__} finds no GPU or no driver: {_INSTALL}")
        probe = float((cupy.arange(2) + 1).sum())
        if probe != 3.0:
            raise MXNetError("the GPU gave a wrong sum in a first test; check the driver and the CUDA libraries")
        return cupy

    def array_type(self):
        """Return cupy.ndarray."""
        return self.xp.ndarray

    def use(self, device_id):
        """Make a GPU current."""
        return self.xp.cuda.Device(device_id)

    def from_host(self, array, device_id):
        """Copy a host array to a GPU."""
        with self.use(device_id):
            return self.xp.array(array, order="C")

    def to_host(self, raw):
        """Copy a GPU array to the host."""
        return self.xp.asnumpy(raw, order="C")

    def copy(self, raw, device_id):
        """Copy a GPU array to another GPU (or the same)."""
        with self.use(device_id):
            return self.xp.array(raw, order="C")

    def synchronize(self, device_id):
        """Wait for the GPU."""
        if self._module is not None:
            with self.use(device_id):
                self._module.cuda.get_current_stream().synchronize()

    def random_state(self, device_id, seed):
        """Return a random state on a GPU."""
        return CupyRandom(self.xp, device_id, seed)

    def add_at(self, target, index, values):
        """Add `values` into `target[index]`, repeated indices accumulating (order of additions is not fixed)."""
        self.xp.add.at(target, index, values)

    def empty_cache(self, device_id):
        """Give cached blocks of the memory pool back."""
        if self._module is not None:
            with self.use(device_id):
                self._module.get_default_memory_pool().free_all_blocks()

    def count(self):
        """Return the number of usable GPUs, 0 where there are none."""
        if self._module is None and importlib.util.find_spec("cupy") is None:
            return 0
        try:
            return self.xp.cuda.runtime.getDeviceCount()
        except MXNetError:
            return 0

    def memory_info(self, device_id):
        """Return ``(free, total)`` bytes."""
        with self.use(device_id):
            return self.xp.cuda.runtime.memGetInfo()

    @property
    def special(self):
        """cupyx.scipy.special."""
        from cupyx.scipy import special
        return special

    @property
    def linalg(self):
        """cupyx.scipy.linalg."""
        from cupyx.scipy import linalg
        return linalg
