"""How elementwise operators are defined: one line gives forward on any array module, CUDA text and gradient.

`unary` makes one operator; `binary` makes the family that MXNet has for each two-argument function: with broadcasting, for equal
shapes, and with a number on either side.
"""

import math

from ..errors import MXNetError
from .attributes import Shape
from .inference import broadcast as broadcast_rule
from .inference import same
from .registry import Operator, add, operator


def unary(name, *aliases, numpy, cuda=None, gradient=None):
    """Register an operator of one array, computed element by element.

    Parameters
    ----------
    name, *aliases : str
        Names.
    numpy : str or callable
        Name of the ufunc in the array module, or ``(env, x, out) -> array``.
    cuda : str, optional
        The same as a CUDA expression of ``x`` assigned to ``y``.
    gradient : callable, optional
        ``(F, dy, y, x) -> dx``; name an unneeded one with a leading underscore.
    """
    if isinstance(numpy, str):
        ufunc = numpy

        def forward(env, data, *, out=None):
            return getattr(env.xp, ufunc)(data, out=out)
    else:
        def forward(env, data, *, out=None):
            return numpy(env, data, out)
    forward.__doc__ = f"Compute {name} of every element of data, of any shape."
    op = Operator(name, forward, aliases=aliases, shape_rule=same)
    op.cuda = cuda
    op.elementwise = True
    if gradient is not None:
        # The rule keeps the parameter names of `gradient`, since they tell what the tape must save.
        _attach(op, gradient)
    return add(op)


def _attach(op, gradient):
    def rule(F, dy, y, x):
        return (lambda: gradient(F, dy, y, x),)
    op.rule = rule
    names = gradient.__code__.co_varnames
    op.saves(not names[2].startswith("_"), (not names[3].startswith("_"),))
    op.uses_head = not names[1].startswith("_")


def sum_to(F, gradient, like):
    """Sum a gradient over the axes along which an operand of `like`'s shape was broadcast."""
    return gradient if gradient.shape == like.shape else F._sum_to(gradient, shape=like.shape)


@operator("_sum_to")
def _sum_to(env, data, *, shape: Shape):
    """Sum data over its leading axes and over axes where `shape` has 1: the transpose of broadcasting."""
    extra = data.ndim - len(shape)
    if extra:
        data = env.xp.sum(data, axis=tuple(range(extra)))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and data.shape[i] != 1)
    return env.xp.sum(data, axis=axes, keepdims=True) if axes else data


@_sum_to.gradient
def _(F, dy, _y, _data, *, shape):
    return (lambda: F.broadcast_to(dy.reshape((1,) * (_data.ndim - len(shape)) + tuple(shape)), shape=_data.shape),)


def _same_shape(name, compute):
    def forward(env, lhs, rhs, *, out=None):
        if lhs.shape != rhs.shape:
            raise MXNetError(f"Incompatible attr in node  at 1-th input: expected {list(lhs.shape)}, got {list(rhs.shape)}. "
                             f"{name} takes equal shapes; broadcast_* operators (or + - * /) broadcast")
        return compute(env, lhs, rhs, out)
    return forward


def _number(array, scalar):
    """Return the scalar as the array's kind of number: integer arrays truncate it, as MXNet does."""
    if array.dtype.kind in "iub" and array.dtype.kind != "b":
        return int(scalar) if math.isfinite(scalar) else 0
    return float(scalar)


class Arithmetic:
    """The operators behind one Python operator such as ``+``.

    Attributes
    ----------
    arrays : Operator
        Both operands arrays.
    scalar, reflected : Operator
        A number on the right, and on the left.
    fast : numpy.ufunc or None
        The ufunc that alone is the whole operation for two host arrays of one dtype.
    fast_scalar : numpy.ufunc or None
        The same for a host array of floats and a number.
    """

    __slots__ = ("arrays", "fast", "fast_scalar", "reflected", "scalar")

    def __init__(self, arrays, scalar, reflected, fast=None, fast_scalar=None):
        self.arrays = arrays
        self.scalar = scalar
        self.reflected = reflected
        self.fast = fast
        self.fast_scalar = fast_scalar


