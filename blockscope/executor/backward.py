"""The backward pass of a plan: a flat list of steps over slots and gradients, by the gradient rules that arrays use.

A step is called as ``step(F, slots, gradients, places)``. After it the slots that no later step reads are forgotten, unless the pass is
to be repeated; memory that nobody needs any more may then also be overwritten with gradients.
"""
from .._tape import LEFT
from ..errors import MXNetError

__all__ = ['Backward']


class Backward:
    """The steps of one plan.

    Parameters
    ----------
    plan : Plan
        It has run forward once.
    retain : bool
        Whether the slots must stay as they are, for another pass.

    Raises
    ------
    MXNetError
        An operator on the way has no gradient.
    """

    def __init__(self, plan, retain):
        self._plan = plan
        self._retain = retain
        self._nothing = [None] * plan.graph.size
        xp = plan.environment.xp

        def zeros(like):
            return xp.zeros(like.shape, like.dtype)
        steps, seen = [], set(range(plan.graph.none + 1))
        for call, flow in plan.flow_of.items():
            if call.op.rule is None:
                raise MXNetError(f'operator {call.op.name} (node {call.node.name}) has no gradient; stop it with F.BlockGrad(...) '
                                 'or compute it outside autograd.record()')
            freed = [slot for slot in {*call.inputs, call.out, *call.parts} if slot not in seen]
            seen.update(freed)
            targets = [slot for _, slot in flow]
            leaves = _leaving(targets, plan.large) if plan.large.intersection(targets) else _adding(targets)
            prepared = plan.gradients.get(call, (None, None))[not retain]
            if prepared is not None and len(call.inputs) == 3 and not call.parts and not plan.large.intersection(targets):
                step = _short_step(call, prepared, targets)
            else:
                compute = self._computation(call, flow, zeros, prepared)
                step = _step_of_several(call, compute, leaves) if call.parts else _step(call, compute, leaves)
            steps.append((step, freed))
        self._steps = steps[::-1]

    def _computation(self, call, flow, zeros, prepared):
        """Return ``(F, dy, y, inputs) -> gradients``, one for each input that somebody wants the gradient of."""
        if prepared is not None:
            return lambda F, dy, y, inputs: prepared(dy, y, *inputs)
        rule, params, positions = call.op.rule, call.params, [position for position, _ in flow]
        if not call.parts:
            return lambda F, dy, y, inputs: _evaluated(rule(F, dy, y, *inputs, **params), positions)
        visible = call.op.count_visible(params)

        def compute(F, dy, y, inputs):
            if not isinstance(y, tuple):
                dy = dy[0]
            else:
                dy = [zeros(like) if d is None and i < visible else d for i, (d, like) in enumerate(zip(dy, y))]
            return _evaluated(rule(F, dy, y, *inputs, **params), positions)
        return compute

    def run(self, F, slots, head_gradients, places):
        """Run; see `Plan.run_backward`."""
        plan, gradients, retain = self._plan, self._nothing.copy(), self._retain
        for slot, value in zip(plan.graph.outputs, head_gradients):
            if value is not None and slot in plan.reached:
                known = gradients[slot]
                gradients[slot] = value if known is None else known + value
        for step, freed in self._steps:
            step(F, slots, gradients, places)
            if freed and not retain:
                for slot in freed:
                    slots[slot] = None
        return gradients[:plan.graph.none]


def _evaluated(thunks, positions):
    return [None if thunks[position] is None else thunks[position]() for position in positions]


def _adding(targets):
    """Return the function that adds gradients to what is known."""
    def leave(values, g, places):
        for target, value in zip(targets, values):
            if value is not None:
                known = g[target]
                g[target] = value if known is None else known + value
    return leave


def _leaving(targets, large):
    """Return the function that copies gradients of large variables to where they belong, and adds the others to what is known."""
    add = _adding(targets)

    def leave(values, g, places):
        if places:
            for i, (target, value) in enumerate(zip(targets, values)):
                if target in large and value is not None and target in places:
                    places[target][...] = value
                    values[i] = LEFT
        add(values, g, places)
    return leave


def _step(call, compute, leave):
    out, inputs = call.out, call.inputs

    def step(F, s, g, places):
        dy = g[out]
        if dy is not None:
            g[out] = None
            leave(compute(F, dy, s[out], [s[i] for i in inputs]), g, places)
    return step


def _short_step(call, prepared, targets):
    """Return what `_step` gives for a prepared gradient of three small inputs, which small dense layers feel."""
    out = call.out
    a, b, c = call.inputs

    def step(F, s, g, places):
        dy = g[out]
        if dy is not None:
            g[out] = None
            for target, value in zip(targets, prepared(dy, s[out], s[a], s[b], s[c])):
                known = g[target]
                g[target] = value if known is None else known + value
    return step


def _step_of_several(call, compute, leave):
    out, inputs, parts = call.out, call.inputs, call.parts

    def step(F, s, g, places):
        dy = [g[slot] for slot in parts]
        if any([d is not None for d in dy]):
            for slot in parts:
                g[slot] = None
            leave(compute(F, dy, s[out], [s[i] for i in inputs]), g, places)
    return step
