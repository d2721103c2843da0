"""Rows of the basic operators: elementwise functions, reductions, shapes, indexing, ordering, joining and matrices.

Expected values are formulas in NumPy and SciPy; MXNet's own numbers are compared too where they are recorded.
"""

import numpy as np
from scipy import special

from . import NUMBERS, Row, Wrong, fixed

INTERNAL = "MXNet doesn't have this operator"
POSITIVE = (0.3, 2.5)
UNIT = (-0.9, 0.9)


def half_away(x):
    """Round halves away from zero."""
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


def _step(function):
    return dict(expect=function, gradient="zero", domain=(-2.7, 2.9))


# ---- elementwise ---------------------------------------------------------------------------------------------------------

_UNARY = {
    "relu": (lambda x: np.maximum(x, 0), (-2, 2)), "negative": (np.negative, (-2, 2)), "abs": (np.abs, (-2, 2)),
    "square": (np.square, (-2, 2)), "sqrt": (np.sqrt, POSITIVE), "rsqrt": (lambda x: x ** -0.5, POSITIVE),
    "cbrt": (np.cbrt, POSITIVE), "rcbrt": (lambda x: 1 / np.cbrt(x), POSITIVE), "reciprocal": (lambda x: 1 / x, POSITIVE),
    "exp": (np.exp, (-2, 2)), "expm1": (np.expm1, (-2, 2)), "log": (np.log, POSITIVE), "log2": (np.log2, POSITIVE),
    "log10": (np.log10, POSITIVE), "log1p": (np.log1p, (-0.5, 2)), "sigmoid": (special.expit, (-3, 3)),
    "softsign": (lambda x: x / (1 + np.abs(x)), (-3, 3)), "sin": (np.sin, (-2, 2)), "cos": (np.cos, (-2, 2)),
    "tan": (np.tan, (-1.2, 1.2)), "arcsin": (np.arcsin, UNIT), "arccos": (np.arccos, UNIT), "arctan": (np.arctan, (-2, 2)),
    "sinh": (np.sinh, (-2, 2)), "cosh": (np.cosh, (-2, 2)), "tanh": (np.tanh, (-2, 2)), "arcsinh": (np.arcsinh, (-2, 2)),
    "arccosh": (np.arccosh, (1.3, 3)), "arctanh": (np.arctanh, UNIT), "degrees": (np.degrees, (-2, 2)),
    "radians": (np.radians, (-90, 90)), "erf": (special.erf, (-2, 2)), "erfinv": (special.erfinv, UNIT),
    "gamma": (special.gamma, (0.6, 3)), "gammaln": (special.gammaln, (0.6, 3)),
}
_STEPS = {"sign": np.sign, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "fix": np.trunc, "round": half_away,
          "rint": np.rint, "logical_not": lambda x: (x == 0).astype(x.dtype)}
_STEEP = {"degrees": {"float16": 1e-1}, "tan": {"float16": 2e-2}, "gammaln": {"float16": 1e-2}, "sinh": {"float16": 1e-2},
          "cosh": {"float16": 1e-2}, "arctanh": {"float16": 1e-2}, "rsqrt": {"float16": 1e-2}}

ROWS = [Row(name, [(2, 3)], expect=function, domain=tuple(map(float, domain)), tolerance=_STEEP.get(name, {}),
            gradient_tolerance=1e-4) for name, (function, domain) in _UNARY.items()]
