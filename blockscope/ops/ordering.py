"""Sorting, the largest elements, and where extremes are.  Equal elements keep their order, also in descending order."""

from typing import Literal

from .attributes import DType
from .indexing import put_along_axis
from .inference import axis_inside, reduced
from .inference import first, partly, replaced, size_of, type_attribute, type_of_first, without
from .registry import operator


def _order(xp, data, axis, ascending):
    """Return the stable order of the elements along an axis."""
    if ascending:
        return xp.argsort(data, axis=axis, kind="stable")
    backwards = (slice(None),) * axis + (slice(None, None, -1),)
    return data.shape[axis] - 1 - xp.argsort(data[backwards], axis=axis, kind="stable")[backwards]


def _row(data, axis):
    """Return data and a non-negative axis; with axis=None the flattened data and 0."""
    if axis is None:
        return data.reshape((-1,)), 0
    if not -data.ndim <= axis < data.ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {data.ndim}")
    return data, axis % data.ndim


def _put_back(F, dy, positions, data, axis):
    """Return the gradient of taking elements at `positions` along an axis (None: of the flattened data)."""
    at, length = (0, data.size) if axis is None else (axis % data.ndim, data.shape[axis])
    return F._put_along_axis(dy, positions, axis=at, length=length).reshape(data.shape)


def _ordered(ins, outs, attrs):
    if attrs["axis"] is not None:
        return first(ins, outs, attrs)
    return (), [ins[0] and (size_of(ins[0]),)]


@operator("sort", outputs=2, visible=1, shape_rule=_ordered, type_rule=lambda ins, outs, attrs: type_of_first(ins, outs[:1], attrs))
def sort(env, data, *, axis: int | None = -1, is_ascend: bool = True):
    """Sort along an axis, or all elements with axis=None."""
    rows, axis = _row(data, axis)
    positions = _order(env.xp, rows, axis, is_ascend)
    return env.xp.take_along_axis(rows, positions, axis), positions


@sort.gradient
def _(F, dy, y, _data, *, axis, is_ascend):
    return (lambda: _put_back(F, dy[0], y[1], _data, axis),)


@operator("argsort", shape_rule=_ordered, type_rule=type_attribute())
def argsort(env, data, *, axis: int | None = -1, is_ascend: bool = True, dtype: DType = "float32"):
    """Return the indices that sort along an axis."""
    rows, axis = _row(data, axis)
    return _order(env.xp, rows, axis, is_ascend).astype(dtype)


_TOPK_OUTPUTS = {"indices": (1, 1), "mask": (1, 1), "value": (2, 1), "both": (3, 2)}


def _topk_shapes(ins, outs, attrs):
    data, axis, k = ins[0], attrs["axis"], attrs["k"]
    if data is None:
        return (), ()
    if attrs["ret_typ"] == "mask":
        return (), [data]
    if axis is None:
        data, axis = (size_of(data),), 0
    length = data[axis_inside(axis, len(data))]
    if length and k > length:
        raise ValueError(f"k must be smaller than {length}, get k = {k}")
    return (), [replaced(data, axis, k if k > 0 else length)] * len(outs)


def _topk_types(ins, outs, attrs):
    data = type_of_first(ins, outs[:1] if attrs["ret_typ"] != "indices" else [], attrs)[0]
    indices = attrs["dtype"]
    return data, {"indices": [indices], "mask": data, "value": [*data, indices], "both": [*data, indices]}[attrs["ret_typ"]]


@operator("topk", outputs=lambda ret_typ, **_: _TOPK_OUTPUTS[ret_typ][0], visible=lambda ret_typ, **_: _TOPK_OUTPUTS[ret_typ][1],
          graph_outputs=lambda ret_typ, **_: 2 if ret_typ in ("value", "both") else 1, shape_rule=_topk_shapes, type_rule=_topk_types)
def topk(env, data, *, axis: int | None = -1, k: int = 1, ret_typ: Literal["both", "indices", "mask", "value"] = "indices",
         is_ascend: bool = False, dtype: DType = "float32"):
    """Return the k largest (smallest with `is_ascend`) elements along an axis, their indices, or a mask of them.

    `dtype` is the type of the indices; k < 1 means all.
    """
    xp = env.xp
    rows, axis = _row(data, axis)
    length = rows.shape[axis]
    if k > length:
        raise ValueError(f"k must be smaller than {length}, get k = {k}")
    first = (slice(None),) * axis + (slice(0, k if k > 0 else length),)
    positions = _order(xp, rows, axis, is_ascend)[first]
    if ret_typ == "indices":
        return positions.astype(dtype)
    if ret_typ == "mask":
        from_ones = xp.ones(positions.shape, data.dtype)
        return put_along_axis(xp, from_ones, positions, axis, length).reshape(data.shape)
    values = xp.take_along_axis(rows, positions, axis)
    return (values, positions) if ret_typ == "value" else (values, positions.astype(dtype), positions)


@topk.gradient
def _(F, dy, y, _data, *, axis, ret_typ, **_attrs):
    if ret_typ in ("indices", "mask"):
        return (lambda: F.zeros_like(_data),)
    return (lambda: _put_back(F, dy[0], y[-1], _data, axis),)


topk.uses_head = lambda attrs: attrs["ret_typ"] in ("value", "both")


def _zero_gradient(F, _dy, _y, _data, **_attrs):
    return (lambda: F.zeros_like(_data),)


def _extreme(env, function, data, axis, keepdims):
    rows, at = _row(data, axis)
    result = getattr(env.xp, function)(rows, axis=at).astype(data.dtype)
    if keepdims:
        return result.reshape((1,) * data.ndim if axis is None else data.shape[:at] + (1,) + data.shape[at + 1:])
    return result.reshape((1,)) if result.ndim == 0 else result


def _extreme_shape(data, *, axis, keepdims):
    axes = range(len(data)) if axis is None else (axis_inside(axis, len(data)),)
    return reduced(data, axes, keepdims)


@operator("argmax", shape_rule=partly(_extreme_shape))
def argmax(env, data, *, axis: int | None = None, keepdims: bool = False):
    """Return where the largest elements are (the first of equal ones), in the type of data."""
    return _extreme(env, "argmax", data, axis, keepdims)


@operator("argmin", shape_rule=partly(_extreme_shape))
def argmin(env, data, *, axis: int | None = None, keepdims: bool = False):
    """Return where the smallest elements are (the first of equal ones), in the type of data."""
    return _extreme(env, "argmin", data, axis, keepdims)


@operator("argmax_channel", shape_rule=partly(lambda data: without(data, 1)))
def argmax_channel(env, data):
    """Return where the largest element of axis 1 is."""
    return _extreme(env, "argmax", data, 1, False)


for _op in (argsort, argmax, argmin, argmax_channel):
    _op.gradient(_zero_gradient)
