"""Passes: functions that rewrite a graph, found by name by `optimize_for` and `hybridize(backend=...)`."""

__all__ = ['find', 'register_pass', 'rewrite']

_passes: dict = {}


def register_pass(name):
    """Register (as a decorator) ``function(symbol, args, aux, **options) -> Symbol``, which may change both dictionaries."""
    def register(function):
        _passes[name] = function
        return function
    return register


def find(name):
    """Return the pass of a name.

    Raises
    ------
    ValueError
        There is none.
    """
    if name not in _passes:
        raise ValueError(f"backend '{name}' is not known: the passes are {sorted(_passes)}. Call hybridize() without backend, or register "
                         'one with executor.passes.register_pass.')
    return _passes[name]


def rewrite(name, symbol, args, aux, **options):
    """Return a graph as a pass rewrites it.

    Parameters
    ----------
    name : str
    symbol : Symbol
    args, aux : dict of str to NDArray
        Arguments and auxiliary states; the pass may add and remove some.
    **options
        For the pass.
    """
    return find(name)(symbol, args, aux, **options)
