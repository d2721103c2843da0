"""`Symbol`: outputs of nodes of a graph, and what users ask of them.

A Symbol is a list of entries (node, output number). Everything else is read off the graph behind them; only composition in place
(`_compose`) and `_set_attr` change one.
"""
import importlib
from numbers import Number

from .._methods import Fluent, Operators
from ..errors import MXNetError, NotImplementedForSymbol, public_class
from ..ops import arithmetic as kinds
from . import compose, files, gradient, listing
from .inference import Inference

__all__ = ['Symbol']

# The functions behind Python's operators: with a symbol, with a number on the right, with a number on the left. Their names give the
# hints of automatic names.
_FUNCTIONS = {
    kinds.ADD: ('_Plus', '_PlusScalar', '_PlusScalar'), kinds.SUBTRACT: ('_Minus', '_MinusScalar', '_RMinusScalar'),
    kinds.MULTIPLY: ('_Mul', '_MulScalar', '_MulScalar'), kinds.DIVIDE: ('_Div', '_DivScalar', '_RDivScalar'),
    kinds.MODULO: ('_Mod', '_ModScalar', '_RModScalar'), kinds.POWER: ('_Power', '_PowerScalar', '_rpower_scalar'),
    kinds.EQUAL: ('_equal', '_equal_scalar', '_equal_scalar'), kinds.NOT_EQUAL: ('_not_equal', '_not_equal_scalar', '_not_equal_scalar'),
    kinds.GREATER: ('_greater', '_greater_scalar', '_lesser_scalar'),
    kinds.GREATER_EQUAL: ('_greater_equal', '_greater_equal_scalar', '_lesser_equal_scalar'),
    kinds.LESSER: ('_lesser', '_lesser_scalar', '_greater_scalar'),
    kinds.LESSER_EQUAL: ('_lesser_equal', '_lesser_equal_scalar', '_greater_equal_scalar'),
}


def _arrays_only(name, alias=None):
    def method(self, *args, **kwargs):
        raise NotImplementedForSymbol(name, alias, *(args + (1,) if name == '__iadd__' else args))
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f'Raise an error: {alias or name} is for arrays only.'
    return method


class _Executor:
    """The room that runs graphs. It needs Symbol, so it is imported when a symbol is first bound."""

    def __get__(self, symbol, owner):
        return importlib.import_module('..executor', __package__)


