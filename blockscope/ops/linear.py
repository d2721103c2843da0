"""Matrix products: dot, batch_dot, gemm and the attention products made of them."""

from math import prod, sqrt
from typing import Literal

from .inference import axis_inside, listed, unite
from .inference import partly
from .registry import operator


def matrix_product(env, a, b):
    """Return ``a @ b``; on the CPU float16 is computed in float32, for which BLAS has code."""
    if a.dtype.char == "e" and env.backend.name == "cpu":
        return env.xp.matmul(a.astype("float32"), b.astype("float32")).astype(a.dtype)
    return env.xp.matmul(a, b)


def product_gradients(product, dy, a, b, transpose_a, transpose_b):
    """Return the gradients of ``op(a) @ op(b)`` as two callables; ``product(x, y, tx, ty)`` multiplies."""
    def left():
        return product(b, dy, transpose_b, True) if transpose_a else product(dy, b, False, not transpose_b)

    def right():
        return product(dy, a, True, transpose_a) if transpose_b else product(a, dy, not transpose_a, False)
    return left, right


# ---- dot: the last axis of one with the first of the other -----------------------------------------------------------------

def _matrix_shapes(lhs, rhs, transpose_a, transpose_b):
    """Return the matrices that dot sees in arrays of any number of axes, and the shape of the result."""
    if transpose_a:
        left, outer = (lhs[0], prod(lhs[1:])), lhs[1:]
    else:
        left, outer = (prod(lhs[:-1]), lhs[-1]), lhs[:-1]
    if transpose_b:
        right, inner = (prod(rhs[:-1]), rhs[-1]), rhs[:-1]
    else:
        right, inner = (rhs[0], prod(rhs[1:])), rhs[1:]
    return left, right, outer + inner or (1,)


def _dot_shape(lhs, rhs, *, transpose_a, transpose_b, **_):
    left, right, shape = _matrix_shapes(lhs, rhs, transpose_a, transpose_b)
    a, b = left[not transpose_a], right[transpose_b]
    if a and b and a != b:
        raise ValueError(f"dot shape error: {listed(lhs)} X {listed(rhs)}")
    return shape


@operator("dot", "_sparse_dot", shape_rule=partly(_dot_shape))
def dot(env, lhs, rhs, *, transpose_a: bool = False, transpose_b: bool = False,
        forward_stype: Literal["csr", "default", "row_sparse"] | None = None):
    """Sum products over the last axis of lhs and the first of rhs (first, and last, when transposed)."""
    left, right, shape = _matrix_shapes(lhs.shape, rhs.shape, transpose_a, transpose_b)
    if left[not transpose_a] != right[transpose_b]:
        raise ValueError(f"dot shape error: {list(lhs.shape)} X {list(rhs.shape)}")
    a = lhs if lhs.ndim == 2 else lhs.reshape(left)
    b = rhs if rhs.ndim == 2 else rhs.reshape(right)
    result = matrix_product(env, a.T if transpose_a else a, b.T if transpose_b else b)
    return result if result.shape == shape else result.reshape(shape)


dot.same_dtype = True


@dot.gradient
def _(F, dy, _y, lhs, rhs, *, transpose_a, transpose_b, forward_stype):
    left, right, _ = _matrix_shapes(lhs.shape, rhs.shape, transpose_a, transpose_b)
    head = dy.reshape((left[transpose_a], right[not transpose_b]))

    def product(x, y, tx, ty):
        return F.dot(x, y, transpose_a=tx, transpose_b=ty)
    da, db = product_gradients(product, head, lhs.reshape(left), rhs.reshape(right), transpose_a, transpose_b)
    return lambda: da().reshape(lhs.shape), lambda: db().reshape(rhs.shape)


# ---- batches of matrices -------------------------------------------------------------------------------------------------

def _swap(x, transpose):
    return x.swapaxes(-1, -2) if transpose else x


def _batch_dot_shape(lhs, rhs, *, transpose_a, transpose_b, **_):
    a, b = _swapped(lhs, transpose_a), _swapped(rhs, transpose_b)
    if a[-1] and b[-2] and a[-1] != b[-2]:
        raise ValueError(f"batch_dot shape error: {listed(lhs)} X {listed(rhs)}")
    return (*unite(a[:-2], b[:-2]), a[-2], b[-1])


def _swapped(shape, transpose):
    return (*shape[:-2], shape[-1], shape[-2]) if transpose else shape


