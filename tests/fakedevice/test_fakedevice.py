"""The fake device refuses what a real one refuses, and more; every refusal is tried here."""

import copy
import pickle

import numpy as np
import pytest

import blockscope as mx
from tests.fakedevice import FakeArray, FakeBackend, FakeDeviceError, counts, use
from tests.fakedevice.table import KINDS

xp = FakeBackend.xp
HOST = np.array([1.0, 2.0, 3.0], "float32")


@pytest.fixture
def x():
    with use(0):
        return xp.asarray(HOST)


MISUSES = {
    "add a host array": lambda x: x + HOST,
    "add to a host array": lambda x: HOST + x,
    "host array in a function": lambda x: xp.maximum(x, HOST),
    "host array as out": lambda x: xp.add(x, x, out=np.empty_like(HOST)),
    "host array inside a list": lambda x: xp.concatenate([x, HOST]),
    "only host arrays in a list": lambda x: xp.concatenate([HOST, HOST]),
    "host array as value": lambda x: x.__setitem__(slice(None), HOST),
    "list as value": lambda x: x.__setitem__(slice(None), [1, 2, 3]),
    "host index": lambda x: x[np.array([0, 1])],
    "list index": lambda x: x[[0, 1]],
    "host index in take": lambda x: xp.take(x, np.array([0])),
    "host index in put": lambda x: x.__setitem__(np.array([0]), 1),
    "host index in add.at": lambda x: xp.add.at(x, np.array([0]), 1),
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.float32(array)": np.float32,
    "numpy function": np.sum,
    "numpy ufunc": np.exp,
    "list in a ufunc": lambda x: xp.add([1], x),
    "ufunc of host numbers": lambda x: xp.exp(2.0),
    "function of a list": lambda x: xp.sum([1, 2]),
    "take with a mode": lambda x: xp.take(x, xp.asarray([0]), mode="clip"),
    "method take with a mode": lambda x: x.take(xp.asarray([0]), mode="clip"),
    "reduce of maximum": lambda x: xp.maximum.reduce(x),
    "accumulate of minimum": lambda x: xp.minimum.accumulate(x),
    "divide.at": lambda x: xp.divide.at(x, xp.asarray([0]), 1),
    "where= of a ufunc": lambda x: xp.add(x, x, where=x > 1),
    "where= of a sum": lambda x: xp.sum(x, where=x > 1),
    "initial= of a max": lambda x: xp.max(x, initial=0),
    "repeats in an array": lambda x: xp.repeat(x, xp.asarray([1, 2, 3])),
    "einsum with order": lambda x: xp.einsum("i->", x, order="C"),
    "missing insert": lambda x: xp.insert(x, 0, 1),
    "missing block": lambda x: xp.block([x]),
    "missing errstate": lambda x: xp.errstate(),
    "constructor": lambda x: FakeArray(),
    "pickle": pickle.dumps,
}


@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES.keys())
def test_refuses(x, misuse):
    with use(0), pytest.raises((FakeDeviceError, TypeError)):
        misuse(x)


@pytest.mark.parametrize(
    "leak",
    ["__array_interface__", "__array_struct__", "__buffer__", "data", "ctypes", "setflags", "resize", "_held", "held"],
)
def test_hides_its_memory(x, leak):
    assert not hasattr(x, leak)
    assert not isinstance(x, np.ndarray)


def test_gives_no_memory_by_buffer_or_dlpack(x):
    with pytest.raises(TypeError):
        memoryview(x)
    with pytest.raises((BufferError, TypeError)):
        np.from_dlpack(x)


def test_refuses_arrays_of_another_device(x):
    with use(1):
        other = xp.asarray(HOST)
        with pytest.raises(FakeDeviceError, match="device 0"):
            xp.add(x, other)
        with pytest.raises(FakeDeviceError, match="device 0"):
            other[x > 1]


def test_refuses_an_array_while_another_device_is_current(x):
    with use(2), pytest.raises(FakeDeviceError, match="device 0 was used while device 2 is current"):
        x + 1


def test_wraps_indices_out_of_range(x):
    i = xp.asarray(np.array([0, 3, 7, -1]))
    assert x[i].get().tolist() == [1, 1, 2, 3]
    assert xp.take(x, i).get().tolist() == [1, 1, 2, 3]
    assert xp.take_along_axis(x, i, 0).get().tolist() == [1, 1, 2, 3]
    x[xp.asarray(np.array([4]))] = 9
    assert x.get().tolist() == [1, 9, 3]


