"""Checking what a symbol computes, and its gradients: a part of `test_utils`.

Known bugs of MXNet 1.9.1 that are fixed here: `simple_forward` puts its inputs on `ctx`, `check_speed` heeds keyword arguments also
when `location` is given, `numeric_grad` takes lists as it says, and `same_symbol_structure` tells a graph from a longer one.
"""
import time

import numpy as np

from . import ndarray as nd
from . import symbol
from ._test_arrays import default_context, default_dtype
from ._test_comparing import assert_almost_equal, to_host
from ._test_tolerances import default_numeric_eps, get_tolerance
from .symbol.node import walk

__all__ = ["check_numeric_gradient", "check_speed", "check_symbolic_backward", "check_symbolic_forward", "numeric_grad",
           "same_symbol_structure", "simple_forward"]

_FLOATS = (np.float16, np.float32, np.float64)
_SMALLEST_STEP = 1e-5  # a smaller one vanishes in the rounding of float32
_PROJECTION = "__random_proj"


# ---- values by name ------------------------------------------------------------------------------------------------------------


def _require_float(dtype, others=()):
    if dtype not in (*_FLOATS, *others):
        allowed = ", ".join([*(repr(other) for other in others), *(kind.__name__ for kind in _FLOATS)])
        raise AssertionError(f"dtype must be one of {allowed}, but is {dtype!r}")


def _array(value, ctx, dtype):
    """Return a value as an NDArray (one is given back itself); the dtype "asnumpy" means the value's own."""
    if isinstance(value, nd.NDArray):
        return value
    value = np.asarray(value)
    return nd.array(value, ctx=ctx, dtype=value.dtype if dtype == "asnumpy" else dtype)


def _by_name(values, names, mismatch):
    """Return values as a dict, sorted by name; `mismatch` is the error for a dict with other names."""
    if isinstance(values, dict):
        if set(values) != set(names):
            raise ValueError(mismatch % (set(names), set(values)))
    elif not isinstance(values, (list, tuple)):
        raise AssertionError(f"values must be a dict, list or tuple, but are {type(values).__name__}")
    elif len(values) != len(names):
        raise ValueError(f"{len(values)} values were given for {len(names)} names: {names}")
    else:
        values = dict(zip(names, values))
    return dict(sorted(values.items()))


def _parse_location(sym, location, ctx, dtype):
    location = _by_name(location, sym.list_arguments(),
                        "Symbol arguments and keys of the given location do not match.symbol args:%s, location.keys():%s")
    return {name: _array(value, ctx, dtype) for name, value in location.items()}


def _parse_aux_states(sym, aux_states, ctx, dtype):
    if aux_states is None:
        return None
    aux_states = _by_name(aux_states, sym.list_auxiliary_states(),
                          "Symbol aux_states names and given aux_states do not match.symbol aux_names:%s, aux_states.keys:%s")
    return {name: nd.array(value, ctx=ctx, dtype=to_host(value).dtype if dtype == "asnumpy" else dtype)
            for name, value in aux_states.items()}


def _check_gradient(request, name, expected, found, before, tolerances, left, equal_nan=False):
    """Compare one gradient array with what its request asks: overwritten, added to what was there `before`, or untouched."""
    found = to_host(found) - before if request == "add" else found
    assert_almost_equal(before if request == "null" else expected, found, *tolerances, (f"{left}_{name}", f"BACKWARD_{name}"),
                        equal_nan=equal_nan)


# ---- forward -------------------------------------------------------------------------------------------------------------------


def simple_forward(sym, ctx=None, is_train=False, **inputs):
    """Compute a symbol.

    Parameters
    ----------
    sym : Symbol
    ctx : Context, optional
        Where; the current context by default.
    is_train : bool, default False
        Compute as in training.
    **inputs : array_like
        A value for each argument and auxiliary state.

    Returns
    -------
    numpy.ndarray or list of numpy.ndarray
        The output, or a list where there are several.

    Examples
    --------
    >>> import blockscope as mx
    >>> simple_forward(mx.sym.var("a") * 2, a=[1, 2])
    array([2., 4.], dtype=float32)
    """
    ctx = ctx or default_context()
    inputs = {name: nd.array(value, ctx=ctx) for name, value in inputs.items()}
    aux_states = {name: inputs.pop(name) for name in sym.list_auxiliary_states() if name in inputs}
    executor = sym.bind(ctx, args=inputs, aux_states=aux_states or None)
    executor.forward(is_train=is_train)
    outputs = [output.asnumpy() for output in executor.outputs]
    return outputs[0] if len(outputs) == 1 else outputs


