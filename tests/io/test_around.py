"""ResizeIter and PrefetchingIter beyond what test_recorded_programs compares with MXNet."""
import gc
import threading
import time
import weakref

import numpy as np
import pytest

import blockscope as mx


class Failing(mx.io.DataIter):
    """Gives a batch, then raises."""

    provide_data = [("data", (1,))]
    provide_label = []
    count = 0

    def next(self):
        self.count += 1
        if self.count == 2:
            raise ValueError("the disk is gone")
        return mx.io.DataBatch([mx.nd.ones((1,))], None, 0)


def test_an_error_in_a_thread_reaches_the_caller_and_ends_with_a_reset():
    iterator = mx.io.PrefetchingIter(Failing())  # MXNet waits for ever
    assert iterator.next().label == []
    for _ in range(2):
        with pytest.raises(ValueError, match="the disk is gone"):
            iterator.next()
    iterator.reset()
    assert iterator.next().data[0].asnumpy().tolist() == [1]


def test_one_batch_is_read_ahead():
    source = mx.io.NDArrayIter(np.arange(6), batch_size=2)
    iterator = mx.io.PrefetchingIter(source)
    deadline = time.monotonic() + 10
    while source.cursor < 0 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert source.cursor == 0
    assert iterator.iter_next() and iterator.getdata()[0].asnumpy().tolist() == [0, 1]
    assert (iterator.getlabel(), iterator.getindex(), iterator.getpad()) == ([], None, 0)


def test_threads_end_when_the_iterator_is_dropped():
    before = threading.active_count()
    iterator = mx.io.PrefetchingIter([mx.io.NDArrayIter(np.arange(4), batch_size=2) for _ in range(2)])
    gone = weakref.ref(iterator)
    iterator.next()
    del iterator
    gc.collect()
    assert gone() is None
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threading.active_count() <= before


def test_iterators_of_unequal_length_do_not_fit():
    iterator = mx.io.PrefetchingIter([mx.io.NDArrayIter(np.arange(count), batch_size=2) for count in (4, 6)])
    iterator.next()
    iterator.next()
    with pytest.raises(AssertionError, match="^Number of entry mismatches between iterators$"):
        iterator.next()


def test_new_names_keep_type_and_layout():
    iterator = mx.io.PrefetchingIter(mx.io.NDArrayIter(mx.nd.ones((4, 2), dtype="int8"), batch_size=2, layout="NC"), [{"data": "x"}])
    assert repr(iterator.provide_data) == "[DataDesc[x,(2, 2),<class 'numpy.int8'>,NC]]"  # NCHW in MXNet
    plain = mx.io.PrefetchingIter(Failing(), [{"data": "x"}])
    assert plain.provide_data == [("x", (1,))]


def test_wrong_arguments_are_named():
    with pytest.raises(AssertionError, match="the list of iterators is empty"):
        mx.io.PrefetchingIter([])
    with pytest.raises(ValueError, match="rename_data has 2 dictionaries for 1 iterators"):
        mx.io.PrefetchingIter(Failing(), [{}, {}])


def test_resize_keeps_what_the_inner_iterator_says_of_itself():
    source = mx.io.NDArrayIter(np.arange(4), batch_size=2)
    source.default_bucket_key = 10
    iterator = mx.io.ResizeIter(source, 3)
    assert (iterator.batch_size, iterator.default_bucket_key, iterator.provide_data) == (2, 10, source.provide_data)
    assert iterator.iter_next() and iterator.getdata()[0].asnumpy().tolist() == [0, 1]
    assert (iterator.getlabel(), iterator.getindex(), iterator.getpad()) == ([], None, 0)