ROWS += [Row(name, [(2, 4)], **_step(function)) for name, function in _STEPS.items()]
ROWS += [
    Row("sqrt", [fixed(np.array([1, 4, 8], "int32"))], expect=lambda x: np.array([1, 2, 2]), dtypes=(), gradient=False, result="int32"),
    Row("rint", [np.array([-2.5, -1.5, -0.5, 0.5, 1.5])], expect=lambda x: np.array([-3.0, -2, -1, 0, 1]), gradient="zero"),
    Row("round", [np.array([-2.5, -0.5, 0.5, 1.5])], expect=lambda x: np.array([-3.0, -1, 1, 2]), gradient="zero"),
    Row("_power_scalar", [(2, 3)], {"scalar": 2}, expect=np.square), Row("_power_scalar", [(2, 3)], {"scalar": 0.5}, expect=np.sqrt,
                                                                         domain=POSITIVE),
    Row("_power_scalar", [fixed(np.array([1, 2, -4], "int32"))], {"scalar": 2}, expect=np.square, dtypes=(), gradient=False,
        result="int32"),
    Row("_contrib_round_ste", [(2, 3)], expect=half_away, gradient=lambda dy, x: (dy,)),
    Row("_contrib_sign_ste", [(2, 3)], expect=np.sign, gradient=lambda dy, x: (dy,)),
    Row("_polygamma", [(2, 3)], {"n": 0}, expect=special.digamma, domain=(0.6, 3.0), mxnet=INTERNAL, tolerance={"float16": 1e-2}),
    Row("_polygamma", [(2, 3)], {"n": 1}, expect=lambda x: special.polygamma(1, x), domain=(0.6, 3.0), mxnet=INTERNAL,
        tolerance={"float16": 1e-2}, gradient_tolerance=1e-4),
    Row("clip", [(2, 3)], {"a_min": -0.5, "a_max": 1.0}, expect=lambda x: np.clip(x, -0.5, 1)),
    Row("clip", [np.array([0.0, 1, 2])], {"a_min": 0, "a_max": 2}, expect=lambda x: x, gradient=lambda dy, x: (dy,)),
    Row("hard_sigmoid", [(2, 3)], expect=lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    Row("_copy", [(2, 3)], expect=lambda x: x),
    Row("BlockGrad", [(2, 3)], expect=lambda x: x, gradient="zero"),
    Row("_contrib_gradientmultiplier", [(2, 3)], {"scalar": -0.5}, expect=lambda x: x, gradient=lambda dy, x: (dy * -0.5,)),
    Row("_identity_with_attr_like_rhs", [(2, 3), (2, 3)], expect=lambda a, b: a, gradient=(0,)),
    Row("_contrib_div_sqrt_dim", [(2, 4)], expect=lambda x: x / 2),
    Row("_contrib_quadratic", [(2, 3)], {"a": 2.0, "b": -1.0, "c": 3.0}, expect=lambda x: 2 * x * x - x + 3,
        tolerance={"float16": 1e-2}),
]


# ---- reductions ----------------------------------------------------------------------------------------------------------

def _axes(axis=None, keepdims=False, exclude=False):
    def reduce(function):
        def expect(x):
            axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
            if exclude:
                axes = tuple(i for i in range(x.ndim) if i not in axes)
            result = function(x, axis=axes, keepdims=keepdims)
            return np.reshape(result, np.shape(result) or (1,))
        return expect
    return reduce


_WAYS = [{}, {"axis": 1}, {"axis": (0, 2)}, {"axis": -1, "keepdims": True}, {"axis": 1, "exclude": True}, {"keepdims": True}]
_REDUCTIONS = {"sum": np.sum, "mean": np.mean, "nansum": np.nansum, "prod": np.prod, "nanprod": np.nanprod, "max": np.max,
               "min": np.min, "_square_sum": lambda x, **axes: np.sum(x * x, **axes)}



for _name, _function in _REDUCTIONS.items():
    for _way in _WAYS:
        _expect = _axes(2 if _way.get("axis") == -1 else _way.get("axis"), _way.get("keepdims", False), _way.get("exclude", False))
        ROWS.append(Row(_name, [(2, 3, 2)], _way, expect=_expect(_function), domain=(0.4, 1.9) if "prod" in _name else (-2.0, 2.0),
                        tolerance={"float16": 2e-2}, mxnet="only for row-sparse arrays" if _name == "_square_sum" else True,
                        wrong=[Wrong(attrs={"axis": 7}, says="axis 7")]))
ROWS += [
    Row("nansum", [np.array([[1.0, np.nan], [2, 3]])], expect=lambda x: np.array([6.0]), gradient=lambda dy, x: (dy * ~np.isnan(x),)),
    Row("max", [np.array([1.0, 2, 2])], expect=lambda x: np.array([2.0]), gradient=lambda dy, x: (dy * (x == 2),)),
    Row("mean", [fixed(np.array([-1, -2, 0, -2], "int32"))], expect=lambda x: np.array([-1]), dtypes=(), gradient=False, result="int32"),
    Row("norm", [(2, 3)], expect=lambda x: np.sqrt((x * x).sum()).reshape(1), tolerance={"float16": 1e-2},
        wrong=[Wrong(attrs={"ord": 3}, says="ord")]),
    Row("norm", [(2, 3)], {"ord": 1, "axis": 1}, expect=lambda x: np.abs(x).sum(1), tolerance={"float16": 1e-2}),
    Row("norm", [(2, 3, 2)], {"axis": (0, 2), "keepdims": True}, expect=lambda x: np.sqrt((x * x).sum((0, 2), keepdims=True)),
        tolerance={"float16": 1e-2}),
    Row("moments", [(2, 3)], {"axes": (0,)}, expect=lambda x: (x.mean(0), x.var(0)), tolerance={"float16": 1e-2}, result=("same",) * 2,
        wrong=[Wrong(attrs={"axes": ...}, says="axes")]),
    Row("_np_cumsum", [(2, 3)], {"axis": 1}, expect=lambda a: a.cumsum(1), tolerance={"float16": 1e-2}),
    Row("_np_cumsum", [(2, 3)], expect=lambda a: a.cumsum(), tolerance={"float16": 1e-2}),
]

# ---- creation ------------------------------------------------------------------------------------------------------------

_MADE = dict(dtypes=(), gradient=False, result="float32")
ROWS += [
    Row("_zeros", [], {"shape": (2, 3)}, expect=lambda: np.zeros((2, 3)), **_MADE),
    Row("_ones", [], {"shape": (2,), "dtype": "int32"}, expect=lambda: np.ones(2), **{**_MADE, "result": "int32"}),
    Row("_full", [], {"shape": (2,), "value": 1.5}, expect=lambda: np.full(2, 1.5), **_MADE),
    Row("_eye", [], {"N": 2, "M": 3, "k": 1}, expect=lambda: np.eye(2, 3, 1), **_MADE),
    Row("_arange", [], {"start": 5, "stop": 1, "step": -1.5, "repeat": 2}, expect=lambda: np.array([5, 5, 3.5, 3.5, 2, 2]), **_MADE),
    Row("_arange", [], {"start": 3}, expect=lambda: np.arange(3.0), **_MADE),
    Row("_linspace", [], {"start": 0, "stop": 1, "num": 5}, expect=lambda: np.linspace(0, 1, 5), **_MADE),
    Row("_linspace", [], {"start": 0, "stop": 1, "num": 4, "endpoint": False}, expect=lambda: np.linspace(0, 1, 4, False), **_MADE),
    Row("zeros_like", [(2, 3)], expect=np.zeros_like, gradient="zero", dtypes=NUMBERS),
    Row("ones_like", [(2, 3)], expect=np.ones_like, gradient="zero", dtypes=NUMBERS),
    Row("_contrib_arange_like", [(2, 3)], expect=lambda x: np.arange(6.0).reshape(2, 3), gradient="zero"),
    Row("_contrib_arange_like", [(2, 3)], {"axis": 1, "start": 1, "step": 2}, expect=lambda x: np.array([1.0, 3, 5]), gradient="zero"),
    Row("shape_array", [fixed(np.ones((2, 3)))], expect=lambda x: np.array([2, 3]), gradient=False, dtypes=(), result="int64"),
    Row("size_array", [fixed(np.ones((2, 3)))], expect=lambda x: np.array([6]), gradient=False, dtypes=(), result="int64"),
    Row("_contrib_index_array", [fixed(np.ones((2, 2)))], expect=lambda x: np.array([[[0, 0], [0, 1]], [[1, 0], [1, 1]]]), gradient=False, dtypes=(), result="int64"),
    Row("_histogram", [(2, 3)], {"bin_cnt": 4, "range": (-2, 2)}, expect=lambda x: np.histogram(x, 4, (-2, 2)), gradient=False,
        result=("int64", "same"), dtypes=("float32", "float64")),
]

# ---- shape ---------------------------------------------------------------------------------------------------------------


ROWS += [
    Row("Reshape", [(2, 3, 2)], {"shape": (-3, 0)}, expect=lambda x: x.reshape(6, 2), wrong=[Wrong(attrs={"shape": (5, 5)})]),
    Row("Reshape", [(2, 6)], {"shape": (-1, 0), "reverse": True}, expect=lambda x: x.reshape(2, 6)),
    Row("Reshape", [(2, 6)], {"target_shape": (0, 4)}, expect=lambda x: x.reshape(3, 4)),
    Row("Flatten", [(2, 3, 2)], expect=lambda x: x.reshape(2, 6)), Row("Flatten", [(3,)], expect=lambda x: x.reshape(3, 1)),
    Row("expand_dims", [(2, 3)], {"axis": 1}, expect=lambda x: x[:, None], wrong=[Wrong(attrs={"axis": 4}, says="axis 4")]),
    Row("expand_dims", [(2, 3)], {"axis": -1}, expect=lambda x: x[..., None]),
    Row("squeeze", [(1, 3, 1)], expect=lambda x: x.reshape(3), wrong=[Wrong(attrs={"axis": 1}, says="size=3")]),
    Row("squeeze", [(1, 3, 1)], {"axis": -1}, expect=lambda x: x.reshape(1, 3)),
    Row("reshape_like", [(6,), (2, 3)], expect=lambda a, b: a.reshape(2, 3), gradient=(0,)),
    Row("reshape_like", [(6, 2), (2, 3, 5)], {"lhs_begin": 0, "lhs_end": 1, "rhs_begin": 0, "rhs_end": 2},
        expect=lambda a, b: a.reshape(2, 3, 2), gradient=(0,)),
    Row("broadcast_to", [(1, 3)], {"shape": (2, 0)}, expect=lambda x: np.tile(x, (2, 1)), wrong=[Wrong(attrs={"shape": (2, 2, 3)})]),
    Row("broadcast_axis", [(1, 3, 1)], {"axis": (0, 2), "size": (2, 2)}, expect=lambda x: np.tile(x, (2, 1, 2)),
        wrong=[Wrong(attrs={"axis": (1,), "size": (2,)}, says="axis 1")]),
    Row("broadcast_like", [(1, 3), (2, 3)], expect=lambda a, b: np.tile(a, (2, 1)), gradient=(0,)),
    Row("broadcast_like", [(1, 3), (4, 2)], {"lhs_axes": 0, "rhs_axes": 1}, expect=lambda a, b: np.tile(a, (2, 1)), gradient=(0,)),
    Row("transpose", [(2, 3, 2)], expect=lambda x: x.T), Row("transpose", [(2, 3, 1)], {"axes": (1, 2, 0)},
                                                             expect=lambda x: x.transpose(1, 2, 0)),
    Row("SwapAxis", [(2, 3, 2)], {"dim1": 0, "dim2": 1}, expect=lambda x: x.swapaxes(0, 1)),
    Row("reverse", [(2, 3)], {"axis": (1,)}, expect=lambda x: x[:, ::-1], wrong=[Wrong(attrs={"axis": 2}, says="axis 2")]),
    Row("depth_to_space", [(1, 8, 1, 2)], {"block_size": 2},
        expect=lambda x: x.reshape(2, 2, 2, 1, 2).transpose(2, 3, 0, 4, 1).reshape(1, 2, 2, 4)),
    Row("space_to_depth", [(1, 2, 2, 4)], {"block_size": 2},
        expect=lambda x: x.reshape(2, 1, 2, 2, 2).transpose(2, 4, 0, 1, 3).reshape(1, 8, 1, 2)),
    Row("diag", [(2, 3)], {"k": 1}, expect=lambda x: np.diag(x, 1)), Row("diag", [(2,)], {"k": -1}, expect=lambda x: np.diag(x, -1)),
    Row("diag", [(2, 3, 2)], {"axis1": 0, "axis2": 2}, expect=lambda x: np.diagonal(x, 0, 0, 2)),
    Row("Cast", [(2, 3)], {"dtype": "float64"}, expect=lambda x: x, result="float64"),
    Row("Cast", [fixed(np.array([1.9, -1.9, 300], "float32"))], {"dtype": "uint8"}, expect=lambda x: np.array([1, 255, 44]), dtypes=(),
        gradient=False, result="uint8"),
    Row("amp_cast", [(2, 3)], {"dtype": "float64"}, expect=lambda x: x, result="float64"),
    Row("amp_multicast", [(2, 3), fixed(np.ones((2, 3)))], {"num_outputs": 2}, expect=lambda a, b: (a, b), gradient=(0,),
        result=("float64", "float64"), dtypes=("float32",)),
    Row("cast_storage", [(2, 3)], {"stype": "default"}, expect=lambda x: x, wrong=[Wrong(attrs={"stype": "csr"}, says="sparse")]),
]

# ---- joining -------------------------------------------------------------------------------------------------------------

_PAD = (0, 0, 0, 0, 1, 1, 1, 0)


def _padded(mode, **more):
    return lambda x: np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 0)], mode, **more)


