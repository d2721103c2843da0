"""MXNet's update operators: ``nd.sgd_update(weight, grad, lr=0.1, out=weight)`` and the like.

States (momentum, means) are overwritten; the new weight is returned, or written to `out`.  The arithmetic is in `_update_kernels`,
which the optimizers call directly.
"""

from . import _update_kernels as rules
from . import _update_kernels_more as more_rules
from .inference import first, fixed_types, type_of_first, types_at
from .registry import operator


def _apply(env, rule, weight, grad, states, out=None, **coefficients):
    """Run an update rule and return the new weight, in `out` (which may be the weight itself) where it is given."""
    for x in (grad, *states):
        if x.shape != weight.shape:
            raise ValueError(f"gradient and states must have the weight's shape {weight.shape}, but one has {x.shape}")
        if x.dtype != weight.dtype:
            raise ValueError(f"gradient and states must have the weight's type {weight.dtype}, but one has {x.dtype}")
    step = rule(rules.coefficients(env.xp, weight.dtype), **coefficients)
    out = env.xp.empty_like(weight) if out is None else out
    step(weight, grad, *states, out, *[env.xp.empty_like(weight) for _ in range(rule.scratch)])
    return out


def _apply_mixed(env, rule, weight, grad, states, weight32, **coefficients):
    """Run an update rule on the float32 copy of a weight and return the new weight in its own type."""
    _apply(env, rule, weight32, grad.astype(weight32.dtype), states, out=weight32, **coefficients)
    return weight32.astype(weight.dtype)


