"""FakeArray: an array on a device that isn't there.

It is no ndarray and holds one where nobody gets at it.  It does what CuPy's arrays do and refuses what they refuse,
and more: a host array anywhere in a computation, also as an index, and an array of another device than the current one.
"""

import threading

import numpy as np

from . import table


class FakeDeviceError(TypeError):
    """Code did something that a device array doesn't do, or should not."""


class Counts:
    """What the host and the device exchanged.

    Attributes
    ----------
    h2d, d2h : int
        Bytes copied to the device and from it.
    syncs : int
        How often the host waited for the device.
    calls : int
        Functions run on the device.
    """

    def __init__(self):
        self.reset()

    def reset(self):
        """Set all counts to zero."""
        self.h2d = self.d2h = self.syncs = self.calls = 0


counts = Counts()


class _Current(threading.local):
    device = 0

    def __init__(self):
        self.before = []


_current = _Current()


class use:
    """Make a device current in this thread; one object may be entered many times, as CuPy's ``Device``."""

    def __init__(self, device_id):
        self._device = device_id

    def __enter__(self):
        _current.before.append(_current.device)
        _current.device = self._device

    def __exit__(self, kind, value, trace):
        _current.device = _current.before.pop()


class Flags:
    """Memory layout of an array, as far as CuPy tells it."""

    __slots__ = ("c_contiguous", "f_contiguous", "owndata")

    def __init__(self, flags):
        self.c_contiguous, self.f_contiguous, self.owndata = flags.c_contiguous, flags.f_contiguous, flags.owndata


class Device:
    """The device of an array, as ``array.device`` gives it."""

    def __init__(self, number):
        self.id = number


class FakeArray:
    """An array in the memory of a fake device."""

    __slots__ = ("__device", "__held", "__weakref__")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, *args, **kwargs):
        raise FakeDeviceError("make device arrays with xp.empty, xp.zeros, xp.array")

    # ---- what may be known without waiting ----

    shape = property(lambda self: self.__held.shape)
    dtype = property(lambda self: self.__held.dtype)
    ndim = property(lambda self: self.__held.ndim)
    size = property(lambda self: self.__held.size)
    nbytes = property(lambda self: self.__held.nbytes)
    itemsize = property(lambda self: self.__held.itemsize)
    strides = property(lambda self: self.__held.strides)
    flags = property(lambda self: Flags(self.__held.flags))
    device = property(lambda self: Device(self.__device))

    @property
    def base(self):
        base = self.__held.base
        return wrap(base, self.__device) if isinstance(base, np.ndarray) else None

    T = property(lambda self: wrap(self.__held.T, self.__device))
    mT = property(lambda self: wrap(self.__held.mT, self.__device))
    real = property(lambda self: wrap(self.__held.real, self.__device))
    imag = property(lambda self: wrap(self.__held.imag, self.__device))

    def __len__(self):
        return len(self.__held)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    # ---- to the host: explicit, and counted ----

    def get(self):
        return download(self)

    def item(self, *args):
        if args:
            raise FakeDeviceError("item() of a device array takes no arguments")
        return download(self).item()

    def tolist(self):
        return download(self).tolist()

    def tobytes(self, order="C"):
        return download(self).tobytes(order)

    def __bool__(self):
        return bool(download(self))

    def __float__(self):
        return float(download(self).item())

    def __int__(self):
        return int(download(self).item())

    def __index__(self):
        return download(self).item().__index__()

    def __complex__(self):
        return complex(download(self).item())

    def __repr__(self):
        return repr(download(self)).replace("array", f"fake({self.__device})", 1)

    def __format__(self, spec):
        return format(download(self), spec)

    # ---- refused ----

    def __array__(self, dtype=None, copy=None):
        raise FakeDeviceError("implicit conversion of a device array to a NumPy array: call ctx._backend.to_host(raw)")

    def __array_function__(self, function, types, args, kwargs):
        raise FakeDeviceError(f"np.{function.__name__} was called with a device array: call env.xp.{function.__name__}")

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        scalar = any(isinstance(a, np.generic) for a in args)
        if method != "__call__" or not scalar or any(isinstance(a, np.ndarray) for a in args):
            raise FakeDeviceError(f"np.{ufunc.__name__} was called with a device array: call env.xp.{ufunc.__name__}")
        return run(ufunc, args, kwargs)  # a NumPy scalar on the left of an operator comes here

    def __dlpack__(self, **options):
        raise BufferError("a fake device exports no memory")

    def __dlpack_device__(self):
        raise BufferError("a fake device exports no memory")

    def __reduce_ex__(self, protocol):
        raise FakeDeviceError("a device array is not pickled implicitly")

    # ---- indexing ----

    def __getitem__(self, key):
        key, masked = _key(self, key)
        if masked:
            counts.syncs += 1
        return _view_or_hold(self, lambda held: held[key])

    def __setitem__(self, key, value):
        held, key, _ = hold(self), *_key(self, key)
        value = _operand(value)
        if isinstance(value, list | tuple):
            raise FakeDeviceError("a list was assigned to a part of a device array")
        counts.calls += 1
        if any(isinstance(part, np.ndarray) and part.dtype.kind in "iu" for part in key):
            _scatter(held, key, value)
        else:
            held[key] = value

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()


