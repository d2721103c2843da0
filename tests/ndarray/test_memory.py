"""Who sees a write: programs of views, aliases and writes against a NumPy model; copies; DLPack; pickling."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import blockscope as mx

KEYS = [
    0,
    -1,
    slice(1, None),
    slice(None),
    (0, slice(0, 1)),
    (slice(None), 0),
    (Ellipsis, slice(None, None, -1)),
    [0],
    (slice(None), [0]),
]

# name -> (of an NDArray, of a NumPy array); the model copies exactly where MXNet does.
STEPS = {
    "reshape": (lambda x: x.reshape((-1, 2)), lambda x: x.reshape((-1, 2))),
    "flat": (lambda x: x.reshape((-1,)), lambda x: x.reshape(-1)),
    "detach": (lambda x: x.detach(), lambda x: x),
    "transpose": (lambda x: x.transpose(), lambda x: x.T.copy()),
    "operator reshape": (lambda x: mx.nd.reshape(x, shape=(-1,)), lambda x: x.reshape(-1).copy()),
    "broadcast_to": (lambda x: x.broadcast_to(x.shape), lambda x: x.copy()),
    "copy": (lambda x: x.copy(), lambda x: x.copy()),
    "cast": (lambda x: x.astype("float32"), lambda x: x.copy()),
    "arithmetic": (lambda x: x + 0, lambda x: x + 0),
}
step = st.one_of(
    st.tuples(st.just("derive"), st.sampled_from(sorted(STEPS)), st.integers(0, 9)),
    st.tuples(st.just("part"), st.integers(0, len(KEYS) - 1), st.integers(0, 9)),
    st.tuples(st.just("write"), st.integers(0, len(KEYS) - 1), st.integers(0, 9)),
    st.tuples(st.just("add"), st.integers(0, 0), st.integers(0, 9)),
    st.tuples(st.just("copyto"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("drop"), st.integers(0, 0), st.integers(0, 9)),
)


def contiguous_part(model, key):
    """Return what MXNet gives for x[key]: a view of contiguous parts, a copy of others; never the shape ()."""
    part = model[key]
    if not isinstance(part, np.ndarray) or part.ndim == 0:
        keys = key if isinstance(key, tuple) else (key,)
        return model[(*keys[:-1], slice(keys[-1], keys[-1] + 1 or None))].reshape(1)
    return part if part.flags.c_contiguous and not _advanced(key) else part.copy()


def _advanced(key):
    return isinstance(key, list) or isinstance(key, tuple) and any(isinstance(k, list) for k in key)


def run(program, ctx):
    """Run a program on NDArrays and on the model, and compare everything after every step."""
    start = np.arange(12, dtype="float32").reshape(2, 3, 2)
    arrays, models, value = [mx.nd.array(start, ctx=ctx)], [start.copy()], 100.0
    for kind, what, which in program:
        x, model = arrays[which % len(arrays)], models[which % len(arrays)]
        value += 1
        try:
            if kind == "derive":
                mine, theirs = STEPS[what]
                expected = theirs(model)
                arrays.append(mine(x))
                models.append(expected)
            elif kind == "part":
                expected = contiguous_part(model, KEYS[what])
                arrays.append(x[KEYS[what]])
                models.append(expected)
            elif kind == "write":
                model[KEYS[what]] = value
                x[KEYS[what]] = value
            elif kind == "add":
                model += value
                x += value
            elif kind == "copyto":
                if models[what % len(models)].shape == model.shape:
                    models[what % len(models)][...] = model
                    x.copyto(arrays[what % len(arrays)])
            elif len(arrays) > 1:
                arrays.pop(which % len(arrays))
                models.pop(which % len(models))
        except (IndexError, ValueError):  # the model refuses this key or shape, so nothing happened
            continue
        for got, expected in zip(arrays, models):
            np.testing.assert_array_equal(got.asnumpy(), expected)


@settings(max_examples=300, deadline=None)
@given(st.lists(step, max_size=14))
def test_programs_of_views_aliases_and_writes(program):
    run(program, mx.cpu())


@settings(max_examples=60, deadline=None)
@given(program=st.lists(step, max_size=10))
def test_programs_on_the_fake_device(fake, program):
    run(program, fake(1))


def test_an_alias_is_not_copied_until_somebody_writes():
    x = mx.nd.zeros((4, 3))
    y = x.transpose()
    assert np.shares_memory(x._raw, y._raw)
    x[:] = 1
    assert not np.shares_memory(x._raw, y._raw)
    assert y.asnumpy().sum() == 0


def test_a_write_to_an_alias_leaves_the_source():
    x = mx.nd.zeros((2, 2))
    y = x.transpose()
    z = y.transpose()
    y += 1
    assert (x.asnumpy().sum(), y.asnumpy().sum(), z.asnumpy().sum()) == (0, 4, 0)


def test_many_aliases_do_not_pile_up():
    x = mx.nd.zeros((2, 2))
    for _ in range(1000):
        x.transpose()
    assert len(x._storage.aliases) < 200


def test_overwriting_an_auxiliary_state_that_is_an_alias():
    """An operator that overwrites an input overwrites the caller's array, also when that shared memory with another."""
    source = mx.nd.zeros((2, 3))
    mean = source.reshape((6,)).transpose()
    data, ones = mx.nd.ones((4, 6)) * 1.5, mx.nd.ones((6,))
    with mx.autograd.train_mode():
        mx.nd.BatchNorm(data, ones, mx.nd.zeros((6,)), mean, mx.nd.ones((6,)), momentum=0.5)
    assert mean.asnumpy().min() > 0.4
    assert source.asnumpy().sum() == 0


