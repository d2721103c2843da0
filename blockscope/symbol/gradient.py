"""Gradients of symbols: nodes that hold the graph which they differentiate."""
from ..errors import MXNetError
from ..naming.name_manager import NameManager
from ..ops import registry
from ..ops.graph_gradient import OPERATOR_NAME
from .control_flow_inference import SubgraphInference
from .listing import all_variables, variables
from .node import Node

__all__ = ['gradient']


def gradient(symbol, wrt):
    """Return the symbol of the gradients of a symbol's output with respect to variables; see `Symbol.grad`.

    Running statistics are read, but not updated, where gradients are computed.

    Parameters
    ----------
    symbol : Symbol
        Of several outputs, the gradients of their sum are taken.
    wrt : list of str
        Names of arguments.

    Returns
    -------
    Symbol
        One output a name.

    Raises
    ------
    TypeError
        `wrt` is no list of names.
    MXNetError
        The symbol has no argument of a name.

    Examples
    --------
    >>> import blockscope as mx
    >>> x, y = mx.sym.var('x'), mx.sym.var('y')
    >>> dx, dy = (x * x * y).grad(['x', 'y'])
    >>> (dx + dy).eval(x=mx.nd.array([3]), y=mx.nd.array([5]))[0].asnumpy()
    array([39.], dtype=float32)
    """
    if not isinstance(wrt, (list, tuple)) or not wrt or not all(isinstance(name, str) for name in wrt):
        raise TypeError(f'wrt must be a list of names of arguments, but got {wrt!r}')
    body = symbol.__copy__()
    arguments, states = variables(symbol._entries)
    inputs = all_variables(symbol._entries)
    places = {node.name: place for place, node in enumerate(inputs)}
    for name in wrt:
        if not any(node.name == name for node in arguments):
            raise MXNetError(f'{symbol!r} has no argument {name} to take the gradient of: it has {[node.name for node in arguments]}')
    attrs = {'wrt': str(tuple(places[name] for name in wrt)), 'states': str(tuple(places[node.name] for node in states)),
             'names': ','.join(wrt), 'num_args': str(len(inputs))}
    name = NameManager._current.value.get(None, 'gradient')
    node = Node(registry.get(OPERATOR_NAME), name, attrs, [(node, 0) for node in inputs], (body,))
    return symbol._of([(node, i) for i in range(len(wrt))])


def _inferred(kind, node, ins, outs):
    """Gradients have the shapes and types of what they are with respect to."""
    inside, wrt = SubgraphInference(kind, node.subgraphs[0]), node.params['wrt']
    known = list(ins)
    for place, out in zip(wrt, outs):
        known[place] = inside.unite(known[place], out, f'the gradient of input {place}')
    known, _ = inside(known)
    return known, [known[place] for place in wrt]


registry.get(OPERATOR_NAME).infer_node = _inferred
