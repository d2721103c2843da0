"""Rows of the operators that only gradients and indexing use."""

import numpy as np

from . import Row

INTERNAL = "MXNet doesn't have this operator"
KEYS = [
    0,
    -1,
    slice(1, None),
    (slice(None), 1),
    (Ellipsis, slice(None, None, -2)),
    (slice(None, None, 2), None, 2),
    (1, 2),
]


def _put(shape, key, repeated):
    """Return the formula of _put_gradient: zeros with values added at a key."""

    def put(values):
        total = np.zeros(shape)
        if repeated:
            np.add.at(total, key, values.reshape(total[key].shape))
        else:
            total[key] = values.reshape(total[key].shape)
        return total

    return put


def _part(key):
    return lambda x: np.reshape(x[key], x[key].shape or (1,))


ROWS = [
    Row("_sum_to", [(2, 3)], {"shape": (3,)}, expect=lambda x: x.sum(0), mxnet=INTERNAL),
    Row("_sum_to", [(2, 3, 2)], {"shape": (3, 1)}, expect=lambda x: x.sum((0, 2))[:, None], mxnet=INTERNAL),
    Row("_sum_to", [(2, 3)], {"shape": (2, 3)}, expect=lambda x: x, mxnet=INTERNAL),
    *[Row("_basic_index", [(3, 4)], {"key": key}, expect=_part(key), mxnet=INTERNAL) for key in KEYS],
    *[
        Row(
            "_put_gradient",
            [np.zeros((3, 4))[key].shape or (1,)],
            {"key": key, "shape": (3, 4), "repeated": False},
            expect=_put((3, 4), key, False),
            mxnet=INTERNAL,
        )
        for key in KEYS
    ],
    Row("_channel_sums", [(2, 3, 4)], {"axis": 1}, expect=lambda x: x.sum((0, 2)), mxnet=INTERNAL),
    Row("_channel_sums", [(2, 3, 4)], {"axis": 2}, expect=lambda x: x.sum((0, 1)), mxnet=INTERNAL),
    # _advanced_index has its tests in tests/ndarray/test_indexing.py: its key holds arrays of the device.
    Row("_sum_to", [(1, 3)], {"shape": (1, 1)}, expect=lambda x: x.sum(1, keepdims=True), mxnet=INTERNAL),
]
