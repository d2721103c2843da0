"""Comparing two ways of computing the same: contexts, dtypes, optimizers, hybridized blocks.  A part of `test_utils`.

Known bugs of MXNet 1.9.1 that are fixed here: `check_consistency` changes no dict of the caller's, and compares every executor with a
`ground_truth` (MXNet skips the most precise one, and fails where the truth holds outputs but no gradients).
"""
import copy
import traceback

import numpy as np

from . import autograd
from . import ndarray as nd
from ._test_arrays import default_context, rand_ndarray
from ._test_comparing import assert_almost_equal, compare_ndarray_tuple
from ._test_tolerances import get_tols
from .initializer import Initializer
from .symbol import Symbol

__all__ = ["check_consistency", "check_gluon_hybridize_consistency", "compare_optimizer"]


def check_consistency(sym, ctx_list, scale=1.0, grad_req='write',
                      arg_params=None, aux_params=None, rtol=None, atol=None,
                      raise_on_err=True, ground_truth=None, equal_nan=False,
                      use_uniform=False, rand_type=np.float64):
    """Raise AssertionError unless a symbol gives the same outputs and gradients on several contexts and in several dtypes.

    Parameters
    ----------
    sym : Symbol or list of Symbol
        One for all contexts, or one for each.
    ctx_list : list of dict
        Arguments of `simple_bind`: ``{'ctx': mx.cpu(), 'data': (2, 3), 'type_dict': {'data': 'float64'}}``.
    scale : float, default 1
        Standard deviation of random arguments.
    grad_req : str, list of str, or dict of str -> str
        Gradient requests; 'null' compares outputs only.
    arg_params, aux_params : dict of str -> array_like, optional
        Values of arguments and auxiliary states; others are random, and 0.
    rtol, atol : float or dict of numpy.dtype -> float, optional
        As for :func:`assert_almost_equal`.
    raise_on_err : bool, default True
        Raise for a difference; print it otherwise.
    ground_truth : dict of str -> NDArray, optional
        What outputs and gradients should be; those of the first of the most precise executors by default.
    equal_nan : bool, default False
        Count NaN as equal to NaN.
    use_uniform : bool, default False
        Draw arguments from ``[-0.92 * scale, 0.92 * scale)`` instead of a normal distribution.
    rand_type : numpy type, default float64
        Type that random arguments are rounded to.

    Returns
    -------
    dict of str -> NDArray
        Outputs and gradients (by argument) of the most precise executor, or `ground_truth`.

    Examples
    --------
    >>> import blockscope as mx
    >>> sym = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    >>> contexts = [{"ctx": mx.cpu(), "data": (4, 3), "type_dict": {"data": kind}} for kind in ("float64", "float32")]
    >>> truth = check_consistency(sym, contexts)
    >>> truth["fc_output"].dtype
    <class 'numpy.float64'>
    """
    executors, output_names, arg_names = _bound(sym, ctx_list, grad_req)
    _fill(executors, grad_req, arg_params or {}, aux_params or {}, _random_values(scale, use_uniform, rand_type))
    precisions = [np.dtype(executor.outputs[0].dtype) for executor in executors]
    best = max(range(len(executors)), key=lambda i: precisions[i].itemsize)

    def compare(phase, names, arrays_of):
        truth = dict(zip(names, arrays_of(executors[best])))
        truth.update({name: value for name, value in (ground_truth or {}).items() if name in truth})
        for i, executor in enumerate(executors):
            for name, array in zip(names, arrays_of(executor)):
                if array is not None and (i != best or name in (ground_truth or {})):
                    tolerances = _tolerances(array, truth[name], precisions[i], precisions[best], rtol, atol)
                    _compare_one(phase, name, array, truth[name], (i, best), tolerances, equal_nan, raise_on_err)
        return truth

    for executor in executors:
        executor.forward(is_train=False)
    truth = compare("Predict", output_names, lambda executor: executor.outputs)
    if grad_req != "null":
        _run_backward(executors)
        truth = compare("Train", output_names + arg_names, lambda executor: [*executor.outputs, *executor.grad_arrays])
    return truth if ground_truth is None else ground_truth


