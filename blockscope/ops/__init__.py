"""Operators: one definition each, one file per family, over raw arrays of any array module.

Importing this package fills the registry.
"""
from . import arithmetic, creation, reduce, registry, shape, unary  # noqa: F401
from .registry import Operator, get, operators

__all__ = ["Operator", "get", "operators"]
