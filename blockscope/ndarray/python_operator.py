"""Operators whose forward and gradient are Python functions of NDArrays: their place on the tape."""

import functools
import sys

from ..errors import MXNetError
from ..naming import ambient
from .array import NDArray


def _same(value):
    return value


class PythonOperator:
    """A call of a Python function in the form that the tape wants.

    Parameters
    ----------
    name : str
        For messages.
    backward : callable
        Takes the head gradients and returns the gradients of the inputs (None where there is none), all NDArrays.
    """

    saved_positions = unsaved_positions = ()
    compiled = saves_output = False
    second_order = True
    inputs = ()

    def __init__(self, name, backward):
        self.name = name
        self._backward = backward

    def rule(self, F, dy, _y, *inputs):
        """Return one callable an input that gives its gradient."""
        recorded = isinstance(dy[0], NDArray)
        grads = list(dy) if recorded else [NDArray(d, F.env.ctx) for d in dy]
        flags = ambient.set_flags(recorded and ambient.recording(), ambient.training() if recorded else F.env.training)
        try:
            found = self._backward(*grads)
        finally:
            ambient.restore(flags)
        found = [found] if isinstance(found, NDArray) or found is None else list(found)
        if len(found) != len(inputs):
            raise MXNetError(f"{self.name}.backward must return as many gradients as forward has inputs: {len(inputs)}, "
                             f"but returned {len(found)}")
        return [None if g is None else functools.partial(_same, g if recorded else g._raw) for g in found]

    @staticmethod
    def count_visible(attrs):
        """Return how many outputs are visible: all."""
        return sys.maxsize
