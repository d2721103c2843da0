"""Update rules: equal to MXNet to the last bit, and equal to themselves however they are called."""
import importlib.util
import json
import pathlib

import numpy as np
import pytest

import blockscope as mx
from blockscope.optimizer import _in_place

HERE = pathlib.Path(__file__).parent
_spec = importlib.util.spec_from_file_location("record_updates", HERE / "record_updates.py")
record_updates = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_updates)


def test_update_operators_equal_mxnet_to_the_last_bit():
    # Golden values: MXNet 1.9.1, by record_updates.py.
    wanted = json.loads((HERE / "updates.json").read_text())["cases"]
    found = dict(record_updates.cases(mx))
    assert set(found) == set(wanted) and len(wanted) == 30
    for name, results in found.items():
        bits = [r.view("uint32").ravel().tolist() for r in results]
        assert bits == wanted[name], f"{name}; regenerate with python tests/optimizer/record_updates.py"


def weights_of(shapes, seed):
    random = np.random.RandomState(seed)
    return [mx.nd.array(random.randn(*s)) for s in shapes]


SHAPES = [(64, 64), (64,), (64, 64), (64,), (10, 64), (10,), (300, 200)]


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("wd", [0.0, 0.01])
def test_many_weights_at_once_equal_the_operator_one_by_one(wd, clip):
    # The last weight is larger than a piece, so it goes piece by piece.
    assert 300 * 200 > _in_place._PIECE
    together, alone = weights_of(SHAPES, 0), weights_of(SHAPES, 0)
    moms = [mx.nd.zeros(s) for s in SHAPES]
    update = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.1, momentum=0.9, wd=wd, clip_gradient=clip, rescale_grad=1 / 3))
    for step in range(3):
        grads = weights_of(SHAPES, 1 + step)
        update(list(range(len(SHAPES))), grads, together)
        for w, g, m in zip(alone, grads, moms):
            mx.nd.sgd_mom_update(w, g, m, out=w, lr=0.1, momentum=0.9, wd=wd, rescale_grad=1 / 3, clip_gradient=clip or -1)
    for i, (a, b, m) in enumerate(zip(together, alone, moms)):
        assert np.array_equal(a.asnumpy(), b.asnumpy()), i
        assert np.array_equal(update.states[i].asnumpy(), m.asnumpy()), i


NAMES = ["sgd", "nag", "adam", "rmsprop", "adagrad", "adadelta", "ftrl", "signum", "ftml", "adamax", "nadam", "dcasgd", "lamb", "lars",
         "lbsgd", "sgld"]


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_writes_in_place_and_moves_against_the_gradient(name):
    # Only the direction of a first step from the same weight is checked here; traces of MXNet check the numbers.
    if name == "sgld":
        mx.cpu()._seed(0)
    weight, grad = mx.nd.array([[3., -3.], [2., -2.]]), mx.nd.array([[1., -1.], [1., -1.]])
    raw = weight._raw
    before = weight.asnumpy()
    optimizer = mx.optimizer.create(name, learning_rate=0.01, **({"eta": 1.0} if name == "lars" else {}))
    optimizer.update_multi_precision(0, weight, grad, optimizer.create_state_multi_precision(0, weight))
    assert weight._raw is raw
    moved = (weight.asnumpy() - before) * grad.asnumpy()
    assert (moved < 0).all() if name != "sgld" else (moved != 0).all()
    assert np.array_equal(grad.asnumpy(), [[1., -1.], [1., -1.]])  # MXNet's adadelta rescales the gradient itself


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("sgld", "dcasgd", "lars", "lamb", "lbsgd", "nadam")])
def test_pieces_of_a_large_weight_equal_the_same_numbers_in_small_weights(name):
    rows, columns = 8, _in_place._PIECE // 4
    large, grad = weights_of([(rows, columns)], 0)[0], weights_of([(rows, columns)], 1)[0]
    small = [mx.nd.array(row) for row in large.asnumpy()]
    optimizer = mx.optimizer.create(name, learning_rate=0.1, wd=0.01)
    one = mx.optimizer.create(name, learning_rate=0.1, wd=0.01)
    update, single = mx.optimizer.get_updater(optimizer), mx.optimizer.get_updater(one)
    for _ in range(2):
        update(0, grad, large)
        single(list(range(rows)), [mx.nd.array(row) for row in grad.asnumpy()], small)
    assert np.array_equal(large.asnumpy(), np.stack([s.asnumpy() for s in small]))


def test_scratch_is_reused_and_not_shared_between_types():
    optimizer = mx.optimizer.SGD(learning_rate=0.5, momentum=0.9)
    for dtype in ("float32", "float64"):
        for _ in range(3):
            weight = mx.nd.ones((4,), dtype=dtype)
            optimizer.update(0, weight, mx.nd.ones((4,), dtype=dtype), mx.nd.zeros((4,), dtype=dtype))
            assert weight.asnumpy().tolist() == [0.5] * 4
    assert sorted(len(shapes) for shapes in optimizer._scratch.values()) == [1, 1]


@pytest.mark.parametrize("shape, dtype", [((3,), "float32"), ((2,), "float64")])
def test_a_gradient_of_another_shape_or_type_is_refused(shape, dtype):
    with pytest.raises(mx.MXNetError, match=r"SGD: weight 7 has shape \(2,\) and type float32, but its gradient has shape"):
        mx.optimizer.SGD().update(7, mx.nd.ones((2,)), mx.nd.ones(shape, dtype=dtype), None)


def test_a_state_of_another_shape_is_refused_and_named():
    with pytest.raises(mx.MXNetError, match=r"SGD cannot update weight 0 of shape \(2,\)"):
        mx.optimizer.SGD(momentum=0.5).update(0, mx.nd.ones((2,)), mx.nd.ones((2,)), mx.nd.ones((3,)))


def test_an_update_while_recording_is_refused():
    weight = mx.nd.ones((2,))
    weight.attach_grad()
    with mx.autograd.record(), pytest.raises(mx.MXNetError, match="computational graph"):
        mx.optimizer.SGD().update(0, weight, mx.nd.ones((2,)), None)


def test_a_view_taken_before_an_update_keeps_its_values_where_mxnet_copies():
    weight = mx.nd.array([[1., 2.], [3., 4.]])
    transposed = weight.T
    mx.optimizer.SGD(learning_rate=1.0).update(0, weight, mx.nd.ones((2, 2)), None)
    assert transposed.asnumpy().tolist() == [[1., 3.], [2., 4.]]
