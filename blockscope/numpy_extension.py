"""``mx.npx``: the switches of NumPy semantics, and files saved under it."""
from .ndarray.files import load, save
from .ndarray.creation import waitall
from .util import is_np_array, is_np_shape, reset_np, set_np

__all__ = ["is_np_array", "is_np_shape", "load", "reset_np", "save", "set_np", "waitall"]
