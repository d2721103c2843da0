"""Softmax and its relatives: softmax, softmin, log_softmax, softmax_cross_entropy, smooth_l1."""

from .attributes import DType
from .dense import row_of_ones
from .inference import first, fixed, label_types, type_attribute, unite, without
from .registry import operator


def _prepare(env, data, temperature, dtype):
    """Return data in the dtype to compute in (float16 gains range), and the dtype of the result."""
    if data.dtype.kind != "f" or (dtype is not None and dtype.kind != "f"):
        raise ValueError(f"softmax takes and gives floating-point data, not {data.dtype if dtype is None else dtype}: use "
                         ".astype('float32')")
    result = data.dtype if dtype is None else dtype
    if data.dtype.char == "e":
        data = data.astype("float32")
    elif result.itemsize > data.dtype.itemsize:
        data = data.astype(result)
    if temperature is not None and temperature != 1.0:
        data = data / temperature
    return data, result


def _axis(axis, ndim):
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def _normalize(y, axis):
    """Divide exponentials by their sum, in place."""
    y /= y.sum(axis, keepdims=True)
    return y


def _valid(env, data, length, axis):
    """Return where the position along `axis` is below the row's length."""
    expected = data.shape[:axis] + data.shape[axis + 1:]
    if length.shape != expected:
        raise ValueError(f"length must have data's shape without axis {axis}, {expected}, but has {length.shape}")
    positions = env.xp.arange(data.shape[axis]).reshape((-1,) + (1,) * (data.ndim - axis - 1))
    return positions < env.xp.expand_dims(length, axis)


def _softmax_rule(ins, outs, attrs):
    data = unite(ins[0], outs[0])
    return [data, data and without(data, attrs["axis"])], [data]


@operator("softmax", arguments=lambda use_length, **_: ("data", "length") if use_length else ("data",),
          shape_rule=_softmax_rule, type_rule=type_attribute())
def softmax(env, data, length=None, *, axis: int = -1, temperature: float | None = None, dtype: DType | None = None,
            use_length: bool | None = False):
    """Compute ``exp(data / temperature)``, normalized along `axis`; positions from `length` on are 0 with `use_length`."""
    axis = _axis(axis, data.ndim)
    data, result = _prepare(env, data, temperature, dtype)
    if not use_length:
        y = data - data.max(axis, keepdims=True)
        y = _normalize(env.xp.exp(y, out=y), axis)
    else:
        if length is None:
            raise ValueError("softmax with use_length=True expects the array length")
        valid = _valid(env, data, length, axis)
        y = env.xp.where(valid, data, data.dtype.type(env.xp.finfo(data.dtype).min))
        y = env.xp.exp(y - y.max(axis, keepdims=True)) * valid
        y /= env.xp.maximum(y.sum(axis, keepdims=True), env.xp.finfo(data.dtype).tiny)
    return y if y.dtype == result else y.astype(result)


def _softmax_gradient(F, dy, y, dtype, axis, scale):
    dx = (dy - (dy * y).sum(axis=axis, keepdims=True)) * y
    if scale != 1.0:
        dx = dx * scale
    return dx if dx.dtype == dtype else F.Cast(dx, dtype=dtype)


@softmax.gradient
def _(F, dy, y, _data, _length=None, *, axis, temperature, dtype, use_length):
    return lambda: _softmax_gradient(F, dy, y, _data.dtype, axis, 1.0 / (temperature or 1.0)), lambda: F.zeros_like(_length)


@operator("softmin", shape_rule=first, type_rule=type_attribute())
def softmin(env, data, *, axis: int = -1, temperature: float | None = None, dtype: DType | None = None,
            use_length: bool | None = False):
    """Compute softmax of ``-data``."""
    return softmax.forward(env, -data, axis=axis, temperature=temperature, dtype=dtype)


@softmin.gradient
def _(F, dy, y, _data, *, axis, temperature, dtype, use_length):
    return (lambda: _softmax_gradient(F, dy, y, _data.dtype, axis, -1.0 / (temperature or 1.0)),)


@operator("log_softmax", shape_rule=first, type_rule=type_attribute())
def log_softmax(env, data, *, axis: int = -1, temperature: float | None = None, dtype: DType | None = None,
                use_length: bool | None = False):
    """Compute the logarithm of softmax along `axis`."""
    axis = _axis(axis, data.ndim)
    data, result = _prepare(env, data, temperature, dtype)
    y = data - data.max(axis, keepdims=True)
    y -= env.xp.log(env.xp.exp(y).sum(axis, keepdims=True))
    return y if y.dtype == result else y.astype(result)


@log_softmax.gradient
def _(F, dy, y, _data, *, axis, temperature, dtype, use_length):
    def left():
        dx = dy - F.exp(y) * dy.sum(axis=axis, keepdims=True)
        if temperature is not None and temperature != 1.0:
            dx = dx / temperature
        return dx if dx.dtype == _data.dtype else F.Cast(dx, dtype=_data.dtype)
    return (left,)


def label_shapes(shapes, attrs):
    """Fill in the shape of label: one class a row."""
    return [shapes[0], shapes[1] if shapes[1] else (shapes[0][0],)]


def one_hot(env, label, count, axis=-1):
    """Return whether each class number along a new axis is the label (a boolean array)."""
    classes = env.xp.arange(count)
    target = env.xp.expand_dims(label.astype(classes.dtype), axis)
    return target == (classes if axis == -1 else classes.reshape((count,) + (1,) * (target.ndim - axis - 1)))


