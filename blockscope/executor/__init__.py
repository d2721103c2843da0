"""Trace, plan and run graphs."""
from . import control_flow  # says how nodes that hold graphs run
from .binding import bind, evaluate, simple_bind
from .cached_op import CachedOp
from .executor import Executor

__all__ = ['CachedOp', 'Executor', 'bind', 'control_flow', 'evaluate', 'simple_bind']
