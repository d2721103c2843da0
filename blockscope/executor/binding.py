"""Binding symbols: `Symbol.bind`, `simple_bind` and `eval` check what they are given here, and make an `Executor`."""
import numpy as np

from ..backend import Context, current_context
from ..errors import MXNetError
from ..formats.params import DTYPE_FLAGS
from ..ndarray import NDArray, zeros
from ..ops.attributes import as_dtype
from ..ops.inference import is_complete, listed
from ..symbol.infer import infer_shapes, infer_types
from ..symbol.listing import variables
from .executor import Executor
from .placement import group_context
from .resizing import fitted

__all__ = ['arrays_by_position', 'bind', 'evaluate', 'simple_bind']

_REQUESTS = {'null': 0, 'write': 1, 'add': 3}
_ONLY_ARRAYS = 'Only accept list of NDArrays or dict of str to NDArray'


# ---- bind ------------------------------------------------------------------------------------------------------------------

def bind(symbol, ctx, args, args_grad=None, grad_req='write', aux_states=None, group2ctx=None, shared_exec=None):
    """Return an `Executor` of a graph on given arrays; see `Symbol.bind`.

    Raises
    ------
    TypeError
        `ctx` is no context, or something is no array.
    ValueError
        An array is missing, there are too many or too few, or `grad_req` is wrong.
    MXNetError
        Shapes or contexts of the arrays don't fit.
    """
    _check_kinds(ctx, group2ctx, shared_exec)
    names = symbol.list_arguments()
    args = arrays_by_position('args', args, names)
    grads = None if args_grad is None else arrays_by_position('args_grad', args_grad, names, True)
    aux = arrays_by_position('aux_states', [] if aux_states is None else aux_states, symbol.list_auxiliary_states())
    requests = _requests(grad_req, names)
    shapes, types = _inferred(symbol, args, aux, grads)
    if not group2ctx:
        _check_contexts(ctx, (*args, *aux), 'Input array', 'arguments')
        _check_contexts(ctx, grads or (), 'Gradient array', 'gradients')
    return Executor(symbol, ctx, args, grads, requests, aux, group2ctx, grad_req, shapes, types)


def _check_kinds(ctx, group2ctx, shared_exec):
    if not isinstance(ctx, Context):
        raise TypeError('Context type error')
    for group, context in (group2ctx or {}).items():
        if not isinstance(context, Context):
            raise TypeError(f'group2ctx must give each group a context, but gives {group!r} {context!r}')
    if shared_exec is not None and not isinstance(shared_exec, Executor):
        raise TypeError(f'shared_exec must be an Executor, but got {shared_exec!r}')


def arrays_by_position(what, given, names, allow_missing=False):
    """Return arrays in the order of names, from a list or a dictionary.

    Parameters
    ----------
    what : str
        For messages: what the arrays are.
    given : list or dict of str to NDArray
    names : list of str
    allow_missing : bool
        Whether arrays may be left out; those are None.
    """
    if isinstance(given, list):
        if len(given) != len(names):
            raise ValueError(f'Length of {what} does not match the number of arguments')
        for array in given:
            if not (isinstance(array, NDArray) or (array is None and allow_missing)):
                raise TypeError(_ONLY_ARRAYS)
        return given
    if not isinstance(given, dict):
        raise TypeError(_ONLY_ARRAYS)
    found = []
    for name in names:
        if name in given:
            if not isinstance(given[name], NDArray):
                raise TypeError(_ONLY_ARRAYS)
            found.append(given[name])
        elif allow_missing:
            found.append(None)
        else:
            raise ValueError(f'key `{name}` is missing in `{what}`')
    return found


def _requests(grad_req, names):
    if isinstance(grad_req, str):
        if grad_req not in _REQUESTS:
            raise ValueError(f'grad_req must be in {_REQUESTS}')
        return [grad_req] * len(names)
    if isinstance(grad_req, dict):
        requests = [grad_req.get(name, 'null') for name in names]
    elif isinstance(grad_req, (list, tuple)):
        requests = list(grad_req)
        if len(requests) != len(names):
            raise ValueError(f'grad_req has {len(requests)} requests, but there are {len(names)} arguments: {", ".join(names)}')
    else:
        raise TypeError(f'grad_req must be a str, or a list or dict of them, but got {grad_req!r}')
    for request in requests:
        if request not in _REQUESTS:
            error = KeyError(request)  # as in MXNet
            error.add_note(f'grad_req must be in {list(_REQUESTS)}')
            raise error
    return requests


