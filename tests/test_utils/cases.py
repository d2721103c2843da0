"""Programs that run on MXNet and on blockscope alike: what they return, raise and print is compared."""
import contextlib
import inspect
import io

import numpy as np

MESSAGES = [
    "assert_almost_equal(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 3.0]))",
    "assert_almost_equal(np.array([1, 2, 3], 'float32'), np.array([1, 2.5, 3.125], 'float32'), names=('left', 'right'))",
    "assert_almost_equal(np.array([1, 2, 3], 'float16'), np.array([1, 2.5, 3.125], 'float16'))",
    "assert_almost_equal(np.array([1, 2, 3], 'float32'), np.array([1, 2.5, 3.125], 'float64'))",
    "assert_almost_equal(np.array([1, 2, 3]), np.array([1, 4, 3]))",
    "assert_almost_equal(np.array([1, 2, 3], 'int8'), np.array([1, 4, 7], 'int8'))",
    "assert_almost_equal(np.array([1, 2, 3], 'int32'), np.array([1, 4, 3.5], 'float32'))",
    "assert_almost_equal(np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3) + 0.5, rtol=0.1, atol=0.05)",
    "assert_almost_equal(np.arange(100.0), np.arange(100.0) * 1.5, mismatches=(2, 3))",
    "assert_almost_equal(np.arange(30.0), np.arange(30.0) * 1.5, mismatches=(1, 0))",
    "assert_almost_equal(np.arange(30.0), np.arange(30.0) * 1.5, mismatches=(0, 1))",
    "assert_almost_equal(np.arange(30.0), np.arange(30.0) * 1.5)",
    "assert_almost_equal(np.array([1.0, np.nan]), np.array([1.0, np.nan]))",
    "assert_almost_equal(np.array([2.0, np.nan]), np.array([1.0, np.nan]), equal_nan=True)",
    "assert_almost_equal(np.array([1.0, np.inf, 3.0]), np.array([1.0, 2.0, np.inf]))",
    "assert_almost_equal(np.array([1.0, np.inf]), np.array([2.0, np.inf]))",
    "assert_almost_equal(np.array(1.0), np.array(2.0))",
    "assert_almost_equal(np.array([1.0]), np.array([2.0]))",
    "assert_almost_equal(np.array([1e-10, 1e10]), np.array([2e-10, 1e10]))",
    "assert_almost_equal(np.ones((2, 2)), np.ones(4).reshape(2, 2), use_broadcast=False)",
    "assert_almost_equal(np.ones((2, 1)), np.ones((2, 2)), use_broadcast=False)",
    "assert_almost_equal(np.ones((2, 3)), np.ones(6), use_broadcast=False)",
    "assert_almost_equal(np.ones((20, 30)), np.ones((20, 31)), use_broadcast=False)",
    "assert_almost_equal(mx.nd.array([1, 2, 3]), mx.nd.array([1, 2, 4]))",
    "assert_almost_equal(mx.nd.array([1, 2, 3]), mx.nd.array([1, 2, 4]), rtol=0.5)",
    "assert_almost_equal(mx.nd.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 5]]))",
    "assert_almost_equal(mx.nd.array([1, 2, 3], dtype='int32'), mx.nd.array([1, 2, 4], dtype='int32'))",
    "assert_almost_equal(mx.nd.array([1, 2], dtype='float64'), mx.nd.array([1, 2.1]))",
    "assert_almost_equal(np.array([1.0, 2.0]), np.array([1.0, 2.05]), rtol={np.dtype('float64'): 0.01}, atol={np.dtype('float16'): 9})",
    "assert_almost_equal(np.array([1.0, 2.0]), np.array([1.0, 2.05]), rtol={np.dtype('float64'): 0.1})",
    "assert_almost_equal(np.array([True, False]), np.array([True, False]))",
    "assert_allclose(np.array([1.0, 2.0]), np.array([1.0, 2.001]))",
    "assert_allclose(np.array([1.0, np.nan]), np.array([1.0, np.nan]))",
    "assert_almost_equal_with_err(np.arange(4.0), np.array([0, 1, 2, 4.0]), etol=0.2)",
    "assert_almost_equal_with_err(np.arange(4.0), np.array([0, 1, 2, 4.0]), etol=0.25)",
    "assert_almost_equal_with_err(np.arange(4.0), np.array([0, 1, 2.5, 4]), etol=0.25, names=('x', 'y'), mismatches=(1, 1))",
    "assert_almost_equal_with_err(mx.nd.arange(4), np.array([0, 1, 2.5, 4]), etol=0.25)",
    "assert_almost_equal_with_err(np.arange(4.0), np.array([0, 1, 2, 4.0]))",
    "assert_almost_equal_ignore_nan(np.array([1.0, np.nan, 3.0]), np.array([np.nan, 2.0, 4.0]), names=('p', 'q'))",
    "assert_almost_equal_ignore_nan(np.array([1.0, np.nan, 3.0]), np.array([np.nan, 2.0, 3.0]))",
    "compare_ndarray_tuple((mx.nd.ones(2), (mx.nd.ones(1), None)), (mx.nd.ones(2), (mx.nd.zeros(1), None)))",
    "compare_ndarray_tuple((mx.nd.ones(2), None), (mx.nd.ones(2), mx.nd.ones(3)))",
    "checkShapes(np.ones(3), np.ones((3, 1)))",
    "environment('a').__enter__()",
    "check_symbolic_forward(P(mx), [A, B], [A * B])",
    "check_symbolic_forward(P(mx), [A, B], [A * B + 1])",
    "check_symbolic_forward(P(mx), {'b': B, 'a': A}, {'p_output': A * A}, rtol=0.5)",
    "check_symbolic_backward(P(mx), [A, B], [A], [A * B, A * A])",
    "check_symbolic_backward(P(mx), [A, B], [A], [A * B, A * B])",
    "check_symbolic_backward(P(mx), [A, B], [A], [A * B, A * B], grad_req='null')",
    "check_symbolic_backward(P(mx), [A, B], [A], [A * B, A * B], grad_req='never')",
    "check_symbolic_backward(P(mx), [A, B], {'p_output': A}, {'a': A * B + 0.5}, dtype=np.float64)",
    "np.random.seed(1), check_numeric_gradient(P(mx), [A, B], dtype=np.float64)",
    "np.random.seed(1), check_numeric_gradient(mx.sym.BlockGrad(mx.sym.var('a')), [A], numeric_eps=0.25)",
    "check_consistency([P(mx), P(mx)], C(mx), arg_params={'a': A, 'b': B})['p_output'].dtype",
    "check_consistency([P(mx), mx.sym.elemwise_add(*P(mx).get_children(), name='p')], C(mx), arg_params={'a': A, 'b': B})",
    "check_consistency([P(mx), mx.sym.BlockGrad(P(mx), name='p')], C(mx), arg_params={'a': A, 'b': B}, grad_req='add')",
    "check_speed(P(mx), typ='none', a=(1,))",
    "check_speed(P(mx), [A])",
]

