"""Operators that change the type of the elements."""

from .attributes import DType
from .inference import first, type_attribute, unite
from .registry import operator


def convert(data, dtype):
    """Return data as another dtype; fractions are cut off and too large integers wrap, as in C."""
    if data.dtype.kind == "f" and dtype.kind in "iu" and dtype.itemsize < 8:
        return data.astype("int64").astype(dtype)
    return data.astype(dtype)


def _cast_back(F, dy, _y, _data, **_attrs):
    return (lambda: F.Cast(dy, dtype=_data.dtype),)


@operator("Cast", "cast", shape_rule=first, type_rule=type_attribute())
def cast(env, data, *, dtype: DType):
    """Convert to another data type."""
    return convert(data, dtype)


def _amp_cast_type(ins, outs, attrs):
    """Say that only floats are cast."""
    return (), [attrs["dtype"] if ins[0] is None or ins[0].kind == "f" else ins[0]]


@operator("amp_cast", shape_rule=first, type_rule=_amp_cast_type)
def amp_cast(env, data, *, dtype: DType):
    """Convert floating-point data to another floating-point type; other data pass as they are."""
    return data.astype(dtype) if data.dtype.kind == "f" else data.copy()


cast.gradient(_cast_back)
amp_cast.gradient(_cast_back)


def _each(ins, outs, _attrs):
    shapes = [unite(a, b) for a, b in zip(ins, outs)]
    return shapes, shapes


def _amp_multicast_types(ins, outs, attrs):
    if any([dtype is None for dtype in ins]):
        return (), ()
    return (), [(min if attrs["cast_narrow"] else max)(ins, key=lambda dtype: dtype.itemsize)] * len(outs)


@operator("amp_multicast", outputs=lambda num_outputs, **_: num_outputs, shape_rule=_each, type_rule=_amp_multicast_types)
def amp_multicast(env, *data, num_outputs: int, cast_narrow: bool = False):
    """Convert all arrays to the widest of their types (or the narrowest)."""
    choose = min if cast_narrow else max
    dtype = choose([x.dtype for x in data], key=lambda d: d.itemsize)
    return tuple([x.astype(dtype) for x in data])


@amp_multicast.gradient
def _(F, dy, _y, *_data, **_attrs):
    return [lambda d=d, x=x: F.Cast(d, dtype=x.dtype) for d, x in zip(dy, _data)]


@operator("cast_storage", "_sparse_cast_storage", aliasing=True, shape_rule=first)
def cast_storage(env, data, *, stype: str):
    """Return data; only the dense storage type 'default' exists."""
    if stype != "default":
        raise ValueError(f"stype={stype!r}: sparse arrays are not available; keep the dense array (stype 'default')")
    return data


@cast_storage.gradient
def _(F, dy, _y, _data, *, stype):
    return (lambda: dy,)
