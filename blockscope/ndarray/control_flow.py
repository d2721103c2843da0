"""Loops and branches over arrays, run step by step: nd.contrib.foreach, while_loop and cond."""

from ..errors import public_class
from .array import NDArray
from .creation import zeros
from .dispatch import function


def _check_arrays(value, what):
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_arrays(item, what)
    elif not isinstance(value, NDArray):
        raise AssertionError(f"{what} should be an NDArray or a nested list of NDArrays, but holds {public_class(type(value))}")


def _join(steps, join, where):
    """Join what all steps returned, array by array; the result is nested as one step's is."""
    first = steps[0]
    if isinstance(first, NDArray):
        return join(steps)
    if not isinstance(first, (list, tuple)):
        raise AssertionError(f"{where} must be an NDArray or a nested list of them, but got {public_class(type(first))}")
    if any(len(step) != len(first) for step in steps):
        raise ValueError("Number of elements in step_output should be the same in each step")
    return [_join([step[i] for step in steps], join, where) for i in range(len(first))]


def _slices(x, count):
    """Return the first slices of an array along axis 0; their gradients are joined at once, not added one by one."""
    if len(x) != count:
        if len(x) < count:
            raise IndexError(f"index {len(x)} is out of bounds for axis 0 with size {len(x)}: the first array is longer")
        x = x[:count]
    if not count:
        return []
    found = function("SliceChannel")(x, num_outputs=count, axis=0, squeeze_axis=True)
    return [found] if count == 1 else found


def foreach(body, data, init_states):
    """Run `body` on every slice of `data` along axis 0, handing on states.

    Parameters
    ----------
    body : callable
        ``(slice, states) -> (outputs, new_states)``.
    data : NDArray or list of NDArray
        What to loop over.
    init_states : NDArray or nested list of NDArray
        States of the first step.

    Returns
    -------
    outputs, states
        Outputs of all steps stacked along a new axis 0, and the last states.

    Examples
    --------
    >>> import blockscope as mx
    >>> running = lambda x, s: (x + s, x + s)
    >>> mx.nd.contrib.foreach(running, mx.nd.array([1, 2, 3]), mx.nd.array([0]))[0].reshape(-1)
    <BLANKLINE>
    [1. 3. 6.]
    <NDArray 3 @cpu(0)>
    """
    _check_arrays(data, "data")
    _check_arrays(init_states, "init_states")
    single = isinstance(data, NDArray)
    steps, states = [], init_states
    arrays = [data] if single else data
    for slices in zip(*[_slices(x, len(arrays[0])) for x in arrays]):
        out, states = body(slices[0] if single else list(slices), states)
        steps.append(out)
    if not steps:
        raise ValueError("foreach: data has no elements along axis 0")
    return _join(steps, lambda arrays: function("stack")(*arrays), "foreach output"), states


def while_loop(cond, func, loop_vars, max_iterations=None):
    """Run `func` while `cond` holds, at most `max_iterations` times.

    Parameters
    ----------
    cond : callable
        ``(*loop_vars) -> bool`` or an array of one element.
    func : callable
        ``(*loop_vars) -> (step_output, new_loop_vars)``.
    loop_vars : NDArray or list of NDArray
        Variables of the first step.
    max_iterations : int
        Length of axis 0 of the outputs; rows of steps that did not run are zero.

    Returns
    -------
    outputs, loop_vars
        Outputs of all steps stacked along a new axis 0 (an empty list if no step ran), and the last variables.
    """
    if max_iterations is None:
        raise ValueError("max_iterations should be specified")
    limit = _scalar(max_iterations, int, "max_iteration")
    single = isinstance(loop_vars, NDArray)
    values = [loop_vars] if single else list(loop_vars)
    if not values:
        raise ValueError("loop_vars should contain at least one element")
    steps = []
    while len(steps) < limit and _scalar(cond(*values), bool, "Return value of cond"):
        out, new = func(*values)
        new = [new] if isinstance(new, NDArray) else list(new or [])
        if len(new) != len(values):
            raise ValueError("The length of loop_vars should be consistent during the loop")
        values = new
        steps.append([] if out is None else out)

    def join(arrays):
        shapes = [x.shape for x in arrays]
        if any(s != shapes[0] for s in shapes):
            lines = "".join(f"\n  Step {i}, shape is {s}" for i, s in enumerate(shapes))
            raise ValueError(f"Shapes of elements in step_outputs are inconsistent, which are:{lines}")
        stacked = function("stack")(*arrays)
        if len(arrays) == limit:
            return stacked
        rest = zeros((limit - len(arrays), *shapes[0]), stacked.context, stacked.dtype)
        return function("Concat")(stacked, rest, dim=0)

    outputs = _join(steps, join, "while output") if steps else []
    return outputs, values[0] if single else values


def cond(pred, then_func, else_func):
    """Return ``then_func()`` if `pred` (an array of one element) is not zero, else ``else_func()``.

    Examples
    --------
    >>> import blockscope as mx
    >>> one = mx.nd.array([1])
    >>> mx.nd.contrib.cond(one > 2, lambda: one * 10, lambda: one * 20)
    <BLANKLINE>
    [20.]
    <NDArray 1 @cpu(0)>
    """
    result = then_func() if _scalar(pred, bool, "pred") else else_func()
    _check_arrays(result, "the output of a branch of cond")
    return result


def _scalar(value, kind, name):
    if isinstance(value, NDArray):
        value = value.asscalar()
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise ValueError(f"Cannot convert {name} to python {kind.__name__}") from None
