"""Optimizers: how weights follow their gradients (``mx.optimizer``).

Each optimizer is one update rule of `ops._update_kernels`, which the operators ``nd.sgd_update`` and so on share.  `Updater` keeps
the states; ``gluon.Trainer`` calls it with all parameters of a context at once.
"""
from . import contrib, optimizer
from .optimizer import *
from .optimizer import __all__ as _names

__all__ = [*_names, "contrib", "optimizer"]
