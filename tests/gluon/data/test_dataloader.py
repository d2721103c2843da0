"""DataLoader: the same batches from this thread, from threads and from processes. Results were asked of MXNet 1.9.1."""
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import traceback

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon.data import (ArrayDataset, BatchSampler, DataLoader, Dataset, SequentialSampler, SimpleDataset,
                                   dataloader)

# Python 3.12 warns when a program with threads forks, such as those of a loader of the test before.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="fork and /proc of Linux")
HOW = {"here": {}, "threads": {"num_workers": 2, "thread_pool": True}, "processes": {"num_workers": 2}}
ways = pytest.mark.parametrize("how", HOW.values(), ids=HOW.keys())


class Images(Dataset):
    """Samples large enough to go by shared memory; the first pixel is the index."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        image = np.zeros((3, 32, 32), np.float32)
        image[0, 0, 0] = index
        return image, index


class Failing(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == 3:
            raise KeyError("no sample 3")
        return index


class Random(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return np.random.rand()


class Awkward(Exception):
    """An exception that cannot be built from its message."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def raise_awkward(sample):
    raise Awkward(sample, 2)


def same_stack(samples):
    return np.stack(samples)


def numbers(batch):
    return [part.asnumpy().tolist() for part in batch] if isinstance(batch, list) else batch.asnumpy().tolist()


def kinds(batch):
    if isinstance(batch, list):
        return [kinds(part) for part in batch]
    return batch.dtype.__name__, batch.shape


@ways
def test_batches(how):
    data = ArrayDataset(list(range(10)), list(range(10, 20)))
    loader = DataLoader(data, 4, **how)
    expected = [[[0, 1, 2, 3], [10, 11, 12, 13]], [[4, 5, 6, 7], [14, 15, 16, 17]], [[8, 9], [18, 19]]]
    for _ in range(3):
        assert [numbers(batch) for batch in loader] == expected
    assert len(loader) == 3 and len(DataLoader(data, 4, last_batch="discard")) == 2


@ways
@pytest.mark.parametrize("samples, expected", [
    ([1, 2], ("int64", (2,))), ([1.5, 2.5], ("float64", (2,))), ([np.float16(1)] * 2, ("float16", (2,))),
    ([(1, 2.0), (3, 4.0)], [("int64", (2,)), ("float64", (2,))]), ([[1, 2], [3, 4]], ("int64", (2, 2))),
    ([np.ones((2, 3), "uint8")] * 2, ("uint8", (2, 2, 3))),
    ([(1, (2, 3)), (1, (2, 3))], [("int64", (2,)), [("int64", (2,)), ("int64", (2,))]]),
    ([mx.nd.array([1, 2, 3])] * 2, ("float32", (2, 3))),
    ([(mx.nd.array([1, 2]), 1)] * 2, [("float32", (2, 2)), ("int64", (2,))]),
])
def test_types_and_nesting_of_the_default_batch(how, samples, expected):
    batch, = DataLoader(samples, 2, **how)
    assert kinds(batch) == expected


def test_samples_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="the samples of a batch do not stack: .* a batchify_fn that pads"):
        list(DataLoader([np.ones(2), np.ones(3)], 2))


@pytest.mark.parametrize("fields", [
    [np.arange(12.0).reshape(6, 2)], [np.arange(12, dtype="uint8").reshape(6, 2), np.arange(6)],
    [np.arange(6, dtype="float32"), np.arange(6) > 2], [mx.nd.array(np.arange(12).reshape(6, 2)), np.arange(6)]])
