"""NDArrays and one function per operator: what users know as ``mx.nd``.

Functions come from the operator registry when they are first asked for: ``nd.relu``, ``nd.contrib.box_nms``,
``nd.linalg.gemm2``, ``nd._internal._plus``.
"""
from .. import _namespaces
from .. import ops as _ops  # fills the registry
from . import control_flow, creation, dispatch, elementwise, moving, ndarray, sparse_errors
from .array import NDArray
from .composite import histogram, split_v2
from .creation import (arange, array, concatenate, empty, eye, from_dlpack, from_numpy, full, linspace, moveaxis, ones,
                       onehot_encode, to_dlpack_for_read, to_dlpack_for_write, waitall, zeros)
from .custom import custom as Custom
from .elementwise import (add, divide, equal, greater, greater_equal, lesser, lesser_equal, logical_and,
                          logical_or, logical_xor, maximum, minimum, modulo, multiply, not_equal, power, subtract,
                          true_divide)
from .files import load, load_frombuffer, save

_internal = _namespaces.Namespace(__name__ + "._internal", "_internal", dispatch.function)
op = _namespaces.Namespace(__name__ + ".op", "op", dispatch.function)
linalg = _namespaces.Namespace(__name__ + ".linalg", "linalg", dispatch.function)
contrib = _namespaces.Namespace(__name__ + ".contrib", "contrib", dispatch.function)
image = _namespaces.Namespace(__name__ + ".image", "image", dispatch.function)
sparse = _namespaces.Namespace(__name__ + ".sparse", "sparse", dispatch.function)

contrib.add(foreach=control_flow.foreach, while_loop=control_flow.while_loop, cond=control_flow.cond,
            isnan=elementwise.isnan, isinf=elementwise.isinf, isfinite=elementwise.isfinite)
sparse.add(csr_matrix=sparse_errors.csr_matrix, row_sparse_array=sparse_errors.row_sparse_array, array=sparse_errors.array,
           zeros=zeros, empty=empty)

from . import random  # noqa: E402  (uses the functions above)

contrib.add(rand_zipfian=random.rand_zipfian)


def __getattr__(name):
    found = _namespaces.find(dispatch.function, "", name)
    if found is None:
        raise _namespaces.no_operator(__name__, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted(set(globals()) | set(_namespaces.names("")))
