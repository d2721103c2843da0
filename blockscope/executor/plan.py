"""Plans: a graph prepared for one context, one train flag and one set of input shapes and types.

The forward pass is a flat list of steps on a list of slots, and so is the backward pass; both call the operator functions that arrays
call one by one, so that their results agree. Values are dropped, or reduced to their shapes, after the last step that reads them.
"""
from functools import partial
from math import prod

from .. import autograd
from ..errors import MXNetError
from ..naming import ambient
from ..ndarray import NDArray
from ..ndarray.dispatch import ABSENT, FORWARD_ERRORS, explained, invoke, is_explained
from ..symbol.infer import infer_shapes
from .backward import Backward
from .buffers import Buffer, outside_of
from .python_calls import PYTHON_CALLS, PythonCall
from .steps import filling_step, forward_step, in_place_step, release_step, shape_step, thinning_step, writing_step

__all__ = ['Plan']

_LARGE = 16384  # bytes from which dropping a value early is worth a step


class Plan:
    """A prepared graph.

    Parameters
    ----------
    graph : Graph
    name : str
        For messages.
    ctx : Context
        Where it runs.
    training : bool
        Train flag of the forward pass.
    shapes : dict of str to tuple
        Shapes of the variables.
    wanted : tuple of bool or None
        Which variables get gradients; None where nothing is recorded.
    keep_buffers : bool
        Whether results that don't leave the plan are kept in buffers from call to call (`static_alloc`).
    fuse : bool
        Whether several calls may run as one.
    """

    # What the tape asks of an operator.
    compiled = True
    saves_output = False

    def __init__(self, graph, name, ctx, training, shapes, wanted=None, keep_buffers=False, fuse=True):
        self.graph = graph
        self.name = name
        self.inputs = tuple(node.name for node in graph.variables)
        self.ctx = ctx
        self.wanted = wanted
        self.environment = ctx._environments[bool(training)]
        self._empty = [None] * (graph.size - graph.none)
        self._keeps_buffers = keep_buffers
        self._leaving = {*graph.outputs, *map(graph.owner, graph.outputs)}  # slots whose memory callers get to see
        self._buffered = []  # slots of results that are written into buffers, with the kind of buffer
        self._pool = []  # sets of buffers that no run uses
        self._shapes = infer_shapes(graph.entries, shapes) if any(map(_is_open, graph.calls)) else None
        self._runs = {}
        self._owners = {}  # the calls of steps, for messages
        self._calls = [self._prepared(call) for call in (graph.fused if fuse else graph.calls)]
        self.gradients = {}  # prepared gradients of calls: for slots that are kept, and for slots that may be overwritten
        self.flow_of = self._gradient_flow()
        self.needed, self._mentioned = self._saved_slots()
        self.saved_positions = tuple(slot for slot in range(graph.none) if any(graph.owner(s) == slot for s in self.needed))
        self.spare = self._spare_slots()
        self.large = self._large_variables(shapes)
        self._steps = None
        self._backward = {}

    # ---- preparation ---------------------------------------------------------------------------------------------------

    def _prepared(self, call):
        if self._shapes is not None and _is_open(call):
            call = call.changed(params={**call.params, 'shape': self._shapes[call.node, 0]})
        if call.op.name in PYTHON_CALLS:
            run = PythonCall(call, self.ctx, self.wanted is not None, self.environment.training)
            call = call.changed(op=run)
        else:
            run = partial(call.op.forward, self.environment, **call.params)
        self._runs[call] = run
        return call

    def _gradient_flow(self):
        """Return the inputs (position and slot) that gradients flow to, by call; calls outside their way are left out."""
        self.reached = {slot for slot, wanted in enumerate(self.wanted or ()) if wanted}
        flows = {}
        for call in self._calls:
            flow = [(i, slot) for i, slot in enumerate(call.inputs) if slot in self.reached]
            if flow:
                self.reached.update(call.parts or (call.out,))
                flows[call] = flow
        return flows

    def _saved_slots(self):
        """Return the slots whose values the backward pass needs, and those it asks for their shapes."""
        needed, mentioned = set(), set()
        for call in self.flow_of:
            needed.update(_read_by_gradient(call))
            mentioned.update(call.inputs)
            mentioned.add(call.out)
        return needed, mentioned

    def _spare_slots(self):
        """Return for each call what its gradient may overwrite: memory of the plan that no later step of the backward pass reads.

        It is given by positions of inputs, and 'y' for the (first) result.
        """
        spare, seen = {}, set(range(self.graph.none + 1))
        for call in self.flow_of:
            read = _read_by_gradient(call)
            mine = {slot for slot in read - seen if self._owns(slot)}
            found = {i for i, slot in enumerate(call.inputs) if slot in mine and call.inputs.count(slot) == 1}
            spare[call] = frozenset(found | ({'y'} if (call.parts[0] if call.parts else call.out) in mine else set()))
            seen |= read
        return spare

    def _large_variables(self, shapes):
        """Return the slots of large variables whose gradient comes from one call alone."""
        flowing = [slot for flow in self.flow_of.values() for _, slot in flow]
        return frozenset(slot for slot, name in enumerate(self.inputs) if flowing.count(slot) == 1 and prod(shapes[name]) >= _LARGE
                         and slot not in self.graph.outputs)

    # ---- forward -------------------------------------------------------------------------------------------------------

    def new_slots(self, values):
        """Return slots for one run, with the values of the variables; and the buffers in them, to be given to `recycle`.

        Parameters
        ----------
        values : list of raw arrays
            One a variable.
        """
        slots = values + self._empty
        if not self._buffered:
            return slots, None
        buffers = self._pool.pop() if self._pool else self._new_buffers()
        for (slot, _), buffer in zip(self._buffered, buffers):
            slots[slot] = buffer
        return slots, buffers

    def _new_buffers(self):
        with self.ctx._use():
            return [kind.make(self.environment.xp) for _, kind in self._buffered]

    def recycle(self, buffers):
        """Take buffers back when nobody needs the results of their run any more."""
        if buffers is not None:
            self._pool.append(buffers)

    def run(self, slots):
        """Run the forward pass on slots whose variables are filled in."""
        steps = self._steps
        if steps is None:
            self._first_run(slots)
            return
        step = None
        try:
            for step in steps:
                step(slots)
        except FORWARD_ERRORS as error:
            self._explain(error, self._owners.get(step), slots)
            raise

    def _first_run(self, slots):
        """Run step by step, see what comes out, and prepare the steps of later runs accordingly.

        Shapes that depend on values say nothing about later runs; those then take the plain steps.
        """
        settled = not any(call.op.dynamic for call in self._calls)
        plain = [forward_step(call, self._runs[call]) for call in self._calls]
        self._owners.update(zip(plain, self._calls))
        last = self._last_reads()
        sizes = {}
        steps = []
        buffered = []
        observed = {}
        for call, step in zip(self._calls, plain):
            try:
                self._check_call(call, slots)
                step(slots)
            except FORWARD_ERRORS as error:
                self._explain(error, call, slots)
                raise
            for slot in call.parts or (call.out,):
                value = slots[slot]
                sizes[slot] = 0 if value is None else value.nbytes
                observed[slot] = value if value is None else (value.shape, value.dtype)
            if call.parts:
                sizes[call.out] = max(sizes[slot] for slot in call.parts)
            if settled:
                step = self._chosen_step(call, self._specialised(call, slots), slots, last, observed, buffered)
            steps.append(step)
            if call.parts and call.op.saved_outputs is not None and call in self.flow_of and sizes[call.out] >= _LARGE:
                thin = thinning_step(call)
                thin(slots)
                steps.append(thin)
            dead = [slot for slot in last.get(call, ()) if sizes.get(slot, 0) >= _LARGE]
            for more in self._forgetting(dead):
                more(slots)
                steps.append(more)
        self._buffered, self._steps = buffered, steps

    def _specialised(self, call, slots):
        """Return the shortest forward function for arrays such as these, and note the shortest gradient."""
        arrays = [slots[i] for i in call.inputs]
        flow = self.flow_of.get(call)
        if flow and call.op.prepare_gradient is not None:
            wanted, spare = [i for i, _ in flow], self.spare.get(call, frozenset())
            self.gradients[call] = [call.op.prepare_gradient(self.environment, call.params, wanted, spend, *arrays)
                                    for spend in (frozenset(), spare)]
        return call.op.prepare and call.op.prepare(self.environment, call.params, *arrays) or self._runs[call]

    def _check_call(self, call, slots):
        """Raise what a call of the operator on arrays raises for types that differ."""
        if call.op.same_dtype and len(call.inputs) > 1:
            first, second = slots[call.inputs[0]], slots[call.inputs[1]]
            if first.dtype != second.dtype:
                raise MXNetError(f'Incompatible attr in node {call.node.name} at 1-th input: expected {first.dtype}, got '
                                 f'{second.dtype}. Cast one with .astype(...)')

    def _last_reads(self):
        """Return for each call the slots that no later call reads, its own unread results included."""
        last = {}
        for call in self._calls:
            for slot in (*call.inputs, *(call.parts or (call.out,))):
                last[slot] = call
            if call.parts:
                last[call.out] = call
        keep = {*range(self.graph.none + 1), *self.graph.outputs}
        dead = {}
        for slot, call in last.items():
            if slot not in keep:
                dead.setdefault(call, []).append(slot)
        return dead

    def _forgetting(self, dead):
        drop = [slot for slot in dead if slot not in self._mentioned and slot not in self.needed]
        reduce = [slot for slot in dead if slot in self._mentioned and slot not in self.needed]
        if drop:
            yield release_step(drop)
        if reduce:
            yield shape_step(reduce)

    def _chosen_step(self, call, run, slots, last, observed, buffered):
        """Return the step of later runs: in place, or into a buffer, where that is possible."""
        op, target = call.op, call.parts[0] if call.parts else call.out
        made = None
        if call.inputs and target not in self._leaving:
            if op.takes_out and not call.parts:
                made = self._in_place(call, run, last, observed)
            if made is None and self._keeps_buffers and slots[target] is not None and slots[target].nbytes >= _LARGE:
                first = slots[call.inputs[0]]
                if op.takes_into:
                    made = filling_step(call, run)
                elif op.takes_out and not call.parts and (first.shape, first.dtype) == observed[target]:
                    made = writing_step(call, run)
                if made is not None:
                    buffered.append((target, Buffer(slots[target])))
        if made is None:
            made = forward_step(call, run)
        self._owners[made] = call
        return made

    def _in_place(self, call, run, last, observed):
        """Return the step that overwrites an input which nobody reads later, or None."""
        for slot in call.inputs:
            if slot in last.get(call, ()) and slot not in self.needed and self._owns(slot) and observed.get(slot) == observed[call.out]:
                return in_place_step(call, run, slot)
        return None

    def _owns(self, slot):
        """Return whether a slot holds an array that the plan made and that no other slot is a view of."""
        graph = self.graph
        return slot > graph.none and slot not in graph.root and slot not in graph.root.values() and slot not in graph.outputs

    def _explain(self, error, call, slots):
        """Add to an error the node that it came from."""
        if call is None:
            return
        shapes = [getattr(slots[i], 'shape', None) for i in call.inputs]
        text = f'{call.op.describe_call(shapes, call.params)}, in node {call.node.name}'
        if not is_explained(error, text):
            raise explained(error, text) from error

    def run_watched(self, slots, watcher, watch_all, show_hidden=True):
        """Run call by call, and show each result to `watcher`; with `watch_all` each input too, with `show_hidden` hidden outputs."""
        for call in self._calls:
            if watch_all:
                names = call.op.argument_names(call.params, len(call.node.inputs))
                for name, slot in zip(names, call.inputs):
                    watcher(f'{call.node.name}_{name}', call.op.name, NDArray(slots[slot], self.ctx))
            try:
                self._check_call(call, slots)
                forward_step(call, self._runs[call])(slots)
            except FORWARD_ERRORS as error:
                self._explain(error, call, slots)
                raise
            hidden = call.op.hidden_suffixes(call.params) if show_hidden else ()
            names = *call.node.output_names(), *[f'{call.node.name}_{suffix}' for suffix in hidden]
            for name, slot in zip(names, call.parts or (call.out,)):
                raw = slots[slot]
                if raw is None:  # a mask that nothing was dropped by
                    raw = self.environment.xp.ones_like(slots[call.parts[0]])
                watcher(name, call.op.name, NDArray(raw, self.ctx))

    # ---- backward ------------------------------------------------------------------------------------------------------

    def run_backward(self, F, slots, head_gradients, retain, places=None):
        """Return the gradient of every variable (None where it is zero or not wanted).

        Parameters
        ----------
        F : RawFunctions
            Operators for gradient rules.
        slots : list
            What the forward pass left.
        head_gradients : list
            Gradients of the outputs; None for those that nobody used.
        retain : bool
            Whether the slots are needed for another pass.
        places : dict of int to raw array, optional
            Where gradients of large variables belong, by slot: they are put there as soon as they are known, and `LEFT` is returned for
            them.
        """
        backward = self._backward.get(retain)
        if backward is None:
            backward = self._backward[retain] = Backward(self, retain)
        return backward.run(F, slots, head_gradients, places)

    def start(self, node, dy, mode, retain, places=None):
        """Return the gradients of a recorded call, one a variable; None where it is zero or not wanted (for the tape)."""
        if not mode.raw:
            return self._start_again(node, dy, mode)
        saved = node.output
        found = self.run_backward(mode.functions(node.ctx), saved.slots, dy if node.multiple else (dy,), retain, places)
        return found if saved.buffers is None else outside_of(saved.buffers, found)

    def _start_again(self, node, dy, mode):
        """Compute the outputs again under recording, call by call, so that the gradients can be differentiated."""
        for call in self._calls:
            if call.op.random and self.environment.training:
                raise MXNetError(f'node {call.node.name} ({call.op.name}) draws random numbers, so the graph of {self.name} has no '
                                 'second-order gradient: call hybridize(False) first')
        arrays = list(mode.inputs(node))
        again = list(arrays)
        for slot in self.graph.overwritten:  # the forward pass has moved the statistics already
            again[slot] = arrays[slot].copy()
        flags = ambient.set_flags(training=self.environment.training)
        try:
            outs = interpret(self.graph, again, node.ctx)
        finally:
            ambient.restore(flags)
        heads = [(x, d) for x, d in zip(outs, dy if node.multiple else (dy,)) if d is not None and x._node is not None]
        targets = [x for x in arrays if x._node is not None]
        found = iter(autograd.grad([x for x, _ in heads], targets, [d for _, d in heads], create_graph=True, train_mode=mode.training))
        return [None if x._node is None else next(found) for x in arrays]


