"""The scope of a block: where its children get their names.

References
----------
MXNet 1.9.1, `mxnet.gluon.block._BlockScope`. There a scope object remembers what was current before it, so that entering it twice, or
from two threads, breaks it; here that is kept on the ambient stack, and the scope holds nothing but its counters.
"""
import weakref

from ..naming import ambient
from ..naming.counters import draw
from ..naming.current import Current
from ..naming.name_manager import LazyManager, NameManager, Prefix, numbered
from ._parameter_dict import ParameterDict

__all__ = ['ScopeOf', '_BlockScope']

_scopes = ambient.stack('block_scope')
_managers = ambient.stack('name_manager')


class _Entry(LazyManager):
    """A scope while it is entered: holds its block, and gives the name manager that symbols use inside."""

    __slots__ = ('block', 'scope')

    def __init__(self, scope, block):
        self._manager = None
        self.scope = scope
        self.block = block

    def make_manager(self):
        """Return a manager whose counters start at zero, as at every entry."""
        return Prefix(self.block.prefix)


class _BlockScope:
    """Names for the children of one block: `with net.name_scope():`.

    The scope refers to its block, and the block only weakly to the scope: a dropped block is freed at once. The counters are the
    block's, so that they outlive the scope object.

    Parameters
    ----------
    block : Block
        Whose children are named.
    """

    __slots__ = ('__weakref__', '_block')
    _current: '_CurrentScope'

    def __init__(self, block):
        self._block = block

    @property
    def _counter(self):
        """How many children of each kind were named."""
        return self._block.__dict__.setdefault('_child_counter', {})

    @staticmethod
    def create(prefix, params, hint):
        """Return prefix and parameter dictionary of a new block.

        Parameters
        ----------
        prefix : str or None
            What the user asked for; None asks for the hint and a number.
        params : ParameterDict or None
            Parameters to share.
        hint : str
            Kind of block.

        Returns
        -------
        (str, ParameterDict)
        """
        if params is not None:
            params = ParameterDict(params.prefix, params)  # first of all: where it fails, no number must have been drawn
        entry = _scopes.top()
        if entry is None:
            if prefix is None:
                prefix = NameManager._current.value.get(None, hint) + '_'
            return prefix, ParameterDict(prefix) if params is None else params
        block = entry.block
        if prefix is None:
            counter = block._child_counter
            prefix = numbered(hint, draw(entry.scope._counter if counter is None else counter, hint)) + '_'
        if params is None:
            parent = block._params
            params = ParameterDict(parent._prefix + prefix, parent._shared)
        return block._prefix + prefix, params

    def __enter__(self):
        block = self._block
        if not block._empty_prefix:
            entry = _Entry(self, block)
            _scopes.push(entry, entry)
            _managers.push(entry, entry)
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        if self._block._empty_prefix:
            return
        entry = _scopes.leave(self)
        if entry is None:
            # Left without being entered; the words are MXNet's.
            raise AttributeError("'NoneType' object has no attribute '__exit__'")
        _managers.pop(entry)


class ScopeOf:
    """The scope of a block while somebody uses it, so that asking twice gives one object. Copies and pickles of it are empty."""

    __slots__ = ('_ref',)

    def __init__(self):
        self._ref = None

    def get(self, block):
        """Return the scope of `block`."""
        scope = None if self._ref is None else self._ref()
        if scope is None:
            scope = _BlockScope(block)
            self._ref = weakref.ref(scope)
        return scope

    def __reduce__(self):
        return ScopeOf, ()


class _CurrentScope(Current):
    """The current block scope; None outside of all scopes."""

    __slots__ = ()

    @property
    def value(self):
        """The innermost block scope that is entered, or None."""
        entry = self._stack.top()
        return None if entry is None else entry.scope

    @value.setter
    def value(self, scope):
        self._stack.assign(None if scope is None else _Entry(scope, scope._block))


_BlockScope._current = _CurrentScope(_scopes, None)
