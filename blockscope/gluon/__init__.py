"""Gluon: blocks, parameters, layers, losses, the trainer, data and the model zoo.

``data``, ``loss``, ``model_zoo``, ``nn``, ``rnn``, ``utils`` and ``Trainer`` are imported when they are first named.
"""
import importlib as _importlib

from . import block, parameter
from ._text import absent as _absent
from .block import Block, HybridBlock, SymbolBlock
from .parameter import Constant, DeferredInitializationError, Parameter, ParameterDict

_SUBMODULES = ("contrib", "data", "loss", "model_zoo", "nn", "rnn", "trainer", "utils")
__all__ = ["Block", "Constant", "DeferredInitializationError", "HybridBlock", "Parameter", "ParameterDict", "SymbolBlock", "Trainer",
           "block", "parameter", *_SUBMODULES]


def __getattr__(name):
    if name == "Trainer":
        found = __getattr__("trainer").Trainer
    elif name in _SUBMODULES:
        found = _importlib.import_module(f".{name}", __name__)
    else:
        raise _absent(__name__, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted({*globals(), *__all__})