def test_keeps_the_first_of_repeated_indices(x):
    # NumPy keeps the last one and CuPy any; code that relies on one of them must fail somewhere.
    x[xp.asarray(np.array([1, 1]))] = xp.asarray(np.array([5.0, 6.0], "float32"))
    assert x.get().tolist() == [1, 5, 3]


def test_reductions_give_arrays_of_no_axes(x):
    for result in (x.sum(), xp.max(x), x[1], xp.dot(x, x), xp.array_equal(x, x)):
        assert type(result) is FakeArray
        assert result.shape == ()


def test_fresh_memory_is_spoiled():
    with use(0):
        assert np.isnan(xp.empty(3).get()).all()
        assert xp.empty(2, "int32").get()[0] > 2**30
        assert np.isnan(xp.empty_like(xp.zeros(2)).get()).all()


def test_counts_copies_and_waits():
    counts.reset()
    x = xp.asarray(HOST)
    assert (counts.h2d, counts.d2h, counts.syncs) == (12, 0, 0)
    y = (x * 2).sum()
    assert (counts.h2d, counts.d2h, counts.syncs) == (12, 0, 0)
    assert float(y) == 12.0
    assert bool(y > 1)
    assert (counts.d2h, counts.syncs) == (5, 2)
    x[x > 1]
    assert counts.syncs == 3
    xp.nonzero(x)
    assert counts.syncs == 4


def test_views_share_memory(x):
    x[1:][0] = 7
    assert x.get().tolist() == [1, 7, 3]
    x.reshape((3, 1))[2, 0] = 8
    assert x.get().tolist() == [1, 7, 8]
    assert x[1:].base is not None


def test_out_and_in_place_keep_the_object(x):
    y = xp.empty_like(x)
    assert xp.add(x, 1, out=y) is y
    z = y
    z += 1
    assert z is y
    assert y.get().tolist() == [3, 4, 5]


def test_numpy_scalars_mix(x):
    assert (np.float32(2) * x).get().tolist() == [2, 4, 6]
    assert (x * np.float32(2)).dtype == np.float32


def test_copies(x):
    for y in (copy.copy(x), copy.deepcopy(x), x.copy()):
        y[0] = 5
        assert x.get().tolist() == [1, 2, 3]


def test_table_agrees_with_numpy():
    # A name in the table that NumPy lacks would be hidden from nobody: the table would be stale.
    missing = [n for n in KINDS["function"] if not hasattr(np, n)] + [n for n in KINDS["ufunc"] if not hasattr(np, n)]
    assert set(missing) <= {"row_stack"}  # NumPy 2.5 dropped it; CuPy 14 still has it
    assert all(hasattr(np.ndarray, n) for n in KINDS["method"])


def test_users_cannot_pick_it_without_the_session_fixture():
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", "import blockscope as mx; mx.Context('fake', 0)"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Unknown device type 'fake'" in done.stderr


def test_contexts_of_two_fake_devices_do_not_mix(fake):
    a, b = mx.nd.ones((2,), ctx=fake(0)), mx.nd.ones((2,), ctx=fake(1))
    with pytest.raises(mx.MXNetError, match=r"broadcast_add got arrays on fake\(0\) and fake\(1\)"):
        a + b
    with pytest.raises(mx.MXNetError, match=r"on fake\(0\) and cpu\(0\)"):
        a + mx.nd.ones((2,))


def test_graph_over_two_devices(fake):
    # One leaf on each device, one sum on device 0: every step runs where its arrays are.
    a, b = mx.nd.array([1, 2], ctx=fake(0)), mx.nd.array([3, 4], ctx=fake(2))
    for x in (a, b):
        x.attach_grad()
    with mx.autograd.record():
        y = (a * (b * b).as_in_context(fake(0)) + (b * 2).as_in_context(fake(0))).sum()
    y.backward()
    assert a.grad.context is fake(0)
    assert b.grad.context is fake(2)
    assert a.grad.asnumpy().tolist() == [9, 16]
    assert b.grad.asnumpy().tolist() == [8, 18]  # 2 a b + 2
