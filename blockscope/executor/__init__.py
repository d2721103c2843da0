"""Trace, plan and run graphs."""
from .cached_op import CachedOp

__all__ = ['CachedOp']
