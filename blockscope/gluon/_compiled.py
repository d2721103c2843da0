"""From a traced graph to a compiled block: which variable stands for which argument or parameter, and what shapes they have."""
import warnings

from ..errors import MXNetError
from ..executor import passes
from ..symbol.listing import all_variables, variables
from ._parameter import Parameter
from ._shape import shape_is_known

__all__ = ['check_use', 'infer_parameters', 'known_parameters', 'rewritten', 'sources', 'used_parameters']


def known_parameters(block):
    """Return the parameters that a graph of the block may use, by name."""
    if block._cached_op_args:
        return {param.name: param for is_arg, param in block._cached_op_args if not is_arg}
    return dict(block.collect_params().items())


def _meanings(inputs, params):
    """Return what variables stand for, by node and by name: (True, number of the argument) or (False, parameter)."""
    by_node = {param._var._entries[0][0]: (False, param) for param in params.values() if param._var is not None}
    by_node.update((x._entries[0][0], (True, i)) for i, x in enumerate(inputs))
    by_name = {name: (False, param) for name, param in params.items()}
    by_name.update((x.name, (True, i)) for i, x in enumerate(inputs))
    return by_node, by_name


def sources(inputs, out, params):
    """Return what each variable of a graph stands for, in their order: pairs (is argument, its number or parameter).

    A variable is known by itself, and only where the graph was read from a file or rewritten by its name: an argument `data` and a
    parameter of that name are two things.

    Raises
    ------
    AssertionError
        A variable is neither.
    """
    by_node, by_name = _meanings(inputs, params)
    found = []
    for node in all_variables(out._entries):
        meaning = by_node.get(node) or by_name.get(node.name)
        if meaning is None:
            raise AssertionError(f'Unknown input to HybridBlock: {node.name}. Parameters are made with self.params.get, and must be '
                                 'attributes of the block or its children.')
        found.append(meaning)
    return found


def used_parameters(inputs, out, params):
    """Return the parameters that a graph uses."""
    return [param for is_arg, param in sources(inputs, out, params) if not is_arg]


def check_use(inputs, out, params):
    """Warn of arguments and parameters that a graph does not use."""
    used = sources(inputs, out, params)
    arguments = {i for is_arg, i in used if is_arg}
    unused = ', '.join(f'{i}-th' for i in range(len(inputs)) if i not in arguments)
    if unused:
        warnings.warn(f'The {unused} input to HybridBlock is not used by any computation. Is this intended?', stacklevel=5)
    taken = {id(param) for is_arg, param in used if not is_arg}
    unused = ', '.join(name for name, param in params.items() if id(param) not in taken)
    if unused:
        warnings.warn(f'Parameter {unused} is not used by any computation. Is this intended?', stacklevel=5)


def infer_parameters(params, inputs, out, arrays, infer, attribute):
    """Set shapes or types of parameters as they follow from arguments.

    Parameters
    ----------
    params : ParameterDict
    inputs : list of Symbol
    out : Symbol
    arrays : list of NDArray
        The arguments, one an input.
    infer : str
        'infer_shape' or 'infer_type'.
    attribute : str
        'shape' or 'dtype'.

    Raises
    ------
    ValueError
        The arguments don't determine everything; the message lists what stays unknown.
    """
    used = set(out.list_inputs())  # MXNet refuses the names of arguments that the graph does not use
    known = {x.name: getattr(array, attribute) for x, array in zip(inputs, arrays) if x.name in used}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        found, _, states = getattr(out, infer)(**known)
    if found is None and attribute == 'shape':  # enough if only results have shapes that depend on values (boolean_mask)
        found, _, states = out.infer_shape_partial(**known)
        found = found if all(map(shape_is_known, found + states)) else None
    if found is None:
        raise ValueError(caught[0].message)
    arguments, auxiliary = variables(out._entries)
    by_node, by_name = _meanings(inputs, params)
    for node, value in zip(arguments + auxiliary, found + states):
        is_arg, param = by_node.get(node) or by_name.get(node.name, (True, None))
        if not is_arg:
            setattr(param, attribute, value)


def rewritten(name, options, inputs, out, params, arrays):
    """Return a graph as a pass rewrites it, and its parameters: the pass may add and remove some.

    Raises
    ------
    MXNetError
        The pass added a variable, but no array for it.
    """
    by_name = {x.name: array for x, array in zip(inputs, arrays)}
    ctx = arrays[0].ctx
    known = {**{key: param.data(ctx) for key, param in params.items()}, **by_name}
    args = {key: known[key] for key in out.list_arguments() if key in known}
    aux = {key: known[key] for key in out.list_auxiliary_states() if key in known}
    new = passes.rewrite(name, out, args, aux, **options)
    given, kept = {**args, **aux}, {}
    for key in new.list_inputs():
        if key in params and given.get(key) is known.get(key):
            kept[key] = params[key]
        elif key not in by_name:
            if key not in given:
                raise MXNetError(f'the pass {name} added the variable {key}, but put no array of that name into args or aux')
            value = given[key]
            kept[key] = Parameter(key, dtype=value.dtype, grad_req='null' if key in aux else 'write')
            kept[key]._load_init(value, value.context)
    return new, kept