ROWS += [
    Row("Concat", [(2, 1, 2), (2, 3, 2)], expect=lambda a, b: np.concatenate([a, b], 1), wrong=[Wrong(inputs=[(2, 3), (3, 2)])]),
    Row("Concat", [(2, 1), (2, 3)], {"dim": -1}, expect=lambda a, b: np.concatenate([a, b], 1)),
    Row("stack", [(2, 3), (2, 3)], {"axis": 1}, expect=lambda a, b: np.stack([a, b], 1), wrong=[Wrong(inputs=[(2, 3), (3, 3)])]),
    Row("add_n", [(2, 3), (2, 3), (2, 3)], expect=lambda a, b, c: a + b + c, tolerance={"float16": 1e-2},
        wrong=[Wrong(inputs=[(2, 3), (3, 3)])]),
    Row("SliceChannel", [(2, 4)], {"num_outputs": 2}, expect=lambda x: (x[:, :2], x[:, 2:]), result=("same",) * 2,
        wrong=[Wrong(attrs={"num_outputs": 3}, says="num_outputs=3")]),
    Row("SliceChannel", [(2, 3)], {"num_outputs": 2, "axis": 0, "squeeze_axis": True}, expect=lambda x: (x[0], x[1]),
        result=("same",) * 2),
    Row("_split_v2", [(2, 5)], {"indices": (0, 1, 3), "axis": 1}, expect=lambda x: (x[:, :1], x[:, 1:3], x[:, 3:]),
        result=("same",) * 3),
    Row("_split_v2", [(4, 2)], {"indices": (), "sections": 2, "axis": 0}, expect=lambda x: (x[:2], x[2:]), result=("same",) * 2),
    Row("repeat", [(2, 3)], {"repeats": 2}, expect=lambda x: np.repeat(x, 2)),
    Row("repeat", [(2, 3)], {"repeats": 2, "axis": -1}, expect=lambda x: np.repeat(x, 2, 1)),
    Row("tile", [(2, 3)], {"reps": (2, 1, 2)}, expect=lambda x: np.tile(x, (2, 1, 2))),
    Row("tile", [(2, 2)], {"reps": (3,)}, expect=lambda x: np.tile(x, 3)),
    Row("Pad", [(1, 1, 2, 2)], {"mode": "constant", "pad_width": _PAD, "constant_value": 3}, expect=_padded("constant", constant_values=3),
        wrong=[Wrong(attrs={"pad_width": (1, 1)}, says="pad_width")]),
    Row("Pad", [(1, 1, 2, 2)], {"mode": "edge", "pad_width": _PAD}, expect=_padded("edge")),
    Row("Pad", [(1, 1, 3, 2)], {"mode": "reflect", "pad_width": _PAD}, expect=_padded("reflect")),
    Row("khatri_rao", [(2, 3), (2, 3)], expect=lambda a, b: np.stack([np.kron(a[:, i], b[:, i]) for i in range(3)], 1),
        tolerance={"float16": 1e-2}, mxnet_gradient="MXNet has no gradient"),
    Row("multi_sum_sq", [(2, 3), (3,)], {"num_arrays": 2}, expect=lambda a, b: np.array([(a * a).sum(), (b * b).sum()]), gradient=False,
        dtypes=("float32",)),
    Row("all_finite", [np.array([1.0, np.inf])], expect=lambda x: np.zeros(1), gradient=False, result="float32", dtypes=("float32",)),
    Row("multi_all_finite", [(2,), (3,)], {"num_arrays": 2}, expect=lambda a, b: np.ones(1), gradient=False, result="float32",
        dtypes=("float32",)),
]

