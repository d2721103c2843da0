"""One value on several contexts: what `Parameter` knows about its arrays.

A parameter is one logical value with a version, and a replica of it on each of its contexts. Writing the logical value (`set_data`,
loading, an optimizer's update announced by `_set_fresh`) writes one replica and raises the version; the others are refreshed when
they are asked for. A program may also write into one replica's array itself (`p.data(ctx)[:] = 1`); that stays on its context, as in
MXNet, and `_reduce` gives the mean of replicas that differ.
"""
import numpy as np

from .. import ndarray
from ..backend.context import Context, cpu, current_context
from ..errors import MXNetError
from ..naming import ambient
from ..ndarray import NDArray
from ..ops.attributes import as_dtype
from ._shape import compatible, filled

__all__ = ['DeferredInitializationError', 'Replicas', 'zeros']

_DEFERRED = (
    "Parameter '%s' has not been initialized yet because initialization was deferred. Actual initialization happens during the first "
    "forward pass. Please pass one batch of data through the network before accessing Parameters. You can also avoid deferred "
    "initialization by specifying in_units, num_features, etc., for network layers.")
_NOT_INITIALIZED = (
    "Parameter '%s' has not been initialized. Note that you should initialize parameters and create Trainer with "
    "Block.collect_params() instead of Block.params because the later does not include Parameters of nested child Blocks")
_NO_SPARSE = (
    "Parameter '%s' has %s='%s', and blockscope has no sparse arrays yet. Make the parameter with %s='default' (for nn.Embedding: "
    "sparse_grad=False); the numbers are the same.")


class DeferredInitializationError(MXNetError):
    """A parameter was asked for its value before the first batch told its shape."""


