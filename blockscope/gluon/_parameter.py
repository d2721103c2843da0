"""`Parameter` and `Constant`: a named value that blocks use."""
import warnings
import weakref

import numpy as np

from .. import initializer, ndarray, symbol
from ..backend.context import Context, cpu, current_context
from ..errors import public_class
from ..formats.params import STYPE_FLAGS
from ..naming import ambient
from ..ndarray import NDArray
from ..ndarray.np_shape import is_np_shape
from ._replicas import Replicas, zeros
from ._shape import compatible, shape_is_known

__all__ = ['Constant', 'Parameter']

_REQUESTS = ('write', 'add', 'null')


class Parameter(Replicas):
    """A value that a block learns, on one or more contexts, with its gradient.

    Parameters
    ----------
    name : str
        Full name, prefix included.
    grad_req : {'write', 'add', 'null'}, default 'write'
        What a backward pass does to the gradient array: overwrite it, add to it, or have none.
    shape : int or tuple of int, optional
        0 stands for a size that the first batch will tell; None for a shape of which nothing is known.
    dtype : numpy.dtype or str, default 'float32'
    lr_mult, wd_mult : float, default 1.0
        Factors on the optimizer's learning rate and weight decay.
    init : Initializer or str, optional
        Wins over the initializer given to `Block.initialize`.
    allow_deferred_init : bool, default False
        Whether `initialize` may be called while the shape is not fully known.
    differentiable : bool, default True
        False keeps `grad_req` at 'null', whatever is assigned.
    stype, grad_stype : {'default', 'row_sparse', 'csr'}
        Storage of value and gradient. There are no sparse arrays yet: using such a parameter raises an error.

    Examples
    --------
    >>> import blockscope as mx
    >>> weight = mx.gluon.Parameter('fc_weight', shape=(2, 3), init='ones')
    >>> weight.initialize()
    >>> weight.data().shape, weight.grad().shape
    ((2, 3), (2, 3))
    >>> weight
    Parameter fc_weight (shape=(2, 3), dtype=<class 'numpy.float32'>)
    """

    # Class-level defaults: a net makes thousands of parameters, and most never leave these values before they are initialized.
    _var = None
    _trainer_ref = None
    _differentiable = True
    _allow_deferred_init = False
    _grad_req = None
    _site = None

    def __init__(self, name, grad_req='write', shape=None, dtype=np.float32, lr_mult=1.0, wd_mult=1.0, init=None,
                 allow_deferred_init=False, differentiable=True, stype='default', grad_stype='default'):
        self._shape = (shape,) if isinstance(shape, int) else shape
        self.name = name
        self._dtype = dtype
        self.lr_mult = lr_mult
        self.wd_mult = wd_mult
        if not differentiable:
            self._differentiable = differentiable
        if allow_deferred_init:
            self._allow_deferred_init = allow_deferred_init
        if grad_req == 'write' and differentiable and self.__class__ is Parameter:
            self._grad_req = grad_req
        else:
            self.grad_req = grad_req
        self.init = init
        if stype != 'default' or grad_stype != 'default':
            self._grad_stype = self._checked_stype('grad_stype', grad_stype)
            self._stype = self._checked_stype('stype', stype)

    def _checked_stype(self, what, stype):
        if stype not in STYPE_FLAGS:
            raise AssertionError(f"{what} for Parameter '{self.name}' must be one of 'default', 'row_sparse', or 'csr', "
                                 f"but got '{stype}'")
        return stype

    def __repr__(self):
        return f'{self._kind} {self.name} (shape={self.shape}, dtype={self.dtype})'

    _kind = 'Parameter'

    @property
    def grad_req(self):
        """What a backward pass does to the gradient: 'write', 'add' or 'null'."""
        return self._grad_req

    @grad_req.setter
    def grad_req(self, req):
        if req not in _REQUESTS:
            raise AssertionError(f"grad_req must be one of 'write', 'add', or 'null', but got '{req}'")
        if not self._differentiable:
            req = 'null'
        if self._grad_req == req:
            return
        self._grad_req = req
        if req == 'null' and self._grad is not None:
            self._grad = None
            self._data = [array.detach() for array in self._data]
        elif self._data is not None:
            self._init_grad()

    @property
    def dtype(self):
        """Data type; assigning casts the value."""
        return self._dtype

    @dtype.setter
    def dtype(self, dtype):
        self.cast(dtype)

    @property
    def shape(self):
        """Shape; unknown sizes are 0 (-1 with NumPy shape semantics), and may be assigned once."""
        shape = self._shape
        if shape is None or not is_np_shape():
            return shape
        return tuple([n or -1 for n in shape])

    @shape.setter
    def shape(self, shape):
        if self._shape is not None and not compatible(shape, self._shape):
            raise AssertionError(f'Expected shape {shape} is incompatible with given shape {self._shape}.')
        self._shape = shape

    @property
    def _trainer(self):
        """The Trainer that updates this parameter; held weakly, because it holds the parameter."""
        return None if self._trainer_ref is None else self._trainer_ref()

    @_trainer.setter
    def _trainer(self, trainer):
        self._trainer_ref = None if trainer is None else weakref.ref(trainer)

    def _set_trainer(self, trainer):
        """Note the Trainer that updates this parameter."""
        if self._stype != 'default' and self._trainer and trainer and self._trainer is not trainer:
            raise RuntimeError(f"Failed to set the trainer for Parameter '{self.name}' because it was already set. More than one "
                               f'trainers for a {self._stype} Parameter is not supported.')
        self._trainer = trainer

    def initialize(self, init=None, ctx=None, default_init=None, force_reinit=False):
        """Make value and gradient arrays.

        Parameters
        ----------
        init : Initializer or str, optional
            Wins over the parameter's own `init`, which wins over `default_init`.
        ctx : Context or list of Context, default the current context
            Where to keep replicas.
        default_init : Initializer or str, default `Uniform()`
        force_reinit : bool, default False
            Whether to start again where there is a value already.

        Raises
        ------
        ValueError
            The shape is not known and `allow_deferred_init` is False.
        """
        if self._data is not None and not force_reinit:
            warnings.warn(f"Parameter '{self.name}' is already initialized, ignoring. "
                          'Set force_reinit=True to re-initialize.', stacklevel=2)
            return
        if ctx is None:
            ctx = [current_context()]
        elif isinstance(ctx, Context):
            ctx = [ctx]
        if default_init is None:
            default_init = _UNIFORM
        if init is None:
            init = default_init if self.init is None else self.init
        request = (init, ctx, default_init, None)
        if not shape_is_known(self.shape) or self._stype != 'default':
            if not self._allow_deferred_init and self._stype == 'default':
                raise ValueError(f"Cannot initialize Parameter '{self.name}' because it has invalid shape: {self.shape}.")
            self._data = self._grad = None
            self._deferred_init = request
            return
        self._make(*request)

    def _finish_deferred_init(self):
        """Make the arrays of a deferred parameter, now that its shape is known."""
        if not self._deferred_init:
            return
        if not shape_is_known(self.shape):
            raise AssertionError(f"Cannot initialize Parameter '{self.name}' because it has invalid shape: {self.shape}. Please "
                                 'specify in_units, in_channels, etc for `Block`s.')
        if self._stype != 'default':
            raise self._missing()
        self._make(*self._deferred_init)

    def _make(self, init, ctx_list, default_init, data):
        if ambient.recording() or ambient.training():
            token = ambient.set_flags(recording=False, training=False)
            try:
                return self._make(init, ctx_list, default_init, data)
            finally:
                ambient.restore(token)
        if data is None:
            data = self._initial_value(init, default_init)
        elif not isinstance(data, NDArray):
            data = ndarray.array(data, ctx=_CPU, dtype=self.dtype)
        self._init_impl(data, ctx_list)
        self._deferred_init = ()
        return None

    def _initial_value(self, init, default_init):
        data = zeros(self._shape, self._dtype, _CPU)
        if init is default_init and callable(init) and not isinstance(init, (str, initializer.Initializer)):
            init(initializer.InitDesc(self.name), data)  # Mixed, Load: they choose by name, and are no Initializer
            return data
        if not isinstance(default_init, initializer.Initializer):
            default_init = initializer.create(default_init)
        default_init(initializer.InitDesc(self.name, {'__init__': init}), data)
        return data

    def data(self, ctx=None):
        """Return the value on a context (None: the only one, or the current one). It is the live array, not a copy."""
        arrays = self._data
        if arrays is not None and len(arrays) == 1:
            array = arrays[0]
            if ctx is None or ctx is array._ctx:
                return array
        if self._stype != 'default':
            raise RuntimeError(f"Cannot return a copy of Parameter '{self.name}' on ctx {ctx} via data() because its storage type is "
                               f'{self._stype}. Please use row_sparse_data() instead.')
        return self._check_and_get(arrays, ctx)

    def list_data(self):
        """Return the value on all contexts, in the order in which they were given."""
        if self._stype != 'default':
            raise RuntimeError(f"Cannot return copies of Parameter '{self.name}' on all contexts via list_data() because its storage "
                               f'type is {self._stype}. Please use row_sparse_data() instead.')
        return self._check_and_get(self._data, list)

    def row_sparse_data(self, row_id):
        """Return the rows `row_id` of a row-sparse parameter (there are none yet: this raises an error)."""
        if self._stype != 'row_sparse':
            raise RuntimeError(f'Cannot return a copy of Parameter {self.name} via row_sparse_data() because its storage type is '
                               f'{self._stype}. Please use data() instead.')
        return self._get_row_sparse(row_id)

    def list_row_sparse_data(self, row_id):
        """Return the rows `row_id` of a row-sparse parameter on all contexts (there are none yet: this raises an error)."""
        if self._stype != 'row_sparse':
            raise RuntimeError(f"Cannot return copies of Parameter '{self.name}' on all contexts via list_row_sparse_data() because "
                               f'its storage type is {self._stype}. Please use data() instead.')
        return self._get_row_sparse(row_id)

    def _get_row_sparse(self, row_id):
        if not isinstance(row_id, NDArray):
            raise TypeError(f'row_id must have NDArray type, but {public_class(type(row_id))} is given')
        if not self._trainer:
            raise RuntimeError(f"Cannot get row_sparse data for Parameter '{self.name}' when no Trainer is created with it.")
        raise self._missing()

    def grad(self, ctx=None):
        """Return the gradient on a context (None: the only one, or the current one). It is the live array, not a copy."""
        return self._check_and_get(self._checked_grad(), ctx)

    def list_grad(self):
        """Return the gradients on all contexts, in the order in which they were given."""
        return self._check_and_get(self._checked_grad(), list)

    def _checked_grad(self):
        if self._grad is None and self._data is not None:
            raise RuntimeError(f"Cannot get gradient array for Parameter '{self.name}' because grad_req='null'")
        return self._grad

    def list_ctx(self):
        """Return the contexts that the parameter is (or will be) initialized on."""
        if self._data is not None:
            return self._ctx_list
        if self._deferred_init:
            return self._deferred_init[1]
        raise RuntimeError(f"Parameter '{self.name}' has not been initialized")

    def var(self):
        """Return the Symbol that stands for this parameter; the same one every time."""
        if self._var is None:
            self._var = symbol.var(self.name, shape=self.shape, dtype=self.dtype, lr_mult=self.lr_mult, wd_mult=self.wd_mult,
                                   init=self.init, stype=self._stype)
        return self._var


