"""Attributes for all symbols made in a scope.

References
----------
MXNet 1.9.1, `mxnet.attribute`. There, entering a scope writes the attributes of the outer scope into it for good; here a scope keeps
its own attributes, and what is current is a merged copy.
"""
import copy
import threading

from . import ambient
from .current import Current, CurrentProperty, _warn_deprecated

__all__ = ['AttrScope']

_stack = ambient.stack('attr_scope')


class AttrScope(metaclass=CurrentProperty):
    """Give attributes to every symbol made inside; inner scopes add to outer ones and win over them.

    Parameters
    ----------
    **kwargs : str
        The attributes.

    Raises
    ------
    ValueError
        An attribute is no string.

    Examples
    --------
    >>> with AttrScope(ctx_group='dev1', __mood__='calm'):
    ...     with AttrScope(__mood__='angry'):
    ...         AttrScope._current.value.get({'own': '1'})
    {'ctx_group': 'dev1', '__mood__': 'angry', 'own': '1'}
    """

    _scope_class = 'AttrScope'
    _current: Current
    _subgraph_names: dict = {}  # how many bodies of control flow have each name, in the whole process

    def __init__(self, **kwargs):
        for value in kwargs.values():
            if not isinstance(value, str):
                raise ValueError('Attributes need to be string')
        self._attr = kwargs

    def get(self, attr):
        """Return the attributes of a symbol: those of the scope, overwritten by its own (`attr`, a dict or None)."""
        if not self._attr:
            return attr if attr else {}
        merged = self._attr.copy()
        if attr:
            merged.update(attr)
        return merged

    def __enter__(self):
        outer = AttrScope._current.value._attr
        if not outer:
            _stack.push(self)
            return self
        merged = copy.copy(self)
        merged._attr = {**outer, **self._attr}
        merged.scope = self
        _stack.push(merged)
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        if _stack.leave(self) is None:
            raise AssertionError  # left without being entered; MXNet raises the same, without a text

    @classmethod
    def _assign_current(cls, scope):
        _warn_deprecated('AttrScope')
        _stack.assign(scope)


class _ThreadDefault(threading.local):
    """The scope without attributes that is current in a thread while none is entered."""

    def __init__(self):
        self.scope = AttrScope()


_default = _ThreadDefault()
AttrScope._current = Current(_stack, lambda: _default.scope)
