"""An array's part in automatic differentiation: gradient buffers, the backward pass, and writes that it forbids."""

from .. import _tape
from ..errors import MXNetError
from ..naming import ambient


class Differentiable:
    """The part of NDArray that knows about the tape."""

    _node = None
    _index = 0
    _leaf = None

    def _refuse_recorded_write(self):
        if ambient.recording() and self._node is not None:
            if self._leaf is not None:
                raise MXNetError("Assigning to NDArrays that are already in a computational graph will cause undefined "
                                 "behavior when evaluating gradients: this array has attach_grad(). Call backward first, "
                                 "or assign under autograd.pause().")
            raise MXNetError("Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd. "
                             "Write y = y + 1 instead of y += 1, or wrap the assignment in autograd.pause().")

    @property
    def grad(self):
        """Gradient buffer made by `attach_grad`, or None."""
        return None if self._leaf is None else self._leaf.grad

    @property
    def _grad_req(self):
        return "null" if self._leaf is None else self._leaf.request

    @property
    def _fresh_grad(self):
        return self._leaf is not None and self._leaf.fresh

    @_fresh_grad.setter
    def _fresh_grad(self, state):
        if self._leaf is not None:
            self._leaf.fresh = bool(state)

    def attach_grad(self, grad_req="write", stype=None):
        """Give the array a gradient buffer of zeros; it becomes a leaf that `backward` computes the gradient of.

        Parameters
        ----------
        grad_req : {'write', 'add', 'null'}
            Overwrite the buffer in each backward pass, add to it, or compute nothing.
        stype : {None, 'default'}
            Storage type of the gradient.
        """
        if stype not in (None, "default"):
            raise MXNetError(f"attach_grad: gradients of storage type {stype!r} are not available; use stype='default'")
        with self._ctx._use():
            buffer = self._ctx._backend.xp.zeros(self.shape, self._raw.dtype)
        self._mark(self._new(buffer), grad_req)

    def _mark(self, grad, grad_req):
        if grad_req not in ("write", "add", "null"):
            raise ValueError(f"grad_req must be one of 'write', 'add', 'null', but got {grad_req!r}")
        if grad_req == "null":
            self._leaf = self._node = None
            return
        self._leaf = self._node = _tape.Leaf(grad, grad_req, self._ctx)
        self._index = 0

    def drop_grad(self):
        """Take the gradient buffer away again."""
        self._leaf = self._node = None

    def backward(self, out_grad=None, retain_graph=False, train_mode=True):
        """Compute gradients of this array with respect to all marked arrays.

        Parameters
        ----------
        out_grad : NDArray, optional
            Head gradient; ones by default.
        retain_graph : bool
            Keep the graph for another pass.
        train_mode : bool
            Whether gradients are those of training or of prediction.
        """
        _tape.backward([self], [out_grad], retain_graph, train_mode)
