"""Contexts: identity, names, the current one per thread and task, environments, seeds; a GPU's without a GPU."""

import asyncio
import copy
import importlib.util
import pickle
import subprocess
import sys
import threading

import pytest

import blockscope as mx
from blockscope.backend import backend_of
from blockscope.backend.base import Backend


def test_one_object_a_device():
    assert mx.cpu() is mx.cpu(0) is mx.Context("cpu") is mx.Context("cpu", 0) is mx.Context(mx.cpu())
    assert mx.cpu(0) is not mx.cpu(1)
    assert mx.cpu(0) != mx.cpu(1)
    assert mx.gpu(1) is mx.Context("gpu", 1)
    assert mx.cpu_pinned() == mx.Context("cpu_pinned", 0)
    assert len({mx.cpu(0), mx.cpu(0), mx.cpu(1), mx.gpu(0)}) == 3


def test_names_and_numbers():
    assert (str(mx.gpu(2)), repr(mx.cpu())) == ("gpu(2)", "cpu(0)")
    assert (mx.gpu(2).device_type, mx.gpu(2).device_id, mx.gpu(2).device_typeid) == ("gpu", 2, 2)
    assert [mx.Context.devstr2type[n] for n in ("cpu", "gpu", "cpu_pinned", "cpu_shared")] == [
        1,
        2,
        3,
        5,
    ]  # MXNet's numbers
    assert all(mx.Context.devtype2str[v] == k for k, v in mx.Context.devstr2type.items())


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies_are_the_same_object(make):
    assert make(mx.cpu(3)) is mx.cpu(3)


def test_an_unknown_device_type():
    with pytest.raises(KeyError, match="tpu") as caught:  # the class is MXNet's
        mx.Context("tpu")
    assert "use one of" in "".join(caught.value.__notes__)


def test_current_context_nests_and_unwinds():
    assert mx.current_context() is mx.cpu(0)
    with mx.cpu(1):
        with pytest.raises(ValueError, match="x"), mx.cpu(2):
            assert mx.current_context() is mx.cpu(2)
            raise ValueError("x")
        with mx.cpu(1):
            pass
        assert mx.current_context() is mx.cpu(1)
    assert mx.current_context() is mx.cpu(0)


def test_each_thread_starts_at_the_default():
    seen = []
    with mx.cpu(4):
        thread = threading.Thread(target=lambda: seen.append(mx.current_context()))
        thread.start()
        thread.join()
    assert seen == [mx.cpu(0)]


def test_tasks_do_not_disturb_each_other():
    async def work(number):
        with mx.cpu(number):
            await asyncio.sleep(0)
            return mx.current_context()

    async def main():
        return await asyncio.gather(*(work(n) for n in range(5)))

    assert asyncio.run(main()) == [mx.cpu(n) for n in range(5)]
    assert mx.current_context() is mx.cpu(0)


def test_threads_that_ask_at_once_get_one_object():
    made, start = [], threading.Barrier(8)

    def ask():
        start.wait()
        made.append(mx.Context("cpu", 97))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(map(id, made))) == 1


def test_environments_know_their_mode():
    predicting, training = mx.cpu(0)._environments
    assert (predicting.training, training.training) == (False, True)
    assert predicting.ctx is training.ctx is mx.cpu(0)
    assert not hasattr(mx.cpu(0), "not_there")


def test_seeds_make_a_context_repeat(device):
    device._seed(5)
    first = device._random_state().uniform(0, 1, (4,), "float32")
    device._seed(5)
    again = device._random_state().uniform(0, 1, (4,), "float32")
    to_host = device._backend.to_host
    assert to_host(first).tolist() == to_host(again).tolist()
    assert to_host(device._random_state().uniform(0, 1, (4,), "float32")).tolist() != to_host(again).tolist()


def test_contexts_have_random_states_of_their_own():
    mx.cpu(5)._seed(1)
    mx.cpu(6)._seed(1)
    a = mx.cpu(5)._random_state().uniform(0, 1, (3,), "float32")
    mx.cpu(5)._random_state().uniform(0, 1, (3,), "float32")
    b = mx.cpu(6)._random_state().uniform(0, 1, (3,), "float32")
    assert a.tolist() == b.tolist()


# ---- the GPU where there is none ----


def test_naming_a_gpu_touches_nothing():
    code = (
        "import sys, blockscope as mx; mx.gpu(3); str(mx.gpu(0)); mx.nd.ones((2,)) + 1; mx.nd.waitall();"
        "assert 'cupy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="cupy is installed")
def test_using_a_gpu_without_cupy_says_what_to_install():
    assert mx.num_gpus() == 0
    for use in (
        lambda: mx.nd.zeros((2,), ctx=mx.gpu()),
        lambda: mx.nd.array([1], ctx=mx.gpu(1)),
        lambda: mx.nd.ones((2,)).copyto(mx.gpu()),
    ):
        with pytest.raises(
            mx.MXNetError, match=r"the package cupy is not installed: install it with .*blockscope-gluon\[cuda12\]"
        ):
            use()
    with mx.gpu():  # naming it is fine
        assert mx.current_context() is mx.gpu(0)


# ---- backends ----


def interface():
    return {n for n in vars(Backend) if not n.startswith("_")}


def backends():
    from tests.fakedevice import FakeBackend

    return [type(backend_of("cpu")), type(backend_of("gpu")), FakeBackend]


@pytest.mark.parametrize("kind", backends(), ids=lambda k: k.__name__)
def test_every_backend_offers_the_same(kind):
    own = {n for n in vars(kind) if not n.startswith("_")}
    assert own <= interface() | {"counts"}
    optional = {"use", "synchronize", "mixes_contexts", "name", "memory_info"}
    assert interface() - own <= optional


def test_an_incomplete_backend_says_what_is_missing():
    backend = Backend()
    for call in (
        backend.array_type,
        lambda: backend.from_host(0, 0),
        lambda: backend.to_host(0),
        lambda: backend.copy(0, 0),
        lambda: backend.random_state(0, 0),
        lambda: backend.add_at(0, 0, 0),
        lambda: backend.special,
        lambda: backend.linalg,
        backend.count,
        lambda: backend.memory_info(0),
    ):
        with pytest.raises(mx.MXNetError, match="backend abstract"):
            call()
    assert backend.use(0) is None


def test_host_and_device_round_trip(device):
    import numpy as np

    backend = device._backend
    host = np.arange(6, dtype="int16").reshape(2, 3).T
    raw = backend.from_host(host, device.device_id)
    assert type(raw) is backend.array_type()
    back = backend.to_host(backend.copy(raw, device.device_id))
    assert back.flags.c_contiguous
    assert back.dtype == host.dtype
    assert back.tolist() == host.tolist()
    back[0] = 9
    assert backend.to_host(raw).tolist() == host.tolist()
    backend.synchronize(device.device_id)
    backend.empty_cache(device.device_id)
    device.empty_cache()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64"])
def test_add_at_accumulates(device, dtype):
    import numpy as np

    backend = device._backend
    with device._use():
        target = backend.from_host(np.zeros(3, dtype), device.device_id)
        index = backend.from_host(np.array([2, 0, 2]), device.device_id)
        backend.add_at(target, index, backend.from_host(np.array([1, 2, 3], dtype), device.device_id))
    assert backend.to_host(target).tolist() == [2, 0, 4]
