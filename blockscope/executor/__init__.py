"""Trace, plan and run graphs."""
from ..symbol.gradient import gradient
from . import control_flow, differentiation, passes  # the first two say how nodes that hold graphs run
from .binding import bind, evaluate, simple_bind
from .cached_op import CachedOp
from .executor import Executor
from .passes import optimize_for

__all__ = ['CachedOp', 'Executor', 'bind', 'control_flow', 'differentiation', 'evaluate', 'gradient', 'optimize_for', 'passes',
           'simple_bind']
