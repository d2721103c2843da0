"""Calls in a plan that are no operators on raw arrays: control flow and custom operators, which run on NDArrays.

Such a call is recorded on a tape of its own, which its gradient then walks.
"""
from .. import _tape, autograd
from ..naming import ambient
from ..ndarray import NDArray

__all__ = ['PYTHON_CALLS', 'PythonCall']

# By operator name: ``run(node, arrays, ctx) -> list of NDArray``.
PYTHON_CALLS: dict = {}


class _Recorded(tuple):
    """Raw results that remember the arrays which they belong to, and those which they were computed from."""

    def __new__(cls, raws, arrays, outs):
        """Make the tuple of raw results."""
        made = super().__new__(cls, raws)
        made.arrays, made.outs = arrays, outs
        return made


class PythonCall:
    """One such call, with the interface of an operator record that a plan asks for.

    Parameters
    ----------
    call : Call
        What to run.
    ctx : Context
    recording, training : bool
        How to run it.
    """

    aliasing = takes_out = same_dtype = False
    prepare = None
    dynamic = True  # bodies and users' operators may do anything
    saves_output = True
    saved_outputs = prepare_gradient = None
    saved_positions = None  # the tape of the call may hold any of its inputs

    def __init__(self, call, ctx, recording, training):
        self._call = call
        self._ctx = ctx
        self._recording = recording
        self._training = training
        self._run = PYTHON_CALLS[call.op.name]
        self.name = call.op.name
        self.mutates = call.op.mutates
        self.describe_call = call.op.describe_call

    def count_visible(self, params):
        """Return how many outputs users see."""
        return self._call.op.count_visible(params)

    def __call__(self, *raws):
        """Run on raw arrays; return raw arrays."""
        arrays = [NDArray(raw, self._ctx) for raw in raws]
        if self._recording:
            for i, x in enumerate(arrays):
                if i not in self.mutates:
                    x._node = _tape.Leaf(None, 'null', self._ctx)
        flags = ambient.set_flags(self._recording, self._training)
        try:
            outs = self._run(self._call.node, arrays, self._ctx)
        finally:
            ambient.restore(flags)
        return _Recorded(_own_memory(outs, arrays), arrays, outs)

    def rule(self, F, dy, y, *raws, **params):
        """Return the gradients of the inputs, by walking the tape of the call."""
        chosen = [(x, NDArray(d, self._ctx)) for x, d in zip(y.outs, dy) if d is not None and x._node is not None]
        marked = [x for x in y.arrays if x._node is not None]
        if not chosen:
            return [None] * len(y.arrays)
        found = iter(autograd.grad([x for x, _ in chosen], marked, [d for _, d in chosen], retain_graph=True))
        return [None if x._node is None else _given(next(found)._raw) for x in y.arrays]


def _own_memory(outs, arrays):
    """Return the raw arrays of results, copied where they may share memory: a plan takes each for memory of its own.

    A loop without steps returns its variables, and a branch may return a view of what it reads.
    """
    seen = {id(x._raw) for x in arrays}
    raws = []
    for x in outs:
        raw = x._raw.copy() if x._alias or id(x._raw) in seen else x._raw
        seen.add(id(raw))
        raws.append(raw)
    return raws


def _given(value):
    return lambda: value
