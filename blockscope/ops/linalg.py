"""Factorisations, triangular systems and diagonals of matrices in the last two axes.

Triangular systems are solved by the general solver on the triangle, since it takes batches on every array module.
"""

from math import isqrt

from .inference import first, partly
from .inference import unite
from .linear import matrix_product
from .registry import operator


def _turn(x):
    return x.swapaxes(-1, -2)


@operator("_triangle")
def triangle(env, data, *, lower: bool = True):
    """Keep the lower (or upper) triangle."""
    return env.xp.tril(data) if lower else env.xp.triu(data)


@triangle.gradient
def _(F, dy, _y, _data, *, lower):
    return (lambda: F._triangle(dy, lower=lower),)


def _product(F, a, b, transpose_a=False, transpose_b=False, alpha=1.0):
    return F._linalg_gemm2(a, b, transpose_a=transpose_a, transpose_b=transpose_b, alpha=alpha)


# ---- triangular products and systems ---------------------------------------------------------------------------------------

def _shape_of_B(ins, outs, attrs):
    shape = unite(ins[1], outs[0])
    return [shape and shape[:-2] + (shape[-1 if attrs["rightside"] else -2],) * 2, shape], [shape]


def _of_matrices(A):
    return A[:-2] or (1,)


@operator("_linalg_trmm", "linalg_trmm", shape_rule=_shape_of_B)
def trmm(env, A, B, *, transpose: bool = False, rightside: bool = False, lower: bool = True, alpha: float = 1.0):
    """Return ``alpha * op(A) B`` (or ``alpha * B op(A)``) with A triangular."""
    a = triangle.forward(env, A, lower=lower)
    a = _turn(a) if transpose else a
    return (matrix_product(env, B, a) if rightside else matrix_product(env, a, B)) * alpha


@trmm.gradient
def _(F, dy, _y, A, B, *, transpose, rightside, lower, alpha):
    def matrix():
        left, right = (B, dy) if rightside else (dy, B)
        if transpose:
            left, right = right, left
        return F._triangle(_product(F, left, right, rightside, not rightside, alpha), lower=lower)
    return matrix, lambda: F._linalg_trmm(A, dy, transpose=not transpose, rightside=rightside, lower=lower, alpha=alpha)


@operator("_linalg_trsm", "linalg_trsm", shape_rule=_shape_of_B)
def trsm(env, A, B, *, transpose: bool = False, rightside: bool = False, lower: bool = True, alpha: float = 1.0):
    """Solve ``op(A) X = alpha * B`` (or ``X op(A) = alpha * B``) with A triangular."""
    a = triangle.forward(env, A, lower=lower)
    a = _turn(a) if transpose else a
    if rightside:
        return _turn(env.xp.linalg.solve(_turn(a), _turn(B) * alpha))
    return env.xp.linalg.solve(a, B * alpha)


@trsm.gradient
def _(F, dy, y, A, _B, *, transpose, rightside, lower, alpha):
    def solve(scale):
        return F._linalg_trsm(A, dy, transpose=not transpose, rightside=rightside, lower=lower, alpha=scale)

    def matrix():
        left, right = (y, solve(1.0)) if rightside else (solve(1.0), y)
        if transpose:
            left, right = right, left
        return F._triangle(_product(F, left, right, rightside, not rightside, -1.0), lower=lower)
    return matrix, lambda: solve(alpha)


@operator("_linalg_syrk", "linalg_syrk",
          shape_rule=partly(lambda A, *, transpose, **_: (*A[:-2], *((A[-1],) * 2 if transpose else (A[-2],) * 2))))
def syrk(env, A, *, transpose: bool = False, alpha: float = 1.0):
    """Return ``alpha * A A^T``, or ``alpha * A^T A``."""
    return (matrix_product(env, _turn(A), A) if transpose else matrix_product(env, A, _turn(A))) * alpha


@syrk.gradient
def _(F, dy, _y, A, *, transpose, alpha):
    def gradient():
        both = dy + dy.swapaxes(-1, -2)
        return _product(F, A, both, alpha=alpha) if transpose else _product(F, both, A, alpha=alpha)
    return (gradient,)


