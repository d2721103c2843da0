"""The passes that come with blockscope: functions that rewrite a graph for prediction."""
import numpy as np

from ..errors import MXNetError
from ..ndarray import NDArray
from ..symbol.compose import attribute_text
from ..symbol.node import Node, as_written, joined_name, walk

__all__ = ['fold_batchnorm', 'remove_identity', 'rebuilt']


def rebuilt(symbol, change):
    """Return a copy of a graph in which some nodes are replaced.

    Parameters
    ----------
    symbol : Symbol
    change : callable
        ``change(node, inputs) -> list of (Node, int) or None``: gets an operator's node and the new entries of its inputs, and returns
        what stands for its outputs; None leaves the node as it is.

    Returns
    -------
    Symbol
    """
    made = {}
    for node in as_written(walk(symbol._entries)):
        if node.op is None:
            made[node] = [(node, 0)]
            continue
        inputs = [made[child][index] for child, index in node.inputs]
        found = change(node, inputs)
        if found is None:
            copy = node.copy(inputs)
            found = [(copy, i) for i in range(node.count_outputs())]
        made[node] = found
    return symbol._of([made[node][index] for node, index in symbol._entries])


# ---- identities ------------------------------------------------------------------------------------------------------------

_ALWAYS = ('_copy',)
_PREDICTING = (*_ALWAYS, 'BlockGrad', 'MakeLoss', 'make_loss')


def remove_identity(symbol, args, aux, training=False):
    """Return a graph without nodes that hand on their input.

    Parameters
    ----------
    symbol : Symbol
    args, aux : dict
        Left as they are.
    training : bool, default False
        Whether the graph is still to be trained: then only `identity` goes, otherwise also `Dropout`, `BlockGrad` and `make_loss`.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.sym.Dropout(mx.sym.relu(mx.sym.var('x'), name='r'), p=0.5)
    >>> net.optimize_for('remove_identity')
    <Symbol r>
    """
    removed = _ALWAYS if training else _PREDICTING

    def change(node, inputs):
        is_dropout = node.op.name == 'Dropout' and not training and node.params['mode'] != 'always'
        if node.op.name not in removed and not is_dropout:
            return None
        # The mask of a dropout that doesn't drop is nothing that a graph for prediction can read.
        return inputs[:1] * node.count_outputs()
    return rebuilt(symbol, change)


# ---- batch normalisation ---------------------------------------------------------------------------------------------------

def fold_batchnorm(symbol, args, aux):
    """Return a graph in which batch normalisation behind a convolution or dense layer is part of its weights: for prediction only.

    The normalisation must be the only one to read the layer, and the layer's arrays must belong to it alone; others stay. The layer
    takes the name of the normalisation, whose output it gives.

    Parameters
    ----------
    symbol : Symbol
    args, aux : dict of str to NDArray
        The arrays of the layers and normalisations; they get the new weights and biases, and lose what the graph no longer has.

    Raises
    ------
    MXNetError
        An array is missing.

    Examples
    --------
    >>> import blockscope as mx
    >>> x = mx.sym.var('x')
    >>> net = mx.sym.BatchNorm(mx.sym.FullyConnected(x, num_hidden=1, name='fc'), fix_gamma=False, name='bn')
    >>> args = {'fc_weight': mx.nd.array([[1]]), 'fc_bias': mx.nd.array([0]), 'bn_gamma': mx.nd.array([6]), 'bn_beta': mx.nd.array([1])}
    >>> aux = {'bn_moving_mean': mx.nd.array([2]), 'bn_moving_var': mx.nd.array([8.999])}
    >>> folded = net.optimize_for('fold_batchnorm', args, aux)
    >>> folded.list_arguments(), aux, args['fc_weight'].asnumpy(), args['fc_bias'].asnumpy()
    (['x', 'fc_weight', 'fc_bias'], {}, array([[2.]], dtype=float32), array([-3.], dtype=float32))
    """
    readers = _readers(symbol)
    folded = {node.inputs[0][0]: node for node in readers if _is_foldable(node, readers)}
    variables = {}

    def change(node, inputs):
        if node in folded:
            return [inputs[0]] * node.count_outputs()  # read by the normalisation alone, which makes the layer anew
        layer = node.inputs[0][0] if node.op.name == 'BatchNorm' else None
        if layer not in folded:
            return None
        made = _folded_layer(layer, node, inputs[0], args, variables)
        return [(made, 0)] * node.count_outputs()
    for layer, norm in folded.items():
        variables[layer] = _fold_arrays(layer, norm, args, aux)
    new = rebuilt(symbol, change)
    _forget(new, symbol, args, aux)
    return new


def _readers(symbol):
    """Return for each node the nodes that read it; None stands for a head."""
    readers = {node: [] for node in walk(symbol._entries)}
    for node in list(readers):
        for child, _ in node.inputs:
            readers[child].append(node)
    for node, _ in symbol._entries:
        readers[node].append(None)
    return readers


def _is_foldable(node, readers):
    """Return whether a node is a normalisation that its layer can do."""
    if node.op is None or node.op.name != 'BatchNorm' or node.params['output_mean_var']:
        return False
    layer = node.inputs[0][0]
    if layer.op is None or layer.op.name not in ('Convolution', 'FullyConnected') or len(readers[layer]) > 1:
        return False
    if any(child.op is not None or len(readers[child]) > 1 for child, _ in (*layer.inputs[1:], *node.inputs[1:])):
        return False
    axis = node.params['axis']
    if layer.op.name == 'FullyConnected':
        return axis == 1 if layer.params['flatten'] else axis == -1
    layout, spatial = layer.params['layout'], len(layer.params['kernel'])
    return axis in ((spatial + 1, -1) if layout and layout.endswith('C') else (1,))


def _fold_arrays(layer, norm, args, aux):
    """Put the layer's new weight and bias into `args`; return the bias's variable if the layer had none."""
    def value(position, where, node=norm):
        name = node.inputs[position][0].name
        if name not in where:
            raise MXNetError(f'fold_batchnorm needs the array of {name} to fold {norm.name} into {layer.name}: give args and aux')
        return where[name].asnumpy().astype('float64')
    gamma = 1.0 if norm.params['fix_gamma'] else value(1, args)
    scale = gamma / np.sqrt(value(4, aux) + norm.params['eps'])
    weight = value(1, args, layer)
    bias = value(2, args, layer) if len(layer.inputs) > 2 else 0.0
    name = layer.inputs[1][0].name
    old, made = args[name], None
    args[name] = _like(old, weight * scale.reshape((-1,) + (1,) * (weight.ndim - 1)))
    if len(layer.inputs) > 2:
        bias_name = layer.inputs[2][0].name
    else:
        bias_name = joined_name(layer.name, 'bias')
        made = Node(None, bias_name)
    args[bias_name] = _like(old, (bias - value(3, aux)) * scale + value(2, args))
    return made


def _like(array, host) -> NDArray:
    """Return host values as an array of another one's type and context."""
    return NDArray(array.context._backend.from_host(host.astype(array.dtype), array.context.device_id), array.context)


def _folded_layer(layer, norm, data, args, variables):
    inputs = [data, *layer.inputs[1:]]
    attrs = dict(layer.attrs)
    if variables[layer] is not None:
        inputs.append((variables[layer], 0))
        attrs['no_bias'] = attribute_text('no_bias', False)
    return Node(layer.op, norm.name, attrs, inputs)


def _forget(new, old, args, aux):
    kept = set(new.list_inputs())
    for name in set(old.list_inputs()) - kept:
        args.pop(name, None)
        aux.pop(name, None)