def check_symbolic_forward(sym, location, expected, rtol=None, atol=None,
                           aux_states=None, ctx=None, equal_nan=False,
                           dtype=default_dtype()):
    """Raise AssertionError unless a symbol computes what is expected.

    Parameters
    ----------
    sym : Symbol
    location : list of array_like, or dict of str -> array_like
        A value for each argument: in their order, or by name.
    expected : list of array_like, or dict of str -> array_like
        A value for each output.
    rtol, atol : float, optional
        As for :func:`assert_almost_equal`.
    aux_states : list or dict of array_like, optional
        A value for each auxiliary state.
    ctx : Context, optional
        Where; the current context by default.
    equal_nan : bool, default False
        Count NaN as equal to NaN.
    dtype : numpy.float16, numpy.float32, numpy.float64 or "asnumpy"
        Type of the arguments; "asnumpy" keeps those that `location` has.

    Returns
    -------
    list of NDArray
        The outputs.

    Examples
    --------
    >>> import numpy as np
    >>> import blockscope as mx
    >>> product = mx.sym.dot(mx.sym.var("a"), mx.sym.var("b"))
    >>> a, b = np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])
    >>> outputs = check_symbolic_forward(product, [a, b], [np.array([[19, 22], [43, 50]])])
    """
    _require_float(dtype, ("asnumpy",))
    ctx = ctx or default_context()
    location = _parse_location(sym, location, ctx, dtype)
    aux_states = _parse_aux_states(sym, aux_states, ctx, dtype)
    names = sym.list_outputs()
    if isinstance(expected, dict):
        expected = [expected[name] for name in names]
    gradients = {name: nd.zeros(value.shape, ctx=ctx, dtype=value.dtype) for name, value in location.items()}
    executor = sym.bind(ctx=ctx, args=location, args_grad=gradients, aux_states=aux_states)
    executor.forward(is_train=False)
    for name, wanted, output in zip(names, expected, executor.outputs):
        assert_almost_equal(wanted, output, rtol, atol, (f"EXPECTED_{name}", f"FORWARD_{name}"), equal_nan=equal_nan)
    return executor.outputs


# ---- backward ------------------------------------------------------------------------------------------------------------------


def check_symbolic_backward(sym, location, out_grads, expected, rtol=None, atol=None,
                            aux_states=None, grad_req='write', ctx=None, grad_stypes=None,
                            equal_nan=False, dtype=default_dtype()):
    """Raise AssertionError unless a symbol has the gradients expected.

    Parameters
    ----------
    sym : Symbol
    location : list of array_like, or dict of str -> array_like
        A value for each argument: in their order, or by name.
    out_grads : list of array_like, dict of str -> array_like, or None
        The head gradient of each output; None for losses.
    expected : list of array_like, or dict of str -> array_like
        The gradients of all arguments in their order, or of some by name. With the request 'add' what backward is to add.
    rtol, atol : float, optional
        As for :func:`assert_almost_equal`.
    aux_states : list or dict of array_like, optional
        A value for each auxiliary state.
    grad_req : str, list of str, or dict of str -> str
        'write', 'add' or 'null'.
    ctx : Context, optional
        Where; the current context by default.
    grad_stypes : dict of str -> str, optional
        Storage types of gradients; others than 'default' raise MXNetError.
    equal_nan : bool, default False
        Count NaN as equal to NaN.
    dtype : numpy.float16, numpy.float32, numpy.float64 or "asnumpy"
        Type of the arrays; "asnumpy" keeps those that they have.

    Returns
    -------
    dict of str -> NDArray
        The gradients.

    Examples
    --------
    >>> import numpy as np
    >>> import blockscope as mx
    >>> a, b, head = np.array([1, 2]), np.array([3, 4]), np.array([10, 100])
    >>> gradients = check_symbolic_backward(mx.sym.var("a") * mx.sym.var("b"), [a, b], [head], [head * b, head * a])
    """
    _require_float(dtype, ("asnumpy",))
    ctx = ctx or default_context()
    location = _parse_location(sym, location, ctx, dtype)
    aux_states = _parse_aux_states(sym, aux_states, ctx, dtype)
    names = sym.list_arguments()
    if isinstance(expected, (list, tuple)):
        expected = dict(zip(names, expected))
    if isinstance(grad_req, str):
        grad_req = dict.fromkeys(names, grad_req)
    elif isinstance(grad_req, (list, tuple)):
        grad_req = dict(zip(names, grad_req))
    stypes = grad_stypes or {}
    # What lies in the arrays before must not matter to 'write', be added to by 'add' and stay with 'null'.
    before = {name: np.random.normal(size=np.shape(value)) for name, value in sorted(expected.items())}
    gradients = {name: _gradient_array(value, ctx, to_host(expected[name]).dtype if dtype == "asnumpy" else dtype, stypes.get(name))
                 for name, value in before.items()}
    before = {name: gradient.asnumpy() for name, gradient in gradients.items()}
    executor = sym.bind(ctx=ctx, args=location, args_grad=gradients, aux_states=aux_states, grad_req=grad_req)
    executor.forward(is_train=True)
    if isinstance(out_grads, dict):
        out_grads = {name: _array(value, ctx, dtype) for name, value in out_grads.items()}
    elif out_grads is not None:
        out_grads = [_array(value, ctx, dtype) for value in out_grads]
    executor.backward(out_grads)
    for name, wanted in expected.items():
        _check_gradient(grad_req[name], name, wanted, gradients[name], before[name], (rtol, atol), "EXPECTED", equal_nan)
    return gradients


