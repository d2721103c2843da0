"""Arithmetic of the less common optimizers; see `_update_kernels`, whose conventions hold here."""

from ._update_kernels import decayed_gradient, rule, step_gradient


@rule(scratch=1)
def signsgd(c, *, lr, wd, rescale_grad, clip_gradient):
    """weight = (1 - lr * wd) * weight - lr * sign(grad): neither scale nor bound of the gradient changes its sign."""
    xp = c.xp
    rate = c.number(lr)
    keep = c.number(c.real(1) - c.real(lr) * c.real(wd)) if wd else None

    def step(weight, grad, out, s):
        xp.sign(grad, s)
        xp.multiply(s, rate, s)
        if keep is not None:
            weight = xp.multiply(weight, keep, out)
        xp.subtract(weight, s, out)
    return step


@rule(scratch=1)
def signum(c, *, lr, wd, momentum, wd_lh, rescale_grad, clip_gradient):
    """mom = momentum * mom - (1 - momentum) * (wd * weight + g); weight = (1 - lr * wd_lh) * weight + lr * sign(mom)."""
    xp = c.xp
    real, one = c.real, c.real(1)
    inertia, rate = c.number(momentum), c.number(lr)
    decay = c.number((one - real(momentum)) * real(wd)) if wd else None
    keep = c.number(one - real(lr) * real(wd_lh)) if wd_lh else None
    gradient = step_gradient(c, one - real(momentum), rescale_grad, clip_gradient)

    def step(weight, grad, mom, out, s):
        xp.multiply(mom, inertia, mom)
        if decay is not None:
            xp.multiply(weight, decay, s)
            xp.subtract(mom, s, mom)
        gradient(grad, s)
        xp.subtract(mom, s, mom)
        xp.sign(mom, s)
        xp.multiply(s, rate, s)
        if keep is not None:
            weight = xp.multiply(weight, keep, out)
        xp.add(weight, s, out)
    return step


@rule(scratch=3)
def ftml(c, *, lr, wd, beta1, beta2, epsilon, t, rescale_grad, clip_grad):
    """d_t = (1 - beta1**t) / lr * (sqrt(v / (1 - beta2**t)) + epsilon); z follows g less the change of d; weight = -z / d_t."""
    xp = c.xp
    multiply, add, subtract, divide = xp.multiply, xp.add, xp.subtract, xp.true_divide
    one, keep1, keep2 = c.real(1), c.real(beta1), c.real(beta2)
    new1, new2 = c.number(one - keep1), c.number(one - keep2)
    scale, unbias = c.number((one - keep1 ** t) / c.real(lr)), c.number(one - keep2 ** t)
    keep1, keep2, tiny = c.number(keep1), c.number(keep2), c.number(epsilon)
    gradient = decayed_gradient(c, wd, rescale_grad, clip_grad)

    def step(weight, grad, d, v, z, out, s, x, y):
        gradient(weight, grad, s, x)
        multiply(s, new2, x)
        multiply(x, s, x)
        multiply(v, keep2, v)
        add(v, x, v)
        divide(v, unbias, x)
        xp.sqrt(x, x)
        add(x, tiny, x)
        multiply(x, scale, x)      # d_t
        multiply(d, keep1, y)
        subtract(x, y, y)
        multiply(y, weight, y)
        multiply(z, keep1, z)
        multiply(s, new1, s)
        add(z, s, z)
        subtract(z, y, z)
        d[...] = x
        divide(z, x, out)
        xp.negative(out, out)
    return step


@rule(scratch=2)
def adamax(c, *, lr, wd, beta1, beta2, rescale_grad, clip_gradient):
    """m follows g; u = max(beta2 * u, |g|); weight -= lr * m / u."""
    xp = c.xp
    keep1, new1, keep2, rate = c.number(beta1), c.number(1. - beta1), c.number(beta2), c.number(lr)
    gradient = decayed_gradient(c, wd, rescale_grad, clip_gradient)

    def step(weight, grad, m, u, out, s, t):
        gradient(weight, grad, s, t)
        xp.multiply(s, new1, t)
        xp.multiply(m, keep1, m)
        xp.add(m, t, m)
        xp.absolute(s, s)
        xp.multiply(u, keep2, u)
        xp.maximum(u, s, out=u)
        xp.multiply(m, rate, s)
        xp.true_divide(s, u, s)
        xp.subtract(weight, s, out)
    return step


@rule(scratch=2)
def nadam(c, *, lr, wd, beta1, beta2, epsilon, t, schedule, schedule_next, momentum_t, momentum_next, rescale_grad, clip_gradient):
    """Adam with the momentum of the next step: `schedule` is the product of momenta so far."""
    xp = c.xp
    multiply, add = xp.multiply, xp.add
    keep1, new1, keep2, new2 = c.number(beta1), c.number(1. - beta1), c.number(beta2), c.number(1. - beta2)
    now, ahead = c.number((1. - momentum_t) / (1. - schedule)), c.number(momentum_next / (1. - schedule_next))
    unbias, tiny, rate = c.number(1. - beta2 ** t), c.number(epsilon), c.number(lr)
    gradient = decayed_gradient(c, wd, rescale_grad, clip_gradient)

    def step(weight, grad, m, v, out, s, x):
        gradient(weight, grad, s, x)
        multiply(s, new1, x)
        multiply(m, keep1, m)
        add(m, x, m)
        multiply(s, new2, x)
        multiply(x, s, x)
        multiply(v, keep2, v)
        add(v, x, v)
        multiply(s, now, s)
        multiply(m, ahead, x)
        add(s, x, s)
        multiply(s, rate, s)
        xp.true_divide(v, unbias, x)
        xp.sqrt(x, x)
        add(x, tiny, x)
        xp.true_divide(s, x, s)
        xp.subtract(weight, s, out)
    return step