def test_gathering_an_array_dataset_equals_stacking_its_samples(fields):
    gathered = list(DataLoader(ArrayDataset(*fields), 4))
    stacked = list(DataLoader(ArrayDataset(*fields), 4, batchify_fn=lambda s: dataloader.default_batchify_fn(s)))
    assert [kinds(batch) for batch in gathered] == [kinds(batch) for batch in stacked]
    assert [numbers(batch) for batch in gathered] == [numbers(batch) for batch in stacked]
    first = gathered[0][0] if isinstance(gathered[0], list) else gathered[0]
    before = np.asarray(fields[0]).copy()
    first[:] = 5  # a batch is a copy
    assert (np.asarray(fields[0]) == before).all()


def test_shuffle_follows_numpy_random_seed_as_in_mxnet():
    np.random.seed(3)
    assert [numbers(batch) for batch in DataLoader(list(range(6)), 4, shuffle=True)] == [[3, 5, 4, 1], [0, 2]]


@ways
def test_batch_sampler_and_batchify_fn(how):
    loader = DataLoader(list(range(5)), batch_sampler=BatchSampler(SequentialSampler(5), 2, "rollover"),
                        batchify_fn=same_stack, **how)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]
    assert [batch.tolist() for batch in loader] == [[4, 0], [1, 2], [3, 4]]


@pytest.mark.parametrize("arguments, message", [
    ({}, "batch_size must be specified unless batch_sampler is specified"),
    ({"batch_size": 2, "shuffle": True, "sampler": SequentialSampler(3)},
     "shuffle must not be specified if sampler is specified"),
    ({"batch_size": 2, "batch_sampler": BatchSampler(SequentialSampler(3), 2)},
     "batch_size, shuffle, sampler and last_batch must not be specified if batch_sampler is specified."),
])
def test_contradictions(arguments, message):
    with pytest.raises(ValueError, match=message):
        DataLoader([1, 2, 3], **arguments)


def test_timeout_must_be_positive_and_unknown_arguments_are_refused():
    with pytest.raises(AssertionError, match="timeout must be positive, given 0"):
        DataLoader([1], 1, timeout=0)
    with pytest.raises(TypeError, match="try_nopython"):  # of MXNet 2; 1.9.1 refuses it too
        DataLoader([1], 1, try_nopython=True)


