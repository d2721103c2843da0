"""Memory that a kernel needs during one call, kept for the next call of the same thread: fresh large arrays cost page faults."""

import threading
from math import prod

import numpy as np

LIMIT = 1 << 24  # bytes of one buffer that are kept


class _Kept(threading.local):
    def __init__(self):
        self.buffers = {}


_kept = _Kept()


def scratch(xp, name, shape, dtype):
    """Return an array of undefined values, valid until the thread asks for the next one of the same name.

    Only host memory is kept here: array modules of devices keep their own.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if xp is not np or size > LIMIT:
        return xp.empty(shape, dtype)
    buffer = _kept.buffers.get(name)
    if buffer is None or buffer.nbytes < size:
        buffer = _kept.buffers[name] = np.empty(size, np.uint8)
    return buffer[:size].view(dtype).reshape(shape)
