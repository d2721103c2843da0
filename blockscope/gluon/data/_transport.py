"""Send a batch from a worker process: the structure by a pipe, large arrays by anonymous shared memory.

The arrays of a batch, wherever in it they are, go out of band of its pickle (protocol 5) into one memory file without
a name (``memfd_create``), whose descriptor travels over the pipe. The receiver maps it, so its arrays are those very
pages; the system frees them with the last array. No name exists that a killed process could leave behind, and the size
of ``/dev/shm`` sets no limit. Small batches, and all of them on systems without ``memfd_create``, take the pipe.
"""
import io
import mmap
import os
import pickle
from multiprocessing import reduction

import numpy as np

from ...ndarray import NDArray, array

INLINE_BYTES = 32 * 1024  # below this, two more copies cost less than a memory file
MAX_MAPPED_DESCRIPTOR = 512
_ALIGNMENT = 64


class _Pickler(pickle.Pickler):
    """Pickle NDArrays by their NumPy arrays, without copying those on the host."""

    def reducer_override(self, obj):
        if type(obj) is NDArray:
            on_host = type(obj._raw) is np.ndarray
            return _rebuild, (obj._raw if on_host else obj.asnumpy(), obj._ctx, on_host)
        return NotImplemented


def _rebuild(values, ctx, on_host):
    return NDArray(values, ctx) if on_host else array(values, ctx=ctx, dtype=values.dtype)


def send(connection, task, outcome):
    """Send `outcome` of `task` to the other end of a duplex pipe."""
    buffers = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(outcome)
    parts = [stream.getbuffer(), *(buffer.raw() for buffer in buffers)]
    sizes = [part.nbytes for part in parts]
    offsets, total = _layout(sizes)
    shared = total > INLINE_BYTES and hasattr(os, "memfd_create")
    connection.send((task, sizes, shared))
    if not shared:
        for part in parts:
            if part.nbytes:
                connection.send_bytes(part)
        return
    descriptor = os.memfd_create("blockscope-batch", os.MFD_CLOEXEC)
    try:
        os.ftruncate(descriptor, total)
        for part, offset in zip(parts, offsets):
            _write_at(descriptor, part, offset)
        # The receiver takes the descriptor from the pipe itself, so no process number is needed.
        reduction.send_handle(connection, descriptor, None)
    finally:
        os.close(descriptor)


def receive(connection):
    """Receive what :func:`send` sent; return ``(task, outcome)``."""
    task, sizes, shared = connection.recv()
    if shared:
        descriptor = reduction.recv_handle(connection)
        try:
            parts = _map(descriptor, sizes)
        finally:
            os.close(descriptor)
    else:
        # bytearray: arrays over bytes would be read-only
        parts = [memoryview(bytearray(connection.recv_bytes()) if size else bytearray()) for size in sizes]
    return task, pickle.loads(parts[0], buffers=parts[1:])


def _map(descriptor, sizes):
    offsets, total = _layout(sizes)
    if descriptor < MAX_MAPPED_DESCRIPTOR:
        whole = memoryview(mmap.mmap(descriptor, total))
    else:
        # A mapping keeps a descriptor for as long as the batch lives. Where many batches are kept, copy, so that the
        # rest of the program can still open files (descriptors are numbered from the lowest free one).
        whole = memoryview(bytearray(total))
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            file.seek(0)
            filled = 0
            while filled < total:
                filled += file.readinto(whole[filled:])
    return [whole[offset:offset + size] for offset, size in zip(offsets, sizes)]


def _layout(sizes):
    """Return where parts of these sizes start, each aligned, and the size of the whole."""
    offsets, end = [], 0
    for size in sizes:
        offsets.append(end)
        end += -(-size // _ALIGNMENT) * _ALIGNMENT
    return offsets, end


def _write_at(descriptor, part, offset):
    while part.nbytes:  # one call writes at most 2 GiB
        written = os.pwrite(descriptor, part, offset)
        part = part[written:]
        offset += written