@operator("softmax_cross_entropy", shapes=label_shapes, shape_rule=fixed(1), type_rule=label_types)
def softmax_cross_entropy(env, data, label):
    """Sum ``-log softmax(data)[label]`` over the rows of data (batch, classes); label (batch,) holds class numbers."""
    if data.ndim != 2 or label.shape != data.shape[:1]:
        raise ValueError(f"softmax_cross_entropy takes data (batch, classes) and label (batch,), got {data.shape} and "
                         f"{label.shape}")
    log_p = log_softmax.forward(env, data)
    return -env.xp.where(one_hot(env, label, data.shape[1]), log_p, log_p.dtype.type(0)).sum().reshape((1,))


@softmax_cross_entropy.gradient
def _(F, dy, _y, data, label):
    def left():
        hot = F.one_hot(label, depth=data.shape[1], on_value=1.0, off_value=0.0, dtype=data.dtype)
        return (F.softmax(data, axis=-1) - hot) * dy.reshape((1, 1))
    return left, lambda: F.zeros_like(label)


_FEW = 64  # classes up to which a product with ones is as exact as a sum in pairs, and takes a third of the time
_bounds: dict = {}


def _row_bounds(env, rows, count):
    """Return for a (rows, count) array the first and last class in every row, and where the rows begin in the flattened array.

    The last few answers are kept, as arrays: NumPy compares two arrays in half of the time that a number takes.
    """
    key = env.ctx, rows, count
    found = _bounds.get(key)
    if found is None:
        if len(_bounds) >= 64:
            _bounds.clear()
        starts = env.xp.arange(0, rows * count, count)
        found = _bounds[key] = env.xp.zeros_like(starts), env.xp.full(rows, count - 1, starts.dtype), starts
    return found


def _flat_places(env, label, count):
    """Return where in a flattened (rows, count) array each row's label stands; labels out of range take the nearest class."""
    xp = env.xp
    place = (label if label.ndim == 1 else label.reshape((-1,))).astype(xp.int64)
    first, last, starts = _row_bounds(env, place.size, count)
    xp.maximum(place, first, out=place)
    xp.minimum(place, last, out=place)
    place += starts
    return place


def _row_maxima(env, rows):
    """Return the largest element of every row as a column; NumPy finds those of few columns faster from a copy turned around."""
    if env.backend.name == "cpu" and rows.shape[1] <= _FEW:
        return env.xp.maximum.reduce(env.xp.ascontiguousarray(rows.T), 0).reshape((-1, 1))
    return rows.max(1, keepdims=True)


@operator("_cross_entropy", outputs=3, visible=1)
def cross_entropy(env, data, label):
    """Compute ``-log softmax(data)[label]`` over the last axis, and its mean for each example: the usual loss in one operator.

    data is (batch, ..., classes), label (batch, ...), or as many elements; the result is (batch,). The hidden outputs are softmax, and
    where each label stands in it.
    """
    xp, count = env.xp, data.shape[-1]
    if label.size * count != data.size:
        raise ValueError(f"label of shape {label.shape} doesn't hold one class number a row of data {data.shape}")
    rows = data if data.ndim == 2 else data.reshape((-1, count))
    if data.dtype.char == "e":
        rows = rows.astype("float32")
    if not rows.flags.c_contiguous:  # places count elements in C order, and p and the gradient have the order of rows
        rows = xp.ascontiguousarray(rows)
    p = rows - _row_maxima(env, rows)
    places = _flat_places(env, label, count)
    chosen = p.take(places)
    xp.exp(p, out=p)
    total = p.dot(row_of_ones(env, count, p.dtype)) if count <= _FEW else xp.add.reduce(p, 1)
    loss = xp.log(total)
    loss -= chosen
    p /= total.reshape((-1, 1))
    if data.ndim > 2:
        loss = loss.reshape((data.shape[0], -1)).mean(1)
    return loss.astype(data.dtype, copy=False), p, places


@cross_entropy.gradient
def _(F, dy, y, _data, label):
    def left():
        p, top = y[1], dy[0]
        if _data.ndim > 2:
            each = p.shape[0] // _data.shape[0]
            top = F.broadcast_to((top * (1 / each)).reshape((-1, 1)), shape=(_data.shape[0], each)).reshape(p.shape[:1])
        dx = F._backward_cross_entropy(top, p, label, y[2])
        if dy[1] is not None:  # only where this gradient was differentiated again
            dx = dx + (dy[1] - (dy[1] * p).sum(axis=1, keepdims=True)) * p
        return dx if dx.shape == _data.shape and dx.dtype == _data.dtype else F.Cast(dx.reshape(_data.shape), dtype=_data.dtype)
    return left, lambda: F.zeros_like(label)


@operator("_backward_cross_entropy")
def _backward_cross_entropy(env, dy, p, label, places):
    """Compute ``(p - one_hot(label)) * dy``; `places` tells where each label stands in the flattened p."""
    dx = p * dy.reshape((-1, 1))
    dx.reshape((-1,))[places] -= dy
    return dx


@_backward_cross_entropy.gradient
def _(F, dy, _y, top, p, label, _places):
    return (lambda: (dy * p).sum(axis=1) - F.pick(dy, label.reshape((-1,)), axis=1),
            lambda: dy * top.reshape((-1, 1)), lambda: F.zeros_like(label), None)


@operator("smooth_l1", shape_rule=first)
def smooth_l1(env, data, *, scalar: float = 1.0):
    """Compute Huber's loss of every element: ``0.5 (scalar x)^2`` near 0, ``|x| - 0.5 / scalar^2`` further out."""
    square = scalar * scalar
    size = env.xp.abs(data)
    return env.xp.where(size < 1.0 / square, data * data * (0.5 * square), size - 0.5 / square)


@smooth_l1.gradient
def _(F, dy, _y, data, *, scalar):
    square = scalar * scalar
    return (lambda: dy * F.clip(data * square, a_min=-1.0, a_max=1.0),)
