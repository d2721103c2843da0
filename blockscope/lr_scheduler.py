"""Learning rates that change with the number of updates (``mx.lr_scheduler``).

A scheduler is a callable: number of updates in, learning rate out.  As in MXNet, `FactorScheduler` and `MultiFactorScheduler`
lower their `base_lr` as they go, and never raise it again when asked about an earlier update.
"""
import logging
import math

__all__ = ["CosineScheduler", "FactorScheduler", "LRScheduler", "MultiFactorScheduler", "PolyScheduler"]


class LRScheduler:
    """Base class: keeps the warm-up, which all schedulers have.

    Parameters
    ----------
    base_lr : float, default 0.01
        Learning rate after the warm-up.
    warmup_steps : int, default 0
        Number of updates before the schedule proper starts.
    warmup_begin_lr : float, default 0
        Learning rate of the first update of the warm-up.
    warmup_mode : {'linear', 'constant'}
        Rise in equal steps to `base_lr`, or stay at `warmup_begin_lr`.

    Raises
    ------
    ValueError
        If the warm-up starts above `base_lr`, is negative, or of another mode.
    """

    def __init__(self, base_lr=0.01, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        if not isinstance(warmup_steps, int):
            raise AssertionError(f"warmup_steps must be an int, but got {warmup_steps!r}")
        if warmup_begin_lr > base_lr:
            raise ValueError("Base lr has to be higher than warmup_begin_lr")
        if warmup_steps < 0:
            raise ValueError("Warmup steps has to be positive or 0")
        if warmup_mode not in ("linear", "constant"):
            raise ValueError("Supports only linear and constant modes of warmup")
        self.base_lr = base_lr
        self.warmup_steps = warmup_steps
        self.warmup_final_lr = base_lr
        self.warmup_begin_lr = warmup_begin_lr
        self.warmup_mode = warmup_mode

    def get_warmup_lr(self, num_update):
        """Return the learning rate of an update during the warm-up."""
        if num_update >= self.warmup_steps:
            raise AssertionError(f"update {num_update} is not in the warm-up, which has {self.warmup_steps} steps")
        if self.warmup_mode == "linear":
            increase = (self.warmup_final_lr - self.warmup_begin_lr) * float(num_update) / float(self.warmup_steps)
            return self.warmup_begin_lr + increase
        if self.warmup_mode == "constant":
            return self.warmup_begin_lr
        raise ValueError(f"Invalid warmup mode {self.warmup_mode}")

    def __call__(self, num_update):
        """Return the learning rate.

        Parameters
        ----------
        num_update : int
            How often the weight that was updated most often has been updated.
        """
        raise NotImplementedError("must override this")


class FactorScheduler(LRScheduler):
    """Multiply the learning rate by a factor every `step` updates.

    Parameters
    ----------
    step : int
        Number of updates between changes.
    factor : float, default 1
        At most 1.
    stop_factor_lr : float, default 1e-8
        The learning rate never gets below this.
    base_lr, warmup_steps, warmup_begin_lr, warmup_mode
        See `LRScheduler`.

    Examples
    --------
    >>> import blockscope as mx
    >>> schedule = mx.lr_scheduler.FactorScheduler(step=2, factor=0.5, base_lr=1.0)
    >>> [schedule(i) for i in range(6)]
    [1.0, 1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, step, factor=1, stop_factor_lr=1e-8, base_lr=0.01, warmup_steps=0, warmup_begin_lr=0,
                 warmup_mode="linear"):
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if step < 1:
            raise ValueError("Schedule step must be greater or equal than 1 round")
        _check_factor(factor)
        self.step = step
        self.factor = factor
        self.stop_factor_lr = stop_factor_lr
        self.count = 0

    def __call__(self, num_update):
        """Return the learning rate of an update."""
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        while num_update > self.count + self.step:
            self.count += self.step
            self.base_lr *= self.factor
            if self.base_lr < self.stop_factor_lr:
                self.base_lr = self.stop_factor_lr
                logging.info("Update[%d]: now learning rate arrived at %0.5e, will not change in the future", num_update,
                             self.base_lr)
            else:
                logging.info("Update[%d]: Change learning rate to %0.5e", num_update, self.base_lr)
        return self.base_lr


class MultiFactorScheduler(LRScheduler):
    """Multiply the learning rate by a factor after each of a list of updates.

    Parameters
    ----------
    step : list of int
        Increasing numbers of updates.
    factor : float, default 1
        At most 1.
    base_lr, warmup_steps, warmup_begin_lr, warmup_mode
        See `LRScheduler`.

    Examples
    --------
    >>> import blockscope as mx
    >>> schedule = mx.lr_scheduler.MultiFactorScheduler(step=[1, 3], factor=0.5, base_lr=1.0)
    >>> [schedule(i) for i in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, step, factor=1, base_lr=0.01, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if not isinstance(step, list) or not step:
            raise AssertionError(f"step must be a list of at least one int, but got {step!r}")
        for i, value in enumerate(step):
            if i and value <= step[i - 1]:
                raise ValueError("Schedule step must be an increasing integer list")
            if value < 1:
                raise ValueError("Schedule step must be greater or equal than 1 round")
        _check_factor(factor)
        self.step = step
        self.cur_step_ind = 0
        self.factor = factor
        self.count = 0

    def __call__(self, num_update):
        """Return the learning rate of an update."""
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        while self.cur_step_ind < len(self.step) and num_update > self.step[self.cur_step_ind]:
            self.count = self.step[self.cur_step_ind]
            self.cur_step_ind += 1
            self.base_lr *= self.factor
            logging.info("Update[%d]: Change learning rate to %0.5e", num_update, self.base_lr)
        return self.base_lr


def _check_factor(factor):
    if factor > 1.0:
        raise ValueError("Factor must be no more than 1 to make lr reduce")


class _ToTheEnd(LRScheduler):
    """A schedule with an end: from `base_lr` to `final_lr` at update `max_update`, and constant from there."""

    def __init__(self, max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode):
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if not isinstance(max_update, int):
            raise AssertionError(f"max_update must be an int, but got {max_update!r}")
        if max_update < 1:
            raise ValueError("maximum number of updates must be strictly positive")
        self.base_lr_orig = base_lr
        self.max_update = max_update
        self.final_lr = final_lr
        self.max_steps = max_update - warmup_steps

    def _fraction_left(self, done):
        raise NotImplementedError("must override this")

    def __call__(self, num_update):
        """Return the learning rate of an update."""
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        if num_update <= self.max_update:
            # Where the warm-up ends with the schedule there is nothing in between (MXNet divides by zero).
            done = (num_update - self.warmup_steps) / self.max_steps if self.max_steps > 0 else 1.0
            self.base_lr = self.final_lr + (self.base_lr_orig - self.final_lr) * self._fraction_left(done)
        return self.base_lr


class PolyScheduler(_ToTheEnd):
    """Lower the learning rate by a power of the part that is left: ``(1 - n / max_update) ** pwr``.

    Parameters
    ----------
    max_update : int
        Number of updates at which `final_lr` is reached.
    base_lr : float, default 0.01
        Learning rate at the start.
    pwr : float, default 2
        The power.
    final_lr : float, default 0
        Learning rate from `max_update` on.
    warmup_steps, warmup_begin_lr, warmup_mode
        See `LRScheduler`.
    """

    def __init__(self, max_update, base_lr=0.01, pwr=2, final_lr=0, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        super().__init__(max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        self.power = pwr

    def _fraction_left(self, done):
        return pow(1 - done, self.power)


class CosineScheduler(_ToTheEnd):
    """Lower the learning rate along half a period of the cosine.

    Parameters
    ----------
    max_update : int
        Number of updates at which `final_lr` is reached.
    base_lr : float, default 0.01
        Learning rate at the start.
    final_lr : float, default 0
        Learning rate from `max_update` on.
    warmup_steps, warmup_begin_lr, warmup_mode
        See `LRScheduler`.

    Examples
    --------
    >>> import blockscope as mx
    >>> schedule = mx.lr_scheduler.CosineScheduler(max_update=4, base_lr=1.0)
    >>> [round(schedule(i), 2) for i in range(6)]
    [1.0, 0.85, 0.5, 0.15, 0.0, 0.0]
    """

    def __init__(self, max_update, base_lr=0.01, final_lr=0, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        super().__init__(max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode)

    def _fraction_left(self, done):
        return (1 + math.cos(math.pi * done)) / 2
