"""Optimizers for large batches: a learning rate for each layer by the norms of weight and gradient."""
import logging
import math
import os

import numpy as np

from ..ops import _update_kernels as rules
from ..ops import _update_kernels_more as more_rules
from ._adaptive import Clipped
from ._base import register, zeros_like
from ._sgd import WithMomentum

__all__ = ["LAMB", "LARS", "LBSGD"]


def _sum_of_squares(array, scale=1.0):
    values = array._raw.astype(np.float32) * np.float32(scale)
    return float((values * values).sum())


@register
class LARS(WithMomentum):
    """SGD whose learning rate for a layer is ``lr * eta * |w| / (|g| + wd * |w| + eps)``; biases, gammas and betas keep `lr`.

    Parameters
    ----------
    momentum : float, default 0.0
        Momentum.
    lazy_update : bool, default True
        Whether sparse gradients change only their rows; dense gradients don't ask.
    eta : float, default 0.001
        Factor on the ratio of norms.
    eps : float, default 0
        Added to the norm of the gradient.
    momentum_correction : bool, default True
        Scale the momentum with changes of the learning rate.
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Names come from `param_idx2name`; with a Gluon Trainer, which gives none, every weight is scaled, as in MXNet.

    References
    ----------
    You, Gitman, Ginsburg: Large batch training of convolutional networks, 2017.
    """

    _mixed_name = "SGD "
    _with_momentum = staticmethod(rules.sgd_mom)

    def __init__(self, momentum=0.0, lazy_update=True, eta=0.001, eps=0, momentum_correction=True, **kwargs):
        super().__init__(momentum=momentum, **kwargs)
        self.momentum_correction = momentum_correction
        self.lazy_update = lazy_update
        self.aggregate_num = int(os.getenv("MXNET_OPTIMIZER_AGGREGATION_SIZE", "4"))
        self.eta = eta
        self.eps = eps
        self.skip = 0
        self.last_lr = None
        self.cur_lr = None

    def _has_no_decay(self, name):
        return not name.endswith("_weight")

    def _get_lrs(self, indices):
        now = self.learning_rate
        self.last_lr = now if self.cur_lr is None else self.cur_lr
        self.cur_lr = now
        return self._multiplied(now, indices, "lr_mult")

    def _rates(self, indices, weights, grads):
        lrs, wds = super()._rates(indices, weights, grads)
        for i, (index, weight, grad) in enumerate(zip(indices, weights, grads)):
            if not self.idx2name.get(index, "").endswith(("gamma", "beta", "bias")):
                w_norm, g_norm = math.sqrt(_sum_of_squares(weight)), math.sqrt(_sum_of_squares(grad, self.rescale_grad))
                if w_norm > 0 and g_norm > 0:
                    lrs[i] *= self.eta * w_norm / (g_norm + wds[i] * w_norm + self.eps)
        return lrs, wds

    def _key(self):
        return None

    def _rule(self, lr, wd, index, state):
        rule, given = super()._rule(lr, wd, index, state)
        if "momentum" in given and self.momentum_correction and self.last_lr:
            given["momentum"] = self.momentum * (self.cur_lr / self.last_lr)
        return rule, given


@register
class LBSGD(WithMomentum):
    """SGD that adds up `batch_scale` gradients before each update, and warms its learning rate up.

    Parameters
    ----------
    momentum : float, default 0.0
        Momentum.
    multi_precision : bool, default False
        See `Optimizer`.
    warmup_strategy : {'linear', 'power2', 'sqrt', 'lars'}
        How the factor on the learning rate rises from 1 to `batch_scale`; 'lars' takes the ratio of norms instead.
    warmup_epochs, updates_per_epoch : int, default 5 and 32
        Length of the warm-up.
    batch_scale : int, default 1
        How many gradients make an update.
    begin_epoch, num_epochs : int, default 0 and 60
        Where training starts and ends.
    **kwargs
        See `Optimizer`.
    """

    _with_momentum = staticmethod(rules.sgd_mom)

    def __init__(self, momentum=0.0, multi_precision=False, warmup_strategy="linear", warmup_epochs=5, batch_scale=1,
                 updates_per_epoch=32, begin_epoch=0, num_epochs=60, **kwargs):
        super().__init__(momentum=momentum, multi_precision=multi_precision, **kwargs)
        logging.info("Running Large-Batch SGD Algorithm")
        logging.info("(Batch_scale=%f, warmup_epochs=%d, warmup_strategy=%s, updates_per_epoch=%d)", batch_scale, warmup_epochs,
                     warmup_strategy, updates_per_epoch)
        self.warmup_strategy = warmup_strategy
        self.warmup_epochs = warmup_epochs
        self.batch_scale = batch_scale
        self.updates_per_epoch = updates_per_epoch
        self.init_updates = begin_epoch * updates_per_epoch
        self.num_epochs = num_epochs
        self.cumgrads = {}

    def _warmup_factor(self, updates):
        length, most = self.warmup_epochs * self.updates_per_epoch, float(self.batch_scale)
        if updates >= length:
            return most
        if length <= 1:
            return 1.0
        done = updates / length
        return 1.0 + (most - 1) * {"linear": done, "power2": done * done, "sqrt": math.sqrt(done)}.get(self.warmup_strategy, 0.0)

    @staticmethod
    def _ratio_of_norms(weight, grad, wd):
        w, g = _sum_of_squares(weight), _sum_of_squares(grad)
        return min(max(math.sqrt(w / (g + wd * w + 1e-18)), 0.01), 100)

    def _rates(self, indices, weights, grads):
        lrs, wds = self._get_lrs(indices), self._get_wds(indices)
        self._update_count(indices)
        return lrs, wds

    def _run(self, ctx, indices, weights, grads, states, lrs, wds, mixed):
        for index, weight, grad, state, lr, wd in zip(indices, weights, grads, states, lrs, wds):
            total, count = self.cumgrads.get(index, (None, self.init_updates))
            # A copy: the next backward pass overwrites the gradient (in MXNet also the one remembered here).
            total, count = grad.copy() if total is None else total + grad, count + 1
            self.cumgrads[index] = total, count
            if count % self.batch_scale:
                continue
            self.cumgrads[index] = None, count
            mean = total / self.batch_scale
            lr *= self._ratio_of_norms(weight, mean, wd) if self.warmup_strategy == "lars" else self._warmup_factor(count)
            super()._run(ctx, [index], [weight], [mean], [state], [lr], [wd], mixed)


@register
class LAMB(Clipped):
    """Adam whose step for a layer is scaled to the norm of its weight.

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
        Decay of mean and variance.
    epsilon : float, default 1e-6
        Avoids division by 0.
    lower_bound, upper_bound : float, optional
        Bounds of the weight's norm.
    bias_correction : bool, default True
        Whether mean and variance are corrected for their start at 0.
    **kwargs
        See `Optimizer`.

    References
    ----------
    You et al.: Large batch optimization for deep learning, 2019.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-6, lower_bound=None, upper_bound=None,
                 bias_correction=True, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound
        self.bias_correction = bias_correction
        self.aggregate_num = max(1, min(45, int(os.getenv("MXNET_OPTIMIZER_AGGREGATION_SIZE", "45"))))

    def create_state(self, index, weight):
        """Return mean and variance."""
        return zeros_like(weight), zeros_like(weight)

    def _rule(self, lr, wd, index, state):
        return more_rules.lamb, {"lr": lr, "wd": wd, "beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon,
                                 "t": self._index_update_count[index], "bias_correction": self.bias_correction,
                                 "lower_bound": self.lower_bound or None, "upper_bound": self.upper_bound or None, **self._common()}
