"""A strict device that isn't there: NumPy arrays behind CuPy's interface and rules, for tests only.

What runs on it uses only what CuPy 14 has (``cupy14.txt`` lists it, ``record_cupy.py`` wrote that), mixes no host
arrays and no arrays of two devices, waits for the device only where it says so, and makes the right device current.
It does not show whether kernels are right, nor races, streams, memory pressure, rounding or speed: for these the
tests marked ``gpu`` need a card.

Users can't pick this device: ``Context('fake')`` exists only inside `installed`.
"""

from .array import FakeArray, FakeDeviceError, counts, use
from .backend import FakeBackend, installed

__all__ = ["FakeArray", "FakeBackend", "FakeDeviceError", "counts", "installed", "use"]
