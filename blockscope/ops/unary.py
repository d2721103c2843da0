"""Functions of one array, element by element.

Each line says everything: names, how array modules compute it, the CUDA text and the gradient.  Integers give integers (the
float result, truncated), as in MXNet.
"""

import math

from .elementwise import unary
from .inference import first, same
from .registry import operator

_LN2, _LN10 = math.log(2.0), math.log(10.0)
_HALF_SQRT_PI, _TWO_BY_SQRT_PI = math.sqrt(math.pi) / 2, 2 / math.sqrt(math.pi)


def _store(env, result, dtype, out):
    """Return a result in the input's dtype, in `out` if there is one."""
    if out is None:
        return result if result.dtype == dtype else result.astype(dtype)
    env.xp.copyto(out, result, casting="unsafe")
    return out


def _ufunc(name):
    def compute(env, x, out):
        function = getattr(env.xp, name)
        if x.dtype.kind == "f":
            return function(x, out=out)
        return _store(env, function(x), x.dtype, out)
    return compute


def _special(name):
    def compute(env, x, out):
        function = getattr(env.special, name)
        return _store(env, function(x if x.dtype.kind == "f" else x.astype("float64")), x.dtype, out)
    return compute


def _expression(function):
    def compute(env, x, out):
        floats = x if x.dtype.kind == "f" else x.astype("float64")
        return _store(env, function(env.xp, floats), x.dtype, out)
    return compute


def _rounding(function):
    """Compute a function that leaves integers as they are."""
    def compute(env, x, out):
        return _store(env, function(env.xp, x) if x.dtype.kind == "f" else x.copy(), x.dtype, out)
    return compute


def _zero(F, _dy, _y, _x):
    return F.zeros_like(_dy)


def _define(name, *aliases, sparse=True, **definition):
    """Register a function under its name, its sparse name and other aliases."""
    if sparse:
        aliases = (f"_sparse_{name}", *aliases)
    return unary(name, *aliases, **definition)


def _round_half_away(xp, x):
    size = xp.abs(x)
    low = xp.floor(size)
    return xp.copysign(low + (size - low >= 0.5), x)


def _round_half_down(xp, x):
    low = xp.floor(x)
    return low + (x - low > 0.5)


def _sigmoid(xp, x):
    y = xp.exp(-x)
    y += 1
    return xp.divide(1, y, out=y)


# ---- sign and powers -----------------------------------------------------------------------------------------------------

_define("relu", numpy=lambda env, x, out: env.xp.maximum(x, x.dtype.type(0), out=out), cuda="y = x > 0 ? x : 0",
        gradient=lambda F, dy, y, _x: dy * (y > 0))
_define("negative", numpy="negative", cuda="y = -x", gradient=lambda F, dy, _y, _x: -dy)
_define("abs", numpy="abs", cuda="y = fabs(x)", gradient=lambda F, dy, _y, x: dy * F.sign(x))
_define("sign", numpy="sign", cuda="y = (x > 0) - (x < 0)", gradient=_zero)
_define("square", numpy="square", cuda="y = x * x", gradient=lambda F, dy, _y, x: dy * x * 2)
_define("sqrt", numpy=_ufunc("sqrt"), cuda="y = sqrt(x)", gradient=lambda F, dy, y, _x: dy * 0.5 / y)
_define("rsqrt", numpy=_expression(lambda xp, x: 1 / xp.sqrt(x)), cuda="y = rsqrt(x)",
        gradient=lambda F, dy, y, _x: dy * y * y * y * -0.5)
_define("cbrt", numpy=_ufunc("cbrt"), cuda="y = cbrt(x)", gradient=lambda F, dy, y, _x: dy / (y * y * 3))
_define("rcbrt", sparse=False, numpy=_expression(lambda xp, x: 1 / xp.cbrt(x)), cuda="y = rcbrt(x)",
        gradient=lambda F, dy, y, x: dy * y / (x * -3))
_define("reciprocal", sparse=False, numpy=_expression(lambda xp, x: 1 / x), cuda="y = 1 / x",
        gradient=lambda F, dy, y, _x: -dy * y * y)

# ---- exponentials and logarithms -----------------------------------------------------------------------------------------

_define("exp", numpy=_ufunc("exp"), cuda="y = exp(x)", gradient=lambda F, dy, y, _x: dy * y)
_define("expm1", numpy=_ufunc("expm1"), cuda="y = expm1(x)", gradient=lambda F, dy, y, _x: dy * (y + 1))
_define("log", numpy=_ufunc("log"), cuda="y = log(x)", gradient=lambda F, dy, _y, x: dy / x)
_define("log2", numpy=_ufunc("log2"), cuda="y = log2(x)", gradient=lambda F, dy, _y, x: dy / (x * _LN2))
_define("log10", numpy=_ufunc("log10"), cuda="y = log10(x)", gradient=lambda F, dy, _y, x: dy / (x * _LN10))
_define("log1p", numpy=_ufunc("log1p"), cuda="y = log1p(x)", gradient=lambda F, dy, _y, x: dy / (x + 1))

