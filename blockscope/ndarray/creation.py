"""Making NDArrays from nothing, from host data and from other libraries' arrays."""

import numpy as np

from ..backend import Context, current_context, known_contexts
from ..errors import MXNetError
from ..ops.attributes import as_dtype
from .array import NDArray
from .dispatch import function


def array(source_array, ctx=None, dtype=None, aux_types=None):
    """Make an array from anything that NumPy understands.

    Parameters
    ----------
    source_array : array_like or NDArray
        Values; copied.
    ctx : Context, optional
        Where to put them; the current context by default.
    dtype : str or numpy type, optional
        Type of the elements; that of an NDArray, and float32 for everything else, by default.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.nd.array([1, 2]).dtype
    <class 'numpy.float32'>
    """
    ctx = _context(ctx)
    if isinstance(source_array, NDArray):
        new = source_array.copyto(ctx) if dtype is None else source_array.astype(dtype).as_in_context(ctx)
        return new.detach()
    kind = as_dtype(dtype) if dtype is not None else np.dtype(np.float32)
    if type(source_array) is not np.ndarray and ctx._backend.array_type() is type(source_array):
        with ctx._use():
            return NDArray(source_array.astype(kind), ctx)
    try:
        values = np.array(source_array, dtype=kind)
    except OverflowError:  # numbers beyond the type wrap around, as in C
        values = np.array(source_array).astype(kind)
    except (TypeError, ValueError) as error:
        raise TypeError(f"source_array must be array like object: {error}") from error
    return NDArray(ctx._backend.from_host(values, ctx.device_id), ctx)


def _context(ctx):
    if ctx is None:
        return current_context()
    if not isinstance(ctx, Context):
        raise MXNetError(f"ctx must be a Context such as mx.cpu(), but got {ctx!r}")
    return ctx


def _filled(name):
    def make(shape, ctx=None, dtype=None, stype=None, out=None, **kwargs):
        if stype not in (None, "default"):
            raise MXNetError(f"nd.{name[1:]}: sparse arrays (stype={stype!r}) are not available; use stype='default'")
        return function(name)(shape=shape, ctx=_context(ctx), dtype=as_dtype(dtype) if dtype is not None else "float32",
                              out=out, **kwargs)
    make.__name__ = make.__qualname__ = name[1:]
    make.__doc__ = f"""Make an array of {name[1:]}.

    Parameters
    ----------
    shape : int or tuple of int
        Lengths of the axes.
    ctx : Context, optional
        Where; the current context by default.
    dtype : str or numpy type
        Type of the elements, float32 by default.
    out : NDArray, optional
        Array to fill instead.
    """
    return make


zeros = _filled("_zeros")
ones = _filled("_ones")


def empty(shape, ctx=None, dtype=None, stype=None):
    """Make an array of any values (here zeros)."""
    return zeros(shape, ctx, dtype, stype)


def full(shape, val, ctx=None, dtype=np.float32, out=None):
    """Make an array filled with one number.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.nd.full((2,), 7)
    <BLANKLINE>
    [7. 7.]
    <NDArray 2 @cpu(0)>
    """
    return function("_full")(shape=shape, value=val, ctx=_context(ctx), dtype=dtype, out=out)


def arange(start, stop=None, step=1.0, repeat=1, infer_range=None, ctx=None, dtype="float32"):
    """Make an array of evenly spaced values in ``[start, stop)``, each repeated `repeat` times."""
    if infer_range:
        raise MXNetError("nd.arange: infer_range=True needs a symbolic graph; give stop")
    return function("_arange")(start=start, stop=stop, step=step, repeat=repeat, ctx=_context(ctx), dtype=dtype)


def linspace(start, stop, num, endpoint=True, ctx=None, dtype="float32"):
    """Make an array of `num` evenly spaced values from start to stop."""
    return function("_linspace")(start=start, stop=stop, num=num, endpoint=endpoint, ctx=_context(ctx), dtype=dtype)


def eye(N, M=0, k=0, ctx=None, dtype=None, **kwargs):
    """Make a matrix with ones on diagonal k."""
    return function("_eye")(N=N, M=M, k=k, ctx=_context(ctx), dtype=dtype or "float32", **kwargs)


def from_numpy(ndarray, zero_copy=True):
    """Make an array from a NumPy array, sharing its memory if `zero_copy`.

    Raises
    ------
    ValueError
        If memory is to be shared and the array is not C-contiguous.
    """
    if not zero_copy:
        return array(ndarray, dtype=ndarray.dtype)
    if not ndarray.flags.c_contiguous:
        raise ValueError("Only c-contiguous arrays are supported for zero-copy")
    return NDArray(ndarray, Context("cpu", 0))


def from_dlpack(dlpack):
    """Make an array that shares the memory of any object with ``__dlpack__`` (or a capsule of NumPy's).

    Examples
    --------
    >>> import numpy as np
    >>> import blockscope as mx
    >>> host = np.zeros(2, "float32")
    >>> shared = mx.nd.from_dlpack(host)
    >>> host[0] = 5
    >>> shared
    <BLANKLINE>
    [5. 0.]
    <NDArray 2 @cpu(0)>
    """
    source = dlpack if hasattr(dlpack, "__dlpack__") else _Capsule(dlpack)
    kind, device_id = source.__dlpack_device__()
    if kind in (2, 3, 13):
        ctx = Context("gpu", device_id)
        return NDArray(ctx._backend.xp.from_dlpack(source), ctx)
    return NDArray(np.from_dlpack(source), Context("cpu", 0))


class _Capsule:
    """A bare DLPack capsule in host memory, as an object that NumPy takes."""

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **options):
        return self._capsule

    def __dlpack_device__(self):
        return 1, 0


def to_dlpack_for_read(data):
    """Return a DLPack capsule of an NDArray for a reader."""
    return data.to_dlpack_for_read()


def to_dlpack_for_write(data):
    """Return a DLPack capsule of an NDArray for a writer."""
    return data.to_dlpack_for_write()


def waitall():
    """Wait until every device has computed all that was asked of it."""
    for ctx in known_contexts():
        ctx._backend.synchronize(ctx.device_id)


def concatenate(arrays, axis=0, always_copy=True):
    """Join arrays along an axis (with ``always_copy=False`` a single array is returned itself)."""
    if len(arrays) == 1 and not always_copy:
        return arrays[0]
    return function("Concat")(*arrays, dim=axis)


def moveaxis(tensor, source, destination):
    """Move axes to new positions, the others keep their order.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.nd.moveaxis(mx.nd.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    source = (source,) if isinstance(source, int) else tuple(source)
    destination = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(source) != len(destination):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    source = [np.lib.array_utils.normalize_axis_index(a, tensor.ndim) for a in source]
    destination = [np.lib.array_utils.normalize_axis_index(a, tensor.ndim) for a in destination]
    order = [n for n in range(tensor.ndim) if n not in source]
    for where, axis in sorted(zip(destination, source)):
        order.insert(where, axis)
    return function("transpose")(tensor, axes=tuple(order))


def onehot_encode(indices, out):
    """Write the one-hot rows of `indices` into `out` and return it."""
    out[:] = function("one_hot")(indices, depth=out.shape[1]).astype(out.dtype)
    return out
