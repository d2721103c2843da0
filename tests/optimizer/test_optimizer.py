"""`Optimizer` and `Updater`: registry, multipliers, counts, precision, optimizers of a program's own."""
import copy
import pickle
import warnings

import numpy as np
import pytest

import blockscope as mx
from blockscope import optimizer as opt


def test_names_of_mxnet_are_all_registered():
    # mx.optimizer.Optimizer.opt_registry of MXNet 1.9.1
    names = ("adadelta adagrad adam adamax ccsgd dcasgd ftml ftrl groupadagrad lamb lars lbsgd nadam nag rmsprop sgd sgld signum "
             "test").split()
    assert set(names) <= set(opt.Optimizer.opt_registry)
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert isinstance(opt.create(name.upper()), opt.Optimizer)


def test_unknown_names_and_arguments_are_refused():
    with pytest.raises(ValueError, match="Cannot find optimizer foo"):
        opt.create("foo")
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        opt.create("sgd", foo=3)
    with pytest.raises(TypeError, match="name of an optimizer must be a str"):
        opt.create(3)
    with pytest.raises(AssertionError, match="param_idx2name should be a dict of param indexes to names."):
        opt.SGD(param_idx2name=[])


@pytest.fixture
def registry():
    before = dict(opt.Optimizer.opt_registry)
    yield opt.Optimizer.opt_registry
    opt.Optimizer.opt_registry.clear()
    opt.Optimizer.opt_registry.update(before)


def test_registering_over_a_name_warns(registry):
    with pytest.warns(UserWarning, match="overriding existing optimizer"):
        @opt.register
        class SGD(opt.Optimizer):
            pass
    assert registry["sgd"] is SGD


def test_learning_rate_comes_from_argument_scheduler_or_default():
    assert opt.SGD().learning_rate == 0.01
    assert opt.SGD(learning_rate=0.5).learning_rate == 0.5
    scheduler = mx.lr_scheduler.FactorScheduler(1, 0.5, base_lr=0.8)
    assert opt.SGD(lr_scheduler=scheduler).learning_rate == 0.8
    with pytest.warns(UserWarning, match="overwritten by ``learning_rate``"):
        assert opt.SGD(lr_scheduler=scheduler, learning_rate=0.5).learning_rate == 0.5
    with pytest.raises(UserWarning, match="LRScheduler of the optimizer has already been defined"):
        opt.SGD(lr_scheduler=scheduler).set_learning_rate(0.1)
    with pytest.raises(DeprecationWarning):
        opt.SGD().set_lr_scale({})


def test_multipliers_by_parameter_index_and_name():
    o = opt.SGD(learning_rate=1.0, wd=1.0, param_idx2name={0: "a_weight", 1: "a_bias", 2: "b_gamma"})
    assert o._get_wds([0, 1, 2, 3]) == [1.0, 0.0, 1.0, 1.0]
    o.set_lr_mult({"a_bias": 0.5, 3: 0.25})
    o.set_wd_mult({0: 3.0})
    assert o._get_lrs([0, 1, 2, 3]) == [1.0, 0.5, 1.0, 0.25]
    assert o._get_wds([0, 1]) == [3.0, 0.0]
    o.param_dict = {0: mx.gluon.Parameter("a_weight", shape=(1,), lr_mult=7.0, wd_mult=5.0)}
    assert o._get_lr(0) == 7.0 and o._get_wd(0) == 5.0


def test_updates_are_counted_by_weight_and_device():
    o = opt.SGD(begin_num_update=10)
    o._update_count([0, 1])
    o._update_count(1)
    assert o._index_update_count == {0: 11, 1: 12} and o.num_update == 12
    o._set_current_context(1)
    o._update_count(0)
    assert o._all_index_update_counts == {0: {0: 11, 1: 12}, 1: {0: 11}} and o.num_update == 12


class Plain(opt.Optimizer):
    """An optimizer as programs write them."""

    def create_state(self, index, weight):
        return mx.nd.zeros(weight.shape, weight.context)

    def update(self, index, weight, grad, state):
        self._update_count(index)
        state[:] += grad
        weight[:] -= self._get_lr(index) * state


def test_an_optimizer_of_a_program_gets_one_weight_at_a_time():
    update = opt.get_updater(Plain(learning_rate=1.0))
    weights = [mx.nd.ones((2,)), mx.nd.ones((2,))]
    for _ in range(2):
        update([0, 1], [mx.nd.ones((2,)), mx.nd.ones((2,))], weights)
    assert [w.asnumpy().tolist() for w in weights] == [[-2., -2.]] * 2


