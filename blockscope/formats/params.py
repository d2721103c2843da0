"""NDArray list files (``.params``, ``.nd``): the format of ``mx.nd.save``, ``save_parameters`` and ``export``.

Reads every version that MXNet 1.x wrote and writes what MXNet 1.9.1 writes, byte for byte.

Layout (little-endian; *shape* is an i32 number of dimensions and that many i64)::

    file    u64 0x112, u64 reserved, u64 N, N records, u64 M (0 or N), M names (u64 length, UTF-8)
    V2, V3  u32 0xF993FAC9 or 0xF993FACA, i32 storage type, [stored shape, if sparse], shape, i32 device, i32 id,
            i32 type flag, [i32 flag and shape of each index array], values, [index arrays]
    V1      u32 0xF993FAC8, shape, i32 device, i32 id, i32 type flag, values
    V0      u32 number of dimensions, that many u32, i32 device, i32 id, i32 type flag, values

A V0 to V2 record of no dimensions, and a V3 record of unknown shape, ends after its shape: it holds no array.

References
----------
``src/ndarray/ndarray.cc`` of Apache MXNet 1.9.1.
"""
import io
import math
import os
import struct
import typing

import numpy as np

from ..errors import FormatError
from .atomic import open_atomic

LIST_MAGIC = 0x112
V1_MAGIC, V2_MAGIC, V3_MAGIC = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
MAX_DIMS = 32
MAX_NAME_BYTES = 1 << 16

# MXNet's own stand-in for a type that NumPy lacks: the upper half of a float32, as a structure of one field.
bfloat16 = np.dtype([("bfloat16", "<u2")])