def _scatter(held, key, value):
    """Assign so that of equal indices the first one wins: NumPy keeps the last, and CuPy any."""
    places = np.arange(held.size).reshape(held.shape)[key]
    flat = held.ravel(order="C").copy()
    values = np.broadcast_to(np.asarray(value), places.shape)
    flat[places.ravel()[::-1]] = values.ravel()[::-1].astype(held.dtype)
    held[...] = flat.reshape(held.shape)


def wrap(held, device=None):
    """Return a FakeArray around an ndarray (or NumPy scalar)."""
    array = object.__new__(FakeArray)
    array._FakeArray__held = np.asarray(held)
    array._FakeArray__device = _current.device if device is None else device
    return array


def hold(array):
    """Return the ndarray inside, for computing on the current device."""
    if array._FakeArray__device != _current.device:
        raise FakeDeviceError(
            f"an array of fake device {array._FakeArray__device} was used while device {_current.device} is "
            "current: wrap the computation in ctx._backend.use(device_id)"
        )
    return array._FakeArray__held


def _view_or_hold(array, function):
    """Return a function's result: a view needs no current device, anything else is computed on it."""
    held = array._FakeArray__held
    result = function(held)
    if not np.may_share_memory(result, held):
        hold(array)
        counts.calls += 1
    return wrap(result, array._FakeArray__device)


def download(array):
    """Copy to the host: counts the bytes and the wait."""
    held = array._FakeArray__held
    counts.d2h += held.nbytes
    counts.syncs += 1
    return np.array(held, order="C")


def upload(host, device=None):
    """Copy from the host: counts the bytes."""
    if isinstance(host, np.ndarray):
        counts.h2d += host.nbytes
    return wrap(np.array(host, order="C"), device)


def copy_between(array, device):
    """Copy to another fake device, or to the same."""
    return wrap(np.array(array._FakeArray__held, order="C"), device)


def _operand(value):
    """Return an argument with FakeArrays opened; refuse host arrays and foreign objects that hold arrays."""
    if isinstance(value, FakeArray):
        return hold(value)
    if isinstance(value, np.ndarray):
        raise FakeDeviceError(f"a host array of shape {value.shape} was used in a computation on the device")
    if isinstance(value, list | tuple):
        return type(value)([_operand(v) for v in value]) if type(value) in (list, tuple) else value
    if hasattr(value, "_raw"):
        raise FakeDeviceError("an NDArray was used where a raw array belongs")
    return value


def run(function, args, kwargs):
    """Call a NumPy function on the arrays inside, and wrap what it returns."""
    counts.calls += 1
    opened = {k: _operand(v) for k, v in kwargs.items()}
    result = function(*[_operand(a) for a in args], **opened)
    outs = kwargs.get("out")
    if outs is not None:
        return outs[0] if isinstance(outs, tuple) and len(outs) == 1 else outs
    return wrap_result(result, [a for a in args if isinstance(a, FakeArray)])


def wrap_result(result, same=()):
    """Return a result with its arrays on the current device; 0-d arrays in place of scalars."""
    if isinstance(result, np.ndarray | np.generic | bool):
        for array in same:
            if array._FakeArray__held is result:
                return array
        return wrap(result)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*[wrap_result(r) for r in result])
    if isinstance(result, list | tuple):
        return type(result)([wrap_result(r) for r in result])
    return result