@operator("sgd_update", "_sparse_sgd_update", creates_variables=False, shape_rule=first)
def sgd_update(env, weight, grad, *, lr: float, wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0,
               lazy_update: bool = True):
    """Update a weight by stochastic gradient descent (`lazy_update` matters to sparse gradients only)."""
    return _apply(env, rules.sgd, weight, grad, (), lr=lr, wd=wd, rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("sgd_mom_update", "_sparse_sgd_mom_update", mutates=("mom",), creates_variables=False, shape_rule=first)
def sgd_mom_update(env, weight, grad, mom, *, lr: float, momentum: float = 0.0, wd: float = 0.0, rescale_grad: float = 1.0,
                   clip_gradient: float = -1.0, lazy_update: bool = True):
    """Update a weight by gradient descent with momentum (`lazy_update` matters to sparse gradients only)."""
    return _apply(env, rules.sgd_mom, weight, grad, (mom,), lr=lr, wd=wd, momentum=momentum, rescale_grad=rescale_grad,
                  clip_gradient=clip_gradient)


@operator("mp_sgd_update", mutates=("weight32",), creates_variables=False, shape_rule=first, type_rule=types_at(0, 1))
def mp_sgd_update(env, weight, grad, weight32, *, lr: float, wd: float = 0.0, rescale_grad: float = 1.0,
                  clip_gradient: float = -1.0, lazy_update: bool = True):
    """Update a float16 weight by gradient descent in float32 (`lazy_update` matters to sparse gradients only)."""
    return _apply_mixed(env, rules.sgd, weight, grad, (), weight32, lr=lr, wd=wd, rescale_grad=rescale_grad,
                        clip_gradient=clip_gradient)


@operator("mp_sgd_mom_update", mutates=("mom", "weight32"), creates_variables=False, shape_rule=first, type_rule=types_at(0, 1))
def mp_sgd_mom_update(env, weight, grad, mom, weight32, *, lr: float, momentum: float = 0.0, wd: float = 0.0,
                      rescale_grad: float = 1.0, clip_gradient: float = -1.0, lazy_update: bool = True):
    """Update a float16 weight with momentum in float32 (`lazy_update` matters to sparse gradients only)."""
    return _apply_mixed(env, rules.sgd_mom, weight, grad, (mom,), weight32, lr=lr, wd=wd, momentum=momentum,
                        rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("nag_mom_update", mutates=("mom",), creates_variables=False, shape_rule=first)
def nag_mom_update(env, weight, grad, mom, *, lr: float, momentum: float = 0.0, wd: float = 0.0, rescale_grad: float = 1.0,
                   clip_gradient: float = -1.0, out=None):
    """Update a weight by Nesterov's accelerated gradient; in place (`out` is the weight), MXNet's rule gives another momentum."""
    return _apply(env, rules.nag_mom, weight, grad, (mom,), out=out, lr=lr, wd=wd, momentum=momentum, rescale_grad=rescale_grad,
                  clip_gradient=clip_gradient)


@operator("mp_nag_mom_update", mutates=("mom", "weight32"), creates_variables=False, shape_rule=first, type_rule=types_at(0, 1))
def mp_nag_mom_update(env, weight, grad, mom, weight32, *, lr: float, momentum: float = 0.0, wd: float = 0.0,
                      rescale_grad: float = 1.0, clip_gradient: float = -1.0):
    """Update a float16 weight by Nesterov's accelerated gradient in float32."""
    return _apply_mixed(env, rules.nag_mom, weight, grad, (mom,), weight32, lr=lr, wd=wd, momentum=momentum,
                        rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("adam_update", "_sparse_adam_update", mutates=("mean", "var"), creates_variables=False, shape_rule=first)
def adam_update(env, weight, grad, mean, var, *, lr: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
                wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0, lazy_update: bool = True):
    """Update a weight by Adam, without the correction of bias, which goes into `lr` (`lazy_update`: sparse gradients only)."""
    return _apply(env, rules.adam, weight, grad, (mean, var), lr=lr, wd=wd, beta1=beta1, beta2=beta2, epsilon=epsilon,
                  rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("rmsprop_update", mutates=("n",), creates_variables=False, shape_rule=first)
def rmsprop_update(env, weight, grad, n, *, lr: float, gamma1: float = 0.95, epsilon: float = 1e-8, wd: float = 0.0,
                   rescale_grad: float = 1.0, clip_gradient: float = -1.0, clip_weights: float = -1.0):
    """Update a weight by RMSProp (Tieleman and Hinton)."""
    return _apply(env, rules.rmsprop, weight, grad, (n,), lr=lr, wd=wd, gamma1=gamma1, epsilon=epsilon,
                  rescale_grad=rescale_grad, clip_gradient=clip_gradient, clip_weights=clip_weights)


@operator("rmspropalex_update", mutates=("n", "g", "delta"), creates_variables=False, shape_rule=first)
def rmspropalex_update(env, weight, grad, n, g, delta, *, lr: float, gamma1: float = 0.95, gamma2: float = 0.9,
                       epsilon: float = 1e-8, wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0,
                       clip_weights: float = -1.0):
    """Update a weight by centered RMSProp (Graves)."""
    return _apply(env, rules.rmspropalex, weight, grad, (n, g, delta), lr=lr, wd=wd, gamma1=gamma1, gamma2=gamma2,
                  epsilon=epsilon, rescale_grad=rescale_grad, clip_gradient=clip_gradient, clip_weights=clip_weights)


@operator("ftrl_update", "_sparse_ftrl_update", mutates=("z", "n"), creates_variables=False, shape_rule=first)
def ftrl_update(env, weight, grad, z, n, *, lr: float, lamda1: float = 0.01, beta: float = 1.0, wd: float = 0.0,
                rescale_grad: float = 1.0, clip_gradient: float = -1.0):
    """Update a weight by FTRL (follow the regularized leader)."""
    return _apply(env, rules.ftrl, weight, grad, (z, n), lr=lr, wd=wd, lamda1=lamda1, beta=beta, rescale_grad=rescale_grad,
                  clip_gradient=clip_gradient)


@operator("_sparse_adagrad_update", mutates=("history",), creates_variables=False, shape_rule=first)
def adagrad_update(env, weight, grad, history, *, lr: float, epsilon: float = 1e-7, wd: float = 0.0, rescale_grad: float = 1.0,
                   clip_gradient: float = -1.0):
    """Update a weight by AdaGrad."""
    return _apply(env, rules.adagrad, weight, grad, (history,), lr=lr, wd=wd, epsilon=epsilon, rescale_grad=rescale_grad,
                  clip_gradient=clip_gradient)


@operator("signsgd_update", creates_variables=False, shape_rule=first)
def signsgd_update(env, weight, grad, *, lr: float, wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0):
    """Update a weight by the sign of its gradient."""
    return _apply(env, more_rules.signsgd, weight, grad, (), lr=lr, wd=wd, rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("signum_update", mutates=("mom",), creates_variables=False, shape_rule=first)
def signum_update(env, weight, grad, mom, *, lr: float, momentum: float = 0.0, wd: float = 0.0, rescale_grad: float = 1.0,
                  clip_gradient: float = -1.0, wd_lh: float = 0.0):
    """Update a weight by the sign of its momentum."""
    return _apply(env, more_rules.signum, weight, grad, (mom,), lr=lr, wd=wd, momentum=momentum, wd_lh=wd_lh,
                  rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("ftml_update", mutates=("d", "v", "z"), creates_variables=False, shape_rule=first)
def ftml_update(env, weight, grad, d, v, z, *, lr: float, beta1: float = 0.6, beta2: float = 0.999, epsilon: float = 1e-8,
                t: int, wd: float = 0.0, rescale_grad: float = 1.0, clip_grad: float = -1.0):
    """Update a weight by FTML (follow the moving leader); `t` counts updates from 1."""
    return _apply(env, more_rules.ftml, weight, grad, (d, v, z), lr=lr, wd=wd, beta1=beta1, beta2=beta2, epsilon=epsilon, t=t,
                  rescale_grad=rescale_grad, clip_grad=clip_grad)


def _lamb_direction(env, weight, grad, mean, var, **given):
    direction = more_rules.lamb_direction(rules.coefficients(env.xp, weight.dtype), **given)
    out = env.xp.empty_like(weight)
    direction(weight, grad, mean, var, out, env.xp.empty_like(weight))
    return out


@operator("lamb_update_phase1", mutates=("mean", "var"), creates_variables=False, shape_rule=first)
def lamb_update_phase1(env, weight, grad, mean, var, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-6, t: int,
                       bias_correction: bool = True, wd: float, rescale_grad: float = 1.0, clip_gradient: float = -1.0):
    """Return the direction of LAMB's step; `t` counts updates from 1."""
    return _lamb_direction(env, weight, grad, mean, var, wd=wd, beta1=beta1, beta2=beta2, epsilon=epsilon, t=t,
                           bias_correction=bias_correction, rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("lamb_update_phase2", creates_variables=False, shape_rule=first)
def lamb_update_phase2(env, weight, g, r1, r2, *, lr: float, lower_bound: float = -1.0, upper_bound: float = -1.0):
    """Update a weight along LAMB's direction `g`; r1 and r2 are the norms of weight and direction."""
    return weight - lr * more_rules.trust_ratio(env.xp, r1, r2, lower_bound, upper_bound) * g


@operator("mp_lamb_update_phase1", mutates=("mean", "var"), creates_variables=False, shape_rule=first, type_rule=fixed_types("float32"))
def mp_lamb_update_phase1(env, weight, grad, mean, var, weight32, *, beta1: float = 0.9, beta2: float = 0.999,
                          epsilon: float = 1e-6, t: int, bias_correction: bool = True, wd: float, rescale_grad: float = 1.0,
                          clip_gradient: float = -1.0):
    """Return the direction of LAMB's step for a float16 weight, in float32."""
    return _lamb_direction(env, weight32, grad.astype(weight32.dtype), mean, var, wd=wd, beta1=beta1, beta2=beta2, epsilon=epsilon,
                           t=t, bias_correction=bias_correction, rescale_grad=rescale_grad, clip_gradient=clip_gradient)


@operator("mp_lamb_update_phase2", mutates=("weight32",), creates_variables=False, shape_rule=first, type_rule=type_of_first)
def mp_lamb_update_phase2(env, weight, g, r1, r2, weight32, *, lr: float, lower_bound: float = -1.0, upper_bound: float = -1.0):
    """Update the float32 copy of a float16 weight along LAMB's direction; return it in float16."""
    weight32 -= lr * more_rules.trust_ratio(env.xp, r1, r2, lower_bound, upper_bound) * g
    return weight32.astype(weight.dtype)
