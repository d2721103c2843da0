"""The fake device's array module: what CuPy has and no more, from the table in ``cupy14.txt``."""

import types

import numpy as np

from . import table
from .array import (
    FakeArray,
    FakeDeviceError,
    check_arguments,
    counts,
    download,
    run,
    upload,
    wrap,
    wrap_result,
    _operand,
)


class FakeUfunc:
    """A ufunc with CuPy's arguments and methods."""

    def __init__(self, name):
        self.__name__ = name
        self._function = getattr(np, name)
        self.nin = getattr(self._function, "nin", None)
        self.nout = getattr(self._function, "nout", None)

    def __call__(self, *args, **kwargs):
        wrong = set(kwargs) - set(table.UFUNC_KEYWORDS)
        if wrong:
            raise FakeDeviceError(f"CuPy's ufunc {self.__name__} takes no argument {', '.join(sorted(wrong))}")
        if any(isinstance(a, list | tuple) for a in args):
            raise FakeDeviceError(f"CuPy's ufunc {self.__name__} takes no lists")
        if not any(isinstance(a, FakeArray) for a in args):
            raise FakeDeviceError(
                f"xp.{self.__name__} was called without a device array: compute host numbers on the host"
            )
        kwargs = {k: v for k, v in kwargs.items() if v is not None}
        return run(self._function, args, kwargs)

    def _limited(self, method, names):
        if self.__name__ not in names:
            raise FakeDeviceError(f"CuPy has no {self.__name__}.{method}")
        return getattr(self._function, method)

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        return run(
            self._limited("reduce", ("add", "multiply")),
            (array,),
            {"axis": axis, "dtype": dtype, "keepdims": keepdims, **({} if out is None else {"out": out})},
        )

    def accumulate(self, array, axis=0, dtype=None, out=None):
        return run(
            self._limited("accumulate", ("add", "multiply")),
            (array,),
            {"axis": axis, "dtype": dtype, **({} if out is None else {"out": out})},
        )

    def reduceat(self, array, indices, axis=0, dtype=None, out=None):
        return run(self._limited("reduceat", ("add",)), (array, indices), {"axis": axis, "dtype": dtype})

    def outer(self, a, b, **kwargs):
        return run(self._function.outer, (a, b), kwargs)

    def at(self, array, indices, values=None):
        allowed = table.AT_TYPES.get(self.__name__, ())
        if array.dtype.char not in allowed:
            raise FakeDeviceError(f"CuPy has no {self.__name__}.at for {array.dtype}")
        key = indices if isinstance(indices, tuple) else (indices,)
        if any(isinstance(k, np.ndarray | list) for k in key):
            raise FakeDeviceError(f"a host index was given to {self.__name__}.at")
        run(self._function.at, (array, indices, values), {})


def _function(name, parameters, numpy_function, title):
    def call(*args, **kwargs):
        check_arguments(title, parameters, args, kwargs)
        _refuse_host_data(name, args)
        if name in table.WAITING or (name == "where" and len(args) == 1):
            counts.syncs += 1
        if name in table.HOST_RESULTS:
            return numpy_function(*[_operand(a) for a in args], **kwargs)
        kwargs = {table.RENAMED.get(name, {}).get(k, k): v for k, v in kwargs.items() if not (k == "out" and v is None)}
        return run(_SPECIAL.get(name, numpy_function), args, kwargs)

    call.__name__ = name
    return call


def _refuse_host_data(name, args):
    if name == "repeat" and len(args) > 1 and isinstance(args[1], FakeArray):
        raise FakeDeviceError("CuPy's repeat takes its repeats as a number or a list")
    if name == "einsum" or not args or not isinstance(args[0], list | tuple):
        return
    if name not in table.HOST_RESULTS and not any(isinstance(a, FakeArray) for a in args[0]):
        raise FakeDeviceError(f"xp.{name} was given host data; copy it to the device explicitly")


def _take(a, indices, axis=None, out=None):
    return np.take(a, indices, axis=axis, mode="wrap")


def _take_along_axis(a, indices, axis):
    length = a.size if axis is None else a.shape[axis]
    return np.take_along_axis(a, indices % length if length else indices, axis)


def _put_along_axis(arr, indices, values, axis):
    return np.put_along_axis(arr, indices % arr.shape[axis], values, axis)


def _put(a, ind, v, mode="wrap"):
    return np.put(a, ind, v, mode=mode)


