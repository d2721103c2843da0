"""`Executor`: a graph bound to arrays, which it reads, and to arrays that its gradients go to."""
from functools import cached_property

import numpy as np

from ..errors import MXNetError
from ..ndarray import NDArray
from ..ndarray.memory import raw_on
from ..symbol.listing import debug_text, variables
from ..symbol.node import walk
from .placement import cut, place, whole
from .program import Program
from .resizing import resized

__all__ = ['Executor']

_HEADS_NEEDED = ('Because the last operator is not Loss function, head_gradient is required when calling backward. If you are attempting '
                 'to minimize the output as an objective, please modify your network and pass it through the make_loss symbol.')


class Executor:
    """A graph bound to arrays. Users get one from `Symbol.bind` or `Symbol.simple_bind`.

    The arrays of `outputs` stay the same ones: each forward pass overwrites them.

    Parameters
    ----------
    symbol : Symbol
    ctx : Context
        Where nodes of no group run.
    args : list of NDArray
        In the order of `Symbol.list_arguments`.
    grads : list of NDArray or None, or None
        Where the gradients of the arguments go.
    requests : list of str
        Of each argument: 'write', 'add' or 'null'.
    aux : list of NDArray
        Auxiliary states.
    group2ctx : dict of str to Context or None
        Where nodes of groups run.
    grad_req : str, list or dict
        The requests as the user wrote them.
    shapes, types : dict of (Node, int) to tuple or numpy.dtype
        Those in the graph, None where they are not known.

    Examples
    --------
    >>> import blockscope as mx
    >>> x = mx.sym.var('x')
    >>> executor = (x * x).bind(mx.cpu(), {'x': mx.nd.array([1, 2])}, args_grad={'x': mx.nd.zeros(2)})
    >>> executor.forward(is_train=True)[0].asnumpy()
    array([1., 4.], dtype=float32)
    >>> executor.backward(mx.nd.ones(2))
    >>> executor.grad_dict['x'].asnumpy()
    array([2., 4.], dtype=float32)
    """

    def __init__(self, symbol, ctx, args, grads, requests, aux, group2ctx, grad_req, shapes, types):
        self._symbol = symbol._of(symbol._entries)
        self._ctx = ctx
        self._grad_req = grad_req
        self._group2ctx = group2ctx
        self._requests = requests
        self.arg_arrays = args
        self.grad_arrays = grads
        self.aux_arrays = aux
        self._args = list(args)
        self._grads = list(grads) if grads is not None else [None] * len(args)
        entries = symbol._entries
        arguments, states = variables(entries)
        known = {**dict(zip(arguments, args)), **dict(zip(states, aux))}
        nodes = [node for node in walk(entries) if node.op is None]
        self._arrays = [known[node] for node in nodes]
        positions = {node: position for position, node in enumerate(nodes)}
        self._targets = [(positions[node], grad, request) for node, grad, request in zip(arguments, self._grads, requests)
                         if grad is not None and request != 'null']
        self._shapes = shapes
        self._types = types
        self._program = self._placed(nodes)
        self._outputs = None
        self._run = None
        self._monitor = None
        self._watches_all = False

    def _placed(self, nodes):
        entries = self._symbol._entries
        contexts = [x._ctx for x in self._arrays]
        if self._group2ctx:
            parts, outputs = cut(entries, place(entries, self._group2ctx, dict(zip(nodes, contexts)), self._ctx), self._shapes)
        else:
            parts, outputs = whole(entries, self._ctx)
        wanted = {position for position, _, _ in self._targets}
        return Program(parts, outputs, contexts, [i in wanted for i in range(len(nodes))], self._symbol.name or 'graph')

    # ---- arrays by name ------------------------------------------------------------------------------------------------

    @cached_property
    def arg_dict(self):
        """Arrays of the arguments, by name."""
        return _by_name(self._symbol.list_arguments(), self._args)

    @cached_property
    def grad_dict(self):
        """Arrays of the arguments' gradients (None for those without), by name."""
        return _by_name(self._symbol.list_arguments(), self._grads)

    @cached_property
    def aux_dict(self):
        """Arrays of the auxiliary states, by name."""
        return _by_name(self._symbol.list_auxiliary_states(), self.aux_arrays)

    @cached_property
    def output_dict(self):
        """Arrays of the outputs, by name."""
        return _by_name(self._symbol.list_outputs(), self.outputs)

    @property
    def outputs(self):
        """Arrays of the outputs; zeros before the first forward pass."""
        if self._outputs is None:
            self._outputs = self._blank_outputs()
        return list(self._outputs)

    @property
    def symbol(self):
        """The graph."""
        return self._symbol

    def get_optimized_symbol(self):
        """Return the graph that runs."""
        return self._symbol

    def debug_str(self):
        """Return a text that shows the nodes, and the size of the bound arrays."""
        held = {id(x): x._raw.nbytes for x in (*self._arrays, *self._grads) if x is not None}
        return f'{debug_text(self._symbol._entries)}Total {sum(held.values()) >> 20} MB allocated\n'

    # ---- forward -------------------------------------------------------------------------------------------------------

    def forward(self, is_train=False, **kwargs):
        """Compute the outputs.

        Parameters
        ----------
        is_train : bool, default False
            Whether dropout drops and batch normalisation uses the batch; a call of `backward` may follow either way.
        **kwargs : NDArray or numpy.ndarray
            New values of arguments; they are copied into the bound arrays.

        Returns
        -------
        list of NDArray
            The outputs, which the next call overwrites.

        Raises
        ------
        ValueError
            A value is no array, or has another shape than the argument.
        TypeError
            There is no argument of a name.
        """
        if kwargs:
            self._overwrite(kwargs)
        program = self._program
        self._forget()
        for position in program.overwritten:
            self._arrays[position]._writable()
        self._run = program.forward([x._raw for x in self._arrays], bool(is_train), self._monitor, self._watches_all)
        self._show(self._run.values)
        if not self._targets:
            self._forget()
        return list(self._outputs)

    def _overwrite(self, values):
        arrays = self.arg_dict
        for name, value in values.items():
            if not isinstance(value, (NDArray, np.ndarray)):
                raise ValueError('only accept keyword argument of NDArrays and numpy.ndarray')
            if name not in arrays:
                raise TypeError(f'Unknown argument {name}')
            if arrays[name].shape != value.shape:
                raise ValueError(f'Shape not match! Argument {name}, need: {arrays[name].shape}, received: {value.shape}')
        for name, value in values.items():  # only when all are right
            arrays[name][:] = value

    def _forget(self):
        """Give up the memory of the last run."""
        if self._run is not None:
            self._program.release(self._run)
            self._run = None

    def _show(self, values):
        """Write the outputs into their arrays. An output that is an argument is the argument's array."""
        program, known = self._program, self._outputs
        if known is None:
            known = self._outputs = [None] * len(program.outputs)
        for i, number in enumerate(program.outputs):
            if number < len(self._arrays):
                known[i] = self._arrays[number]
                continue
            ctx = program.contexts[number]
            with ctx._use():
                if known[i] is None:
                    known[i] = NDArray(values[number].copy(), ctx)
                else:
                    known[i]._writable()[...] = values[number]

    def _blank_outputs(self):
        program, entries = self._program, self._symbol._entries
        outputs = []
        for number, entry in zip(program.outputs, entries):
            ctx, shape, dtype = program.contexts[number], self._shapes[entry], self._types[entry]
            if number < len(self._arrays):
                outputs.append(self._arrays[number])
            elif shape is None or dtype is None:
                raise MXNetError(f'the shape of output {entry[0].output_names()[entry[1]]} is not known before the first forward pass')
            else:
                with ctx._use():
                    outputs.append(NDArray(ctx._backend.xp.zeros(shape, dtype), ctx))
        return outputs

    # ---- backward ------------------------------------------------------------------------------------------------------

    def backward(self, out_grads=None, is_train=True):
        """Compute the gradients of the last forward pass, and write or add them to their arrays.

        Parameters
        ----------
        out_grads : NDArray, list of NDArray or dict of str to NDArray, optional
            Gradients of the outputs. Outputs that are losses (`SoftmaxOutput`, `make_loss`) need none.
        is_train : bool, default True
            Train flag of operators that are called for the gradients.

        Raises
        ------
        MXNetError
            An output that is no loss has no gradient, or one of another shape.
        TypeError
            A gradient is no NDArray.
        """
        given = self._head_gradients(out_grads)
        if not self._targets:
            return
        if self._run is None:
            self.forward(is_train=is_train)
        heads = [self._head(i, given[i] if i < len(given) else None) for i in range(len(self._outputs))]
        found = self._program.backward(self._run, heads, bool(is_train))
        for position, grad, request in self._targets:
            _deliver(found[position], self._arrays[position]._ctx, grad, request)

    def _head_gradients(self, given):
        if given is None:
            return []
        if isinstance(given, NDArray):
            return [given]
        if isinstance(given, dict):
            given = [given[name] for name in self._symbol.list_outputs()]
        for grad in given:
            if not isinstance(grad, NDArray):
                raise TypeError('inputs must be NDArray')
        return list(given)

    def _head(self, i, grad):
        """Return the raw gradient of an output."""
        output = self._outputs[i]
        if grad is None:
            if self._needs_head[i]:
                raise MXNetError(f'{_HEADS_NEEDED} Output {i} ({self._symbol.list_outputs()[i]}) has no out_grad.')
            with output._ctx._use():
                return output._ctx._backend.xp.ones(output.shape, output._raw.dtype)
        if grad.shape != output.shape:
            raise MXNetError(f'operands shape mismatch from.shape = {list(grad.shape)} to.shape={list(output.shape)}: out_grads[{i}] must '
                             f'have the shape of output {self._symbol.list_outputs()[i]}')
        with output._ctx._use():
            return raw_on(grad, output._ctx).astype(output._raw.dtype, copy=False)

    @cached_property
    def _needs_head(self):
        """Whether gradients of arguments depend on the gradient of an output, for each output."""
        wanted = {node for node, grad, request in zip(variables(self._symbol._entries)[0], self._grads, self._requests)
                  if grad is not None and request != 'null'}
        passes = {}
        for node in walk(self._symbol._entries):
            passes[node] = node in wanted if node.op is None else (node.op.needs_head(node.params)
                                                                   and any(passes[child] for child, _ in node.inputs))
        return [passes[node] for node, _ in self._symbol._entries]

    # ---- other arrays --------------------------------------------------------------------------------------------------

    def copy_params_from(self, arg_params, aux_params=None, allow_extra_params=False):
        """Copy values into the bound arrays, which keep their types.

        Parameters
        ----------
        arg_params : dict of str to NDArray
            Values of arguments.
        aux_params : dict of str to NDArray, optional
            Values of auxiliary states.
        allow_extra_params : bool, default False
            Whether names that the graph doesn't have are passed over.

        Raises
        ------
        ValueError
            The graph has no such name; nothing has been copied then.
        MXNetError
            An array has another shape than the bound one; nothing has been copied either.
        """
        copies = []
        for given, arrays, quote, kind in ((arg_params, self.arg_dict, '"', 'arguments'),
                                           (aux_params or {}, self.aux_dict, '', 'auxiliary states')):
            for name, array in given.items():
                if name in arrays:
                    if array.shape != arrays[name].shape:
                        raise MXNetError(f'copy_params_from: {name} has shape {array.shape}, but is bound to an array of shape '
                                         f'{arrays[name].shape}')
                    copies.append((array, arrays[name]))
                elif not allow_extra_params:
                    raise ValueError(f'Find name {quote}{name}{quote} that is not in the {kind}')
        for array, target in copies:
            array.astype(target.dtype).copyto(target)

    def reshape(self, partial_shaping=False, allow_up_sizing=False, **kwargs):
        """Return an executor for inputs of other shapes, whose other arrays are those of this one.

        Parameters
        ----------
        partial_shaping : bool, default False
            Whether arguments that are not named may change their shapes too.
        allow_up_sizing : bool, default False
            Whether arrays may become larger; those are new ones then, not parts of these.
        **kwargs : tuple of int
            New shapes.

        Raises
        ------
        MXNetError
            What the two flags forbid happens, or the shapes contradict each other.
        """
        args, grads, aux, shapes = resized(self._symbol, self._args, self._grads, self.aux_arrays, kwargs, partial_shaping, allow_up_sizing)
        made = Executor(self._symbol, self._ctx, args, grads, self._requests, aux, self._group2ctx, self._grad_req, shapes,
                        self._types)
        made._monitor, made._watches_all = self._monitor, self._watches_all
        return made

    # ---- monitoring ----------------------------------------------------------------------------------------------------

    def set_monitor_callback(self, callback, monitor_all=False):
        """Call ``callback(name, array)`` for the outputs of all nodes in each forward pass.

        Parameters
        ----------
        callback : callable or None
            Gets a name such as ``fc1_output`` and the NDArray; None stops it.
        monitor_all : bool, default False
            Whether inputs are shown too, such as ``fc1_weight``.
        """
        self._watches_all = bool(monitor_all)
        if callback is None:
            self._monitor = None
            return
        sources = self._variable_inputs() if monitor_all else {}

        def watch(name, operator, array):
            if name in sources:
                callback(sources[name], array)
            callback(name, array)
        self._monitor = watch

    def _variable_inputs(self):
        """Return the names of the variables that are inputs, by the names under which inputs are shown."""
        found = {}
        for node in walk(self._symbol._entries):
            if node.op is not None:
                for label, (child, _) in zip(node.op.argument_names(node.params, len(node.inputs)), node.inputs):
                    if child.op is None:
                        found[f'{node.name}_{label}'] = child.name
        return found


def _by_name(names, arrays):
    if len(set(names)) != len(names):
        raise ValueError(f'Duplicate names detected, {names}')
    return dict(zip(names, arrays))


def _deliver(value, ctx, grad, request):
    """Write or add a gradient to its array; None is zero."""
    if value is not None:
        value = raw_on(NDArray(value, ctx), grad._ctx)
    elif request == 'add':
        return
    with grad._ctx._use():
        target = grad._writable()
        if request == 'write':
            target[...] = 0 if value is None else value
        else:
            target += value
