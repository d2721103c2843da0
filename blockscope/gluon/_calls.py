"""Arguments of a call on a block: nested lists of arrays, and arrays of other packages."""
import numpy as np

from ..backend import Context, backend_of, cpu
from ..errors import MXNetError
from ..ndarray import NDArray
from ..symbol import Symbol

__all__ = ['_flatten', '_gather_contexts', '_regroup', 'as_ndarray', 'has_symbol']


def as_ndarray(value):
    """Return NumPy and CuPy arrays as NDArrays over the same memory, lists and tuples of them likewise, anything else as it is."""
    if isinstance(value, NDArray):
        return value
    if isinstance(value, np.ndarray):
        return NDArray(value, cpu())
    if isinstance(value, (list, tuple)):
        items = [as_ndarray(item) for item in value]
        if all(a is b for a, b in zip(items, value)):
            return value
        return items if isinstance(value, list) else tuple(items)
    number = getattr(getattr(value, 'device', None), 'id', None)
    return value if number is None else _device_array(value, number)


def _device_array(value, number):
    """Return an array of a device's array module as NDArray, anything else as it is."""
    for kind in Context.devstr2type:
        backend = backend_of(kind)
        try:
            found = type(value) is backend.array_type()
        except MXNetError:  # the array module of that kind of device is not installed, so the array can't be one of its
            continue
        if found:
            return NDArray(value, Context(kind, number))
    return value


def _gather_contexts(args):
    """Return the contexts of all arrays in nested lists, each once, in order of appearance."""
    found = {}
    pending = [args]
    while pending:
        item = pending.pop()
        if isinstance(item, NDArray):
            found[item.ctx] = None
        elif isinstance(item, (list, tuple)):
            pending.extend(reversed(item))
    return list(found)


def has_symbol(args):
    """Return whether there is a Symbol in nested lists."""
    if isinstance(args, (list, tuple)):
        return any(has_symbol(item) for item in args)
    return isinstance(args, Symbol)


def _flatten(args, inout_str):
    """Flatten nested lists of arrays, and describe how they were nested.

    Parameters
    ----------
    args : NDArray, Symbol, None or (nested) list of them
    inout_str : str
        'input' or 'output', for the message.

    Returns
    -------
    (list, int or nested list of int)
        The arrays, and a format: 0 for an array, -1 for None, the number of outputs for a symbol that has several.

    Raises
    ------
    ValueError
        For anything else.
    """
    if isinstance(args, NDArray):
        return [args], 0
    if isinstance(args, Symbol):
        return [args], len(args) if len(args) > 1 else 0
    if args is None:
        return [None], -1
    if not isinstance(args, (list, tuple)):
        raise ValueError(f'When hybridized, the input of HybridBlock {inout_str} must be (nested) list of Symbol or NDArray, '
                         f'but got {args} of type {type(args)}')
    flat, formats = [], []
    for item in args:
        arrays, form = _flatten(item, inout_str)
        flat.extend(arrays)
        formats.append(form)
    return flat, formats


def _regroup(args, fmt):
    """Nest a flat list again as `_flatten` described it; every nested list comes back as a list.

    Raises
    ------
    ValueError
        An array where the format says None, or a format that does not exist.
    """
    return _take(args, fmt)[0]


def _take(args, fmt):
    if isinstance(fmt, int):
        if fmt < -1:
            raise ValueError(f'Unsupported encoded format {fmt}.')
        if fmt == 0:
            return args[0], args[1:]
        if fmt == -1:
            if args[0] is not None:
                raise ValueError('We do not support passing types that are not None when the initial HybridBlock has received '
                                 f'NoneType and has been hybridized. Received arg = {args[0]}, fmt = {fmt}.')
            return None, args[1:]
        return args[:fmt], args[fmt:]
    if not isinstance(args, (list, tuple)):
        raise ValueError('When hybridized, the output of HybridBlock must be (nested) list of Symbol or NDArray, '
                         f'but got {args} of type {type(args)}')
    grouped = []
    for form in fmt:
        item, args = _take(args, form)
        grouped.append(item)
    return grouped, args