@operator("batch_dot", shape_rule=partly(_batch_dot_shape))
def batch_dot(env, lhs, rhs, *, transpose_a: bool = False, transpose_b: bool = False,
              forward_stype: Literal["csr", "default", "row_sparse"] | None = None):
    """Multiply matrices in the last two axes; all other axes are equal."""
    if lhs.ndim < 3 or lhs.shape[:-2] != rhs.shape[:-2]:
        raise ValueError(f"batch_dot takes arrays of three or more axes with equal batch axes, but got {lhs.shape} and {rhs.shape}")
    return matrix_product(env, _swap(lhs, transpose_a), _swap(rhs, transpose_b))


batch_dot.same_dtype = True


@batch_dot.gradient
def _(F, dy, _y, lhs, rhs, *, transpose_a, transpose_b, forward_stype):
    def product(x, y, tx, ty):
        return F.batch_dot(x, y, transpose_a=tx, transpose_b=ty)
    return product_gradients(product, dy, lhs, rhs, transpose_a, transpose_b)


def _rows_last_but_one(xp, x, axis):
    return x if axis in (-2, x.ndim - 2) else xp.moveaxis(x, axis, -2)


def _rows_back(xp, x, axis):
    return x if axis in (-2, x.ndim - 2) else xp.moveaxis(x, -2, axis)


def _gemm_shape(A, B, *, transpose_a, transpose_b, axis, **_):
    if axis not in (-2, len(A) - 2):
        rows = axis_inside(axis, len(A))
        A, B = (s[:rows] + s[rows + 1:-1] + (s[rows], s[-1]) for s in (A, B))
        found = _gemm_shape(A, B, transpose_a=transpose_a, transpose_b=transpose_b, axis=-2)
        return (*found[:rows], found[-2], *found[rows:-2], found[-1])
    a, b = _swapped(A, transpose_a), _swapped(B, transpose_b)
    if a[-1] and b[-2] and a[-1] != b[-2]:
        raise ValueError(f"gemm shape error: {listed(A)} X {listed(B)}")
    return (*unite(a[:-2], b[:-2]), a[-2], b[-1])


def _gemm_shapes(ins, outs, attrs):
    if ins[0] is not None and ins[1] is not None:
        shape = _gemm_shape(*ins[:2], **attrs)
        return [*ins[:2], shape], [shape]
    shape = unite(ins[2], outs[0])
    return [*ins[:2], shape], [shape]


@operator("_linalg_gemm2", "linalg_gemm2", shape_rule=partly(_gemm_shape))
def gemm2(env, A, B, *, transpose_a: bool = False, transpose_b: bool = False, alpha: float = 1.0, axis: int = -2):
    """Return ``alpha * op(A) op(B)`` for matrices with rows along `axis` and columns along the last axis."""
    a, b = _rows_last_but_one(env.xp, A, axis), _rows_last_but_one(env.xp, B, axis)
    result = matrix_product(env, _swap(a, transpose_a), _swap(b, transpose_b))
    if alpha != 1:
        result *= alpha
    return _rows_back(env.xp, result, axis)


def _gemm_gradients(F, dy, A, B, transpose_a, transpose_b, alpha, axis):
    def product(x, y, tx, ty):
        return F._linalg_gemm2(x, y, transpose_a=tx, transpose_b=ty, alpha=alpha, axis=axis)
    return product_gradients(product, dy, A, B, transpose_a, transpose_b)


gemm2.same_dtype = True


@gemm2.gradient
def _(F, dy, _y, A, B, *, transpose_a, transpose_b, alpha, axis):
    return _gemm_gradients(F, dy, A, B, transpose_a, transpose_b, alpha, axis)


@operator("_linalg_gemm", "linalg_gemm", shape_rule=_gemm_shapes)
def gemm(env, A, B, C, *, transpose_a: bool = False, transpose_b: bool = False, alpha: float = 1.0, beta: float = 1.0,
         axis: int = -2):
    """Return ``alpha * op(A) op(B) + beta * C``."""
    return gemm2.forward(env, A, B, transpose_a=transpose_a, transpose_b=transpose_b, alpha=alpha, axis=axis) + beta * C


@gemm.gradient
def _(F, dy, _y, A, B, _C, *, transpose_a, transpose_b, alpha, beta, axis):
    return (*_gemm_gradients(F, dy, A, B, transpose_a, transpose_b, alpha, axis), lambda: dy * beta)


