"""NDArrayIter where MXNet fails, is silent, or differs on purpose; what they share is in test_recorded_programs."""
import sys
import types

import numpy as np
import pytest
import scipy.sparse

import blockscope as mx


def passes(iterator, number=1):
    """Return the first input of every batch of some passes."""
    found = []
    for _ in range(number):
        found.append([batch.data[0].asnumpy().tolist() for batch in iterator])
        iterator.reset()
    return found


def test_batches_are_on_the_device_of_the_data(device):
    data = mx.nd.arange(10, ctx=device).reshape((5, 2))
    iterator = mx.io.NDArrayIter(data, mx.nd.arange(5, ctx=device), batch_size=3, shuffle=True, last_batch_handle="roll_over")
    for _ in range(3):
        for batch in iterator:
            assert batch.data[0].context == batch.label[0].context == device
            np.testing.assert_array_equal(batch.data[0].asnumpy()[:, 0], 2 * batch.label[0].asnumpy())
        iterator.reset()


def test_padding_on_the_device_of_the_data(device):
    iterator = mx.io.NDArrayIter(mx.nd.arange(2, ctx=device), batch_size=7)
    assert passes(iterator) == [[[0, 1, 0, 1, 0, 1, 0]]]  # by hand


def test_the_callers_dictionary_stays_as_it_is():
    given = {"x": np.ones(3), "a": np.zeros(3)}
    iterator = mx.io.NDArrayIter(given, batch_size=3)
    assert list(given) == ["x", "a"] and type(given["x"]) is np.ndarray
    assert [desc.name for desc in iterator.provide_data] == ["a", "x"]


def test_samples_lie_along_the_axis_n():
    values = np.arange(10).reshape(2, 5)  # two steps, five samples: MXNet counts two samples
    assert passes(mx.io.NDArrayIter(values, batch_size=2, layout="TN")) == [[[[0, 1], [5, 6]], [[2, 3], [7, 8]], [[4, 0], [9, 5]]]]
    iterator = mx.io.NDArrayIter(values, batch_size=5, layout="TN", shuffle=True)
    (shuffled,), = passes(iterator)
    assert sorted(shuffled[0]) == [0, 1, 2, 3, 4] and [value + 5 for value in shuffled[0]] == shuffled[1]
    assert iterator.provide_data[0].shape == (2, 5)


def test_roll_over_needs_batches_that_the_data_can_fill():
    iterator = mx.io.NDArrayIter(np.arange(2), batch_size=5, last_batch_handle="roll_over")
    assert list(iterator) == []
    iterator.reset()
    with pytest.raises(mx.MXNetError, match="batches of 5 are asked of 2 samples"):
        iterator.next()


def test_hard_reset_forgets_what_was_left_over():
    iterator = mx.io.NDArrayIter(np.arange(5), batch_size=2, last_batch_handle="roll_over")
    passes(iterator)
    iterator.hard_reset()
    assert iterator.next().data[0].asnumpy().tolist() == [0, 1]


def test_an_unknown_way_to_end_a_pass_warns():
    with pytest.warns(UserWarning, match="last_batch_handle='keep' is none of"):
        iterator = mx.io.NDArrayIter(np.arange(3), batch_size=2, last_batch_handle="keep")
    assert passes(iterator) == [[[0, 1]]]


@pytest.mark.parametrize("data", [(np.ones(2),), "text", 3])
def test_only_arrays_lists_and_dictionaries_are_sources(data):
    # Text of MXNet 1.9.1.
    with pytest.raises(TypeError, match="^Input must be NDArray, numpy.ndarray, h5py.Dataset a list of them or dict with them as values$"):
        mx.io.NDArrayIter(data)


@pytest.mark.parametrize(("value", "shown"), [(object(), "object"), ("abc", "str")])
def test_what_is_no_array_is_refused(value, shown):
    # Text of MXNet 1.9.1.
    with pytest.raises(TypeError, match=f"^Invalid type '<class '{shown}'>' for data, should be NDArray, numpy.ndarray or h5py.Dataset$"):
        mx.io.NDArrayIter([value])


def test_a_sparse_matrix_is_refused_by_name():
    with pytest.raises(mx.MXNetError, match=r"data is a sparse matrix.*data\.toarray\(\)"):
        mx.io.NDArrayIter([scipy.sparse.csr_matrix(np.eye(2))])


@pytest.mark.parametrize("data", [None, [], {}])
def test_data_must_not_be_empty(data):
    with pytest.raises(AssertionError, match="it is empty"):
        mx.io.NDArrayIter(data)


def test_calls_out_of_order_say_so():
    iterator = mx.io.NDArrayIter(np.arange(3), batch_size=2)
    with pytest.raises(AssertionError, match="no batch has been reached yet"):
        iterator.getdata()
    list(iterator)
    with pytest.raises(AssertionError, match=r"^DataIter needs reset\.$"):  # text of MXNet 1.9.1
        iterator.getlabel()
    with pytest.raises(mx.MXNetError, match="batch_size must be at least 1, but got 0"):
        mx.io.NDArrayIter(np.arange(3), batch_size=0)


class Dataset:
    """What NDArrayIter needs of an HDF5 data set, with its limit: indices in strictly rising order."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __getitem__(self, key):
        for indices in key:
            if not isinstance(indices, slice) and not (np.diff(indices) > 0).all():
                raise TypeError("Indexing elements must be in increasing order")
        return self.values[key]


@pytest.fixture
def dataset(monkeypatch):
    module = types.ModuleType("h5py")
    module.Dataset = Dataset
    monkeypatch.setitem(sys.modules, "h5py", module)
    return Dataset


@pytest.mark.parametrize("handle", ["pad", "discard", "roll_over"])
def test_data_sets_in_files_keep_step_with_arrays(dataset, handle):
    # In MXNet they part in the second pass: it shuffles arrays in memory again and again, data sets once.
    data, label = dataset(np.arange(14).reshape(7, 2)), np.arange(7)
    iterator = mx.io.NDArrayIter(data, label, batch_size=3, shuffle=True, last_batch_handle=handle)
    orders = []
    for _ in range(4):
        orders.append([])
        for batch in iterator:
            np.testing.assert_array_equal(batch.data[0].asnumpy()[:, 0], 2 * batch.label[0].asnumpy())
            orders[-1] += batch.label[0].asnumpy().tolist()
        iterator.reset()
    assert len({tuple(order) for order in orders}) == 4
    assert iterator.provide_data[0].dtype == data.dtype
    assert [array.shape for array in iterator.data_list] == [(7, 2), (7,)]


def test_a_data_set_is_read_along_the_axis_n(dataset):
    iterator = mx.io.NDArrayIter({"x": dataset(np.arange(6).reshape(2, 3))}, batch_size=2, layout="TN")
    assert passes(iterator) == [[[[0, 1], [3, 4]], [[2, 0], [5, 3]]]]
