"""Shape and type inference over graphs.

Every operator says what follows from what is known of its inputs and outputs (`Operator.infer_shape`, `infer_type`). This is done
forwards and backwards over the graph until nothing new follows, so that what is known of an output tells about inputs too.

Inside, a shape of which nothing is known is None and an unknown length is 0. Users write MXNet's way: ``()`` and 0, or with NumPy
shape semantics (`util.np_shape`) None and -1. Arrays without elements, which that semantics has as well, can't be told from unknown
ones here and are refused.

References
----------
MXNet 1.9.1, passes InferShape and InferType.
"""
import operator

from ..errors import MXNetError
from ..formats.params import DTYPES
from ..ndarray.np_shape import is_np_shape
from ..ops.attributes import Optional, Shape, as_dtype, kind_of
from ..ops.inference import is_complete, unite, unite_types
from .listing import no_such_name
from .node import walk

__all__ = ['differs', 'infer_shapes', 'infer_types', 'is_known', 'known_shape', 'shown_shape']

# What a rule raises for shapes that don't fit, some of it from taking apart a shape of too few axes.
_REFUSALS = (ValueError, MXNetError, IndexError, TypeError, ZeroDivisionError)

_SHAPE = Optional(kind_of(Shape))


def infer_shapes(entries, known):
    """Infer the shapes of everything in a graph.

    Parameters
    ----------
    entries : iterable of (Node, int)
        Heads of the graph.
    known : dict of str to tuple
        Shapes of variables by name, as users write them; all variables of a name get it. They come before what the variables'
        own attribute `__shape__` says.

    Returns
    -------
    dict of (Node, int) to tuple or None
        For every output of every node, hidden ones only where their shape is known. None is an unknown shape, 0 an unknown length.

    Raises
    ------
    MXNetError
        Shapes contradict each other; the message names node, operator and inputs. Or `known` has a name that no variable has.

    Examples
    --------
    >>> import blockscope as mx
    >>> y = mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=4, name='fc')
    >>> [(node.name, shape) for (node, _), shape in infer_shapes(y._entries, {'x': (2, 3)}).items()]
    [('x', (2, 3)), ('fc_weight', (4, 3)), ('fc_bias', (4,)), ('fc', (2, 4))]
    """
    known = {name: known_shape(shape) for name, shape in known.items()}
    return _Pass('shape', entries, known, _declared_shape, is_complete, unite).run()


def infer_types(entries, known):
    """Infer the types of everything in a graph; see `infer_shapes`. A type is a numpy dtype, an unknown one None.

    Examples
    --------
    >>> import blockscope as mx
    >>> x = mx.sym.var('x')
    >>> infer_types(mx.sym.Cast(x, dtype='float16')._entries, {'x': 'int32'}).values()
    dict_values([dtype('int32'), dtype('float16')])
    """
    known = {name: as_dtype(dtype) for name, dtype in known.items()}
    return _Pass('type', entries, known, _declared_type, is_known, unite_types).run()


def known_shape(shape):
    """Return a shape as the rules take it, from the way users write it.

    Examples
    --------
    >>> known_shape((0, 3)), known_shape(())
    ((0, 3), None)
    """
    if shape is None:
        return None
    shape = tuple([operator.index(n) for n in shape])
    if 0 in shape and is_np_shape():
        raise MXNetError(f'shape {shape} is that of an array without elements, for which no shapes can be inferred (-1 is an unknown '
                         'length)')
    # -1 is an unknown length in either way of writing.
    return tuple([0 if n == -1 else n for n in shape]) if shape or is_np_shape() else None


def shown_shape(shape):
    """Return a (partly) known shape as users see it; the opposite of `known_shape`."""
    if is_np_shape():
        return shape and tuple([n or -1 for n in shape])
    return () if shape is None else shape


def _declared_shape(node):
    return known_shape(_declared(node, '__shape__', _SHAPE.parse))


def _declared_type(node):
    return _declared(node, '__dtype__', lambda text: DTYPES.get(int(text)))


def _declared(node, key, parse):
    text = node.attrs.get(key)
    try:
        return None if text is None else parse(text)
    except (ValueError, SyntaxError) as error:
        raise MXNetError(f'Invalid attribute {key}={text!r} of variable {node.name}') from error


def is_known(dtype):
    """Return whether a type is known."""
    return dtype is not None


def differs(new, old):
    """Return whether two shapes or types, None being unknown, are not the same; NumPy takes None for float64."""
    return new is not old and (new is None or old is None or new != old)


class _Pass:
    """Inference of one kind over one graph."""

    def __init__(self, kind, entries, known, declared, is_known, merge):
        self.kind = kind
        self.is_known = is_known
        self.merge = merge
        self.order = walk(entries)
        self.values = {}
        unused = set(known)
        for node in self.order:
            if node.op is None:
                unused.discard(node.name)
                value = known.get(node.name)
                self.values[node] = [declared(node) if value is None else value]
            else:
                self.values[node] = [None] * node.count_outputs()
        if unused:
            names = [node.name for node in self.order if node.op is None]
            raise MXNetError(no_such_name(f'Infer{kind.title()}', min(unused), names))

    def run(self):
        """Go forwards and backwards until nothing changes; return the values of all outputs."""
        pending = [node for node in self.order if node.op is not None]
        changed = True
        while pending and changed:
            changed, left = False, []
            for node in pending:
                moved, done = self._visit(node)
                changed |= moved
                if not done:
                    left.append(node)
            # Forwards and backwards in turn.
            pending = left[::-1]
        return {(node, i): value for node in self.order for i, value in enumerate(self.values[node])
                if i < node.count_visible() or self.is_known(value)}

    def _visit(self, node):
        """Ask a node; return whether anything new came out, and whether all is known now."""
        values = self.values
        ins = [values[source][i] for source, i in node.inputs]
        outs = values[node]
        try:
            new_ins, new_outs = node.op.infer_node(self.kind, node, ins, outs)
            moved = False
            for (source, i), before, now in zip(node.inputs, ins, new_ins):
                if differs(now, before):
                    values[source][i] = self.merge(values[source][i], now)
                    moved = True
        except _REFUSALS as error:
            raise MXNetError(f'Error in operator {node.name}: {self._explain(node, ins, error)}') from error
        if len(new_outs) != len(outs) or any(map(differs, new_outs, outs)):
            values[node] = list(new_outs)
            moved = True
        is_known = self.is_known
        return moved, all(map(is_known, new_ins)) and all(map(is_known, new_outs[:node.count_visible()]))

    def _explain(self, node, ins, error):
        names = node.op.argument_names(node.params, len(ins))
        inputs = ', '.join(f'{name}={source.name} {value}' for name, (source, _), value in zip(names, node.inputs, ins))
        text = str(error) if isinstance(error, (ValueError, MXNetError)) else f'these {self.kind}s of the inputs do not fit'
        return f'{text}, in {node.op.name}({inputs})'
