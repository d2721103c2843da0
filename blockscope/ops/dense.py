"""Fully connected layers and embeddings."""

from math import prod

from .activation import ACTIVATIONS, ActivationType, activation
from .attributes import DType
from .inference import unite
from .registry import operator


def require_shape(name, array, expected):
    """Raise ValueError unless an input has the shape that the attributes and the data imply."""
    if array.shape != expected:
        raise ValueError(f"Shape inconsistent, Provided = {list(array.shape)}, inferred shape={list(expected)}: argument {name}")


def require_bias(bias, no_bias):
    """Raise ValueError unless a bias is given exactly when the attribute says so."""
    if (bias is None) != no_bias:
        raise ValueError("argument bias is missing: give it, or no_bias=True" if bias is None else
                         "argument bias was given together with no_bias=True: drop one of them")


def gemm(env, a, b, into=None):
    """Multiply two matrices (into an array where one is given); float16 on the host is computed in float32, where BLAS is."""
    if a.dtype.char == "e" and env.backend.name == "cpu":
        return env.xp.dot(a.astype("float32"), b.astype("float32")).astype(a.dtype)
    return a.dot(b) if into is None else a.dot(b, into)


@operator("_gemm")
def _gemm(env, lhs, rhs, *, transpose_a: bool = False, transpose_b: bool = False):
    """Multiply two matrices, either one transposed first."""
    return gemm(env, lhs.T if transpose_a else lhs, rhs.T if transpose_b else rhs)


@_gemm.gradient
def _(F, dy, _y, lhs, rhs, *, transpose_a, transpose_b):
    def left():
        return F._gemm(rhs, dy, transpose_a=transpose_b, transpose_b=True) if transpose_a else \
            F._gemm(dy, rhs, transpose_b=not transpose_b)

    def right():
        return F._gemm(dy, lhs, transpose_a=True, transpose_b=transpose_a) if transpose_b else \
            F._gemm(lhs, dy, transpose_a=not transpose_a)
    return left, right


_ones: dict = {}
_MANY_ROWS = 4096


def row_of_ones(env, count, dtype):
    key = env.ctx, count, dtype.char
    found = _ones.get(key)
    if found is None:
        if len(_ones) >= 64:
            _ones.clear()
        found = _ones[key] = env.xp.ones(count, dtype)
    return found


@operator("_sum_rows")
def _sum_rows(env, data):
    """Sum a matrix over its rows (a bias gradient); for few rows a product with ones, which takes a third of the time."""
    if data.dtype.char in "fd" and data.shape[0] <= _MANY_ROWS:
        return row_of_ones(env, data.shape[0], data.dtype).dot(data)
    return env.xp.add.reduce(data, 0)


@_sum_rows.gradient
def _(F, dy, _y, _data):
    return (lambda: F.broadcast_to(dy.reshape((1, -1)), shape=_data.shape),)


def rows(data, flatten):
    """Return data as a matrix: one row an example, or with flatten=False one row for everything but the last axis."""
    shape = data.shape
    if len(shape) == 2:
        return data
    return data.reshape((shape[0], prod(shape[1:]))) if flatten else data.reshape((prod(shape[:-1]), shape[-1]))


def dense_shapes(shapes, attrs):
    """Fill in the shapes of weight and bias from that of data."""
    data, units = shapes[0], attrs["num_hidden"]
    width = prod(data[1:]) if attrs["flatten"] else data[-1]
    return [data, (units, width), (units,)][:len(shapes)]


@operator("FullyConnected", "_sparse_FullyConnected", shapes=dense_shapes)
def fully_connected(env, data, weight, bias=None, *, num_hidden: int, no_bias: bool = False, flatten: bool = True, into=None):
    """Compute ``data @ weight.T + bias``.

    data is (batch, ...), taken as a matrix (batch, in_units), or with flatten=False (..., in_units); weight is
    (num_hidden, in_units), bias (num_hidden,).
    """
    if weight.shape[0] != num_hidden:
        require_shape("weight", weight, (num_hidden, weight.shape[1]))
    if (bias is None) != no_bias:
        require_bias(bias, no_bias)
    flat = data if data.ndim == 2 else rows(data, flatten)
    y = gemm(env, flat, weight.T, into if data.ndim == 2 else None)
    if bias is not None:
        if bias.shape[0] != num_hidden:
            require_shape("bias", bias, (num_hidden,))
        y += bias
    return y if flatten or data.ndim == 2 else y.reshape(data.shape[:-1] + (num_hidden,))


@fully_connected.infers_shape
def dense_rule(ins, outs, attrs):
    """Say what follows of ``rows @ (units, width)``: the batch from either side, the width from data or weight."""
    data, out, units = ins[0], outs[0], attrs["num_hidden"]
    if data is None:
        return (), ()
    if attrs["flatten"]:
        batch = data[0] or (out[0] if out is not None else 0)
        return [(batch, *data[1:])], [(batch, units)]
    return [(*out[:-1], data[-1])] if out is not None and len(out) == len(data) else (), [(*data[:-1], units)]


fully_connected.same_dtype = True


@fully_connected.gradient
def _(F, dy, _y, data, weight, _bias=None, *, num_hidden, no_bias, flatten):
    if dy.ndim != 2:
        dy = rows(dy, False)

    def left():
        dx = F._gemm(dy, weight)
        return dx if data.ndim == 2 else dx.reshape(data.shape)
    return left, lambda: F._gemm(dy, rows(data, flatten), transpose_a=True), lambda: F._sum_rows(dy)


