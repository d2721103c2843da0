"""The tape: what was computed while recording, and the walk back over it.

Every recorded call is a `Node`; the arrays it made carry the node, and a node knows the nodes its inputs came from.  Nodes are
numbered as they are made, so walking back is visiting the reachable nodes by falling number.  Gradients are raw arrays; with
``create_graph`` they are NDArrays, computed under recording, by the same gradient rules.
"""

import itertools
from operator import attrgetter

from .errors import MXNetError
from .ops.registry import RawFunctions

next_number = itertools.count().__next__
_by_number = attrgetter("number")
_SMALL = 16384  # bytes below which keeping an array whole is cheaper than making a `Like` of it

NOT_RECORDED = (
    "Cannot differentiate node because it is not in a computational graph. You need to set is_recording to true or use "
    "autograd.record() to save computational graphs for backward. If you want to differentiate the same graph twice, you "
    "need to pass retain_graph=True to backward.")


class Storage:
    """What arrays over the same memory share: how often it was overwritten, and who reads it as if it had been copied."""

    __slots__ = ("aliases", "writes")

    def __init__(self):
        self.writes = 0
        self.aliases = None


class Like:
    """Shape and dtype of an array whose values a gradient rule doesn't need."""

    __slots__ = ("dtype", "ndim", "shape", "size")

    def __init__(self, raw):
        self.shape = raw.shape
        self.dtype = raw.dtype
        self.ndim = raw.ndim
        self.size = raw.size

    @property
    def _raw(self):
        return self


class Leaf:
    """The place where the gradient of a marked array is left."""

    multiple = False

    __slots__ = ("__weakref__", "ctx", "fresh", "grad", "number", "request")

    def __init__(self, grad, request, ctx):
        self.grad = grad
        self.request = request
        self.ctx = ctx
        self.fresh = False
        self.number = -1


class Node:
    """One recorded call."""

    __slots__ = ("__weakref__", "attrs", "counts", "ctx", "indices", "inputs", "multiple", "number", "op", "output",
                 "parents", "storage")


def record(op, attrs, ctx, inputs, result, outs):
    """Note a call on the tape and mark the arrays it made.

    Parameters
    ----------
    op : Operator
        What was called (anything with its gradient interface).
    attrs : dict
        Typed attributes.
    ctx : Context
        Where it ran.
    inputs : tuple of NDArray
        The arrays it was given.
    result : raw array or tuple of them
        What forward returned.
    outs : list of NDArray
        The arrays that the caller gets (hidden outputs are not among them).
    """
    node = Node()
    node.op = op
    node.attrs = attrs
    node.ctx = ctx
    node.number = next_number()
    node.inputs = inputs
    node.output = node.storage = node.counts = None
    stored = False
    if len(inputs) == 1:
        x = inputs[0]
        node.parents = (x._node,)
        node.indices = (x._index,)
        stored = x._storage is not None
    else:
        node.parents = tuple([x._node for x in inputs])
        node.indices = tuple([x._index for x in inputs])
        for x in inputs:
            if x._storage is not None:
                stored = True
    if stored:
        node.counts = tuple([x._storage.writes if x._storage is not None else 0 for x in inputs])
    for i in op.unsaved_positions if op.unsaved_positions is not None else range(len(inputs)):
        if i < len(inputs) and _is_large(inputs[i]):
            node.inputs = _without_values(op, inputs)
            break
    if op.saves_output:
        node.output = result
        if op.saved_outputs is not None and result.__class__ is tuple:
            node.output = _without_outputs(result, op.saved_outputs)
        if op.saved_outputs is None or 0 in op.saved_outputs:
            storage = outs[0]._own_storage()
            node.storage = (storage, storage.writes)
    if result.__class__ is tuple:
        node.multiple = True
        if not op.saves_output:
            node.output = tuple([None if r is None else Like(r) for r in result])
        for index, out in enumerate(outs):
            out._node = node
            out._index = index
    else:
        node.multiple = False
        out = outs[0]
        out._node = node
        out._index = 0


def _is_large(x):
    return x._raw is not None and x._raw.nbytes > _SMALL


def _without_values(op, inputs):
    """Return the inputs with stand-ins for large ones whose values the gradient doesn't need."""
    unsaved = op.unsaved_positions if op.unsaved_positions is not None else range(len(inputs))
    return tuple([Like(x._raw) if i in unsaved and _is_large(x) else x for i, x in enumerate(inputs)])


def _without_outputs(result, saved):
    """Return a tuple of results with stand-ins for large ones whose values the gradient doesn't need."""
    return tuple([r if r is None or i in saved or r.nbytes <= _SMALL else Like(r) for i, r in enumerate(result)])


