"""Files of MNIST, and the order in which MXNet shuffles them."""
import gzip
import math

import numpy as np

from ..errors import FormatError, MXNetError

__all__ = ["read_idx", "shuffled"]


def read_idx(path, dimensions):
    """Read an array of bytes with its shape in front (``idx1-ubyte``, ``idx3-ubyte``).

    Parameters
    ----------
    path : str
        The file, plain or compressed by gzip.
    dimensions : int
        How many dimensions it must have.

    Returns
    -------
    numpy.ndarray of uint8

    Raises
    ------
    FormatError
        When the file is of another format, or shorter or longer than its shape says.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            with gzip.GzipFile(fileobj=file) if packed else file as content:
                return _read(path, content, dimensions)
    except (gzip.BadGzipFile, EOFError) as error:
        raise FormatError(f"{path}: {error}") from error
    except OSError as error:
        raise MXNetError(f"{path}: {error.strerror}") from error


def _read(path, content, dimensions):
    header = content.read(4 + 4 * dimensions)
    magic = bytes([0, 0, 8, dimensions])  # unsigned bytes, number of dimensions
    if header[:4] != magic or len(header) < 4 + 4 * dimensions:
        raise FormatError(f"{path}: offset 0: expected the header of an idx{dimensions}-ubyte file, {magic.hex(' ')} and {dimensions} "
                          f"sizes, but found {header.hex(' ') or 'nothing'}")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4", dimensions, offset=4))
    expected = math.prod(shape)
    values = bytearray()
    while len(values) <= expected and (part := content.read(min(1 << 24, expected + 1 - len(values)))):
        values += part  # piece by piece: the header may promise more than there is memory
    if len(values) != expected:
        found = "more" if len(values) > expected else str(len(values))
        raise FormatError(f"{path}: offset {len(header)}: shape {shape} takes {expected} bytes, but there are {found}")
    return np.frombuffer(values, np.uint8).reshape(shape)


def shuffled(count, seed):
    """Return 0 ... `count` - 1 in the order that ``std::shuffle`` of libstdc++ gives with ``std::mt19937(seed)``.

    It swaps every element with one before it or itself. A number below n is drawn as a 32-bit number over floor((2**32 - 1) / n),
    and again when that gives n.

    Examples
    --------
    >>> shuffled(5, 0).tolist()
    [0, 2, 3, 1, 4]
    """
    generator = np.random.RandomState(seed % 2**32)
    order = np.arange(count)
    draws = iter(())
    for last in range(1, count):
        width = (2**32 - 1) // (last + 1)
        chosen = last + 1
        while chosen > last:
            draw = next(draws, None)
            if draw is None:
                draws = iter(generator.randint(0, 2**32, size=1 << 14, dtype=np.uint32).tolist())
                draw = next(draws)
            chosen = draw // width
        order[last], order[chosen] = order[chosen], order[last]
    return order
