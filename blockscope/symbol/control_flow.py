"""Loops and branches as nodes that hold graphs: sym.contrib.foreach, while_loop and cond.

The user's function is called once, with variables in the place of its arguments, and what it returns is the graph of the body. Nodes
made inside it are known by an attribute, `__subgraph_name__`; where they read a node made outside, the graph is cut, and what was
outside becomes an input of the loop. Names and attributes are MXNet's, since they are in files.

References
----------
MXNet 1.9.1, `mxnet.symbol.contrib`.
"""
from ..errors import public_class
from ..naming import counters
from ..naming.attr_scope import AttrScope
from ..ops import control_flow, registry
from .compose import apply
from .creation import Group, var
from .functions import function, replace
from .node import Node, walk
from .symbol import Symbol

__all__ = ['cond', 'foreach', 'while_loop']

_MARK = '__subgraph_name__'


# ---- nested lists of symbols ---------------------------------------------------------------------------------------------

def _flatten(value, what):
    """Return the single outputs in nested lists, and how they are nested: None for a single one, else a list.

    A symbol of several outputs counts as a list of them.
    """
    if isinstance(value, Symbol):
        return ([value], None) if len(value) == 1 else (list(value), [None] * len(value))
    if not isinstance(value, (list, tuple)):
        raise AssertionError(f'{what} must be (nested) list of Symbol, but got {value} of type {public_class(type(value))}')
    parts = [_flatten(item, what) for item in value]
    return [symbol for flat, _ in parts for symbol in flat], [nesting for _, nesting in parts]


def _nested(flat, nesting):
    """Return symbols nested as `_flatten` saw them."""
    rest = iter(flat)

    def build(nesting):
        return next(rest) if nesting is None else [build(part) for part in nesting]
    return build(nesting)


# ---- bodies --------------------------------------------------------------------------------------------------------------

class _Body:
    """The graph that a user's function makes.

    Parameters
    ----------
    name : str
        What the name of the graph starts with.
    function : callable
        Takes the nested variables, and returns lists of outputs and of states, with whatever else the caller wants to know.
    arguments : list of Symbol
        What the variables stand for.
    nesting
        How the variables are nested.
    """

    def __init__(self, name, function, arguments, nesting):
        self.name = _unique_name(name)
        with AttrScope(**{_MARK: self.name}):
            variables = [var(f'{symbol.name}-{symbol._entries[0][1]}') for symbol in arguments]
            self.outputs, self.states, self.extra = function(_nested(variables, nesting))
            self.graph = self._assemble()
        self.argument_names = [variable.name for variable in variables]
        cut = self._cut()
        self.inputs = self.graph.list_inputs()
        if len(set(self.inputs)) != len(self.inputs):
            raise AssertionError(f"The inputs of the subgraph don't have unique names: {self.inputs}")
        self._outside = {name: Symbol([entry]) for name, entry in cut.items()}
        self.own_states = []  # what stands for variables that the function made and the graph overwrites

    def _assemble(self):
        """Return the graph of outputs and states; what is an input, made outside or named twice goes through a copy."""
        everything = Group(self.outputs + self.states)
        inputs = set(everything.list_inputs())
        taken = {symbol.name for symbol in self.outputs} if self.states_differ else set()
        flat = [self._own(symbol, inputs) for symbol in self.outputs]
        flat += [self._own(symbol, inputs | taken) for symbol in self.states]
        return Group(flat)

    # A loop of foreach reads its states apart from its outputs.
    states_differ = False

    def _own(self, symbol, taken):
        node = symbol._entries[0][0]
        if symbol.name in taken or node.attrs.get(_MARK) != self.name:
            return function('identity')(symbol)
        return symbol

    def _cut(self):
        """Replace what nodes of the body read from outside by variables, in place; return the entries, by variable name."""
        made, found = {}, {}
        for node in walk(self.graph._entries):
            if node.attrs.get(_MARK) != self.name:
                continue
            for position, entry in enumerate(node.inputs):
                if entry[0].attrs.get(_MARK) != self.name:
                    if entry not in made:
                        name = Symbol([entry]).list_outputs()[0]
                        made[entry] = Node(None, name)
                        found[name] = entry
                    node.inputs[position] = (made[entry], 0)
        return found

    def outside(self, name):
        """Return what an input that is no argument stands for: something outside, or a variable that the function made."""
        if name not in self._outside:
            node = next(n for n in walk(self.graph._entries) if n.op is None and n.name == name)
            self._outside[name] = copy = Symbol([(Node(None, name, dict(node.attrs)), 0)])
            if name in self.graph.list_auxiliary_states():
                self.own_states.append(copy)
        return self._outside[name]


class _LoopBody(_Body):
    """The graph of one step of foreach."""

    states_differ = True


