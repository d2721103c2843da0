"""The living Gluon 1.x on NumPy and CuPy."""
import warnings as _warnings

from . import autograd, context, ndarray
from . import ndarray as nd
from .context import Context, cpu, cpu_pinned, current_context, gpu, num_gpus
from .errors import MXNetError

__version__ = "0.1.0"
