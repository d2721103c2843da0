"""`InPlace`: optimizers whose update is one rule of `ops._update_kernels`, run over many weights with little Python for each."""
import numpy as np

from ..errors import MXNetError
from ..naming import ambient
from ..ndarray import NDArray
from ..ops._update_kernels import coefficients
from ._arena import Packer, worth_packing
from ._base import Optimizer

__all__ = ["InPlace"]

# Larger host arrays are updated piece by piece: weight, gradient, states and scratch of a piece stay in the cache.
_PIECE = 32768
_BY_PIECES = ("by pieces",)


class InPlace(Optimizer):
    """An optimizer that is one update rule.

    A subclass says which rule, with which coefficients, by `_rule`.  `update` and `update_multi_precision` take one weight, or lists
    of them; a subclass of a program that overrides one of them is called weight by weight.
    """

    _lists = True
    _mixed_name = ""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "update" in cls.__dict__ or "update_multi_precision" in cls.__dict__:
            cls._lists = cls.__dict__.get("_lists", False)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._scratch = {}
        self._last = (None, None)
        self._packers = {}  # by context

    def _rule(self, lr, wd, index, state):
        """Return the rule and its coefficients for a weight: ``(function, dict)``."""
        raise NotImplementedError()

    def _key(self):
        """Return everything besides lr, wd and dtype that the coefficients depend on; None: they differ by weight or update."""
        return None

    def _states(self, state):
        """Return the arrays of a state in the rule's order."""
        return state

    def _split(self, state):
        """Return (state, float32 copy) of a weight that is updated in float32."""
        copy, own = state
        return own, copy

    def update(self, index, weight, grad, state):
        """Update one weight, or each of a list."""
        self._update(index, weight, grad, state, False)

    def update_multi_precision(self, index, weight, grad, state):
        """Update one weight, or each of a list of one type; float16 in float32 where `multi_precision` says so."""
        first = weight[0] if isinstance(index, (list, tuple)) else weight
        mixed = self.multi_precision and first.dtype == np.float16
        if self._lists or isinstance(index, (list, tuple)):
            self._update(index, weight, grad, state, mixed)
        elif mixed:
            own, copy = self._split(state)
            self.update(index, copy, grad.astype(np.float32), own)
            weight._assign(copy)
        else:
            self.update(index, weight, grad, state)

    def _update(self, indices, weights, grads, states, mixed):
        if not isinstance(indices, (list, tuple)):
            indices, weights, grads, states = (indices,), (weights,), (grads,), (states,)
        if not isinstance(weights[0], NDArray) or not isinstance(grads[0], NDArray):
            raise AssertionError(f"weight and gradient must be NDArrays, but got {type(weights[0])} and {type(grads[0])}")
        if ambient.recording():
            for weight in weights:
                weight._refuse_recorded_write()
        lrs, wds = self._rates(indices, weights, grads)
        ctx = weights[0]._ctx
        device = ctx._backend.use(ctx.device_id)
        if device is None:
            self._run(ctx, indices, weights, grads, states, lrs, wds, mixed)
        else:
            with device:
                self._run(ctx, indices, weights, grads, states, lrs, wds, mixed)

    def _rates(self, indices, weights, grads):
        """Count the updates; return learning rates and weight decays."""
        self._update_count(indices)
        return self._get_lrs(indices), self._get_wds(indices)

    def _run(self, ctx, indices, weights, grads, states, lrs, wds, mixed):
        last, step = self._last
        if last is None or last[3:] != (ctx, self._key()):
            last = None
        if not mixed and len(indices) > 1 and self._run_packed(ctx, indices, weights, grads, states, lrs, wds, last, step):
            return
        for index, weight, grad, state, lr, wd in zip(indices, weights, grads, states, lrs, wds):
            target, raw_grad = weight, grad._raw
            if mixed:
                state, target = self._split(state)
                raw_grad = raw_grad.astype(np.float32)
            raw = target._writable()
            if last is None or lr != last[0] or wd != last[1] or raw.dtype is not last[2]:
                last, step = self._bind(raw.dtype, ctx, lr, wd, index, state)
            if raw_grad.shape != raw.shape or raw_grad.dtype != raw.dtype:
                raise MXNetError(self._mismatch(index, weight, grad))
            if state is None:
                arrays = (raw, raw_grad, raw)
            elif state.__class__ is NDArray:
                arrays = (raw, raw_grad, state._writable(), raw)
            else:
                arrays = (raw, raw_grad, *[s._writable() for s in self._states(state)], raw)
            try:
                scratch = step.buffers.get(raw.shape) or self._allocate(step, ctx, arrays)
                if scratch is _BY_PIECES:
                    _by_pieces(step, arrays, self._pieces(step, ctx, raw.dtype))
                else:
                    step(*arrays, *scratch)
            except (TypeError, ValueError) as error:
                raise MXNetError(f"{type(self).__name__} cannot update weight {index} of shape {raw.shape} and type {raw.dtype} "
                                 f"with states of {[(a.shape, str(a.dtype)) for a in arrays[2:-1]]}: {error}") from error
            if mixed:
                weight._assign(target)

    def _run_packed(self, ctx, indices, weights, grads, states, lrs, wds, last, step):
        """Update small weights that share all coefficients in one step; return whether that was possible."""
        if not worth_packing(lrs, wds, weights) or self._key() is None:
            return False
        first = states[0]
        kinds = [weights, grads]
        if first.__class__ is NDArray:
            kinds.append(states)
        elif first is not None:
            kinds += map(list, zip(*[self._states(state) for state in states]))
        dtype, self._packed_state = weights[0]._raw.dtype, first
        if last is None or lrs[0] != last[0] or wds[0] != last[1] or dtype is not last[2]:
            last, step = self._bind(dtype, ctx, lrs[0], wds[0], indices[0], first)
        if last is None or not step.elementwise:
            return False
        packer = self._packers.get(ctx)
        if packer is None:
            packer = self._packers[ctx] = Packer()
        flat = packer.packed(indices, kinds, ctx._backend.xp)
        if flat is None:
            return False
        self._step_flat(ctx, flat, step)
        return True

    def _step_flat(self, ctx, flat, step):
        """Run a step on flat weights, gradients and states."""
        weight = flat[0]
        arrays = (*flat, weight)
        scratch = step.buffers.get(weight.shape) or self._allocate(step, ctx, arrays)
        if scratch is _BY_PIECES:
            _by_pieces(step, arrays, self._pieces(step, ctx, weight.dtype))
        else:
            step(*arrays, *scratch)

    def update_again(self, indices, ctx):
        """Update the weights of the last call once more, where nothing but values and rates has changed since.

        Parameters
        ----------
        indices : list
            The list of the last call itself.
        ctx : Context
            Where the weights are.

        Returns
        -------
        bool
            False where it has; nothing was changed then.
        """
        packer = self._packers.get(ctx)
        if packer is None or packer.indices is not indices or packer.arena is None or ambient.recording():
            return False
        last, step = self._last
        if last is None or last[3:] != (ctx, self._key()) or ctx._backend.use(ctx.device_id) is not None:
            return False
        first = self.param_dict.get(indices[0])
        if first is None:
            return False
        lr_mult, wd_mult = first.lr_mult, first.wd_mult
        for index in indices:
            parameter = self.param_dict[index]
            if parameter.lr_mult != lr_mult or parameter.wd_mult != wd_mult:
                return False
        if not packer.arena.is_intact():
            return False
        self._set_current_context(ctx.device_id)
        self._update_count(indices)
        lr, wd = self.learning_rate * lr_mult, self.wd * wd_mult
        if lr != last[0] or wd != last[1]:
            last, step = self._bind(last[2], ctx, lr, wd, indices[0], self._packed_state)
        packer.arena.announce()
        self._step_flat(ctx, packer.arena.flat, step)
        return True

    def _bind(self, dtype, ctx, lr, wd, index, state):
        """Return the update step for these coefficients, and what it is good for; remember both where they may come again."""
        rule, given = self._rule(lr, wd, index, state)
        step = rule(coefficients(ctx._backend.xp, dtype), **given)
        step.scratch, step.elementwise = rule.scratch, rule.elementwise
        step.buffers = self._scratch.setdefault((ctx, dtype, rule.scratch), {})
        key = self._key()
        last = None if key is None else (lr, wd, dtype, ctx, key)
        self._last = (last, step)
        return last, step

    def _allocate(self, step, ctx, arrays):
        """Make (and keep, if they are small) scratch arrays of one shape, or say that the update goes by pieces."""
        raw = arrays[0]
        large = raw.size > _PIECE and isinstance(raw, np.ndarray)
        if large and step.elementwise and all(a.flags.c_contiguous and a.shape == raw.shape for a in arrays):
            return _BY_PIECES
        made = tuple(ctx._backend.xp.empty(raw.shape, raw.dtype) for _ in range(step.scratch))
        if not large:
            step.buffers[raw.shape] = made
        return made

    def _pieces(self, step, ctx, dtype):
        if _PIECE not in step.buffers:
            step.buffers[_PIECE] = tuple(ctx._backend.xp.empty(_PIECE, dtype) for _ in range(step.scratch))
        return step.buffers[_PIECE]

    def _mismatch(self, index, weight, grad):
        return (f"{type(self).__name__}: weight {index} has shape {weight.shape} and type {weight._raw.dtype}, but its gradient has "
                f"shape {grad.shape} and type {grad._raw.dtype}")

    def __getstate__(self):
        state = super().__getstate__()
        state["_scratch"], state["_last"], state["_packers"] = {}, (None, None), {}
        return state


def _by_pieces(step, arrays, scratch):
    """Run a step over contiguous arrays of equal size, piece by piece."""
    flat = [a.reshape(-1) for a in arrays]
    size = flat[0].size
    for start in range(0, size, _PIECE):
        stop = min(start + _PIECE, size)
        step(*[a[start:stop] for a in flat], *[s[:stop - start] for s in scratch])
