"""mx.nd.save and mx.nd.load: dicts and lists of arrays in files that MXNet 1.x reads and writes."""

import os

from ..backend import cpu
from ..errors import FormatError, MXNetError
from ..formats import params
from .array import NDArray
from .np_shape import is_np_shape


def save(fname, data):
    """Save arrays to a file, atomically, in the format of MXNet 1.9.1.

    Parameters
    ----------
    fname : str or os.PathLike
        The file.
    data : NDArray, list of NDArray, or dict of str to NDArray
        What to save.

    Raises
    ------
    ValueError, TypeError
        If `data` is something else; no file is written then.
    MXNetError
        If the file cannot be written.
    """
    if isinstance(data, NDArray):
        data = [data]
    if isinstance(data, dict):
        names, arrays = list(data), list(data.values())
        if not all(isinstance(n, str) for n in names) or not all(isinstance(a, NDArray) for a in arrays):
            raise TypeError("save only accept dict str->NDArray or list of NDArray")
    elif isinstance(data, (list, tuple)):
        names, arrays = None, list(data)
        if not all(isinstance(a, NDArray) for a in arrays):
            raise TypeError("save only accept dict str->NDArray or list of NDArray")
    else:
        raise ValueError("data needs to either be a NDArray, dict of str, NDArray pairs or a list of NDarrays.")
    try:
        if names is None:
            params.save(fname, [_record(a) for a in arrays])
        else:
            params.save(fname, (_record(a) for a in arrays), names)
    except OSError as error:
        raise MXNetError(str(error)) from error


def _record(array):
    """Return an array with the device it lives on, as the file notes it."""
    ctx = array.context
    return params.Record(array.shape, array.asnumpy(), device=(ctx.device_typeid, ctx.device_id))


def _contents(names, records, name):
    try:
        for i, record in enumerate(records):
            if record.version == 3 and not is_np_shape() and not (record.shape and all(n > 0 for n in record.shape)):
                raise FormatError(f"{name}: array {i if names is None else names[i]!r} of shape {record.shape} was saved in np "
                                  "shape semantics (an array of no axes or no elements), must be loaded in the same semantics: call "
                                  "mx.util.set_np_shape(True) first")
        values = params.dense_arrays(names, records, name)
    except FormatError as error:
        raise MXNetError(str(error)) from error
    arrays = [NDArray(v, cpu()) for v in values]
    return arrays if not names else dict(zip(names, arrays))


def load(fname):
    """Load the arrays of a file that `save`, MXNet 1.x or `save_parameters` wrote.

    Parameters
    ----------
    fname : str or os.PathLike
        The file.

    Returns
    -------
    list of NDArray or dict of str to NDArray
        On the CPU, wherever the arrays lived when they were saved.

    Raises
    ------
    MXNetError
        If the file can't be opened, is damaged, is of another format, or holds sparse arrays.
    """
    try:
        names, records = params.load(fname)
    except (FormatError, OSError) as error:
        raise MXNetError(str(error)) from error
    return _contents(names, records, os.fsdecode(fname))


def load_frombuffer(buf):
    """Load the arrays of a file's bytes; see `load`."""
    if not isinstance(buf, (bytes, bytearray, memoryview)):
        raise TypeError("buf required to be a bytes-like object")
    try:
        names, records = params.loads(bytes(buf))
    except FormatError as error:
        raise MXNetError(str(error)) from error
    return _contents(names, records, "<buffer>")
