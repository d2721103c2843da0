"""The namespaces of operator functions, for arrays and symbols alike: `_linalg_gemm2` is `nd.linalg.gemm2` and `sym.linalg.gemm2`."""

import sys
import types

from .errors import public_module
from .ops import registry

__all__ = ["Namespace", "find", "names", "no_operator"]

# How each namespace spells an operator's registered name.
_PREFIXES = {"": ("",), "op": ("",), "_internal": ("",), "linalg": ("_linalg_",), "contrib": ("_contrib_",),
             "image": ("_image_",), "sparse": ("_sparse_", "")}


def find(make, kind, name):
    """Return the function called `name` in a namespace, or None.

    Parameters
    ----------
    make : callable
        Gives the function of a registered name (`ndarray.dispatch.function`, `symbol.functions.function`).
    kind : str
        Which namespace; '' is the front end's own.
    name : str
    """
    if name.startswith("__") or (name.startswith("_") and kind not in ("_internal", "op", "")):
        return None
    for prefix in _PREFIXES[kind]:
        if prefix + name in registry.operators:
            return make(prefix + name)
    return None


def names(kind):
    """Return the names of all functions of a namespace."""
    prefix = _PREFIXES[kind][0]
    return [n[len(prefix):] for n in registry.operators if n.startswith(prefix) and (prefix or not n.startswith("_"))]


def no_operator(module, name):
    """Return the error of a name that a namespace does not have."""
    error = AttributeError(f"module {public_module(module)!r} has no attribute {name!r}")
    error.add_note("there is no such operator in blockscope")
    return error


class Namespace(types.ModuleType):
    """A module whose attributes are the operator functions of one kind."""

    def __init__(self, full_name, kind, make):
        super().__init__(full_name, f"Operator functions of the {kind} namespace.")
        self._kind = kind
        self._make = make
        self.__path__ = []
        sys.modules[full_name] = self

    def add(self, **functions):
        """Put functions that are no operators into the namespace."""
        self.__dict__.update(functions)

    def __getattr__(self, name):
        found = find(self._make, self._kind, name)
        if found is None:
            raise no_operator(self.__name__, name)
        setattr(self, name, found)
        return found

    def __dir__(self):
        return sorted(set(self.__dict__) | set(names(self._kind)))
