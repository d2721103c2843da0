"""Calling operators on NDArrays: `invoke` runs a record, `function` makes the ``nd.*`` function of a record."""

from numbers import Number

import numpy as np

from .. import _tape
from ..backend import Context, current_context
from ..errors import MXNetError, public_class
from ..naming import ambient
from ..ops import registry
from .array import NDArray

_recording = ambient.recording
_training = ambient.training
_record = _tape.record
_functions: dict = {}
FORWARD_ERRORS = (MXNetError, ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError)


class _Absent:
    """Stands for an optional array that was not given."""

    _raw = _node = _storage = _leaf = _ctx = None
    _index = 0
    shape = None


ABSENT = _Absent()


def invoke(op, inputs, attrs, out=None, ctx=None):
    """Run an operator on arrays and record it when recording.

    Parameters
    ----------
    op : Operator
        What to run.
    inputs : tuple of NDArray
        Its arrays.
    attrs : dict
        Complete typed attributes (`Operator.parse` makes them).
    out : NDArray or list of NDArray, optional
        Where to write the result.
    ctx : Context, optional
        Where to run; that of the first array by default.

    Returns
    -------
    NDArray or list of NDArray
        The visible outputs.
    """
    if ctx is None:
        ctx = inputs[0]._ctx
    if op.mutates:  # first, since an alias gets memory of its own
        if op.shapes is not None and any(getattr(x, "_deferred", False) for x in inputs):
            inputs = _resolve_deferred(op, inputs, attrs)
        for i in op.mutates:
            inputs[i]._writable()
    if len(inputs) == 1:
        x = inputs[0]
        raws = (x._raw,)
        tracked = x._node is not None and _recording()
    else:
        raws, tracked = [], False
        for x in inputs:
            if x.__class__ is not NDArray and op.shapes is not None and getattr(x, "_deferred", False):
                return invoke(op, _resolve_deferred(op, inputs, attrs), attrs, out)
            raws.append(x._raw)
            if x._node is not None:
                tracked = True
            if x._ctx is not ctx and x is not ABSENT:
                _check_context(op, x, ctx)
        tracked = tracked and _recording()
        if op.same_dtype and raws[0].dtype != raws[1].dtype:
            raise _dtype_error(op, raws, attrs)
    env = ctx._environments[_training()]
    direct = out is not None and op.takes_out and _fits(out, raws[0])
    try:
        given = attrs
        if direct:
            _check_out(op, out, tracked)
            given = {**attrs, "out": out._writable()}
            raws = [x._raw for x in inputs]  # an input that was an alias of `out` has got memory of its own
        if env.scope is None:
            result = op.forward(env, *raws, **given)
        else:
            with env.scope:
                result = op.forward(env, *raws, **given)
    except FORWARD_ERRORS as error:
        call_text = op.describe_call([None if r is None else r.shape for r in raws], attrs)
        if is_explained(error, call_text):
            raise
        # No local name for the new error: its traceback holds this frame, and the cycle would keep the arrays.
        raise explained(error, call_text) from error
    if out is None:
        if result.__class__ is tuple or op.aliasing:
            outs = _wrap(op, result, raws, inputs, attrs, ctx)
        else:
            made = NDArray(result, ctx)
            if tracked:
                _record(op, attrs, ctx, inputs, result, (made,))
            return made
    else:
        outs = [out] if direct else _write_out(op, _wrap(op, result, raws, inputs, attrs, ctx), out, tracked)
    if tracked:
        _record(op, attrs, ctx, inputs, result, outs)
    return outs[0] if len(outs) == 1 else outs


def is_explained(error, call_text):
    """Return whether an error names the call that it came from, or is of a kind of its own."""
    return isinstance(error, MXNetError) and (type(error) is not MXNetError or call_text in str(error))


def explained(error, call_text):
    """Return an error of a forward function with the call that it came from."""
    if isinstance(error, MXNetError):
        return MXNetError(f"{error}, in operator {call_text}")
    return MXNetError(f"{call_text}: {error}")


