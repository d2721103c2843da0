"""Joining, splitting, repeating and padding arrays."""


from itertools import pairwise
from math import prod
from typing import Literal

from .attributes import Shape, as_dtype
from .inference import axis_inside, fixed, fixed_types, forward, one_type, partly, replaced, same, unite, without
from .registry import operator


def _one_dtype(arrays):
    """Raise ValueError for arrays of several dtypes: a silent promotion would change the type of all that follows."""
    first = arrays[0].dtype
    for i, x in enumerate(arrays):
        if x.dtype != first:
            raise ValueError(f"Non-uniform data type, expected data type {first}, got data type {x.dtype} for input {i}")


# ---- join ----------------------------------------------------------------------------------------------------------------
def concatenated(ins, outs, attrs):
    """Say what follows of joining along an axis: the other axes agree, and one unknown length follows from the others."""
    known = [shape for shape in (*ins, *outs) if shape is not None]
    if not known:
        return (), ()
    axis = axis_inside(attrs["dim"], len(known[0]))
    frame = None
    for shape in known:
        frame = unite(frame, replaced(shape, axis, 0))
    lengths = [0 if shape is None else shape[axis] for shape in ins]
    whole = sum(lengths) if 0 not in lengths else 0
    if not whole and outs[0] is not None and outs[0][axis] and lengths.count(0) == 1:
        whole = outs[0][axis]
        lengths[lengths.index(0)] = whole - sum(lengths)
    return [replaced(frame, axis, length) for length in lengths], [replaced(frame, axis, whole)]


@operator("Concat", "concat", "_sparse_concat", count_attribute="num_args", shape_rule=concatenated)
def concat(env, *data, dim: int = 1):
    """Join arrays along an axis."""
    _one_dtype(data)
    return env.xp.concatenate(data, axis=dim)


@concat.gradient
def _(F, dy, _y, *_data, dim):
    thunks, begin = [], 0
    for x in _data:
        end = begin + x.shape[dim]
        thunks.append(lambda begin=begin, end=end: F._part(dy, axis=dim, begin=begin, end=end))
        begin = end
    return thunks


@operator("_part", aliasing=True)
def part(env, data, *, axis: int, begin: int, end: int):
    """Take a range along an axis, which may be empty."""
    return data[(slice(None),) * (axis % data.ndim) + (slice(begin, end),)]


@part.gradient
def _(F, dy, _y, _data, *, axis, begin, end):
    axis %= _data.ndim
    return (lambda: F._backward_slice(dy, begin=(None,) * axis + (begin,), end=(None,) * axis + (end,), step=(),
                                      shape=_data.shape),)


def _stacked(ins, outs, attrs):
    shape = next((s for s in ins if s is not None), None)
    if shape is None and outs[0] is not None:
        shape = without(outs[0], attrs["axis"])
    for other in ins:
        shape = unite(shape, other)
    if shape is None:
        return (), ()
    axis = axis_inside(attrs["axis"], len(shape) + 1)
    return [shape] * len(ins), [(*shape[:axis], len(ins), *shape[axis:])]


@operator("stack", count_attribute="num_args", shape_rule=_stacked)
def stack(env, *data, axis: int = 0):
    """Join arrays of one shape along a new axis."""
    _one_dtype(data)
    return env.xp.stack(data, axis=axis)


@stack.gradient
def _(F, dy, _y, *_data, axis):
    axis = axis % (_data[0].ndim + 1)
    return [lambda i=i, x=x: F._part(dy, axis=axis, begin=i, end=i + 1).reshape(x.shape) for i, x in enumerate(_data)]


@operator("add_n", "ElementWiseSum", "_sparse_add_n", "_sparse_ElementWiseSum", count_attribute="num_args", shape_rule=same)
def add_n(env, *args):
    """Add arrays of one shape."""
    for x in args:
        if x.shape != args[0].shape:
            raise ValueError(f"all arrays must have one shape, but got {args[0].shape} and {x.shape}")
    if len(args) == 1:
        return args[0].copy()
    total = args[0] + args[1]
    for x in args[2:]:
        total += x
    return total