# ---- attention: products of interleaved projections ------------------------------------------------------------------------

def _heads(x, heads, parts):
    """Return (time, batch, heads * parts * width) as `parts` arrays of shape (batch * heads, time, width)."""
    time, batch, size = x.shape
    width = size // (heads * parts)
    split = x.reshape((time, batch * heads, parts, width))
    return [split[:, :, i].swapaxes(0, 1) for i in range(parts)]


def _merge(x, heads):
    """Return (batch * heads, time, width) as (time, batch, heads * width)."""
    count, time, width = x.shape
    return x.swapaxes(0, 1).reshape((time, count // heads, heads * width))


def _interleave(F, parts, heads):
    """Undo `_heads`."""
    count, time, width = parts[0].shape
    joined = F.stack(*[p.swapaxes(0, 1) for p in parts], axis=2)
    return joined.reshape((time, count // heads, heads * len(parts) * width))


@operator("_contrib_interleaved_matmul_selfatt_qk", shape_rule=partly(lambda qkv, *, heads: (qkv[1] * heads, qkv[0], qkv[0])))
def selfatt_qk(env, queries_keys_values, *, heads: int):
    """Return the scaled scores of every query with every key."""
    q, k, _ = _heads(queries_keys_values, heads, 3)
    return matrix_product(env, q / sqrt(q.shape[-1]), k.swapaxes(-1, -2))


@selfatt_qk.gradient
def _(F, dy, _y, qkv, *, heads):
    def gradient():
        q, k, v = _heads(qkv, heads, 3)
        scaled = dy / sqrt(q.shape[-1])
        return _interleave(F, [F.batch_dot(scaled, k), F.batch_dot(scaled, q, transpose_a=True), v * 0], heads)
    return (gradient,)


@operator("_contrib_interleaved_matmul_selfatt_valatt", shape_rule=partly(lambda qkv, _attention, *, heads: (*qkv[:2], qkv[2] // 3)))
def selfatt_valatt(env, queries_keys_values, attention, *, heads: int):
    """Return the values weighted by attention."""
    _, _, v = _heads(queries_keys_values, heads, 3)
    return _merge(matrix_product(env, attention, v), heads)


@selfatt_valatt.gradient
def _(F, dy, _y, qkv, attention, *, heads):
    head, = _heads(dy, heads, 1)
    _, _, v = _heads(qkv, heads, 3)

    def values():
        dv = F.batch_dot(attention, head, transpose_a=True)
        return _interleave(F, [dv * 0, dv * 0, dv], heads)
    return values, lambda: F.batch_dot(head, v, transpose_b=True)


@operator("_contrib_interleaved_matmul_encdec_qk", shape_rule=partly(lambda q, kv, *, heads: (q[1] * heads, q[0], kv[0])))
def encdec_qk(env, queries, keys_values, *, heads: int):
    """Return the scaled scores of every query with every key of another sequence."""
    q, = _heads(queries, heads, 1)
    k, _ = _heads(keys_values, heads, 2)
    return matrix_product(env, q / sqrt(q.shape[-1]), k.swapaxes(-1, -2))


@encdec_qk.gradient
def _(F, dy, _y, queries, keys_values, *, heads):
    q, = _heads(queries, heads, 1)
    k, v = _heads(keys_values, heads, 2)
    scaled = dy / sqrt(q.shape[-1])
    return (lambda: _merge(F.batch_dot(scaled, k), heads),
            lambda: _interleave(F, [F.batch_dot(scaled, q, transpose_a=True), v * 0], heads))


@operator("_contrib_interleaved_matmul_encdec_valatt",
          shape_rule=partly(lambda kv, attention, *, heads: (attention[1], kv[1], kv[2] // 2)))
def encdec_valatt(env, keys_values, attention, *, heads: int):
    """Return the values of another sequence weighted by attention."""
    _, v = _heads(keys_values, heads, 2)
    return _merge(matrix_product(env, attention, v), heads)


@encdec_valatt.gradient
def _(F, dy, _y, keys_values, attention, *, heads):
    head, = _heads(dy, heads, 1)
    _, v = _heads(keys_values, heads, 2)

    def values():
        dv = F.batch_dot(attention, head, transpose_a=True)
        return _interleave(F, [dv * 0, dv], heads)
    return values, lambda: F.batch_dot(head, v, transpose_b=True)
