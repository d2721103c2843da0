"""Trainer: parameters, steps on one and several contexts, stale gradients, stores, states."""
import re

import numpy as np
import pytest

import blockscope as mx
from blockscope import autograd, gluon
from tests.fakedevice import counts, installed


def parameters(ctx=None, n=2, **kwargs):
    params = [gluon.Parameter(f"p{i}", shape=(2,), **kwargs) for i in range(n)]
    for p in params:
        p.initialize(mx.init.One(), ctx=ctx)
    return params


def backward(params, factor=1.0):
    """Give each parameter the gradient `factor` on each of its contexts."""
    with autograd.record():
        losses = [sum((p.data(ctx).sum() for p in params), start=0 * params[0].data(ctx).sum()) * factor
                  for ctx in params[0].list_ctx()]
    autograd.backward(losses)


def values(params):
    return [[array.asnumpy().tolist() for array in p.list_data()] for p in params]


def test_a_step_divides_by_the_batch_size():
    params = parameters()
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 0.5})
    backward(params, 4.0)
    trainer.step(8)
    assert values(params) == [[[0.75, 0.75]]] * 2


def test_rescale_grad_of_the_optimizer_stays_a_factor():
    params = parameters()
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0, "rescale_grad": 0.5})
    for batch_size in (2, 4):
        backward(params)
        trainer.step(batch_size)
    assert values(params)[0] == [[1 - 0.25 - 0.125] * 2]


@pytest.mark.parametrize("params, text", [
    (3, "First argument must be a list or dict of Parameters, got <class 'int'>."),
    ([3], "First argument must be a list or dict of Parameters, got list of <class 'int'>."),
])
def test_what_is_no_parameter_is_refused(params, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        gluon.Trainer(params, "sgd")


def test_wrong_arguments():
    params = parameters()
    with pytest.raises(ValueError, match="Cannot find optimizer foo"):
        gluon.Trainer(params, "foo")
    with pytest.raises(AssertionError, match="optimizer_params must be None if optimizer is an instance of Optimizer instead of str"):
        gluon.Trainer(params, mx.optimizer.SGD(), {"learning_rate": 1})
    with pytest.raises(mx.MXNetError, match="gradient compression"):
        gluon.Trainer(params, "sgd", compression_params={"type": "2bit"})
    with pytest.raises(ValueError, match="Parameter 'p0' is given twice"):
        gluon.Trainer([params[0], params[0]], "sgd")
    with pytest.raises(RuntimeError, match="Parameter 'q' has not been initialized"):
        gluon.Trainer([gluon.Parameter("q", shape=(2,))], "sgd")
    backward(params)
    with pytest.raises(TypeError, match="kvstore must be KVStore, str or None"):
        gluon.Trainer(params, "sgd", kvstore=3).step(1)
    a, b = parameters(mx.cpu(0), 1), parameters(mx.cpu(1), 1)
    with pytest.raises(AssertionError, match=re.escape(
            "All Parameters must be initialized on the same set of contexts, but Parameter p0 is initialized on [cpu(1)] while "
            "previous Parameters are initialized on [cpu(0)].")):
        gluon.Trainer(a + b, "sgd")


def test_dictionaries_are_sorted_and_lists_keep_their_order():
    params = parameters(n=3)
    by_name = {"b": params[0], "a": params[1], "c": params[2]}
    assert [p.name for p in gluon.Trainer(by_name, "sgd")._params] == ["p1", "p0", "p2"]
    assert gluon.Trainer(params[::-1], "sgd")._params == params[::-1]
    assert gluon.Trainer(tuple(params), "sgd")._params == gluon.Trainer(by_name.values(), "sgd")._params  # MXNet refuses the view


def test_two_parameters_of_one_name_are_both_updated():
    params = parameters(n=1) + parameters(n=1)
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0}, kvstore="local", update_on_kvstore=True)
    assert trainer._param2idx == {"p0": 1}
    backward(params)
    trainer.step(1)
    assert values(params) == [[[0.0, 0.0]]] * 2


def test_multipliers_and_null_gradients():
    params = parameters(n=3)
    params[0].lr_mult, params[1].wd_mult = 0.5, 0.0
    params[2].grad_req = "null"
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0, "wd": 0.25})
    backward(params)
    trainer.step(1)
    assert values(params) == [[[1 - 0.5 * 1.25] * 2], [[0.0] * 2], [[1.0] * 2]]
    params[0].lr_mult = 0.0
    backward(params)
    trainer.step(1)
    assert values(params)[0] == [[1 - 0.5 * 1.25] * 2]


STALE = ("Gradient of Parameter `p1` on context cpu(0) has not been updated by backward since last `step`. This could mean a bug in "
         "your model that made it only use a subset of the Parameters (Blocks) for this iteration. If you are intentionally only "
         "using a subset, call step with ignore_stale_grad=True to suppress this warning and skip updating of Parameters with stale "
         "gradient")


