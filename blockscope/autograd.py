"""Automatic differentiation: scopes that record, the backward pass, gradients of gradients, and functions of one's own.

Examples
--------
>>> import blockscope as mx
>>> x = mx.nd.array([1, 2, 3])
>>> x.attach_grad()
>>> with mx.autograd.record():
...     y = (x * x).sum()
>>> y.backward()
>>> x.grad
<BLANKLINE>
[2. 4. 6.]
<NDArray 3 @cpu(0)>
"""

from . import _tape
from .errors import MXNetError
from .naming import ambient
from .ndarray import NDArray
from .ndarray.dispatch import ArrayFunctions
from .ndarray.python_operator import PythonOperator

is_recording = ambient.recording
is_training = ambient.training


class _Flags:
    """A scope of autograd's two flags; one object may be entered many times."""

    def __init__(self, recording, training):
        self._recording = recording
        self._training = training

    def __enter__(self):
        ambient.set_flags(self._recording, self._training, self)
        return self

    def __exit__(self, kind, value, trace):
        ambient.restore(self)


def record(train_mode=True):
    """Return a scope that records for `backward`, in training mode unless told otherwise."""
    return _Flags(True, train_mode)


def pause(train_mode=False):
    """Return a scope that doesn't record, in prediction mode unless told otherwise."""
    return _Flags(False, train_mode)


def train_mode():
    """Return a scope of training mode that leaves recording as it is."""
    return _Flags(None, True)


def predict_mode():
    """Return a scope of prediction mode that leaves recording as it is."""
    return _Flags(None, False)


def set_recording(is_recording):
    """Switch recording on or off until changed again; return what it was."""
    return ambient.assign_flags(recording=bool(is_recording))[0]


def set_training(train_mode):
    """Switch training mode on or off until changed again; return what it was."""
    return ambient.assign_flags(training=bool(train_mode))[1]


def mark_variables(variables, gradients, grad_reqs="write"):
    """Make arrays leaves whose gradients `backward` leaves in the given buffers.

    Parameters
    ----------
    variables, gradients : NDArray or list of NDArray
        Leaves, and their buffers of the same shapes.
    grad_reqs : str or list of str
        'write', 'add' or 'null' for each.
    """
    variables = [variables] if isinstance(variables, NDArray) else list(variables)
    gradients = [gradients] if isinstance(gradients, NDArray) else list(gradients)
    requests = [grad_reqs] * len(variables) if isinstance(grad_reqs, str) else list(grad_reqs)
    if not len(variables) == len(gradients) == len(requests):
        raise ValueError(f"mark_variables: {len(variables)} variables, {len(gradients)} gradients and {len(requests)} "
                         "requests were given; their numbers must agree")
    for x, grad, request in zip(variables, gradients, requests):
        x._mark(grad, request)


class _GraphMode(_tape.RawMode):
    """Gradients as recorded NDArrays, which can be differentiated again."""

    raw = False
    _functions = ArrayFunctions()

    def functions(self, ctx):
        return self._functions

    def inputs(self, node):
        return [x if x.__class__ is _tape.Like else _tracked(x._raw, node.ctx, parent, index)
                for x, parent, index in zip(node.inputs, node.parents, node.indices)]

    def output(self, node):
        output = node.output
        if output is None or not node.op.saves_output:
            return output
        if node.multiple:
            return tuple([r if r.__class__ is _tape.Like else _tracked(r, node.ctx, node, i) for i, r in enumerate(output)])
        return _tracked(output, node.ctx, node, 0)

    def zeros(self, ctx, like):
        return NDArray(super().zeros(ctx, like), ctx)

    def deposit(self, leaf, value):
        raw = value._raw
        super().deposit(leaf, raw)
        if leaf.request == "write":
            leaf.grad._node, leaf.grad._index = value._node, value._index


def _tracked(raw, ctx, node, index):
    if raw is None:
        return None
    x = NDArray(raw, ctx)
    x._node = node
    x._index = index
    return x


def backward(heads, head_grads=None, retain_graph=False, train_mode=True):
    """Compute the gradients of heads with respect to all marked arrays and leave them in their buffers.

    Parameters
    ----------
    heads : NDArray or list of NDArray
        What to differentiate.
    head_grads : NDArray or list, optional
        Gradients with respect to the heads; ones where None.
    retain_graph : bool
        Keep the graph for another pass.
    train_mode : bool
        Whether gradients are those of training or of prediction.

    Raises
    ------
    MXNetError
        If a head was not recorded, or an array that a gradient needs was overwritten since.
    """
    heads = [heads] if isinstance(heads, NDArray) else heads
    head_grads = [head_grads] if isinstance(head_grads, NDArray) else head_grads
    _tape.backward(heads, head_grads, retain_graph, train_mode)


