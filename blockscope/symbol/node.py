"""Nodes of a graph: a variable, or an operator applied to outputs of other nodes.

A graph is not an object of its own: it is what can be reached from some entries, where an entry is a pair of a node and the number of
one of its outputs. Nodes are not changed once they are inputs of others, except for attributes that users set.
"""
import itertools

from ..errors import MXNetError

__all__ = ['HIDDEN_KEYS', 'Node', 'as_written', 'joined_name', 'walk']

# Attributes that are for the executor and the trainer, not for the operator: kept as __key__, listed under both spellings.
HIDDEN_KEYS = ('ctx_group', 'lr_mult', 'wd_mult', 'force_mirroring', 'mirror_stage', 'profiler_scope')

_number = itertools.count().__next__


class Node:
    """One node.

    Nodes are numbered as they are made, so that a graph can be run in the order in which it was written. `overwritten`
    counts the operators that have been applied to overwrite a variable, in any graph; `versions` holds what the counts of the inputs
    were when this operator was applied, or what a file says of them (None for nodes made in other ways). Files tell both, as MXNet's.

    Parameters
    ----------
    op : Operator or None
        None makes a variable.
    name : str
        Need not be unique.
    attrs : dict of str to str
        Operator attributes and annotations (`__lr_mult__`), as texts, the way files hold them.
    inputs : list of (Node, int)
        Entries, in the order of the operator's arguments.
    subgraphs : tuple of Symbol
        Bodies of control flow.
    """

    __slots__ = ('__weakref__', '_typed', 'attrs', 'inputs', 'name', 'number', 'op', 'overwritten', 'subgraphs', 'versions')

    def __init__(self, op, name, attrs=None, inputs=(), subgraphs=()):
        self.op = op if op is None or op.specialise is None else op.specialise({} if attrs is None else attrs)
        self.name = name
        self.attrs = {} if attrs is None else attrs
        self.inputs = list(inputs)
        self.subgraphs = subgraphs
        self.number = _number()
        self.overwritten = 0
        self.versions = None
        self._typed = None

    @property
    def params(self):
        """Typed attributes of the operator, defaults included."""
        if self._typed is None:
            given = {key: text for key, text in self.attrs.items() if key in self.op.attributes}
            try:
                self._typed = self.op.parse(given)
            except MXNetError as error:
                if self.name is None:
                    raise
                raise MXNetError(f'{error}, in node {self.name}') from error
        return self._typed

    def set_attribute(self, key, text):
        """Set the text of an attribute; None removes it."""
        if text is None:
            self.attrs.pop(key, None)
        else:
            self.attrs[key] = text
        self._typed = None

    def try_attribute(self, key, text):
        """Set the text of an attribute; if the operator refuses it, that is an error and the node stays as it was."""
        before = dict(self.attrs)
        self.set_attribute(key, text)
        try:
            if self.op is not None and key in self.op.attributes:
                _ = self.params  # parses the texts
        except MXNetError:
            self.attrs, self._typed = before, None
            raise

    def copy(self, inputs, name=None):
        """Return a node like this one with other inputs and, if given, another name; it counts as written now."""
        made = Node(self.op, self.name if name is None else name, dict(self.attrs), inputs, self.subgraphs)
        made.overwritten, made.versions = self.overwritten, self.versions
        return made

    def count_versions(self):
        """Note which versions of its inputs the operator was applied to, and that it overwrites some of them."""
        found = [child.overwritten for child, _ in self.inputs]
        for position in self.auxiliary():
            if position < len(found) and self.inputs[position][0].op is None:
                child = self.inputs[position][0]
                found[position] = child.overwritten = child.overwritten + 1
        self.versions = tuple(found)

    def count_visible(self):
        """Return how many outputs users see."""
        return 1 if self.op is None else self.op.count_visible(self.params)

    def count_outputs(self):
        """Return how many outputs there are in MXNet's count, hidden ones included."""
        return 1 if self.op is None else self.op.count_graph_outputs(self.params)

    def output_names(self):
        """Return the names of the visible outputs, as list_outputs has them."""
        if self.op is None:
            return (self.name,)
        return tuple(joined_name(self.name, suffix) for suffix in self.op.output_suffixes(self.params))

    def auxiliary(self):
        """Return the positions of the inputs that the operator overwrites."""
        return () if self.op is None else self.op.mutates

    def __repr__(self):
        return f'<{"variable" if self.op is None else self.op.name} {self.name}>'


def joined_name(name, part):
    """Return the name of a node's output, or of the variable in the place of an input that was not given; nodes may have no name.

    Examples
    --------
    >>> joined_name('fc1', 'weight'), joined_name('', 'output')
    ('fc1_weight', 'output')
    """
    return f'{name}_{part}' if name else part


def walk(entries):
    """Return all nodes that entries depend on, each once, inputs before users (depth first, as files order them).

    Parameters
    ----------
    entries : iterable of (Node, int)

    Returns
    -------
    list of Node
    """
    order, seen = [], set()
    for head, _ in entries:
        if head in seen:
            continue
        seen.add(head)
        stack = [(head, iter(head.inputs))]
        while stack:
            node, rest = stack[-1]
            for child, _ in rest:
                if child not in seen:
                    seen.add(child)
                    stack.append((child, iter(child.inputs)))
                    break
            else:
                order.append(node)
                stack.pop()
    return order


def as_written(nodes):
    """Return nodes in another order: variables first, then operators as they were applied, which runs of a graph keep to."""
    return sorted(nodes, key=lambda node: (node.op is not None, node.number))