# ---- indexing ------------------------------------------------------------------------------------------------------------

_INDEX = fixed(np.array([[0, 2, -1], [5, 1, 1]], "int32"))


def _put(shape, index, values):
    total = np.zeros(shape)
    np.add.at(total, index, values)
    return total


ROWS += [
    Row("take", [(3, 2), _INDEX], expect=lambda x, i: x[np.clip(i, 0, 2)], gradient=(0,)),
    Row("take", [(2, 3), _INDEX], {"axis": 1, "mode": "wrap"}, expect=lambda x, i: x[:, i % 3], gradient=(0,)),
    Row("take", [(3, 2), fixed(np.array([0, 2]))], {"mode": "raise"}, expect=lambda x, i: x[i], gradient=(0,), syncs=1,
        wrong=[Wrong(inputs=[(3, 2), fixed(np.array([3]))], says="out of bound")]),
    Row("pick", [(3, 4), fixed(np.array([0, 9, 2]))], expect=lambda x, i: x[[0, 1, 2], [0, 3, 2]], gradient=(0,),
        wrong=[Wrong(inputs=[(3, 4), fixed(np.array([0, 1]))], says="index")]),
    Row("pick", [(3, 2), fixed(np.array([-1, 1]))], {"axis": 0, "mode": "wrap", "keepdims": True}, gradient=(0,),
        expect=lambda x, i: np.array([[x[2, 0], x[1, 1]]])),
    Row("_take_along_axis", [(2, 3), fixed(np.array([[0, 2], [1, 0]]))], {"axis": 1}, gradient=(0,), mxnet=INTERNAL,
        expect=lambda x, i: np.take_along_axis(x, i, 1)),
    Row("_put_along_axis", [(2, 2), fixed(np.array([[0, 2], [1, 0]]))], {"axis": 1, "length": 3}, gradient=(0,), mxnet=INTERNAL,
        expect=lambda x, i: np.array([[x[0, 0], 0, x[0, 1]], [x[1, 1], x[1, 0], 0]])),
    Row("batch_take", [(2, 3), fixed(np.array([0, 2], "int32"))], expect=lambda x, i: np.array([x[0, 0], x[1, 2]]), gradient=(0,)),
    Row("fill_element_0index", [(2, 3), (2,), fixed(np.array([0.0, 2], "float32"))], gradient=False, dtypes=("float32",),
        expect=lambda x, v, i: np.array([[v[0], x[0, 1], x[0, 2]], [x[1, 0], x[1, 1], v[1]]])),
    Row("one_hot", [fixed(np.array([0, 1.7, 5, -1], "float32"))], {"depth": 3}, expect=lambda i: np.eye(4, 3)[[0, 1, 3, 3]], dtypes=(),
        gradient=False, result="float32"),
    Row("one_hot", [fixed(np.array([[0, 1]], "int32"))], {"depth": 2, "on_value": 5, "off_value": -1, "dtype": "int32"},
        expect=lambda i: np.array([[[5, -1], [-1, 5]]]), dtypes=(), gradient=False, result="int32"),
    Row("gather_nd", [(2, 3), fixed(np.array([[0, 1, 1], [1, -1, -1]]))], expect=lambda x, i: x[[0, 1, 1], [1, 2, 2]], gradient=(0,),
        mxnet_gradient="MXNet puts the gradient of a negative index one row too early"),
    Row("scatter_nd", [(2,), fixed(np.array([[0, 1], [1, 2]]))], {"shape": (2, 3)}, gradient=(0,),
        expect=lambda x, i: _put((2, 3), ([0, 1], [1, 2]), x)),
    Row("_scatter_set_nd", [(2, 3), (2,), fixed(np.array([[0, 1], [1, 2]]))], {"shape": (2, 3)}, gradient=False,
        expect=lambda a, b, i: np.array([[a[0, 0], b[0], a[0, 2]], [a[1, 0], a[1, 1], b[1]]]), mxnet="MXNet writes only into out="),
    Row("_ravel_multi_index", [fixed(np.array([[0.0, 1], [1, 2]], "float32"))], {"shape": (2, 3)}, expect=lambda i: np.array([1.0, 5]),
        dtypes=(), gradient=False, result="float32"),
    Row("_unravel_index", [fixed(np.array([1, 5]))], {"shape": (2, 3)}, expect=lambda i: np.array([[0, 1], [1, 2]]), dtypes=(),
        gradient=False, result="int64"),
    Row("where", [fixed(np.array([[1, 0, 2], [0, 0, 1]], "float32")), (2, 3), (2, 3)], gradient=(1, 2),
        expect=lambda c, x, y: np.where(c != 0, x, y), wrong=[Wrong(inputs=[fixed(np.ones(3)), (2, 3), (2, 3)])]),
    Row("where", [fixed(np.array([1, 0])), (2, 3), (2, 3)], gradient=(1, 2), expect=lambda c, x, y: np.where(c[:, None] != 0, x, y)),
    Row("_contrib_boolean_mask", [(3, 2), fixed(np.array([1, 0, 1], "float32"))], expect=lambda x, m: x[[0, 2]], gradient=(0,), syncs=2),
    Row("_contrib_index_copy", [(3, 2), fixed(np.array([0, 2])), (2, 2)], gradient=(0, 2),
        expect=lambda a, i, b: np.stack([b[0], a[1], b[1]])),
    Row("slice", [(3, 4)], {"begin": (1, 3), "end": (None, 0), "step": (1, -2)}, expect=lambda x: x[1:, 3:0:-2],
        wrong=[Wrong(attrs={"end": (1,)}, says="end")]),
    Row("slice_axis", [(3, 4)], {"axis": -1, "begin": -3, "end": None}, expect=lambda x: x[:, 1:],
        wrong=[Wrong(attrs={"end": 9}, says="end=9"), Wrong(attrs={"begin": 2, "end": 1}, says="begin=2")]),
    Row("slice_like", [(3, 4), (2, 2)], expect=lambda x, like: x[:2, :2], gradient=(0,), wrong=[Wrong(inputs=[(3, 4), (4, 4)])]),
    Row("slice_like", [(3, 4), (2, 2)], {"axes": (-1,)}, expect=lambda x, like: x[:, :2], gradient=(0,)),
    Row("_backward_slice", [(2, 2)], {"begin": (0, 1), "end": (2, 3), "step": (), "shape": (2, 4)}, mxnet=INTERNAL,
        expect=lambda x: np.pad(x, [(0, 0), (1, 1)])),
    Row("_part", [(2, 4)], {"axis": 1, "begin": 1, "end": 3}, expect=lambda x: x[:, 1:3], mxnet=INTERNAL),
    Row("_slice_assign", [(2, 3), (2, 1)], {"begin": (0, 1), "end": (2, 2)},
        expect=lambda a, b: np.concatenate([a[:, :1], b, a[:, 2:]], 1), mxnet_gradient="MXNet has no gradient"),
    Row("_slice_assign_scalar", [(2, 3)], {"begin": (0, 1), "end": (2, 2), "scalar": 7},
        expect=lambda a: np.concatenate([a[:, :1], np.full((2, 1), 7), a[:, 2:]], 1), mxnet_gradient="MXNet has no gradient"),
]