def test_a_subclass_that_overrides_update_is_called_weight_by_weight():
    seen = []

    class Noting(opt.Adam):
        def update(self, index, weight, grad, state):
            seen.append(index)
            super().update(index, weight, grad, state)
    weights = [mx.nd.ones((2,)), mx.nd.ones((2,))]
    opt.get_updater(Noting())([4, 5], [mx.nd.ones((2,))] * 2, weights)
    assert seen == [4, 5] and (weights[0].asnumpy() < 1).all()


def test_a_program_that_aggregates_gets_lists_of_at_most_its_number_and_one_type():
    seen = []

    class Lists(opt.Optimizer):
        aggregate_num = 2

        def update_multi_precision(self, index, weight, grad, state):
            seen.append((index, {w.dtype for w in weight}))
    weights = [mx.nd.ones((2,), dtype=t) for t in ("float32", "float64", "float32", "float32")]
    opt.get_updater(Lists())([0, 1, 2, 3], weights, weights)
    assert seen == [([0, 2], {np.float32}), ([3], {np.float32}), ([1], {np.float64})]


@pytest.mark.parametrize("name, layout", [("sgd", "state first"), ("nag", "state first"), ("adam", "copy first")])
def test_float16_weights_are_updated_in_float32_where_asked_for(name, layout):
    o = opt.create(name, learning_rate=1e-4, multi_precision=True, **({} if name == "adam" else {"momentum": 0.9}))
    weight = mx.nd.ones((3,), dtype="float16")
    state = o.create_state_multi_precision(0, weight)
    copy_ = state[1] if layout == "state first" else state[0]
    assert copy_.dtype == np.float32
    for _ in range(20):
        o.update_multi_precision(0, weight, mx.nd.ones((3,), dtype="float16"), state)
    # Steps of 1e-4 vanish in float16 beside 1, but not in the copy.
    assert weight.dtype == np.float16 and weight.asnumpy().max() < 1
    assert np.array_equal(weight.asnumpy(), copy_.asnumpy().astype("float16"))


def test_float16_without_copies_warns():
    with pytest.warns(UserWarning, match="Accumulating with float16 in optimizer can lead to poor accuracy or slow convergence. "
                                         "Consider using multi_precision=True option of the SGD optimizer"):
        opt.SGD(momentum=0.5).create_state_multi_precision(0, mx.nd.ones((2,), dtype="float16"))
    with pytest.warns(UserWarning, match="option of the optimizer"):
        opt.Adam().create_state_multi_precision(0, mx.nd.ones((2,), dtype="float16"))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_an_optimizer_can_be_copied_without_its_parameters(duplicate):
    o = opt.SGD(learning_rate=0.25, momentum=0.5, param_dict={0: mx.gluon.Parameter("w", shape=(1,))})
    o.update(0, mx.nd.ones((2,)), mx.nd.ones((2,)), mx.nd.zeros((2,)))
    twin = duplicate(o)
    assert (twin.learning_rate, twin.momentum, twin.num_update, twin.param_dict) == (0.25, 0.5, 1, {})


def test_groupadagrad_takes_matrices_without_decay():
    o = opt.create("groupadagrad", learning_rate=1.0, eps=0.0)
    weight, grad = mx.nd.zeros((2, 2)), mx.nd.array([[3., 4.], [1., 1.]])
    o.update(0, weight, grad, o.create_state(0, weight))
    # By hand: root mean squares of the rows are sqrt(12.5) and 1.
    np.testing.assert_allclose(weight.asnumpy(), -grad.asnumpy() / [[12.5 ** 0.5], [1.]], rtol=1e-6)
    with pytest.raises(AssertionError, match="Weight decay is not supported"):
        opt.create("groupadagrad", wd=0.1).update(0, weight, grad, mx.nd.zeros((2, 1)))
    with pytest.raises(AssertionError, match="matrices"):
        o.create_state(0, mx.nd.zeros((2,)))


def test_lbsgd_remembers_gradients_whose_array_is_overwritten():
    update = opt.get_updater(opt.create("lbsgd", learning_rate=1.0, batch_scale=2, warmup_epochs=0))
    weight, grad = mx.nd.zeros((1,)), mx.nd.array([1.])
    update(0, grad, weight)
    assert weight.asscalar() == 0
    grad[:] = 3
    update(0, grad, weight)
    assert weight.asscalar() == -4  # mean gradient 2, times batch_scale after the warm-up


def test_dcasgd_works_with_momentum():
    # By hand: the first step is -lr * g, the second momentum * first - lr * (g + lamda * g**2 * (w - previous)).
    o = opt.create("dcasgd", learning_rate=0.5, momentum=0.5, lamda=1.0)
    weight = mx.nd.array([1.])
    state = o.create_state(0, weight)
    for wanted in (0.5, 0.5 + (0.5 * -0.5 - 0.5 * (1 + (0.5 - 1.0)))):
        o.update(0, weight, mx.nd.array([1.]), state)
        assert weight.asscalar() == pytest.approx(wanted)
