"""`HybridBlock`: a block whose computation is written once for arrays and for symbolic graphs."""
import warnings

from .. import ndarray
from ..backend import current_context
from ..errors import MXNetError, public_class
from ..naming import ambient
from ..ndarray import NDArray
from ._block import Block
from ._calls import _flatten, _gather_contexts, _regroup
from ._deferred import DeferredArray, ShapeOnlyArray
from ._first_pass import remember
from ._replicas import DeferredInitializationError
from ._shape import shape_is_known
from ._text import NO_SYMBOLS, owned_by

__all__ = ['HybridBlock']

_inside = ambient.stack('hybridized_block')
_inferring = ambient.stack('shape_inference')

_NO_ARRAY = 'In HybridBlock, there must be one NDArray or one Symbol in the input. Please check the type of the args.\n'
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

    _cached_graph = ()
    _cached_op = None
    _cached_op_args = ()
    _in_format = None
    _out_format = None
    _active = False
    _flags = ()
    _backend = None
    _backend_opts = ()

    __init__ = owned_by('HybridBlock', Block.__init__)  # errors about its arguments name this class

    def _clear_cached_op(self):
        own = self.__dict__
        if '_in_format' in own:
            del own['_in_format']

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

        The numbers are the same either way. A hybridized block is stricter about its arguments: nested lists of arrays on one
        context, nested in the same way at every call; and it returns lists where it would return tuples.

        Parameters
        ----------
        active : bool, default True
        backend : str, optional
            A graph rewriting backend of MXNet; there are none in blockscope.
        clear : bool, default True
            Whether to forget what earlier calls compiled.
        static_alloc, static_shape : bool, default False
            Promises to the compiler, kept in `_flags`.
        inline_limit, forward_bulk_size, backward_bulk_size : int
            Limits for MXNet's engine, kept in `_flags`.
        **kwargs
            Options of the backend.
        """
        if backend is not None:
            raise ValueError(f"backend '{backend}' is not known: blockscope has no graph rewriting backends. Call hybridize() without "
                             'backend.')
        self.__dict__['_backend_opts'] = kwargs
        self.__dict__['_active'] = active
        flags = [('static_alloc', static_alloc), ('static_shape', static_shape), ('inline_limit', inline_limit)]
        if forward_bulk_size is not None:
            flags.append(('forward_bulk_size', forward_bulk_size))
        if backward_bulk_size is not None:
            flags.append(('backward_bulk_size', backward_bulk_size))
        self.__dict__['_flags'] = flags
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
        """Write the symbolic graph and the parameters (there are no graphs yet: this raises an error)."""
        raise NotImplementedError(NO_SYMBOLS.format(f'{type(self).__name__}.export') + ' Use save_parameters.')

    def optimize_for(self, x, *args, backend=None, clear=False, static_alloc=False, static_shape=False, inline_limit=2,
                     forward_bulk_size=None, backward_bulk_size=None, **kwargs):
        """Rewrite the symbolic graph for a backend (there are no graphs yet: this raises an error)."""
        raise NotImplementedError(NO_SYMBOLS.format(f'{type(self).__name__}.optimize_for') + ' Use hybridize.')

    def infer_shape(self, *args):
        """Fill in unknown shapes of all parameters from inputs, without initializing anything."""
        before = [(param, param._state()) for param in self.collect_params().values()]
        inference = _inferring.push(ShapeOnlyArray)
        flags = ambient.set_flags(recording=False, training=False)
        try:
            self(*args)
        except BaseException:
            for param, state in before:
                param._set_state(state)
            raise
        finally:
            ambient.restore(flags)
            _inferring.pop(inference)

    def infer_type(self, *args):
        """Convert all parameters to the floating-point type of the first input that has one."""
        for array in _flatten(args, 'input')[0]:
            if array is not None and array._raw.dtype.kind == 'f':
                self.cast(array.dtype)
                return

    def _deferred_infer_shape(self, *args):
        try:
            self.infer_shape(*args)
        except Exception as error:
            raise ValueError(f'Deferred initialization failed because shape cannot be inferred. {error}') from error

    def forward(self, x, *args):
        """Gather the parameters on the context of the first array, and compute.

        Parameters
        ----------
        x : NDArray
        *args : NDArray or nested lists of them
        """
        if self._active and _inside.top() is None:
            return self._forward_compiled(x, *args)
        ctx = x._ctx if isinstance(x, NDArray) else self._first_context(x, args)
        if not self._reg_params and current_context() is ctx:
            return self.hybrid_forward(ndarray, x, *args)
        try:
            params = {name: param.data(ctx) for name, param in self._reg_params.items()}
        except RuntimeError as error:
            return self._forward_unready(error, ctx, x, args)
        if current_context() is ctx:
            return self.hybrid_forward(ndarray, x, *args, **params)
        with ctx:
            return self.hybrid_forward(ndarray, x, *args, **params)

    def _first_context(self, x, args):
        contexts = _gather_contexts([x, *args])
        if not contexts:
            raise ValueError(_NO_ARRAY)
        return contexts[0]

    def _forward_unready(self, error, ctx, x, args):
        """Run a first forward pass, in which operators tell parameters their shapes."""
        stand_in = _inferring.top()
        if stand_in is None:
            if not isinstance(error, DeferredInitializationError):
                raise error
            return self._forward_deferred(ctx, x, args)
        with ctx:
            params = {name: param.data(ctx) if param._data is not None else stand_in(param, ctx)
                      for name, param in self._reg_params.items()}
            return self.hybrid_forward(ndarray, x, *args, **params)

    def _forward_deferred(self, ctx, x, args):
        unknown = any(param._data is None and not shape_is_known(param.shape) for param in self.params.values())
        remember(self.params.values())
        with ctx:
            if type(self).infer_shape is not HybridBlock.infer_shape:
                self._deferred_infer_shape(x, *args)
                for param in self.params.values():
                    param._finish_deferred_init()
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

    def _forward_compiled(self, x, *args):
        contexts = _gather_contexts([x, *args])
        if not contexts:
            raise ValueError(_NO_ARRAY)
        if len(contexts) > 1:
            raise ValueError(_CONTEXTS.format(set(contexts)))
        _, form = _flatten((x, *args), 'input')
        if self._in_format is not None and not _same_structure(form, self._in_format):
            raise ValueError(f'The argument structure of HybridBlock does not match the cached version. Stored format = {form}, input '
                             f'format = {self._in_format}')
        token = _inside.push(self)
        try:
            out = self.forward(x, *args)
        finally:
            _inside.pop(token)
        flat, out_form = _flatten(out, 'output')
        if self._in_format is None:
            self.__dict__['_in_format'] = form
        self.__dict__['_out_format'] = out_form
        return _regroup(flat, out_form)

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
