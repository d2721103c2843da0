"""`Trainer`: updates parameters by an optimizer after each backward pass."""
import os
from collections.abc import Mapping, ValuesView

from ..errors import MXNetError, public_class
from ..formats.atomic import open_atomic
from ..kvstore import KVStore, KVStoreBase
from ..kvstore import create as create_kvstore
from ..optimizer import Optimizer, get_updater
from ..optimizer import create as create_optimizer
from ._parameter import Parameter
from ._parameter_dict import ParameterDict

__all__ = ['Trainer']

_STALE = (
    'Gradient of Parameter `%s` on context %s has not been updated by backward since last `step`. This could mean a bug in your '
    'model that made it only use a subset of the Parameters (Blocks) for this iteration. If you are intentionally only using a '
    'subset, call step with ignore_stale_grad=True to suppress this warning and skip updating of Parameters with stale gradient')
_ON_KVSTORE = ('%s when parameters are updated on kvstore is not supported. Try setting `update_on_kvstore` to False when creating '
               'trainer.')


class Trainer:
    """Updates a set of parameters by an optimizer.

    Parameters
    ----------
    params : ParameterDict, dict, or list of Parameter
        What to update. Of a dictionary, in the order of its sorted keys.
    optimizer : str or Optimizer
        How.
    optimizer_params : dict, optional
        Arguments of the optimizer where it is given by name.
    kvstore : str, KVStoreBase or None, default 'device'
        What sums the gradients of several contexts; with one context a name means that there is nothing to sum.
    compression_params : dict, optional
        Gradient compression, which blockscope's stores do not have: refused.
    update_on_kvstore : bool, optional
        Whether one update is made for all contexts, on the sum of the gradients (default where there are several), or one on each
        context after the gradients were summed there (then `allreduce_grads` and `update` may be called apart).

    Notes
    -----
    With several contexts and one update for all, optimizer states and the updated weight live on the first context; the others
    get the weight when they ask for it.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.gluon.nn.Dense(1, in_units=2, use_bias=False)
    >>> net.initialize(mx.init.One())
    >>> trainer = mx.gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.5})
    >>> with mx.autograd.record():
    ...     loss = net(mx.nd.ones((4, 2))).sum()
    >>> loss.backward()
    >>> trainer.step(batch_size=4)
    >>> net.weight.data().asnumpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    _last_update = None  # parameters, indices, gradients and weights of the last complete update on one context

    def __init__(self, params, optimizer, optimizer_params=None, kvstore='device', compression_params=None,
                 update_on_kvstore=None):
        self._params = _parameter_list(params)
        self._param2idx = {param.name: i for i, param in enumerate(self._params)}
        for param in self._params:
            param._set_trainer(self)
        if compression_params:
            raise MXNetError(f'Trainer: gradient compression ({compression_params!r}) is not part of blockscope. Leave '
                             'compression_params=None; gradients then stay exact.')
        self._compression_params = compression_params
        self._contexts = self._check_contexts()
        self._init_optimizer(optimizer, optimizer_params or {})
        self._scale = self._optimizer.rescale_grad
        self._kvstore_params = {'kvstore': kvstore, 'update_on_kvstore': update_on_kvstore}
        self._kvstore = None
        self._distributed = None
        self._reset_kvstore()

    def _check_contexts(self):
        contexts = None
        for param in self._params:
            ctx = param.list_ctx()
            if contexts is not None and contexts != ctx:
                raise AssertionError(f'All Parameters must be initialized on the same set of contexts, but Parameter {param.name} is '
                                     f'initialized on {ctx} while previous Parameters are initialized on {contexts}.')
            contexts = ctx
        return contexts or []

    def _init_optimizer(self, optimizer, optimizer_params):
        param_dict = dict(enumerate(self._params))
        if isinstance(optimizer, Optimizer):
            if optimizer_params:
                raise AssertionError('optimizer_params must be None if optimizer is an instance of Optimizer instead of str')
            self._optimizer = optimizer
            optimizer.param_dict = param_dict
        else:
            self._optimizer = create_optimizer(optimizer, param_dict=param_dict, **optimizer_params)
        self._updaters = [get_updater(self._optimizer) for _ in self._contexts]

    # ---- the store ---------------------------------------------------------------------------------------------------------

    def _reset_kvstore(self):
        """Forget the store; the next step makes a new one from the parameters' values."""
        if self._kvstore is not None and 'dist' in self._kvstore.type:
            raise RuntimeError('Cannot reset distributed KVStore.')
        self._kv_initialized = False
        self._kvstore = None
        self._distributed = None
        self._update_on_kvstore = None
        self._params_to_init = list(self._params)

    def _init_kvstore(self):
        self._check_all_there()
        wanted = self._kvstore_params['update_on_kvstore']
        store = self._make_store(self._kvstore_params['kvstore'], wanted)
        on_store = False
        if store is not None:
            on_store = wanted if wanted is not None else bool(int(os.getenv('MXNET_UPDATE_ON_KVSTORE', '1')))
            if on_store and not store.is_capable(KVStoreBase.OPTIMIZER):
                if wanted:
                    raise ValueError(f'Please set update_on_kvstore=False when training with {public_class(type(store))}')
                on_store = False
            self._distributed = 'dist' in store.type
            if on_store:
                self._give_optimizer(store)
            elif type(store) is KVStore:
                store._set_updater(None)  # of an earlier Trainer
        self._kvstore = store
        self._update_on_kvstore = on_store if store is not None else None
        self._kv_initialized = True

    def _make_store(self, kvstore, wanted):
        if kvstore is None or isinstance(kvstore, KVStoreBase):
            return kvstore
        if not isinstance(kvstore, str):
            raise TypeError('kvstore must be KVStore, str or None')
        # One context has nothing to sum; a store is made only to check the name, or where updates on it were asked for.
        if len(self._contexts) <= 1 and 'dist' not in kvstore and not wanted:
            return None
        return create_kvstore(kvstore)

    def _give_optimizer(self, store):
        if type(store) is KVStore:
            # Updates happen on the first replica of each parameter, by the first updater: the store only sums.
            store._set_updater(self._updaters[0] if self._updaters else get_updater(self._optimizer))
        else:
            store.set_optimizer(self._optimizer)

    def _init_params(self):
        """Hand the values of parameters to a store that keeps them; deferred parameters wait."""
        waiting = []
        if self._kvstore is not None:
            numbers = {id(param): i for i, param in enumerate(self._params)}
            for param in self._params_to_init:
                if param._deferred_init:
                    waiting.append(param)
                elif type(self._kvstore) is not KVStore:
                    arrays = param.list_data()
                    self._kvstore.broadcast(numbers[id(param)], arrays[0], arrays)
        self._params_to_init = waiting

    def _prepare(self):
        if not self._kv_initialized:
            self._init_kvstore()
        if self._params_to_init:
            self._init_params()

    def _row_sparse_pull(self, parameter, out, row_id, full_idx=False):
        raise MXNetError(f"Parameter '{parameter.name}': sparse arrays are not part of blockscope yet")

    # ---- learning rate -----------------------------------------------------------------------------------------------------

    @property
    def learning_rate(self):
        """The learning rate now."""
        return self._optimizer.learning_rate

    @property
    def optimizer(self):
        """The optimizer."""
        return self._optimizer

    def set_learning_rate(self, lr):
        """Set the learning rate.

        Raises
        ------
        UserWarning
            If the optimizer has a scheduler, which decides.
        """
        self._optimizer.set_learning_rate(lr)

    # ---- updates -----------------------------------------------------------------------------------------------------------

    def step(self, batch_size, ignore_stale_grad=False):
        """Sum the gradients of all contexts and update the parameters; call it after `backward`, outside of `record`.

        Parameters
        ----------
        batch_size : int
            Gradients are divided by it: the number of samples behind the loss, or 1 where the loss is a mean.
        ignore_stale_grad : bool, default False
            Leave a parameter alone whose gradient no backward pass has computed since the last step.

        Raises
        ------
        UserWarning
            If there is such a parameter and `ignore_stale_grad` is False; nothing has been changed then.
        """
        self._check_and_rescale_grad(self._scale / batch_size)
        self._prepare()
        if self._kvstore is None:
            self._update(ignore_stale_grad)
        elif self._update_on_kvstore:
            self._update_on_store(ignore_stale_grad)
        else:
            self._allreduce_grads()
            self._update(ignore_stale_grad)

    def allreduce_grads(self):
        """Replace the gradients on each context by their sum over all; then clip or inspect them, and call `update`."""
        self._prepare()
        if self._kvstore is not None and self._update_on_kvstore:
            raise AssertionError(_ON_KVSTORE % 'allreduce_grads()')
        self._allreduce_grads()

    def update(self, batch_size, ignore_stale_grad=False):
        """Update the parameters, after `allreduce_grads`; see `step` for the arguments."""
        self._prepare()
        if self._kvstore is not None and self._update_on_kvstore:
            raise AssertionError(_ON_KVSTORE % 'update()')
        self._check_and_rescale_grad(self._scale / batch_size)
        self._update(ignore_stale_grad)

    def _check_and_rescale_grad(self, scale):
        if self._update_on_kvstore and self._distributed and self._kv_initialized and self._optimizer.rescale_grad != scale:
            raise UserWarning('Possible change in the `batch_size` from previous `step` detected. Optimizer gradient normalizing '
                              'factor will not change w.r.t new batch_size when update_on_kvstore=True and when distributed kvstore '
                              'is used.')
        self._optimizer.rescale_grad = scale

    def _allreduce_grads(self):
        if self._kvstore is None:
            return
        for i, param in enumerate(self._params):
            if param.grad_req != 'null':
                self._kvstore.pushpull(i, param.list_grad(), priority=-i)

    def _overflown(self):
        """Return whether mixed-precision training asks to leave this step out."""
        scaler = getattr(self, '_amp_loss_scaler', None)
        return scaler is not None and scaler.has_overflow(self._params)

    def _update(self, ignore_stale_grad=False):
        """Update each replica by the updater of its context."""
        if self._overflown():
            return
        if self._repeat_update():
            return
        chosen = [([], [], []) for _ in self._updaters]
        lists = []
        for i, param in enumerate(self._params):
            if param.grad_req == 'null':
                continue
            data = param._data
            if data is None or param._versions is not None:
                data = param.list_data()
            lists.append((param, data, param._grad))
            for (indices, grads, weights), weight, grad in zip(chosen, data, param._grad):
                leaf = weight._leaf
                if leaf is not None and leaf.fresh:
                    indices.append(i)
                    grads.append(grad)
                    weights.append(weight)
                elif not ignore_stale_grad:
                    raise UserWarning(_STALE % (param.name, weight.context))
        for updater, (indices, grads, weights) in zip(self._updaters, chosen):
            if indices:
                updater(indices, grads, weights)
                for weight in weights:
                    weight._leaf.fresh = False
        complete = len(self._updaters) == 1 and len(chosen[0][0]) == len(self._params)
        self._last_update = (lists, *chosen[0]) if complete else None

    def _repeat_update(self):
        """Update all parameters again as in the last step; return False where anything is not as it was then."""
        if self._last_update is None:
            return False
        lists, indices, grads, weights = self._last_update
        for param, data, grad in lists:
            if param._data is not data or param._grad is not grad:
                return False
        leaves = [weight._leaf for weight in weights]
        for leaf in leaves:
            if leaf is None or not leaf.fresh:
                return False
        if not self._updaters[0].again(indices):
            self._updaters[0](indices, grads, weights)
        for leaf in leaves:
            leaf.fresh = False
        return True

    def _update_on_store(self, ignore_stale_grad):
        """Make one update for all contexts, on the sum of the gradients."""
        if self._overflown():
            return
        chosen = []
        for i, param in enumerate(self._params):
            if param.grad_req == 'null':
                continue
            data = param.list_data()
            stale = next((weight for weight in data if not weight._fresh_grad), None)
            if stale is None:
                chosen.append((i, param, data))
            elif not ignore_stale_grad:
                raise UserWarning(_STALE % (param.name, stale.context))
        if type(self._kvstore) is KVStore:
            self._update_home(chosen)
        else:
            for i, param, data in chosen:
                self._kvstore.pushpull(i, param.list_grad(), out=data, priority=-i)
        for _, _, data in chosen:
            for weight in data:
                weight._fresh_grad = False

    def _update_home(self, chosen):
        if chosen:
            self._updaters[0]([i for i, _, _ in chosen], [self._kvstore.reduce(param.list_grad()) for _, param, _ in chosen],
                              [data[0] for _, _, data in chosen])
        for _, param, _ in chosen:
            param._set_fresh(0)

    # ---- states ------------------------------------------------------------------------------------------------------------

    def save_states(self, fname):
        """Write the optimizer's states and settings (learning rate, schedule, numbers of updates) to a file, atomically.

        The file is of blockscope's own format and holds no pickle; MXNet can't read it. Multipliers of parameters are not saved.

        Parameters
        ----------
        fname : str or os.PathLike
            The file.
        """
        self._prepare()
        if self._update_on_kvstore and type(self._kvstore) is not KVStore:
            self._kvstore.save_optimizer_states(fname, dump_optimizer=True)
            return
        states = self._updaters[0].get_states(dump_optimizer=True) if self._updaters else b''
        with open_atomic(fname) as file:
            file.write(states)

    def _check_all_there(self):
        for param in self._params:
            if param._data is None:
                raise param._missing()

    def load_states(self, fname, allow_pickle=False):
        """Read the optimizer's states and settings from a file that `save_states` wrote.

        Parameters
        ----------
        fname : str or os.PathLike
            The file.
        allow_pickle : bool, default False
            Whether to read a file of MXNet 1.x, which is a pickle. Only arrays and the settings of MXNet's optimizers and
            schedulers are taken from it; anything else is refused.

        Raises
        ------
        FormatError
            If the file is damaged, was saved with another optimizer, or is a pickle and `allow_pickle` is False.
        """
        self._prepare()
        if self._update_on_kvstore and type(self._kvstore) is not KVStore:
            self._kvstore.load_optimizer_states(fname)
        else:
            with open(fname, 'rb') as file:
                states = file.read()
            for updater in self._updaters:
                updater.set_states(states, allow_pickle)
        self._optimizer.param_dict = dict(enumerate(self._params))


def _parameter_list(params):
    """Return the parameters of a list or dictionary, after checking that they are parameters."""
    if isinstance(params, (Mapping, ParameterDict)):
        params = [params[key] for key in sorted(params.keys())]
    elif isinstance(params, ValuesView):
        params = list(params)
    if not isinstance(params, (list, tuple)):
        raise ValueError(f'First argument must be a list or dict of Parameters, got {public_class(type(params))}.')
    seen = set()
    for param in params:
        if not isinstance(param, Parameter):
            raise ValueError(f'First argument must be a list or dict of Parameters, got list of {public_class(type(param))}.')
        if id(param) in seen:
            raise ValueError(f"Parameter '{param.name}' is given twice: each step would update it twice.")
        seen.add(id(param))
    return list(params)
