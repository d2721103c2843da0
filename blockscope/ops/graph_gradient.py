"""Record of the operator whose results are the gradients of a graph that its node holds (`Symbol.grad`).

The node's inputs are the variables of the graph. Those that the graph overwrites are auxiliary states of the node too, so every node
has a record of its own, made by `specialise`. What runs the graph is `executor.differentiation`.
"""
import copy

from ..errors import MXNetError
from .attributes import Shape
from .registry import operator

__all__ = ['OPERATOR_NAME']

OPERATOR_NAME = '_backward_graph'


def _outputs(*, wrt, **_):
    return len(wrt)


@operator(OPERATOR_NAME, outputs=_outputs, count_attribute='num_args', output_names=lambda *, names, **_: tuple(names.split(',')),
          arguments=lambda *, count, **_: tuple(f'data{i}' for i in range(count)))
def graph_gradient(env, *data, wrt: Shape, states: Shape, names: str):
    """Return the gradients of the sum of a graph's outputs.

    `wrt` are the numbers of the inputs that gradients are with respect to, `names` their names; `states` are the numbers of the
    auxiliary states.
    """
    raise MXNetError(f'operator {OPERATOR_NAME} runs a graph that its node holds; call Symbol.grad')


def _specialise(attrs):
    """Return the record for a node's attributes."""
    record = copy.copy(graph_gradient)
    record.mutates = graph_gradient.attributes['states'].kind.parse(attrs['states'])
    return record


graph_gradient.specialise = _specialise
