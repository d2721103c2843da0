"""sym.Custom: operators that users write in Python, as nodes."""
from ..ops import custom
from . import functions
from .compose import apply, attribute_text, hidden_key
from .symbol import Symbol

__all__ = ['Custom']


def Custom(*args, op_type=None, name=None, attr=None, **kwargs):
    """Apply an operator that was registered with ``mx.operator.register``.

    Parameters
    ----------
    *args : Symbol
        Inputs, then auxiliary states; those that are not given become variables.
    op_type : str
        Registered name.
    name, attr
        As for every operator.
    **kwargs
        Symbols by name instead, or attributes that the CustomOpProp's constructor gets as text.

    Examples
    --------
    >>> import blockscope as mx
    >>> @mx.operator.register('blend_example')
    ... class Blend(mx.operator.CustomOpProp):
    ...     def list_arguments(self):
    ...         return ['data', 'other']
    >>> mx.sym.Custom(mx.sym.var('x'), op_type='blend_example', name='blend').list_arguments()
    ['x', 'blend_other']
    """
    given = kwargs if op_type is None else {'op_type': op_type, **kwargs}
    symbols, named, given = functions._sort(Custom.operator, args, given)
    record = custom.specialise({key: attribute_text(key, value) for key, value in given.items() if hidden_key(key) == key})
    node = apply(record, 'custom', symbols, named, given, name, attr)
    return Symbol([(node, i) for i in range(node.count_visible())])


functions.replace('Custom', Custom)