# ---- sequences -----------------------------------------------------------------------------------------------------------

_LENGTHS = fixed(np.array([1, 3], "float32"))


def _masked(x, lengths, value):
    return np.where((np.arange(len(x))[:, None] < lengths)[..., None], x, value)


ROWS += [
    Row("SequenceMask", [(3, 2, 2)], expect=lambda x: x),
    Row("SequenceMask", [(3, 2, 2), _LENGTHS], {"use_sequence_length": True, "value": -1}, gradient=(0,),
        expect=lambda x, n: _masked(x, n, -1), wrong=[Wrong(inputs=[(3, 2, 2)], says="sequence_length")]),
    Row("SequenceMask", [(2, 3, 2), _LENGTHS], {"use_sequence_length": True, "axis": 1}, gradient=(0,),
        expect=lambda x, n: _masked(x.swapaxes(0, 1), n, 0).swapaxes(0, 1)),
    Row("SequenceLast", [(3, 2, 2)], expect=lambda x: x[-1]),
    Row("SequenceLast", [(3, 2, 2), _LENGTHS], {"use_sequence_length": True}, gradient=(0,), expect=lambda x, n: x[[0, 2], [0, 1]]),
    Row("SequenceReverse", [(3, 2)], expect=lambda x: x[::-1]),
    Row("SequenceReverse", [(3, 2, 2), fixed(np.array([2, 3]))], {"use_sequence_length": True}, gradient=(0,),
        expect=lambda x, n: np.stack([x[[1, 0, 2], 0], x[::-1, 1]], 1)),
]

