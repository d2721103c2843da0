"""What the rules are made of by which shapes and types of an operator's inputs and outputs follow from each other.

A rule is ``(ins, outs, attrs) -> (ins, outs)``: it gets what is known of inputs and outputs and returns what follows. A shape of
which nothing is known is None, and a length that is not known is 0; a type that is not known is None. What a rule returns is only
its opinion: `settle` unites it with what was known and finds contradictions, so that a rule may repeat what it got, leave out
what comes last, and needs no checks of its own.

An operator without a rule for shapes is tried out on zeros of the inputs' shapes once these are known (`compute`).
"""

from math import prod

from ..backend import cpu
from .attributes import as_dtype


def unite(known, found):
    """Return a shape that agrees with two partly known ones; raise ValueError where there is none.

    Examples
    --------
    >>> unite((2, 0), (0, 3)), unite(None, (4, 0))
    ((2, 3), (4, 0))
    """
    if known is None:
        return found
    if found is None or known == found:
        return known
    if len(known) != len(found):
        raise ValueError(conflict(known, found))
    united = []
    for a, b in zip(known, found):
        if a and b and a != b:
            raise ValueError(conflict(known, found))
        united.append(a or b)
    return tuple(united)


def listed(shape):
    """Return a shape as messages show it."""
    return "[" + ",".join(map(str, shape)) + "]"


def conflict(known, found):
    """Return the message for a shape that is not the one that follows from the others."""
    return f"Shape inconsistent, Provided = {listed(known)}, inferred shape=({','.join(map(str, found))})"


def is_complete(shape):
    """Return whether a shape is known in full."""
    return shape is not None and 0 not in shape


def size_of(shape):
    """Return the number of elements, or 0 if it is not known."""
    return prod(shape) if shape is not None else 0


def settle(known, found, merge):
    """Return the list of what is known, completed by what a rule found (possibly fewer entries)."""
    result = list(known)
    for i, (before, now) in enumerate(zip(known, found)):
        if now is not None and now is not before:
            result[i] = merge(before, now, i)
    return result


# ---- rules for shapes ----------------------------------------------------------------------------------------------------

def same(ins, outs, _attrs):
    """Say that all inputs and outputs have one shape."""
    shape = None
    for i, other in enumerate([*ins, *outs]):
        try:
            shape = unite(shape, other)
        except ValueError:
            where = f"{i}-th input" if i < len(ins) else f"{i - len(ins)}-th output"
            raise ValueError(f"Incompatible attr in node  at {where}: expected {listed(shape)}, got {listed(other)}") from None
    return [shape] * len(ins), [shape] * len(outs)


def first(ins, outs, _attrs):
    """Say that the first output has the shape of the first input."""
    shape = unite(ins[0], outs[0])
    return [shape], [shape]


def broadcast(ins, _outs, _attrs):
    """Say that the output has the shape to which the inputs broadcast."""
    left, right = ins
    if left is None or right is None:
        return ins, ()
    return ins, [broadcast_shapes(left, right)]


def broadcast_shapes(left, right):
    """Return the shape to which two shapes broadcast; a length of 0 stays unknown unless the other one is more than 1."""
    if left == right:
        return left
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    lead = len(longer) - len(shorter)
    shape = list(longer[:lead])
    for a, b in zip(longer[lead:], shorter):
        if a > 1 and b > 1 and a != b:
            raise ValueError(f"operands could not be broadcast together with shapes {listed(left)} {listed(right)}")
        shape.append(max(a, b) if a > 1 or b > 1 else a and b)
    return tuple(shape)


def from_attribute(_ins, _outs, attrs):
    """Say that the output has the shape that the attribute `shape` gives."""
    return (), [attrs["shape"] or None]


def fixed(*shape):
    """Return the rule for an output of a fixed shape."""
    return lambda ins, outs, attrs: ((), [shape])


def forward(function):
    """Return the rule for outputs whose shapes are a function of the inputs' shapes, asked once all inputs are known.

    Parameters
    ----------
    function : callable
        ``(*shapes, **attrs)`` to the shape of the output, or a list of several.
    """
    def rule(ins, _outs, attrs):
        if not all(map(is_complete, ins)):
            return (), ()
        found = function(*ins, **attrs)
        return (), found if isinstance(found, list) else [found]
    return rule


