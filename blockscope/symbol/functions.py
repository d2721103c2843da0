"""Operators as functions of symbols: `function` makes the `sym.*` function of a name.

A function takes symbols first (by position or name), then attributes; `name` and `attr` are for the node.
"""
from ..ops import registry
from .compose import apply
from .symbol import Symbol

__all__ = ['function', 'replace']

_functions: dict = {}

_NODE_ARGUMENTS = ('name', 'attr', 'out')  # of every function, after its attributes; `out` has no meaning for symbols


def function(name):
    """Return the `sym` function of an operator's name; the name that is used gives the hint of automatic names.

    Examples
    --------
    >>> import blockscope as mx
    >>> function('relu')(mx.sym.var('x'), name='r')
    <Symbol r>
    """
    found = _functions.get(name)
    if found is None:
        op = registry.get(name)
        hint = registry.hint(name)

        def found(*args, **kwargs):
            symbols, named, given = _sort(op, args, kwargs)
            given.pop('out', None)
            node = apply(op, hint, symbols, named, given, given.pop('name', None), given.pop('attr', None))
            return Symbol([(node, i) for i in range(node.count_visible())])
        found.__name__ = found.__qualname__ = name
        found.__doc__ = op.__doc__
        found.operator = op
        _functions[name] = found
    return found


def replace(name, made):
    """Make `made` the `sym` function of an operator that needs more than symbols and attributes."""
    made.operator = registry.get(name)
    _functions[name] = made


def _sort(op, args, kwargs):
    """Sort call arguments into symbols by position, symbols by name, and attributes.

    Raises
    ------
    AssertionError
        Something else stands where a symbol must (MXNet's class of error).
    TypeError
        Too many arguments, or symbols by position and by name where any number is taken.
    """
    if op.variadic:
        if len(args) == 1 and isinstance(args[0], (list, tuple)):
            args = args[0]
        for value in args:
            if not isinstance(value, Symbol):
                raise AssertionError(f'Positional arguments must be Symbol instances, but got {value}')
        named, given = _split(kwargs)
        if args and named:
            raise TypeError('Operators with variable length input can only accept input'
                            'Symbols either as positional or keyword arguments, not both')
        return args, named, given
    count = len(op.inputs)
    named, given = {}, {}
    if kwargs:
        named, given = _split(kwargs)
        for key in op.inputs:
            if key in given and given[key] is None:
                del given[key]
            elif key in given:
                raise AssertionError(f'Argument {key} must be Symbol instances, but got {given[key]}')
    if len(args) > count:
        names = [*op.attributes, *_NODE_ARGUMENTS]
        if len(args) - count > len(names):
            raise TypeError(f'{op.name}() takes {count} symbols and {names}; {len(args)} positional arguments were given')
        for key, value in zip(names, args[count:]):
            if key in kwargs:
                raise TypeError(f"{op.name}() got multiple values for argument '{key}'")
            given[key] = value
        args = args[:count]
    if not all(isinstance(value, Symbol) for value in args):
        for key, value in zip(op.inputs, args):
            if isinstance(value, Symbol):
                named[key] = value
            elif value is not None:
                raise AssertionError(f'Argument {key} must be Symbol instances, but got {value}')
        args = ()
    return args, named, given


def _split(kwargs):
    named = {key: value for key, value in kwargs.items() if isinstance(value, Symbol)}
    return named, {key: value for key, value in kwargs.items() if key not in named}


Symbol._function = staticmethod(function)
