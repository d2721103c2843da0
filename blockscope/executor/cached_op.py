"""`CachedOp`: a graph as a function of arrays, with a plan for every kind of call it has seen."""
import weakref

from .. import _tape
from ..backend import current_context
from ..naming import ambient
from ..ndarray import NDArray
from .graph import Graph
from .plan import Plan

__all__ = ['CachedOp', 'compiled_subgraphs']

_recording = ambient.recording
_training = ambient.training
_NO_ATTRS: dict = {}
_MANY = 64  # plans of one graph; beyond that (ever new shapes) the oldest goes
_of_nodes: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class _Name(str):
    """A name as hooks get it: code that was written for MXNet, where names are bytes, decodes it."""

    __slots__ = ()

    def decode(self, encoding='utf-8', errors='strict'):
        """Return the text."""
        return str(self)


class _Saved(list):
    """Outputs of a recorded call, with what its gradient needs."""

    __slots__ = ('buffers', 'plan', 'slots')

    def __del__(self):
        if self.buffers is not None:
            self.plan.recycle(self.buffers)


class CachedOp:
    """A graph as a function.

    Parameters
    ----------
    symbol : Symbol
        The graph.
    flags : sequence of (str, object)
        Options of `hybridize`; `static_alloc` keeps buffers from call to call.

    Examples
    --------
    >>> import blockscope as mx
    >>> a, b = mx.sym.var('a'), mx.sym.var('b')
    >>> add = CachedOp(a + b)
    >>> float(add(mx.nd.array([1]), mx.nd.array([2]))[0].asscalar())
    3.0
    """

    def __init__(self, symbol, flags=()):
        self.symbol = symbol
        self.graph = Graph(symbol._entries)
        self.flags = dict(flags)
        self.name = symbol.name or 'graph'
        self.inputs = tuple(node.name for node in self.graph.variables)
        self._hands_on = any(slot < self.graph.none for slot in self.graph.outputs)  # inputs are outputs too
        self._plans = {}
        self._last = (None, None, None)
        self._watcher = None
        self._watch_all = False

    def __reduce__(self):
        """Copies and pickles start without plans."""
        return CachedOp, (self.symbol, tuple(self.flags.items()))

    def register_op_hook(self, callback, monitor_all=False):
        """Call ``callback(node output name, operator name, array)`` for every output of every node, in each call; None ends that."""
        self._watcher = None if callback is None else lambda name, op, x: callback(_Name(name), _Name(op), x)
        self._watch_all = monitor_all

    def __call__(self, *arrays):
        """Run the graph.

        Parameters
        ----------
        *arrays : NDArray
            One a variable, in the order of `Symbol.list_inputs`.

        Returns
        -------
        list of NDArray
        """
        ctx = arrays[0]._ctx if arrays else current_context()
        return self.run(arrays, ctx)

    def run(self, arrays, ctx):
        """Run the graph on a context."""
        for slot in self.graph.overwritten:
            arrays[slot]._writable()
        values = [x._raw for x in arrays]
        wanted = tuple([x._node is not None for x in arrays]) if _recording() else None
        if wanted is not None and True not in wanted:
            wanted = None
        plan = self._plan(values, ctx, wanted)
        slots, buffers = plan.new_slots(values)
        scope = plan.environment.scope
        if scope is None:
            plan.run(slots) if self._watcher is None else self._run_watched(plan, slots, wanted)
        else:
            with scope:
                plan.run(slots) if self._watcher is None else self._run_watched(plan, slots, wanted)
        outs = self._outputs(plan, slots, arrays)
        if wanted is not None and (plan.flow_of or self._hands_on):
            self._record(plan, slots, buffers, arrays, outs)
        else:
            plan.recycle(buffers)
        return outs

    def _run_watched(self, plan, slots, wanted):
        # As in MXNet, hidden outputs are there to be seen where a gradient may need them, and where memory is kept.
        plan.run_watched(slots, self._watcher, self._watch_all, wanted is not None or self.flags.get('static_alloc', False))

    def _plan(self, values, ctx, wanted):
        last_values, last_key, last_plan = self._last
        training = _training()
        kind = (ctx, training, wanted, self._watcher is None)
        if last_key == kind and len(last_values) == len(values):
            for new, (shape, dtype) in zip(values, last_values):
                if new.shape != shape or new.dtype != dtype:
                    break
            else:
                return last_plan
        signature = [(x.shape, x.dtype) for x in values]
        key = (*kind, *signature)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MANY:
                self._plans.pop(list(self._plans)[0], None)  # a copy: other threads may be at it too
            shapes = {name: x.shape for name, x in zip(self.inputs, values)}
            plan = self._plans[key] = Plan(self.graph, self.name, ctx, training, shapes, wanted, self.flags.get('static_alloc', False),
                                           fuse=self._watcher is None)
        self._last = (signature, kind, plan)
        return plan

    def _outputs(self, plan, slots, arrays):
        """Wrap the outputs. One that may be a view of an input, or of another output, becomes an alias, copied when written to."""
        graph, ctx = self.graph, plan.ctx
        outs, owners = [], {}
        for slot in graph.outputs:
            x = NDArray(slots[slot], ctx)
            owner = graph.owner(slot)
            if owner < graph.none:
                x._become_alias_of(arrays[owner])
            elif owner in owners:
                x._become_alias_of(owners[owner])
            else:
                owners[owner] = x
                if owner in plan.needed:
                    # The backward pass reads this memory: whoever writes into the output gets a copy.
                    x._become_alias_of(NDArray(slots[slot], ctx))
            outs.append(x)
        return outs

    def _record(self, plan, slots, buffers, arrays, outs):
        saved = _Saved([slots[slot] for slot in self.graph.outputs])
        saved.plan, saved.slots, saved.buffers = plan, slots, buffers
        node = _tape.Node()
        node.op = plan
        node.attrs = _NO_ATTRS
        node.ctx = plan.ctx
        node.number = _tape.next_number()
        node.inputs = arrays
        node.output = saved
        node.storage = None
        node.parents = tuple([x._node for x in arrays])
        node.indices = tuple([x._index for x in arrays])
        node.counts = tuple([0 if x._storage is None else x._storage.writes for x in arrays])
        node.multiple = len(outs) > 1
        for index, x in enumerate(outs):
            x._node = node
            x._index = index


def compiled_subgraphs(node):
    """Return the graphs that a node of a loop, branch or gradient holds, each as a CachedOp; they are made once a node."""
    found = _of_nodes.get(node)
    if found is None:
        found = _of_nodes[node] = [CachedOp(graph) for graph in node.subgraphs]
    return found
