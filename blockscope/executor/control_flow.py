"""Running the nodes that hold graphs, and those of users' own operators: on NDArrays, step by step.

Loops and branches are those of `nd.contrib`, with a graph in the place of the user's function; so under `autograd.record()` all steps
are on the tape, and gradients follow.
"""
from ..errors import MXNetError
from ..ndarray import control_flow, custom, zeros
from .cached_op import compiled_subgraphs
from .python_calls import PYTHON_CALLS

__all__ = ['run_cond', 'run_custom', 'run_foreach', 'run_while_loop']


def _runner(run):
    """Return the function of a node, its inputs and a context that runs it, with the node's graphs compiled."""
    def run_node(node, arrays, ctx):
        graphs = compiled_subgraphs(node)

        def call(symbol, inputs):
            compiled = next(graph for graph in graphs if graph.symbol is symbol)
            return compiled.run(inputs, ctx)
        return run(node, arrays, call)
    return run_node


def _chosen(arrays, places):
    return [arrays[place] for place in places]


def run_foreach(node, arrays, call):
    """Run a node of `_foreach`.

    Parameters
    ----------
    node : Node
    arrays : list of NDArray
        Its inputs: what is looped over, first states, and what the body reads besides.
    call : callable
        ``call(symbol, arrays) -> list of NDArray`` runs a graph; arrays are in the order of its inputs.

    Returns
    -------
    list of NDArray
        Stacked outputs, last states.
    """
    attrs, (body,) = node.params, node.subgraphs
    data_places, state_places, other_places = attrs['in_data_locs'], attrs['in_state_locs'], attrs['remain_locs']
    count, split = attrs['num_out_data'], len(data_places)
    inputs = [None] * len(arrays)
    for place, array in zip(other_places, arrays[split + len(state_places):]):
        inputs[place] = array

    def step(slices, states):
        for place, array in zip((*data_places, *state_places), (*slices, *states)):
            inputs[place] = array
        found = call(body, list(inputs))
        return found[:count], found[count:]
    outputs, states = control_flow.foreach(step, arrays[:split], arrays[split:split + len(state_places)])
    return outputs + states


def run_while_loop(node, arrays, call):
    """Run a node of `_while_loop`; see `run_foreach`.

    Returns
    -------
    list of NDArray
        Stacked outputs, of zeros if no step ran, and the last variables.
    """
    attrs, (test, body) = node.params, node.subgraphs
    test_places, body_places, variable_places = attrs['cond_input_locs'], attrs['func_input_locs'], attrs['func_var_locs']
    count = attrs['num_out_data']
    places = _chosen(body_places, variable_places)  # where the variables are among the inputs of the node
    current = list(arrays)

    def keep(variables):
        for place, array in zip(places, variables):
            current[place] = array

    def holds(*variables):
        keep(variables)
        return call(test, _chosen(current, test_places))[0]

    def step(*variables):
        keep(variables)
        found = call(body, _chosen(current, body_places))
        return found[:count], found[count:]
    outputs, variables = control_flow.while_loop(holds, step, _chosen(arrays, places), attrs['max_iterations'])
    if not outputs:
        outputs = _no_outputs(body, _chosen(arrays, body_places), count, attrs['max_iterations'])
    return outputs + variables


def _no_outputs(body, arrays, count, length):
    """Return the outputs of a loop that made no step: zeros, as if the first step's rows were missing."""
    if not count:
        return []
    names = body.list_inputs()
    outputs = type(body)(body._entries[:count])
    known = set(outputs.list_inputs())
    shapes = {name: x.shape for name, x in zip(names, arrays) if name in known}
    types = {name: x.dtype for name, x in zip(names, arrays) if name in known}
    _, found, _ = outputs.infer_shape(**shapes)
    _, found_types, _ = outputs.infer_type(**types)
    if found is None or found_types is None:
        raise MXNetError('while_loop made no step, and the shapes of its outputs do not follow from those of its inputs')
    return [zeros((length, *shape), arrays[0].context, dtype) for shape, dtype in zip(found, found_types)]


def run_cond(node, arrays, call):
    """Run a node of `_cond`; see `run_foreach`."""
    attrs = node.params
    test, *branches = node.subgraphs

    def run(branch, places):
        return lambda: call(branch, _chosen(arrays, attrs[places]))
    return control_flow.cond(run(test, 'cond_input_locs')()[0], run(branches[0], 'then_input_locs'), run(branches[1], 'else_input_locs'))


def run_custom(node, arrays, ctx):
    """Run a node of `Custom` on a context; see `run_foreach`."""
    return custom.run(node.op, arrays, ctx)


PYTHON_CALLS.update(_foreach=_runner(run_foreach), _while_loop=_runner(run_while_loop), _cond=_runner(run_cond), Custom=run_custom)
