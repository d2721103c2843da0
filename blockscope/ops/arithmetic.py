"""Arithmetic and comparison of two operands: + - * / % ** maximum minimum hypot == != > >= < <= and or xor."""

import math

import numpy

from .elementwise import Arithmetic, binary


def _divide(env, a, b, out):
    """True division of floats; integers divide as in C, rounding towards zero."""
    xp = env.xp
    dtype = (a if hasattr(a, "dtype") else b).dtype
    if dtype.kind == "f":
        return xp.true_divide(a, b, out=out)
    quotient = xp.trunc(xp.true_divide(a, b))
    if out is None:
        return quotient.astype(dtype)
    xp.copyto(out, quotient, casting="unsafe")
    return out


def _power_of(env, a, b, out):
    """Raise to a power; the common exponents need no logarithm, and integers take negative ones as in C."""
    xp = env.xp
    if not hasattr(b, "dtype"):
        if b == 2:
            return xp.square(a, out=out)
        if b == 0.5:
            return xp.sqrt(a, out=out)
    dtype = (a if hasattr(a, "dtype") else b).dtype
    if dtype.kind in "iu":
        result = xp.power(a * 1.0, b)
        if out is None:
            return result.astype(dtype)
        xp.copyto(out, result, casting="unsafe")
        return out
    return xp.power(a, b, out=out)


def _zero(F, dy, y, a, b):
    """Gradient of a step function: zero, in the shape of the result."""
    return F.zeros_like(dy)


_ZEROS = ("", _zero, _zero)


def _log(F, a):
    """Logarithm of an array, or of a Python number as C gives it."""
    if hasattr(a, "shape"):
        return F.log(a)
    return math.log(a) if a > 0 else float("-inf") if a == 0 else float("nan")


_add = binary(broadcast=("broadcast_add", "broadcast_plus", "_sparse_broadcast_add", "_sparse_broadcast_plus"),
              same=("elemwise_add", "_plus", "_Plus", "_add", "_sparse_elemwise_add"),
              scalar=("_plus_scalar", "_PlusScalar"),
              numpy="add", cuda="y = a + b",
              gradient=("", lambda F, dy, y, a, b: dy,
                        lambda F, dy, y, a, b: dy))
_subtract = binary(broadcast=("broadcast_sub", "broadcast_minus", "_sparse_broadcast_sub", "_sparse_broadcast_minus"),
                   same=("elemwise_sub", "_minus", "_Minus", "_sub", "_sparse_elemwise_sub"),
                   scalar=("_minus_scalar", "_MinusScalar"), reflected=("_rminus_scalar", "_RMinusScalar"),
                   numpy="subtract", cuda="y = a - b",
                   gradient=("", lambda F, dy, y, a, b: dy,
                             lambda F, dy, y, a, b: -dy))
_multiply = binary(broadcast=("broadcast_mul", "_sparse_broadcast_mul"),
                   same=("elemwise_mul", "_mul", "_Mul", "_sparse_elemwise_mul"),
                   scalar=("_mul_scalar", "_MulScalar"),
                   numpy="multiply", cuda="y = a * b",
                   gradient=("ab", lambda F, dy, y, a, b: dy * b,
                             lambda F, dy, y, a, b: dy * a))
_divide_all = binary(broadcast=("broadcast_div", "_sparse_broadcast_div"),
                     same=("elemwise_div", "_div", "_Div", "_sparse_elemwise_div"),
                     scalar=("_div_scalar", "_DivScalar"), reflected=("_rdiv_scalar", "_RDivScalar"),
                     numpy=_divide, cuda="y = a / b",
                     gradient=("ab", lambda F, dy, y, a, b: dy / b,
                               lambda F, dy, y, a, b: -dy * a / (b * b)))
_modulo = binary(broadcast=("broadcast_mod",), same=("_mod", "_Mod"), scalar=("_mod_scalar", "_ModScalar"),
                 reflected=("_rmod_scalar", "_RModScalar"),
                 numpy="mod", cuda="y = a - b * floor(a / b)",
                 gradient=("ab", lambda F, dy, y, a, b: dy,
                           lambda F, dy, y, a, b: -dy * F.floor(a / b)))
_power = binary(broadcast=("broadcast_power",), same=("_power", "_Power"), scalar=("_power_scalar", "_PowerScalar"),
                reflected=("_rpower_scalar", "_RPowerScalar"),
                numpy=_power_of, cuda="y = pow(a, b)",
                gradient=("yab", lambda F, dy, y, a, b: dy * b * a ** (b - 1),
                          lambda F, dy, y, a, b: dy * y * _log(F, a)))
