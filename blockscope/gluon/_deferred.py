"""Parameters whose shape the first batch tells.

While their first forward pass runs, a block gets stand-ins for such parameters. An operator that has a shape rule asks the stand-in
to take the shape that follows from its other arrays (`ndarray.dispatch`), and the stand-in then initializes its parameter.
"""
from ..errors import MXNetError
from ..ndarray import NDArray
from ._shape import compatible

__all__ = ['DeferredArray']


class DeferredArray(NDArray):
    """The value of a parameter that is not initialized yet.

    Parameters
    ----------
    param : Parameter
        Shape and initializer.
    ctx : Context
        Where the block runs.
    """

    _deferred = True

    def __init__(self, param, ctx):
        self._param = param
        self._ctx = ctx

    @property
    def shape(self):
        """Shape as far as it is known; unknown sizes are 0."""
        return self._param.shape

    def _resolve(self, shape):
        """Take a shape; return the array."""
        param = self._param
        if param._data is None:
            param.shape = self._decided(shape)
            param._finish_deferred_init()
        return param.data(self._ctx)

    def _array(self):
        if self._param._data is None:
            return self._resolve(self._param.shape)
        return self._param.data(self._ctx)

    def _decided(self, shape):
        """Check a shape that an operator implies."""
        param = self._param
        if not shape or 0 in shape:
            raise MXNetError('Cannot decide shape for the following arguments (0s in shape means unknown dimensions). Consider '
                             f'providing them as input:\n\t{param.name}: {param.shape}')
        if param.shape is not None and not compatible(shape, param.shape):
            raise MXNetError(f"Parameter '{param.name}' has shape {param.shape}, but the arrays it is used with need {tuple(shape)}: "
                             'the batch does not fit the layer.')
        return tuple(shape)


def _forwarded(name):
    return property(lambda self: getattr(self._array(), name), lambda self, value: setattr(self._array(), name, value))


# Where an operator has no shape rule, and for methods and slices, the stand-in answers with the array itself.
for _name in ('_alias', '_index', '_leaf', '_node', '_raw', '_storage'):
    setattr(DeferredArray, _name, _forwarded(_name))
