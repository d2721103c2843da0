"""The less common optimizers of MXNet 1.9.1."""
import math

from ..ndarray import NDArray
from ..ops import _update_kernels_more as rules
from ._adaptive import Clipped
from ._base import Optimizer, register, zeros_like

__all__ = ["DCASGD", "FTML", "SGLD", "Adamax", "Nadam", "Signum", "Test"]


@register
class Signum(Clipped):
    """Steps of one size, along the sign of the gradient or of its momentum.

    Parameters
    ----------
    learning_rate : float, default 0.01
    momentum : float, default 0.9
        0 takes the sign of the gradient itself.
    wd_lh : float, default 0.0
        Weight decay apart from the gradient.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Bernstein et al.: signSGD, compressed optimisation for non-convex problems, 2018.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, wd_lh=0.0, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum
        self.wd_lh = wd_lh

    def create_state(self, index, weight):
        """Return the momentum, or None without one."""
        return zeros_like(weight) if self.momentum != 0.0 else None

    def _key(self):
        return self.momentum, self.wd_lh, self.rescale_grad, self.clip_gradient

    def _rule(self, lr, wd, index, state):
        given = {"lr": lr, "wd": wd, **self._common()}
        return (rules.signsgd, given) if state is None else (rules.signum, {**given, "momentum": self.momentum, "wd_lh": self.wd_lh})


@register
class FTML(Clipped):
    """FTML: follow the moving leader.

    Parameters
    ----------
    beta1, beta2 : float, default 0.6 and 0.999
        Decay of leader and variance.
    epsilon : float, default 1e-8
        Avoids division by 0.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Zheng, Kwok: Follow the moving leader in deep learning, 2017.
    """

    def __init__(self, beta1=0.6, beta2=0.999, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_state(self, index, weight):
        """Return d, v and z."""
        return zeros_like(weight), zeros_like(weight), zeros_like(weight)

    def _rule(self, lr, wd, index, state):
        return rules.ftml, {"lr": lr, "wd": wd, "beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon,
                            "t": self._index_update_count[index], "rescale_grad": self.rescale_grad,
                            "clip_grad": self.clip_gradient or None}


@register
class DCASGD(Clipped):
    """Gradient descent with compensation for delayed gradients.

    Parameters
    ----------
    momentum : float, default 0.0
        Momentum (MXNet fails with one).
    lamda : float, default 0.04
        Strength of the compensation.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Zheng et al.: Asynchronous stochastic gradient descent with delay compensation, 2016.
    """

    def __init__(self, momentum=0.0, lamda=0.04, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.weight_previous = {}
        self.lamda = lamda

    def create_state(self, index, weight):
        """Return momentum (None without one) and the weight before the last update."""
        return zeros_like(weight) if self.momentum != 0.0 else None, weight.copy()

    def _key(self):
        return self.momentum, self.lamda, self.rescale_grad, self.clip_gradient

    def _states(self, state):
        return state if state[0] is not None else (zeros_like(state[1]), state[1])

    def _rule(self, lr, wd, index, state):
        return rules.dcasgd, {"lr": lr, "wd": wd, "momentum": self.momentum, "lamda": self.lamda, **self._common_exact()}


@register
class SGLD(Optimizer):
    """Langevin dynamics: half a gradient step plus normal noise of variance `learning_rate`.

    Parameters
    ----------
    **kwargs
        See `Optimizer`.

    References
    ----------
    Patterson, Teh: Stochastic gradient Riemannian Langevin dynamics on the probability simplex, 2013.
    """

    def update(self, index, weight, grad, state):
        """Update a weight in place."""
        self._update_count(index)
        lr, wd = self._get_lr(index), self._get_wd(index)
        xp, raw = weight._ctx._backend.xp, weight._writable()
        scaled = grad._raw * raw.dtype.type(self.rescale_grad)
        if self.clip_gradient is not None:
            scaled = xp.clip(scaled, -self.clip_gradient, self.clip_gradient)
        raw -= lr / 2 * (scaled + wd * raw)
        raw += weight._ctx._random_state().normal(0, math.sqrt(lr), raw.shape, raw.dtype)


@register
class Adamax(Clipped):
    """Adam with the largest gradient in place of the variance.

    Parameters
    ----------
    learning_rate : float, default 0.002
    beta1, beta2 : float, default 0.9 and 0.999
        Decay of mean and largest value.
    **kwargs
        See `Optimizer`.

    References
    ----------
    Kingma, Ba: Adam, a method for stochastic optimization, 2014, section 7.
    """

    def __init__(self, learning_rate=0.002, beta1=0.9, beta2=0.999, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2

    def create_state(self, index, weight):
        """Return mean and largest value."""
        return zeros_like(weight), zeros_like(weight)

    def _rule(self, lr, wd, index, state):
        lr /= 1. - self.beta1 ** self._index_update_count[index]
        return rules.adamax, {"lr": lr, "wd": wd, "beta1": self.beta1, "beta2": self.beta2, **self._common_exact()}


@register
class Nadam(Clipped):
    """Adam with Nesterov's momentum.

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
        Decay of mean and variance.
    epsilon : float, default 1e-8
        Avoids division by 0.
    schedule_decay : float, default 0.004
        How the momentum rises.
    **kwargs
        See `Optimizer`.

    Notes
    -----
    As in MXNet, the product of momenta so far is one number for all weights, and grows with each weight that is updated.

    References
    ----------
    Dozat: Incorporating Nesterov momentum into Adam, 2015.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, schedule_decay=0.004, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.schedule_decay = schedule_decay
        self.m_schedule = 1.

    def create_state(self, index, weight):
        """Return mean and variance."""
        return zeros_like(weight), zeros_like(weight)

    def _rule(self, lr, wd, index, state):
        t = self._index_update_count[index]
        now = self.beta1 * (1. - 0.5 * 0.96 ** (t * self.schedule_decay))
        ahead = self.beta1 * (1. - 0.5 * 0.96 ** ((t + 1) * self.schedule_decay))
        self.m_schedule *= now
        return rules.nadam, {"lr": lr, "wd": wd, "beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon, "t": t,
                             "schedule": self.m_schedule, "schedule_next": self.m_schedule * ahead, "momentum_t": now,
                             "momentum_next": ahead, **self._common_exact()}


@register
class Test(Optimizer):
    """Add the gradient to the weight: for tests of what is around optimizers."""

    __test__ = False  # it is no class of tests

    def create_state(self, index, weight):
        """Return an array that will hold the weight."""
        return zeros_like(weight)

    def update(self, index, weight, grad, state):
        """Add the scaled gradient; copy the weight into the state."""
        weight[:] += grad * self.rescale_grad
        state[:] = weight


class GroupAdaGrad(Clipped):
    """AdaGrad with one learning rate for each row of a matrix; there is no weight decay.

    Parameters
    ----------
    eps : float, default 1e-5
        Avoids division by 0.
    **kwargs
        See `Optimizer`.
    """

    def __init__(self, eps=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.float_stable_eps = eps

    def create_state(self, index, weight):
        """Return the sums of squares, one a row."""
        if len(weight.shape) != 2:
            raise AssertionError(f"GroupAdaGrad updates matrices, but weight {index} has shape {weight.shape}")
        xp, ctx = weight._ctx._backend.xp, weight._ctx
        return NDArray(xp.zeros((weight.shape[0], 1), weight._raw.dtype), ctx)

    def _rule(self, lr, wd, index, state):
        if wd != 0:
            raise AssertionError("Weight decay is not supported for GroupAdaGrad")
        return rules.group_adagrad, {"lr": lr, "epsilon": self.float_stable_eps, **self._common_exact()}