def _inferred(symbol, args, aux, grads):
    """Return all shapes and types of the graph, as the arrays determine them."""
    arguments, states = variables(symbol._entries)
    names = [node.name for node in (*arguments, *states)]
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise MXNetError(f'Check failed: arg_names.size() == in_args_map.size() ({len(names)} vs. {len(set(names))}) : several variables '
                         f'have the name {repeated}; use one symbol, or give them different names')
    for name, x, grad in zip(names, args, grads or ()):
        if grad is not None and grad.shape != x.shape:
            raise MXNetError(f'the array for the gradient of {name} has shape {grad.shape}, but {name} has shape {x.shape}')
    arrays = dict(zip(names, (*args, *aux)))
    return (infer_shapes(symbol._entries, {name: x.shape for name, x in arrays.items()}),
            infer_types(symbol._entries, {name: x._raw.dtype for name, x in arrays.items()}))


def _check_contexts(ctx, arrays, what, plural):
    for x in arrays:
        if x is not None and x.context is not ctx:
            raise MXNetError(f'{what} is in {x.context} while binding with ctx={ctx}. All {plural} must '
                             f'be in global context ({ctx}) unless group2ctx is specified for cross-device graph.')


def evaluate(symbol, ctx, arrays):
    """Return the outputs for arrays given by name, auxiliary states among them; see `Symbol.eval`."""
    names = symbol.list_auxiliary_states()
    aux = {name: arrays[name] for name in names} if all(name in arrays for name in names) else None
    return bind(symbol, current_context() if ctx is None else ctx, arrays, grad_req='null', aux_states=aux).forward()


# ---- simple_bind -----------------------------------------------------------------------------------------------------------

def simple_bind(symbol, ctx, grad_req='write', type_dict=None, stype_dict=None, group2ctx=None, shared_arg_names=None, shared_exec=None,
                shared_buffer=None, shapes=()):
    """Return an `Executor` with new arrays of zeros; see `Symbol.simple_bind`.

    Parameters
    ----------
    symbol : Symbol
    ctx : Context
    grad_req : str, list of str, dict of str to str, or None
        Which arguments get arrays for their gradients, and how gradients are written; None is 'null'.
    type_dict : dict of str to dtype, optional
        Types of inputs; what doesn't follow from them is float32.
    stype_dict : dict of str to str, optional
        Storage types; 'default' is the only one.
    group2ctx : dict of str to Context, optional
    shared_arg_names : list of str, optional
        Arguments whose arrays are those of `shared_exec` (new ones without it).
    shared_exec : Executor, optional
    shared_buffer : dict of str to NDArray, optional
        Arrays whose memory is used for other arguments and gradients of these names; new ones are added.
    shapes : dict of str to tuple
        Shapes of inputs.

    Raises
    ------
    RuntimeError
        Shapes or types can't be determined or contradict each other, or `grad_req` is wrong.
    """
    _check_kinds(ctx, group2ctx, shared_exec)
    _check_simple_bind(grad_req, stype_dict, shared_arg_names, shared_buffer)
    try:
        return _simple_bind(symbol, ctx, grad_req, type_dict or {}, group2ctx, shared_arg_names or [], shared_exec, shared_buffer,
                            dict(shapes))
    except MXNetError as error:
        listed = ''.join(f'{name}: {shape}\n' for name, shape in dict(shapes).items())
        raise RuntimeError(f'simple_bind error. Arguments:\n{listed}{error}') from error


def _check_simple_bind(grad_req, stype_dict, shared_arg_names, shared_buffer):
    for kind, empty in ((list, []), (dict, {})):
        if isinstance(grad_req, kind) and grad_req == empty:
            raise RuntimeError(f'grad_req in simple_bind cannot be an empty {kind.__name__}')
    for name, stype in (stype_dict or {}).items():
        if stype != 'default':
            raise ValueError(f"stype_dict gives {name} the storage type {stype!r}, but arrays here are dense: use 'default'")
    if shared_arg_names is not None and not isinstance(shared_arg_names, list):
        raise ValueError('shared_arg_names in simple_bind must be a list or None')
    if shared_buffer is not None and not isinstance(shared_buffer, dict):
        raise ValueError('shared_buffer in simple_bind must be dict or None')


def _simple_bind(symbol, ctx, grad_req, type_dict, group2ctx, shared_names, shared_exec, shared_buffer, given):
    arguments, states = variables(symbol._entries)
    names = [node.name for node in arguments]
    requests = _simple_requests(grad_req, names)
    shapes = _complete_shapes(symbol, arguments, states, given)
    types = _complete_types(symbol, arguments, states, type_dict)
    allocate = _Allocation(shapes, types, ctx, group2ctx, shared_exec, shared_names, shared_buffer)
    args = [allocate.argument(node) for node in arguments]
    grads = [None if request == 'null' else allocate.gradient(node) for node, request in zip(arguments, requests)]
    aux = [allocate.state(node) for node in states]
    return Executor(symbol, ctx, args, grads, requests, aux, group2ctx, grad_req, shapes, types)


