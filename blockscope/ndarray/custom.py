"""nd.Custom: operators that users write in Python and register under a name.

References
----------
MXNet 1.9.1 ``mxnet.operator``.
"""

import numpy as np

from .. import _tape
from ..backend import current_context
from ..errors import MXNetError, public_class
from ..naming import ambient
from ..ops import custom as records
from .array import NDArray
from .creation import zeros
from .python_operator import PythonOperator


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
        records.register(reg_name, prop_cls)
        return prop_cls
    return add


def get_all_registered_operators():
    """Return the names of all registered custom operators."""
    return records.names()


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
    named = {k: v for k, v in attributes.items() if isinstance(v, NDArray)}
    op = records.CustomOperator({"op_type": op_type, **{k: str(v) for k, v in attributes.items() if k not in named}})
    arrays = list(data) + [named[n] for n in op.input_names[len(data):] if n in named]
    if len(arrays) != len(op.input_names):
        raise MXNetError(f"Operator Custom ({op_type}) expects {len(op.input_names)} inputs "
                         f"({', '.join(op.input_names)}), but got {len(arrays)} instead.")
    for x in arrays:
        if not isinstance(x, NDArray):
            raise TypeError(f"operator Custom ({op_type}) takes NDArrays, but got {public_class(type(x))}")
    outs = run(op, arrays, arrays[0]._ctx if arrays else current_context())
    if out is not None:
        for target, x in zip(out if isinstance(out, (list, tuple)) else [out], outs):
            target._assign(x)
        return out
    return outs[0] if len(outs) == 1 else outs


def run(record, arrays, ctx):
    """Run a user's operator on arrays, recording it when recording.

    Parameters
    ----------
    record : CustomOperator
        What to run.
    arrays : list of NDArray
        Inputs, then auxiliary states.
    ctx : Context
        Where to run.

    Returns
    -------
    list of NDArray
    """
    inputs, aux = arrays[:record.argument_count], arrays[record.argument_count:]
    types = [x.dtype for x in inputs]
    _, out_shapes, _ = record.ask("infer_shape", [list(x.shape) for x in inputs])
    _, out_types, _ = record.ask("infer_type", types)
    op = record.prop.create_operator(ctx, [list(x.shape) for x in arrays], [x.dtype for x in arrays])
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
        call = PythonOperator(f"Custom ({record.op_type})", backward)
        _tape.record(call, {}, ctx, tuple(inputs), tuple([x._raw for x in outs]), outs)
    return outs