def test_pinned_batches():
    batch, = DataLoader([(1, 2), (3, 4)], 2, pin_memory=True)
    assert [str(part.context) for part in batch] == ["cpu_pinned(0)"] * 2


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_start_methods(start_method):
    if start_method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {start_method}")
    loader = DataLoader(Images(), 4, num_workers=2, start_method=start_method)
    for _ in range(2):
        batches = list(loader)
        assert [batch[0].asnumpy()[:, 0, 0, 0].tolist() for batch in batches] == [
            [0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
        assert batches[2][1].asnumpy().tolist() == [8, 9, 10, 11]


def test_the_start_method_is_the_users_or_a_safe_one(monkeypatch):
    from blockscope.gluon.data import _workers

    monkeypatch.setattr(_workers.multiprocessing, "get_start_method", lambda allow_none: None)
    monkeypatch.setattr(_workers.sys, "platform", "linux")
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    assert _workers.choose_start_method() == "fork"
    monkeypatch.setitem(sys.modules, "cupy", None)  # CUDA does not survive a fork
    assert _workers.choose_start_method() == "spawn"
    monkeypatch.delitem(sys.modules, "cupy")
    monkeypatch.setattr(_workers.sys, "platform", "darwin")
    assert _workers.choose_start_method() == "spawn"
    monkeypatch.setattr(_workers.multiprocessing, "get_start_method", lambda allow_none: "forkserver")
    assert _workers.choose_start_method() == "forkserver"


def test_what_cannot_be_pickled_is_explained():
    with pytest.raises(TypeError, match="cannot be sent to worker processes started by 'spawn'.*thread_pool=True"):
        DataLoader(SimpleDataset([1]).transform(lambda x: x), 1, num_workers=1, start_method="spawn")


@linux_only
def test_large_batches_share_memory_and_can_be_written():
    from blockscope.gluon.data import _transport

    batch = next(iter(DataLoader(Images(), 12, num_workers=1)))[0]
    assert batch.size * 4 > _transport.INLINE_BYTES
    with open("/proc/self/maps", encoding="utf-8") as maps:
        assert "memfd:blockscope-batch" in maps.read()
    batch[:] = 7
    assert batch.asnumpy().sum() == 7 * batch.size


@linux_only
def test_kept_batches_do_not_use_up_the_descriptors(monkeypatch):
    from blockscope.gluon.data import _transport

    monkeypatch.setattr(_transport, "MAX_MAPPED_DESCRIPTOR", 0)
    loader = DataLoader(Images(), 12, num_workers=1)
    before = len(os.listdir("/proc/self/fd"))
    batches = [batch for _ in range(5) for batch in loader]
    assert len(os.listdir("/proc/self/fd")) == before
    for images, _ in batches:
        images[:] += 1
        assert images.asnumpy()[:, 0, 0, 0].tolist() == list(range(1, 13))


@linux_only
def test_nothing_is_left_behind():
    def state():
        gc.collect()
        return len(os.listdir("/proc/self/fd")), sorted(os.listdir("/dev/shm")), multiprocessing.active_children()

    list(DataLoader(Images(), 4, num_workers=1))  # whatever the first use opens for good
    before = state()
    for _ in range(3):
        loader = DataLoader(Images(), 4, num_workers=2)
        complete = list(loader)
        begun = iter(loader)
        next(begun)
        del loader, complete, begun
    assert state() == before


@ways
def test_an_error_in_the_dataset_reaches_the_caller(how):
    loader = DataLoader(Failing(), 2, **how)
    for _ in range(2):  # and the loader can be used again
        batches = iter(loader)
        assert numbers(next(batches)) == [0, 1]
        with pytest.raises(KeyError, match="no sample 3") as caught:
            next(batches)
        shown = "".join(traceback.format_exception(caught.value))
        assert "in __getitem__" in shown and 'raise KeyError("no sample 3")' in shown


def test_an_error_that_cannot_be_pickled_reaches_the_caller():
    loader = DataLoader(SimpleDataset([1]).transform(raise_awkward), 1, num_workers=1)
    with pytest.raises(RuntimeError, match="Awkward: 1 and 2"):
        list(loader)


@linux_only
def test_a_batch_that_cannot_be_pickled_is_an_error():
    loader = DataLoader([1], 1, batchify_fn=lambda samples: (value for value in samples), num_workers=1,
                        start_method="fork")
    with pytest.raises(TypeError, match="cannot pickle 'generator' object"):
        list(loader)


@linux_only
def test_a_killed_worker_is_an_error_and_not_a_hang():
    def die(sample):
        if sample == 2 and os.path.exists(marker):
            os.kill(os.getpid(), signal.SIGKILL)
        return sample

    marker = __file__
    loader = DataLoader(SimpleDataset([0, 1, 2, 3]).transform(die), 1, num_workers=2, start_method="fork")
    with pytest.raises(RuntimeError, match=r"DataLoader worker \d \(process \d+\) was killed by signal 9 while it"):
        list(loader)
    marker = "/nothing"
    # New workers start with the next epoch. They are forked anew, so they see the changed marker.
    assert [numbers(batch) for batch in loader] == [[0], [1], [2], [3]]


@pytest.mark.parametrize("how", [{"thread_pool": True}, {}], ids=["threads", "processes"])
def test_a_slow_worker_is_reported(how):
    loader = DataLoader(SimpleDataset([0.5]).transform(time.sleep), 1, num_workers=1, timeout=0.05, **how)
    with pytest.raises(multiprocessing.TimeoutError, match="Worker timed out after 0.05 seconds"):
        list(loader)


def test_random_data_differ_between_batches_and_not_with_the_number_of_workers():
    def draw(workers):
        np.random.seed(5)
        return [numbers(batch) for batch in DataLoader(Random(), 2, num_workers=workers)]

    one, two, three = draw(1), draw(2), draw(3)
    assert one == two == three
    assert len({value for batch in one for value in batch}) == 8


def test_workers_do_not_draw_from_the_parents_generator():
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    list(DataLoader(list(range(4)), 2, num_workers=1))
    assert np.random.rand() == expected


@linux_only
def test_a_worker_forked_while_recording_does_not_record():
    with mx.autograd.record():
        loader = DataLoader([0], 1, batchify_fn=lambda _: mx.autograd.is_recording(), num_workers=1,
                            start_method="fork")
        assert list(loader) == [False] and mx.autograd.is_recording()


@pytest.mark.parametrize("how", [{"num_workers": 2, "thread_pool": True}, {"num_workers": 2}],
                         ids=["threads", "processes"])
def test_workers_make_batches_on_the_cpu_wherever_the_program_is(how):
    with mx.gpu(0):
        batch, = DataLoader([1, 2], 2, **how)
    assert batch.context == mx.cpu(0)


def test_arrays_on_a_device_stay_there(device):
    images = mx.nd.array(np.arange(12).reshape(6, 2), ctx=device)
    for data in (ArrayDataset(images, np.arange(6)), SimpleDataset([(image, n) for n, image in enumerate(images)])):
        loader = DataLoader(data, 4)
        assert [numbers(batch) for batch in loader] == [
            [[[0, 1], [2, 3], [4, 5], [6, 7]], [0, 1, 2, 3]], [[[8, 9], [10, 11]], [4, 5]]]
        assert [part.context for part in next(iter(loader))] == [device, mx.cpu()]


@ways
def test_iterators_of_one_loader_are_independent(how):
    loader = DataLoader(list(range(6)), 2, **how)
    first, second = iter(loader), iter(loader)
    mixed = [numbers(next(which)) for which in (first, second, first, second, second, first)]
    assert mixed == [[0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5]]


def test_auto_reload_prefetches_and_refresh_and_clean_control_it():
    fetched = []

    def fetch(sample):
        fetched.append(sample)
        return sample

    loader = DataLoader(SimpleDataset([1, 2]).transform(fetch), 1, num_workers=1, thread_pool=True, auto_reload=True)
    assert loader.auto_reload and _soon(lambda: fetched == [1, 2])
    assert [numbers(batch) for batch in loader] == [[1], [2]]
    assert _soon(lambda: fetched == [1, 2, 1, 2])  # the next epoch, before it is asked for
    loader.clean()
    lazy = DataLoader(SimpleDataset([3]).transform(fetch), 1, num_workers=1, thread_pool=True)
    iter(lazy)
    assert 3 not in fetched
    lazy.refresh()
    assert _soon(lambda: 3 in fetched)


def _soon(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


PROGRAM = """
import os, sys, time
import numpy as np
from blockscope.gluon.data import DataLoader, SimpleDataset
loader = DataLoader(SimpleDataset(list(range(50))), 1, num_workers=2)
batches = iter(loader)
next(batches)
print(*(worker.process.pid for worker in loader._worker_pool._workers), flush=True)
if sys.argv[1] == "kill":
    os.kill(os.getpid(), 9)
if sys.argv[1] == "raise":
    raise SystemExit(3)
"""


@linux_only
@pytest.mark.parametrize("end, code", [("return", 0), ("raise", 3), ("kill", -9)])
def test_workers_end_with_the_program(end, code):
    done = subprocess.run([sys.executable, "-c", PROGRAM, end], capture_output=True, text=True, timeout=60)
    assert done.returncode == code and done.stderr == ""
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2 and _soon(lambda: not any(_runs(pid) for pid in pids))


def _runs(pid):
    """Say whether a process is there and not only waiting for its end to be noticed."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_network_of_imports_stays_light():
    program = "import sys, blockscope.gluon.data; sys.exit('multiprocessing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
