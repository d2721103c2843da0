"""Optimizers that scale each element by what its gradients were: Adam, RMSProp, AdaGrad, AdaDelta, Ftrl."""
import math

from ..ops import _update_kernels as rules
from ._base import register, zeros_like
from ._in_place import InPlace

__all__ = ["AdaDelta", "AdaGrad", "Adam", "Ftrl", "RMSProp"]


class Clipped(InPlace):
    """What the rules of these optimizers all take."""

    def _common(self):
        # A bound of 0 means none where MXNet calls an operator, and 0 where it computes with arrays.
        return {"rescale_grad": self.rescale_grad, "clip_gradient": self.clip_gradient or None}

    def _common_exact(self):
        return {"rescale_grad": self.rescale_grad, "clip_gradient": self.clip_gradient}


@register
class Adam(Clipped):
    """Adam.

    ``g = clip(rescale_grad * grad + wd * weight)``; mean and variance follow g and g**2;
    ``weight -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * mean / (sqrt(var) + epsilon)``

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
        Decay of mean and variance.
    epsilon : float, default 1e-8
        Avoids division by 0.
    lazy_update : bool, default True
        Whether sparse gradients change only their rows; dense gradients don't ask.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Kingma, Ba: Adam, a method for stochastic optimization, 2014.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, lazy_update=True, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.lazy_update = lazy_update

    def create_state(self, index, weight):
        """Return mean and variance."""
        return zeros_like(weight), zeros_like(weight)

    def _rates(self, indices, weights, grads):
        lrs, wds = super()._rates(indices, weights, grads)
        counts, corrections = self._index_update_count, {}
        for i, index in enumerate(indices):
            t = counts[index]
            if t not in corrections:
                corrections[t] = math.sqrt(1. - self.beta2 ** t) / (1. - self.beta1 ** t)
            lrs[i] *= corrections[t]
        return lrs, wds

    def _key(self):
        return self.beta1, self.beta2, self.epsilon, self.rescale_grad, self.clip_gradient

    def _rule(self, lr, wd, index, state):
        return rules.adam, {"lr": lr, "wd": wd, "beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon, **self._common()}


@register
class AdaGrad(Clipped):
    """AdaGrad.

    ``g = clip(rescale_grad * grad); history += g**2; weight -= lr * (g / sqrt(history + eps) + wd * weight)``

    Parameters
    ----------
    eps : float, default 1e-7
        Avoids division by 0.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Duchi, Hazan, Singer: Adaptive subgradient methods for online learning and stochastic optimization, 2011.
    """

    def __init__(self, eps=1e-7, **kwargs):
        super().__init__(**kwargs)
        self.float_stable_eps = eps

    def create_state(self, index, weight):
        """Return the sum of squares."""
        return zeros_like(weight)

    def _key(self):
        return self.float_stable_eps, self.rescale_grad, self.clip_gradient

    def _rule(self, lr, wd, index, state):
        return rules.adagrad, {"lr": lr, "wd": wd, "epsilon": self.float_stable_eps, **self._common_exact()}


@register
class RMSProp(Clipped):
    """RMSProp, plain (Tieleman and Hinton) or centered (Graves).

    Parameters
    ----------
    learning_rate : float, default 0.001
    gamma1 : float, default 0.9
        Decay of the mean of squares.
    gamma2 : float, default 0.9
        Momentum of the centered version.
    epsilon : float, default 1e-8
        Avoids division by 0.
    centered : bool, default False
        Take the squared mean off the mean of squares.
    clip_weights : float, optional
        Bound of the weights.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Graves: Generating sequences with recurrent neural networks, 2013, equations 38 to 45.
    """

    def __init__(self, learning_rate=0.001, gamma1=0.9, gamma2=0.9, epsilon=1e-8, centered=False, clip_weights=None, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.gamma1 = gamma1
        self.gamma2 = gamma2
        self.centered = centered
        self.epsilon = epsilon
        self.clip_weights = clip_weights

    def create_state(self, index, weight):
        """Return the mean of squares; centered, also mean and momentum."""
        return tuple(zeros_like(weight) for _ in range(3 if self.centered else 1))

    def _key(self):
        return self.gamma1, self.gamma2, self.epsilon, self.centered, self.clip_weights, self.rescale_grad, self.clip_gradient

    def _rule(self, lr, wd, index, state):
        given = {"lr": lr, "wd": wd, "gamma1": self.gamma1, "epsilon": self.epsilon, "clip_weights": self.clip_weights or None,
                 **self._common()}
        return (rules.rmspropalex, {**given, "gamma2": self.gamma2}) if self.centered else (rules.rmsprop, given)


@register
class AdaDelta(Clipped):
    """AdaDelta: steps in the units of the weights, without a learning rate.

    Parameters
    ----------
    rho : float, default 0.9
        Decay of both means of squares.
    epsilon : float, default 1e-5
        Avoids division by 0.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Zeiler: ADADELTA, an adaptive learning rate method, 2012.
    """

    def __init__(self, rho=0.90, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def create_state(self, index, weight):
        """Return the means of squares of gradients and of steps."""
        return zeros_like(weight), zeros_like(weight)

    def _rates(self, indices, weights, grads):
        """Count the updates; there is no learning rate, so a scheduler is never asked."""
        self._update_count(indices)
        return [0.0] * len(indices), self._get_wds(indices)

    def _key(self):
        return self.rho, self.epsilon, self.rescale_grad, self.clip_gradient

    def _rule(self, lr, wd, index, state):
        return rules.adadelta, {"wd": wd, "rho": self.rho, "epsilon": self.epsilon, **self._common_exact()}


@register
class Ftrl(Clipped):
    """FTRL: follow the regularized leader, which gives exact zeros.

    Parameters
    ----------
    lamda1 : float, default 0.01
        L1 penalty.
    learning_rate : float, default 0.1
    beta : float, default 1
        How the learning rate falls.
    **kwargs
        See `Optimizer`.

    References
    ----------
    McMahan et al.: Ad click prediction, a view from the trenches, 2013.
    """

    def __init__(self, lamda1=0.01, learning_rate=0.1, beta=1, **kwargs):
        super().__init__(**kwargs)
        self.lamda1 = lamda1
        self.beta = beta
        # As in MXNet, a scheduler keeps its own base learning rate.
        self.lr = learning_rate

    def create_state(self, index, weight):
        """Return the sums z and n."""
        return zeros_like(weight), zeros_like(weight)

    def _key(self):
        return self.lamda1, self.beta, self.rescale_grad, self.clip_gradient

    def _rule(self, lr, wd, index, state):
        return rules.ftrl, {"lr": lr, "wd": wd, "lamda1": self.lamda1, "beta": self.beta, **self._common()}
