"""Fusion: several calls of a graph in one, where an operator exists that does the same.

The fused operators are those that layers and losses use on arrays too, so that the numbers agree bit for bit.
"""
from ..ops import registry

__all__ = ['fused']


def fused(graph):
    """Return the calls of a graph, some of them in one.

    `FullyConnected` and the `Activation` behind it become one call; so does the loss of a classifier: `log_softmax`, `pick`,
    negation and mean.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    list of Call
    """
    found = _Finder(graph)
    replaced, dropped = {}, set()
    for call in graph.calls:
        match = found.dense_activation(call) or found.cross_entropy(call)
        if match is not None:
            replaced[call], parts = match
            dropped.update(parts)
    return [replaced.get(call, call) for call in graph.calls if call not in dropped]


class _Finder:
    """Looks for chains of calls that end in a given one and whose links nobody else reads."""

    def __init__(self, graph):
        self._graph = graph
        self._readers = {}
        for call in graph.calls:
            for slot in call.inputs:
                self._readers[slot] = self._readers.get(slot, 0) + 1
        for slot in graph.outputs:
            self._readers[slot] = self._readers.get(slot, 0) + 1
        self._maker = {call.out: call for call in graph.calls}

    def _before(self, call, name, **params):
        """Return the call of operator `name` that makes the first input of a call, for this one only."""
        maker = None if call is None else self._maker.get(call.inputs[0])
        if maker is None or maker.op.name != name or self._readers[maker.out] != 1:
            return None
        return maker if all(maker.params[key] == value for key, value in params.items()) else None

    def dense_activation(self, call):
        """Match `Activation(FullyConnected(...))`."""
        if call.op.name != 'Activation':
            return None
        dense = self._before(call, 'FullyConnected')
        if dense is None:
            return None
        return call.fused(registry.get('_dense_activation'), {**dense.params, **call.params}, dense.inputs, self._graph), [dense]

    def cross_entropy(self, call):
        """Match the mean of `-pick(log_softmax(data), label)`, as SoftmaxCrossEntropyLoss writes it."""
        if call.op.name != 'mean' or call.params != {'axis': (0,), 'keepdims': False, 'exclude': True}:
            return None
        negated = self._before(call, '_mul_scalar', scalar=-1.0)
        picked = self._before(negated, 'pick', axis=-1, keepdims=True, mode='clip')
        logarithm = self._before(picked, 'log_softmax', axis=-1, temperature=None, dtype=None, use_length=False)
        if logarithm is None:
            return None
        return (call.fused(registry.get('_cross_entropy'), {}, (logarithm.inputs[0], picked.inputs[1]), self._graph),
                [negated, picked, logarithm])
