"""The array class, under MXNet's module name."""
from .array import NDArray
from .creation import (arange, array, concatenate, empty, eye, from_dlpack, from_numpy, full, linspace, moveaxis, ones,
                       onehot_encode, to_dlpack_for_read, to_dlpack_for_write, waitall, zeros)
from .elementwise import (add, divide, equal, greater, greater_equal, lesser, lesser_equal, logical_and, logical_or, logical_xor,
                          maximum, minimum, modulo, multiply, not_equal, power, subtract, true_divide)

__all__ = ["NDArray", "add", "arange", "array", "concatenate", "divide", "empty", "equal", "eye", "from_dlpack", "from_numpy", "full",
           "greater", "greater_equal", "lesser", "lesser_equal", "linspace", "logical_and", "logical_or", "logical_xor", "maximum",
           "minimum", "modulo", "moveaxis", "multiply", "not_equal", "ones", "onehot_encode", "power", "subtract",
           "to_dlpack_for_read", "to_dlpack_for_write", "true_divide", "waitall", "zeros"]

NDArray.__module__ = __name__  # messages and pickles name the public home