@pytest.mark.parametrize("ctx", [None, [mx.cpu(0), mx.cpu(1)]])
@pytest.mark.parametrize("on_kvstore", [None, True, False])
def test_stale_gradients_are_an_error_or_left_alone(ctx, on_kvstore):
    params = parameters(ctx)
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0}, update_on_kvstore=on_kvstore)
    replicas = len(params[0].list_ctx())
    backward(params[:1], 1 / replicas)
    with pytest.raises(UserWarning, match=re.escape(STALE)):
        trainer.step(1)
    assert values(params) == [[[1.0] * 2] * replicas] * 2 and trainer.optimizer.num_update == 0
    backward(params[:1], 1 / replicas)
    trainer.step(1, ignore_stale_grad=True)
    assert values(params) == [[[0.0] * 2] * replicas, [[1.0] * 2] * replicas]
    with pytest.raises(UserWarning, match="has not been updated by backward"):
        trainer.step(1)


@pytest.mark.parametrize("on_kvstore", [None, True, False])
@pytest.mark.parametrize("kvstore", ["device", "local", mx.kv.create("local")])
def test_several_contexts_give_the_sum_of_their_gradients(kvstore, on_kvstore):
    one, two = parameters(), parameters([mx.cpu(0), mx.cpu(1)])
    settings = {"learning_rate": 0.25, "momentum": 0.5}
    single = gluon.Trainer(one, "sgd", settings)
    double = gluon.Trainer(two, "sgd", settings, kvstore=kvstore, update_on_kvstore=on_kvstore)
    for step in range(3):
        backward(one, 2.0 + step)
        backward(two, 1.0 + step / 2)
        single.step(2)
        double.step(2)
    assert values(two) == [[v[0], v[0]] for v in values(one)]
    assert double.optimizer.num_update == 3


def test_gradients_can_be_changed_between_reducing_and_updating():
    params = parameters([mx.cpu(0), mx.cpu(1)])
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0}, update_on_kvstore=False)
    backward(params)
    trainer.allreduce_grads()
    assert [g.asnumpy().tolist() for g in params[0].list_grad()] == [[2.0, 2.0]] * 2
    for p in params:
        for g in p.list_grad():
            g[:] = 0.5
    trainer.update(1)
    assert values(params) == [[[0.5, 0.5]] * 2] * 2


def test_apart_calls_need_updates_off_the_kvstore():
    # Texts of MXNet 1.9.1.
    for ctx, on_kvstore in (([mx.cpu(0), mx.cpu(1)], None), (None, True)):
        trainer = gluon.Trainer(parameters(ctx), "sgd", update_on_kvstore=on_kvstore)
        for call, name in ((trainer.allreduce_grads, "allreduce_grads()"), (lambda: trainer.update(1), "update()")):
            with pytest.raises(AssertionError, match=re.escape(f"{name} when parameters are updated on kvstore is not supported. Try "
                                                               "setting `update_on_kvstore` to False when creating trainer.")):
                call()
    params = parameters()
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0})
    backward(params)
    trainer.allreduce_grads()
    trainer.update(2)
    assert values(params)[0] == [[0.5, 0.5]]


class Remote(mx.kvstore.KVStoreBase):
    """A store of a program's own, which sums and can't update."""

    type = "remote"

    def __init__(self):
        self.calls = []

    @staticmethod
    def is_capable(capability):
        return False

    def broadcast(self, key, value, out, priority=0):
        self.calls.append(("broadcast", key))

    def pushpull(self, key, value, out=None, priority=0):
        self.calls.append(("pushpull", key, priority))
        for v in value:
            v *= 3


def test_a_store_of_a_program_is_asked_to_sum():
    params, store = parameters(), Remote()
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 0.25}, kvstore=store)
    backward(params)
    trainer.step(1)
    assert store.calls == [("broadcast", 0), ("broadcast", 1), ("pushpull", 0, 0), ("pushpull", 1, -1)]
    assert values(params) == [[[0.25, 0.25]]] * 2
    with pytest.raises(ValueError, match="Please set update_on_kvstore=False when training with <class '.*Remote'>"):
        gluon.Trainer(params, "sgd", kvstore=store, update_on_kvstore=True).step(1)


def test_values_set_by_hand_are_what_the_next_step_starts_from():
    params = parameters([mx.cpu(0), mx.cpu(1)])
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0})
    backward(params, 0.5)
    trainer.step(1)
    params[0].set_data(mx.nd.array([5., 6.]))
    backward(params, 0.5)
    trainer.step(1)
    assert values(params)[0] == [[4.0, 5.0]] * 2


def test_learning_rate_and_schedule():
    params = parameters()
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 0.5})
    trainer.set_learning_rate(0.25)
    assert trainer.learning_rate == 0.25 and type(trainer.optimizer).__name__ == "SGD"
    scheduled = gluon.Trainer(params, "sgd", {"lr_scheduler": mx.lr_scheduler.FactorScheduler(1, 0.5, base_lr=1.0)})
    rates = []
    for _ in range(3):
        backward(params)
        scheduled.step(1)
        rates.append(scheduled.learning_rate)
    assert rates == [1.0, 0.5, 0.25]
    with pytest.raises(UserWarning, match="LRScheduler of the optimizer has already been defined"):
        scheduled.set_learning_rate(1)


