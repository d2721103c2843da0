"""`HybridBlock`: a block whose computation is written once for arrays and for symbolic graphs."""
import itertools
import warnings

from .. import ndarray, symbol
from ..backend import current_context
from ..errors import MXNetError, public_class
from ..executor import CachedOp, passes
from ..naming import ambient
from ..ndarray import NDArray
from ._block import Block
from ._calls import _flatten, _gather_contexts, _regroup, has_symbol
from ._compiled import check_use, infer_parameters, known_parameters, rewritten, sources, used_parameters
from ._deferred import DeferredArray
from ._export import export
from ._first_pass import remember
from ._replicas import DeferredInitializationError
from ._shape import shape_is_known
from ._text import owned_by
from ._trace import Trace, traceable

__all__ = ['HybridBlock']

_ONE_ARRAY = [0]  # the format of a call with one array
_next_change = itertools.count(1).__next__  # no two threads get one number, as they might by adding 1

_NO_ARRAY = 'In HybridBlock, there must be one NDArray or one Symbol in the input. Please check the type of the args.\n'
_MIXED = 'In HybridBlock, we do not support mixed NDArrays and Symbols types for the input. Please check the type of the args.\n'
_CONTEXTS = ('Find multiple contexts in the input, After hybridized, the HybridBlock only supports one input context. You can print the '
             'ele.ctx in the input arguments to inspect their contexts. Find all contexts = {}')