def grad(heads, variables, head_grads=None, retain_graph=None, create_graph=False, train_mode=True):
    """Return the gradients of heads with respect to variables.

    Parameters
    ----------
    heads, head_grads, retain_graph, train_mode
        See `backward`.
    variables : NDArray or list of NDArray
        Marked or recorded arrays.
    create_graph : bool
        Record the computation of the gradients, so that they can be differentiated.

    Returns
    -------
    list of NDArray
        One for each variable; also for a single one, as MXNet 1.9.1 does (its documentation says otherwise).

    Raises
    ------
    ValueError
        If there are no variables.
    MXNetError
        If a variable or a head was not recorded.

    Examples
    --------
    >>> import blockscope as mx
    >>> x = mx.nd.array([2.0])
    >>> x.attach_grad()
    >>> with mx.autograd.record():
    ...     y = x ** 3
    ...     dx = mx.autograd.grad(y, x, create_graph=True)[0]
    >>> dx.backward()
    >>> x.grad
    <BLANKLINE>
    [12.]
    <NDArray 1 @cpu(0)>
    """
    variables = [variables] if isinstance(variables, NDArray) else list(variables)
    if not variables:
        raise ValueError("variables cannot be an empty list.")
    for i, x in enumerate(variables):
        if x._node is None:
            raise MXNetError(f"Cannot differentiate with respect to the {i + 1}-th variable because it does not require "
                             "gradient: call attach_grad() on it before recording")
    retain = create_graph if retain_graph is None else retain_graph
    targets = [(x._node, x._index) for x in variables]
    heads = [heads] if isinstance(heads, NDArray) else heads
    head_grads = [head_grads] if isinstance(head_grads, NDArray) else head_grads
    starts = _tape.start_gradients(heads, head_grads)
    if create_graph:
        starts = [(node, index, NDArray(raw, node.ctx) if grad is None else grad) for node, index, raw, grad in starts]
        flags = ambient.set_flags(True, bool(train_mode))
        try:
            found = _tape.walk_back(starts, _GraphMode(bool(train_mode)), targets=targets, retain=True)
        finally:
            ambient.restore(flags)
        return [_zeros_like(x) if g is None else g for x, g in zip(variables, found)]
    starts = [(node, index, raw) for node, index, raw, _ in starts]
    found = _tape.walk_back(starts, _tape.RawMode(bool(train_mode)), targets=targets, retain=retain)
    return [_zeros_like(x) if g is None else NDArray(g, x._ctx) for x, g in zip(variables, found)]


def _zeros_like(x):
    with x._ctx._use():
        return NDArray(x._ctx._backend.xp.zeros_like(x._raw), x._ctx)


def get_symbol(x):
    """Raise: the recorded history of an array as a Symbol is not available."""
    raise MXNetError("autograd.get_symbol needs symbolic graphs, which are not available; use hybridize() on a HybridBlock")


class Function:
    """A differentiable function with a hand-written gradient.

    Subclasses define ``forward(self, *inputs)`` and ``backward(self, *output_grads)``, which work on NDArrays outside of any
    recording; ``save_for_backward`` keeps arrays as ``self.saved_tensors``.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Square(mx.autograd.Function):
    ...     def forward(self, x):
    ...         self.save_for_backward(x)
    ...         return x * x
    ...     def backward(self, dy):
    ...         x, = self.saved_tensors
    ...         return 2 * x * dy
    >>> x = mx.nd.array([3.0])
    >>> x.attach_grad()
    >>> with mx.autograd.record():
    ...     y = Square()(x)
    >>> y.backward()
    >>> x.grad
    <BLANKLINE>
    [6.]
    <NDArray 1 @cpu(0)>
    """

    def __init__(self):
        self._used = False
        self.saved_tensors = ()

    def save_for_backward(self, *args):
        """Keep arrays for `backward`."""
        self.saved_tensors = args

    def __call__(self, *inputs):
        """Apply the function and record it; one object may be applied once."""
        if self._used:
            raise MXNetError("Each Function instance can only be called once. Please create another instance.")
        self._used = True
        for x in inputs:
            if not isinstance(x, NDArray):
                raise TypeError(f"{type(self).__name__} takes NDArrays, but got {type(x).__name__}")
        was_recording = is_recording()
        flags = ambient.set_flags(False, is_training())
        try:
            outputs = self.forward(*inputs)
        finally:
            ambient.restore(flags)
        single = isinstance(outputs, NDArray)
        outs = [outputs] if single else list(outputs)
        if was_recording and any(x._node is not None for x in inputs):
            # An output that is an input, or part of a graph, gets an identity of its own.
            outs = [x.detach() if x._node is not None or any(x is y for y in inputs) else x for x in outs]
            result = tuple([x._raw for x in outs])
            _tape.record(PythonOperator(type(self).__name__, self.backward), {}, outs[0]._ctx, tuple(inputs), result, outs)
        return outs[0] if single else outs

    def forward(self, *inputs):
        """Compute the outputs."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, *inputs)")

    def backward(self, *output_grads):
        """Compute the gradients of the inputs."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, *output_grads)")