def test_gradients_that_add_up():
    params = parameters(grad_req="add")
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 0.25})
    backward(params)
    backward(params, 2.0)
    trainer.step(1)
    assert values(params)[0] == [[0.25, 0.25]]


def test_a_step_while_recording_is_refused():
    params = parameters()
    trainer = gluon.Trainer(params, "sgd")
    backward(params)
    with autograd.record(), pytest.raises(mx.MXNetError, match="computational graph"):
        trainer.step(1)


@pytest.mark.parametrize("ctx", [None, [mx.cpu(0), mx.cpu(1)]])
def test_states_are_saved_and_training_goes_on_the_same(tmp_path, ctx):
    def make():
        params = parameters(ctx)
        schedule = mx.lr_scheduler.FactorScheduler(1, 0.5, base_lr=1.0)
        return params, gluon.Trainer(params, "adam", {"learning_rate": 0.25, "lr_scheduler": schedule})
    with pytest.warns(UserWarning, match="overwritten"):
        params, trainer = make()
    for factor in (1.0, -2.0):
        backward(params, factor)
        trainer.step(2)
    trainer.save_states(tmp_path / "a.states")
    assert (tmp_path / "a.states").read_bytes()[:1] != b"\x80"
    with pytest.warns(UserWarning, match="overwritten"):
        others, resumed = make()
    for p, q in zip(params, others):
        q.set_data(p.data(mx.cpu(0)))
    resumed.load_states(tmp_path / "a.states")
    assert resumed.learning_rate == trainer.learning_rate and resumed.optimizer.num_update == 2
    assert resumed.optimizer.param_dict == dict(enumerate(others))
    for _ in range(2):
        for p, t in ((params, trainer), (others, resumed)):
            backward(p, 3.0)
            t.step(2)
    assert values(params) == values(others)


def test_states_of_deferred_parameters_cannot_be_saved(tmp_path):
    net = gluon.nn.Dense(2)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd")
    for call in (lambda: trainer.save_states(tmp_path / "a"), lambda: trainer.step(1)):
        with pytest.raises(gluon.DeferredInitializationError, match="has not been initialized yet because initialization was deferred"):
            call()
    assert not (tmp_path / "a").exists()
    net(mx.nd.ones((1, 3)))
    trainer.step(1, ignore_stale_grad=True)


def test_damaged_and_pickled_files_are_refused(tmp_path):
    trainer = gluon.Trainer(parameters(), "sgd")
    (tmp_path / "a").write_bytes(b"garbage")
    with pytest.raises(mx.errors.FormatError):
        trainer.load_states(tmp_path / "a")
    (tmp_path / "a").write_bytes(b"\x80\x04garbage")
    with pytest.raises(mx.errors.FormatError, match=r"load_states\(fname, allow_pickle=True\)"):
        trainer.load_states(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        trainer.load_states(tmp_path / "none")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    trainer = gluon.Trainer(parameters(), "sgd")
    trainer.save_states(tmp_path / "a")
    before = (tmp_path / "a").read_bytes()
    trainer._updaters[0].states[0] = object()
    with pytest.raises(TypeError):
        trainer.save_states(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == before


@pytest.mark.parametrize("optimizer", ["sgd", "nag", "adam", "rmsprop", "adagrad", "adadelta", "ftrl"])
@pytest.mark.parametrize("on_kvstore", [None, False])
def test_devices_agree_and_a_step_waits_for_none(optimizer, on_kvstore):
    settings = {"momentum": 0.5} if optimizer in ("sgd", "nag") else {}
    host = parameters([mx.cpu(0), mx.cpu(1)])
    trainer = gluon.Trainer(host, optimizer, {"wd": 0.1, "clip_gradient": 2.0, **settings}, update_on_kvstore=on_kvstore)
    with installed() as fake:
        device = parameters([fake(0), fake(1)])
        other = gluon.Trainer(device, optimizer, {"wd": 0.1, "clip_gradient": 2.0, **settings}, update_on_kvstore=on_kvstore)
        for factor in (1.0, 3.0):
            backward(host, factor)
            backward(device, factor)
            trainer.step(2)
            counts.reset()
            other.step(2)
            assert counts.syncs == 0 and counts.h2d == 0
        np.testing.assert_allclose(values(device), values(host), rtol=1e-6)


def test_an_empty_trainer_does_nothing(tmp_path):
    trainer = gluon.Trainer([], "sgd")
    trainer.step(1)
    trainer.allreduce_grads()


def test_a_real_net_learns():
    mx.cpu()._seed(1)
    net = gluon.nn.Dense(1, in_units=3)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
    x = mx.nd.array(np.random.randn(32, 3))
    y = mx.nd.array(x.asnumpy() @ [[1.], [2.], [3.]] + 4)
    for _ in range(150):
        with autograd.record():
            loss = ((net(x) - y) ** 2).sum()
        loss.backward()
        trainer.step(32)
    np.testing.assert_allclose(net.weight.data().asnumpy(), [[1, 2, 3]], atol=1e-2)
    np.testing.assert_allclose(net.bias.data().asnumpy(), [4], atol=1e-2)