def _ufunc(name, keeps_dtype):
    """Return ``(env, a, b, out) -> array`` for a ufunc; results of comparisons go back to the operands' dtype."""
    if keeps_dtype:
        def compute(env, a, b, out):
            return getattr(env.xp, name)(a, b, out=out)
    else:
        def compute(env, a, b, out):
            dtype = (a if hasattr(a, "dtype") else b).dtype
            result = getattr(env.xp, name)(a, b)
            if out is None:
                return result.astype(dtype)
            env.xp.copyto(out, result, casting="unsafe")
            return out
    return compute


def binary(*, broadcast=(), same=(), scalar=(), reflected=(), numpy, gradient=None, keeps_dtype=True, cuda=None):
    """Register the operators of one function of two arguments.

    Parameters
    ----------
    broadcast, same, scalar, reflected : tuple of str
        Names (canonical first) of the broadcasting operator, the one for equal shapes, the one with a number on the right,
        and the one with a number on the left.
    numpy : str or callable
        Ufunc name, or ``(env, a, b, out) -> array``.
    gradient : (str, callable, callable), optional
        Which of ``y a b`` the rules need the values of (a string of these letters), then ``(F, dy, y, a, b) -> da`` and the
        same for ``db``, before undoing the broadcast.
    keeps_dtype : bool
        False for comparisons and logic, whose boolean result is cast back to the operands' dtype.

    Returns
    -------
    tuple of Operator
        For the kinds that were named, in the order of the parameters.
    """
    compute = _ufunc(numpy, keeps_dtype) if isinstance(numpy, str) else numpy
    made = []
    for names, make in ((broadcast, _make_broadcast), (same, _make_same), (scalar, _make_scalar),
                        (reflected, _make_reflected)):
        if names:
            op = make(names, compute, gradient)
            op.elementwise = True
            op.cuda = cuda
            op.same_dtype = True
            made.append(add(op))
    return tuple(made)


def _pair_rule(op, gradient):
    if gradient is None:
        return
    needs, left, right = gradient

    def rule(F, dy, y, a, b):
        return (lambda: sum_to(F, left(F, dy, y, a, b), a)), (lambda: sum_to(F, right(F, dy, y, a, b), b))
    op.rule = rule
    op.saves("y" in needs, ("a" in needs, "b" in needs))


def _make_broadcast(names, compute, gradient):
    def forward(env, lhs, rhs, *, out=None):
        return compute(env, lhs, rhs, out)
    op = Operator(names[0], forward, aliases=names[1:], shape_rule=broadcast_rule)
    _pair_rule(op, gradient)
    return op


def _make_same(names, compute, gradient):
    op = Operator(names[0], _same_shape(names[0], compute), aliases=names[1:], shape_rule=same)
    _pair_rule(op, gradient)
    return op


def _make_scalar(names, compute, gradient):
    def forward(env, data, *, scalar: float = 1.0, is_int: bool = True, out=None):
        return compute(env, data, _number(data, scalar), out)
    op = Operator(names[0], forward, aliases=names[1:], shape_rule=same)
    if gradient is not None:
        needs, left, _ = gradient

        def rule(F, dy, y, a, *, scalar, is_int):
            return (lambda: left(F, dy, y, a, scalar),)
        op.rule = rule
        op.saves("y" in needs, ("a" in needs,))
    return op


def _make_reflected(names, compute, gradient):
    def forward(env, data, *, scalar: float = 1.0, is_int: bool = True, out=None):
        return compute(env, _number(data, scalar), data, out)
    op = Operator(names[0], forward, aliases=names[1:], shape_rule=same)
    if gradient is not None:
        needs, _, right = gradient

        def rule(F, dy, y, b, *, scalar, is_int):
            return (lambda: right(F, dy, y, scalar, b),)
        op.rule = rule
        op.saves("y" in needs, ("b" in needs,))
    return op
