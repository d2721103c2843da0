"""Typed attributes of operators: a parser from Python values and MXNet's strings, and a printer back.

An operator's keyword-only parameters are its attributes; each annotation names one of the kinds below.  Values arrive as
Python objects (``kernel=(3, 3)``) or as the text of a symbol file (``"(3, 3)"``); both give the same typed value.
"""

import ast
import inspect
import types
import typing

import numpy as np

from ..errors import MXNetError

Shape = typing.NewType("Shape", tuple)
Axes = typing.NewType("Axes", tuple)
Floats = typing.NewType("Floats", tuple)
DType = typing.NewType("DType", np.dtype)
Literal = typing.Literal
REQUIRED = inspect.Parameter.empty


def bfloat16_error():
    """Return the error for a dtype that NumPy does not have."""
    return MXNetError("dtype bfloat16 is not available: use float16 or float32")


_usual = {key: np.dtype(key) for key in (np.float32, "float32", np.float64, "float64", np.float16, "float16", np.int32, "int32")}


def as_dtype(value):
    """Return the numpy dtype of a name, a type or a dtype; None stays None.

    Examples
    --------
    >>> as_dtype("float16")
    dtype('float16')
    """
    if value is None or value.__class__ is np.dtype:
        return value
    if (value.__class__ is str or value.__class__ is type) and value in _usual:
        return _usual[value]
    if isinstance(value, str) and value == "bfloat16":
        raise bfloat16_error()
    try:
        return np.dtype(value)
    except TypeError as error:
        refused = TypeError(f"data type {value!r} not understood")
        refused.add_note("use a name such as 'float32'")
        raise refused from error


def _from_text(value):
    if isinstance(value, str):
        text = value.strip()
        return ast.literal_eval(text.replace("L", "")) if text not in ("None", "") else None
    return value


def _is_integer(value):
    if value.__class__ is int:
        return True
    return isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.ndim == 0
                                                    and value.dtype.kind in "iu")


class Kind:
    """One kind of attribute value: `parse` accepts what users and files write, `text` prints what files hold."""

    name = "value"

    def parse(self, value):
        """Return the typed value, or raise ValueError."""
        raise ValueError(value)

    def text(self, value):
        """Return the text that MXNet's Python front end writes."""
        return str(value)


class Int(Kind):
    """An integer."""

    name = "int"

    def parse(self, value):
        value = _from_text(value)
        if isinstance(value, (bool, np.bool_)) or _is_integer(value):
            return int(value)
        if isinstance(value, (float, np.floating)) and float(value).is_integer():
            return int(value)
        raise ValueError(value)


class Float(Kind):
    """A floating-point number."""

    name = "float"

    def parse(self, value):
        if isinstance(value, str) or (hasattr(value, "__float__") and not hasattr(value, "_raw")):
            return float(value)
        raise ValueError(value)


class Bool(Kind):
    """True or False, also as 0, 1 or any-case text."""

    name = "boolean"
    _words = {"true": True, "false": False, "1": True, "0": False}

    def parse(self, value):
        if isinstance(value, str):
            if value.strip().lower() in self._words:
                return self._words[value.strip().lower()]
            raise ValueError(value)
        if isinstance(value, (bool, np.bool_, int, np.integer)):
            return bool(value)
        raise ValueError(value)


class Text(Kind):
    """Any text."""

    name = "string"

    def parse(self, value):
        return str(value)


class ShapeKind(Kind):
    """A tuple of integers; a bare integer is a tuple of one."""

    name = "Shape(tuple)"

    def parse(self, value):
        value = _from_text(value)
        if _is_integer(value):
            return (int(value),)
        if isinstance(value, (tuple, list, np.ndarray)) and all(_is_integer(v) or v is None for v in value):
            return tuple(None if v is None else int(v) for v in value)
        raise ValueError(value)


class AxesKind(Kind):
    """One axis, several axes, or None for all; gives a tuple or None."""

    name = "Shape or None"

    def parse(self, value):
        value = _from_text(value)
        if value is None or (isinstance(value, (tuple, list)) and not value):
            return None
        return ShapeKind().parse(value)


class FloatsKind(Kind):
    """A tuple of floating-point numbers; a bare number is a tuple of one."""

    name = "tuple of <float>"

    def parse(self, value):
        value = _from_text(value)
        if isinstance(value, (tuple, list, np.ndarray)):
            return tuple(float(v) for v in value)
        return (float(value),)


class DTypeKind(Kind):
    """A data type, by name, NumPy type or dtype."""

    name = "dtype"

    def parse(self, value):
        if value is None or value == "None":
            raise ValueError(value)
        return as_dtype(value)

    def text(self, value):
        return np.dtype(value).name


class Enum(Kind):
    """One of a few words."""

    def __init__(self, words):
        self.words = words
        self.name = "{" + ", ".join("None" if w is None else f"'{w}'" for w in sorted(words, key=str)) + "}"

    def parse(self, value):
        if value in self.words:
            return value
        if value == "None" and None in self.words:
            return None
        raise ValueError(value)


class Optional(Kind):
    """A value of another kind, or None."""

    def __init__(self, kind):
        self.kind = kind
        self.name = f"{kind.name} or None"

    def parse(self, value):
        if value is None or (isinstance(value, str) and value.strip() == "None"):
            return None
        return self.kind.parse(value)

    def text(self, value):
        return "None" if value is None else self.kind.text(value)


_kinds = {int: Int(), float: Float(), bool: Bool(), str: Text(), Shape: ShapeKind(), Axes: AxesKind(),
          Floats: FloatsKind(), DType: DTypeKind()}


def kind_of(annotation):
    """Return the kind that an annotation of an operator's signature stands for."""
    if annotation in _kinds:
        return _kinds[annotation]
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return Enum(typing.get_args(annotation))
    if origin in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(annotation) if a is not type(None)]
        if len(inner) == 1:
            return Optional(kind_of(inner[0]))
    raise TypeError(f"no attribute kind for annotation {annotation!r}")


class Attribute:
    """Name, kind and default of one attribute; a default of `REQUIRED` means that the caller must give it."""

    __slots__ = ("default", "kind", "name")

    def __init__(self, name, kind, default):
        self.name = name
        self.kind = kind
        self.default = default

    @property
    def required(self):
        """Whether the caller must give this attribute."""
        return self.default is REQUIRED

    def describe(self):
        """Return one line of documentation."""
        tail = "required" if self.required else f"optional, default={self.kind.text(self.default)!r}"
        return f"{self.name} : {self.kind.name}, {tail}"
