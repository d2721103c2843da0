"""Operators written in Python by users: MXNet's ``mx.operator``."""
from .ndarray.custom import CustomOp, CustomOpProp, get_all_registered_operators, register

__all__ = ["CustomOp", "CustomOpProp", "get_all_registered_operators", "register"]