def _gradient_array(values, ctx, dtype, stype):
    if stype not in (None, "default"):
        return nd.zeros(values.shape, ctx, dtype, stype)  # raises: there are no sparse arrays
    return nd.array(values, ctx=ctx, dtype=dtype)


def numeric_grad(executor, location, aux_states=None, eps=1e-4,
                 use_forward_train=True, dtype=default_dtype()):
    """Return the gradients of the sum of an executor's first output by finite differences.

    Parameters
    ----------
    executor : Executor
        Its arguments are overwritten on the way, and are `location` again at the end.
    location : list of array_like, or dict of str -> array_like
        Where: values of all arguments in their order, or of those whose gradient is wanted by name.
    aux_states : list or dict of array_like, optional
        Auxiliary states, restored before each forward pass.
    eps : float, default 1e-4
        The step.
    use_forward_train : bool, default True
        Compute as in training.
    dtype : numpy.float16, numpy.float32 or numpy.float64
        Type of the gradients.

    Returns
    -------
    dict of str -> numpy.ndarray
        Zeros for arguments of integers.

    Examples
    --------
    >>> import blockscope as mx
    >>> executor = (mx.sym.var("a") * mx.sym.var("b")).bind(mx.cpu(), {"a": mx.nd.array([1, 2]), "b": mx.nd.array([3, 4])})
    >>> numeric_grad(executor, {"a": [1.0, 2.0]}, eps=2 ** -5)
    {'a': array([3., 4.], dtype=float32)}
    """
    _require_float(dtype)
    location = {name: np.array(to_host(value)) for name, value in _named(location, executor.arg_dict)}
    aux_states = [(executor.aux_dict[name], to_host(value)) for name, value in _named(aux_states or {}, executor.aux_dict)]
    for name, value in location.items():
        executor.arg_dict[name][:] = value

    def output_at(argument, value):
        argument[:] = value
        for state, initial in aux_states:
            state[:] = initial
        executor.forward(is_train=use_forward_train)
        return executor.outputs[0].asnumpy().astype(np.float64)

    gradients = {name: np.zeros(value.shape, dtype=dtype) for name, value in location.items()}
    for name, value in location.items():
        if value.dtype.kind != "f":
            continue
        argument = executor.arg_dict[name]
        for index in np.ndindex(value.shape):
            high, low = value.copy(), value.copy()
            high[index] += eps / 2
            low[index] -= eps / 2
            gradients[name][index] = (output_at(argument, high) - output_at(argument, low)).sum() / eps
        argument[:] = value
    return gradients


def _named(values, arrays):
    return values.items() if isinstance(values, dict) else zip(arrays, values)


