"""nd.Custom: operators that users write in Python and register under a name.

References
----------
MXNet 1.9.1 ``mxnet.operator``.
"""

import numpy as np

from .. import _tape
from ..errors import MXNetError, public_class
from ..naming import ambient
from .array import NDArray
from .creation import zeros
from .python_operator import PythonOperator

_registered: dict[str, type] = {}


class CustomOp:
    """Base class of the computation of an operator written in Python; define ``forward`` and ``backward``."""

    def forward(self, is_train, req, in_data, out_data, aux):
        """Compute the outputs: write them into `out_data` with `assign`.

        Parameters
        ----------
        is_train : int
            1 in training mode.
        req : list of str
            How to write each output: 'null', 'write' or 'add'.
        in_data, out_data, aux : list of NDArray
            Inputs, outputs to fill, auxiliary states.
        """

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        """Compute the gradients of the inputs: write them into `in_grad` with `assign`."""

    def assign(self, dst, req, src):
        """Write `src` into `dst` as `req` asks."""
        if req in ("write", "inplace"):
            dst[:] = src
        elif req == "add":
            dst[:] = dst + src
        elif req != "null":
            raise ValueError(f"req must be 'null', 'write', 'inplace' or 'add', but got {req!r}")


class CustomOpProp:
    """Base class of the description of an operator written in Python: arguments, outputs, shapes, types.

    Attributes that a call of ``nd.Custom`` gives reach the constructor as text.
    """

    def __init__(self, need_top_grad=True):
        self.need_top_grad_ = need_top_grad

    def infer_shape(self, in_shape):
        """Return shapes of inputs, outputs and auxiliary states, for those of the inputs."""
        return in_shape, (in_shape[0],) * len(self.list_outputs()), ()

    def infer_type(self, in_type):
        """Return types of inputs, outputs and auxiliary states, for those of the inputs."""
        return in_type, [in_type[0]] * len(self.list_outputs()), [in_type[0]] * len(self.list_auxiliary_states())

    def list_outputs(self):
        """Return the names of the outputs."""
        return ["output"]

    def list_arguments(self):
        """Return the names of the inputs."""
        return ["data"]

    def list_auxiliary_states(self):
        """Return the names of the auxiliary states, which come after the inputs in a call."""
        return []

    def declare_backward_dependency(self, out_grad, in_data, out_data):
        """Return what backward needs (here it always gets everything)."""
        needed = list(out_grad) if self.need_top_grad_ else []
        return needed + list(in_data) + list(out_data)

    def create_operator(self, ctx, in_shapes, in_dtypes):
        """Return the CustomOp for a context."""
        return CustomOp()


def register(reg_name):
    """Return a class decorator that registers a CustomOpProp under a name.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Double(mx.operator.CustomOp):
    ...     def forward(self, is_train, req, in_data, out_data, aux):
    ...         self.assign(out_data[0], req[0], in_data[0] * 2)
    ...     def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
    ...         self.assign(in_grad[0], req[0], out_grad[0] * 2)
    >>> @mx.operator.register("double_example")
    ... class DoubleProp(mx.operator.CustomOpProp):
    ...     def create_operator(self, ctx, in_shapes, in_dtypes):
    ...         return Double()
    >>> mx.nd.Custom(mx.nd.array([3]), op_type="double_example")
    <BLANKLINE>
    [6.]
    <NDArray 1 @cpu(0)>
    """
    def add(prop_cls):
        _registered[reg_name] = prop_cls
        return prop_cls
    return add


def get_all_registered_operators():
    """Return the names of all registered custom operators."""
    return sorted(_registered)


def custom(*data, op_type=None, name=None, out=None, **attributes):
    """Call an operator that was registered with ``mx.operator.register``.

    Parameters
    ----------
    *data : NDArray
        Inputs, then auxiliary states.
    op_type : str
        Registered name.
    **attributes
        Arrays by name, or attributes that the CustomOpProp's constructor gets as text.
    """
    if not op_type:
        raise MXNetError("Required argument `op_type` is missing: nd.Custom(..., op_type='name')")
    if op_type not in _registered:
        raise MXNetError(f"Cannot find custom operator {op_type}: register it with mx.operator.register({op_type!r})")
    named = {k: v for k, v in attributes.items() if isinstance(v, NDArray)}
    prop = _registered[op_type](**{k: str(v) for k, v in attributes.items() if k not in named})
    arguments, states = list(prop.list_arguments()), list(prop.list_auxiliary_states())
    arrays = list(data) + [named[n] for n in (arguments + states)[len(data):] if n in named]
    if len(arrays) != len(arguments) + len(states):
        raise MXNetError(f"Operator Custom ({op_type}) expects {len(arguments) + len(states)} inputs "
                         f"({', '.join(arguments + states)}), but got {len(arrays)} instead.")
    for x in arrays:
        if not isinstance(x, NDArray):
            raise TypeError(f"operator Custom ({op_type}) takes NDArrays, but got {public_class(type(x))}")
    outs = _run(op_type, prop, arrays[:len(arguments)], arrays[len(arguments):])
    if out is not None:
        for target, x in zip(out if isinstance(out, (list, tuple)) else [out], outs):
            target._assign(x)
        return out
    return outs[0] if len(outs) == 1 else outs


def _run(op_type, prop, inputs, aux):
    ctx = inputs[0]._ctx if inputs else aux[0]._ctx
    _, out_shapes, _ = prop.infer_shape([list(x.shape) for x in inputs])
    _, out_types, _ = prop.infer_type([x.dtype for x in inputs])
    op = prop.create_operator(ctx, [list(x.shape) for x in inputs], [x.dtype for x in inputs])
    outs = [zeros(tuple(s), ctx, np.dtype(t)) for s, t in zip(out_shapes, out_types)]
    recording = ambient.recording() and any(x._node is not None for x in inputs)
    training = ambient.training()
    plain = [x.detach() for x in inputs]
    flags = ambient.set_flags(False, training)
    try:
        op.forward(int(training), ["write"] * len(outs), plain, outs, aux)
    finally:
        ambient.restore(flags)
    if recording:
        kept = [x.detach() for x in outs]

        def backward(*grads):
            found = [zeros(x.shape, ctx, x.dtype) for x in plain]
            op.backward(["write"] * len(found), list(grads), plain, kept, found, aux)
            return found
        call = PythonOperator(f"Custom ({op_type})", backward)
        _tape.record(call, {}, ctx, tuple(inputs), tuple([x._raw for x in outs]), outs)
    return outs