def _unique_name(name):
    outer = AttrScope._current.value._attr.get(_MARK, '')
    full = f'{outer}${name}' if outer else name
    return f'{full}{counters.draw(AttrScope._subgraph_names, full)}'


# ---- front end -----------------------------------------------------------------------------------------------------------

def foreach(body, data, init_states, name='foreach'):
    """Run `body` on every slice of `data` along axis 0, handing on states.

    Parameters
    ----------
    body : callable
        ``(slice, states) -> (outputs, new_states)``; called once, with symbols.
    data : Symbol or nested list of Symbol
        What to loop over.
    init_states : Symbol or nested list of Symbol
        States of the first step.
    name : str
        What the name of the body's graph starts with.

    Returns
    -------
    outputs, states
        Outputs of all steps stacked along a new axis 0, and the last states, nested as `body` returns them.

    Examples
    --------
    >>> import blockscope as mx
    >>> x, s = mx.sym.var('x'), mx.sym.var('s')
    >>> outputs, last = foreach(lambda d, s: (d + s, d + s), x, s)
    >>> outputs.infer_shape(x=(5, 2))
    ([(5, 2), (2,)], [(5, 2)], [])
    """
    flat_data, data_nesting = _flatten(data, 'foreach input')
    flat_states, states_nesting = _flatten(init_states, 'foreach states')

    def step(arguments):
        outputs, states = body(*arguments)
        outputs, outputs_nesting = _flatten(outputs, 'foreach output')
        states, nesting = _flatten(states, 'foreach loop_vars')
        if nesting != states_nesting:
            raise AssertionError('The input and output loop_vars have different format')
        return outputs, states, outputs_nesting
    step_graph = _LoopBody(name, step, flat_data + flat_states, [data_nesting, states_nesting])
    names, inputs = step_graph.argument_names, step_graph.inputs
    for argument, what in zip(names, ['data'] * len(flat_data) + ['state'] * len(flat_states)):
        if argument not in inputs:
            raise AssertionError(f'the {what} arrays have to be used in the loop body')
    locations = [inputs.index(argument) for argument in names]
    remaining = [i for i, argument in enumerate(inputs) if argument not in names]
    count = len(step_graph.outputs)
    result = function('_foreach')(
        step_graph.graph, *flat_data, *flat_states, *[step_graph.outside(inputs[i]) for i in remaining],
        num_outputs=count + len(flat_states), num_out_data=count, in_state_locs=locations[len(flat_data):],
        in_data_locs=locations[:len(flat_data)], remain_locs=remaining)
    result = _versioned(result, [step_graph])
    return _nested(result[:count], step_graph.extra), _nested(result[count:], states_nesting)


def while_loop(cond, func, loop_vars, max_iterations=None, name='while_loop'):
    """Run `func` while `cond` holds, at most `max_iterations` times.

    Parameters
    ----------
    cond : callable
        ``(*loop_vars) -> Symbol`` of one element.
    func : callable
        ``(*loop_vars) -> (step_output, new_loop_vars)``.
    loop_vars : Symbol or nested list of Symbol
        Variables of the first step.
    max_iterations : int
        Length of axis 0 of the outputs; rows of steps that did not run are zero.
    name : str
        What the names of the graphs start with.

    Returns
    -------
    outputs, loop_vars
        Outputs of all steps stacked along a new axis 0, and the last variables.

    Examples
    --------
    >>> import blockscope as mx
    >>> i = mx.sym.var('i')
    >>> with mx.name.NameManager():
    ...     squares, last = while_loop(lambda i: i < 3, lambda i: (i * i, [i + 1]), [i], max_iterations=4)
    >>> squares.list_outputs()
    ['_while_loop0_output0']
    """
    if max_iterations is None:
        raise ValueError('max_iterations should be specified')
    limit = _to_int(max_iterations)
    flat, nesting = _flatten(loop_vars, 'while loop_vars')
    if not flat:
        raise ValueError('loop_vars should contain at least one element')

    def test(arguments):
        result = cond(*_as_arguments(arguments))
        if not isinstance(result, Symbol):
            raise ValueError('Return of cond must be a Symbol')
        if len(result) != 1:
            raise ValueError('Return of cond must be a single output')
        return [], [result], None

    def step(arguments):
        outputs, new = func(*_as_arguments(arguments))
        outputs, outputs_nesting = _flatten([] if outputs is None else outputs, 'while output')
        new, _ = _flatten([] if new is None else new, 'while loop_vars')
        if len(new) != len(flat):
            raise ValueError('The number of loop_vars should be consistent during the loop')
        return outputs, new, outputs_nesting
    test_graph = _Body(f'{name}_cond', test, flat, nesting)
    step_graph = _Body(f'{name}_func', step, flat, nesting)
    by_name = dict(zip(step_graph.argument_names, flat))
    inputs = []
    test_locations, step_locations = (
        [_place(inputs, by_name[n] if n in by_name else graph.outside(n)) for n in graph.inputs] for graph in (test_graph, step_graph))
    for number, argument in enumerate(step_graph.argument_names, 1):
        if argument not in step_graph.inputs:
            raise ValueError(f"The {number}-th loop_var doesn't involve into the computation")
    count = len(step_graph.outputs)
    result = _versioned(function('_while_loop')(
        test_graph.graph, step_graph.graph, *inputs, max_iterations=limit, cond_input_locs=test_locations,
        func_input_locs=step_locations, func_var_locs=[step_graph.inputs.index(n) for n in step_graph.argument_names],
        num_out_data=count, num_outputs=count + len(flat)), [test_graph, step_graph])
    return _nested(result[:count], step_graph.extra), _nested(result[count:], nesting)