class Constant(Parameter):
    """A parameter that is never trained: `grad_req` is 'null' for good. `set_data` still changes it.

    Parameters
    ----------
    name : str
        Full name.
    value : array-like
        The value; Python numbers become float32.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.Constant('mean', [[1, 2], [3, 4]])
    Constant mean (shape=(2, 2), dtype=<class 'numpy.float32'>)
    """

    _kind = 'Constant'

    def __init__(self, name, value):
        if not isinstance(value, NDArray):
            value = ndarray.array(value)
        self.value = value
        super().__init__(name, grad_req='null', shape=value.shape, dtype=value.dtype, init=f'Constant_{name}_{id(self)}')
        self._own_init = self.init

    def _initial_value(self, init, default_init):
        if init == self._own_init:
            return self.value.astype(self._dtype).copyto(cpu())
        return super()._initial_value(init, default_init)

    @property
    def grad_req(self):
        """Always 'null'; assigning anything else warns and changes nothing."""
        return 'null'

    @grad_req.setter
    def grad_req(self, req):
        if req != 'null':
            warnings.warn(f'Constant parameter "{self.name}" does not support grad_req other than "null", and new value "{req}" is '
                          'ignored.', stacklevel=2)


_CPU = cpu()
_UNIFORM = initializer.Uniform()
