"""`Updater`: an optimizer with the states of the weights it updates."""
from ..ndarray import NDArray
from . import _states
from ._in_place import InPlace

__all__ = ["Updater", "get_updater"]


class Updater:
    """Update weights by an optimizer, and keep their states.

    Parameters
    ----------
    optimizer : Optimizer
        How to update.

    Attributes
    ----------
    states : dict
        States by weight.

    Examples
    --------
    >>> import blockscope as mx
    >>> update = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=1.0))
    >>> weight = mx.nd.array([3., 3.])
    >>> update(0, mx.nd.ones((2,)), weight)
    >>> weight.asnumpy()
    array([2., 2.], dtype=float32)
    """

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.states = {}
        self.states_synced = {}
        self.aggregate_updates = optimizer.aggregate_num > 0
        self._last = None

    def __call__(self, index, grad, weight):
        """Update a weight by its gradient, or each of a list of weights on one context.

        Parameters
        ----------
        index : int or list of int
            Which weights.
        grad, weight : NDArray or list of NDArray
            Gradients, and the weights, which are overwritten.
        """
        if not isinstance(index, (list, tuple)):
            index, grad, weight = (index,), (grad,), (weight,)
        if not weight:
            return
        optimizer = self.optimizer
        optimizer._set_current_context(weight[0].context.device_id)
        if index[0].__class__ is not int:
            index = [i.decode() if isinstance(i, bytes) else i for i in index]
        known, synced = self.states, self.states_synced
        states = [known[i] if i in known and synced.get(i, True) else self._state(i, w) for i, w in zip(index, weight)]
        self._last = None
        if getattr(optimizer, "_lists", False):
            self._update_all(optimizer, index, weight, grad, states)
            if isinstance(optimizer, InPlace) and type(optimizer)._rates is InPlace._rates:
                self._last = index, states, weight[0]._ctx
        elif self.aggregate_updates:
            self._update_groups(optimizer, index, weight, grad, states)
        else:
            for arguments in zip(index, weight, grad, states):
                optimizer.update_multi_precision(*arguments)

    def again(self, index):
        """Update the weights of the last call once more; return False where something but their values has changed since.

        Parameters
        ----------
        index : list of int
            The list that was given to the last call.
        """
        last = self._last
        if last is None or last[0] is not index:
            return False
        known = self.states
        for i, state in zip(index, last[1]):
            if known.get(i) is not state:
                return False
        return self.optimizer.update_again(index, last[2])

    def _state(self, index, weight):
        if index not in self.states:
            self.states[index] = self.optimizer.create_state_multi_precision(index, weight)
            self.states_synced[index] = True
        elif not self.states_synced.get(index, True):
            self.states[index] = self.sync_state_context(self.states[index], weight.context)
            self.states_synced[index] = True
        return self.states[index]

    @staticmethod
    def _update_all(optimizer, index, weight, grad, states):
        """Update all weights of one type in one call."""
        first = weight[0]._raw.dtype
        for w in weight:
            if w._raw.dtype is not first:
                break
        else:
            optimizer.update_multi_precision(index, weight, grad, states)
            return
        for group in _by_type(index, weight, grad, states).values():
            optimizer.update_multi_precision(*map(list, zip(*group)))

    @staticmethod
    def _update_groups(optimizer, index, weight, grad, states):
        """Update in calls of at most `aggregate_num` weights of one type."""
        for group in _by_type(index, weight, grad, states).values():
            for start in range(0, len(group), optimizer.aggregate_num):
                optimizer.update_multi_precision(*map(list, zip(*group[start:start + optimizer.aggregate_num])))

    def sync_state_context(self, state, context):
        """Return a state with its arrays moved to a context."""
        if isinstance(state, NDArray):
            return state.as_in_context(context)
        if isinstance(state, (tuple, list)):
            return type(state)(self.sync_state_context(s, context) for s in state)
        return state

    def set_states(self, states, allow_pickle=False):
        """Take over states that `get_states` returned, and the optimizer's settings where they are among them.

        Parameters
        ----------
        states : bytes
            What `get_states` returned, or the content of a file of MXNet.
        allow_pickle : bool, default False
            Whether to read a pickle of MXNet 1.x. Only arrays, optimizers and schedulers are ever made from one.

        Raises
        ------
        FormatError
            If the bytes are damaged, or are a pickle and `allow_pickle` is False.
        """
        loaded = _states.loads(states, allow_pickle)
        if loaded.optimizer is not None:
            loaded.optimizer.apply_to(self.optimizer)
        self.states = loaded.states
        self.states_synced = dict.fromkeys(self.states, False)

    def get_states(self, dump_optimizer=False):
        """Return the states as bytes.

        Parameters
        ----------
        dump_optimizer : bool, default False
            Whether to add the optimizer's settings: learning rate, schedule, numbers of updates and the like.
        """
        return _states.dumps(self.states, self.optimizer if dump_optimizer else None)


def _by_type(index, weight, grad, states):
    groups = {}
    for i, w, g, s in zip(index, weight, grad, states):
        groups.setdefault(w._raw.dtype, []).append((i, w, g, s))
    return groups


def get_updater(optimizer):
    """Return an `Updater` of an optimizer."""
    return Updater(optimizer)