def _dtype_error(op, raws, attrs):
    return MXNetError(f"Incompatible attr in node  at 1-th input: expected {raws[0].dtype}, got {raws[1].dtype}, in "
                      f"operator {op.describe_call([r.shape for r in raws], attrs)}. Cast one with .astype(...)")


def _check_context(op, x, ctx):
    # Contexts of host memory mix, as in MXNet; devices don't.
    if x._ctx._backend is not ctx._backend or not ctx._backend.mixes_contexts:
        raise MXNetError(f"operator {op.name} got arrays on {ctx} and {x._ctx}: move one with .as_in_context({ctx})")


def _fits(out, raw):
    return isinstance(out, NDArray) and out.shape == raw.shape and out._raw.dtype == raw.dtype


def _wrap(op, result, raws, inputs, attrs, ctx):
    if result.__class__ is tuple:
        outs = [NDArray(r, ctx) for r in result[:op.count_visible(attrs)]]
        if op.aliasing:
            for x, r in zip(outs, result):
                if r.base is not None:
                    x._become_alias_of(inputs[0])
        return outs
    if op.aliasing:
        x = NDArray(result, ctx)
        if result is raws[0] or result.base is not None:
            x._become_alias_of(inputs[0])
        return [x]
    return [NDArray(result, ctx)]


def _check_out(op, out, tracked):
    if tracked and out._node is not None:
        raise MXNetError(f"operator {op.name}: Inplace operations (+=, -=, x[:]=, out=, etc) are not supported when recording "
                         "with autograd; the array given as out is already part of a graph")


def _write_out(op, outs, out, tracked):
    targets = list(out) if isinstance(out, (list, tuple)) else [out]
    if len(targets) < len(outs):
        raise MXNetError(f"operator {op.name} has {len(outs)} outputs, but out= gives {len(targets)}")
    for x, target in zip(outs, targets):
        if not isinstance(target, NDArray):
            raise TypeError(f"operator {op.name}: out must be an NDArray or a list of them, but got {public_class(type(target))}")
        _check_out(op, target, tracked)
        if x.shape != target.shape:
            raise MXNetError(f"operator {op.name}: Incompatible attr in node  at 0-th output: expected {list(x.shape)}, "
                             f"got {list(target.shape)}")
        if x._raw.dtype != target._raw.dtype:
            raise MXNetError(f"operator {op.name}: Incompatible attr in node  at 0-th output: expected {x._raw.dtype}, "
                             f"got {target._raw.dtype}")
        target._ctx._backend.xp.copyto(target._writable(), x._raw)
    return targets[:len(outs)]


def _resolve_deferred(op, inputs, attrs):
    """Give arrays that wait for their shape (parameters not initialised yet) the one that the operator implies."""
    known = [x.shape for x in inputs]
    try:
        shapes = op.shapes(known, attrs)
    except FORWARD_ERRORS as error:
        call_text = op.describe_call(known, attrs)
        if is_explained(error, call_text):
            raise
        raise explained(error, call_text) from error
    return tuple([x._resolve(shape) if getattr(x, "_deferred", False) else x for x, shape in zip(inputs, shapes)])


def bind(op, args, kwargs):
    """Sort call arguments into arrays and given attributes.

    Returns
    -------
    (tuple, dict)
        Arrays in the operator's order, `ABSENT` for optional ones before the last given; attributes by name.

    Raises
    ------
    AssertionError
        If an argument is not an NDArray where one must be (MXNet's class of error).
    TypeError
        If there are too many arguments.
    MXNetError
        If an array is missing.
    """
    if op.variadic:
        return _bind_variadic(op, args, kwargs)
    count = len(op.inputs)
    arrays = list(args[:count])
    if len(args) > count:
        names = [n for n in op.attributes if n not in kwargs]
        if len(args) - count > len(names):
            raise TypeError(f"{op.name}() takes {count} arrays and the attributes {list(op.attributes)}; "
                            f"{len(args)} positional arguments were given")
        kwargs.update(zip(names, args[count:]))
    if len(arrays) < count:
        arrays = _bind_named(op, arrays, kwargs)
    for i, x in enumerate(arrays):
        if not isinstance(x, NDArray) and x is not ABSENT:
            if x is None and i >= op.required_inputs:
                arrays[i] = ABSENT
            else:
                raise _not_an_array(op, op.inputs[i], x)
    while len(arrays) > op.required_inputs and arrays[-1] is ABSENT:
        arrays.pop()
    return tuple(arrays), kwargs


