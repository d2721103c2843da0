"""Optimizers of ``mx.optimizer.contrib``."""
from ._base import register
from ._others import GroupAdaGrad

__all__ = ["GroupAdaGrad"]

register(GroupAdaGrad)