class Replicas:
    """Value and gradient arrays of a parameter, one of each per context. The parameter adds name, shape, dtype and initializer."""

    # Class-level defaults: a net makes thousands of parameters, and most never leave these values before they are initialized.
    _data = None
    _grad = None
    _ctx_list = None
    _deferred_init = ()
    _stype = 'default'
    _grad_stype = 'default'
    _version = 0
    _versions = None

    @property
    def _ctx_map(self):
        """Index of each replica by device type (even, odd) and device number, as MXNet keeps it."""
        table = [[], []]
        if self._ctx_list is None:
            return None
        for index, ctx in enumerate(self._ctx_list):
            row = table[ctx.device_typeid & 1]
            row.extend([None] * (ctx.device_id + 1 - len(row)))
            row[ctx.device_id] = index
        return table

    def _check_and_get(self, arrays, ctx):
        """Return the array of `arrays` (`_data` or `_grad`) on a context, or all of them where `ctx` is `list`."""
        if arrays is None:
            raise self._missing()
        if ctx is list:
            if self._versions is not None and arrays is self._data:
                for index in range(len(arrays)):
                    self._refresh(index)
            return arrays
        if len(arrays) == 1 and (ctx is None or ctx is arrays[0]._ctx):
            return arrays[0]
        index = self._index_on(current_context() if ctx is None else ctx)
        if self._versions is not None and arrays is self._data:
            self._refresh(index)
        return arrays[index]

    def _missing(self):
        if self._stype != 'default':
            return MXNetError(_NO_SPARSE % (self.name, 'stype', self._stype, 'stype'))
        if self._deferred_init:
            return DeferredInitializationError(_DEFERRED % self.name)
        return RuntimeError(_NOT_INITIALIZED % self.name)

    def _index_on(self, ctx):
        for index, known in enumerate(self._ctx_list):
            # Device types of equal parity share a replica, so that page-locked host memory finds the one on the CPU, as in MXNet.
            if known is ctx or ((known.device_typeid ^ ctx.device_typeid) & 1 == 0 and known.device_id == ctx.device_id):
                return index
        raise RuntimeError(f"Parameter '{self.name}' was not initialized on context {ctx}. "
                           f'It was only initialized on {self._ctx_list}.')

    def _state(self):
        """Return all that initialization changes, for `_set_state`."""
        return self._shape, self._data, self._grad, self._ctx_list, self._deferred_init, self._version, self._versions

    def _set_state(self, state):
        """Go back to an earlier state."""
        self._shape, self._data, self._grad, self._ctx_list, self._deferred_init, self._version, self._versions = state

    def _set_fresh(self, index):
        """Announce that replica `index` holds the new logical value (an optimizer wrote into it); the others follow when asked for."""
        if self._versions is not None:
            self._version += 1
            self._versions[index] = self._version

    def _refresh(self, index):
        """Copy the newest value into replica `index` where it is behind."""
        if self._versions[index] == self._version:
            return
        newest = self._data[self._versions.index(self._version)]
        _overwrite(self._data[index], newest)
        self._versions[index] = self._version

    def _reduce(self):
        """Return the value on `cpu(0)` as a new array: the newest replica, or the mean of replicas that a program made differ."""
        if self._stype != 'default':
            raise self._missing()
        if self._data is None:
            raise self._missing()
        if self._versions is not None and min(self._versions) < self._version:
            return self._data[self._versions.index(self._version)].copyto(cpu())
        if len(self._data) == 1:
            return self._data[0].copyto(cpu())
        copies = [array.asnumpy() for array in self._data]
        first = copies[0]
        if all(np.array_equal(first, other, equal_nan=first.dtype.kind == 'f') for other in copies[1:]):
            return ndarray.array(first, ctx=cpu(), dtype=first.dtype)
        return ndarray.array(sum(copies) / len(copies), ctx=cpu(), dtype=first.dtype)

    def _init_impl(self, data, ctx_list):
        """Take `data` as value on the given contexts; the caller gives the array away."""
        if (ctx_list.__class__ is list and len(ctx_list) == 1 and ctx_list[0] is data._ctx and data._node is None
                and self._grad_req == 'write' and self._grad_stype == 'default'):
            # What follows, for the usual case: a net has thousands of parameters.
            grad = zeros(data._raw.shape, data._raw.dtype, data._ctx)
            self._ctx_list, self._data, self._grad = [data._ctx], [data], [grad]
            self._version, self._versions = 0, None
            data._mark(grad, 'write')
            return
        contexts = _checked_contexts(ctx_list)
        arrays = [data if ctx is data._ctx and index == 0 and data._node is None else data.copyto(ctx)
                  for index, ctx in enumerate(contexts)]
        if len(contexts) == 0:
            raise ValueError(f"Cannot initialize Parameter '{self.name}' on an empty list of contexts.")
        grads = None if self.grad_req == 'null' else self._zero_grads(arrays)
        self._ctx_list = contexts
        self._data = arrays
        self._version = 0
        self._versions = [0] * len(contexts) if len(contexts) > 1 else None
        self._attach(grads)

    def _zero_grads(self, arrays):
        if self._grad_stype != 'default':
            raise MXNetError(_NO_SPARSE % (self.name, 'grad_stype', self._grad_stype, 'grad_stype'))
        return [zeros(array._raw.shape, array._raw.dtype, array._ctx) for array in arrays]

    def _init_grad(self):
        self._attach(None if self.grad_req == 'null' else self._zero_grads(self._data))

    def _attach(self, grads):
        self._grad = grads
        if grads is not None:
            self._mark()

    def _mark(self):
        for array, grad in zip(self._data, self._grad):
            array._mark(grad, self.grad_req)

    def reset_ctx(self, ctx):
        """Move the value to other contexts; gradients start again at zero.

        Parameters
        ----------
        ctx : Context or list of Context, or None for the current context
        """
        if ctx is None:
            ctx = [current_context()]
        elif isinstance(ctx, Context):
            ctx = [ctx]
        if self._data:
            token = ambient.set_flags(recording=False)
            try:
                self._init_impl(self._reduce(), ctx)
            finally:
                ambient.restore(token)
        elif self._deferred_init:
            init, _, default_init, data = self._deferred_init
            self._deferred_init = (init, ctx, default_init, data)
        else:
            raise ValueError(f"Cannot reset context for Parameter '{self.name}' because it has not been initialized.")

    def _load_init(self, data, ctx, cast_dtype=False, dtype_source='current'):
        """Take a loaded array as value, after checking shape and dtype.

        Parameters
        ----------
        data : NDArray
        ctx : Context, list of Context or None
            Where to keep replicas; None keeps where they are, or takes `cpu(0)`.
        cast_dtype : bool
            Whether a saved dtype may differ; then `dtype_source` ('current' or 'saved') tells which one stays.
        """
        shape, data, dtype, contexts = self._check_load(data, ctx, cast_dtype, dtype_source)
        if shape is not None:
            self.shape = shape
        if dtype is not None:
            self.dtype = dtype
        if self._data is not None:
            self.set_data(data)
        else:
            if self._stype != 'default':
                raise self._missing()
            self._make(None, contexts, None, data.copyto(data._ctx))
        self._deferred_init = ()

    def _check_load(self, data, ctx, cast_dtype, dtype_source):
        """Return shape, array, dtype and contexts that loading `data` would give; raise where it doesn't fit. Changes nothing."""
        if cast_dtype and dtype_source not in ('current', 'saved'):
            raise AssertionError(f"dtype_source must be 'current' or 'saved', but got '{dtype_source}'")
        shape = self._loaded_shape(data)
        data, dtype = self._loaded_dtype(data, cast_dtype, dtype_source)
        contexts = [ctx] if isinstance(ctx, Context) else ctx
        known = self._ctx_list if self._data is not None else (self._deferred_init[1] if self._deferred_init else None)
        if known is not None and contexts is not None and set(contexts) != set(known):
            raise AssertionError(f"Failed to load Parameter '{self.name}' on {contexts} because it was previous initialized on "
                                 f'{known}.')
        return shape, data, dtype, known or contexts or [cpu()]

    def _loaded_shape(self, data):
        if not self.shape:
            return None
        if len(data.shape) > len(self.shape) or any(i not in (0, j) for i, j in zip(self.shape, data.shape)):
            raise AssertionError(f"Failed loading Parameter '{self.name}' from saved params: shape incompatible expected "
                                 f'{self.shape} vs saved {data.shape}')
        shape = filled(self.shape, data.shape)
        if not compatible(shape, self.shape):
            raise AssertionError(f'Expected shape {shape} is incompatible with given shape {self.shape}.')
        return shape

    def _loaded_dtype(self, data, cast_dtype, dtype_source):
        if not self.dtype or np.dtype(self.dtype) == np.dtype(data.dtype):
            return data, None
        if not cast_dtype:
            raise AssertionError(f"Failed loading Parameter '{self.name}' from saved params: dtype incompatible expected {self.dtype} "
                                 f'vs saved {data.dtype}. Set cast_dtype=True to cast the dtype of saved params.')
        if dtype_source == 'current':
            return data.astype(self.dtype, copy=False), None
        return data, data.dtype

    def set_data(self, data):
        """Set the value on all contexts.

        Parameters
        ----------
        data : NDArray or numpy.ndarray
            Of the parameter's shape (where that is not known yet, it is taken from `data`).
        """
        if self._data is None and not self._deferred_init:
            raise AssertionError(f"Parameter '{self.name}' has not been initialized")
        self.shape = data.shape
        if self._data is None:
            self._deferred_init = (*self._deferred_init[:3], data)
            return
        trainer = self._trainer
        if trainer and trainer._kv_initialized and trainer._update_on_kvstore and self not in trainer._params_to_init:
            trainer._reset_kvstore()  # the value kept in the kvstore must follow
        _overwrite(self._data[0], data)
        self._set_fresh(0)

    def zero_grad(self):
        """Set the gradient to 0 on all contexts; nothing happens where there is none."""
        for array in self._grad or ():
            array._assign(0)

    def cast(self, dtype):
        """Convert value and gradient to another data type."""
        self._dtype = dtype
        if self._data is None:
            return
        dtype = np.dtype(dtype)
        token = ambient.set_flags(recording=False)
        try:
            self._data = [array.astype(dtype) for array in self._data]
            self._attach(None if self._grad is None else [array.astype(dtype) for array in self._grad])
        finally:
            ambient.restore(token)

    def __getstate__(self):
        # A copy is nobody's to train until a Trainer takes it.
        state = self.__dict__.copy()
        state.pop('_trainer_ref', None)
        return state

    def __setstate__(self, state):
        # Copying and unpickling give new arrays, which must be tied to their gradients again.
        self.__dict__.update(state)
        if self._grad is not None and self._data is not None:
            self._mark()