def partly(function):
    """Return the rule for outputs whose shapes are a function of the inputs' shapes that copes with lengths of 0 (not known)."""
    def rule(ins, _outs, attrs):
        if None in ins:
            return (), ()
        found = function(*ins, **attrs)
        return (), found if isinstance(found, list) else [found]
    return rule


def axis_inside(axis, ndim):
    """Return a non-negative axis."""
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def without(shape, axis):
    """Return a shape without one axis; a vector loses it to the shape (1,)."""
    axis = axis_inside(axis, len(shape))
    return shape[:axis] + shape[axis + 1:] or (1,)


def replaced(shape, axis, length):
    """Return a shape with another length of one axis."""
    axis = axis_inside(axis, len(shape))
    return (*shape[:axis], length, *shape[axis + 1:])


def reduced(shape, axes, keepdims):
    """Return the shape of a reduction over (non-negative) axes."""
    if keepdims:
        return tuple([1 if i in axes else n for i, n in enumerate(shape)])
    return tuple([n for i, n in enumerate(shape) if i not in axes]) or (1,)


def compute(op, ins, outs, attrs):
    """Return the shapes of the outputs of an operator that has no rule: those of its result for zeros."""
    if not all(map(is_complete, ins)):
        return (), ()
    env = cpu()._environments[0]
    results = op.forward(env, *[env.xp.zeros(shape, "float32") for shape in ins], **attrs)
    results = results if isinstance(results, (list, tuple)) else [results]
    return (), [tuple(result.shape) for result in results[:op.count_visible(attrs)]]


# ---- rules for types -----------------------------------------------------------------------------------------------------

def unite_types(known, found):
    """Return the type that two agree on, None being unknown; raise ValueError where they differ."""
    if known is None or found is None:  # before any comparison: NumPy takes None for float64
        return found if known is None else known
    if known == found:
        return found
    raise ValueError(f"expected {known}, got {found}")


def one_type(ins, outs, _attrs):
    """Say that all inputs and outputs have one type."""
    dtype = None
    for i, other in enumerate([*ins, *outs]):
        if dtype is not None and other is not None and dtype != other:
            where = f"{i}-th input" if i < len(ins) else f"{i - len(ins)}-th output"
            raise ValueError(f"Incompatible attr in node  at {where}: expected {dtype}, got {other}")
        dtype = other if dtype is None else dtype
    return [dtype] * len(ins), [dtype] * len(outs)


def type_of_first(ins, outs, _attrs):
    """Say that the outputs have the type of the first input; the other inputs may have any."""
    dtype = unite_types(ins[0], next((t for t in outs if t is not None), None))
    return [dtype], [dtype] * len(outs)


def first_types_others(ins, outs, attrs):
    """Say that the outputs have the type of the first input, and that the other inputs have it too where theirs is not known."""
    found, outs = type_of_first(ins, outs, attrs)
    return found + [found[0] if other is None else other for other in ins[1:]], outs


def label_types(ins, outs, attrs):
    """Say that data, label and output have one type as far as they are not known; a label may have another one."""
    data = ins[0] if ins[0] is not None or outs[0] is not None else ins[1]
    return first_types_others([data, *ins[1:]], outs, attrs)


def types_at(*positions):
    """Return the rule that inputs at these positions and all outputs have one type, the other inputs any."""
    def rule(ins, outs, attrs):
        (chosen, results) = one_type([ins[i] for i in positions if i < len(ins)], outs, attrs)
        found = [None] * len(ins)
        for i, dtype in zip(positions, chosen):
            found[i] = dtype
        return found, results
    return rule


def type_attribute(name="dtype", default=None):
    """Return the rule that an attribute gives the outputs' type; where it is None, the default does, or else the first input."""
    def rule(ins, outs, attrs):
        dtype = as_dtype(attrs[name] if attrs[name] is not None else default)
        if dtype is None:
            return type_of_first(ins, outs, attrs)
        return (), [dtype] * len(outs)
    return rule


def fixed_types(*names):
    """Return the rule for outputs of fixed types (the last one repeats)."""
    dtypes = [as_dtype(name) for name in names]
    return lambda ins, outs, attrs: ((), [*dtypes, *dtypes[-1:] * len(outs)][:len(outs)])