DTYPES = {flag: np.dtype(code) for flag, code in enumerate(
    ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?", "<i2", "<u2", "<u4", "<u8"))}
DTYPES[12] = bfloat16
DTYPE_FLAGS = {dtype: flag for flag, dtype in DTYPES.items()}
STYPES = {0: "default", 1: "row_sparse", 2: "csr"}
STYPE_FLAGS = {name: flag for flag, name in STYPES.items()}
_OTHER_FILES = (
    (b"PK\x03\x04", "this is a zip file (MXNet 2 and numpy.savez write such): open it with numpy.load"),
    (b"\x93NUMPY", "this is a NumPy file: open it with numpy.load"),
    (b"\xb7\x9c\x04\x05\x4f\x8d\xe5\xf7", "this is a parameter list of TVM, which only shares the file suffix"),
    (b"\x80", "this looks like a Python pickle, which is never loaded from here"),
)


class Record(typing.NamedTuple):
    """One array as a file holds it.

    Attributes
    ----------
    shape : tuple of int
        The logical shape, also of a sparse array.
    values : numpy.ndarray or None
        A dense array; or the stored values of a sparse one; or None where the record holds no array.
    stype : str
        ``default``, ``row_sparse``, ``csr``, or ``undefined`` where the record holds no array.
    indices, indptr : numpy.ndarray or None
        Row numbers of ``row_sparse``; column numbers and row starts of ``csr``.
    device : tuple of (int, int)
        Device type (1 cpu, 2 gpu, 3 pinned, 5 shared) and number where the array lived when it was saved.
    version : int
        0 to 3; only in version 3 (NumPy shapes) is a shape of no dimensions an array of one element.
    """

    shape: tuple
    values: np.ndarray | None
    stype: str = "default"
    indices: np.ndarray | None = None
    indptr: np.ndarray | None = None
    device: tuple = (1, 0)
    version: int = 2


def load(path, strict=False):
    """Read a file of arrays.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file.
    strict : bool, default False
        Refuse what MXNet ignores: bytes after the end, and a name that occurs twice (the later array wins in a dict).

    Returns
    -------
    names : list of str or None
        None where the file holds a list.
    records : list of Record
        One for each array, in the order of the file.

    Raises
    ------
    FormatError
        When the file is not of this format or is damaged; nothing is allocated for a count that the file cannot hold.
    OSError
        When the file cannot be opened.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.params")
    ...     save(path, [np.ones((2, 3), "float32")], ["dense0_weight"])
    ...     names, records = load(path)
    >>> names, records[0].values.sum()
    (['dense0_weight'], np.float32(6.0))
    """
    name = os.fsdecode(path)
    with open(path, "rb") as file:
        if not file.seekable():  # a pipe: its length shows only at its end
            return loads(file.read(), name, strict)
        return _Reader(file, os.fstat(file.fileno()).st_size, name).contents(strict)


def dense_arrays(names, records, name="<buffer>"):
    """Return the NumPy arrays of `records`, or raise FormatError for the first that is not dense.

    Parameters
    ----------
    names, records
        What :func:`load` returned.
    name : str
        The file, for the message.
    """
    for number, record in enumerate(records):
        if record.stype != "default":
            which = f"array {number}" if names is None else f"array {names[number]!r}"
            reason = ("was saved without values: it had not been allocated" if record.values is None else
                      f"is stored as {record.stype}; only dense arrays can be read here")
            raise FormatError(f"{name}: {which} {reason}")
    return [record.values for record in records]


def loads(data, name="<buffer>", strict=False):
    """Read arrays from the bytes of a file; see :func:`load`. `name` stands for the file in messages."""
    return _Reader(io.BytesIO(data), len(data), name).contents(strict)


def save(path, arrays, names=None, version=2):
    """Write arrays to a file, atomically and one at a time.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file to write.
    arrays : iterable of numpy.ndarray or Record
        May be a generator when `names` is given, so that arrays from a device need not be on the host all at once.
        A Record also says on which device the array lived (an array alone: on cpu(0)) and keeps version 3.
    names : sequence of str, optional
        One name for each array; None writes a list.
    version : {2, 3}, default 2
        3 is what MXNet writes under NumPy shapes, where shapes ``()`` and ``(0,)`` are arrays.

    Raises
    ------
    FormatError
        When the format has no room for a shape, a type or a name; no file is written then.
    """
    with open_atomic(path) as file:
        _write(file.write, arrays, names, version)


def dump(arrays, names=None, version=2):
    """Return the bytes that :func:`save` writes.

    Examples
    --------
    >>> import numpy as np
    >>> len(dump([]))
    32
    >>> names, records = loads(dump([np.arange(3)], ["a"]))
    >>> records[0].values
    array([0, 1, 2])
    """
    file = io.BytesIO()
    _write(file.write, arrays, names, version)
    return file.getvalue()


class _Reader:
    """A position in a file of known size, which no read passes."""

    def __init__(self, file, size, name):
        self.file, self.left, self.size, self.name = file, size, size, name
        self.where = ("the file header",)

    def error(self, message):
        where = "{} {} of {}".format(*self.where) if len(self.where) == 3 else self.where[0]
        return FormatError(f"{self.name}: Invalid NDArray file format: {message} "
                           f"(at byte {self.size - self.left} of {self.size}, in {where})")

    def bytes(self, count, what):
        if count > self.left:
            raise self.error(f"{what} needs {count} bytes, and {self.left} are left")
        data = self.file.read(count)
        if len(data) != count:
            raise self.error(f"the file became shorter while {what} was read")
        self.left -= count
        return data

    def unpack(self, code, what):
        code = "<" + code
        return struct.unpack(code, self.bytes(struct.calcsize(code), what))

    def integer(self, code, what):
        return self.unpack(code, what)[0]

    def contents(self, strict):
        start = self.bytes(min(8, self.left), "the magic number")
        if start != struct.pack("<Q", LIST_MAGIC):
            hint = next((text for magic, text in _OTHER_FILES if start.startswith(magic)), f"it starts with {start!r}")
            raise self.error(hint)
        self.integer("Q", "the reserved field")
        count = self.integer("Q", "the number of arrays")
        if count > max(self.left - 8, 0) // 4:  # no record is shorter than four bytes
            raise self.error(f"{count} arrays do not fit in {self.left} bytes")
        records = []
        for number in range(count):
            self.where = ("array", number, count)
            records.append(self.record())
        names = self.names(count, strict)
        if strict and self.left:
            raise self.error(f"{self.left} bytes follow the end")
        return names, records

    def names(self, count, strict):
        self.where = ("the names",)
        total = self.integer("Q", "the number of names")
        if total not in (0, count):
            raise self.error(f"{count} arrays have {total} names")
        names = []
        for number in range(total):
            self.where = ("name", number, total)
            length = self.integer("Q", "the length of a name")
            if length > MAX_NAME_BYTES:
                raise self.error(f"a name of {length} bytes is longer than the limit of {MAX_NAME_BYTES}")
            names.append(self.text(self.bytes(length, "a name")))
        if strict and len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise self.error(f"the name {twice!r} occurs more than once")
        return names or None

    def text(self, data):
        if b"\0" in data:
            raise self.error("a name holds a zero byte")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.error(f"a name is not UTF-8: {error}") from None

    def record(self):
        magic = self.integer("I", "the start of a record")
        if magic in (V2_MAGIC, V3_MAGIC):
            return self.modern(3 if magic == V3_MAGIC else 2)
        if magic == V1_MAGIC:
            return self.dense(self.shape(), 1)
        return self.dense(self.dims(magic, "I"), 0)

    def modern(self, version):
        flag, ndim = self.unpack("ii", "the storage type")
        if flag == 0:
            return self.dense(self.shape(ndim, version), version)
        if flag not in STYPES or version == 3:
            raise self.error(f"storage type {flag} is unknown in a record of version {version}")
        self.shape(ndim)  # of the stored values: MXNet's writer may record it stale, and its reader does not use it
        return self.sparse(self.shape(), STYPES[flag])

    def dense(self, shape, version):
        if shape is None or (shape == () and version < 3):
            return Record((), None, "undefined", version=version)
        kind, number, dtype = self.description()
        return Record(shape, self.array(dtype, shape, "the values"), device=(kind, number), version=version)

    def sparse(self, shape, stype):
        if shape == ():
            return Record((), None, "undefined")
        if stype == "csr" and len(shape) != 2:
            raise self.error(f"a csr array has two dimensions, not the shape {shape}")
        *device, dtype = self.description()
        described = [(self.dtype(self.integer("i", "the type of an index array")), self.shape())
                     for _ in range(1 + (stype == "csr"))]
        for index_dtype, index_shape in described:
            if index_dtype.kind not in "iu" or len(index_shape) != 1:
                raise self.error(f"an index array has type {index_dtype} and shape {index_shape}")
        stored = described[-1][1] + (shape[1:] if stype == "row_sparse" else ())
        values = self.array(dtype, stored, "the stored values")
        *indptr, indices = (self.array(*description, "an index array") for description in described)
        record = Record(shape, values, stype, indices, indptr[0] if indptr else None, tuple(device))
        problem = _sparse_problem(record)
        if problem:
            raise self.error(f"{stype} array of shape {shape}: {problem}")
        return record

    def description(self):
        """Device type, device number and type of values, which follow the shape in every version."""
        kind, number, flag = self.unpack("iii", "the device and the type of values")
        return kind, number, self.dtype(flag)

    def dtype(self, flag):
        if flag not in DTYPES:
            raise self.error(f"type flag {flag} is unknown")
        return DTYPES[flag]

    def shape(self, ndim=None, version=2):
        """Read a shape; None for one that version 3 marks as unknown."""
        if ndim is None:
            ndim = self.integer("i", "the number of dimensions")
        if version == 3 and ndim == -1:
            return None
        shape = self.dims(ndim, "q", lowest=-1 if version == 3 else 0)
        return None if -1 in shape else shape

    def dims(self, ndim, code, lowest=0):
        if not 0 <= ndim <= MAX_DIMS:
            raise self.error(f"a record starts with {ndim:#x}, which is no version and no number of dimensions"
                             if code == "I" else f"an array has {ndim} dimensions")
        dims = self.unpack(f"{ndim}{code}", "a shape")
        if dims and min(dims) < lowest:
            raise self.error(f"a shape holds a negative number: {dims}")
        return dims

    def array(self, dtype, shape, what):
        size = math.prod(shape) * dtype.itemsize
        if size > self.left:
            raise self.error(f"{what} of shape {shape} and type {dtype} need {size} bytes, and {self.left} are left")
        try:
            array = np.empty(shape, dtype)
        except ValueError as error:  # a dimension of 2**62 beside one of 0
            raise self.error(f"no array has the shape {shape}: {error}") from None
        if size and self.file.readinto(array) != size:
            raise self.error(f"the file became shorter while {what} were read")
        self.left -= size
        if size and dtype.kind == "b" and array.view(np.uint8).max() > 1:
            raise self.error("an array of booleans holds other bytes than 0 and 1")
        return array


def _sparse_problem(record):
    """Say what is wrong with the index arrays of a sparse record, or return None."""
    indices = record.indices.astype(np.int64, copy=False)
    if record.stype == "row_sparse":
        if indices.size and (indices[0] < 0 or indices[-1] >= record.shape[0] or (indices[1:] <= indices[:-1]).any()):
            return "the row numbers are not increasing within the rows"
        return None
    indptr = record.indptr.astype(np.int64, copy=False)
    if indptr.size != record.shape[0] + 1:
        return f"{indptr.size} row starts for {record.shape[0]} rows"
    if indptr[0] != 0 or indptr[-1] != indices.size or (indptr[1:] < indptr[:-1]).any():
        return f"the row starts do not run from 0 up to the {indices.size} stored values"
    if indices.size and (indices.min() < 0 or indices.max() >= record.shape[1]):
        return "a column number is outside the columns"
    return None


def _write(write, arrays, names, version):
    if version not in (2, 3):
        raise FormatError(f"version {version!r} of NDArray files cannot be written; give 2 or 3")
    names = None if names is None else list(names)
    encoded = [_encode_name(name) for name in names or ()]
    count = len(arrays) if names is None else len(names)
    write(struct.pack("<QQQ", LIST_MAGIC, 0, count))
    written = 0
    for array in arrays:
        if written < count:
            which = f"array {written}" if names is None else f"array {names[written]!r}"
            _write_record(write, _as_record(array, version), which)
        written += 1
    if written != count:
        raise FormatError(f"{written} arrays cannot take {count} names")
    write(struct.pack("<Q", len(encoded)))
    for name in encoded:
        write(struct.pack("<Q", len(name)) + name)


def _as_record(array, version):
    """Wrap a NumPy array; a record keeps its device, and keeps version 3, which has another meaning than the rest."""
    if isinstance(array, Record):
        return array
    array = np.asanyarray(array)
    return Record(array.shape, array, version=version)


def _write_record(write, record, which):
    version_3 = record.version == 3
    magic = V3_MAGIC if version_3 else V2_MAGIC
    if record.values is None:
        write(struct.pack("<Iii", magic, 0, -1 if version_3 else 0))
        return
    if record.shape == () and not version_3:
        raise FormatError(f"{which} has the shape (), which version 2 of NDArray files reads as 'no array'; "
                          "reshape it to (1,), or save it as version 3 (NumPy shapes)")
    flag, values = _storable(record.values, which)
    indexes = [_storable(index, which) for index in (record.indptr, record.indices) if index is not None]
    stored = b"" if record.stype == "default" else _packed_shape(values.shape, which)
    write(struct.pack("<Ii", magic, STYPE_FLAGS[record.stype]) + stored + _packed_shape(record.shape, which))
    write(struct.pack("<iii", *record.device, flag))
    for index_flag, index in indexes:
        write(struct.pack("<i", index_flag) + _packed_shape(index.shape, which))
    for data in (values, *(index for _, index in indexes)):
        if data.size:
            write(data if data.flags.c_contiguous else np.ascontiguousarray(data))


def _storable(array, which):
    """Return the type flag of an array and the array in little-endian byte order."""
    if array.dtype in DTYPE_FLAGS:
        return DTYPE_FLAGS[array.dtype], array
    dtype = array.dtype.newbyteorder("<")
    if dtype not in DTYPE_FLAGS:
        raise FormatError(f"{which}: NDArray files have no room for the type {array.dtype}")
    return DTYPE_FLAGS[dtype], array.astype(dtype, copy=False)


def _packed_shape(shape, which):
    if len(shape) > MAX_DIMS:
        raise FormatError(f"{which}: NDArray files hold at most {MAX_DIMS} dimensions, not {len(shape)}")
    return struct.pack(f"<i{len(shape)}q", len(shape), *shape)


def _encode_name(name):
    if not isinstance(name, str):
        raise TypeError(f"names of arrays are str, not {type(name).__name__}")
    data = name.encode("utf-8")
    if b"\0" in data or len(data) > MAX_NAME_BYTES:
        raise FormatError(f"the name {name[:60]!r} cannot be stored: "
                          f"a name has no zero character and at most {MAX_NAME_BYTES} bytes")
    return data