for _method in (Replicas.cast, Replicas.reset_ctx, Replicas.set_data, Replicas.zero_grad):
    _method.__qualname__ = f'Parameter.{_method.__name__}'  # errors about arguments name the class that users know


def _checked_contexts(contexts):
    contexts = list(contexts)
    for ctx in contexts:
        if not isinstance(ctx, Context):
            error = AttributeError(f"'{type(ctx).__name__}' object has no attribute 'device_typeid'")  # as in MXNet
            error.add_note('ctx must be a Context such as mx.cpu(), or a list of Contexts.')
            raise error
    return contexts


def zeros(shape, dtype, ctx):
    """Return a new array of zeros; `ndarray.zeros` without reading arguments in every form, for nets of thousands of parameters."""
    env = ctx._environments[0]
    if dtype.__class__ is not np.dtype:
        dtype = as_dtype(dtype)
    if env.scope is None:
        return NDArray(env.xp.zeros(shape, dtype), ctx)
    with env.scope:
        return NDArray(env.xp.zeros(shape, dtype), ctx)


def _overwrite(target, value):
    """Write a value into an array without recording it."""
    token = ambient.set_flags(recording=False)
    try:
        target[:] = value if not isinstance(value, NDArray) or value._ctx is target._ctx else value.as_in_context(target._ctx)
    finally:
        ambient.restore(token)
