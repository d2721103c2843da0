"""Python's operators and the fluent methods, defined once over two hooks for NDArray and Symbol.

A front end implements ``_binary(kind, other)`` and ``_reflected(kind, other)`` (`kind` is an `ops.arithmetic.Arithmetic`), and
``_call(name, *args, **kwargs)`` which applies the operator of that name to itself.
"""

from .ops import arithmetic as kinds

FLUENT = (
    "abs", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "argmax", "argmax_channel", "argmin", "argsort",
    "broadcast_axes", "broadcast_like", "cbrt", "ceil", "clip", "cos", "cosh", "degrees", "depth_to_space", "diag", "exp",
    "expm1", "fix", "flatten", "flip", "floor", "log", "log10", "log1p", "log2", "log_softmax", "max", "mean", "min", "nanprod",
    "nansum", "norm", "one_hot", "ones_like", "pad", "pick", "prod", "radians", "rcbrt", "reciprocal", "relu", "repeat",
    "reshape_like", "rint", "round", "rsqrt", "shape_array", "sigmoid", "sign", "sin", "sinh", "size_array", "slice",
    "slice_axis", "slice_like", "softmax", "softmin", "sort", "space_to_depth", "split", "sqrt", "square", "squeeze", "sum",
    "swapaxes", "take", "tan", "tanh", "tile", "topk", "transpose", "trunc", "zeros_like",
)


def _fluent(name):
    def method(self, *args, **kwargs):
        return self._call(name, *args, **kwargs)
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Apply operator {name} to this array: ``x.{name}(...)`` is ``nd.{name}(x, ...)``."
    return method


class Fluent:
    """The methods that are operators of the same name."""

    __slots__ = ()

    for _name in FLUENT:
        locals()[_name] = _fluent(_name)
    del _name

    def expand_dims(self, axis, inplace=False):
        """Insert an axis of length 1 (``inplace=True``: a view of the same memory, as reshape gives)."""
        if inplace:
            position = axis if axis >= 0 else axis + self.ndim + 1
            return self.reshape(self.shape[:position] + (1,) + self.shape[position:])
        return self._call("expand_dims", axis=axis)

    def split_v2(self, indices_or_sections, axis=0, squeeze_axis=False):
        """Cut along an axis into equal parts (given their number), or at indices (given a tuple)."""
        if isinstance(indices_or_sections, int):
            return self._call("_split_v2", indices=(), sections=indices_or_sections, axis=axis, squeeze_axis=squeeze_axis)
        return self._call("_split_v2", indices=(0, *indices_or_sections), axis=axis, squeeze_axis=squeeze_axis)


def _forward(kind):
    def method(self, other):
        return self._binary(kind, other)
    return method


def _backward(kind):
    def method(self, other):
        return self._reflected(kind, other)
    return method


class Operators:
    """Python's arithmetic and comparison operators."""

    __slots__ = ()

    __add__ = _forward(kinds.ADD)
    __radd__ = _backward(kinds.ADD)
    __sub__ = _forward(kinds.SUBTRACT)
    __rsub__ = _backward(kinds.SUBTRACT)
    __mul__ = _forward(kinds.MULTIPLY)
    __rmul__ = _backward(kinds.MULTIPLY)
    __truediv__ = _forward(kinds.DIVIDE)
    __rtruediv__ = _backward(kinds.DIVIDE)
    __mod__ = _forward(kinds.MODULO)
    __rmod__ = _backward(kinds.MODULO)
    __pow__ = _forward(kinds.POWER)
    __rpow__ = _backward(kinds.POWER)
    __eq__ = _forward(kinds.EQUAL)
    __ne__ = _forward(kinds.NOT_EQUAL)
    __gt__ = _forward(kinds.GREATER)
    __ge__ = _forward(kinds.GREATER_EQUAL)
    __lt__ = _forward(kinds.LESSER)
    __le__ = _forward(kinds.LESSER_EQUAL)

    def __hash__(self):
        return id(self) // 16

    def __neg__(self):
        return self._call("negative")

    def __abs__(self):
        return self._call("abs")
