"""Programs on one array, run by the recorder on MXNet and by the tests on blockscope; ``mx`` is either of them."""

import numpy as np

SHAPE = (2, 3, 4)

# Keys of x[key]; the text is also the id.
KEYS = [
    "0",
    "-1",
    "1:",
    ":1",
    "::-1",
    "0:2:2",
    ":",
    "...",
    "None",
    "(0,)",
    "(0, 1)",
    "(0, 1, 2)",
    "(0, 1, -1)",
    "(slice(None), 1)",
    "(slice(None), slice(1, 3))",
    "(0, slice(1, 3))",
    "(0, slice(None), slice(1, 2))",
    "(0, 1, slice(1, 3))",
    "(1, slice(None), 2)",
    "(Ellipsis, 1)",
    "(Ellipsis, slice(0, 2))",
    "(0, Ellipsis)",
    "(Ellipsis, 0, 1)",
    "(None, 0)",
    "(0, None)",
    "(slice(None), None, 1)",
    "(slice(0, 1), slice(None))",
    "(slice(None), slice(None, None, -1))",
    "(0, slice(None, None, 2))",
    "(slice(5, 7),)",
    "(slice(0, 1), 1, slice(None))",
    "np.int64(1)",
    "True",
    "False",
    "()",
    "[0, 1]",
    "[1, 0, 1]",
    "([0, 1], [1, 2])",
    "([0, 1], slice(None), [1, 2])",
    "(0, [0, 2])",
    "(slice(None), [0, 2])",
    "([[0, 1]], 1)",
    "np.array([1, 0])",
    "np.array([[0, 1], [1, 1]])",
    "nd([1, 0])",
    "nd([1.0, 0.0])",
    "(nd([0, 1]), 1)",
    "(slice(None), nd([0, 2]), 1)",
    "[-1]",
    "np.array([True, False])",
    "range(2)",
]
BAD_KEYS = ["2", "-3", "(0, 3)", "(0, 0, 0, 0)", "'a'", "1.5", "(0, 1.5)", "[5]", "(Ellipsis, Ellipsis)", "{}"]

# Values of x[key] = value.
SETTINGS = [
    ("0", "7"),
    (":", "1.5"),
    ("1:", "np.arange(12).reshape(1, 3, 4)"),
    ("(0, 1)", "[1, 2, 3, 4]"),
    ("(0, 1, 2)", "9"),
    ("(slice(None), 1)", "nd([1, 2, 3, 4])"),
    ("(Ellipsis, 0)", "np.array([[1], [2]])"),
    ("[1, 0]", "5"),
    ("([0, 1], [1, 2])", "np.ones((2, 4))"),
    ("(slice(None), [0, 2])", "3"),
    ("nd([1])", "nd([[4]])"),
    ("::-1", "np.arange(24).reshape(2, 3, 4)"),
    ("(0, slice(None, None, 2))", "-1"),
    ("None", "2"),
    ("np.array([1])", "np.zeros((1, 3, 4))"),
    ("(1, slice(0, 2), slice(1, 3))", "[[1, 2], [3, 4]]"),
]

# Shapes for reshape, from (2, 3, 4) unless another is given.
RESHAPES = [
    ((2, 3, 4), (4, 6), False),
    ((2, 3, 4), (0, -1), False),
    ((2, 3, 4), (-1,), False),
    ((2, 3, 4), (-1, 0), False),
    ((2, 3, 4), (-2,), False),
    ((2, 3, 4), (2, -2), False),
    ((2, 3, 4), (-2, 1, 1), False),
    ((2, 3, 4), (-3, 4), False),
    ((2, 3, 4, 5), (-3, -3), False),
    ((2, 3, 4), (0, -3), False),
    ((2, 3, 4), (-3, -2), False),
    ((2, 3, 4), (-4, 1, 2, -2), False),
    ((2, 3, 4), (2, -4, -1, 3, -2), False),
    ((2, 3, 4), (0, 0, -4, 2, -1), False),
    ((10, 5, 4), (-1, 0), True),
    ((10, 5, 4), (-1, 0), False),
    ((8, 3, 3, 3, 4, 4), (0, 0, -1, 0), True),
    ((8, 3, 3, 3, 4, 4), (-4, -1, 2, 0, 0, 0, -2), True),
    ((8, 3, 2, 4, 8), (-4, -1, 2, 0, -3), True),
    ((2, 3, 4), (0, 0, 0), True),
    ((2, 3, 4), (-3, 0), True),
    ((2, 3, 4), (24,), True),
    ((6,), (2, 3), False),
    ((6,), (-4, 2, 3), False),
    ((6,), (-4, -1, 3), False),
    ((2, 3, 4), (6, 0), False),
    ((2, 3, 4), (5, 5), False),
    ((2, 3, 4), (-1, -1), False),
    ((2, 3, 4), (-1, 7), False),
    ((2, 3, 4), (-4, 3, -1, -2), False),
    ((2, 3, 4), (-4, -1, -1, -2), False),
    ((2, 3, 4), (-5,), False),
    ((2, 3, 4), (0, 0, 0, 0), False),
    ((2, 3, 4), (-3, -3), False),
    ((3, 4), (0, 2, 2), False),
    ((3, 4), (-2, -1), False),
]

