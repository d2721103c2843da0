"""Shapes and types of the nodes that hold graphs: they follow from those inside."""
from ..ops import inference, registry
from . import infer, listing

__all__ = ['SubgraphInference']

_UNITE = {'shape': inference.unite, 'type': inference.unite_types}


class SubgraphInference:
    """What is known of the inputs of a graph and what follows for its outputs: shapes (kind 'shape') or types ('type').

    Parameters
    ----------
    kind : str
    graph : Symbol
    """

    def __init__(self, kind, graph):
        self._entries = graph._entries
        self._variables = listing.all_variables(graph._entries)
        self._kind = kind
        self._unite = _UNITE[kind]

    def __call__(self, values):
        """Return what follows for inputs and outputs when the inputs are as given."""
        known = {node.name: value for node, value in zip(self._variables, values) if value is not None}
        if self._kind == 'shape':
            found = infer.infer_shapes(self._entries, {name: infer.shown_shape(shape) for name, shape in known.items()})
        else:
            found = infer.infer_types(self._entries, known)
        return [found[node, 0] for node in self._variables], [found[entry] for entry in self._entries]

    def unite(self, first, second, what):
        """Return what agrees with two partly known values.

        Raises
        ------
        ValueError
            They contradict each other.
        """
        try:
            return self._unite(first, second)
        except ValueError as error:
            raise ValueError(f'{what}: {error}') from None


def _slice(kind, value):
    """Return what a step of a loop sees of an array: the rest of the shape; a single number has shape (1,)."""
    return value if kind == 'type' or value is None else value[1:] or (1,)


def _stack(kind, value, length):
    return value if kind == 'type' or value is None else (length, *value)


def _length(ins):
    """Return the length of what foreach loops over, 0 if it is not known.

    Raises
    ------
    ValueError
        Lengths differ.
    """
    found = 0
    for shape in ins:
        if shape is not None:
            found, = inference.unite((found,), shape[:1])
    return found


def _foreach(kind, node, ins, outs):
    attrs, inside = node.params, SubgraphInference(kind, node.subgraphs[0])
    data_places, state_places, other_places = attrs['in_data_locs'], attrs['in_state_locs'], attrs['remain_locs']
    split, count = len(data_places), attrs['num_out_data']
    data, states, others = ins[:split], list(ins[split:split + len(state_places)]), ins[split + len(state_places):]
    length = _length([*data, *outs[:count]]) if kind == 'shape' else 0
    states = [inside.unite(state, out, f'state {i} of foreach') for i, (state, out) in enumerate(zip(states, outs[count:]))]
    while True:
        values = [None] * len(ins)
        for places, known in ((data_places, [_slice(kind, x) for x in data]), (state_places, states), (other_places, others)):
            for place, value in zip(places, known):
                values[place] = value
        found, found_outs = inside(values)
        new = [inside.unite(found[place], out, f'state {i} of foreach, before and after a step')
               for i, (place, out) in enumerate(zip(state_places, found_outs[count:]))]
        if not any(map(infer.differs, new, states)):
            break
        states = new
    data = [x if x is not None else _stack(kind, found[place], length) for x, place in zip(data, data_places)]
    data = [x if kind == 'type' or x is None else (length, *x[1:]) for x in data]
    return ([*data, *states, *(found[place] for place in other_places)],
            [*(_stack(kind, out, length) for out in found_outs[:count]), *states])


def _united_inputs(graphs, ins):
    """Infer graphs that share inputs, until nothing new follows.

    Parameters
    ----------
    graphs : list of (SubgraphInference, sequence of int)
        Graphs, with the places of their inputs.
    ins : list
        What is known of the inputs.

    Returns
    -------
    (list, list of list)
        What follows for the inputs, and for the outputs of each graph.
    """
    while True:
        known, all_outs = list(ins), []
        for graph, places in graphs:
            found, found_outs = graph([known[place] for place in places])
            for place, value in zip(places, found):
                known[place] = graph.unite(known[place], value, f'input {place}')
            all_outs.append(found_outs)
        if not any(map(infer.differs, known, ins)):
            return known, all_outs
        ins = known


def _while_loop(kind, node, ins, outs):
    attrs, count = node.params, node.params['num_out_data']
    test, body = (SubgraphInference(kind, graph) for graph in node.subgraphs)
    known, (_, found) = _united_inputs([(test, attrs['cond_input_locs']), (body, attrs['func_input_locs'])], ins)
    # A variable may change its shape from step to step; then its last one is known only when the loop has run.
    variables = [None if infer.differs(out, known[attrs['func_input_locs'][place]]) else out
                 for place, out in zip(attrs['func_var_locs'], found[count:])]
    return known, [*(_stack(kind, out, attrs['max_iterations']) for out in found[:count]), *variables]


def _cond(kind, node, ins, outs):
    attrs = node.params
    places = [attrs[f'{branch}_input_locs'] for branch in ('cond', 'then', 'else')]
    known, (_, then, other) = _united_inputs(list(zip((SubgraphInference(kind, graph) for graph in node.subgraphs), places)), ins)
    # Where the branches differ, what comes out is known only when one of them has run.
    return known, [None if infer.differs(a, b) else a for a, b in zip(then, other)]


def _completing(rule):
    """Return a rule whose outputs agree with what was known of them."""
    def complete(kind, node, ins, outs):
        found, found_outs = rule(kind, node, ins, outs)
        return found, [_UNITE[kind](known, new) for known, new in zip(outs, found_outs)]
    return complete


for _name, _rule in (('_foreach', _foreach), ('_while_loop', _while_loop), ('_cond', _cond)):
    registry.get(_name).infer_node = _completing(_rule)