_define("sigmoid", numpy=_expression(_sigmoid), cuda="y = 1 / (1 + exp(-x))", gradient=lambda F, dy, y, _x: dy * (y * (1 - y)))
_define("softsign", sparse=False, numpy=_expression(lambda xp, x: x / (1 + xp.abs(x))), cuda="y = x / (1 + fabs(x))",
        gradient=lambda F, dy, _y, x: dy / F.square(F.abs(x) + 1))

# ---- trigonometric and hyperbolic ----------------------------------------------------------------------------------------

_define("sin", numpy=_ufunc("sin"), cuda="y = sin(x)", gradient=lambda F, dy, _y, x: dy * F.cos(x))
_define("cos", numpy=_ufunc("cos"), cuda="y = cos(x)", gradient=lambda F, dy, _y, x: -dy * F.sin(x))
_define("tan", numpy=_ufunc("tan"), cuda="y = tan(x)", gradient=lambda F, dy, y, _x: dy * (y * y + 1))
_define("arcsin", numpy=_ufunc("arcsin"), cuda="y = asin(x)", gradient=lambda F, dy, _y, x: dy / F.sqrt(1 - x * x))
_define("arccos", numpy=_ufunc("arccos"), cuda="y = acos(x)", gradient=lambda F, dy, _y, x: -dy / F.sqrt(1 - x * x))
_define("arctan", numpy=_ufunc("arctan"), cuda="y = atan(x)", gradient=lambda F, dy, _y, x: dy / (x * x + 1))
_define("sinh", numpy=_ufunc("sinh"), cuda="y = sinh(x)", gradient=lambda F, dy, _y, x: dy * F.cosh(x))
_define("cosh", numpy=_ufunc("cosh"), cuda="y = cosh(x)", gradient=lambda F, dy, _y, x: dy * F.sinh(x))
_define("tanh", numpy=_ufunc("tanh"), cuda="y = tanh(x)", gradient=lambda F, dy, y, _x: dy * (1 - y * y))
_define("arcsinh", numpy=_ufunc("arcsinh"), cuda="y = asinh(x)", gradient=lambda F, dy, _y, x: dy / F.sqrt(x * x + 1))
_define("arccosh", numpy=_ufunc("arccosh"), cuda="y = acosh(x)", gradient=lambda F, dy, _y, x: dy / F.sqrt(x * x - 1))
_define("arctanh", numpy=_ufunc("arctanh"), cuda="y = atanh(x)", gradient=lambda F, dy, _y, x: dy / (1 - x * x))
_define("degrees", numpy=_ufunc("degrees"), cuda="y = x * 57.29577951308232",
        gradient=lambda F, dy, _y, _x: dy * (180 / math.pi))
_define("radians", numpy=_ufunc("radians"), cuda="y = x * 0.017453292519943295",
        gradient=lambda F, dy, _y, _x: dy * (math.pi / 180))

# ---- rounding and logic --------------------------------------------------------------------------------------------------

_define("floor", numpy=_rounding(lambda xp, x: xp.floor(x)), cuda="y = floor(x)", gradient=_zero)
_define("ceil", numpy=_rounding(lambda xp, x: xp.ceil(x)), cuda="y = ceil(x)", gradient=_zero)
_define("trunc", numpy=_rounding(lambda xp, x: xp.trunc(x)), cuda="y = trunc(x)", gradient=_zero)
_define("fix", numpy=_rounding(lambda xp, x: xp.trunc(x)), cuda="y = trunc(x)", gradient=_zero)
_define("round", numpy=_rounding(_round_half_away), cuda="y = round(x)", gradient=_zero)
_define("rint", numpy=_rounding(_round_half_down), cuda="y = x - floor(x) > 0.5 ? floor(x) + 1 : floor(x)", gradient=_zero)
_define("logical_not", sparse=False, numpy=lambda env, x, out: _store(env, x == 0, x.dtype, out), cuda="y = x == 0",
        gradient=_zero)
# Straight-through estimators: a step forward, the identity backward.
_define("_contrib_round_ste", numpy=_rounding(_round_half_away), cuda="y = round(x)", gradient=lambda F, dy, _y, _x: dy)
_define("_contrib_sign_ste", numpy="sign", cuda="y = (x > 0) - (x < 0)", gradient=lambda F, dy, _y, _x: dy)

# ---- special functions ---------------------------------------------------------------------------------------------------