def _reachable(roots):
    """Return the nodes that the roots depend on, latest first, and the leaves.

    Raises
    ------
    MXNetError
        If a node was freed by an earlier pass, or what its gradient needs was overwritten: before anything was computed.
    """
    seen = set(roots)
    leaves = [node for node in seen if node.__class__ is Leaf]
    stack = [node for node in seen if node.__class__ is not Leaf]
    nodes = []
    while stack:
        node = stack.pop()
        if node.inputs is None:
            raise MXNetError(f"the graph behind {node.op.name} was freed by an earlier backward pass. {NOT_RECORDED}")
        _check_fresh(node)
        nodes.append(node)
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                (leaves if parent.__class__ is Leaf else stack).append(parent)
    nodes.sort(key=_by_number, reverse=True)
    return nodes, leaves


def _check_fresh(node):
    """Raise if an array whose values the gradient needs was overwritten since it was recorded."""
    op = node.op
    if node.storage is not None and node.storage[0].writes != node.storage[1]:
        raise MXNetError(f"stale graph: the output of {op.name} was overwritten in place after it was recorded, and its "
                         "gradient needs the old values. Write into a copy, or call backward before overwriting.")
    inputs, counts = node.inputs, node.counts
    for i in op.saved_positions if op.saved_positions is not None else range(len(inputs)):
        if i >= len(inputs):
            break
        storage = inputs[i]._storage
        if storage is not None and storage.writes != (counts[i] if counts is not None else 0):
            name = op.inputs[i] if i < len(op.inputs) else f"number {i}"
            raise MXNetError(
                f"stale graph: input {name!r} of {op.name} (shape {inputs[i].shape}) was overwritten in place after it was "
                "recorded, and the gradient needs the old values. Write into a copy, or call backward before "
                "overwriting (for a parameter: before trainer.step).")


class RawMode:
    """How gradients are computed in an ordinary backward pass: on raw arrays.

    A subclass with `raw` False gives gradient rules what its methods ``inputs(node)`` and ``output(node)`` return.
    """

    raw = True

    def __init__(self, training):
        self.training = training
        self._ctx = self._found = None

    def functions(self, ctx):
        """Return the operators for gradient rules."""
        if ctx is not self._ctx:
            env = ctx._environments[self.training]
            if env.functions is None:
                env.functions = RawFunctions(env)
            self._ctx, self._found = ctx, env.functions
        return self._found

    def zeros(self, ctx, like):
        """Return a zero gradient."""
        return ctx._backend.xp.zeros(like.shape, like.dtype)

    def deposit_zero(self, leaf):
        """Leave a zero gradient at a leaf that the heads reach only through operators of zero gradient."""
        if leaf.request == "write":
            leaf.grad._writable().fill(0)
        leaf.fresh = True

    def deposit(self, leaf, value):
        """Leave a gradient at a leaf."""
        grad = leaf.grad
        if leaf.request == "write":
            grad._writable()[...] = value
        elif leaf.request == "add":
            raw = grad._writable()
            leaf.ctx._backend.xp.add(raw, value, out=raw)
        leaf.fresh = True


def _start(node, dy, mode):
    """Return the gradient callables of a node, one an input."""
    op = node.op
    if op.rule is None:
        raise MXNetError(f"operator {op.name} has no gradient; stop it with nd.BlockGrad(...) or compute it outside "
                         "autograd.record()")
    if node.multiple:
        visible = op.count_visible(node.attrs)
        dy = [mode.zeros(node.ctx, like) if d is None and i < visible else d
              for i, (d, like) in enumerate(zip(dy, node.output))]
    if mode.raw:
        return op.rule(mode.functions(node.ctx), dy, node.output, *[x._raw for x in node.inputs], **node.attrs)
    if not op.second_order:
        raise MXNetError(f"operator {op.name} has no second-order gradient: call autograd.grad without create_graph, or compute "
                         "it outside autograd.record()")
    return op.rule(mode.functions(node.ctx), dy, mode.output(node), *mode.inputs(node), **node.attrs)


LEFT = object()  # stands for a gradient that was put where it belongs already


def _places(node, grads):
    """Return where a whole graph, the last node to be walked, may put gradients of large variables as soon as it knows them."""
    places = {}
    for slot in node.op.large:
        leaf = node.parents[slot]
        if leaf.__class__ is Leaf and leaf.request == "write" and leaf not in grads and node.parents.count(leaf) == 1:
            places[slot] = leaf.grad._writable()
    return places