def _bound(sym, ctx_list, grad_req):
    """Return an executor for each entry of `ctx_list`, and the names of outputs and arguments."""
    symbols = [sym] * len(ctx_list) if isinstance(sym, Symbol) else list(sym)
    if len(ctx_list) < 2 or len(symbols) != len(ctx_list):
        raise AssertionError(f"check_consistency takes two or more contexts and a symbol for each, but got {len(ctx_list)} contexts and "
                             f"{len(symbols)} symbols")
    names = symbols[0].list_outputs(), symbols[0].list_arguments()
    for other in symbols:
        if (other.list_outputs(), other.list_arguments()) != names:
            raise AssertionError(f"the symbols must have the same outputs and arguments, but {names} differ from "
                                 f"{(other.list_outputs(), other.list_arguments())}")
    executors = [symbol.simple_bind(grad_req=grad_req, **settings) for symbol, settings in zip(symbols, ctx_list)]
    return executors, *names


def _random_values(scale, use_uniform, rand_type):
    def draw(shape):
        drawn = np.random.uniform(-0.92 * scale, 0.92 * scale, shape) if use_uniform else np.random.normal(size=shape, scale=scale)
        return np.asarray(drawn, dtype=rand_type)
    return draw


def _fill(executors, grad_req, arg_params, aux_params, draw):
    # In the order of the names, so that a seed means the same values whatever the order of the arguments is.
    values = {name: arg_params[name] if name in arg_params else draw(array.shape)
              for name, array in sorted(executors[0].arg_dict.items())}
    for executor in executors:
        for name, array in executor.arg_dict.items():
            array[:] = values[name]
        for name, array in executor.aux_dict.items():
            array[:] = aux_params.get(name, 0)
        if grad_req == "add":
            for array in executor.grad_arrays:
                array[:] = 0


def _run_backward(executors):
    """Run all executors forward and backward with the same head gradients: the first one's outputs in the least precise dtype."""
    for executor in executors:
        executor.forward(is_train=True)
    kinds = [min((output.dtype for output in outputs), key=lambda kind: np.dtype(kind).itemsize)
             for outputs in zip(*(executor.outputs for executor in executors))]
    heads = [output.astype(kind).asnumpy() for output, kind in zip(executors[0].outputs, kinds)]
    for executor in executors:
        executor.backward([nd.array(head, ctx=output.context, dtype=output.dtype) for head, output in zip(heads, executor.outputs)])


def _tolerances(array, truth, precision, best_precision, rtol, atol):
    """Return tolerances for two arrays, at least those of the dtype of their executors' outputs: a float32 gradient of a float16
    computation is as imprecise as float16."""
    narrow, best_narrow = _narrower(array.dtype, precision), _narrower(truth.dtype, best_precision)
    if narrow == np.dtype(array.dtype) and best_narrow == np.dtype(truth.dtype):
        return rtol, atol
    return get_tols(array.astype(narrow), truth.astype(best_narrow), rtol, atol)


def _narrower(first, second):
    return min(np.dtype(second), np.dtype(first), key=lambda kind: kind.itemsize)


def _compare_one(phase, name, array, truth, numbers, tolerances, equal_nan, raise_on_err):
    rtol, atol = tolerances
    try:
        assert_almost_equal(array, truth, rtol=rtol, atol=atol, equal_nan=equal_nan)
    except AssertionError as error:
        shown = [f"{np.dtype(one.dtype).name} {one.context} ctx {number}" if phase == "Train" else f"ctx {number}"
                 for one, number in zip((array, truth), numbers)]
        print(f"{phase} Err: {shown[0]} vs {shown[1]} at {name}")
        traceback.print_exc()
        if raise_on_err:
            raise
        print(error)


# ---- blocks --------------------------------------------------------------------------------------------------------------------


class _FromDict(Initializer):
    """Initializes parameters with values by name."""

    def __init__(self, values):
        super().__init__()
        self._values = values

    def __call__(self, desc, arr):
        """Fill `arr` with the value of the parameter that `desc` names, whatever its kind."""
        arr[:] = self._values[str(desc)]


