"""A graph made ready for planning: its calls in the order in which they were written, and a slot for every value.

A run of a plan works on one list, the slots: first one for each variable, then those of the calls. A call that returns a tuple has one
slot for the tuple (its gradient rule wants it whole) and one for each element.
"""
import copy

from ..symbol.node import as_written, walk
from .fusion import fused

__all__ = ['Call', 'Graph']


class Call:
    """One operator node, with its slots.

    Attributes
    ----------
    node : Node
    op : Operator
    params : dict
        Typed attributes.
    inputs : tuple of int
        Slots of the inputs in the operator's order; the slot that is always None for an optional one that is absent.
    out : int
        Slot of the result, or of the tuple of results.
    parts : tuple of int
        Slots of the elements of a tuple; empty for a single result.
    """

    __slots__ = ('inputs', 'node', 'op', 'out', 'params', 'parts')

    def __init__(self, node, inputs, first):
        self.node = node
        self.op = node.op
        self.params = node.params
        self.inputs = inputs
        self.out = first
        single = node.op.outputs == 1
        self.parts = () if single else tuple(range(first + 1, first + 1 + node.op.count_outputs(node.params)))

    def changed(self, **attributes):
        """Return a copy with other attributes, such as another thing with an operator's interface as `op`."""
        new = copy.copy(self)
        for name, value in attributes.items():
            setattr(new, name, value)
        return new

    def fused(self, op, params, inputs, graph):
        """Return the call of another operator whose (first) result is this one's, from other inputs."""
        new = self.changed(op=op, params=params, inputs=inputs)
        hidden = op.count_outputs(params) - 1
        if hidden:
            new.out, *more = graph.new_slots(1 + hidden)
            new.parts = (self.out, *more)
        return new

    def slot_of(self, index):
        """Return the slot of an output."""
        return self.parts[index] if self.parts else self.out


class Graph:
    """Slots and calls of a graph.

    Parameters
    ----------
    entries : list of (Node, int)
        The outputs.

    Attributes
    ----------
    variables : list of Node
        Variables, by slot.
    none : int
        The slot that is always None.
    calls, fused : list of Call
        One call an operator, and the same with some calls in one.
    outputs : list of int
        Slots of the outputs.
    size : int
        Number of slots.
    root : dict of int to int
        For slots that may be views of other ones' memory: the slot that owns the memory.
    overwritten : tuple of int
        Slots of variables that operators overwrite (auxiliary states).
    """

    def __init__(self, entries):
        nodes = walk(entries)
        self.entries = list(entries)
        self.variables = [node for node in nodes if node.op is None]
        self.none = len(self.variables)
        self.calls = []
        self.root = {}
        place = {node: slot for slot, node in enumerate(self.variables)}
        first = self.none + 1
        overwritten = set()
        by_node = {}
        # In the order in which they were written: random numbers and sums of gradients then come as they do without a plan.
        for node in as_written(n for n in nodes if n.op is not None):
            inputs = [by_node[child].slot_of(index) if child.op is not None else place[child] for child, index in node.inputs]
            call = Call(node, _positions(node, inputs, self.none), first)
            by_node[node] = call
            first = max(call.out, *call.parts) + 1 if call.parts else call.out + 1
            self.calls.append(call)
            overwritten.update(call.inputs[i] for i in node.op.mutates if i < len(call.inputs))
            if node.op.aliasing:
                owner = self.owner(call.inputs[0])
                for slot in call.parts or (call.out,):
                    self.root[slot] = owner
        self.size = first
        self.outputs = [by_node[node].slot_of(index) if node.op is not None else place[node] for node, index in entries]
        self.overwritten = tuple(sorted(overwritten - {self.none}))
        self.fused = fused(self)

    def new_slots(self, count):
        """Return the numbers of more slots."""
        self.size += count
        return range(self.size - count, self.size)

    def owner(self, slot):
        """Return the slot whose memory the value of a slot may be a view of (itself if of none)."""
        return self.root.get(slot, slot)


def _positions(node, slots, none):
    """Return input slots in the order of the operator's forward function: optional inputs that the node lacks are `none`."""
    op = node.op
    if op.variadic:
        return tuple(slots)
    names = op.argument_names(node.params, len(slots))
    if names == op.inputs[:len(names)] or not set(names) <= set(op.inputs):
        return tuple(slots)
    found = dict(zip(names, slots))
    ordered = [found.get(name, none) for name in op.inputs]
    while ordered[-1] == none:
        ordered.pop()
    return tuple(ordered)
