"""Asking a symbol for shapes and types: MXNet's `infer_shape`, `infer_type` and their partial forms."""
import contextlib
import warnings

import numpy as np

from ..errors import MXNetError
from ..ops.inference import is_complete
from . import infer
from .listing import variables

__all__ = ['Inference']

_GAP = ' ' * 21  # as MXNet's messages have it

_SHOWN = 10  # how many unknown arguments a warning lists


class Inference:
    """The methods of Symbol that infer shapes and types.

    A result is a triple of lists, for arguments, outputs and auxiliary states; of None where something stays unknown (except in the
    partial forms, which give what is known).
    """

    __slots__ = ()

    def infer_shape(self, *args, **kwargs):
        """Infer all shapes from those of some inputs, by position or by name.

        Returns
        -------
        (list of tuple, list of tuple, list of tuple)
            Or three times None, with a warning, if the given shapes don't determine all others.

        Raises
        ------
        MXNetError
            Shapes contradict each other.

        Examples
        --------
        >>> import blockscope as mx
        >>> x = mx.sym.var('x')
        >>> mx.sym.dot(x, mx.sym.var('w')).infer_shape(x=(2, 3), w=(3, 4))
        ([(2, 3), (3, 4)], [(2, 4)], [])
        """
        known = self._known_shapes(args, kwargs)
        with _showing_arguments('infer_shape', args, kwargs):
            found = infer.infer_shapes(self._entries, known)
        return self._decided(found, is_complete, 'shape', ' (0s in shape means unknown dimensions)')

    def infer_shape_partial(self, *args, **kwargs):
        """Infer as many shapes as the given ones determine; unknown lengths are 0, unknown shapes are ()."""
        found = infer.infer_shapes(self._entries, self._known_shapes(args, kwargs))
        return tuple([infer.shown_shape(shape) for shape in part] for part in self._triple(found))

    def infer_type(self, *args, **kwargs):
        """Infer all types from those of some inputs, by position or by name.

        Examples
        --------
        >>> import blockscope as mx
        >>> (mx.sym.var('x') + 1).infer_type(x='float16')
        ([<class 'numpy.float16'>], [<class 'numpy.float16'>], [])
        """
        known = self._known_types(args, kwargs)
        with _showing_arguments('infer_type', args, kwargs):
            found = infer.infer_types(self._entries, known)
        return tuple(part and [dtype.type for dtype in part] for part in self._decided(found, infer.is_known, 'type'))

    def infer_type_partial(self, *args, **kwargs):
        """Infer as many types as the given ones determine; unknown ones are None."""
        found = infer.infer_types(self._entries, self._known_types(args, kwargs))
        return tuple([None if dtype is None else dtype.type for dtype in part] for part in self._triple(found))

    def _triple(self, found):
        arguments, states = variables(self._entries)
        return ([found[node, 0] for node in arguments], [found[entry] for entry in self._entries], [found[node, 0] for node in states])

    def _decided(self, found, is_decided, kind, hint=''):
        """Return the triple; or three times None, with a warning that lists unknown arguments, if anything in the graph is unknown."""
        triple = self._triple(found)
        if all(map(is_decided, found.values())):
            return triple
        unknown = [f'{name}: {_shown(kind, value)}' for name, value in zip(self.list_arguments(), triple[0]) if not is_decided(value)]
        listed = '\n\t'.join([*unknown[:_SHOWN], '...'] if len(unknown) > _SHOWN else unknown)
        warnings.warn(f'Cannot decide {kind} for the following arguments{hint}. Consider providing them as input:\n\t{listed}',
                      stacklevel=3)
        return None, None, None

    def _known_shapes(self, args, kwargs):
        if args and kwargs:
            raise ValueError(f'Can only specify known argument{_GAP}shapes either by positional or kwargs way.')
        for i, shape in enumerate(args):
            if shape is not None and not isinstance(shape, tuple):
                raise TypeError(f'Arguments need to be shapes (tuple), but argument {i} is {type(shape)}.')
        for key, shape in kwargs.items():
            if not isinstance(shape, tuple):
                raise TypeError(f"Arguments need to be shapes (tuple), but '{key}' is {type(shape)}.")
        return self._by_name(args, kwargs)

    def _known_types(self, args, kwargs):
        if args and kwargs:
            raise ValueError(f'Can only specify known argument{_GAP}types either by positional or kwargs way.')
        return self._by_name([None if dtype is None else np.dtype(dtype) for dtype in args],
                             {key: np.dtype(dtype) for key, dtype in kwargs.items()})

    def _by_name(self, args, kwargs):
        if not args:
            return kwargs
        names = self.list_arguments()
        if len(args) > len(names):
            raise MXNetError(f'{len(args)} values were given, but {self!r} has {len(names)} arguments')
        return {name: value for name, value in zip(names, args) if value is not None}


def _shown(kind, value):
    return infer.shown_shape(value) if kind == 'shape' else value


@contextlib.contextmanager
def _showing_arguments(function, args, kwargs):
    """Print what a function was given when it fails, as MXNet does."""
    try:
        yield
    except MXNetError:
        print(f'{function} error. Arguments:')
        for i, value in enumerate(args):
            print(f'  #{i}: {value}')
        for key, value in kwargs.items():
            print(f'  {key}: {value}')
        raise
