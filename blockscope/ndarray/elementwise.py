"""Functions of two operands that may each be an array or a number: nd.add, nd.maximum, nd.equal, ..."""

from numbers import Number

import numpy as np

from ..errors import public_class
from ..ops import registry
from .array import NDArray
from .dispatch import invoke


def _number(value):
    return isinstance(value, (Number, np.generic))


def _two_operands(name, arrays, scalar, reflected, plain):
    def apply(lhs, rhs):
        if isinstance(lhs, NDArray):
            if isinstance(rhs, NDArray):
                return invoke(registry.get(arrays), (lhs, rhs), {})
            if _number(rhs):
                return invoke(registry.get(scalar), (lhs,), {"scalar": float(rhs), "is_int": False})
        elif _number(lhs):
            if isinstance(rhs, NDArray):
                return invoke(registry.get(reflected), (rhs,), {"scalar": float(lhs), "is_int": False})
            if _number(rhs):
                return plain(lhs, rhs)
        wrong = rhs if isinstance(lhs, NDArray) or _number(lhs) else lhs
        raise TypeError(f"type {public_class(type(wrong))} not supported")
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"""Compute {name} of two operands with broadcasting; each is an NDArray or a number.

    Parameters
    ----------
    lhs, rhs : NDArray or number
        Arrays must be of one dtype and of shapes that broadcast.
    """
    return apply


add = _two_operands("add", "broadcast_add", "_plus_scalar", "_plus_scalar", lambda a, b: a + b)
subtract = _two_operands("subtract", "broadcast_sub", "_minus_scalar", "_rminus_scalar", lambda a, b: a - b)
multiply = _two_operands("multiply", "broadcast_mul", "_mul_scalar", "_mul_scalar", lambda a, b: a * b)
divide = _two_operands("divide", "broadcast_div", "_div_scalar", "_rdiv_scalar", lambda a, b: a / b)
true_divide = divide
modulo = _two_operands("modulo", "broadcast_mod", "_mod_scalar", "_rmod_scalar", lambda a, b: a % b)
power = _two_operands("power", "broadcast_power", "_power_scalar", "_rpower_scalar", lambda a, b: a ** b)
maximum = _two_operands("maximum", "broadcast_maximum", "_maximum_scalar", "_maximum_scalar", max)
minimum = _two_operands("minimum", "broadcast_minimum", "_minimum_scalar", "_minimum_scalar", min)
equal = _two_operands("equal", "broadcast_equal", "_equal_scalar", "_equal_scalar", lambda a, b: 1 if a == b else 0)
not_equal = _two_operands("not_equal", "broadcast_not_equal", "_not_equal_scalar", "_not_equal_scalar",
                          lambda a, b: 1 if a != b else 0)
greater = _two_operands("greater", "broadcast_greater", "_greater_scalar", "_lesser_scalar",
                        lambda a, b: 1 if a > b else 0)
greater_equal = _two_operands("greater_equal", "broadcast_greater_equal", "_greater_equal_scalar", "_lesser_equal_scalar",
                              lambda a, b: 1 if a >= b else 0)
lesser = _two_operands("lesser", "broadcast_lesser", "_lesser_scalar", "_greater_scalar", lambda a, b: 1 if a < b else 0)
lesser_equal = _two_operands("lesser_equal", "broadcast_lesser_equal", "_lesser_equal_scalar", "_greater_equal_scalar",
                             lambda a, b: 1 if a <= b else 0)
logical_and = _two_operands("logical_and", "broadcast_logical_and", "_logical_and_scalar", "_logical_and_scalar",
                            lambda a, b: 1 if a and b else 0)
logical_or = _two_operands("logical_or", "broadcast_logical_or", "_logical_or_scalar", "_logical_or_scalar",
                           lambda a, b: 1 if a or b else 0)
logical_xor = _two_operands("logical_xor", "broadcast_logical_xor", "_logical_xor_scalar", "_logical_xor_scalar",
                            lambda a, b: 1 if bool(a) != bool(b) else 0)


def isnan(data):
    """Return 1 where an element is NaN, else 0, in the data's dtype."""
    return data != data


def isinf(data):
    """Return 1 where an element is infinite, else 0, in the data's dtype."""
    return data.abs() == float("inf")


def isfinite(data):
    """Return 1 where an element is neither NaN nor infinite, else 0, in the data's dtype."""
    return logical_and(data.abs() != float("inf"), data == data)
