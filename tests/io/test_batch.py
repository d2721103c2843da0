"""Descriptions, batches and the base class. Golden texts are what MXNet 1.9.1 gives for the same lines."""
import copy
import pickle

import numpy as np
import pytest

import blockscope as mx
from blockscope.errors import public_class


def test_a_description_is_a_pair_with_type_and_layout_beside():
    desc = mx.io.DataDesc("x", (1, 2), "float16", "NT")
    name, shape = desc
    assert (name, shape, desc.dtype, desc.layout) == ("x", (1, 2), "float16", "NT")
    assert desc == ("x", (1, 2)) == mx.io.DataDesc("x", (1, 2)) and len(desc) == 2
    assert repr(desc) == "DataDesc[x,(1, 2),float16,NT]"
    assert repr(mx.io.DataDesc("x", (1, 2))) == "DataDesc[x,(1, 2),<class 'numpy.float32'>,NCHW]"


@pytest.mark.parametrize("copied", [lambda desc: pickle.loads(pickle.dumps(desc)), copy.copy, copy.deepcopy,
                                    lambda desc: desc._replace(name="x")])
def test_copies_of_a_description_keep_type_and_layout(copied):
    assert repr(copied(mx.io.DataDesc("x", (1, 2), "float16", "NT"))) == "DataDesc[x,(1, 2),float16,NT]"


def test_lists_of_descriptions():
    shapes = [("a", (1,)), ("b", (2,))]
    assert repr(mx.io.DataDesc.get_list(shapes, None)) == (
        "[DataDesc[a,(1,),<class 'numpy.float32'>,NCHW], DataDesc[b,(2,),<class 'numpy.float32'>,NCHW]]")
    assert repr(mx.io.DataDesc.get_list(shapes, [("a", "int"), ("b", np.int8)])) == (
        "[DataDesc[a,(1,),int,NCHW], DataDesc[b,(2,),<class 'numpy.int8'>,NCHW]]")
    with pytest.raises(KeyError, match="'b'"):
        mx.io.DataDesc.get_list(shapes, [("a", "int")])


def test_a_batch_takes_lists_only():
    with pytest.raises(AssertionError, match="^Data must be list of NDArrays$"):
        mx.io.DataBatch(mx.nd.ones(1))
    with pytest.raises(AssertionError, match="^Label must be list of NDArrays$"):
        mx.io.DataBatch([mx.nd.ones(1)], mx.nd.ones(1))
    batch = mx.io.DataBatch((mx.nd.ones(1),), bucket_key=3, provide_data=[mx.io.DataDesc("x", (1,))])
    assert str(batch) == "DataBatch: data shapes: [(1,)] label shapes: None"
    assert (batch.pad, batch.index, batch.bucket_key, batch.provide_label) == (None, None, 3, None)


def test_an_iterator_without_batches_ends():
    empty = mx.io.DataIter(3)
    assert empty.batch_size == 3 and list(empty) == [] and empty.getindex() is None and empty.reset() is None


def test_classes_live_where_mxnet_has_them():
    for name in ("DataBatch", "DataDesc", "DataIter", "MXDataIter", "NDArrayIter", "PrefetchingIter", "ResizeIter"):
        assert public_class(getattr(mx.io, name)) in (f"<class 'blockscope.io.io.{name}'>", f"<class 'mxnet.io.io.{name}'>")
        assert getattr(mx.io.io, name) is getattr(mx.io, name)


def test_helpers_of_other_iterators():
    # Third-party iterators import these; the values are MXNet's.
    found = mx.io.utils._init_data([np.ones(2), mx.nd.zeros((2,))], allow_empty=False, default_name="x")
    assert [name for name, _ in found] == ["_0_x", "_1_x"] and mx.io.utils._has_instance(found, mx.nd.NDArray)
    assert mx.io.utils._init_data(None, allow_empty=True, default_name="x") == []
    assert not mx.io.utils._has_instance(found, int)
    assert mx.io.utils._getdata_by_idx(found, np.array([1, 0]))[0][1].asnumpy().tolist() == [1, 1]
