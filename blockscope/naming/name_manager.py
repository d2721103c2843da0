"""Names for symbols and top-level blocks: `NameManager` and `Prefix`.

References
----------
MXNet 1.9.1, `mxnet.name`. A manager may be entered again while it is entered; MXNet then never leaves it.
"""
import threading

from . import ambient
from .counters import draw
from .current import Current, CurrentProperty

__all__ = ['LazyManager', 'NameManager', 'Prefix', 'numbered']

_stack = ambient.stack('name_manager')


def numbered(hint, number):
    """Return the automatic name of a hint: `('relu', 0)` gives `relu0`. Hint and number run together, as in MXNet."""
    return f'{hint}{number}'


class NameManager(metaclass=CurrentProperty):
    """Give names to what has none: the hint and a counter per hint.

    Examples
    --------
    >>> names = NameManager()
    >>> names.get('mine', 'relu'), names.get(None, 'relu'), names.get(None, 'relu')
    ('mine', 'relu0', 'relu1')
    """

    _scope_class = 'NameManager'
    _current: Current

    def __init__(self):
        self._counter = {}

    def get(self, name, hint):
        """Return `name`, or the next automatic name of `hint` where there is none (None or '').

        Parameters
        ----------
        name : str or None
            What the user asked for.
        hint : str
            The kind of thing to be named.

        Returns
        -------
        str
        """
        return name if name else numbered(hint, draw(self._counter, hint))

    def __enter__(self):
        _stack.push(self)
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        if _stack.leave(self) is None:
            raise AssertionError  # left without being entered; MXNet raises the same, without a text

    @classmethod
    def _assign_current(cls, manager):
        _stack.assign(manager)


class Prefix(NameManager):
    """Put a prefix before every name, the names that the user gives included.

    Parameters
    ----------
    prefix : str
        What every name starts with.

    Examples
    --------
    >>> names = Prefix('net_')
    >>> names.get('mine', 'relu'), names.get(None, 'relu')
    ('net_mine', 'net_relu0')
    """

    def __init__(self, prefix):
        super().__init__()
        self._prefix = prefix

    def get(self, name, hint):
        """Return the prefix and the name that `NameManager.get` gives."""
        return self._prefix + super().get(name, hint)


class _ThreadDefault(threading.local):
    """The manager of a thread while none is entered; its counters start at zero in each thread, as in MXNet."""

    def __init__(self):
        self.manager = NameManager()


class LazyManager:
    """Stands for a manager that is made when somebody asks for a name: most block scopes never see a symbol.

    Subclasses define `make_manager`.
    """

    __slots__ = ('_manager',)

    def __init__(self):
        self._manager = None

    def manager(self):
        """Return the manager, the same one every time."""
        if self._manager is None:
            self._manager = self.make_manager()
        return self._manager

    def make_manager(self):
        """Return a new manager."""
        raise NotImplementedError


class _CurrentManager(Current):
    """The current name manager."""

    __slots__ = ()

    @property
    def value(self):
        """The innermost manager that is entered, or the thread's own one."""
        found = self._stack.top()
        if found is None:
            return self._default()
        return found.manager() if isinstance(found, LazyManager) else found

    @value.setter
    def value(self, manager):
        self._stack.assign(manager)


_default = _ThreadDefault()
NameManager._current = _CurrentManager(_stack, lambda: _default.manager)