# ---- ordering ------------------------------------------------------------------------------------------------------------


def _top(x, k=2):
    return np.argsort(-x, kind="stable")[:, :k]


ROWS += [
    Row("sort", [(2, 3)], expect=np.sort), Row("sort", [(2, 3)], {"axis": None, "is_ascend": False}, expect=lambda x: -np.sort(-x, None)),
    Row("argsort", [(2, 3)], expect=np.argsort, gradient="zero", result="float32"),
    Row("argsort", [np.array([1.0, 1, 1, 0])], {"is_ascend": False, "dtype": "int32"}, expect=lambda x: np.arange(4), gradient="zero",
        result="int32"),
    Row("topk", [(2, 4)], {"k": 2}, expect=_top, gradient="zero", result="float32", wrong=[Wrong(attrs={"k": 9}, says="k = 9")]),
    Row("topk", [(2, 4)], {"k": 2, "ret_typ": "value"}, expect=lambda x: np.take_along_axis(x, _top(x), 1)),
    Row("topk", [(2, 4)], {"k": 1, "ret_typ": "mask"}, expect=lambda x: np.eye(4)[x.argmax(1)], gradient="zero"),
    Row("topk", [(2, 4)], {"k": 2, "ret_typ": "both", "dtype": "int64"}, result=("same", "int64"),
        expect=lambda x: (np.take_along_axis(x, _top(x), 1), _top(x))),
    Row("topk", [(2, 4)], {"axis": None, "k": 3, "ret_typ": "value", "is_ascend": True}, expect=lambda x: np.sort(x, None)[:3]),
    Row("argmax", [(2, 3)], {"axis": 1}, expect=lambda x: x.argmax(1), gradient="zero"),
    Row("argmax", [np.array([1.0, 3, 3])], expect=lambda x: np.array([1]), gradient="zero"),
    Row("argmin", [(2, 3)], {"axis": -1, "keepdims": True}, expect=lambda x: x.argmin(1)[:, None], gradient="zero"),
    Row("argmax_channel", [(2, 3)], expect=lambda x: x.argmax(1), gradient="zero"),
]