def _read_by_gradient(call):
    """Return the slots whose values the gradient of a call reads."""
    op = call.op
    saved = range(len(call.inputs)) if op.saved_positions is None else op.saved_positions
    read = {call.inputs[i] for i in saved if i < len(call.inputs)}
    if op.saves_output:
        read.add(call.out)
        read.update(call.parts if op.saved_outputs is None else [call.parts[i] for i in op.saved_outputs])
    return read


def _is_open(call):
    """Return whether a call makes an array whose shape follows from its use (first states of a recurrent layer)."""
    return not call.inputs and 0 in (call.params.get('shape') or ())


def interpret(graph, arrays, ctx):
    """Run a graph call by call on NDArrays, as if the calls had been written one after another."""
    values = [*arrays, ABSENT, *[None] * (graph.size - graph.none - 1)]
    for call in graph.calls:
        inputs = [values[i] for i in call.inputs]
        if call.op.name in PYTHON_CALLS:
            result = PYTHON_CALLS[call.op.name](call.node, inputs, ctx)
        else:
            result = invoke(call.op, tuple(inputs), call.params, None, ctx)
        if call.parts:
            result = result if isinstance(result, list) else [result]
            for slot, value in zip(call.parts, result):
                values[slot] = value
        else:
            values[call.out] = result
    return [values[slot] for slot in graph.outputs]
