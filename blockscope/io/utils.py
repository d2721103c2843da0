"""Sources of an `NDArrayIter`: brought into one form, and put in another order."""
import sys

import numpy as np

from ..errors import MXNetError, public_class
from ..ndarray import NDArray, array, take

__all__ = ["_getdata_by_idx", "_has_instance", "_init_data", "is_h5py"]


def is_h5py(value):
    """Return whether `value` is a data set in an HDF5 file, without importing h5py for programs that don't use it.

    Examples
    --------
    >>> is_h5py([1, 2])
    False
    """
    h5py = sys.modules.get("h5py")
    return h5py is not None and isinstance(value, h5py.Dataset)


def _init_data(data, allow_empty, default_name):
    """Return an array, a list of arrays or a dictionary of arrays as pairs of name and array, sorted by name.

    Parameters
    ----------
    data : NDArray, numpy.ndarray, h5py.Dataset, list, dict or None
        The source. Names are the keys of a dictionary; else `default_name`, numbered when there are several arrays.
    allow_empty : bool
        Whether None or an empty list may be given.
    default_name : str
        Name of what has none.

    Examples
    --------
    >>> import numpy as np
    >>> [name for name, _ in _init_data([np.ones(2), np.zeros(2)], False, 'data')]
    ['_0_data', '_1_data']
    """
    if data is None:
        data = []
    if isinstance(data, (np.ndarray, NDArray)) or is_h5py(data):
        data = [data]
    if not isinstance(data, (list, dict)):
        raise TypeError("Input must be NDArray, numpy.ndarray, h5py.Dataset a list of them or dict with them as values")
    if not data and not (allow_empty and isinstance(data, list)):
        raise AssertionError("NDArrayIter: data must be an array, a list of arrays or a dictionary of arrays, but it is empty")
    if isinstance(data, list):
        single = len(data) == 1
        data = {default_name if single else f"_{number}_{default_name}": values for number, values in enumerate(data)}
    return sorted(((name, _as_source(name, values)) for name, values in data.items()), key=lambda pair: pair[0])


def _as_source(name, values):
    if isinstance(values, NDArray) or is_h5py(values):
        return values
    if hasattr(values, "tocsr"):
        raise MXNetError(f"NDArrayIter: {name} is a sparse matrix, and sparse arrays are not available in blockscope yet; give "
                         f"{name}.toarray()")
    try:
        return array(values)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Invalid type '{public_class(type(values))}' for {name}, should be NDArray, numpy.ndarray or "
                        "h5py.Dataset") from error


def _has_instance(data, dtype):
    """Return whether one of the pairs of name and array holds an instance of `dtype`."""
    return any(isinstance(values, dtype) for _, values in data)


def _getdata_by_idx(data, idx, axis=0):
    """Return pairs of name and array with samples in the order of `idx`, as float32; HDF5 data sets stay as they are."""
    return [(name, values if is_h5py(values) else
             take(values, array(idx, ctx=values.context, dtype=np.int64), axis=axis).astype(np.float32, copy=False))
            for name, values in data]
