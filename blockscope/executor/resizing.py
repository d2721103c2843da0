"""Arrays of an executor for other input shapes: parts of the memory of its own where that is large enough."""
from math import prod

from ..errors import MXNetError
from ..ndarray import NDArray, zeros
from ..ops.inference import is_complete
from ..symbol.infer import infer_shapes
from ..symbol.listing import variables

__all__ = ['fitted', 'resized']

_CHANGED = ('Shape of unspecifie arg: {} changed. This can cause the new executor to not share parameters with the old one. Please check '
            'for error in network.If this is intended, set partial_shaping=True to suppress this warning.')
_LARGER = ('New shape of arg: {} is larger than original.First making a big executor and then down sizing it is more efficient than the '
           'reverse.If you really want to up size, set allow_up_sizing=True to enable allocation of new arrays.')


def fitted(array, shape):
    """Return an array of a shape over (the beginning of) another one's memory, or None if that is too small."""
    if array.shape == shape:
        return array
    if array.size < prod(shape):
        return None
    return array.reshape((-1,))[:prod(shape)].reshape(shape)


def resized(symbol, args, grads, aux, given, partial_shaping, allow_up_sizing):
    """Return arguments, gradients and auxiliary states for new shapes, and all shapes of the graph; see `Executor.reshape`."""
    arguments, states = variables(symbol._entries)
    names = {node.name for node in arguments}
    for name, shape in given.items():
        if name not in names or not isinstance(shape, tuple):
            raise MXNetError(f'reshape takes shapes (tuples) of the arguments {sorted(names)}, but got {name}={shape!r}')
    shapes = infer_shapes(symbol._entries, given)
    old = {node: x.shape for node, x in zip((*arguments, *states), (*args, *aux))}
    # What the new shapes say nothing of stays as it is.
    kept = {node.name: old[node] for node in old if not is_complete(shapes[node, 0])}
    if kept:
        shapes = infer_shapes(symbol._entries, {**kept, **given})
    new_args, new_grads, new_aux = [], [], []
    for node, x, grad in zip(arguments, args, grads):
        shape = shapes[node, 0]
        if shape != x.shape and not partial_shaping and node.name not in given:
            raise MXNetError(_CHANGED.format(node.name))
        new_args.append(_fitted_or_new(node.name, x, shape, allow_up_sizing))
        new_grads.append(grad if grad is None else _fitted_or_new(node.name, grad, shape, allow_up_sizing))
    for node, x in zip(states, aux):
        shape = shapes[node, 0]
        if shape != x.shape and not partial_shaping:
            raise MXNetError(_CHANGED.format(node.name))
        new_aux.append(_fitted_or_new(node.name, x, shape, allow_up_sizing))
    return new_args, new_grads, new_aux, shapes


def _fitted_or_new(name, array, shape, allow_up_sizing) -> NDArray:
    found = fitted(array, shape)
    if found is None:
        if not allow_up_sizing:
            raise MXNetError(_LARGER.format(name))
        found = zeros(shape, ctx=array.context, dtype=array.dtype)
    return found
