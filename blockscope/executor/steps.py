"""Steps: the prepared calls of a plan, as closures over slot numbers. A plan runs by calling one after another with its slots."""
from .._tape import Like

__all__ = ['filling_step', 'forward_step', 'in_place_step', 'release_step', 'shape_step', 'thinning_step', 'writing_step']


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


def shape_step(slots):
    """Return a step that keeps of the values of slots only shape and type, which is all that gradients need of them."""
    def step(s):
        for a in slots:
            value = s[a]
            if isinstance(value, tuple):
                s[a] = _thinned(value, ())
            elif value is not None:
                s[a] = Like(value)
    return step


def thinning_step(call):
    """Return a step that keeps, in the tuple of a call's results, only the shapes of those whose values the gradient doesn't need."""
    out, saved = call.out, call.op.saved_outputs

    def step(s):
        result = s[out]
        if isinstance(result, tuple):
            s[out] = _thinned(result, saved)
    return step


def _thinned(result, saved):
    """Return a tuple of results with only the shapes of those whose numbers are not in `saved`."""
    return tuple([part if part is None or i in saved else Like(part) for i, part in enumerate(result)])
