"""Optimizer states as bytes: round trips, MXNet's pickles only on request, damage and hostile content."""
import json
import pathlib
import pickle

import numpy as np
import pytest

import blockscope as mx
from blockscope.errors import FormatError
from blockscope.formats import params
from blockscope.optimizer import _states

SHARED = pathlib.Path(__file__).parent / "files"


def trained(name="adam", **kwargs):
    update = mx.optimizer.get_updater(mx.optimizer.create(name, **kwargs))
    for step in range(3):
        update([0, 1], [mx.nd.array([1., step]), mx.nd.array([[2.]])], [mx.nd.ones((2,)), mx.nd.ones((1, 1))])
    return update


def flat(state):
    if state is None:
        return [None]
    if isinstance(state, (tuple, list)):
        return [x for s in state for x in flat(s)]
    return [state.asnumpy().tolist()]


@pytest.mark.parametrize("name, kwargs", [("adam", {}), ("sgd", {}), ("sgd", {"momentum": 0.5}), ("rmsprop", {"centered": True}),
                                          ("nadam", {}), ("signum", {})])
def test_states_and_settings_come_back(name, kwargs):
    source = trained(name, learning_rate=0.25, **kwargs)
    data = source.get_states(dump_optimizer=True)
    assert data[:1] != b"\x80"
    target = mx.optimizer.get_updater(mx.optimizer.create(name))
    target.set_states(data)
    assert list(target.states) == [0, 1]
    assert [flat(target.states[i]) for i in (0, 1)] == [flat(source.states[i]) for i in (0, 1)]
    assert target.optimizer.learning_rate == 0.25 and target.optimizer.num_update == 3
    assert target.optimizer._index_update_count == {0: 3, 1: 3}
    for key, value in kwargs.items():
        assert getattr(target.optimizer, key) == value
    a, b = mx.nd.ones((2,)), mx.nd.ones((2,))
    source(0, mx.nd.ones((2,)), a)
    target(0, mx.nd.ones((2,)), b)
    assert np.array_equal(a.asnumpy(), b.asnumpy())


def test_states_alone_leave_the_optimizer_as_it_is():
    target = mx.optimizer.get_updater(mx.optimizer.Adam(learning_rate=0.5))
    target.set_states(trained(learning_rate=0.25).get_states())
    assert target.optimizer.learning_rate == 0.5 and target.optimizer.num_update == 0 and len(target.states) == 2


def test_a_schedule_goes_on_where_it_was():
    def schedule(base):
        return mx.lr_scheduler.FactorScheduler(1, 0.5, base_lr=base)
    source = trained("sgd", lr_scheduler=schedule(0.8))
    target = mx.optimizer.get_updater(mx.optimizer.SGD(lr_scheduler=schedule(0.1)))
    target.set_states(source.get_states(dump_optimizer=True))
    assert target.optimizer.learning_rate == source.optimizer.learning_rate == 0.2
    bare = mx.optimizer.get_updater(mx.optimizer.SGD())
    bare.set_states(source.get_states(dump_optimizer=True))
    assert bare.optimizer.learning_rate == 0.2


def test_a_schedule_of_a_program_must_be_there_before_loading():
    class Own(mx.lr_scheduler.LRScheduler):
        def __call__(self, num_update):
            return self.base_lr / num_update
    data = trained("sgd", lr_scheduler=Own(0.8)).get_states(dump_optimizer=True)
    with pytest.raises(FormatError, match="Own: give the optimizer one"):
        mx.optimizer.get_updater(mx.optimizer.SGD()).set_states(data)
    target = mx.optimizer.get_updater(mx.optimizer.SGD(lr_scheduler=Own(0.1)))
    target.set_states(data)
    assert target.optimizer.learning_rate == 0.8 / 3
    with pytest.raises(FormatError, match="scheduler Own, and this optimizer has FactorScheduler"):
        mx.optimizer.get_updater(mx.optimizer.SGD(lr_scheduler=mx.lr_scheduler.FactorScheduler(1))).set_states(data)


def test_another_optimizer_is_refused_and_nothing_changes():
    target = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.5))
    with pytest.raises(FormatError, match="saved with the optimizer Adam, and this one is SGD"):
        target.set_states(trained().get_states(dump_optimizer=True))
    assert target.states == {} and target.optimizer.learning_rate == 0.5


def test_a_state_that_is_no_array_is_refused():
    update = trained("sgd")
    update.states[0] = {"a": object()}
    with pytest.raises(TypeError, match="the state of weight 0 holds a dict"):
        update.get_states()


def damaged():
    good = trained().get_states(dump_optimizer=True)

    def header(text):
        values = np.frombuffer(text.encode(), np.uint8)
        return params.dump([values], [_states._HEADER])
    yield "empty", b""
    yield "cut", good[:-30]
    yield "another file", params.dump([np.zeros(2, "float32")], ["w"])
    yield "no json", header("{")
    yield "no object", header("3")
    yield "version", header(json.dumps({"version": 99, "states": []}))
    yield "array number", header(json.dumps({"version": 1, "states": [[0, 5]]}))
    yield "text for a state", header(json.dumps({"version": 1, "states": [[0, "x"]]}))
    yield "unhashable key", header(json.dumps({"version": 1, "states": [[[1], None]]}))
    yield "settings", header(json.dumps({"version": 1, "states": [], "optimizer": {"class": "Adam", "settings": 3}}))


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in damaged()])
def test_damaged_bytes_give_a_format_error(data):
    with pytest.raises(FormatError):
        mx.optimizer.get_updater(mx.optimizer.Adam()).set_states(data)


class Attack:
    """Calls a function when it is unpickled."""

    def __reduce__(self):
        return print, ("this must never run",)


def test_a_pickle_is_refused_unless_asked_for_and_never_executed(capsys):
    update = mx.optimizer.get_updater(mx.optimizer.SGD())
    for protocol in (2, 4):
        data = pickle.dumps({0: Attack()}, protocol)
        with pytest.raises(FormatError, match="allow_pickle=True"):
            update.set_states(data)
        with pytest.raises(FormatError, match="builtins.print|__builtin__.print"):
            update.set_states(data, allow_pickle=True)
    with pytest.raises(FormatError, match="damaged"):
        update.set_states(b"\x80\x04garbage", allow_pickle=True)
    assert capsys.readouterr().out == ""


# Files that trainer.save_states of MXNet 1.9.1 wrote, and what they hold.
@pytest.mark.parametrize("file", ["trainer_sgd.states", "trainer_adam.states", "trainer_rmsprop_sched.states"])
def test_files_of_mxnet_are_read_on_request(file):
    known = json.loads((SHARED / "expected.json").read_text())[file]
    kwargs = {k: v for k, v in known["kwargs"].items() if k != "lr_scheduler"}
    update = mx.optimizer.get_updater(mx.optimizer.create(known["optimizer"], **kwargs))
    update.set_states((SHARED / file).read_bytes(), allow_pickle=True)
    for index, wanted in known["states"].items():
        arrays = wanted if isinstance(wanted, list) else [wanted]
        state = update.states[int(index)]
        for array, want in zip(state if isinstance(state, tuple) else [state], arrays, strict=True):
            np.testing.assert_allclose(array.asnumpy().ravel(), want["values"], rtol=1e-6)
    assert update.optimizer.num_update == known["num_update"]
    assert update.optimizer._index_update_count == {int(k): v for k, v in known["index_update_count"].items()}