def walk_back(heads, mode, *, targets=(), retain=False):
    """Run the backward pass.

    Parameters
    ----------
    heads : list of (node, index, gradient)
        Where to start, with the gradient in the form of `mode`.
    mode : RawMode
        Arithmetic of gradients.
    targets : sequence of (node, index)
        Whose gradients to return; when given, leaves are left untouched.
    retain : bool
        Keep what the tape saved for another pass.

    Returns
    -------
    list
        Gradients of `targets` (None where heads don't depend on one).
    """
    nodes, leaves = _reachable([node for node, _, _ in heads])
    grads: dict = {}
    found: dict = {}
    here = None  # whose device is current
    for node, index, value in heads:
        _add(grads, here, node, index, value)
    wanted = {node for node, _ in targets} if targets else ()
    raw = mode.raw
    current = None
    try:
        for node in nodes:
            if node.ctx is not here:
                here = node.ctx
                current = _make_current(current, here)
            dy = grads.pop(node, None)
            if dy is not None:
                if node in wanted:
                    found[node] = dy
                compiled = node.op.compiled
                if compiled:
                    places = _places(node, grads) if node.op.large and raw and node is nodes[-1] and not targets else None
                    given = node.op.start(node, dy, mode, retain, places)
                else:
                    given = _start(node, dy, mode)
                for value, parent, index in zip(given, node.parents, node.indices):
                    if value is not None and parent is not None:
                        if not compiled:
                            value = value()
                        if parent.multiple or parent in grads:
                            _add(grads, here, parent, index, value)
                        elif value is not None:
                            grads[parent] = value
            if not retain:
                node.inputs = node.output = node.storage = None
                node.parents = ()
        for leaf in leaves:
            if leaf.ctx is not here:
                here = leaf.ctx
                current = _make_current(current, here)
            dy = grads.get(leaf)
            if targets:
                if leaf in wanted:
                    found[leaf] = dy
            elif dy is None:
                mode.deposit_zero(leaf)
            elif dy is LEFT:
                leaf.fresh = True
            elif raw and leaf.request == "write":
                leaf.grad._writable()[...] = dy
                leaf.fresh = True
            else:
                mode.deposit(leaf, dy)
    finally:
        if current is not None:
            current.__exit__(None, None, None)
    results = []
    for node, index in targets:
        dy = found.get(node)
        results.append(dy[index] if dy.__class__ is list else dy)
    return results


def start_gradients(heads, head_grads):
    """Return ``(node, index, raw gradient, given gradient or None)`` for every head; ones where no gradient is given.

    Raises
    ------
    MXNetError
        If a head was not recorded, or its gradient has another shape.
    ValueError
        If there are not as many gradients as heads.
    """
    heads = list(heads)
    grads = [None] * len(heads) if head_grads is None else list(head_grads)
    if len(heads) != len(grads):
        raise ValueError(f"heads and head_grads must be lists of the same length, but have {len(heads)} and {len(grads)}")
    result = []
    for x, grad in zip(heads, grads):
        if x._node is None:
            raise MXNetError(NOT_RECORDED)
        if grad is None:
            with x._ctx._use():
                raw = x._ctx._backend.xp.ones(x._raw.shape, x._raw.dtype)
        elif grad.shape != x.shape:
            raise MXNetError(f"the head gradient has shape {grad.shape}, but its head has shape {x.shape}")
        else:
            raw = grad._raw
        result.append((x._node, x._index, raw, grad))
    return result


def backward(heads, head_grads, retain_graph, train_mode):
    """Leave the gradients of heads in the buffers of all leaves; see `autograd.backward`."""
    plain = head_grads is None or head_grads.__class__ is list and len(head_grads) == 1 and head_grads[0] is None
    if plain and heads.__class__ is list and len(heads) == 1 and heads[0]._node is not None:
        x = heads[0]
        starts = [(x._node, x._index, _ones_like(x))]
    else:
        starts = [(node, index, raw) for node, index, raw, _ in start_gradients(heads, head_grads)]
    walk_back(starts, RawMode(bool(train_mode)), retain=retain_graph)


_ones: dict = {}


def _ones_like(x):
    """Return ones like a head, which gradient rules never change; small ones are kept."""
    raw = x._raw
    key = x._ctx, raw.shape, raw.dtype
    found = _ones.get(key)
    if found is None:
        with x._ctx._use():
            found = x._ctx._backend.xp.ones(raw.shape, raw.dtype)
        if found.nbytes <= _SMALL:
            if len(_ones) >= 64:
                _ones.clear()
            _ones[key] = found
    return found


def _make_current(current, ctx):
    """Leave the scope of one device and enter that of another (None where a device needs none, such as the host)."""
    if current is not None:
        current.__exit__(None, None, None)
    scope = ctx._environments[0].scope
    if scope is not None:
        scope.__enter__()
    return scope


def _add(grads, here, node, index, value):
    """Add a gradient to what a node's output has got so far."""
    if value is None:
        return
    known = grads.get(node)
    if not node.multiple:
        grads[node] = value if known is None else _plus(node, here, known, value)
        return
    if known is None:
        known = grads[node] = [None] * len(node.output)
    known[index] = value if known[index] is None else _plus(node, here, known[index], value)


def _plus(node, here, known, value):
    if node.ctx is here:
        return known + value
    with node.ctx._use():
        return known + value