def _bind_named(op, arrays, kwargs):
    for name in op.inputs[len(arrays):]:
        value = kwargs.pop(name, None)
        arrays.append(ABSENT if value is None else value)
    missing = [n for n, x in zip(op.inputs[:op.required_inputs], arrays) if x is ABSENT]
    if missing:
        raise MXNetError(f"operator {op.name} expects the arrays {', '.join(op.inputs)}, but got no {', '.join(missing)}")
    return arrays


def _bind_variadic(op, args, kwargs):
    if not args and op.inputs[-1] in kwargs:
        args = kwargs.pop(op.inputs[-1])
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        args = args[0]
    if op.count_attribute is not None:
        kwargs.pop(op.count_attribute, None)
    if len(args) < max(1, op.required_inputs):
        raise MXNetError(f"operator {op.name} expects at least one array")
    for x in args:
        if not isinstance(x, NDArray):
            raise _not_an_array(op, None, x)
    return tuple(args), kwargs


def _not_an_array(op, name, value):
    which = "Positional arguments" if name is None else f"Argument {name}"
    error = AssertionError(f"{which} must have NDArray type, but got {value!s}")
    hint = "; wrap host data in nd.array(...)" if isinstance(value, (np.ndarray, list, tuple, Number)) else ""
    error.add_note(f"in operator {op.name}{hint}")
    return error


def _create(op, given, out):
    """Call an operator of no arrays: its ctx argument, or that of `out`, or the current context says where."""
    ctx = given.pop("ctx", None)
    if ctx is None or ctx == "":
        ctx = out._ctx if isinstance(out, NDArray) else current_context()
    elif isinstance(ctx, str):
        kind, _, number = ctx.rstrip(")").partition("(")
        ctx = Context(kind, int(number or 0))
    if isinstance(out, NDArray):  # shape and dtype that are not given are those of the array to fill
        for name, value in (("shape", out.shape), ("dtype", out._raw.dtype)):
            if name in op.attributes:
                given.setdefault(name, value)
    return invoke(op, (), op.parse(given), out, ctx)


def function(name):
    """Return the ``nd`` function of an operator's name.

    Examples
    --------
    >>> import blockscope as mx
    >>> function("relu")(mx.nd.array([-1, 2]))
    <BLANKLINE>
    [0. 2.]
    <NDArray 2 @cpu(0)>
    """
    found = _functions.get(name)
    if found is None:
        op = registry.get(name)
        count = -1 if op.variadic or not op.inputs else len(op.inputs)

        def found(*args, out=None, name=None, **kwargs):
            if len(args) == count:
                for x in args:
                    if x.__class__ is not NDArray:
                        break
                else:
                    return invoke(op, args, op.parse(kwargs), out)
            arrays, given = bind(op, args, kwargs)
            if arrays:
                return invoke(op, arrays, op.parse(given), out)
            return _create(op, given, out)
        found.__name__ = found.__qualname__ = name
        found.__doc__ = _documentation(op)
        found.operator = op
        _functions[name] = found
    return found


def replace(name, made):
    """Make `made` the ``nd`` function of an operator that needs more than arrays and attributes."""
    made.operator = registry.get(name)
    _functions[name] = made


def _documentation(op):
    lines = [op.__doc__ or "", "", "Parameters", "----------"]
    lines += [f"{n} : NDArray" for n in op.inputs]
    lines += [a.describe() for a in op.attributes.values()]
    return "\n".join(lines)


class ArrayFunctions:
    """Operators as functions of NDArrays with typed attributes: the ``F`` of gradient rules under ``create_graph``."""

    def __getattr__(self, name):
        made = function(name)
        setattr(self, name, made)
        return made


NDArray._invoke = staticmethod(invoke)
NDArray._function = staticmethod(function)