def cond(pred, then_func, else_func, name='cond'):
    """Run ``then_func`` if `pred` is not zero when the graph runs, else ``else_func``.

    Parameters
    ----------
    pred : Symbol
        Of one element.
    then_func, else_func : callable
        ``() -> Symbol or nested list of Symbol``; both are called once, to make the two graphs.
    name : str
        What the names of the graphs start with.

    Returns
    -------
    Symbol or nested list of Symbol
        Nested as ``then_func`` returns it.

    Examples
    --------
    >>> import blockscope as mx
    >>> a, b = mx.sym.var('a'), mx.sym.var('b')
    >>> cond(a < b, lambda: a * 2, lambda: b * 3).list_arguments()
    ['a', 'b']
    """
    def branch(chosen):
        def outputs(_):
            flat, nesting = _flatten(chosen(), 'cond outputs')
            return flat, [], nesting
        return outputs
    test_graph = _Body(f'{name}_pred', branch(lambda: pred), [], [])
    if len(test_graph.outputs) != 1:
        raise ValueError('pred should always be a single output')
    graphs = [test_graph, _Body(f'{name}_then', branch(then_func), [], []), _Body(f'{name}_else', branch(else_func), [], [])]
    count, other = (len(graph.outputs) for graph in graphs[1:])
    if count != other:
        raise ValueError('Number of outputs differs between then-branch and else-branch')
    inputs, locations = [], []
    for graph in graphs:
        by_name = {symbol.name: symbol for symbol in inputs}
        locations.append([_place(inputs, by_name[n] if n in by_name else graph.outside(n)) for n in graph.inputs])
    result = _versioned(function('_cond')(
        *[graph.graph for graph in graphs], *inputs, cond_input_locs=locations[0], then_input_locs=locations[1],
        else_input_locs=locations[2], num_outputs=count), graphs)
    return _nested(result, graphs[1].extra)


def _versioned(result, bodies):
    """Return the outputs of a node one by one; note which of its inputs a body overwrites, which files tell."""
    states = {symbol._entries[0] for body in bodies for symbol in body.own_states}
    if states:
        node = result._entries[0][0]
        for child, _ in states.intersection(node.inputs):
            child.overwritten += 1
        node.versions = tuple(child.overwritten for child, _ in node.inputs)
    return list(result)


def _as_arguments(nested):
    """Return what a loop's functions get by position: they get a single variable too."""
    return nested if isinstance(nested, list) else [nested]


def _place(inputs, symbol):
    """Return where a symbol is among the inputs of a node; put it there if it is not."""
    for i, other in enumerate(inputs):
        if other is symbol:
            return i
    inputs.append(symbol)
    return len(inputs) - 1


def _to_int(value):
    try:
        return int(value.asscalar() if hasattr(value, 'asscalar') else value)
    except (TypeError, ValueError):
        raise ValueError('Cannot convert max_iteration to python int') from None


# ---- nodes ---------------------------------------------------------------------------------------------------------------

def _node_function(name):
    """Return the function that makes nodes of an operator: it takes its graphs first, then its inputs."""
    op, hint, graphs = registry.get(name), registry.hint(name), control_flow.count_graphs(name)

    def make(*args, name=None, attr=None, **attrs):
        for value in args:
            if not isinstance(value, Symbol):
                raise AssertionError(f'Positional arguments must be Symbol instances, but got {value}')
        node = apply(op, hint, args[graphs:], {}, attrs, name, attr, tuple(args[:graphs]))
        node.attrs[op.count_attribute] = str(len(args))  # the graphs count too
        return Symbol([(node, i) for i in range(node.count_visible())])
    make.__name__ = make.__qualname__ = name
    make.__doc__ = op.__doc__
    return make


for _name in ('_foreach', '_while_loop', '_cond'):
    replace(_name, _node_function(_name))