def check_numeric_gradient(sym, location, aux_states=None, numeric_eps=None, rtol=None,
                           atol=None, grad_nodes=None, use_forward_train=True, ctx=None,
                           grad_stype_dict=None, dtype=default_dtype()):
    """Raise AssertionError unless the gradients of a symbol agree with finite differences.

    The output is weighted with random numbers between 0.1 and 1.1, so that errors of its elements don't cancel.

    Parameters
    ----------
    sym : Symbol
        With one output.
    location : list of array_like, or dict of str -> array_like
        A value for each argument: in their order, or by name.
    aux_states : list or dict of array_like, optional
        A value for each auxiliary state.
    numeric_eps : float or dict of numpy.dtype -> float, optional
        The step; :func:`default_numeric_eps` by default.
    rtol, atol : float, optional
        As for :func:`assert_almost_equal`.
    grad_nodes : list of str, or dict of str -> str, optional
        The arguments whose gradients to check, or gradient requests by name; all by default.
    use_forward_train : bool, default True
        Compute the differences as in training.
    ctx : Context, optional
        Where; the current context by default.
    grad_stype_dict : dict of str -> str, optional
        Storage types of gradients; others than 'default' raise MXNetError.
    dtype : numpy.float16, numpy.float32 or numpy.float64
        Type of the arguments. Differences are much more precise in float64.

    Examples
    --------
    >>> import numpy as np
    >>> import blockscope as mx
    >>> check_numeric_gradient(mx.sym.sin(mx.sym.var("a")), [np.array([1.0, 2.0])], dtype=np.float64)
    """
    _require_float(dtype)
    ctx = ctx or default_context()
    location = _parse_location(sym, location, ctx, dtype)
    aux_states = _parse_aux_states(sym, aux_states, ctx, dtype)
    values = {name: value.asnumpy() for name, value in location.items()}
    states = {name: value.asnumpy() for name, value in (aux_states or {}).items()}
    requests = _gradient_requests(sym, grad_nodes)
    _, (shape, *_), _ = sym.infer_shape(**{name: value.shape for name, value in location.items()})
    location[_PROJECTION] = nd.array(np.random.uniform(0.1, 1.1, shape), ctx=ctx, dtype=dtype)
    gradients = {name: _gradient_array(np.random.normal(0, 0.01, location[name].shape), ctx, dtype, (grad_stype_dict or {}).get(name))
                 for name in [*requests, _PROJECTION]}
    before = {name: gradient.asnumpy() for name, gradient in gradients.items()}
    loss = symbol.make_loss(sym * symbol.var(_PROJECTION))
    executor = loss.bind(ctx, grad_req=requests, args=location, args_grad=gradients, aux_states=aux_states)
    executor.forward(is_train=True)
    eps = get_tolerance(executor.outputs[0], numeric_eps, default_numeric_eps())
    if dtype != np.float64 and eps < _SMALLEST_STEP:
        raise AssertionError(f"a step of {eps} vanishes in the rounding of {np.dtype(dtype)}: take {_SMALLEST_STEP} or more, or float64")
    executor.backward()
    differences = numeric_grad(executor, {name: values[name] for name in requests}, states, eps, use_forward_train, dtype)
    for name, request in requests.items():
        _check_gradient(request, name, differences[name], gradients[name], before[name], (rtol, atol), "NUMERICAL")


def _gradient_requests(sym, grad_nodes):
    if grad_nodes is None:
        grad_nodes = sym.list_arguments()
    if isinstance(grad_nodes, dict):
        return dict(grad_nodes)
    if isinstance(grad_nodes, (list, tuple)):
        return dict.fromkeys(grad_nodes, "write")
    raise ValueError(f"grad_nodes must be a list of names or a dict of requests by name, but is {type(grad_nodes).__name__}")


# ---- speed and structure -------------------------------------------------------------------------------------------------------


def check_speed(sym, location=None, ctx=None, N=20, grad_req=None, typ="whole",
                **kwargs):
    """Return how many seconds a symbol takes.

    Parameters
    ----------
    sym : Symbol
    location : dict of str -> numpy.ndarray, optional
        Values of arguments; random ones by default.
    ctx : Context, optional
        Where; the current context by default.
    N : int, default 20
        How many runs to average, after one that does not count.
    grad_req : str, list of str, or dict of str -> str, default 'write'
        Gradient requests.
    typ : {'whole', 'forward'}
        Run forward and backward, or forward only.
    **kwargs
        Shapes of arguments and other arguments of `simple_bind`.

    Examples
    --------
    >>> import blockscope as mx
    >>> check_speed(mx.sym.var("a") * 2, N=1, a=(2, 3)) > 0
    True
    """
    if typ not in ("whole", "forward"):
        raise ValueError('typ can only be "whole" or "forward".')
    if not (location is None or isinstance(location, dict)):
        raise AssertionError(f'Expect dict, get "location"={location}')
    shapes = {name: value.shape for name, value in (location or {}).items()}
    executor = sym.simple_bind(ctx=ctx or default_context(), grad_req=grad_req or "write", **{**kwargs, **shapes})
    if location is None:
        location = {name: np.random.normal(size=array.shape) for name, array in executor.arg_dict.items()}
    for name, value in location.items():
        executor.arg_dict[name][:] = to_host(value).astype(executor.arg_dict[name].dtype)

    def run():
        executor.forward(is_train=typ == "whole")
        if typ == "whole":
            executor.backward(out_grads=executor.outputs)

    run()
    nd.waitall()
    start = time.perf_counter()
    for _ in range(N):
        run()
    nd.waitall()
    return (time.perf_counter() - start) / N


def same_symbol_structure(sym1, sym2):
    """Say whether two symbols have the same operators in the same places.

    Examples
    --------
    >>> import blockscope as mx
    >>> a, b = mx.sym.var("a"), mx.sym.var("b")
    >>> same_symbol_structure(a + b, b + a), same_symbol_structure(a + b, a * b)
    (True, False)
    """
    first, second = ([node.op and node.op.name for node in walk(sym._entries)] for sym in (sym1, sym2))
    return first == second
