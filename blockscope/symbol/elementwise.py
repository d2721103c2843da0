"""Functions of two operands that may each be a symbol or a number: sym.pow, sym.maximum, sym.minimum, sym.hypot."""
import math
from numbers import Number

from ..errors import public_class
from .functions import function
from .symbol import Symbol

__all__ = ['hypot', 'maximum', 'minimum', 'pow', 'power']


def _two_operands(name, symbols, scalar, reflected, plain):
    def apply(left, right):
        if isinstance(left, Symbol) and isinstance(right, Symbol):
            return function(symbols)(left, right)
        if isinstance(left, Symbol) and isinstance(right, Number):
            return function(scalar)(left, scalar=right)
        if isinstance(left, Number) and isinstance(right, Symbol):
            return function(reflected)(right, scalar=left)
        if isinstance(left, Number) and isinstance(right, Number):
            return plain(left, right)
        raise TypeError(f'types ({public_class(type(left))}, {public_class(type(right))}) not supported')
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f'Return {name} of two operands, each a symbol (both of one shape) or a number; a number of two numbers.'
    return apply


pow = _two_operands('pow', '_Power', '_PowerScalar', '_RPowerScalar', lambda a, b: a ** b)  # noqa: A001 (MXNet's name)
power = _two_operands('power', '_Power', '_PowerScalar', '_RPowerScalar', lambda a, b: a ** b)
maximum = _two_operands('maximum', '_Maximum', '_MaximumScalar', '_MaximumScalar', max)
minimum = _two_operands('minimum', '_Minimum', '_MinimumScalar', '_MinimumScalar', min)
hypot = _two_operands('hypot', '_Hypot', '_HypotScalar', '_HypotScalar', math.hypot)