# ---- matrices ------------------------------------------------------------------------------------------------------------

_ROUGH = {"float16": 3e-2}
_WIDE = ("float32", "float64")


def _positive(random):
    a = random.uniform(-1, 1, (2, 3, 3))
    return a @ a.swapaxes(1, 2) + 2 * np.eye(3)


def _lower(random):
    return np.tril(random.uniform(-1, 1, (2, 3, 3))) + 2 * np.eye(3)


ROWS += [
    Row("dot", [(2, 3), (3, 2)], expect=lambda a, b: a @ b, tolerance=_ROUGH, wrong=[Wrong(inputs=[(2, 3), (2, 3)])],
        mxnet="not for float16 on a CPU"),
    Row("dot", [(3, 2), (2, 3)], {"transpose_a": True, "transpose_b": True}, expect=lambda a, b: a.T @ b.T, dtypes=_WIDE),
    Row("dot", [(2, 1, 3), (3, 2, 2)], expect=lambda a, b: np.tensordot(a, b, 1), dtypes=_WIDE),
    Row("dot", [(3, 2, 2), (3, 2)], {"transpose_a": True}, expect=lambda a, b: np.tensordot(a, b, (0, 0)), dtypes=_WIDE),
    Row("dot", [(3,), (3,)], expect=lambda a, b: np.dot(a, b).reshape(1), dtypes=_WIDE),
    Row("batch_dot", [(2, 2, 3), (2, 3, 2)], expect=lambda a, b: a @ b, dtypes=_WIDE, wrong=[Wrong(inputs=[(2, 3), (3, 2)])]),
    Row("batch_dot", [(2, 3, 2), (2, 1, 3)], {"transpose_a": True, "transpose_b": True}, dtypes=_WIDE,
        expect=lambda a, b: a.swapaxes(1, 2) @ b.swapaxes(1, 2)),
    Row("_linalg_gemm2", [(2, 2, 3), (2, 2, 3)], {"transpose_b": True, "alpha": 1.5}, dtypes=_WIDE,
        expect=lambda a, b: 1.5 * a @ b.swapaxes(1, 2)),
    Row("_linalg_gemm2", [(2, 2, 3), (3, 2, 2)], {"axis": 0}, dtypes=_WIDE,
        expect=lambda a, b: (a.swapaxes(0, 1) @ b.swapaxes(0, 1)).swapaxes(0, 1)),
    Row("_linalg_gemm", [(2, 3), (3, 2), (2, 2)], {"alpha": 0.5, "beta": -2}, dtypes=_WIDE, expect=lambda a, b, c: 0.5 * a @ b - 2 * c),
    Row("_linalg_potrf", [_positive], expect=np.linalg.cholesky, dtypes=_WIDE, second=None,
        gradient=lambda dy, a: (_cholesky_gradient(dy, np.linalg.cholesky(a)),)),
    Row("_linalg_potri", [_lower], expect=lambda a: np.linalg.inv(a @ a.swapaxes(1, 2)), dtypes=_WIDE, second=None,
        gradient=lambda dy, a: (np.tril(_potri_gradient(dy, a)),), tolerance={"float32": 1e-4}),
    Row("_linalg_inverse", [_positive], expect=np.linalg.inv, dtypes=_WIDE), Row("_linalg_det", [_positive], expect=np.linalg.det,
                                                                                 dtypes=_WIDE, tolerance={"float32": 1e-4}),
    Row("_linalg_slogdet", [_positive], expect=lambda a: tuple(np.linalg.slogdet(a)), dtypes=_WIDE, result=("same",) * 2),
    Row("_linalg_sumlogdiag", [_positive], expect=lambda a: np.log(np.diagonal(a, 0, 1, 2)).sum(1), dtypes=_WIDE),
    Row("_linalg_trmm", [_lower, (2, 3, 2)], {"alpha": 2.0}, expect=lambda a, b: 2 * a @ b, dtypes=_WIDE, second=None,
        gradient=lambda dy, a, b: (2 * np.tril(dy @ b.swapaxes(1, 2)), 2 * a.swapaxes(1, 2) @ dy)),
    Row("_linalg_trsm", [_lower, (2, 2, 3)], {"rightside": True, "transpose": True}, dtypes=_WIDE,
        gradient=lambda dy, a, b: _solved_gradients(dy, a, b), expect=lambda a, b: b @ np.linalg.inv(a.swapaxes(1, 2)), tolerance={"float32": 1e-4}),
    Row("_linalg_syrk", [(2, 3)], {"alpha": 2.0}, expect=lambda a: 2 * a @ a.T, dtypes=_WIDE),
    Row("_linalg_syrk", [(2, 3)], {"transpose": True}, expect=lambda a: a.T @ a, dtypes=_WIDE),
    Row("_linalg_syevd", [np.array([[2.0, 1], [1, 3]])], dtypes=_WIDE, gradient=lambda dy, a: (_eigen_gradient(dy, a),), result=("same",) * 2,
        expect=lambda a: (np.array([[0.85065081, -0.52573111], [0.52573111, 0.85065081]]), np.array([1.38196601, 3.61803399])),
        tolerance={"float64": 1e-8}),
    Row("_linalg_gelqf", [(2, 3)], dtypes=_WIDE, gradient=False, result=("same",) * 2,
        check=lambda outputs, a: np.testing.assert_allclose(outputs[1] @ outputs[0], a, rtol=1e-4, atol=1e-5)),
    Row("_linalg_extractdiag", [(2, 3, 3)], {"offset": -1}, expect=lambda a: np.diagonal(a, -1, 1, 2)),
    Row("_linalg_makediag", [(2, 2)], {"offset": 1}, expect=lambda a: np.stack([np.diag(r, 1) for r in a])),
    Row("_linalg_extracttrian", [(3, 3)], {"lower": False}, expect=lambda a: a[[0, 0, 1, 0, 1, 2], [0, 1, 1, 2, 2, 2]]),
    Row("_linalg_extracttrian", [(3, 3)], expect=lambda a: a[np.tril_indices(3)]),
    Row("_linalg_maketrian", [(3,)], {"offset": -1}, expect=lambda a: np.array([[0, 0, 0], [a[0], 0, 0], [a[1], a[2], 0]])),
    Row("_triangle", [(2, 3, 3)], expect=np.tril, mxnet=INTERNAL), Row("_triangle", [(3, 3)], {"lower": False}, expect=np.triu,
                                                                       mxnet=INTERNAL),
]


