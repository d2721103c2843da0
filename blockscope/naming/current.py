"""The face that MXNet's scope classes show: a class property `current` and a class attribute `_current` with a `value`.

MXNet keeps the current scope in `threading.local()` objects, and programs read and write their `value`. Here the value is the top of
an ambient stack, so that it follows asyncio tasks as well.
"""
import warnings

__all__ = ['Current', 'CurrentProperty']


class Current:
    """What is current on a stack, as a `value` that one can read and assign like that of `threading.local()`.

    Parameters
    ----------
    stack : ambient.Stack
        Where the scopes are pushed.
    default : callable
        Gives the value while no scope is entered; raises AttributeError where MXNet's thread-local has no value.
    """

    __slots__ = ('_default', '_stack')

    def __init__(self, stack, default):
        self._stack = stack
        self._default = default

    @property
    def value(self):
        """The current scope."""
        found = self._stack.top()
        return self._default() if found is None else found

    @value.setter
    def value(self, scope):
        self._stack.assign(scope)


class CurrentProperty(type):
    """Metaclass that gives a scope class the deprecated property `current`."""

    @property
    def current(cls):
        """The current scope (deprecated in MXNet 1.9.1)."""
        _warn_deprecated(cls._scope_class)
        return cls._current.value

    @current.setter
    def current(cls, scope):
        cls._assign_current(scope)


def _warn_deprecated(name):
    warnings.warn(f'{name}.current has been deprecated. It is advised to use the `with` statement with {name}.',
                  DeprecationWarning, stacklevel=3)
