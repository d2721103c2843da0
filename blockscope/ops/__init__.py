"""Operators: one definition each, one file per family, over raw arrays of any array module.

Importing this package fills the registry.
"""
from . import control_flow, custom, graph_gradient  # noqa: F401
from . import activation, boxes, convolution, ctc, dense, detection, dropout, loss_output, normalization  # noqa: F401
from . import pooling, resize, softmax  # noqa: F401
from . import indexing, joining, linalg, linear, ordering, random_ops, sequence, slicing  # noqa: F401
from . import arithmetic, casting, creation, reduce, registry, rnn, shape, unary  # noqa: F401
from . import optimizer_ops  # noqa: F401
from .registry import Operator, get, operators

__all__ = ["Operator", "get", "operators"]
