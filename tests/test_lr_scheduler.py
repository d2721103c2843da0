"""Learning-rate schedules: MXNet's numbers and messages."""
import pytest

from blockscope import lr_scheduler as lr

# Golden values: MXNet 1.9.1, [float(s(i)) for i in range(8)].
SCHEDULES = {
    "factor": (lambda: lr.FactorScheduler(3, 0.5, base_lr=0.8), [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]),
    "factor stops": (lambda: lr.FactorScheduler(1, 0.1, stop_factor_lr=0.05, base_lr=1.0), [1.0, 1.0, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05]),
    "multifactor": (lambda: lr.MultiFactorScheduler([2, 5], 0.5, base_lr=0.8), [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2]),
    "warmup": (lambda: lr.MultiFactorScheduler([6], 0.5, base_lr=1.0, warmup_steps=4, warmup_begin_lr=0.2),
               [0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 0.5]),
    "constant warmup": (lambda: lr.FactorScheduler(100, 0.5, 1e-8, 1.0, 3, 0.25, "constant"), [0.25] * 3 + [1.0] * 5),
    "poly": (lambda: lr.PolyScheduler(4, base_lr=1.0, pwr=2, final_lr=0.2), [1.0, 0.65, 0.4, 0.25, 0.2, 0.2, 0.2, 0.2]),
    "cosine": (lambda: lr.CosineScheduler(4, base_lr=1.0, final_lr=0.0),
               [1.0, 0.8535533905932737, 0.5, 0.14644660940672627, 0.0, 0.0, 0.0, 0.0]),
    "cosine warmup": (lambda: lr.CosineScheduler(6, base_lr=1.0, warmup_steps=2, warmup_begin_lr=0.5),
                      [0.5, 0.75, 1.0, 0.8535533905932737, 0.5, 0.14644660940672627, 0.0, 0.0]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates(name):
    make, wanted = SCHEDULES[name]
    schedule = make()
    assert [schedule(i) for i in range(8)] == pytest.approx(wanted, abs=1e-12)


def test_factor_schedules_never_go_back():
    schedule = lr.FactorScheduler(3, 0.5, base_lr=0.8)
    assert [schedule(i) for i in (10, 1, 0)] == pytest.approx([0.1, 0.1, 0.1])


def test_a_schedule_that_ends_with_its_warmup_goes_to_the_final_rate():
    # MXNet divides by zero.
    schedule = lr.PolyScheduler(4, base_lr=1.0, final_lr=0.5, warmup_steps=4)
    assert [schedule(i) for i in range(6)] == [0.0, 0.25, 0.5, 0.75, 0.5, 0.5]


@pytest.mark.parametrize("make, error, text", [
    (lambda: lr.LRScheduler(base_lr=.1, warmup_begin_lr=.2), ValueError, "Base lr has to be higher than warmup_begin_lr"),
    (lambda: lr.LRScheduler(warmup_steps=-1), ValueError, "Warmup steps has to be positive or 0"),
    (lambda: lr.LRScheduler(warmup_mode="x"), ValueError, "Supports only linear and constant modes of warmup"),
    (lambda: lr.LRScheduler(warmup_steps=1.), AssertionError, "warmup_steps must be an int"),
    (lambda: lr.LRScheduler()(1), NotImplementedError, "must override this"),
    (lambda: lr.LRScheduler(warmup_steps=3).get_warmup_lr(3), AssertionError, "not in the warm-up"),
    (lambda: lr.FactorScheduler(0), ValueError, "Schedule step must be greater or equal than 1 round"),
    (lambda: lr.FactorScheduler(1, 2), ValueError, "Factor must be no more than 1 to make lr reduce"),
    (lambda: lr.MultiFactorScheduler((1, 2)), AssertionError, "step must be a list"),
    (lambda: lr.MultiFactorScheduler([]), AssertionError, "step must be a list"),
    (lambda: lr.MultiFactorScheduler([2, 1]), ValueError, "Schedule step must be an increasing integer list"),
    (lambda: lr.MultiFactorScheduler([0, 1]), ValueError, "Schedule step must be greater or equal than 1 round"),
    (lambda: lr.MultiFactorScheduler([1], 2), ValueError, "Factor must be no more than 1 to make lr reduce"),
    (lambda: lr.PolyScheduler(1.), AssertionError, "max_update must be an int"),
    (lambda: lr.CosineScheduler(0), ValueError, "maximum number of updates must be strictly positive"),
])
def test_wrong_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make()
