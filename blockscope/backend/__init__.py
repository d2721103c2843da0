"""Contexts, array modules by context, random state, and the kernels that an array module alone can't do well.

The only folder that knows cupy exists.  A `Backend` says how one kind of device makes, moves and computes arrays;
a `Context` names a device of that kind; an `Environment` is what an operator is handed for one call.
"""
from .base import Backend, Environment, backend_of, register_backend
from .context import Context, cpu, cpu_pinned, current_context, gpu, gpu_memory_info, known_contexts, num_gpus
from .numpy_backend import NumpyBackend

__all__ = ["Backend", "Context", "Environment", "NumpyBackend", "backend_of", "cpu", "cpu_pinned", "current_context",
           "gpu", "gpu_memory_info", "known_contexts", "num_gpus", "register_backend"]