_define("erf", sparse=False, numpy=_special("erf"), cuda="y = erf(x)",
        gradient=lambda F, dy, _y, x: dy * F.exp(-x * x) * _TWO_BY_SQRT_PI)
_define("erfinv", sparse=False, numpy=_special("erfinv"), cuda="y = erfinv(x)",
        gradient=lambda F, dy, y, _x: dy * F.exp(y * y) * _HALF_SQRT_PI)
_define("gamma", numpy=_special("gamma"), cuda="y = tgamma(x)",
        gradient=lambda F, dy, y, x: dy * y * F._polygamma(x, n=0))
_define("gammaln", numpy=_special("gammaln"), cuda="y = lgamma(x)",
        gradient=lambda F, dy, _y, x: dy * F._polygamma(x, n=0))


@operator("_polygamma", shape_rule=first)
def polygamma(env, data, *, n: int):
    """Compute derivative n + 1 of the logarithm of the gamma function."""
    floats = data if data.dtype.kind == "f" else data.astype("float64")
    result = env.special.digamma(floats) if n == 0 else env.special.polygamma(n, floats)
    return result.astype(data.dtype)


@polygamma.gradient
def _(F, dy, _y, x, *, n):
    return (lambda: dy * F._polygamma(x, n=n + 1),)


# ---- identity, and what it does to the gradient ---------------------------------------------------------------------------

@operator("_copy", "identity", aliasing=True, shape_rule=first)
def identity(env, data):
    """Return the values of data (copied once either array is written to)."""
    return data


@identity.gradient
def _(F, dy, _y, _data):
    return (lambda: dy,)


@operator("BlockGrad", "stop_gradient", "_sparse_stop_gradient", aliasing=True, shape_rule=first)
def block_grad(env, data):
    """Return data; no gradient passes back through it."""
    return data


@block_grad.gradient
def _(F, _dy, _y, _data):
    return (None,)


@operator("_contrib_gradientmultiplier", aliasing=True, shape_rule=first)
def gradient_multiplier(env, data, *, scalar: float = 1.0, is_int: bool = True):
    """Return data; the gradient is multiplied by `scalar`."""
    return data


@gradient_multiplier.gradient
def _(F, dy, _y, _data, *, scalar, is_int):
    return (lambda: dy * scalar,)


@operator("_identity_with_attr_like_rhs", aliasing=True, shape_rule=same)
def identity_like(env, lhs, rhs):
    """Return lhs; rhs only gives shape and type to inference."""
    return lhs


@identity_like.gradient
def _(F, dy, _y, _lhs, _rhs):
    return (lambda: dy), None


@operator("_contrib_div_sqrt_dim", shape_rule=first)
def div_sqrt_dim(env, data):
    """Divide by the square root of the last axis's length."""
    return data / math.sqrt(data.shape[-1])


@div_sqrt_dim.gradient
def _(F, dy, _y, _data):
    return (lambda: dy / math.sqrt(_data.shape[-1]),)


@operator("_contrib_quadratic", shape_rule=first)
def quadratic(env, data, *, a: float = 0.0, b: float = 0.0, c: float = 0.0):
    """Compute ``a * data ** 2 + b * data + c``."""
    return (a * data + b) * data + c


@quadratic.gradient
def _(F, dy, _y, data, *, a, b, c):
    return (lambda: dy * (data * (2 * a) + b),)


@operator("hard_sigmoid", shape_rule=first)
def hard_sigmoid(env, data, *, alpha: float = 0.2, beta: float = 0.5):
    """Compute ``alpha * data + beta``, limited to [0, 1]."""
    return env.xp.minimum(env.xp.maximum(data * alpha + beta, 0), 1)


@hard_sigmoid.gradient
def _(F, dy, y, _data, *, alpha, beta):
    return (lambda: dy * (y > 0) * (y < 1) * alpha,)


@operator("clip", "_sparse_clip", shape_rule=first)
def clip(env, data, *, a_min: float, a_max: float):
    """Limit values to ``[a_min, a_max]``; the gradient passes at the limits themselves."""
    low, high = (a_min, a_max) if data.dtype.kind == "f" else (_whole(a_min, data.dtype), _whole(a_max, data.dtype))
    limited = env.xp.maximum(data, low)
    return env.xp.minimum(limited, high, out=limited)


@clip.gradient
def _(F, dy, _y, data, *, a_min, a_max):
    return (lambda: dy * (data >= a_min) * (data <= a_max),)


def _whole(bound, dtype):
    """Return a bound as an integer that the dtype can hold."""
    bits = 8 * dtype.itemsize
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if dtype.kind == "i" else (0, (1 << bits) - 1)
    return lowest if bound <= lowest else highest if bound >= highest else int(bound)
