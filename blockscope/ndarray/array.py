"""NDArray: an array on a context, and the call of an operator on arrays.

``a + b`` takes the short path: one type check, the ufunc, the wrap, and a tape entry when recording.  Everything else goes
through `invoke`.
"""

from numbers import Number

import numpy as np

from .. import _tape
from .._methods import Fluent, Operators
from ..backend import Context
from ..errors import MXNetError, public_class
from ..naming import ambient
from ..ops import arithmetic as kinds
from ..ops.attributes import as_dtype
from ..ops.reshape_codes import infer_reshape
from . import indexing
from .marking import Differentiable
from .memory import Memory, move, raw_on

_recording = ambient.recording
_record = _tape.record
_host_array = np.ndarray


_NO_ATTRS: dict = {}


def _in_place(kind):
    def method(self, other):
        return self._write_result(kind, other)
    return method


class NDArray(Fluent, Operators, Memory, Differentiable):
    """An n-dimensional array on a context.

    Users make arrays with `nd.array`, `nd.zeros` and the like; the constructor takes a raw array of the context's array
    module and shares it.

    Parameters
    ----------
    raw : numpy.ndarray or cupy.ndarray
        The values, shared.
    ctx : Context
        Where they live.

    Examples
    --------
    >>> import blockscope as mx
    >>> x = mx.nd.array([[1, 2], [3, 4]])
    >>> (x * 2).sum(axis=1)
    <BLANKLINE>
    [ 6. 14.]
    <NDArray 2 @cpu(0)>
    """

    __array_priority__ = 1000.0
    __array_ufunc__ = None

    # Set by `dispatch`, which needs this class: the call of an operator record, and the function of an operator's name.
    _invoke = None
    _function = None

    def __init__(self, raw, ctx):
        self._raw = raw
        self._ctx = ctx

    # ---- what it is ------------------------------------------------------------------------------------------------------

    @property
    def shape(self):
        """Lengths of the axes."""
        return self._raw.shape

    @property
    def ndim(self):
        """Number of axes."""
        return self._raw.ndim

    @property
    def size(self):
        """Number of elements."""
        return self._raw.size

    @property
    def dtype(self):
        """NumPy type of the elements, such as ``numpy.float32``."""
        return self._raw.dtype.type

    @property
    def context(self):
        """Device that holds the array."""
        return self._ctx

    ctx = context

    @property
    def stype(self):
        """Storage type: always 'default' (dense)."""
        return "default"

    @property
    def T(self):
        """The array with its axes reversed."""
        return self if self.ndim < 2 else self._call("transpose")

    def __len__(self):
        if not self._raw.ndim:
            raise TypeError("len() of an NDArray of no axes")
        return self._raw.shape[0]

    def __repr__(self):
        shape = "x".join(str(n) for n in self.shape)
        return f"\n{self.asnumpy()!s}\n<{type(self).__name__} {shape} @{self._ctx}>"

    def __bool__(self):
        if self.size == 1:
            return bool(self._only_value("bool"))
        if self.size == 0:
            return False
        raise ValueError("The truth value of an NDArray with multiple elements is ambiguous.")

    def __float__(self):
        return float(self._only_value("float"))

    def __int__(self):
        return int(self._only_value("int"))

    def __index__(self):
        if self.size != 1 or self._raw.dtype.kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self._only_value("index"))

    def _only_value(self, kind):
        if self.size != 1:
            raise TypeError(f"{kind}() takes an array of one element; this NDArray has shape {self.shape}")
        return self.asnumpy().item()

    # ---- out to the host, other devices, other types ----------------------------------------------------------------------

    def asnumpy(self):
        """Return a new NumPy array with the values (waits for the device)."""
        return self._ctx._backend.to_host(self._raw)

    def asscalar(self):
        """Return the only element: a NumPy scalar or, as MXNet does for two or more axes, the NumPy array that holds it.

        Raises
        ------
        ValueError
            If there is not exactly one element.
        """
        if self.size != 1:
            raise ValueError("The current array is not a scalar")
        return self.asnumpy()[0 if self.ndim == 1 else ()]

    def item(self, *args):
        """Return one element as a Python number."""
        return self.asnumpy().item(*args)

    def tolist(self):
        """Return the values as nested lists."""
        return self.asnumpy().tolist()

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("an NDArray gives NumPy a copy of its values; use np.from_dlpack(x) to share host memory")
        values = self.asnumpy()
        return values if dtype is None else values.astype(dtype)

    def __dlpack__(self, **options):
        return self._owned().__dlpack__(**options)

    def __dlpack_device__(self):
        return self._raw.__dlpack_device__()

    def to_dlpack_for_read(self):
        """Return a DLPack capsule for a consumer that only reads."""
        return self.__dlpack__()

    def to_dlpack_for_write(self):
        """Return a DLPack capsule for a consumer that may write (the array counts as overwritten)."""
        self._writable()
        return self.__dlpack__(max_version=(1, 0))  # NumPy takes capsules of older versions for read-only ones

    def as_in_context(self, context):
        """Return this array if it is on `context` already, else a copy there."""
        return self if self._ctx is context else self.copyto(context)

    as_in_ctx = as_in_context

    def copyto(self, other):
        """Copy the values into another array (whose dtype they take) or to a new array on a context.

        Raises
        ------
        MXNetError
            If the shapes differ.
        TypeError
            If `other` is neither.
        """
        if isinstance(other, Context):
            return self._copy_to_context(other)
        if not isinstance(other, NDArray):
            raise TypeError(f"copyto does not support type {type(other)}")
        if other is self or (other._raw is self._raw):
            return False
        if other.shape != self.shape:
            raise MXNetError(f"copyto: cannot copy an array of shape {self.shape} into one of shape {other.shape}")
        if self._node is not None and _recording():
            return self._function("_copyto")(self, out=other)
        other._assign(self)
        return other

    def copy(self):
        """Return a copy on the same context."""
        return self.copyto(self._ctx)

    def astype(self, dtype, copy=True):
        """Return the array with elements of another type; with ``copy=False`` itself if it has that type already."""
        dtype = as_dtype(dtype if dtype is not None else "float32")
        if not copy and dtype == self._raw.dtype:
            return self
        return self._call("Cast", dtype=dtype)

    def tostype(self, stype):
        """Return a copy for 'default'; other storage types don't exist here.

        Raises
        ------
        MXNetError
            For 'csr' and 'row_sparse', and for unknown names.
        """
        if stype == "default":
            return self._call("_copy")
        if stype in ("csr", "row_sparse"):
            raise MXNetError(f"tostype({stype!r}): sparse arrays are not available; keep the dense array (stype 'default')")
        raise MXNetError(f"Invalid Input: '{stype}', valid values are: {{'csr', 'default', 'row_sparse'}}, in operator "
                         "cast_storage")

    def wait_to_read(self):
        """Wait until the device has computed the values."""
        self._ctx._backend.synchronize(self._ctx.device_id)

    wait_to_write = wait_to_read

    def as_nd_ndarray(self):
        """Return the array itself."""
        return self

    def __reduce__(self):
        return _unpickle, (self.asnumpy(), self._ctx)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        new = self.copy().detach()
        if self._leaf is not None:
            new.attach_grad(self._leaf.request)
        return new

    # ---- shape -----------------------------------------------------------------------------------------------------------

    def reshape(self, *shape, **kwargs):
        """Return the array in another shape over the same memory.

        Parameters
        ----------
        *shape : int or tuple of int
            New shape; 0 copies a dimension, -1 infers one, -2 copies the rest, -3 merges two, -4 splits one.
        reverse : bool
            Match the codes from the right.

        Raises
        ------
        MXNetError
            If the sizes don't match.

        References
        ----------
        MXNet 1.9.1 ``NDArray.reshape``.
        """
        if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
            shape = tuple(shape[0])
        elif not shape:
            shape = tuple(kwargs.pop("shape", ()))
        reverse = kwargs.pop("reverse", False)
        if kwargs:
            raise TypeError(f"Got unknown keywords in reshape: {', '.join(kwargs)}. "
                            "Accepted keyword arguments are 'shape' and 'reverse'.")
        if not shape and self._raw.ndim:
            raise ValueError(f"Cannot reshape array of size {self.size} into shape ()")
        target = infer_reshape(self.shape, shape, reverse)
        if _recording() and self._node is not None:
            self._reshaped(target)  # makes the memory one that can be shared
            return self._share(self._call("Reshape", shape=shape, reverse=reverse))
        return self._view(self._reshaped(target))

    def _reshaped(self, target):
        """Return the raw values in another shape, over the same memory."""
        return self._owned().reshape(target)

    def broadcast_to(self, shape):
        """Return the array broadcast to a shape, which may have more axes (0 in it keeps that dimension)."""
        padded = (1,) * (len(shape) - self.ndim) + self.shape
        if len(padded) != len(shape) or any(n not in (1, m) and m != 0 for n, m in zip(padded, shape)):
            raise ValueError("operands could not be broadcast together with remapped shapes[original->remapped]: "
                             f"{self.shape} and requested shape {tuple(shape)}")
        return (self if padded == self.shape else self.reshape(padded))._call("broadcast_to", shape=shape)

    def detach(self):
        """Return an array over the same memory that is no part of any recorded graph."""
        return self._view(self._owned())

    # ---- memory ----------------------------------------------------------------------------------------------------------

    def _assign(self, value):
        """Overwrite every element with an array of the same shape, or a number."""
        if self._node is not None:
            self._refuse_recorded_write()
        raw = raw_on(value, self._ctx) if isinstance(value, NDArray) else value
        self._fill(raw)

    def _fill(self, raw):
        """Overwrite every element with a raw array of this device, or a number."""
        target = self._writable()
        scope = self._ctx._environments[0].scope
        if scope is None:
            target[...] = raw
        else:
            with scope:
                target[...] = raw

    def _copy_to_context(self, ctx):
        if self._node is not None and _recording():
            return self._function("_copyto")(self, target=ctx)
        return NDArray(move(self._raw, self._ctx, ctx), ctx)

    # ---- indexing --------------------------------------------------------------------------------------------------------

    def __getitem__(self, key):
        return indexing.get(self, key)

    def __setitem__(self, key, value):
        indexing.put(self, key, value)

    def __iter__(self):
        for i in range(len(self)):
            yield self[i]

    def __contains__(self, value):
        return bool((self.asnumpy() == value).any())

    # ---- arithmetic ------------------------------------------------------------------------------------------------------

    def _binary(self, kind, other):
        cls = other.__class__
        if cls is NDArray:
            fast = kind.fast
            if fast is not None:
                a, b = self._raw, other._raw
                ctx = self._ctx
                if a.dtype is b.dtype and ctx is other._ctx and a.__class__ is _host_array:
                    try:
                        out = NDArray(fast(a, b), ctx)
                    except ValueError:
                        raise _broadcast_error(kind.arrays, a, b) from None
                    if (self._node is not None or other._node is not None) and _recording():
                        _record(kind.arrays, _NO_ATTRS, ctx, (self, other), out._raw, (out,))
                    return out
            return self._invoke(kind.arrays, (self, other), _NO_ATTRS)
        if cls is float or cls is int:
            a = self._raw
            if kind.fast_scalar is not None and a.__class__ is _host_array and a.dtype.kind == "f":
                out = NDArray(kind.fast_scalar(a, float(other)), self._ctx)
                if self._node is not None and _recording():
                    _record(kind.scalar, {"scalar": float(other), "is_int": False}, self._ctx, (self,), out._raw, (out,))
                return out
        if isinstance(other, (Number, np.generic)):
            return self._invoke(kind.scalar, (self,), {"scalar": float(other), "is_int": False})
        if isinstance(other, NDArray):
            return self._invoke(kind.arrays, (self, other), _NO_ATTRS)
        return self._refuse(other)

    def _reflected(self, kind, other):
        if isinstance(other, (float, int, Number, np.generic)):
            return self._invoke(kind.reflected, (self,), {"scalar": float(other), "is_int": False})
        return self._refuse(other)

    @staticmethod
    def _refuse(other):
        raise TypeError(f"type {public_class(type(other))} not supported")

    def _write_result(self, kind, other):
        self._refuse_recorded_write()
        if _recording() and isinstance(other, NDArray) and other._node is not None:
            raise MXNetError("Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd. "
                             "Write y = y + 1 instead of y += 1, or wrap the assignment in autograd.pause().")
        if isinstance(other, NDArray):
            return self._invoke(kind.arrays, (self, other), _NO_ATTRS, out=self)
        if isinstance(other, Number) or isinstance(other, np.generic):
            return self._invoke(kind.scalar, (self,), {"scalar": float(other), "is_int": False}, out=self)
        return self._refuse(other)

    __iadd__ = _in_place(kinds.ADD)
    __isub__ = _in_place(kinds.SUBTRACT)
    __imul__ = _in_place(kinds.MULTIPLY)
    __itruediv__ = _in_place(kinds.DIVIDE)
    __imod__ = _in_place(kinds.MODULO)

    def _new(self, raw):
        """Return an array on the same context over other raw values."""
        return NDArray(raw, self._ctx)

    def _call(self, name, /, *args, **kwargs):
        return self._function(name)(self, *args, **kwargs)


def _broadcast_error(op, a, b):
    return MXNetError(f"operands could not be broadcast together with shapes {list(a.shape)} {list(b.shape)}, "
                      f"in operator {op.name}")


def _unpickle(values, ctx):
    return NDArray(ctx._backend.from_host(values, ctx.device_id), ctx)
