"""`Optimizer`: what every optimizer knows about learning rates, weight decay and numbers of updates."""
import warnings

import numpy as np

from ..ndarray import NDArray

__all__ = ["Optimizer", "create", "register"]


class Optimizer:
    """Base class of optimizers.

    A subclass defines `create_state` and `update`.  Weights are known by index; learning rate and weight decay of one are those of
    the optimizer times its multipliers, which come from `param_dict` (Gluon), or by index or name from `lr_mult` and `wd_mult`.

    Parameters
    ----------
    rescale_grad : float, default 1.0
        Factor on gradients, often one over the batch size.
    param_idx2name : dict of int to str, optional
        Names of weights; those not ending in ``_weight`` or ``_gamma`` then have no weight decay.
    wd : float, default 0.0
        Weight decay.
    clip_gradient : float, optional
        Bound of a gradient's elements.
    learning_rate : float, optional
        Learning rate; by default that of the scheduler, or 0.01 without one.
    lr_scheduler : LRScheduler, optional
        Learning rate by number of updates; an explicit `learning_rate` becomes its `base_lr`.
    sym : Symbol, optional
        Whose attributes ``__lr_mult__`` and ``__wd_mult__`` give multipliers.
    begin_num_update : int, default 0
        Where to start counting updates.
    multi_precision : bool, default False
        Keep float32 copies of float16 weights, and update those.
    param_dict : dict of int to Parameter, optional
        Parameters by index, for their multipliers.

    Attributes
    ----------
    num_update : int
        How often the weight that was updated most often has been updated.
    """

    # How many weights `Updater` passes to one `update_multi_precision`, as lists; 0: each by itself.
    aggregate_num = 0

    def __init__(self, rescale_grad=1., param_idx2name=None, wd=0., clip_gradient=None, learning_rate=None, lr_scheduler=None,
                 sym=None, begin_num_update=0, multi_precision=False, param_dict=None):
        if param_idx2name is not None and not isinstance(param_idx2name, dict):
            raise AssertionError("param_idx2name should be a dict of param indexes to names.")
        if lr_scheduler is None and learning_rate is None:
            learning_rate = 0.01
        if lr_scheduler is not None and learning_rate is not None and lr_scheduler.base_lr != learning_rate:
            warnings.warn("learning rate from ``lr_scheduler`` has been overwritten by ``learning_rate`` in optimizer.",
                          UserWarning, stacklevel=3)
            lr_scheduler.base_lr = learning_rate
        self.rescale_grad = rescale_grad
        self.lr_scheduler = lr_scheduler
        self.lr = learning_rate
        self.wd = wd
        self.begin_num_update = begin_num_update
        self.num_update = begin_num_update
        self._all_index_update_counts = {0: {}}
        self._index_update_count = self._all_index_update_counts[0]
        self.clip_gradient = clip_gradient
        self.multi_precision = multi_precision
        self.idx2name = dict(param_idx2name or {})
        self.sym_info = (sym.attr_dict(), sym.list_arguments()) if sym is not None else ()
        self.param_dict = param_dict or {}
        self.allow_np_array = False
        self.set_lr_mult({})
        self.set_wd_mult({})

    opt_registry: dict[str, type] = {}

    @staticmethod
    def register(klass):
        """Register an optimizer under its lower-case class name (class decorator).

        Examples
        --------
        >>> import blockscope as mx
        >>> @mx.optimizer.register
        ... class Still(mx.optimizer.Optimizer):
        ...     def update(self, index, weight, grad, state):
        ...         self._update_count(index)
        >>> type(mx.optimizer.create('still')).__name__
        'Still'
        """
        if not isinstance(klass, type):
            raise AssertionError(f"only a class can be registered as an optimizer, but got {klass!r}")
        name = klass.__name__.lower()
        old = Optimizer.opt_registry.get(name)
        if old is not None and old is not klass:
            warnings.warn(f"WARNING: New optimizer {klass.__module__}.{klass.__name__} is overriding existing optimizer "
                          f"{old.__module__}.{old.__name__}", stacklevel=2)
        Optimizer.opt_registry[name] = klass
        return klass

    @staticmethod
    def create_optimizer(name, **kwargs):
        """Make an optimizer from the name of its class.

        Parameters
        ----------
        name : str
            Name, in any case.
        **kwargs
            Arguments of the class.

        Raises
        ------
        ValueError
            If there is none of that name.

        Examples
        --------
        >>> import blockscope as mx
        >>> mx.optimizer.create('adam', learning_rate=0.1).learning_rate
        0.1
        """
        if not isinstance(name, str):
            raise TypeError(f"the name of an optimizer must be a str, such as 'sgd', but got {name!r}")
        if name.lower() not in Optimizer.opt_registry:
            raise ValueError(f"Cannot find optimizer {name}")
        return Optimizer.opt_registry[name.lower()](**kwargs)

    @property
    def learning_rate(self):
        """The learning rate now, before multipliers."""
        return self.lr if self.lr_scheduler is None else self.lr_scheduler(self.num_update)

    def create_state(self, index, weight):
        """Return what must be remembered about a weight (None, an array, or a tuple of these); called once for each.

        Parameters
        ----------
        index : int
            The weight's number.
        weight : NDArray
            The weight.
        """

    def create_state_multi_precision(self, index, weight):
        """Return the state of a weight, with its float32 copy where float16 is updated in float32."""
        if weight.dtype == np.float16:
            if self.multi_precision:
                copy = weight.astype(np.float32)
                return copy, self.create_state(index, copy)
            self._warn_of_float16("")
        return self.create_state(index, weight)

    @staticmethod
    def _warn_of_float16(name):
        warnings.warn("Accumulating with float16 in optimizer can lead to poor accuracy or slow convergence. Consider using "
                      f"multi_precision=True option of the {name}optimizer", stacklevel=3)

    def update(self, index, weight, grad, state):
        """Update a weight in place.

        Parameters
        ----------
        index : int
            The weight's number.
        weight, grad : NDArray
            The weight and its gradient.
        state : object
            What `create_state` returned.
        """
        raise NotImplementedError()

    def update_multi_precision(self, index, weight, grad, state):
        """Update a weight in place; a float16 weight through its float32 copy where `multi_precision` says so."""
        if self.multi_precision and weight.dtype == np.float16:
            copy, own = state
            self.update(index, copy, grad.astype(np.float32), own)
            weight._assign(copy)
        else:
            self.update(index, weight, grad, state)

    def set_learning_rate(self, lr):
        """Set the learning rate.

        Raises
        ------
        UserWarning
            If there is a scheduler, which decides.
        """
        if self.lr_scheduler is not None:
            raise UserWarning("LRScheduler of the optimizer has already been defined. Note that set_learning_rate can mutate the "
                              "value of the learning rate of the optimizer only when the LRScheduler of the optimizer is undefined.")
        self.lr = lr

    def set_lr_scale(self, args_lrscale):
        """Raise DeprecationWarning: `set_lr_mult` does this now."""
        raise DeprecationWarning("set_lr_scale was replaced by set_lr_mult")

    def set_lr_mult(self, args_lr_mult):
        """Set learning-rate multipliers.

        Parameters
        ----------
        args_lr_mult : dict of str or int to float
            By name (needs `param_idx2name` or `sym`) or index; others are forgotten.
        """
        self.lr_mult = self._symbol_multipliers("__lr_mult__")
        self.lr_mult.update(args_lr_mult)

    def _has_no_decay(self, name):
        return not name.endswith(("_weight", "_gamma"))

    def set_wd_mult(self, args_wd_mult):
        """Set weight-decay multipliers; weights whose names are known not to end in _weight or _gamma have 0 by default.

        Parameters
        ----------
        args_wd_mult : dict of str or int to float
            By name or index; others are forgotten.
        """
        self.wd_mult = {name: 0.0 for name in self.idx2name.values() if self._has_no_decay(name)}
        self.wd_mult.update(self._symbol_multipliers("__wd_mult__"))
        self.wd_mult.update(args_wd_mult)

    def _symbol_multipliers(self, key):
        if not self.sym_info:
            return {}
        attributes, names = self.sym_info
        return {name: float(attributes[name][key]) for name in names if key in attributes.get(name, {})}

    def _set_current_context(self, device_id):
        """Count updates for another device from now on."""
        self._index_update_count = self._all_index_update_counts.setdefault(device_id, {})

    def _update_count(self, index):
        """Count an update of one weight, or of each of a list."""
        counts, begin = self._index_update_count, self.begin_num_update
        for i in index if isinstance(index, (list, tuple)) else (index,):
            counts[i] = count = counts.get(i, begin) + 1
            if count > self.num_update:
                self.num_update = count

    def _multiplied(self, value, indices, which):
        known, names = getattr(self, which), self.idx2name
        parameters = self.param_dict
        values = []
        for index in indices:
            parameter = parameters.get(index)
            if parameter is not None:
                values.append(value * getattr(parameter, which))
            elif index in known:
                values.append(value * known[index])
            elif index in names:
                values.append(value * known.get(names[index], 1.0))
            else:
                values.append(value)
        return values

    def _get_lrs(self, indices):
        """Return the learning rates of weights."""
        return self._multiplied(self.learning_rate, indices, "lr_mult")

    def _get_lr(self, index):
        """Return the learning rate of a weight."""
        return self._get_lrs([index])[0]

    def _get_wds(self, indices):
        """Return the weight decays of weights."""
        return self._multiplied(self.wd, indices, "wd_mult")

    def _get_wd(self, index):
        """Return the weight decay of a weight."""
        return self._get_wds([index])[0]

    def __getstate__(self):
        state = self.__dict__.copy()
        del state["param_dict"]  # belongs to the Trainer, which sets it again
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.param_dict = {}


register = Optimizer.register
create = Optimizer.create_optimizer


def zeros_like(weight):
    """Return zeros of a weight's shape, type and context."""
    ctx = weight._ctx
    device = ctx._backend.use(ctx.device_id)
    if device is None:
        return NDArray(ctx._backend.xp.zeros(weight.shape, weight._raw.dtype), ctx)
    with device:
        return NDArray(ctx._backend.xp.zeros(weight.shape, weight._raw.dtype), ctx)