def _key(array, key):
    """Return ``(key, masked)``: the key with arrays opened and wrapped into range as on a device."""
    parts = list(key) if isinstance(key, tuple) else [key]
    opened, masked = [], False
    for part in parts:
        if isinstance(part, np.ndarray | list):
            raise FakeDeviceError(f"a host {type(part).__name__} was used as index into a device array")
        opened.append(hold(part) if isinstance(part, FakeArray) else part)
    used = sum(_consumes(part) for part in opened)
    axis, result = 0, []
    for part in opened:
        if part is Ellipsis:
            axis += array.ndim - used
        elif isinstance(part, np.ndarray) and part.dtype.kind in "iu":
            length = array.shape[axis] if axis < array.ndim else 1
            part = part % length if length else part
        elif isinstance(part, np.ndarray) and part.dtype.kind != "b":
            raise IndexError("arrays used as indices must be of integer or boolean type")
        masked = masked or isinstance(part, np.ndarray) and part.dtype.kind == "b"
        axis += _consumes(part)
        result.append(part)
    if not any(part is Ellipsis for part in result):
        result.append(Ellipsis)  # so that a key of integers gives an array of no axes, and no scalar
    return tuple(result), masked


def _consumes(part):
    if part is None or part is Ellipsis or part is True or part is False:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1


def _binary(name, reflected=False):
    function = getattr(np, name)

    def method(self, other):
        if not isinstance(other, FakeArray | np.generic | int | float | complex):
            if isinstance(other, np.ndarray):
                raise FakeDeviceError(f"{name} of a device array and a host array of shape {other.shape}")
            return NotImplemented
        return run(function, (other, self) if reflected else (self, other), {})

    return method


def _in_place(name):
    function = getattr(np, name)

    def method(self, other):
        run(function, (self, other), {"out": self})
        return self

    return method


def _unary(name):
    function = getattr(np, name)

    def method(self):
        return run(function, (self,), {})

    return method


def check_arguments(name, parameters, args, kwargs):
    """Raise if CuPy's function doesn't take these arguments."""
    if parameters is None:
        return
    positional = [p for p in parameters if not p.startswith("*")]
    if len(args) > len(positional) and not any(p.startswith("*") and not p.startswith("**") for p in parameters):
        raise FakeDeviceError(f"CuPy's {name} takes {len(positional)} arguments, but {len(args)} were given")
    wrong = set(kwargs) - set(positional)
    if wrong and not any(p.startswith("**") for p in parameters):
        raise FakeDeviceError(
            f"CuPy's {name} takes no argument {', '.join(sorted(wrong))}: it has {', '.join(positional)}"
        )


def _method(name, parameters):
    function = getattr(np.ndarray, name)

    def method(self, *args, **kwargs):
        check_arguments(f"ndarray.{name}", parameters, args, kwargs)
        if name in ("take", "put"):
            kwargs = {**kwargs, "mode": "wrap"}
        if name in table.WAITING:
            counts.syncs += 1
        if name == "repeat" and any(isinstance(a, FakeArray) for a in (*args, *kwargs.values())):
            raise FakeDeviceError("CuPy's repeat takes its repeats as a number or a list")
        if name in ("sort", "partition"):
            run(function, (self, *args), kwargs)
            return None
        if name in ("reshape", "transpose", "swapaxes", "squeeze", "ravel", "view", "diagonal"):
            return _view_or_hold(self, lambda held: function(held, *args, **kwargs))
        return run(function, (self, *args), kwargs)

    method.__name__ = name
    return method


def _fill_class():
    for name, ufunc in (
        ("add", "add"),
        ("sub", "subtract"),
        ("mul", "multiply"),
        ("truediv", "true_divide"),
        ("floordiv", "floor_divide"),
        ("mod", "remainder"),
        ("pow", "power"),
        ("matmul", "matmul"),
        ("and", "bitwise_and"),
        ("or", "bitwise_or"),
        ("xor", "bitwise_xor"),
        ("lshift", "left_shift"),
        ("rshift", "right_shift"),
    ):
        setattr(FakeArray, f"__{name}__", _binary(ufunc))
        setattr(FakeArray, f"__r{name}__", _binary(ufunc, reflected=True))
        setattr(FakeArray, f"__i{name}__", _in_place(ufunc))
    for name, ufunc in (
        ("eq", "equal"),
        ("ne", "not_equal"),
        ("lt", "less"),
        ("le", "less_equal"),
        ("gt", "greater"),
        ("ge", "greater_equal"),
    ):
        setattr(FakeArray, f"__{name}__", _binary(ufunc))
    for name, ufunc in (("neg", "negative"), ("pos", "positive"), ("abs", "absolute"), ("invert", "invert")):
        setattr(FakeArray, f"__{name}__", _unary(ufunc))
    for name, parameters in table.KINDS["method"].items():
        if name not in FakeArray.__dict__ and name not in ("dump", "dumps", "tofile"):
            setattr(FakeArray, name, _method(name, parameters))


_fill_class()
