"""Records of the operators that hold graphs: loops and branches of the symbolic front end.

The first arguments of such an operator are graphs, which its node keeps apart from its inputs. What runs them is
`executor.control_flow`, since a forward function gets arrays only.
"""
from ..errors import MXNetError
from .attributes import Shape
from .registry import operator

__all__ = ['count_graphs']

_GRAPHS = {'_foreach': 1, '_while_loop': 2, '_cond': 3}
_FRONT_ENDS = {'_foreach': 'foreach', '_while_loop': 'while_loop', '_cond': 'cond'}


def count_graphs(name):
    """Return how many graphs a node of an operator holds.

    Examples
    --------
    >>> count_graphs('_while_loop'), count_graphs('relu')
    (2, 0)
    """
    return _GRAPHS.get(name, 0)


def _needs_graphs(name):
    front_end = _FRONT_ENDS[name]
    return MXNetError(f'operator {name} runs a graph that its node holds; call nd.contrib.{front_end} or sym.contrib.{front_end}')


def _arguments(*, count, **attrs):
    return tuple(f'data{i}' for i in range(count))


def _outputs(*, num_outputs, **attrs):
    return num_outputs


def _operator(name):
    return operator(name, outputs=_outputs, count_attribute='num_args', creates_variables=False, arguments=_arguments,
                    output_names=lambda *, num_outputs, **_: tuple(f'output{i}' for i in range(num_outputs))
                    if num_outputs != 1 else ('output',))


@_operator('_foreach')
def foreach(env, *data, num_outputs: int, num_out_data: int, in_state_locs: Shape, in_data_locs: Shape, remain_locs: Shape):
    """Run a graph on every slice of arrays along axis 0, handing on states."""
    raise _needs_graphs('_foreach')


@_operator('_while_loop')
def while_loop(env, *data, num_outputs: int, num_out_data: int, max_iterations: int, cond_input_locs: Shape, func_input_locs: Shape,
               func_var_locs: Shape):
    """Run a graph while another one says so."""
    raise _needs_graphs('_while_loop')


@_operator('_cond')
def cond(env, *data, num_outputs: int, cond_input_locs: Shape, then_input_locs: Shape, else_input_locs: Shape):
    """Run one graph or another."""
    raise _needs_graphs('_cond')
