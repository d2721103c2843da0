"""The local store: sums, updates, keys, and what it refuses."""
import numpy as np
import pytest

import blockscope as mx


def ones(n=1.0, ctx=None):
    return mx.nd.full((2,), n, ctx=ctx)


def test_push_sums_and_replaces():
    store, out = mx.kv.create("local"), ones(0)
    store.init("a", ones(7))
    store.pull("a", out=out)
    assert out.asnumpy().tolist() == [7, 7]
    store.push("a", [ones(1), ones(2, mx.cpu(1))])
    store.pull("a", out=[out, other := ones(0, mx.cpu(1))])
    assert out.asnumpy().tolist() == other.asnumpy().tolist() == [3, 3]
    store.push(["a"], [ones(5)])
    store.pull(["a"], [[out]])
    assert out.asnumpy().tolist() == [5, 5]


def test_stored_values_are_copies():
    store, value, out = mx.kv.create(), ones(1), ones(0)
    store.init(0, value)
    value[:] = 9
    store.pull(0, out=out)
    assert out.asnumpy().tolist() == [1, 1]
    store.push(0, value)
    value[:] = 8
    store.pull(0, out=out)
    assert out.asnumpy().tolist() == [9, 9]


def test_pushpull_sums_in_place_or_into_out():
    store = mx.kv.create("device")
    values = [ones(1), ones(2, mx.cpu(1))]
    store.pushpull(3, values)
    assert [v.asnumpy().tolist() for v in values] == [[3, 3]] * 2
    out = ones(0)
    store.pushpull(3, values, out=out)
    assert out.asnumpy().tolist() == [6, 6] and values[0].asnumpy().tolist() == [3, 3]


def test_an_optimizer_updates_stored_values(tmp_path):
    store, out = mx.kv.create(), ones(0)
    store.set_optimizer(mx.optimizer.SGD(learning_rate=0.5, momentum=0.5))
    store.broadcast(0, ones(1), out)
    store.pushpull(0, [ones(1), ones(1)], out=out)
    assert out.asnumpy().tolist() == [0, 0]
    store.save_optimizer_states(tmp_path / "s", dump_optimizer=True)
    again = mx.kv.create()
    again.set_optimizer(mx.optimizer.SGD())
    again.load_optimizer_states(tmp_path / "s")
    assert np.array_equal(again._updater.states[0].asnumpy(), [-1, -1]) and again._updater.optimizer.momentum == 0.5


def test_mistakes():
    store = mx.kv.create()
    store.init("a", ones())
    with pytest.raises(mx.MXNetError, match="duplicate init of key a"):
        store.init("a", ones())
    with pytest.raises(mx.MXNetError, match="key b doesn't exist. Did you init?"):
        store.push("b", ones())
    with pytest.raises(mx.MXNetError, match="key b doesn't exist. Did you init?"):
        store.pull("b", out=ones())
    with pytest.raises(mx.MXNetError, match="Mixed key types are not allowed"):
        store.init(3, ones())
    with pytest.raises(AssertionError, match="unexpected type for keys"):
        store.push(3.5, ones())
    with pytest.raises(AssertionError, match="2 keys cannot take 1 values"):
        store.push(["a", "b"], [ones()])
    with pytest.raises(ValueError, match="Unknown capability: foo"):
        store.is_capable("foo")
    with pytest.raises(mx.MXNetError, match="gradient compression"):
        store.set_gradient_compression({"type": "2bit"})
    with pytest.raises(mx.MXNetError, match="sparse"):
        store.row_sparse_pull("a", ones(), row_ids=ones())
    assert (store.type, store.rank, store.num_workers, store.is_capable("optimizer")) == ("local", 0, 1, True)


@pytest.mark.parametrize("name, text", [
    ("dist_sync", "several machines"), ("nccl", "several machines"), ("foo", "unknown kvstore type 'foo'")])
def test_other_kinds_are_refused(name, text):
    with pytest.raises(mx.MXNetError, match=text):
        mx.kv.create(name)
    with pytest.raises(TypeError, match="name must be a string"):
        mx.kv.create(3)