# ---- factorisations ------------------------------------------------------------------------------------------------------

@operator("_linalg_potrf", "linalg_potrf", shape_rule=first)
def potrf(env, A):
    """Return the lower triangular L with ``A = L L^T``."""
    return env.xp.linalg.cholesky(A)


@potrf.gradient
def _(F, dy, y, _A):
    def gradient():
        lower = F._triangle(_product(F, y, dy, transpose_a=True))
        inner = (lower + lower.swapaxes(-1, -2) - F._triangle(lower, lower=False)) * 0.5
        return F._linalg_trsm(y, F._linalg_trsm(y, inner, rightside=True), transpose=True)
    return (gradient,)


@operator("_linalg_potri", "linalg_potri", shape_rule=first)
def potri(env, A):
    """Return the inverse of ``A A^T`` for a lower triangular A."""
    inverse = env.xp.linalg.inv(env.xp.tril(A))
    return matrix_product(env, _turn(inverse), inverse)


@potri.gradient
def _(F, dy, y, A):
    def gradient():
        both = dy + dy.swapaxes(-1, -2)
        return F._triangle(_product(F, _product(F, y, both), _product(F, y, A), alpha=-1.0), lower=True)
    return (gradient,)


@operator("_linalg_inverse", "linalg_inverse", shape_rule=first)
def inverse(env, A):
    """Return the inverse."""
    return env.xp.linalg.inv(A)


@inverse.gradient
def _(F, dy, y, _A):
    return (lambda: _product(F, _product(F, y, dy, transpose_a=True), y, transpose_b=True, alpha=-1.0),)


@operator("_linalg_det", "linalg_det", graph_outputs=3, shape_rule=partly(lambda A: [_of_matrices(A), A, A[:-1]]))
def det(env, A):
    """Return the determinant."""
    return env.xp.linalg.det(A).reshape(A.shape[:-2] or (1,)).astype(A.dtype)


@det.gradient
def _(F, dy, y, A):
    return (lambda: F.broadcast_mul((dy * y).reshape(A.shape[:-2] + (1, 1)), F._linalg_inverse(A).swapaxes(-1, -2)),)


@operator("_linalg_slogdet", "linalg_slogdet", outputs=2, graph_outputs=4,
          shape_rule=partly(lambda A: [_of_matrices(A), _of_matrices(A), A, A[:-1]]))
def slogdet(env, A):
    """Return the sign of the determinant and the logarithm of its size."""
    sign, size = env.xp.linalg.slogdet(A)
    shape = A.shape[:-2] or (1,)
    return sign.reshape(shape).astype(A.dtype), size.reshape(shape).astype(A.dtype)


@slogdet.gradient
def _(F, dy, _y, A):
    return (lambda: F.broadcast_mul(dy[1].reshape(A.shape[:-2] + (1, 1)), F._linalg_inverse(A).swapaxes(-1, -2)),)


@operator("_linalg_syevd", "linalg_syevd", outputs=2, shape_rule=partly(lambda A: [A, A[:-1]]))
def syevd(env, A):
    """Return U (its rows the eigenvectors, largest entry positive) and the eigenvalues of a symmetric ``A = U^T diag(L) U``."""
    xp = env.xp
    values, columns = xp.linalg.eigh(A)
    largest = xp.argmax(xp.abs(columns), axis=-2)[..., None, :]
    sign = xp.where(xp.take_along_axis(columns, largest, -2) < 0, -1, 1).astype(A.dtype)
    return _turn(columns * sign), values


@syevd.gradient(second_order=False)
def _(F, dy, y, _A):
    def gradient():
        u, values = y
        gaps = values[..., :, None] - values[..., None, :]
        eye = F._eye(N=values.shape[-1], dtype=values.dtype)
        inner = F.xp.where(eye > 0, 0, F.batch_dot(dy[0].reshape(_rows3(u)), u.reshape(_rows3(u)), transpose_b=True)
                           .reshape(u.shape) / (gaps + eye)) + dy[1][..., None, :] * eye
        full = _product(F, _product(F, u, inner, transpose_a=True), u)
        return (full + full.swapaxes(-1, -2)) * 0.5
    return (gradient,)


