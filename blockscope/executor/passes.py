"""Passes: functions that rewrite a graph, found by name by `optimize_for` and `hybridize(backend=...)`.

`fold_batchnorm` and `remove_identity` exist; `register_pass` adds others. `MKLDNN`, the name of MXNet's CPU backend, gives the graph as it
is: what that backend fuses changes no result, and here plans do the fusing.
"""
import warnings

import numpy as np

from ..backend import Context, current_context
from ..formats.params import DTYPE_FLAGS, STYPE_FLAGS
from ..symbol.infer import infer_shapes, infer_types
from ..symbol.symbol import Symbol
from . import rewriting
from .binding import arrays_by_position

__all__ = ['find', 'optimize_for', 'register_pass', 'rewrite']

_NO_DICTIONARY = 'Cannot add new {0} in optimize_for since {0} is None\nProvide a dictionary to the {0} argument to optimize_for'
_DELETED = ('A param was deleted during optimization, but no args dictionary was provided.\nPlease ensure that your model weights match '
            'the newly optimized model.')


def _unchanged(symbol, args, aux):
    return symbol


_passes: dict = {'MKLDNN': _unchanged, 'fold_batchnorm': rewriting.fold_batchnorm, 'remove_identity': rewriting.remove_identity}


def register_pass(name):
    """Register (as a decorator) ``function(symbol, args, aux, **options) -> Symbol``, which may change both dictionaries.

    Examples
    --------
    >>> import blockscope as mx
    >>> @mx.executor.passes.register_pass('first_output')
    ... def first_output(symbol, args, aux):
    ...     return symbol[0]
    >>> mx.executor.passes.rewrite('first_output', mx.sym.Group([mx.sym.var('a'), mx.sym.var('b')]), {}, {}).list_outputs()
    ['a']
    """
    if not isinstance(name, str):
        raise TypeError(f'register_pass takes the name of the pass, but got {name!r}')

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
        raise ValueError(f"backend '{name}' is not known: the passes are {sorted(_passes)}. Graphs are compiled without any; leave the "
                         'backend out, or register one with mx.executor.passes.register_pass.')
    return _passes[name]


def rewrite(name, symbol, args, aux, **options):
    """Return a graph as a pass rewrites it.

    Parameters
    ----------
    name : str
    symbol : Symbol
    args, aux : dict of str to NDArray
        Arguments and auxiliary states; the pass may change, add and remove some.
    **options
        For the pass.

    Raises
    ------
    ValueError
        There is no such pass.
    TypeError
        What the pass returns is no symbol.
    """
    new = find(name)(symbol, args, aux, **options)
    if not isinstance(new, Symbol):
        raise TypeError(f'the pass {name} must return a Symbol, but returned {new!r}')
    return new


def optimize_for(symbol, backend, args=None, aux=None, ctx=None, shape_dict=None, type_dict=None, stype_dict=None, skip_infer=False,
                 options=()):
    """Return a graph as a pass rewrites it; see `Symbol.optimize_for`.

    Parameters
    ----------
    symbol : Symbol
    backend : str
        Name of the pass.
    args, aux : dict of str to NDArray, optional
        Some or all arrays of the graph. They are changed as the graph is: arrays of variables that are gone are removed, new ones added.
    ctx : Context, optional
        Where the graph is to run.
    shape_dict, type_dict, stype_dict : dict, optional
        Shapes, types and storage types of inputs that are not in `args`.
    skip_infer : bool
        Whether to leave unchecked that shapes and types agree.
    options : dict
        For the pass.

    Raises
    ------
    AssertionError, ValueError, TypeError
        Something is not of the kind that it must be, or there is no such pass.
    RuntimeError
        The pass adds arrays, but there is no dictionary to put them into.
    """
    _check(backend, args, aux, current_context() if ctx is None else ctx, shape_dict, type_dict, stype_dict)
    for what, given, names in (('args', args, symbol.list_arguments()), ('aux_states', aux, symbol.list_auxiliary_states())):
        arrays_by_position(what, given or {}, names, True)
    if not skip_infer:
        _check_fit(symbol, {**(args or {}), **(aux or {})}, shape_dict or {}, type_dict or {})
    new_args, new_aux = dict(args or {}), dict(aux or {})
    new = rewrite(backend, symbol, new_args, new_aux, **dict(options))
    for what, given, found in (('args', args, new_args), ('aux', aux, new_aux)):  # before either dictionary changes
        if given is None and found:
            raise RuntimeError(_NO_DICTIONARY.format(what))
    _hand_back(args, new_args, symbol.list_arguments(), new.list_arguments())
    _hand_back(aux, new_aux, symbol.list_auxiliary_states(), new.list_auxiliary_states())
    return new


def _check(backend, args, aux, ctx, shape_dict, type_dict, stype_dict):
    for what, value, kind in (('backend', backend, str), ('args', args, dict), ('aux', aux, dict), ('ctx', ctx, Context)):
        if value is not None and not isinstance(value, kind):
            raise AssertionError(f'{what} must be a {kind.__name__}, but is {value!r}')
    for shape in (shape_dict or {}).values():
        if not isinstance(shape, (tuple, list)):
            raise ValueError(f'{shape} has to be a tuple or list.')
    for dtype in (type_dict or {}).values():
        if np.dtype(dtype) not in DTYPE_FLAGS:
            raise ValueError(f'{np.dtype(dtype).type} is not a MXNet type.')
    for stype in (stype_dict or {}).values():
        if stype not in ('undefined', *STYPE_FLAGS):
            raise ValueError(f'{stype} is not a MXNet storage type.')


def _check_fit(symbol, arrays, shape_dict, type_dict):
    """Raise an error if what is known of the inputs contradicts itself."""
    names = set(symbol.list_inputs())
    shapes = {**{name: tuple(shape) for name, shape in shape_dict.items()}, **{name: x.shape for name, x in arrays.items()}}
    types = {**{name: np.dtype(dtype) for name, dtype in type_dict.items()}, **{name: x.dtype for name, x in arrays.items()}}
    infer_shapes(symbol._entries, {name: shape for name, shape in shapes.items() if name in names})
    infer_types(symbol._entries, {name: dtype for name, dtype in types.items() if name in names})


def _hand_back(given, found, old_names, new_names):
    """Bring the user's dictionary, if there is one, to what the pass left of it."""
    deleted = set(old_names) - set(new_names)
    if given is not None:
        given.update(found)
        for name in set(given) - set(found) | deleted:
            given.pop(name, None)
    elif deleted:
        warnings.warn(_DELETED, stacklevel=4)