VALUES = [
    "_find_max_violation(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.5, 4.25]), 0.1, 0.01)",
    "_find_max_violation(np.array([[1, 2], [3, 4]], 'float32'), np.array([[1, 2], [3.5, 4]], 'float32'), 1e-4, 1e-3)",
    "_find_max_violation(np.array([np.inf, 1]), np.array([np.inf, 1]), 1e-4, 1e-3)",
    "_find_max_violation(np.array([np.inf, np.nan]), np.array([1, np.nan]), 1e-4, 1e-3)",
    "_find_max_violation(np.array(3.0), np.array(4.0), 0.5, 0.0)",
    "_find_max_violation(np.array([0, 0], 'float16'), np.array([0, 1e-3], 'float16'), 1e-2, 1e-1)",
    "locationError(np.arange(4.0), np.arange(4.0) + 0.25, (2,), ('a', 'b'), maxError=True)",
    "same(np.array([1, 2]), np.array([1.0, 2.0])), same(np.array([1]), np.array([[1]])), same(np.array([np.nan]), np.array([np.nan]))",
    "[almost_equal(np.array([1.0]), np.array([1 + d])) for d in (0, 9e-6, 2e-5)]",
    "almost_equal(np.array([np.nan]), np.array([np.nan])), almost_equal(np.array([np.nan]), np.array([np.nan]), equal_nan=True)",
    "almost_equal(np.ones((2, 1)), np.ones(2)), almost_equal(np.array([1.0]), np.array([1.1]), rtol=0, atol=0.2)",
    "default_context(), default_dtype(), get_atol(), get_rtol(), get_etol(), get_atol(1), get_rtol(1), get_etol(1)",
    "[get_rtol(dtype=np.dtype(d)) for d in ('float16', 'float32', 'float64', 'int8')]",
    "{str(d): (t, default_atols()[d]) for d, t in default_rtols().items()}, {str(d): t for d, t in default_numeric_eps().items()}",
    "get_tols(np.ones(1, 'float16'), np.ones(1, 'int32'), None, None), get_tols(1, 2.0, None, 3), get_tols(1, 2, None, None)",
    "get_tols(mx.nd.ones(1), np.ones(1), {np.dtype('float32'): 5}, {})",
    "effective_dtype(mx.nd.ones(1)), effective_dtype(np.ones(1, 'int8'))",
    "np_reduce(np.arange(24.0).reshape(2, 3, 4), None, False, np.sum)",
    "np_reduce(np.arange(24.0).reshape(2, 3, 4), 1, True, np.max)",
    "np_reduce(np.arange(24.0).reshape(2, 3, 4), (0, 2), True, np.sum)",
    "np_reduce(np.arange(24.0).reshape(2, 3, 4), [2], False, np.min)",
    "collapse_sum_like(np.arange(24.0).reshape(2, 3, 4), (3, 1))",
    "collapse_sum_like(np.arange(24).reshape(2, 3, 4), (4,))",
    "collapse_sum_like(np.zeros((2, 0)), (1, 0)), collapse_sum_like(np.zeros((0, 3), 'int8'), (1, 3))",
    "assign_each(np.array([[1, 2], [3, 4]]), lambda x: x * 1.5), assign_each(np.array([1, 2]), None)",
    "assign_each2(np.array([1, 2]), np.array([3, 4]), lambda x, y: x - 2 * y)",
    "create_2d_tensor(3, 2).asnumpy(), create_vector(4).asnumpy(), create_vector(3, 'int32').dtype",
    "get_identity_mat(3).asnumpy(), get_identity_mat_batch(2).asnumpy()",
    "random_arrays((2, 3)).shape, [a.shape for a in random_arrays((2,), (), (4, 5))], random_arrays(()).dtype",
    "[(a.shape, a.dtype) for a in random_uniform_arrays((2, 3), (4,), low=1, high=2, dtype='float16')]",
    "sorted(random_sample([3, 1, 2], 3)), len(random_sample(list(range(10)), 4)), random_sample([1], 0)",
    "rand_ndarray((2, 3)).shape, rand_ndarray((2, 3)).dtype, rand_ndarray((2,), dtype='float64', ctx=mx.cpu(1))",
    "rand_shape_2d(1, 1), rand_shape_3d(1, 1, 1), rand_shape_nd(3, 1), rand_shape_nd(0)",
    "np.random.seed(5), random_arrays((2, 3)), rand_ndarray((2,)).asnumpy(), random_uniform_arrays((3,), high=9)",
    "np.random.seed(5), rand_shape_nd(4), rand_shape_2d(), rand_shape_3d(3, 4, 5), rand_shape_nd(9, 2, True)",
    "np.random.seed(5), rand_coord_2d(0, 9, 9, 99), random_sample(list(range(9)), 5)",
    "gen_buckets_probs_with_ppf(lambda p: p * 2, 4)",
    "chi_square_check(lambda n: np.arange(n) % 4, [0, 1, 2, 3], [0.25] * 4, nsamples=1000)",
    "chi_square_check(lambda n: np.arange(n) % 3, [0, 1, 2], [0.5, 0.25, 0.25], nsamples=1000)",
    "chi_square_check(lambda n: np.arange(n) / n, [(0.0, 0.25), (0.25, 0.5), (0.5, 1.0)], [0.25, 0.25, 0.5], nsamples=1000)",
    "chi_square_check(lambda n: np.arange(n) / n, [(0.0, 0.25), (0.25, 0.5), (0.5, 1.0)], [0.25, 0.3125, 0.4375], nsamples=1600)",
    "mean_check(lambda n: np.arange(n) % 2, 0.5, 0.5, 1000), mean_check(lambda n: np.arange(n) % 2, 0.6, 0.5, 1000)",
    "var_check(lambda n: np.arange(n) % 2 * 2 - 1, 1, 1000), var_check(lambda n: np.arange(n) % 2 * 2 - 1, 1.1, 1000)",
    "verify_generator(lambda n: np.arange(n) % 2, [0, 1], [0.5, 0.5], nsamples=1000, nrepeat=3)",
    "list(list_gpus()), is_cd_run(), has_tvm_ops(), is_op_runnable()",
    "download_model('unknown')",
]