@add_n.gradient
def _(F, dy, _y, *_args):
    return [lambda: dy] * len(_args)


# ---- split ---------------------------------------------------------------------------------------------------------------

def _cut(data, axis, bounds, squeeze_axis):
    """Return views of data between bounds along an axis."""
    before = (slice(None),) * axis
    parts = [data[before + (slice(b, e),)] for b, e in pairwise(bounds)]
    if squeeze_axis:
        parts = [p.reshape(p.shape[:axis] + p.shape[axis + 1:] or (1,)) for p in parts]
    return tuple(parts)


def _check_even(data, count, axis):
    if data.shape[axis] % count:
        raise ValueError(f"You are trying to split the {axis}-th axis of input tensor with shape {list(data.shape)} into "
                         f"num_outputs={count} evenly sized chunks, but this is not possible because {count} does not evenly "
                         f"divide {data.shape[axis]}")


def _split_shapes(ins, outs, attrs):
    count, squeeze = attrs["num_outputs"], attrs["squeeze_axis"]
    data = ins[0]
    if data is None and not squeeze and outs[0] is not None:
        data = replaced(outs[0], attrs["axis"], outs[0][axis_inside(attrs["axis"], len(outs[0]))] * count)
    if data is None:
        return (), ()
    axis = axis_inside(attrs["axis"], len(data))
    if data[axis] % count:
        raise ValueError(f"num_outputs={count} does not divide input dimension {axis}, of length {data[axis]}")
    if squeeze and data[axis] not in (0, count):
        raise ValueError(f"If squeeze axis is True, the size of the sliced axis must be the same as num_outputs. Input shape={data}, "
                         f"axis={axis}, num_outputs={count}.")
    return [data], [without(data, axis) if squeeze else replaced(data, axis, data[axis] // count)] * count


@operator("SliceChannel", "split", outputs=lambda num_outputs, **_: num_outputs, aliasing=True,
          output_names=lambda num_outputs, **_: tuple([f"output{i}" for i in range(num_outputs)]), shape_rule=_split_shapes)
def split(env, data, *, num_outputs: int, axis: int = 1, squeeze_axis: bool = False):
    """Cut into equal parts along an axis; with `squeeze_axis` the parts have length 1 and lose the axis."""
    axis = _inside(axis, data.ndim)
    length = data.shape[axis]
    if squeeze_axis and length != num_outputs:
        raise ValueError("If squeeze axis is True, the size of the sliced axis must be the same as num_outputs. Input shape="
                         f"{list(data.shape)}, axis={axis}, num_outputs={num_outputs}.")
    _check_even(data, num_outputs, axis)
    bounds = range(0, length + 1, length // num_outputs) if length else [0] * (num_outputs + 1)
    return _cut(data, axis, bounds, squeeze_axis)


def _join_parts(F, dy, data, axis, squeeze_axis):
    axis %= data.ndim
    if squeeze_axis:
        return F.stack(*dy, axis=axis).reshape(data.shape)
    return F.Concat(*dy, dim=axis)


@split.gradient
def _(F, dy, _y, _data, *, num_outputs, axis, squeeze_axis):
    return (lambda: _join_parts(F, dy, _data, axis, squeeze_axis),)


def _split_v2_shapes(data, *, indices, axis, squeeze_axis, sections):
    axis = axis_inside(axis, len(data))
    bounds = (*indices, data[axis])
    lengths = [data[axis] // sections] * sections if sections else [(b - a) * bool(data[axis]) if i == len(indices) - 1 else b - a
                                                                    for i, (a, b) in enumerate(pairwise(bounds))]
    return [without(data, axis) if squeeze_axis else replaced(data, axis, length) for length in lengths]


@operator("_split_v2", outputs=lambda indices, sections, **_: sections or len(indices), aliasing=True, shape_rule=partly(_split_v2_shapes))
def split_v2(env, data, *, indices: Shape, axis: int = 1, squeeze_axis: bool = False, sections: int = 0):
    """Cut along an axis at `indices` (the first is 0), or into `sections` equal parts."""
    axis = _inside(axis, data.ndim)
    length = data.shape[axis]
    if sections:
        _check_even(data, sections, axis)
        bounds = range(0, length + 1, length // sections)
    else:
        bounds = (*indices, length)
    return _cut(data, axis, bounds, squeeze_axis)


@split_v2.gradient
def _(F, dy, _y, _data, *, indices, axis, squeeze_axis, sections):
    return (lambda: _join_parts(F, dy, _data, axis, squeeze_axis),)


def _inside(axis, ndim):
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


# ---- repeat --------------------------------------------------------------------------------------------------------------

def _repeated(data, *, repeats, axis):
    return (prod(data) * repeats,) if axis is None else replaced(data, axis, data[axis] * repeats)


@operator("repeat", shape_rule=partly(_repeated))
def repeat(env, data, *, repeats: int, axis: int | None = None):
    """Repeat every element along an axis, or of the flattened array."""
    return env.xp.repeat(data, repeats, axis)


@repeat.gradient
def _(F, dy, _y, _data, *, repeats, axis):
    def gradient():
        if axis is None:
            return F.sum(dy.reshape((_data.size, repeats)), axis=(1,)).reshape(_data.shape)
        after = axis % _data.ndim + 1
        split_shape = _data.shape[:after] + (repeats,) + _data.shape[after:]
        return F.sum(dy.reshape(split_shape), axis=(after,)).reshape(_data.shape)
    return (gradient,)


def _tiled(data, *, reps):
    ndim = max(len(data), len(reps))
    return tuple([n * r for n, r in zip((1,) * (ndim - len(data)) + data, (1,) * (ndim - len(reps)) + tuple(reps))])


@operator("tile", shape_rule=forward(_tiled))
def tile(env, data, *, reps: Shape):
    """Repeat the whole array along its axes."""
    return env.xp.tile(data, reps)


@tile.gradient
def _(F, dy, _y, _data, *, reps):
    def gradient():
        ndim = max(len(reps), _data.ndim)
        counts = (1,) * (ndim - len(reps)) + tuple(reps)
        lengths = (1,) * (ndim - _data.ndim) + _data.shape
        split_shape = sum(zip(counts, lengths), ())
        return F.sum(dy.reshape(split_shape), axis=tuple(range(0, 2 * ndim, 2))).reshape(_data.shape)
    return (gradient,)


# ---- pad -----------------------------------------------------------------------------------------------------------------

def _pairs(pad_width, ndim):
    if len(pad_width) != 2 * ndim:
        raise ValueError(f"pad_width needs two numbers an axis: {2 * ndim} for {ndim} axes, but got {len(pad_width)}")
    return list(zip(pad_width[::2], pad_width[1::2]))


def _padded(data, *, pad_width, **_):
    return tuple([n and n + low + high for n, (low, high) in zip(data, _pairs(pad_width, len(data)))])


@operator("Pad", "pad", shape_rule=partly(_padded))
def pad(env, data, *, mode: Literal["constant", "edge", "reflect"], pad_width: Shape, constant_value: float = 0.0):
    """Put a margin around the array: a constant, the edge values, or the values mirrored at the edge."""
    pairs = _pairs(pad_width, data.ndim)
    if mode == "constant":
        target = tuple([n + low + high for n, (low, high) in zip(data.shape, pairs)])
        result = env.xp.full(target, constant_value, data.dtype)
        result[tuple([slice(low, low + n) for n, (low, high) in zip(data.shape, pairs)])] = data
        return result
    if mode == "reflect" and any(max(pair) >= n for pair, n in zip(pairs, data.shape) if any(pair)):
        raise ValueError(f"reflection padding must be smaller than the array: pad_width={pad_width} for shape {data.shape}")
    return env.xp.pad(data, pairs, mode)


@pad.gradient
def _(F, dy, _y, _data, *, mode, pad_width, constant_value):
    if mode == "constant":
        begin = tuple(pad_width[::2])
        return (lambda: F.slice(dy, begin=begin, end=tuple([b + n for b, n in zip(begin, _data.shape)])),)
    return (lambda: F._backward_pad(dy, mode=mode, pad_width=pad_width),)


@operator("_backward_pad")
def backward_pad(env, data, *, mode: str, pad_width: Shape):
    """Add the gradient of the margins to the elements that they were copied from."""
    for axis, (low, high) in enumerate(_pairs(pad_width, data.ndim)):
        if low or high:
            data = _fold(env.xp, data, axis, low, high, mode)
    return data


def _fold(xp, data, axis, low, high, mode):
    before = (slice(None),) * axis
    length = data.shape[axis] - low - high

    def along(begin, end, step=None):
        return before + (slice(begin, end, step),)
    inner = data[along(low, low + length)].copy()
    front, back = data[along(0, low)], data[along(low + length, None)]
    if mode == "edge":
        inner[along(0, 1)] += front.sum(axis=axis, keepdims=True)
        inner[along(length - 1, length)] += back.sum(axis=axis, keepdims=True)
    else:
        inner[along(1, low + 1)] += front[along(None, None, -1)]
        inner[along(length - 1 - high, length - 1)] += back[along(None, None, -1)]
    return inner


@backward_pad.gradient
def _(F, dy, _y, _data, *, mode, pad_width):
    return (lambda: F.Pad(dy, mode=mode, pad_width=pad_width),)


# ---- over many arrays ----------------------------------------------------------------------------------------------------

@operator("khatri_rao", count_attribute="num_args", shape_rule=forward(lambda *shapes: (prod([s[0] for s in shapes]), shapes[0][1])))
def khatri_rao(env, *args):
    """Return the Kronecker products of the columns of matrices with equally many columns."""
    result = args[0]
    for x in args[1:]:
        result = (result[:, None, :] * x[None, :, :]).reshape((-1, x.shape[1]))
    return result.copy() if len(args) == 1 else result


@khatri_rao.gradient
def _(F, dy, _y, *args):
    lengths = tuple([x.shape[0] for x in args])

    def gradient(position):
        # Multiply by every other factor, spread to one axis a factor, and sum over all axes but this one's.
        head = dy.reshape((*lengths, args[0].shape[1]))
        for i, x in enumerate(args):
            if i != position:
                shape = tuple([n if i == j else 1 for j, n in enumerate(lengths)]) + (x.shape[1],)
                head = F.broadcast_mul(head, x.reshape(shape))
        others = tuple([i for i in range(len(args)) if i != position])
        return F.sum(head, axis=others) if others else head
    return [lambda i=i: gradient(i) for i in range(len(args))]


@operator("multi_sum_sq", shape_rule=lambda ins, _outs, _attrs: ((), [(len(ins),)]),
          type_rule=lambda ins, outs, attrs: (one_type(ins, [], attrs)[0], [as_dtype("float32")]))
def multi_sum_sq(env, *data, num_arrays: int):
    """Return the sum of squares of every array, in one array of float32."""
    sums = [env.xp.sum(env.xp.square(x, dtype="float32")) for x in data]
    return env.xp.stack(sums).astype("float32")


@operator("all_finite", shape_rule=fixed(1), type_rule=fixed_types("float32"))
def all_finite(env, data, *, init_output: bool = True):
    """Return 1 if every element is finite, else 0, in shape (1,)."""
    return env.xp.isfinite(data).all().reshape((1,)).astype("float32")


@operator("multi_all_finite", shape_rule=fixed(1), type_rule=fixed_types("float32"))
def multi_all_finite(env, *data, num_arrays: int = 1, init_output: bool = True):
    """Return 1 if every element of every array is finite, else 0, in shape (1,)."""
    checks = [env.xp.isfinite(x).all().reshape((1,)) for x in data]
    return env.xp.concatenate(checks).all().reshape((1,)).astype("float32")