# Expressions of x (values of arange(24) in SHAPE) whose result may share memory with x.
SHARING = [
    "x.reshape((6, 4))",
    "x.reshape((-1,))",
    "x.expand_dims(0)",
    "x.expand_dims(axis=1, inplace=True)",
    "x.detach()",
    "x.T",
    "x.flatten()",
    "x[0].reshape((4, 3))",
    "x.swapaxes(0, 1)",
    "x.squeeze()",
    "x.broadcast_to((2, 3, 4))",
    "x.slice_axis(axis=0, begin=0, end=1)",
    "x.astype('float32')",
    "x.astype('float32', copy=False)",
    "x.as_in_context(mx.cpu(0))",
    "x.as_in_context(mx.cpu(1))",
    "x.copy()",
    "x.copyto(mx.cpu(0))",
    "x.transpose((0, 1, 2))",
    "mx.nd.array(x)",
    "mx.nd.identity(x)",
    "mx.nd.stop_gradient(x)",
    "x.tostype('default')",
    "x.as_nd_ndarray()",
    "x[0][1]",
    "x[1][1:3]",
    "x[1:][0]",
    "mx.nd.reshape(x, shape=(4, 6))",
    "mx.nd.Flatten(x)",
    "mx.nd.split(x, num_outputs=2, axis=0)[0]",
    "x.slice_like(mx.nd.zeros((1, 3, 4)), axes=(0,))",
    "mx.nd.concat(x, dim=0)",
    "x.broadcast_like(x)",
]

# Expressions of x (SHAPE) and of small arrays (values 1 0 2, dtypes as named): shape, dtype and values.
EXPRESSIONS = [
    "x.sum()",
    "x.mean()",
    "x.max(axis=1)",
    "x.sum(axis=(0, 1, 2))",
    "x.sum(axis=0, keepdims=True)",
    "x.norm()",
    "x.argmax()",
    "x.argmax(axis=0)",
    "x == 3",
    "x > x",
    "(x > 3).sum()",
    "i32 == 1",
    "i32 + 1",
    "i32 * 1.7",
    "i32 / 2",
    "2 / i32",
    "i32 - 0.5",
    "i32 % 2",
    "i32 ** 2",
    "-i32",
    "u8 + 250",
    "i64 == i64",
    "f16 + 1",
    "f64 * 2",
    "3 - f16",
    "x + 1",
    "1 + x",
    "x / 0",
    "x % 5",
    "5 % (x + 1)",
    "x ** 0.5",
    "2 ** f16",
    "-x",
    "abs(-x)",
    "x >= 2",
    "2 > x",
    "mx.nd.array([1, 2])",
    "mx.nd.array(np.array([1, 2]))",
    "mx.nd.array(np.array([1, 2]), dtype='int32')",
    "mx.nd.array(i32)",
    "mx.nd.array([True, False])",
    "mx.nd.array(3)",
    "mx.nd.array([[]])",
    "mx.nd.zeros(3)",
    "mx.nd.zeros((2, 0))",
    "mx.nd.ones((2,), dtype='int8')",
    "mx.nd.full((2,), 3)",
    "mx.nd.arange(5)",
    "mx.nd.arange(1, 5, 2)",
    "mx.nd.arange(0, 3, repeat=2)",
    "mx.nd.arange(5, dtype='int32')",
    "mx.nd.eye(2)",
    "mx.nd.linspace(0, 1, 5)",
    "x.astype('int32')",
    "f64.astype('float16')",
    "mx.nd.array([1.9, -1.9]).astype('int32')",
    "mx.nd.array([300.0]).astype('uint8')",
    "x.size_array()",
    "x.shape_array()",
    "mx.nd.maximum(x, 3)",
    "mx.nd.maximum(2, 3)",
    "mx.nd.equal(x, x)",
    "mx.nd.add(1, x)",
    "mx.nd.power(x, 2)",
    "mx.nd.modulo(7, 4)",
    "mx.nd.logical_and(x, 1)",
    "mx.nd.moveaxis(x, 0, 2)",
    "mx.nd.concatenate([x, x], axis=1)",
    "x.T",
    "mx.nd.array([5]).asscalar()",
    "x[0, 0, 1].asscalar()",
    "len(x)",
    "x.size",
    "x.ndim",
    "float(mx.nd.array([2.5]))",
    "int(mx.nd.array([2.5]))",
    "bool(mx.nd.array([0]))",
    "bool(mx.nd.zeros((0,)))",
    "x.stype",
    "str(x.dtype)",
    "str(x.context)",
    "repr(mx.nd.array([1.0, 2.5]))",
    "repr(mx.nd.zeros((2, 2), dtype='int32'))",
    "repr(mx.nd.array(3))",
    "str(mx.nd.ones((1,)))",
    "3 in i32",
    "1 in i32",
    "mx.nd.array([7])[0]",
    "mx.nd.array([1, 2]) == None",
    "[v.asscalar() for v in i32]",
    "np.asarray(i32).dtype.name",
    "mx.nd.zeros((2,), mx.cpu(1)).context",
    "mx.nd.array([1, 2], ctx=mx.cpu(1)) + mx.nd.array([1, 2])",
]