A, B = np.array([[1.0, -2.0], [0.5, 4.0]]), np.array([[2.0, 1.0], [3.0, 0.25]])


def P(mx):
    """Return the symbol of a product."""
    return mx.sym.elemwise_mul(mx.sym.var("a"), mx.sym.var("b"), name="p")


def C(mx):
    """Return two contexts for it."""
    return [{"ctx": mx.cpu(i), "a": (2, 2), "b": (2, 2), "type_dict": {"a": kind, "b": kind}}
            for i, kind in enumerate(("float64", "float32"))]


def plain(value):
    """Return a value as JSON has it: arrays with their dtypes, numbers rounded to what float32 and two SciPys agree on."""
    if isinstance(value, np.ndarray) and value.ndim:
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating, np.ndarray)):
        return repr(float(f"{float(value):.6g}"))
    if type(value).__name__ == "NDArray":
        return {"context": str(value.context), "dtype": np.dtype(value.dtype).name, "shape": list(value.shape)}
    return str(value) if not isinstance(value, str) else value


def run(mx, text):
    """Return what an expression of test_utils gives: its value, or the error, and what it prints."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()), np.printoptions(), np.errstate(all="ignore"):
            value = eval(text, {**vars(mx.test_utils), "mx": mx, "np": np, "A": A, "B": B, "C": C, "P": P})  # text of this file
        return {"value": plain(value), "printed": printed.getvalue()}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error), "printed": printed.getvalue()}


def signatures(mx):
    """Return the texts of the signatures of all public functions and classes that test_utils defines."""
    found = {}
    for name, value in sorted(vars(mx.test_utils).items()):
        own = getattr(value, "__module__", "").split(".")[-1]
        if callable(value) and not name.startswith("_") and (own == "test_utils" or own.startswith("_test_")):
            parameters = inspect.signature(value).parameters.values()
            found[name] = [[p.name, p.kind.name, "" if p.default is p.empty else repr(p.default)] for p in parameters]
    return found