@operator("_dense_activation", shapes=dense_shapes, shape_rule=dense_rule)
def dense_activation(env, data, weight, bias=None, *, num_hidden: int, act_type: ActivationType, no_bias: bool = False,
                     flatten: bool = True, into=None):
    """Apply an activation to `FullyConnected`: both in one call, which small networks feel."""
    y = fully_connected.forward(env, data, weight, bias, num_hidden=num_hidden, no_bias=no_bias, flatten=flatten, into=into)
    return activation.forward(env, y, act_type=act_type, out=y)


dense_activation.same_dtype = True


@dense_activation.gradient
def _(F, dy, y, data, weight, _bias=None, *, num_hidden, act_type, no_bias, flatten):
    inner = ACTIVATIONS[act_type].gradient(F, dy, y, None)
    return fully_connected.rule(F, inner, None, data, weight, _bias, num_hidden=num_hidden, no_bias=no_bias, flatten=flatten)


@dense_activation.prepared
@fully_connected.prepared
def _(env, attrs, data, weight, bias=None):
    act = attrs.get("act_type")
    if not _is_plain(data) or act not in (None, "relu"):
        return None
    maximum, zeros = env.xp.maximum, _zeros_like_result(env, data, weight) if act else None

    def forward(x, w, b=None, into=None):
        y = x.dot(w.T, into)
        if b is not None:
            y += b
        return y if act is None else maximum(y, zeros, out=y)
    return forward


@dense_activation.prepared_gradient
@fully_connected.prepared_gradient
def _(env, attrs, wanted, spare, data, weight, bias=None):
    act = attrs.get("act_type")
    if not _is_plain(data) or act not in (None, "relu") or data.shape[0] > _MANY_ROWS:
        return None
    ones = row_of_ones(env, data.shape[0], data.dtype)
    greater, zeros = env.xp.greater, _zeros_like_result(env, data, weight) if act else None
    compute = [(lambda dy, x, w: dy.dot(w)), (lambda dy, x, w: dy.T.dot(x)), (lambda dy, x, w: ones.dot(dy))]
    chosen = [compute[position] for position in wanted]

    def some(dy, y, x, w, b=None):
        if act is not None:
            dy = dy * greater(y, zeros)
        return [one(dy, x, w) for one in chosen]

    def all_of_them(dy, y, x, w, b):
        if act is not None:
            dy = dy * greater(y, zeros)
        return [dy.dot(w), dy.T.dot(x), ones.dot(dy)]
    return all_of_them if list(wanted) == [0, 1, 2] else some


def _is_plain(data):
    return data.ndim == 2 and data.dtype.char in "fd"


def _zeros_like_result(env, data, weight):
    """Return zeros to compare a small result with: NumPy does that with two arrays in a third of the time that a number takes."""
    rows, units = data.shape[0], weight.shape[0]
    return env.xp.zeros((rows, units), data.dtype) if rows * units <= _MANY_ROWS * 16 else data.dtype.type(0)


def embedding_shapes(shapes, attrs):
    """Fill in the shape of weight."""
    return [shapes[0], (attrs["input_dim"], attrs["output_dim"])]


def _row_numbers(env, data, count):
    # Out-of-range numbers take the nearest row, as in MXNet.
    return env.xp.clip(data.astype("int64"), 0, count - 1)


def _embedding_rule(ins, outs, attrs):
    data = unite(ins[0], outs[0] and outs[0][:-1])
    return [data, (attrs["input_dim"], attrs["output_dim"])], [data and (*data, attrs["output_dim"])]


def _embedding_types(ins, outs, attrs):
    dtype = ins[1] if ins[1] is not None else outs[0] if outs[0] is not None else attrs["dtype"]
    return [None, dtype], [dtype]


@operator("Embedding", "_sparse_Embedding", shapes=embedding_shapes, shape_rule=_embedding_rule, type_rule=_embedding_types)
def embedding(env, data, weight, *, input_dim: int, output_dim: int, dtype: DType = "float32", sparse_grad: bool = False):
    """Look up one row of weight (input_dim, output_dim) for every number in data.

    The result has data's shape and one more axis, and weight's dtype. `dtype` only tells the dtype of a weight whose type is not
    known yet; with `sparse_grad` the same gradient may be stored as rows.
    """
    require_shape("weight", weight, (input_dim, output_dim))
    return env.xp.take(weight, _row_numbers(env, data, input_dim), axis=0)


@embedding.gradient
def _(F, dy, _y, data, _weight, **_attrs):
    return lambda: F.zeros_like(data), lambda: F._backward_Embedding(dy, data, input_dim=_weight.shape[0])


@operator("_backward_Embedding")
def _backward_embedding(env, dy, data, *, input_dim: int):
    """Add every row of dy into the row that data names."""
    out = env.xp.zeros((input_dim, dy.shape[-1]), dy.dtype)
    index = _row_numbers(env, data, input_dim).reshape((data.size,))
    env.add_at(out, index, dy.reshape((data.size, dy.shape[-1])))
    return out


@_backward_embedding.gradient
def _(F, dy, _y, _dy, data, *, input_dim):
    return (lambda: F.Embedding(data, dy, input_dim=input_dim, output_dim=dy.shape[1], dtype=dy.dtype, sparse_grad=False),
            lambda: F.zeros_like(data))