def _copyto(dst, src, casting="same_kind", where=None):
    return np.copyto(dst, src, casting=casting, where=True if where is None else where)


def _einsum(*operands, **kwargs):
    wrong = set(kwargs) - set(table.EINSUM_KEYWORDS)
    if wrong:
        raise FakeDeviceError(f"CuPy's einsum takes no argument {', '.join(sorted(wrong))}")
    return np.einsum(*operands, **kwargs)


_SPECIAL = {
    "take": _take,
    "take_along_axis": _take_along_axis,
    "put_along_axis": _put_along_axis,
    "put": _put,
    "copyto": _copyto,
    "einsum": _einsum,
}


def _creation(name, parameters):
    numpy_function = getattr(np, name)

    def call(*args, **kwargs):
        check_arguments(name, parameters, args, kwargs)
        counts.calls += 1
        if any(isinstance(a, np.ndarray) for a in (*args, *kwargs.values())):
            raise FakeDeviceError(f"xp.{name} was given a host array")
        if name == "full" and len(args) > 1 and isinstance(args[1], FakeArray):
            args = (args[0], _operand(args[1]), *args[2:])
        result = numpy_function(*args, **kwargs)
        if name == "empty":
            _spoil(result)
        return wrap_result(result)

    call.__name__ = name
    return call


def _spoil(array):
    """Fill fresh memory with what shows up in results."""
    kind = array.dtype.kind
    array.fill(np.nan if kind in "fc" else True if kind == "b" else np.iinfo(array.dtype).max - 7)


def _empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    result = np.empty_like(_operand(prototype), dtype=dtype, order=order, shape=shape)
    _spoil(result)
    counts.calls += 1
    return wrap(result)


def _upload(name):
    def call(a, dtype=None, order=None, copy=None, ndmin=0, blocking=False):
        if isinstance(a, FakeArray):
            copy = name == "array" if copy is None else copy
            held = _operand(a)
            if not copy and (dtype is None or held.dtype == np.dtype(dtype)):
                return a
            return wrap(np.array(held, dtype=dtype, order=order or "K"))
        if isinstance(a, list | tuple) and any(isinstance(v, FakeArray) for v in a):
            return wrap(np.array(_operand(a), dtype=dtype))
        return upload(np.array(a, dtype=dtype, ndmin=ndmin))

    call.__name__ = name
    return call


def _namespace(kind, source, title):
    module = types.ModuleType(title)
    for name, parameters in table.KINDS[kind].items():
        found = getattr(source, name, None)
        if found is not None:
            setattr(module, name, _function(name, parameters, found, f"{title}.{name}"))
    return module


class FakeModule(types.ModuleType):
    """The module itself: a name that CuPy lacks says so."""

    def __getattr__(self, name):
        if hasattr(np, name):
            raise FakeDeviceError(f"CuPy 14 has no {name}, so env.xp.{name} can't be used in code for both devices")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def make_module():
    """Return the fake device's ``xp``: what CuPy 14 has, as far as the NumPy at hand has it too (it drops names over time)."""
    xp = FakeModule("xp_of_the_fake_device")
    for name in table.KINDS["value"]:
        setattr(xp, name, getattr(np, name))
    for name in table.KINDS["ufunc"]:
        if not hasattr(np, name):
            continue
        if isinstance(getattr(np, name), np.ufunc):
            setattr(xp, name, FakeUfunc(name))
        else:
            setattr(xp, name, _function(name, None, getattr(np, name), name))
    for name, parameters in table.KINDS["function"].items():
        if not hasattr(np, name) or isinstance(getattr(np, name), type):
            continue
        make = _creation if name in table.CREATION else None
        setattr(xp, name, make(name, parameters) if make else _function(name, parameters, getattr(np, name), name))
    for name in table.UPLOADS:
        setattr(xp, name, _upload(name))
    for name in ("matmul",):
        setattr(xp, name, FakeUfunc(name))
    xp.empty_like = _empty_like
    xp.finfo, xp.iinfo, xp.dtype, xp.ndarray, xp.asnumpy = np.finfo, np.iinfo, np.dtype, FakeArray, download
    xp.linalg = _namespace("linalg", np.linalg, "linalg")
    xp.lib = types.ModuleType("lib")
    xp.lib.stride_tricks = _namespace("stride_tricks", np.lib.stride_tricks, "lib.stride_tricks")
    return xp


def make_namespace(kind, source):
    """Return the device's twin of a SciPy module: 'special' or 'slinalg'."""
    return _namespace(kind, source, kind)
