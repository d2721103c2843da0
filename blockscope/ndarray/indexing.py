"""Reading and writing parts of an NDArray by Python's brackets.

Basic keys (integers, slices, None, Ellipsis) give a view over the same memory where the part is contiguous, as in MXNet;
advanced keys (arrays, lists) give a copy.  An integer for every axis gives an array of shape (1,).
"""

from numbers import Number

import numpy as np

from ..errors import MXNetError, public_class
from ..naming import ambient
from ..ops import registry
from .memory import raw_on


def _is_basic(part):
    return part.__class__ is int or part.__class__ is slice or part is None or part is Ellipsis \
        or isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_))


def _index_array(x, part):
    """Return an index as a raw integer (or boolean) array on the device of `x`."""
    if hasattr(part, "_raw"):
        raw = raw_on(part, x._ctx)
    elif isinstance(part, (list, tuple, range, np.ndarray)):
        host = np.asarray(part)
        if host.dtype.kind not in "iubf":
            raise _bad_part(part)
        raw = x._ctx._backend.from_host(host, x._ctx.device_id)
    elif type(part) is x._ctx._backend.array_type():
        raw = part
    else:
        raise _bad_part(part)
    return raw.astype("int64") if raw.dtype.kind == "f" else raw


def _bad_part(part):
    return ValueError(f"NDArray does not support slicing with key {part} of type {type(part)}.")


def _bad_key(x, key, error):
    """Return the error for a key that the array module refused, in MXNet's words."""
    parts = key if key.__class__ is tuple else (key,)
    if sum(part is Ellipsis for part in parts) > 1:
        return IndexError("Cannot use more than one ellipsis (`...`) for indexing")
    count = sum(part is not None and part is not Ellipsis for part in parts)
    if count > x._raw.ndim:
        return IndexError(f"too many indices ({count}) for array with {x._raw.ndim} dimensions")
    return error


def _split_key(x, key):
    """Return ``(basic, key)`` with every part in the form the array module takes."""
    parts = key if key.__class__ is tuple else (key,)
    basic = True
    for part in parts:
        if not _is_basic(part):
            basic = False
    if basic:
        return True, key
    parts = tuple([part if _is_basic(part) else _index_array(x, part) for part in parts])
    return False, parts


def get(x, key):
    """Return ``x[key]``."""
    scope = x._ctx._environments[0].scope
    try:
        if scope is None:
            return _get(x, key)
        with scope:
            return _get(x, key)
    except IndexError as error:
        raise _bad_key(x, key, error) from None


def _get(x, key):
    if x._raw.ndim == 0 and key != ():
        raise IndexError("scalar NDArray can only be indexed by ()")
    basic, key = _split_key(x, key)
    if x._node is not None and ambient.recording():
        if basic:
            x._owned()
            return x._share(x._invoke(_basic, (x,), {"key": key}))
        return x._invoke(_advanced, (x,), {"key": key})
    if not basic:
        result = x._raw[key]
        return x._new(result)
    raw = x._owned()[key]
    if raw.ndim == 0:
        raw = x._owned()[_whole(key, x._raw.ndim)].reshape((1,))
    if raw.flags.c_contiguous:
        return x._view(raw)
    return x._new(raw.copy())


def _whole(key, ndim):
    """Return a key of integers with the last one as a slice of one, so that indexing gives a view and no scalar."""
    parts = [p for p in (key if key.__class__ is tuple else (key,)) if p is not Ellipsis]
    last = parts[-1]
    parts[-1] = slice(last, last + 1 if last != -1 else None)
    return tuple(parts)


def put(x, key, value):
    """Do ``x[key] = value``."""
    x._refuse_recorded_write()
    if ambient.recording() and getattr(value, "_node", None) is not None:
        raise MXNetError("Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd. Build the "
                         "array with nd.concat, nd.stack or nd.where, or assign under autograd.pause().")
    with x._ctx._use():
        basic, key = _split_key(x, key)
        target, value = x._writable(), _value(x, value)
        if basic and getattr(value, "ndim", 0) and target[key].ndim == 0:
            key = _whole(key, target.ndim)  # one element takes an array of one
        target[key] = value


def _value(x, value):
    backend = x._ctx._backend
    if hasattr(value, "_raw"):
        raw = raw_on(value, x._ctx)
    elif isinstance(value, (Number, np.generic)):
        if x._raw.dtype.kind in "iu" and isinstance(value, int):  # numbers beyond the type wrap around, as in C
            return np.array(value).astype(x._raw.dtype).item()
        return value
    elif type(value) is backend.array_type():
        raw = value
    else:
        host = np.asarray(value)
        if host.dtype.kind not in "iubf":
            raise TypeError(f"{public_class(type(x))} does not support assignment with non-array-like object {value} of type "
                            f"{type(value)}")
        raw = backend.from_host(host, x._ctx.device_id)
    return raw if raw.dtype == x._raw.dtype else raw.astype(x._raw.dtype)


class _Key:
    """The attribute kind of a key: any Python index."""

    name = "key"

    @staticmethod
    def parse(value):
        return value

    text = staticmethod(repr)


def _at_least_one_axis(raw):
    return raw.reshape((1,)) if raw.ndim == 0 else raw


def _get_basic(env, data, *, key: int):
    raw = data[key]
    return raw if raw.ndim else data[_whole(key, data.ndim)]


def _get_advanced(env, data, *, key: int):
    return _at_least_one_axis(data[key])


def _put_gradient(env, dy, *, key: int, shape: int, repeated: int):
    """Put a gradient back where the key took the values from."""
    total = env.xp.zeros(shape, dy.dtype)
    if repeated:
        env.add_at(total, key, dy.reshape(_part_shape(total, key)))
    else:
        total[key] = dy.reshape(_part_shape(total, key))
    return total


def _part_shape(total, key):
    return total[key].shape


def _internal(name, forward):
    op = registry.Operator(name, forward)
    for attribute in op.attributes.values():
        attribute.kind = _Key()
    return registry.add(op)


_basic = _internal("_basic_index", _get_basic)
_basic.aliasing = True
_advanced = _internal("_advanced_index", _get_advanced)
_scatter = _internal("_put_gradient", _put_gradient)


@_basic.gradient
def _(F, dy, _y, _data, *, key):
    return (lambda: F._put_gradient(dy, key=key, shape=_data.shape, repeated=False),)


@_advanced.gradient
def _(F, dy, _y, _data, *, key):
    return (lambda: F._put_gradient(dy, key=key, shape=_data.shape, repeated=True),)


@_scatter.gradient
def _(F, dy, _y, _data, *, key, shape, repeated):
    pick = F._advanced_index if repeated else F._basic_index
    return (lambda: pick(dy, key=key).reshape(_data.shape),)
