"""What CuPy 14 has: ``cupy14.txt`` as dictionaries."""

import pathlib

_FILE = pathlib.Path(__file__).with_name("cupy14.txt")


def _read():
    kinds = {}
    for line in _FILE.read_text().splitlines():
        if not line.startswith("#"):
            kind, name, *parameters = line.split()
            kinds.setdefault(kind, {})[name] = (
                None if "..." in parameters else tuple(p for p in parameters if p != "self")
            )
    return kinds


KINDS = _read()

# Functions that read the host's values: an explicit copy to the device.
UPLOADS = frozenset({"array", "asarray", "asanyarray"})
# Functions of no arrays: their arguments are host numbers.
CREATION = frozenset(
    {
        "arange",
        "empty",
        "eye",
        "full",
        "identity",
        "indices",
        "linspace",
        "logspace",
        "ones",
        "tri",
        "zeros",
        "tril_indices",
        "triu_indices",
        "diag_indices",
        "bartlett",
        "blackman",
        "hamming",
        "hanning",
        "kaiser",
    }
)
# Functions whose result is known on the host.
HOST_RESULTS = frozenset(
    {
        "ndim",
        "shape",
        "size",
        "result_type",
        "can_cast",
        "promote_types",
        "finfo",
        "iinfo",
        "issubdtype",
        "isscalar",
        "min_scalar_type",
        "iscomplexobj",
        "isrealobj",
        "isfortran",
        "broadcast_shapes",
        "may_share_memory",
        "shares_memory",
        "isdtype",
        "typename",
        "common_type",
        "dtype",
    }
)
# Functions whose result's shape depends on values, so that the host has to wait.
WAITING = frozenset(
    {
        "nonzero",
        "argwhere",
        "flatnonzero",
        "unique",
        "unique_all",
        "unique_counts",
        "unique_inverse",
        "unique_values",
        "compress",
        "extract",
        "bincount",
        "union1d",
        "intersect1d",
        "setdiff1d",
        "setxor1d",
        "trim_zeros",
        "array_repr",
        "array_str",
        "array2string",
    }
)
# What CuPy calls an argument, and what NumPy calls it.
RENAMED = {"reshape": {"newshape": "shape"}}
# Types that ufunc.at takes on the device.
AT_TYPES = {
    "add": ("i", "l", "q", "I", "L", "Q", "e", "f", "d"),
    "subtract": ("i", "I"),
    "maximum": ("i", "l", "q", "I", "L", "Q", "f", "d"),
    "minimum": ("i", "l", "q", "I", "L", "Q", "f", "d"),
}
UFUNC_KEYWORDS = ("out", "dtype", "casting")
EINSUM_KEYWORDS = ("out", "dtype", "optimize")