@rule(scratch=2)
def dcasgd(c, *, lr, wd, momentum, lamda, rescale_grad, clip_gradient):
    """mom = momentum * mom - lr * (g + wd * weight + lamda * g**2 * (weight - previous)); previous = weight; weight += mom."""
    xp = c.xp
    multiply, add = xp.multiply, xp.add
    inertia, rate, delay, decay = c.number(momentum), c.number(-lr), c.number(lamda), c.number(wd)
    gradient = decayed_gradient(c, 0, rescale_grad, clip_gradient)

    def step(weight, grad, mom, previous, out, s, t):
        gradient(weight, grad, s, t)
        xp.subtract(weight, previous, t)
        multiply(t, s, t)
        multiply(t, s, t)
        multiply(t, delay, t)
        add(s, t, s)
        multiply(weight, decay, t)
        add(s, t, s)
        multiply(s, rate, s)
        multiply(mom, inertia, mom)
        add(mom, s, mom)
        previous[...] = weight
        add(weight, mom, out)
    return step


@rule(scratch=2, elementwise=False)
def group_adagrad(c, *, lr, epsilon, rescale_grad, clip_gradient):
    """history += mean of g**2 over each row; weight -= lr * g / sqrt(history + epsilon)."""
    xp = c.xp
    rate, tiny = c.number(lr), c.number(epsilon)
    gradient = decayed_gradient(c, 0, rescale_grad, clip_gradient)

    def step(weight, grad, history, out, s, t):
        gradient(weight, grad, s, t)
        xp.multiply(s, s, t)
        xp.add(history, t.reshape(t.shape[0], -1).mean(1).reshape(history.shape), history)
        xp.multiply(s, rate, s)
        xp.true_divide(s, xp.sqrt(xp.add(history, tiny)), s)
        xp.subtract(weight, s, out)
    return step


def lamb_direction(c, *, wd, beta1, beta2, epsilon, t, bias_correction, rescale_grad, clip_gradient):
    """Return ``f(weight, grad, mean, var, s, x)``: s = mean / (sqrt(var) + epsilon) + wd * weight, both without bias if asked for."""
    xp = c.xp
    multiply, add = xp.multiply, xp.add
    keep1, new1, keep2, new2 = c.number(beta1), c.number(1. - beta1), c.number(beta2), c.number(1. - beta2)
    unbias1 = c.number(1. - beta1 ** t) if bias_correction else None
    unbias2 = c.number(1. - beta2 ** t) if bias_correction else None
    tiny, decay = c.number(epsilon), c.number(wd)
    gradient = decayed_gradient(c, 0, rescale_grad, clip_gradient)

    def direction(weight, grad, mean, var, s, x):
        gradient(weight, grad, s, x)
        multiply(s, new1, x)
        multiply(mean, keep1, mean)
        add(mean, x, mean)
        multiply(s, s, s)
        multiply(s, new2, s)
        multiply(var, keep2, var)
        add(var, s, var)
        if unbias1 is None:
            xp.sqrt(var, x)
            add(x, tiny, x)
            xp.true_divide(mean, x, s)
        else:
            xp.true_divide(var, unbias2, x)
            xp.sqrt(x, x)
            add(x, tiny, x)
            xp.true_divide(mean, unbias1, s)
            xp.true_divide(s, x, s)
        multiply(weight, decay, x)
        add(s, x, s)
    return direction


def trust_ratio(xp, weight_norm, step_norm, lower_bound, upper_bound):
    """Return the bounded norm of the weight over that of the step, 1 where either is 0 (arrays of one element)."""
    if lower_bound is not None and lower_bound >= 0:
        weight_norm = xp.maximum(weight_norm, weight_norm.dtype.type(lower_bound))
    if upper_bound is not None and upper_bound >= 0:
        weight_norm = xp.minimum(weight_norm, weight_norm.dtype.type(upper_bound))
    one = weight_norm.dtype.type(1)
    usable = (weight_norm != 0) & (step_norm != 0)
    return xp.where(usable, weight_norm, one) / xp.where(usable, step_norm, one)


@rule(scratch=2, elementwise=False)
def lamb(c, *, lr, lower_bound, upper_bound, **given):
    """weight -= lr * |weight| / |s| * s, where s is the direction of Adam with weight decay."""
    xp = c.xp
    rate, direction = c.number(lr), lamb_direction(c, **given)

    def norm(x, s):
        xp.multiply(x, x, s)
        return xp.sqrt(s.sum())

    def step(weight, grad, mean, var, out, s, x):
        direction(weight, grad, mean, var, s, x)
        ratio = trust_ratio(xp, norm(weight, x), norm(s, x), lower_bound, upper_bound)
        xp.multiply(s, ratio * rate, s)
        xp.subtract(weight, s, out)
    return step