def check_gluon_hybridize_consistency(net_builder, data_l, numpy_func=None, test_grad=True,
                                      rtol=1E-4, atol=1E-4):
    """Raise AssertionError unless a block gives the same outputs and input gradients hybridized and not, recorded and not.

    Parameters
    ----------
    net_builder : callable
        ``net_builder(prefix='net_')`` returns a new HybridBlock without random numbers in it.
    data_l : list of NDArray
        Inputs.
    numpy_func : callable, optional
        Computes the expected output from the inputs as NumPy arrays.
    test_grad : bool, default True
        Compare gradients as well, with the output as head gradient.
    rtol, atol : float
        Tolerances.

    Examples
    --------
    >>> import blockscope as mx
    >>> def build(prefix):
    ...     return mx.gluon.nn.Dense(2, activation="relu", prefix=prefix)
    >>> check_gluon_hybridize_consistency(build, [mx.nd.ones((4, 3))])
    """
    init, expected, expected_grads = None, None, None
    for hybridize in (False, True):
        for record in (False, True) if test_grad else (False,):
            net = net_builder(prefix="net_")
            if init is None:
                net.initialize()
            else:
                net.initialize(init)
            net.hybridize(hybridize)
            output, grads = _run_block(net, data_l, record)
            if init is None:
                init = _FromDict({name: parameter.data().asnumpy() for name, parameter in net.collect_params().items()})
                expected = output
            assert_almost_equal(output, expected, rtol=rtol, atol=atol)
            expected_grads = expected_grads or grads
            for grad, expected_grad in zip(grads, expected_grads):
                assert_almost_equal(grad, expected_grad, rtol=rtol, atol=atol)
    if numpy_func is not None:
        assert_almost_equal(expected, numpy_func(*(data.asnumpy() for data in data_l)), rtol=rtol, atol=atol)


def _run_block(net, data_l, record):
    inputs = [data.copy() for data in data_l]
    if not record:
        return net(*inputs).asnumpy(), []
    for data in inputs:
        data.attach_grad()
    with autograd.record():
        output = net(*inputs)
    output.backward(output)
    return output.asnumpy(), [data.grad.asnumpy() for data in inputs]


# ---- optimizers ----------------------------------------------------------------------------------------------------------------


def compare_optimizer(opt1, opt2, shape, dtype, w_stype='default', g_stype='default',
                      rtol=1e-4, atol=1e-5, compare_states=True, ntensors=1):
    """Raise AssertionError unless two optimizers update random weights alike.

    Parameters
    ----------
    opt1, opt2 : Optimizer
    shape : tuple of int, or list of tuple
        The shape of the weight. A list makes several weights, which `opt1` updates one by one and `opt2` in one call.
    dtype : str or numpy type
        Type of the weights and gradients.
    w_stype, g_stype : str, default 'default'
        Storage types; others raise MXNetError.
    rtol, atol : float
        Tolerances.
    compare_states : bool, default True
        Compare the optimizers' states as well.
    ntensors : int, default 1
        Number of weights: the length of `shape` if that is a list.

    Examples
    --------
    >>> import blockscope as mx
    >>> compare_optimizer(mx.optimizer.SGD(momentum=0.9), mx.optimizer.SGD(momentum=0.9), (3, 4), "float32")
    """
    for stype in (w_stype, g_stype):
        if stype not in ("default", "row_sparse", "csr"):
            raise ValueError(f"storage type {stype!r} is not supported")
    shapes = shape if isinstance(shape, list) else [shape]
    if len(shapes) != ntensors:
        raise AssertionError(f"compare_optimizer: ntensors={ntensors} does not fit to {len(shapes)} shapes")
    weights, grads = ([_random(one, dtype, stype) for one in shapes] for stype in (w_stype, g_stype))
    weights2, grads2 = copy.deepcopy(weights), copy.deepcopy(grads)
    states2 = [opt2.create_state_multi_precision(i, weight) for i, weight in enumerate(weights2)]
    states = [opt1.create_state_multi_precision(i, weight) for i, weight in enumerate(weights)]
    if compare_states:
        compare_ndarray_tuple(tuple(states), tuple(states2))
    for i in range(ntensors):
        opt1.update_multi_precision(i, weights[i], grads[i], states[i])
    if isinstance(shape, list):
        opt2.update_multi_precision(list(range(ntensors)), weights2, grads2, states2)
    else:
        opt2.update_multi_precision(0, weights2[0], grads2[0], states2[0])
    if compare_states:
        compare_ndarray_tuple(tuple(states), tuple(states2), rtol, atol)
    compare_ndarray_tuple(tuple(weights), tuple(weights2), rtol, atol)


def _random(shape, dtype, stype):
    if stype != "default":
        return rand_ndarray(shape, stype, density=1, dtype=dtype)  # raises: there are no sparse arrays
    return nd.random.uniform(shape=shape, ctx=default_context(), dtype=dtype)
