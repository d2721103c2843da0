"""`Program`: a graph, placed on contexts, with the plans that run its parts forwards and backwards."""
from .. import _tape
from ..ndarray.memory import move
from .plan import Plan

__all__ = ['Program']


class _Run:
    """What a forward pass left for the backward pass."""

    __slots__ = ('buffers', 'plans', 'slots', 'values')

    def __init__(self, values, plans):
        self.values = values
        self.plans = plans
        self.slots = []
        self.buffers = []


class Program:
    """A graph that is run again and again on arrays of the same shapes.

    Parameters
    ----------
    parts : list of Part
    outputs : list of int
        Numbers of the values that are outputs.
    contexts : list of Context
        Where the variables are.
    wanted : list of bool
        Which variables get gradients.
    name : str
        For messages.
    """

    def __init__(self, parts, outputs, contexts, wanted, name):
        self.parts = parts
        self.outputs = outputs
        self.name = name
        self._wanted = _wanted_inputs(parts, wanted)
        self._count = len(contexts)
        self.contexts = list(contexts)  # of all values
        total = self._count + sum(len(part.gives) for part in parts)
        self.contexts += [None] * (total - self._count)
        for part in parts:
            for number in part.gives:
                self.contexts[number] = part.ctx
        # Of each part: the positions of inputs that come from other memory.
        self._moved = [[i for i, number in enumerate(part.takes) if _is_elsewhere(self.contexts[number], part.ctx)] for part in parts]
        self.overwritten = sorted({part.takes[slot] for part in parts for slot in part.graph.overwritten})
        self._plans = {}

    def forward(self, values, training, watcher=None, watch_all=False):
        """Run the graph.

        Parameters
        ----------
        values : list of raw arrays
            Those of the variables.
        training : bool
        watcher : callable, optional
            Shown every result; see `Plan.run_watched`.
        watch_all : bool
            Whether inputs are shown too.

        Returns
        -------
        object
            With the attribute `values`: all values by number. To be given to `backward` and at last to `release`.
        """
        kind = training if watcher is None else (training, 'watched')
        plans = self._plans.get(kind)
        if plans is None:
            plans = self._plans[kind] = []
        run = _Run(values + [None] * (len(self.contexts) - self._count), plans)
        for at, (part, moved) in enumerate(zip(self.parts, self._moved)):
            raws = [run.values[number] for number in part.takes]
            for i in moved:
                raws[i] = move(raws[i], self.contexts[part.takes[i]], part.ctx)
            if at == len(plans):
                plans.append(self._plan(at, training, raws, fuse=watcher is None))
            plan = plans[at]
            slots, buffers = plan.new_slots(raws)
            run.slots.append(slots)
            run.buffers.append(buffers)
            with part.ctx._use():
                if watcher is None:
                    plan.run(slots)
                else:
                    plan.run_watched(slots, watcher, watch_all)
            for i in moved:
                if i in part.graph.overwritten:
                    _write_back(raws[i], part.ctx, run.values[part.takes[i]], self.contexts[part.takes[i]])
            for slot, number in zip(part.graph.outputs, part.gives):
                run.values[number] = slots[slot]
        return run

    def _plan(self, at, training, raws, fuse):
        part = self.parts[at]
        shapes = {node.name: raw.shape for node, raw in zip(part.graph.variables, raws)}
        return Plan(part.graph, self.name, part.ctx, training, shapes=shapes, wanted=self._wanted[at], keep_buffers=True,
                    fuse=fuse)

    def backward(self, run, heads, training):
        """Return the gradients of the variables (None where there is none), each where its variable is.

        Parameters
        ----------
        run : object
            What `forward` returned.
        heads : list of raw arrays or None
            Gradients of the outputs, each where its output is.
        training : bool
            Train flag of the gradients' own computation.
        """
        gradients = [None] * len(self.contexts)
        for number, head in zip(self.outputs, heads):
            self._add(gradients, number, head)
        mode = _tape.RawMode(training)
        for part, plan, slots in reversed(list(zip(self.parts, run.plans, run.slots))):
            given = [gradients[number] for number in part.gives]
            if plan.wanted is None or all(value is None for value in given):
                continue
            with part.ctx._use():
                found = plan.run_backward(mode.functions(part.ctx), slots, given, True)
            for number, value in zip(part.takes, found):
                if value is not None and _is_elsewhere(part.ctx, self.contexts[number]):
                    value = move(value, part.ctx, self.contexts[number])
                self._add(gradients, number, value)
        return gradients[:self._count]

    def _add(self, gradients, number, value):
        known = gradients[number]
        if value is None or known is None:
            gradients[number] = known if value is None else value
            return
        with self.contexts[number]._use():
            gradients[number] = known + value

    def release(self, run):
        """Take back the memory of a run when nobody needs its values any more."""
        for plan, buffers in zip(run.plans, run.buffers):
            plan.recycle(buffers)
        run.slots = run.buffers = ()


def _wanted_inputs(parts, wanted):
    """Return for each part which of its inputs gradients are wanted of; None for a part out of their way."""
    reached = {number for number, is_wanted in enumerate(wanted) if is_wanted}
    found = []
    for part in parts:
        inside = {slot for slot, number in enumerate(part.takes) if number in reached}
        found.append(tuple(slot in inside for slot in range(len(part.takes))) if inside else None)
        for call in part.graph.calls:
            if not inside.isdisjoint(call.inputs):
                inside.update(call.parts or (call.out,))
        reached.update(number for slot, number in zip(part.graph.outputs, part.gives) if slot in inside)
    return found


def _is_elsewhere(source, target):
    return source is not target and not (source._backend is target._backend and source._backend.mixes_contexts)


def _write_back(raw, ctx, target, target_ctx):
    """Copy what an operator has overwritten to where the user's array is."""
    back = move(raw, ctx, target_ctx)
    with target_ctx._use():
        target[...] = back
