"""Operators of no arrays: constants and sequences."""

from .attributes import DType, Shape
from .registry import operator




@operator("_zeros")
def _zeros(env, *, shape: Shape = (), dtype: DType = "float32"):
    """Make an array of zeros."""
    return env.xp.zeros(shape, dtype)


@operator("_ones")
def _ones(env, *, shape: Shape = (), dtype: DType = "float32"):
    """Make an array of ones."""
    return env.xp.ones(shape, dtype)


@operator("_full")
def _full(env, *, shape: Shape = (), dtype: DType = "float32", value: float):
    """Make an array filled with one number."""
    return env.xp.full(shape, value, dtype)
