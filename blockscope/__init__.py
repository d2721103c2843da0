"""blockscope: the living Gluon 1.x on NumPy and CuPy.

``import blockscope as mx`` runs Gluon code; after ``blockscope.as_mxnet()``, ``import mxnet`` does too.  Submodules that a program
may not need (gluon, optimizer, metric, ...) are imported when they are first named.

Examples
--------
>>> import blockscope as mx
>>> net = mx.gluon.nn.Dense(2, in_units=3)
>>> net.initialize()
>>> net(mx.nd.ones((4, 3))).shape
(4, 2)
"""
import importlib as _importlib
import warnings as _warnings

# MXNet is silent about log(0) or an overflow in float16: the result says so.  Only code of this package is silenced.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"blockscope\.")

from . import attribute, autograd, base, context, errors, name, ndarray  # noqa: E402
from . import ndarray as nd  # noqa: E402
from .attribute import AttrScope  # noqa: E402
from .context import Context, cpu, cpu_pinned, current_context, gpu, gpu_memory_info, num_gpus  # noqa: E402
from .errors import MXNetError  # noqa: E402
from .mxnet import as_mxnet  # noqa: E402

# The MXNet version whose names, messages and files these are: programs ask for it.  The release of blockscope itself is
# importlib.metadata.version("blockscope-gluon").
__version__ = "1.9.1"

_SUBMODULES = {
    "executor": "executor", "gluon": "gluon", "init": "initializer", "initializer": "initializer", "io": "io", "kv": "kvstore",
    "kvstore": "kvstore",
    "lr_scheduler": "lr_scheduler", "metric": "metric", "mon": "monitor", "monitor": "monitor", "operator": "operator",
    "optimizer": "optimizer", "npx": "numpy_extension", "numpy_extension": "numpy_extension", "random": "random", "registry": "registry",
    "rnd": "random", "sym": "symbol", "symbol": "symbol", "test_utils": "test_utils", "util": "util",
    "visualization": "visualization", "viz": "viz",
}
_FROM_UTIL = ("is_np_array", "is_np_shape", "np_shape", "set_np_shape", "use_np_shape")
# What MXNet has and blockscope has not: the error for naming one says what it belongs to, and so waits for.
_ABSENT = {
    **dict.fromkeys(("callback", "executor_manager", "mod", "model", "module"), "the Module front end"),
    **dict.fromkeys(("np", "np_array", "numpy", "use_np", "use_np_array"), "the NumPy front end, mx.np"),
    **dict.fromkeys(("image", "img"), "reading and augmenting images"),
    "contrib": "mixed precision, quantization, ONNX and text; operators are in nd.contrib and sym.contrib, layers in gluon.contrib",
    "onnx": "ONNX files",
    "profiler": "the profiler",
    "recordio": "RecordIO files",
    "rnn": "the Module front end's cells; gluon.rnn has cells that take symbols",
    "runtime": "the list of features",
}


def __getattr__(key):
    if key in _ABSENT:
        raise AttributeError(f"module {__name__!r} has no attribute {key!r}: not part of blockscope yet "
                             f"({_ABSENT[key]})")
    if key in _FROM_UTIL:
        found = getattr(_importlib.import_module(".util", __name__), key)
    elif key in _SUBMODULES:
        found = _importlib.import_module(f".{_SUBMODULES[key]}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {key!r}")
    globals()[key] = found
    return found


def __dir__():
    return sorted({*globals(), *_SUBMODULES, *_FROM_UTIL})
