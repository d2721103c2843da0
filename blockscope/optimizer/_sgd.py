"""Gradient descent: SGD and NAG."""
import os
import warnings

import numpy as np

from ..ops import _update_kernels as rules
from ._base import register, zeros_like
from ._in_place import InPlace

__all__ = ["NAG", "SGD", "ccSGD"]


class WithMomentum(InPlace):
    """What SGD and NAG share: a momentum, and (state, float32 copy) as state of a float16 weight."""

    def __init__(self, momentum=0.0, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum

    def create_state_multi_precision(self, index, weight):
        """Return the momentum, with a float32 copy of the weight where float16 is updated in float32."""
        if weight.dtype == np.float16:
            if self.multi_precision:
                copy = weight.astype(np.float32)
                return self.create_state(index, copy), copy
            self._warn_of_float16(self._mixed_name)
        return self.create_state(index, weight)

    def _split(self, state):
        return state

    def create_state(self, index, weight):
        """Return the momentum, or None without one."""
        return zeros_like(weight) if self.momentum != 0.0 else None

    def _key(self):
        return self.momentum, self.rescale_grad, self.clip_gradient

    _with_momentum = None

    def _rule(self, lr, wd, index, state):
        given = {"lr": lr, "wd": wd, "rescale_grad": self.rescale_grad, "clip_gradient": self.clip_gradient or None}
        if state is None:
            return rules.sgd, given
        return self._with_momentum, {**given, "momentum": self.momentum}


@register
class SGD(WithMomentum):
    """Stochastic gradient descent with momentum and weight decay.

    ``g = rescale_grad * clip(grad) + wd * weight; mom = momentum * mom - lr * g; weight += mom``

    Parameters
    ----------
    momentum : float, default 0.0
        Momentum.
    lazy_update : bool, default True
        Whether sparse gradients change only their rows; dense gradients don't ask.
    **kwargs
        See `Optimizer`.

    Examples
    --------
    >>> import blockscope as mx
    >>> weight, grad = mx.nd.array([1., 2.]), mx.nd.array([1., 1.])
    >>> mx.optimizer.SGD(learning_rate=0.5).update(0, weight, grad, None)
    >>> weight.asnumpy()
    array([0.5, 1.5], dtype=float32)
    """

    _mixed_name = "SGD "
    _with_momentum = staticmethod(rules.sgd_mom)

    def __init__(self, momentum=0.0, lazy_update=True, **kwargs):
        super().__init__(momentum=momentum, **kwargs)
        self.lazy_update = lazy_update
        self.aggregate_num = int(os.getenv("MXNET_OPTIMIZER_AGGREGATION_SIZE", "4"))


@register
class ccSGD(SGD):
    """`SGD` under an older name."""

    def __init__(self, *args, **kwargs):
        warnings.warn("ccSGD is SGD: use that name", DeprecationWarning, stacklevel=2)
        super().__init__(*args, **kwargs)


@register
class NAG(WithMomentum):
    """Nesterov's accelerated gradient.

    ``g = clip(rescale_grad * grad) + wd * weight; mom = momentum * mom - lr * g; weight += momentum * mom - lr * g``

    Parameters
    ----------
    momentum : float, default 0.0
        Momentum.
    **kwargs
        See `Optimizer`.
    """

    _mixed_name = "NAG "
    _with_momentum = staticmethod(rules.nag_mom)

    def __init__(self, momentum=0.0, **kwargs):
        super().__init__(momentum=momentum, **kwargs)
