"""Steps: the prepared calls of a plan, as closures over slot numbers. A plan runs by calling one after another with its slots."""

__all__ = ['backward_step', 'filling_step', 'forward_step', 'in_place_step', 'prepared_backward_step', 'release_step', 'shape_step',
           'writing_step']


def forward_step(call, run):
    """Return the step of one call.

    Parameters
    ----------
    call : Call
    run : callable
        The operator's forward with environment and attributes filled in.
    """
    out, inputs = call.out, call.inputs
    if call.parts:
        return _several(run, inputs, out, call.parts)
    if len(inputs) == 1:
        a, = inputs

        def step(s):
            s[out] = run(s[a])
    elif len(inputs) == 2:
        a, b = inputs

        def step(s):
            s[out] = run(s[a], s[b])
    elif len(inputs) == 3:
        a, b, c = inputs

        def step(s):
            s[out] = run(s[a], s[b], s[c])
    else:
        def step(s):
            s[out] = run(*[s[i] for i in inputs])
    return step


def _several(run, inputs, out, parts):
    def step(s):
        result = run(*[s[i] for i in inputs])
        s[out] = result
        if isinstance(result, tuple):
            for slot, value in zip(parts, result):
                s[slot] = value
        else:
            s[parts[0]] = result
    return step


def writing_step(call, run):
    """Return the step of a call that writes its result into the array that its slot holds already."""
    out, inputs = call.out, call.inputs
    if len(inputs) == 1:
        a, = inputs

        def step(s):
            s[out] = run(s[a], out=s[out])
    else:
        def step(s):
            s[out] = run(*[s[i] for i in inputs], out=s[out])
    return step


def filling_step(call, run):
    """Return the step of a call that may write its (first) result into the array that its slot holds already."""
    out, inputs, parts = call.out, call.inputs, call.parts

    def step(s):
        s[out] = run(*[s[i] for i in inputs], into=s[out])

    def step_of_several(s):
        s[out] = result = run(*[s[i] for i in inputs], into=s[parts[0]])
        for slot, value in zip(parts, result):
            s[slot] = value
    return step_of_several if parts else step


def in_place_step(call, run, target):
    """Return the step of a call that overwrites one of its inputs, which nobody needs any more."""
    out, inputs = call.out, call.inputs

    def step(s):
        s[out] = run(*[s[i] for i in inputs], out=s[target])
    return step


def release_step(slots):
    """Return a step that forgets the values of slots which nobody needs any more."""
    if len(slots) == 1:
        a, = slots

        def step(s):
            s[a] = None
    else:
        def step(s):
            for a in slots:
                s[a] = None
    return step


def shape_step(slots, like):
    """Return a step that keeps of the values of slots only shape and type, which is all that gradients need of them."""
    def step(s):
        for a in slots:
            value = s[a]
            if isinstance(value, tuple):
                s[a] = tuple([None if part is None else like(part) for part in value])
            elif value is not None:
                s[a] = like(value)
    return step


def backward_step(call, wanted, zeros):
    """Return the step that computes gradients of a call's inputs.

    Parameters
    ----------
    call : Call
    wanted : list of (int, int)
        Positions of the inputs whose gradients somebody wants, and their slots.
    zeros : callable
        Gives zeros like an array.

    Returns
    -------
    callable
        ``step(F, slots, gradients)``.
    """
    rule, out, inputs, params = call.op.rule, call.out, call.inputs, call.params
    if call.parts:
        return _backward_of_several(call, wanted, zeros)
    if len(wanted) == 1 and len(inputs) == 1:
        target = wanted[0][1]
        a, = inputs

        def step(F, s, g):
            dy = g[out]
            if dy is not None:
                g[out] = None
                thunk = rule(F, dy, s[out], s[a], **params)[0]
                if thunk is not None:
                    value = thunk()
                    known = g[target]
                    g[target] = value if known is None else value if value is None else known + value
        return step

    def step(F, s, g):
        dy = g[out]
        if dy is not None:
            g[out] = None
            _collect(rule(F, dy, s[out], *[s[i] for i in inputs], **params), wanted, g)
    return step


def prepared_backward_step(call, wanted, gradients):
    """Return the backward step of a call whose operator has a prepared gradient; see `backward_step`."""
    out, inputs = call.out, call.inputs
    targets = [slot for _, slot in wanted]
    if len(inputs) == 3:
        a, b, c = inputs

        def step_of_three(F, s, g):
            dy = g[out]
            if dy is not None:
                g[out] = None
                for target, value in zip(targets, gradients(dy, s[out], s[a], s[b], s[c])):
                    known = g[target]
                    g[target] = value if known is None else known + value
        return step_of_three

    def step(F, s, g):
        dy = g[out]
        if dy is not None:
            g[out] = None
            for target, value in zip(targets, gradients(dy, s[out], *[s[i] for i in inputs])):
                known = g[target]
                g[target] = value if known is None else known + value
    return step


def _collect(thunks, wanted, g):
    """Evaluate the gradients that somebody wants, and add them to what is known."""
    for position, target in wanted:
        thunk = thunks[position]
        if thunk is not None:
            value = thunk()
            if value is not None:
                known = g[target]
                g[target] = value if known is None else known + value


def _backward_of_several(call, wanted, zeros):
    rule, out, inputs, params, parts = call.op.rule, call.out, call.inputs, call.params, call.parts
    visible = call.op.count_visible(params)

    def step(F, s, g):
        dy = [g[slot] for slot in parts]
        if all([d is None for d in dy]):
            return
        for slot in parts:
            g[slot] = None
        y = s[out]
        if not isinstance(y, tuple):
            dy = dy[0]
        else:
            dy = [zeros(like) if d is None and i < visible else d for i, (d, like) in enumerate(zip(dy, y))]
        _collect(rule(F, dy, y, *[s[i] for i in inputs], **params), wanted, g)
    return step