def _simple_requests(grad_req, names):
    if grad_req is None:
        return ['null'] * len(names)
    if isinstance(grad_req, list) and len(grad_req) != len(names):
        raise MXNetError('The length of grad_req list does not match the number of input arguments in simple_bind, expected '
                         f'{len(names)}, provided {len(grad_req)}')
    try:
        return _requests(grad_req, names)
    except (KeyError, ValueError) as error:
        wrong = grad_req if isinstance(grad_req, str) else error.args[0]
        raise MXNetError(f"grad_req={wrong} is not a valid input in simple_bind; only 'null', 'write', and 'add' are supported") from error


def _complete_shapes(symbol, arguments, states, given):
    names = {node.name for node in (*arguments, *states)}
    known = {name: shape for name, shape in given.items() if isinstance(shape, tuple) and name in names}
    shapes = infer_shapes(symbol._entries, known)
    unknown = [node for node in (*arguments, *states) if not is_complete(shapes[node, 0])]
    if unknown:
        listed = ''.join(f'{node.name}: {_shown(shapes[node, 0])}, ' for node in unknown)
        raise MXNetError('InferShape pass cannot decide shapes for the following arguments (-1 means unknown dimensions). Please consider '
                         f'providing them as inputs:\n{listed}\n')
    return shapes


def _shown(shape):
    return None if shape is None else f"[{','.join(str(n or -1) for n in shape)}]"


def _complete_types(symbol, arguments, states, type_dict):
    names = {node.name for node in (*arguments, *states)}
    known = {}
    for name, dtype in type_dict.items():
        if name in names:
            known[name] = as_dtype(dtype)
            if known[name] not in DTYPE_FLAGS:
                raise MXNetError(f'type_dict gives {name} the type {known[name]}, which arrays cannot have: choose one of '
                                 f'{", ".join(map(str, DTYPE_FLAGS))}')
    types = infer_types(symbol._entries, known)
    for node in arguments:  # what nothing tells of is float32
        if types[node, 0] is None:
            known[node.name] = np.dtype('float32')
            types = infer_types(symbol._entries, known)
    return types


class _Allocation:
    """Makes or finds the arrays of an executor."""

    def __init__(self, shapes, types, ctx, group2ctx, shared_exec, shared_names, shared_buffer):
        self._shapes = shapes
        self._types = types
        self._ctx = ctx
        self._group2ctx = group2ctx
        self._shares = shared_exec is not None and (bool(shared_names) or shared_buffer is not None)
        self._shared = [shared_exec.arg_dict, shared_exec.grad_dict, shared_exec.aux_dict] if self._shares else [{}, {}, {}]
        self._names = set(shared_names)
        self._buffer = shared_buffer

    def argument(self, node):
        """Return the array of an argument."""
        if node.name not in self._names:
            return self._buffered(node, node.name)
        return self._shared_array(node, 0) if self._shares else self._new(node)

    def gradient(self, node):
        """Return the array of an argument's gradient."""
        if node.name not in self._names:
            return self._buffered(node, f'grad of {node.name}')
        return self._new(node) if self._shared[1].get(node.name) is None else self._shared_array(node, 1)

    def state(self, node):
        """Return the array of an auxiliary state."""
        return self._shared_array(node, 2) if node.name in self._shared[2] else self._new(node)

    def _shared_array(self, node, kind):
        if node.name not in self._shared[kind]:
            raise MXNetError(f'shared_arg_names has {node.name}, which shared_exec has not')
        found, shape = self._shared[kind][node.name], self._shapes[node, 0]
        if found.shape != shape or found._raw.dtype != self._types[node, 0]:
            raise MXNetError("Inferred shape does not match shared_exec.arg_array's shape Therefore, the allocated memory for "
                             f'shared_exec.arg_array cannot be resued for creating NDArray of the argument {node.name} for the current '
                             f'executor: {listed(shape)} {self._types[node, 0]} is needed, but it is {listed(found.shape)} '
                             f'{found._raw.dtype}')
        return found

    def _buffered(self, node, name):
        if self._buffer is None:
            return self._new(node)
        known = self._buffer.get(name)
        if known is not None and known._raw.dtype == self._types[node, 0]:
            found = fitted(known, self._shapes[node, 0])
            if found is not None:
                return found
        self._buffer[name] = made = self._new(node)
        return made

    def _new(self, node):
        return zeros(self._shapes[node, 0], ctx=group_context(node, self._group2ctx, self._ctx), dtype=self._types[node, 0])
