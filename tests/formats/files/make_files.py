"""Write again the files here that MXNet itself wrote. Run with the python of MXNet 1.9.1: python make_files.py FOLDER.

The rest are such files edited by hand (``source`` and ``note`` in manifest.json say how), or, ``legacy_ndarray.v0``, a
copy from MXNet's own tests (apache/mxnet 1.9.1, tests/python/unittest, Apache-2.0).
"""
import os
import sys

import mxnet as mx
import numpy as np
from mxnet import nd


def main(folder):
    def save(name, data):
        nd.save(os.path.join(folder, name), data)

    plain = [[0, 1, 2], [3, 100, 127]]
    types = ["float16", "float32", "float64", "uint8", "int8", "int32", "int64"]
    arrays = {"a_" + t: nd.array(np.array(plain), dtype=t) for t in types}
    for t in ("float32", "float16"):
        info = np.finfo(t)
        arrays["a_%s_special" % t] = nd.array(
            np.array([0.0, -0.0, np.inf, -np.inf, np.nan, info.smallest_subnormal, info.max], t), dtype=t)
    arrays["a_int64_big"] = nd.array(np.array([9007199254740993, -4611686018427387904, 2147483648]), dtype="int64")
    arrays["a_bool"] = nd.array(np.array([True, False, True]), dtype="bool")
    save("dtypes.params", arrays)
    save("list.params", [nd.ones(2), nd.arange(3), nd.array([[5]], dtype="int32")])
    save("single.params", nd.arange(4))
    save("empty_list.params", [])
    names = ["arg:conv0_weight", "aux:bn_running_mean", "arg:名前_üß_😀", "with space", "dot.key.0.weight", "slash/key",
             "", "k" * 300, "tab\tnew\nline"]
    save("keys.params", {name: nd.array([i]) for i, name in enumerate(names)})
    save("ctx.params", {"a": nd.ones(2), "b": nd.ones(2, ctx=mx.cpu(3))})
    numbers = nd.array([1, -2.5, 3.14159, 1e30])
    save("bfloat16.params", {"b": nd.amp_cast(numbers, dtype=np.dtype([("bfloat16", np.uint16)]))})
    save_sparse(os.path.join(folder, "sparse.params"))
    save_np_shapes(folder)


def save_sparse(path):
    rows, values = [1, 4], np.array([[1, 2], [3, 4]])
    dense = np.array([[1, 0, 2, 0], [0, 0, 0, 0], [0, 3, 0, 0]], "float32")
    nd.save(path, {
        "rs": nd.sparse.row_sparse_array((values, rows), shape=(6, 2), dtype="float32"),
        "csr": nd.sparse.csr_matrix(dense),
        "rs_empty": nd.sparse.zeros("row_sparse", (5, 3)),
        "csr_empty": nd.sparse.csr_matrix(np.zeros((4, 4), "float32")),
        "rs_f64": nd.sparse.row_sparse_array((values, rows), shape=(6, 2), dtype="float64"),
        "rs_huge": nd.sparse.row_sparse_array(([[9.0]], [2 ** 30]), shape=(2 ** 31 - 2, 1)),
        "dense": nd.ones(1)})


def save_np_shapes(folder):
    mx.npx.set_np()
    np_arrays = {"scalar": mx.np.array(3.5), "scalar_i": mx.np.array(7, dtype="int64"), "zero": mx.np.zeros(0),
                 "zero2": mx.np.zeros((3, 0, 2), dtype="int32"), "bool": mx.np.array([1.0, 0.0]),
                 "plain": mx.np.arange(6).reshape(2, 3), "float64": mx.np.array([1.5], dtype="float64")}
    mx.npx.save(os.path.join(folder, "npshape.params"), np_arrays)
    mx.npx.save(os.path.join(folder, "npshape_list.params"), [mx.np.array(1.0), mx.np.ones(2)])
    mx.npx.reset_np()


if __name__ == "__main__":
    main(sys.argv[1])