def _cholesky_gradient(dy, lower):
    """Return the gradient of the Cholesky factor, symmetric in A (Murray, 2016, arXiv:1602.07527)."""
    inner = np.tril(lower.swapaxes(1, 2) @ dy)
    inner = (inner + np.tril(inner, -1).swapaxes(1, 2)) / 2
    inverse = np.linalg.inv(lower)
    return inverse.swapaxes(1, 2) @ inner @ inverse


def _potri_gradient(dy, a):
    inverse = np.linalg.inv(a @ a.swapaxes(1, 2))
    return -inverse @ (dy + dy.swapaxes(1, 2)) @ inverse @ a


def _solved_gradients(dy, a, b):
    """Return the gradients of ``X A^T = B``."""
    db = dy @ np.linalg.inv(a)
    return np.tril(-db.swapaxes(1, 2) @ b @ np.linalg.inv(a.swapaxes(1, 2))), db


def _eigen_gradient(dy, a):
    """Return the gradient of eigenvectors and eigenvalues in a symmetric matrix, by first-order perturbation."""
    values, columns = np.linalg.eigh(a)
    vectors = columns.T * np.sign(columns.T[np.arange(2), np.abs(columns.T).argmax(1)])[:, None]
    total = sum(dy[1][k] * np.outer(vectors[k], vectors[k]) for k in range(2))
    for k, other in ((0, 1), (1, 0)):
        mixed = np.outer(vectors[other], vectors[k]) * (dy[0][k] @ vectors[other]) / (values[k] - values[other])
        total = total + (mixed + mixed.T) / 2
    return total


def _heads(x, parts):
    """Return queries, keys, values of two heads of width 1: each (batch * 2, time, 1)."""
    split = x.reshape(len(x), -1, parts, 1)
    return [split[:, :, i].swapaxes(0, 1) for i in range(parts)]


def _merged(x):
    return x.swapaxes(0, 1).reshape(x.shape[1], -1, 2)


_ATTENTION = dict(dtypes=_WIDE)
ROWS += [
    Row("_contrib_interleaved_matmul_selfatt_qk", [(2, 1, 6)], {"heads": 2}, **_ATTENTION,
        expect=lambda x: _heads(x, 3)[0] @ _heads(x, 3)[1].swapaxes(1, 2)),
    Row("_contrib_interleaved_matmul_selfatt_valatt", [(2, 1, 6), (2, 2, 2)], {"heads": 2}, **_ATTENTION,
        expect=lambda x, a: _merged(a @ _heads(x, 3)[2])),
    Row("_contrib_interleaved_matmul_encdec_qk", [(3, 1, 2), (2, 1, 4)], {"heads": 2}, **_ATTENTION,
        expect=lambda q, kv: _heads(q, 1)[0] @ _heads(kv, 2)[0].swapaxes(1, 2)),
    Row("_contrib_interleaved_matmul_encdec_valatt", [(2, 1, 4), (2, 3, 2)], {"heads": 2}, **_ATTENTION,
        expect=lambda kv, a: _merged(a @ _heads(kv, 2)[1])),
]