def _rows3(x):
    return (-1, *x.shape[-2:])


@operator("_linalg_gelqf", "linalg_gelqf", outputs=2, shape_rule=partly(lambda A: [A, (*A[:-1], A[-2])]))
def gelqf(env, A):
    """Return Q with orthonormal rows and lower triangular L with ``A = L Q``."""
    q, r = env.xp.linalg.qr(_turn(A))
    return _turn(q), _turn(r)


# ---- diagonals and triangles ------------------------------------------------------------------------------------------------

def _diagonal_index(xp, count, offset):
    index = xp.arange(count)
    return (..., index + max(0, -offset), index + max(0, offset))


@operator("_linalg_extractdiag", "linalg_extractdiag", shape_rule=partly(lambda A, *, offset: (*A[:-2], A[-1] and A[-1] - abs(offset))))
def extractdiag(env, A, *, offset: int = 0):
    """Return a diagonal of every square matrix."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ValueError(f"Input operand must be a tensor of square matrices, but has shape {A.shape}")
    return A[_diagonal_index(env.xp, A.shape[-1] - abs(offset), offset)]


@operator("_linalg_makediag", "linalg_makediag",
          shape_rule=partly(lambda A, *, offset: (*A[:-1], *(A[-1] and A[-1] + abs(offset),) * 2)))
def makediag(env, A, *, offset: int = 0):
    """Return square matrices with the last axis on a diagonal."""
    size = A.shape[-1] + abs(offset)
    result = env.xp.zeros((*A.shape[:-1], size, size), A.dtype)
    result[_diagonal_index(env.xp, A.shape[-1], offset)] = A
    return result


@extractdiag.gradient
def _(F, dy, _y, _A, *, offset):
    return (lambda: F._linalg_makediag(dy, offset=offset),)


@makediag.gradient
def _(F, dy, _y, _A, *, offset):
    return (lambda: F._linalg_extractdiag(dy, offset=offset),)


def _triangle_index(xp, size, offset, lower):
    """Return row and column of every element below (above) diagonal `offset`; the upper triangle goes by columns."""
    lower = lower if offset == 0 else offset < 0
    rows, columns = xp.tril_indices(size, -abs(offset))
    return (..., rows, columns) if lower else (..., columns, rows)


@operator("_linalg_extracttrian", "linalg_extracttrian")
def extracttrian(env, A, *, offset: int = 0, lower: bool = True):
    """Return the elements of a triangle of every square matrix: the lower by rows, the upper by columns."""
    return A[_triangle_index(env.xp, A.shape[-1], offset, lower)]


@operator("_linalg_maketrian", "linalg_maketrian")
def maketrian(env, A, *, offset: int = 0, lower: bool = True):
    """Return square matrices with the last axis filled into a triangle: the lower by rows, the upper by columns."""
    size = (isqrt(8 * A.shape[-1] + 1) - 1) // 2 + abs(offset)
    result = env.xp.zeros((*A.shape[:-1], size, size), A.dtype)
    result[_triangle_index(env.xp, size, offset, lower)] = A
    return result


@extracttrian.gradient
def _(F, dy, _y, _A, *, offset, lower):
    return (lambda: F._linalg_maketrian(dy, offset=offset, lower=lower),)


@maketrian.gradient
def _(F, dy, _y, _A, *, offset, lower):
    return (lambda: F._linalg_extracttrian(dy, offset=offset, lower=lower),)


@operator("_linalg_sumlogdiag", "linalg_sumlogdiag", shape_rule=partly(_of_matrices))
def sumlogdiag(env, A):
    """Return the sum of the logarithms of the diagonal of every square matrix."""
    result = env.xp.log(extractdiag.forward(env, A)).sum(axis=-1)
    return result.reshape((1,)) if result.ndim == 0 else result


@sumlogdiag.gradient
def _(F, dy, _y, A):
    def gradient():
        head = dy.reshape((*A.shape[:-2], 1))
        return F._linalg_makediag(F.broadcast_div(head, F._linalg_extractdiag(A)))
    return (gradient,)