_maximum = binary(broadcast=("broadcast_maximum",), same=("_maximum", "_Maximum"),
                  scalar=("_maximum_scalar", "_MaximumScalar"), numpy="maximum", cuda="y = max(a, b)",
                  gradient=("ab", lambda F, dy, y, a, b: dy * (a >= b),
                            lambda F, dy, y, a, b: dy * (a < b)))
_minimum = binary(broadcast=("broadcast_minimum",), same=("_minimum", "_Minimum"),
                  scalar=("_minimum_scalar", "_MinimumScalar"), numpy="minimum", cuda="y = min(a, b)",
                  gradient=("ab", lambda F, dy, y, a, b: dy * (a <= b),
                            lambda F, dy, y, a, b: dy * (a > b)))
_hypot = binary(broadcast=("broadcast_hypot",), same=("_hypot", "_Hypot"), scalar=("_hypot_scalar", "_HypotScalar"),
                numpy="hypot", cuda="y = hypot(a, b)",
                gradient=("yab", lambda F, dy, y, a, b: dy * a / y,
                          lambda F, dy, y, a, b: dy * b / y))


def _comparison(broadcast, same, scalar, numpy, sign):
    made = binary(broadcast=(broadcast,), same=same, scalar=scalar, numpy=numpy, keeps_dtype=False,
                  cuda=f"y = a {sign} b", gradient=_ZEROS)
    for op in made:
        op.uses_head = False
    return made


_equal = _comparison("broadcast_equal", ("_equal", "_Equal"), ("_equal_scalar", "_EqualScalar"), "equal", "==")
_not_equal = _comparison("broadcast_not_equal", ("_not_equal", "_Not_Equal"), ("_not_equal_scalar", "_NotEqualScalar"),
                         "not_equal", "!=")
_greater = _comparison("broadcast_greater", ("_greater", "_Greater"), ("_greater_scalar", "_GreaterScalar"), "greater", ">")
_greater_equal = _comparison("broadcast_greater_equal", ("_greater_equal", "_Greater_Equal"),
                             ("_greater_equal_scalar", "_GreaterEqualScalar"), "greater_equal", ">=")
_lesser = _comparison("broadcast_lesser", ("_lesser", "_Lesser"), ("_lesser_scalar", "_LesserScalar"), "less", "<")
_lesser_equal = _comparison("broadcast_lesser_equal", ("_lesser_equal", "_Lesser_Equal"),
                            ("_lesser_equal_scalar", "_LesserEqualScalar"), "less_equal", "<=")
_comparison("broadcast_logical_and", ("_logical_and", "_Logical_And"), ("_logical_and_scalar", "_LogicalAndScalar"),
            "logical_and", "&&")
_comparison("broadcast_logical_or", ("_logical_or", "_Logical_Or"), ("_logical_or_scalar", "_LogicalOrScalar"),
            "logical_or", "||")
_comparison("broadcast_logical_xor", ("_logical_xor", "_Logical_Xor"), ("_logical_xor_scalar", "_LogicalXorScalar"),
            "logical_xor", "^")

# Python's operators: with arrays, with a number right, with a number left; `fast` is the ufunc that alone is the whole
# operation for two host arrays of one dtype (the short eager path).
ADD = Arithmetic(_add[0], _add[2], _add[2], numpy.add, numpy.add)
SUBTRACT = Arithmetic(_subtract[0], _subtract[2], _subtract[3], numpy.subtract, numpy.subtract)
MULTIPLY = Arithmetic(_multiply[0], _multiply[2], _multiply[2], numpy.multiply, numpy.multiply)
DIVIDE = Arithmetic(_divide_all[0], _divide_all[2], _divide_all[3], None, numpy.true_divide)
MODULO = Arithmetic(_modulo[0], _modulo[2], _modulo[3], numpy.mod, numpy.mod)
POWER = Arithmetic(_power[0], _power[2], _power[3])
EQUAL = Arithmetic(_equal[0], _equal[2], _equal[2])
NOT_EQUAL = Arithmetic(_not_equal[0], _not_equal[2], _not_equal[2])
GREATER = Arithmetic(_greater[0], _greater[2], _lesser[2])
GREATER_EQUAL = Arithmetic(_greater_equal[0], _greater_equal[2], _lesser_equal[2])
LESSER = Arithmetic(_lesser[0], _lesser[2], _greater[2])
LESSER_EQUAL = Arithmetic(_lesser_equal[0], _lesser_equal[2], _greater_equal[2])