class HybridBlock(Block):
    """Base class of blocks that can be compiled.

    Subclasses define `hybrid_forward(F, x, ..., weight, ...)`: `F` holds the operators, and each parameter that is an attribute
    arrives by that attribute's name.

    Parameters
    ----------
    prefix, params
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Scale(mx.gluon.HybridBlock):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.factor = self.params.get('factor', shape=(1,), init='ones')
    ...     def hybrid_forward(self, F, x, factor):
    ...         return F.broadcast_mul(x, factor)
    >>> scale = Scale()
    >>> scale.initialize()
    >>> scale(mx.nd.array([1, 2])).asnumpy()
    array([1., 2.], dtype=float32)
    """

    # Made when first asked for; see `_compiled`.
    _cached_graph = ()
    _cached_op = None
    _cached_op_args = ()
    _in_format = None
    _out_format = None
    _active = False
    _flags = ()
    _backend = None
    _backend_opts = ()
    _own_copies = False
    _absent_outputs = ()
    _callback = None
    _monitor_all = False
    _overwrites = ()  # names of the parameters that an operator of the block overwrites
    _seen_changes = 0
    _changes = 0  # another number whenever any block has forgotten its graph

    __init__ = owned_by('HybridBlock', Block.__init__)  # errors about its arguments name this class

    def __setattr__(self, name, value):
        """Register blocks and parameters; another child means another graph."""
        super().__setattr__(name, value)
        if isinstance(value, HybridBlock):
            self._clear_cached_op()

    def _clear_cached_op(self):
        for name in ('_cached_graph', '_cached_op', '_cached_op_args'):
            self.__dict__.pop(name, None)
        HybridBlock._changes = _next_change()

    def _descendants(self):
        """Return all blocks below this one."""
        found = []
        for child in self._children.values():
            found.append(child)
            found.extend(child._descendants() if isinstance(child, HybridBlock) else ())
        return found

    def _look_for_changes(self):
        """Forget the graph if a block was added or replaced further down since it was traced."""
        own = self.__dict__
        if self._cached_graph and '_traced_blocks' in own:
            now, then = self._descendants(), own['_traced_blocks']
            if len(now) != len(then) or any(a is not b for a, b in zip(now, then)):
                self._clear_cached_op()
        own['_seen_changes'] = HybridBlock._changes

    def register_child(self, block, name=None):
        """Add a child, which must be a HybridBlock too."""
        if not isinstance(block, HybridBlock):
            raise ValueError(f'Children of HybridBlock must also be HybridBlock, but {block} has type {public_class(type(block))}. If '
                             'you are using Sequential, please try HybridSequential instead.')
        super().register_child(block, name)
        self._clear_cached_op()

    def hybridize(self, active=True, backend=None, clear=True, static_alloc=False, static_shape=False, inline_limit=2,
                  forward_bulk_size=None, backward_bulk_size=None, **kwargs):
        """Turn compilation on or off, for this block and all its children.

        The first call traces `hybrid_forward` with symbols; each kind of call (shapes, types, context, training or not) is then
        prepared once as a flat list of steps. The numbers are the same either way. A hybridized block is stricter about its arguments:
        nested lists of arrays on one context, nested in the same way at every call; and it returns lists where it would return tuples.

        Parameters
        ----------
        active : bool, default True
        backend : str, optional
            A pass that rewrites the graph; see `executor.passes`.
        clear : bool, default True
            Whether to forget what earlier calls compiled.
        static_alloc : bool, default False
            Whether intermediate results keep their memory from call to call.
        static_shape : bool, default False
            Accepted: shapes are looked at in any case.
        inline_limit, forward_bulk_size, backward_bulk_size : int
            Limits of MXNet's engine, kept in `_flags`: a plan has no calls to inline and no queue.
        **kwargs
            Options of the pass.
        """
        if backend is not None:
            passes.find(backend)
        own = self.__dict__
        if kwargs or '_backend_opts' not in own:
            own['_backend_opts'] = kwargs
        own['_backend'] = backend
        own['_active'] = active
        flags = [('static_alloc', static_alloc), ('static_shape', static_shape), ('inline_limit', inline_limit)]
        if forward_bulk_size is not None:
            flags.append(('forward_bulk_size', forward_bulk_size))
        if backward_bulk_size is not None:
            flags.append(('backward_bulk_size', backward_bulk_size))
        own['_flags'] = flags
        if clear:
            self._clear_cached_op()
        if active and (self._own_forward_hooks or self._own_forward_pre_hooks):
            warnings.warn(f'"{self}" is being hybridized while still having forward hook/pre-hook. If "{self}" is a child of '
                          'HybridBlock, the hooks will not take effect.', stacklevel=2)
        super().hybridize(active, static_alloc=static_alloc, static_shape=static_shape, inline_limit=inline_limit,
                          forward_bulk_size=forward_bulk_size, backward_bulk_size=backward_bulk_size)

    def cast(self, dtype):
        """Convert all parameters to another data type."""
        self._clear_cached_op()
        super().cast(dtype)

    def export(self, path, epoch=0, remove_amp_cast=True):
        """Write graph and parameters to `<path>-symbol.json` and `<path>-%04d.params`, for `SymbolBlock.imports`.

        Parameters
        ----------
        path : str
            What the names of both files start with.
        epoch : int, default 0
            Number in the second name.
        remove_amp_cast : bool, default True
            Whether to leave out the casts of automatic mixed precision.

        Raises
        ------
        RuntimeError
            The block is not hybridized, or has not been run since.
        """
        if not self._cached_graph:
            raise RuntimeError('Please first call block.hybridize() and then run forward with this block at least once before calling '
                               'export.')
        inputs, out = self._cached_graph
        export(out, used_parameters(inputs, out, known_parameters(self)), path, epoch, remove_amp_cast)

    def optimize_for(self, x, *args, backend=None, clear=False, static_alloc=False, static_shape=False, inline_limit=2,
                     forward_bulk_size=None, backward_bulk_size=None, **kwargs):
        """Hybridize with a graph that a registered pass rewrites, without running it.

        Parameters
        ----------
        x, *args : NDArray
            Example arguments.
        backend : str
            Name of the pass; see `executor.passes`.
        clear, static_alloc, ...
            See `hybridize`.
        **kwargs
            Options of the pass.
        """
        if not backend:
            raise ValueError('Must specify "backend" to optimize_for')
        contexts = _gather_contexts([x, *args])
        if not contexts:
            raise ValueError(_NO_ARRAY)
        if len(contexts) > 1:
            raise ValueError(_CONTEXTS.format(set(contexts)).replace('Find multiple', 'Found multiple', 1))
        self.hybridize(True, backend, clear, static_alloc, static_shape, inline_limit, forward_bulk_size, backward_bulk_size, **kwargs)
        self._build_cache(x, *args)

    def register_op_hook(self, callback, monitor_all=False):
        """Call `callback(name, operator, array)` for the output of every operator of a hybridized call.

        Parameters
        ----------
        callback : callable or None
            Gets the output's name, the operator's name, and an NDArray. None ends the calls.
        monitor_all : bool, default False
            Whether inputs are shown too.
        """
        for block in (self, *self._children.values()):
            block.__dict__['_callback'] = callback
            block.__dict__['_monitor_all'] = monitor_all
            if callback is None and block._cached_op is not None:
                block._cached_op.register_op_hook(None)

    # ---- the graph -----------------------------------------------------------------------------------------------------

    def _get_graph(self, *args):
        """Return input variables and outputs of the graph, traced for the structure of these arguments."""
        if not self._cached_graph:
            trace = Trace(self, args)
            own = self.__dict__
            own['_in_format'], own['_out_format'] = trace.in_format, trace.out_format
            own['_absent_outputs'] = trace.absent
            own['_traced_blocks'] = self._descendants()
            own['_cached_graph'] = trace.inputs, trace.out
        return self._cached_graph

    def _build_cache(self, *args):
        """Compile: find out what each variable of the graph stands for, and settle shapes that the arguments tell."""
        inputs, out = self._get_graph(*args)
        flat = [x for x in _flatten(args, 'input')[0] if x is not None]
        params = known_parameters(self)
        check_use(inputs, out, params)
        if any(param._deferred_init for param in params.values()):
            remember(params.values())
            self._deferred_infer_shape(*args)
            for param in used_parameters(inputs, out, params):
                param._finish_deferred_init()
        if self._backend:
            out, kept = rewritten(self._backend, self._backend_opts, inputs, out, params, flat)
            self.__dict__['_own_copies'] = any(params.get(name) is not param for name, param in kept.items())
            params = kept
            self.__dict__['_cached_graph'] = inputs, out
        self.__dict__['_cached_op_args'] = sources(inputs, out, params)
        self.__dict__['_cached_op'] = CachedOp(out, self._flags)

    def _infer_attrs(self, infer_fn, attr, *args):
        inputs, out = self._get_graph(*args)
        flat = [x for x in _flatten(args, 'input')[0] if x is not None]
        infer_parameters(self.collect_params(), inputs, out, flat, infer_fn, attr)

    def infer_shape(self, *args):
        """Fill in unknown shapes of all parameters from inputs, without initializing anything.

        Raises
        ------
        ValueError
            They don't follow from these inputs; the message lists the parameters and their unknown dimensions.
        """
        self._infer_attrs('infer_shape', 'shape', *args)

    def infer_type(self, *args):
        """Convert all parameters to the types that follow from those of the inputs."""
        self._infer_attrs('infer_type', 'dtype', *args)

    def _deferred_infer_shape(self, *args):
        try:
            self.infer_shape(*args)
        except Exception as error:
            raise ValueError(f'Deferred initialization failed because shape cannot be inferred. {error}') from error

    def forward(self, x, *args):
        """Gather the parameters on the context of the first array, and compute.

        Parameters
        ----------
        x : NDArray or Symbol
        *args : NDArray or Symbol, or nested lists of them
        """
        if x.__class__ is NDArray:
            ctx = x._ctx
            if args and symbol.Symbol in map(type, args):
                raise ValueError(_MIXED)
            if self._active:
                return self._forward_compiled(x, *args)
        else:
            ctx = self._first_context(x, args)
            if ctx is None:
                return self._forward_symbolic(x, *args)
            if self._active:
                return self._forward_compiled(x, *args)
        if not self._reg_params and current_context() is ctx:
            return self.hybrid_forward(ndarray, x, *args)
        try:
            params = {name: param.data(ctx) for name, param in self._reg_params.items()}
        except DeferredInitializationError:
            return self._forward_deferred(ctx, x, args)
        if current_context() is ctx:
            return self.hybrid_forward(ndarray, x, *args, **params)
        with ctx:
            return self.hybrid_forward(ndarray, x, *args, **params)

    def _first_context(self, x, args):
        """Return the context of the first array; None where there are symbols."""
        contexts, symbolic = _gather_contexts([x, *args]), has_symbol([x, *args])
        if contexts and symbolic:
            raise ValueError(_MIXED)
        if not contexts and not symbolic:
            raise ValueError(_NO_ARRAY)
        return None if symbolic else contexts[0]

    def _forward_symbolic(self, *args):
        """Apply the block to symbols."""
        params = {name: param.var() for name, param in self._reg_params.items()}
        with self.name_scope(), traceable(self):
            return self.hybrid_forward(symbol, *args, **params)

    def _forward_deferred(self, ctx, x, args):
        remember(self.params.values())
        self._count_trace()
        with ctx:
            if type(self).infer_shape is not HybridBlock.infer_shape:
                self._deferred_infer_shape(x, *args)
                for param in self.params.values():
                    param._finish_deferred_init()
            unknown = any(param._data is None and not shape_is_known(param.shape) for param in self.params.values())
            params = {name: DeferredArray(param, ctx) if param._deferred_init else param.data(ctx)
                      for name, param in self._reg_params.items()}
            try:
                out = self.hybrid_forward(ndarray, x, *args, **params)
            except MXNetError as error:
                if not unknown or isinstance(error, DeferredInitializationError):
                    raise
                raise ValueError(f'Deferred initialization failed because shape cannot be inferred. {error}') from error
            for param in self.params.values():
                param._finish_deferred_init()
            return out

    def _count_trace(self):
        """Leave behind what MXNet leaves, which traces a block with deferred parameters: files show it when the block is exported later.

        Variables keep the shapes that are known now, and count what overwrites them.
        """
        if self._cached_graph:
            return
        for block in (self, *self._descendants()):
            for name, param in block._reg_params.items():
                variable = param.var()._entries[0][0]
                variable.overwritten += name in block._overwrites

    def _forward_compiled(self, *args):
        """Run the plan of this kind of call."""
        if self._seen_changes != HybridBlock._changes:
            self._look_for_changes()
        if len(args) == 1 and self._in_format == _ONE_ARRAY and args[0].__class__ is NDArray:
            flat, ctx = args, args[0]._ctx
        else:
            flat, ctx = self._flat_arguments(args)
        if self._cached_op is None:
            self._build_cache(*args)
        try:
            arrays = []
            for is_arg, source in self._cached_op_args:
                if is_arg:
                    arrays.append(flat[source])
                else:
                    data = source._data
                    single = data is not None and len(data) == 1 and data[0]._ctx is ctx
                    arrays.append(data[0] if single else source.data(ctx))
        except DeferredInitializationError:  # initialized again since, with another shape to be found
            self._build_cache(*args)
            arrays = [flat[source] if is_arg else source.data(ctx) for is_arg, source in self._cached_op_args]
        if self._backend and self._own_copies and ambient.recording():
            warnings.warn(f'{self.name} is recorded with parameters that the pass {self._backend} made: gradients go to these, not to the '
                          "block's. Call hybridize() without backend to train.", stacklevel=4)
        if self._callback is not None:
            self._cached_op.register_op_hook(self._callback, self._monitor_all)
        outs = self._cached_op.run(arrays, ctx)
        for position in self._absent_outputs:
            outs.insert(position, None)
        return outs[0] if self._out_format == 0 else _regroup(outs, self._out_format)

    def _flat_arguments(self, args):
        """Return the arrays among the arguments, and their context, after checking both."""
        contexts = _gather_contexts(args)
        if not contexts:
            raise ValueError(_NO_ARRAY)
        if len(contexts) > 1:
            raise ValueError(_CONTEXTS.format(set(contexts)))
        flat, form = _flatten(args, 'input')
        if self._cached_graph and not _same_structure(form, self._in_format):
            raise ValueError(f'The argument structure of HybridBlock does not match the cached version. Stored format = {form}, input '
                             f'format = {self._in_format}')
        return [x for x in flat if x is not None], contexts[0]

    def hybrid_forward(self, F, x, *args, **kwargs):
        """Compute the output with the operators of `F`; subclasses define this.

        Parameters
        ----------
        F : module
            Operators (`mx.nd`).
        x : NDArray
        *args : NDArray
        **kwargs : NDArray
            Parameters by attribute name.
        """
        raise NotImplementedError


def _same_structure(given, stored):
    """Tell whether arguments are nested as before; trailing arguments that are None may be left out."""
    short, long = sorted((given, stored), key=len)
    return long[:len(short)] == short and all(form == -1 for form in long[len(short):])