# Programs that must fail, or print something: their exception class and the beginning of its message are recorded.
FAILING = [
    "x.asscalar()",
    "bool(x)",
    "float(x)",
    "x.reshape((5, 5))",
    "x.reshape()",
    "x + [1]",
    "x + mx.nd.zeros((5,))",
    "x + f64",
    "x.copyto(mx.nd.zeros((3,)))",
    "x.copyto(3)",
    "x.tostype('unknown')",
    "mx.nd.array('a')",
    "mx.nd.array([[1], [1, 2]])",
    "x.asnumpy(1)",
    "x.attach_grad('sometimes')",
    "x.backward()",
    "mx.nd.zeros((2,), ctx='cpu')",
    "mx.Context('tpu')",
    "x.not_there",
    "mx.nd.not_there",
    "len(mx.nd.array(3))",
    "x.astype('float33')",
    "x.sum(axis=7)",
    "x.sum(wrong=1)",
    "mx.nd.concat(x, [1], dim=0)",
    "mx.nd.elemwise_add(x, mx.nd.zeros((2,)))",
    "x.__setitem__(0, 'a')",
    "x.expand_dims(9)",
    "x.__setitem__((0, 1), [1, 2])",
    "hash(x) and 1 / 0",
]


def arrays(mx):
    """Return the names that expressions use."""

    def nd(values):
        return mx.nd.array(values)

    return {
        "mx": mx,
        "np": np,
        "nd": nd,
        "x": mx.nd.arange(24).reshape(SHAPE),
        "f16": mx.nd.array([1, 0, 2], dtype="float16"),
        "f64": mx.nd.array([1, 0, 2], dtype="float64"),
        "i32": mx.nd.array([1, 0, 2], dtype="int32"),
        "i64": mx.nd.array([1, 0, 2], dtype="int64"),
        "u8": mx.nd.array([1, 0, 2], dtype="uint8"),
    }


def shown(value):
    """Return what a result is, in a form that a file can hold."""
    if hasattr(value, "asnumpy"):
        host = value.asnumpy()
        values = np.nan_to_num(host.astype("float64"), posinf=9e9, neginf=-9e9).ravel().tolist()
        return {"shape": list(value.shape), "dtype": host.dtype.name, "values": values}
    if isinstance(value, np.generic):
        return {"type": type(value).__name__, "value": value.item()}
    if isinstance(value, list):
        return {"list": [shown(v) for v in value]}
    if isinstance(value, (bool, int, float, str)):
        return {"type": type(value).__name__, "value": value}
    return {"text": str(value)}


def run(mx, expression):
    """Return what an expression gives, or how it fails."""
    try:
        with np.errstate(all="ignore"):
            return shown(eval(expression, arrays(mx)))
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)[:300]}


def get(mx, key):
    """Return what x[key] gives, and whether writing to it changes x."""
    names = arrays(mx)
    x = names["x"]
    try:
        part = x[eval(f"np.s_[{key}]", names)]
        result = shown(part)
        before = x.asnumpy()
        part[:] = -5
        return {**result, "shares": bool((x.asnumpy() != before).any())}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)[:300]}


def shares(mx, expression):
    """Return whether writing to an expression's result changes x, and whether writing to x changes the result."""
    names = arrays(mx)
    x = names["x"]
    try:
        y = eval(expression, names)
        before = y.asnumpy()
        x[:] = x + 100
        forward = bool((y.asnumpy() != before).any())
        before = x.asnumpy()
        y[:] = -5
        return {"reads": forward, "writes": bool((x.asnumpy() != before).any()), "same": y is x}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)[:300]}


def put(mx, key, value):
    """Return x after x[key] = value."""
    names = arrays(mx)
    try:
        names["x"][eval(f"np.s_[{key}]", names)] = eval(value, names)
        return shown(names["x"])
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)[:300]}


def reshape(mx, shape, target, reverse):
    """Return the shape that reshape codes give."""
    try:
        return {"shape": list(mx.nd.zeros(shape).reshape(target, reverse=reverse).shape)}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)[:300]}