@pytest.mark.parametrize(
    "make",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), lambda x: x.copy()],
    ids=["copy", "deepcopy", "pickle", "method"],
)
def test_copies(device, make):
    x = mx.nd.array([[1, 2], [3, 4]], ctx=device, dtype="float64")
    y = make(x)
    assert y.context is device
    assert y.dtype is np.float64
    x[:] = 0
    assert y.asnumpy().tolist() == [[1, 2], [3, 4]]


def test_deepcopy_keeps_the_gradient_request():
    x = mx.nd.ones((2,))
    x.attach_grad("add")
    y = copy.deepcopy(x)
    assert y._grad_req == "add"
    assert y.grad is not x.grad


def test_dlpack_shares_both_ways():
    x = mx.nd.array([1, 2, 3])
    host = np.from_dlpack(x)
    x[0] = 9
    assert host.tolist() == [9, 2, 3]
    source = np.zeros(3, "int32")
    shared = mx.nd.from_dlpack(source)
    source[1] = 4
    assert shared.asnumpy().tolist() == [0, 4, 0]
    shared[0] = 5
    assert source[0] == 5


def test_dlpack_capsules():
    x = mx.nd.array([1, 2])
    for capsule in (x.to_dlpack_for_write(), mx.nd.to_dlpack_for_write(x)):
        mx.nd.from_dlpack(capsule)[:] += 1
    for capsule in (x.to_dlpack_for_read(), mx.nd.to_dlpack_for_read(x)):
        y = mx.nd.from_dlpack(capsule)
        x += 1
        assert y.asnumpy().tolist() == x.asnumpy().tolist()
    assert x.asnumpy().tolist() == [5, 6]


def test_dlpack_of_an_alias_gives_the_alias_its_own_memory_first():
    x = mx.nd.zeros((2, 3))
    np.from_dlpack(x.transpose())
    y = x.transpose()
    host = np.from_dlpack(y)
    x[:] = 1
    assert host.sum() == 0


def test_from_numpy():
    host = np.arange(4.0)
    shared, copied = mx.nd.from_numpy(host), mx.nd.from_numpy(host, zero_copy=False)
    host[0] = 7
    assert (shared[0].asscalar(), copied[0].asscalar()) == (7, 0)
    assert shared.dtype is np.float64
    with pytest.raises(ValueError, match="Only c-contiguous arrays are supported for zero-copy"):
        mx.nd.from_numpy(np.zeros((2, 3)).T)


def test_arrays_are_freed_at_once():
    gc.disable()
    try:
        x = mx.nd.zeros((2, 3))
        parts = [x[0], x.transpose(), x.reshape((6,)), x + 1, x.detach()]
        watched = [weakref.ref(p) for p in (x, *parts)]
        del x, parts
        assert [w() for w in watched] == [None] * 6
    finally:
        gc.enable()


def test_iteration_gives_views():
    x = mx.nd.zeros((3, 2))
    for i, row in enumerate(x):
        row[:] = i
    assert x.asnumpy().tolist() == [[0, 0], [1, 1], [2, 2]]


def test_save_and_load(tmp_path, device):
    arrays = {"a": mx.nd.array([[1, 2]], ctx=device), "b": mx.nd.array([3], dtype="int64", ctx=device)}
    mx.nd.save(tmp_path / "dict", arrays)
    mx.nd.save(tmp_path / "list", list(arrays.values()))
    mx.nd.save(tmp_path / "one", arrays["a"])
    loaded = mx.nd.load(tmp_path / "dict")
    assert sorted(loaded) == ["a", "b"]
    assert all(loaded[k].dtype is v.dtype and (loaded[k].asnumpy() == v.asnumpy()).all() for k, v in arrays.items())
    assert [v.asnumpy().tolist() for v in mx.nd.load(tmp_path / "list")] == [[[1, 2]], [3]]
    assert len(mx.nd.load(tmp_path / "one")) == 1
    assert mx.nd.load_frombuffer((tmp_path / "dict").read_bytes())["b"].asnumpy().tolist() == [3]


@pytest.mark.parametrize("data", [3, {"a": 1}, [1], {1: None}])
def test_save_refuses(tmp_path, data):
    with pytest.raises((TypeError, ValueError), match=r"save only accept|data needs to either be"):
        mx.nd.save(tmp_path / "f", data)
    assert not (tmp_path / "f").exists()


def test_an_error_keeps_no_arrays():
    """The traceback of an operator's error goes with the error, and with it the arrays, without the cycle collector."""
    gc.disable()
    try:
        x = mx.nd.zeros((2, 3))
        with pytest.raises(mx.MXNetError, match="broadcast_add"):
            mx.nd.broadcast_add(x, mx.nd.zeros((5,)))
        with pytest.raises(mx.MXNetError, match="elemwise_add"):
            mx.nd.elemwise_add(x, mx.nd.zeros((5,)))
        watched = weakref.ref(x)
        del x
        assert watched() is None
    finally:
        gc.enable()


def test_parts_share_memory_whatever_order_the_operator_chose():
    # Asked MXNet 1.9.1, whose arrays are all in C order.
    x = mx.nd.array([[1, 2, 3], [4, 5, 6]])
    y = x.transpose() * 2
    whole, part, column = y.detach(), y[0], y[:, 0]
    part[:] = 5
    np.testing.assert_array_equal(y.asnumpy(), [[5, 5], [4, 10], [6, 12]])
    np.testing.assert_array_equal(whole.asnumpy(), y.asnumpy())
    np.testing.assert_array_equal(column.asnumpy(), [2, 4, 6])
    z = mx.nd.Convolution(mx.nd.ones((1, 1, 3, 3)), mx.nd.ones((2, 1, 2, 2)), no_bias=True, num_filter=2, kernel=(2, 2))
    z[0][:] = 7
    assert (z.asnumpy() == 7).all()