class Symbol(Fluent, Operators, Inference):
    """Outputs of a graph of operators.

    Users make symbols with `sym.var` and the operator functions of `mx.sym`.

    Parameters
    ----------
    entries : list of (Node, int)
        Nodes and the numbers of their outputs.

    Examples
    --------
    >>> import blockscope as mx
    >>> data = mx.sym.var('data')
    >>> net = mx.sym.FullyConnected(data, num_hidden=2, name='fc')
    >>> net, net.list_arguments(), net.list_outputs()
    (<Symbol fc>, ['data', 'fc_weight', 'fc_bias'], ['fc_output'])
    >>> net.infer_shape(data=(4, 3))
    ([(4, 3), (2, 3), (2,)], [(4, 2)], [])
    """

    __slots__ = ('__weakref__', '_entries')
    __array_priority__ = 1000.0
    __array_ufunc__ = None

    _binding = _Executor()
    _function = None  # set by `functions`, which needs this class

    def __init__(self, entries):
        self._entries = list(entries)

    # ---- names and attributes ----------------------------------------------------------------------------------------

    def _single(self):
        """Return the node behind all entries, or None for a group."""
        node = self._entries[0][0]
        return node if all(other is node for other, _ in self._entries) else None

    @property
    def name(self):
        """Name of the node; None for a group."""
        node = self._single()
        return None if node is None else node.name

    def attr(self, key):
        """Return the text of one attribute, or None (also for a group).

        Examples
        --------
        >>> import blockscope as mx
        >>> mx.sym.var('w', lr_mult=2).attr('__lr_mult__')
        '2'
        """
        node = self._single()
        if node is None:
            return None
        if key == 'name':
            return node.name
        found = node.attrs.get(key)
        return node.attrs.get(compose.hidden_key(key)) if found is None else found

    def list_attr(self, recursive=False):
        """Return the attributes of the (first) node; hidden ones such as `lr_mult` also without their underscores.

        Raises
        ------
        DeprecationWarning
            With ``recursive=True``: use `attr_dict`.
        """
        if recursive:
            raise DeprecationWarning('Symbol.list_attr with recursive=True has been deprecated. Please use attr_dict instead.')
        return listing.shown_attributes(self._entries[0][0])

    def attr_dict(self):
        """Return the attributes of all nodes that have some, by node name."""
        return listing.attribute_table(self._entries)

    def _set_attr(self, **kwargs):
        """Set attributes (texts) of the node."""
        node = self._single()
        for key, value in kwargs.items():
            if not isinstance(value, str):
                raise ValueError('Set Attr only accepts string values')
            if node is None:
                raise MXNetError('Symbol.SetAttrs only works for non-grouped symbol')
            node.try_attribute(compose.hidden_key(key), value)

    def __repr__(self):
        name = self.name
        if name is None:
            return f"<{type(self).__name__} group [{', '.join(str(part.name) for part in self)}]>"
        return f'<{type(self).__name__} {name}>'

    # ---- structure ---------------------------------------------------------------------------------------------------

    def __len__(self):
        return len(self._entries)

    def __iter__(self):
        return (self._of([entry]) for entry in self._entries)

    def __bool__(self):
        raise NotImplementedForSymbol('__bool__', 'bool')

    def _of(self, entries):
        """Return a symbol of this class."""
        return type(self)(entries)

    def __getitem__(self, index):
        """Return outputs by number, slice or name (`net['fc_output']`).

        Raises
        ------
        ValueError
            No output, or several, have the name.
        IndexError
            The number is too large.
        """
        if isinstance(index, slice):
            chosen = [self[i]._entries[0] for i in range(index.start or 0, len(self) if index.stop is None else index.stop,
                                                         index.step or 1)]
            if not chosen:
                raise TypeError('Expected a list of symbols as input, but the slice is empty')
            return self._of(chosen)
        if isinstance(index, str):
            index = listing.position_of(self.list_outputs(), index)
        if not isinstance(index, int):
            raise TypeError('Symbol only support integer index to fetch i-th output')
        if index >= len(self._entries):
            raise IndexError(f'{self!r} has {len(self._entries)} outputs, there is no output {index}')
        if index < 0:
            raise MXNetError(f'Symbol only accept nonnegative index, but got {index}')
        return self._of([self._entries[index]])

    def get_internals(self):
        """Return all outputs of all nodes as one group."""
        return self._of(listing.internal_entries(self._entries))

    def get_children(self):
        """Return the inputs of the node(s) as one group; None for variables."""
        entries = listing.child_entries(self._entries)
        return self._of(entries) if entries else None

    def list_arguments(self):
        """Return the names of the variables that operators only read, in the order that binding uses."""
        return [node.name for node in listing.variables(self._entries)[0]]

    def list_auxiliary_states(self):
        """Return the names of the variables that operators overwrite (moving averages)."""
        return [node.name for node in listing.variables(self._entries)[1]]

    def list_inputs(self):
        """Return the names of all variables."""
        return [node.name for node in listing.all_variables(self._entries)]

    def list_outputs(self):
        """Return the names of the outputs."""
        return [node.output_names()[index] for node, index in self._entries]

    def debug_str(self):
        """Return a text that shows all nodes."""
        return listing.debug_text(self._entries)

    # ---- composition -------------------------------------------------------------------------------------------------

    def __copy__(self):
        return self._of(compose.replace_variables(self._entries, {}))

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __call__(self, *args, **kwargs):
        """Return a copy in which variables are replaced by other symbols: `net(data=other)`."""
        copied = self.__copy__()
        copied._compose(*args, **kwargs)
        return copied

    def _compose(self, *args, **kwargs):
        """Replace variables in place, by name; `name` renames the head.

        Raises
        ------
        TypeError
            For anything but symbols.
        MXNetError
            There is no variable of a name, or a replacement has several outputs.
        """
        name = kwargs.pop('name', None)
        if args and kwargs:
            raise TypeError(f"compose only accept input Symbols{' ' * 17}either as positional or keyword arguments, not both")
        for value in (*args, *kwargs.values()):
            if not isinstance(value, Symbol):
                raise TypeError('Compose expect `Symbol` as arguments')
        if args:
            raise MXNetError('General composition only support kwargs for now: name the variables that are replaced, '
                             f'such as {self.list_arguments()[0] if self.list_arguments() else "data"}=...')
        named = {}
        for node in listing.all_variables(self._entries):
            named.setdefault(node.name, []).append(node)
        for key, value in kwargs.items():
            if key not in named:
                raise MXNetError(listing.no_such_name('Symbol.Compose', key, self.list_arguments()))
            if len(value._entries) != 1:
                raise MXNetError(f'Keyword Argument {key} is a tuple, single value is required. Choose one output, such as x[0].')
        replacements = {node: value._entries[0] for key, value in kwargs.items() for node in named[key]}
        self._entries = compose.replace_variables(self._entries, replacements, name)

    # ---- operators and methods ---------------------------------------------------------------------------------------

    def _call(self, name, /, *args, **kwargs):
        return self._function(name)(self, *args, **kwargs)

    def _binary(self, kind, other):
        if isinstance(other, Symbol):
            return self._function(_FUNCTIONS[kind][0])(self, other)
        if isinstance(other, Number):
            return self._function(_FUNCTIONS[kind][1])(self, scalar=other)
        raise TypeError(f'type {public_class(type(other))} not supported')

    def _reflected(self, kind, other):
        if isinstance(other, Number):
            return self._function(_FUNCTIONS[kind][2])(self, scalar=other)
        raise TypeError(f'type {public_class(type(other))} not supported')

    def __neg__(self):
        return self * -1.0

    def reshape(self, *args, **kwargs):
        """Give the array another shape: `x.reshape((0, -1))`."""
        return self._call('reshape', *args, **kwargs)

    def astype(self, *args, **kwargs):
        """Convert to another type."""
        return self._call('cast', *args, **kwargs)

    def broadcast_to(self, *args, **kwargs):
        """Repeat along axes of length 1."""
        return self._call('broadcast_to', *args, **kwargs)

    def diag(self, k=0, **kwargs):
        """Return a diagonal, or the matrix with one."""
        return self._call('diag', k, **kwargs)

    def expand_dims(self, axis, inplace=False, **kwargs):
        """Insert an axis of length 1."""
        return self._call('expand_dims', axis=axis, **kwargs)

    def flatten(self, inplace=False, **kwargs):
        """Join all axes but the first."""
        return self._call('flatten', **kwargs)

    def squeeze(self, axis=None, inplace=False, **kwargs):
        """Remove axes of length 1."""
        return self._call('squeeze', axis=axis, **kwargs)

    def as_nd_ndarray(self):
        """Return this symbol: it has MXNet's classic semantics."""
        return self

    __iadd__ = _arrays_only('__iadd__', '+=')
    __isub__ = _arrays_only('__isub__', '-=')
    __imul__ = _arrays_only('__imul__', '*=')
    __itruediv__ = _arrays_only('__itruediv__', '/=')
    asnumpy = _arrays_only('asnumpy')
    asscalar = _arrays_only('asscalar')
    wait_to_read = _arrays_only('wait_to_read')
    copy = _arrays_only('copy')
    as_in_context = _arrays_only('as_in_context')
    detach = _arrays_only('detach')
    backward = _arrays_only('backward')

    # ---- files -------------------------------------------------------------------------------------------------------

    def tojson(self, remove_amp_cast=True):
        """Return the graph as the text of a symbol file.

        Parameters
        ----------
        remove_amp_cast : bool, default True
            Whether to leave out the casts that automatic mixed precision put in.
        """
        return files.to_text(self._entries, remove_amp_cast)

    def save(self, fname, remove_amp_cast=True):
        """Write the graph to a file, atomically; see `tojson`."""
        files.save(self._entries, fname, remove_amp_cast)

    def __getstate__(self):
        return {'handle': self.tojson(remove_amp_cast=False)}

    def __setstate__(self, state):
        self._entries = files.from_text(state['handle'], Symbol)

    # ---- binding -----------------------------------------------------------------------------------------------------

    def bind(self, ctx, args, args_grad=None, grad_req='write', aux_states=None, group2ctx=None, shared_exec=None):
        """Return an `Executor` that runs the graph on given arrays.

        Parameters
        ----------
        ctx : Context
        args : list of NDArray or dict of str to NDArray
            One array an argument.
        args_grad : list or dict of NDArray, optional
            Where gradients go.
        grad_req : str, list or dict, default 'write'
            'write', 'add' or 'null', for all arguments or each.
        aux_states : list or dict of NDArray, optional
            Auxiliary states.
        group2ctx : dict of str to Context, optional
            Where nodes with attribute `ctx_group` run.
        shared_exec : Executor, optional
            Must be an executor, and changes nothing: MXNet takes memory for results from it, here every executor has its own.
        """
        return self._binding.bind(self, ctx, args, args_grad, grad_req, aux_states, group2ctx, shared_exec)

    def simple_bind(self, ctx, grad_req='write', type_dict=None, stype_dict=None, group2ctx=None, shared_arg_names=None,
                    shared_exec=None, shared_buffer=None, **kwargs):
        """Return an `Executor` with arrays of its own, whose shapes follow from those of the inputs; see `executor.simple_bind`.

        Examples
        --------
        >>> import blockscope as mx
        >>> net = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=2, name='fc')
        >>> net.simple_bind(mx.cpu(), data=(4, 3)).arg_dict['fc_weight'].shape
        (2, 3)
        """
        return self._binding.simple_bind(self, ctx, grad_req, type_dict, stype_dict, group2ctx, shared_arg_names, shared_exec,
                                         shared_buffer, kwargs)

    def eval(self, ctx=None, **kwargs):
        """Compute the outputs for arrays given by name.

        Examples
        --------
        >>> import blockscope as mx
        >>> (mx.sym.var('a') + 1).eval(a=mx.nd.array([1, 2]))[0].asnumpy()
        array([2., 3.], dtype=float32)
        """
        return self._binding.evaluate(self, ctx, kwargs)

    def grad(self, wrt):
        """Return the symbol of the gradients of this one's output with respect to arguments, given by name.

        Parameters
        ----------
        wrt : list of str
        """
        return gradient.gradient(self, wrt)

    gradient = grad

    def optimize_for(self, backend, args=None, aux=None, ctx=None, shape_dict=None, type_dict=None, stype_dict=None, skip_infer=False,
                     **kwargs):
        """Return the graph as a registered pass rewrites it; arrays of `args` and `aux` follow. See `executor.optimize_for`."""
        return self._binding.optimize_for(self, backend, args, aux, ctx, shape_dict, type_dict, stype_dict, skip_infer, kwargs)

    def get_backend_symbol(self, backend):
        """Return the graph as the pass of this name rewrites it."""
        return self.optimize_for(backend)
