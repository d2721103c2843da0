"""Contexts, under MXNet's module name."""
from .backend import Context, cpu, cpu_pinned, current_context, gpu, gpu_memory_info, num_gpus

__all__ = ["Context", "cpu", "cpu_pinned", "current_context", "gpu", "gpu_memory_info", "num_gpus"]

Context.__module__ = __name__  # messages and pickles name the public home
