"""Running the nodes that hold a graph and give its gradients."""
from .. import autograd
from ..naming import ambient
from ..ndarray import zeros_like
from ..ops.graph_gradient import OPERATOR_NAME
from .cached_op import compiled_subgraphs
from .python_calls import PYTHON_CALLS

__all__ = ['run_gradient']


def run_gradient(node, arrays, ctx):
    """Run a node of `Symbol.grad`.

    Under recording the gradients are recorded too, so that they can be differentiated.

    Parameters
    ----------
    node : Node
    arrays : list of NDArray
        Those of the graph's variables.
    ctx : Context
        Where to run.

    Returns
    -------
    list of NDArray
    """
    compiled, = compiled_subgraphs(node)
    wrt, states, recording = node.params['wrt'], node.params['states'], ambient.recording()
    inputs = list(arrays)
    for i in {*wrt, *states}:
        if i in states:
            inputs[i] = arrays[i].copy()
        elif not recording or arrays[i]._node is None:
            inputs[i] = arrays[i].detach()
            inputs[i].attach_grad()
    with autograd.record(train_mode=ambient.training()):
        outs = compiled.run(inputs, ctx)
    heads = [x for x in outs if x._node is not None]
    if not heads:
        return [zeros_like(inputs[i]) for i in wrt]
    return autograd.grad(heads, [inputs[i] for i in wrt], create_graph=recording, train_mode=ambient.training())


PYTHON_CALLS[OPERATOR_NAME] = run_gradient
