"""NDArray list files. The files and what they hold come from MXNet 1.9.1: files/manifest.json, files/make_files.py."""
import hashlib
import json
import pathlib
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from blockscope.errors import FormatError
from blockscope.formats import params
from blockscope.formats.params import Record

FILES = pathlib.Path(__file__).parent / "files"
MANIFEST = json.loads((FILES / "manifest.json").read_text(encoding="utf-8"))
GOOD = sorted(name for name, entry in MANIFEST.items() if entry["kind"] != "damaged")
BAD = sorted(name for name, entry in MANIFEST.items() if entry["kind"] == "damaged" and name != "none.params")
WRITTEN_BY_MXNET = sorted(name for name, entry in MANIFEST.items() if entry["source"] == "written by MXNet 1.9.1")
HEADER = struct.pack("<QQQ", 0x112, 0, 1)


def v2(shape, flag, payload, device=(1, 0)):
    """A V2 record by the layout, written out by hand."""
    return struct.pack(f"<Iii{len(shape)}qiii", 0xF993FAC9, 0, len(shape), *shape, *device, flag) + payload


def one(record, names=struct.pack("<Q", 0)):
    return HEADER + record + names


def check_record(record, expected):
    assert record.shape == tuple(expected["shape"])
    assert record.stype == expected["stype"]
    if record.stype == "default":
        assert record.values.shape == record.shape
        assert (record.values.dtype.names or (record.values.dtype.name,))[0] == expected["dtype"]
        assert hashlib.sha256(record.values.tobytes()).hexdigest() == expected["sha256"]
    else:
        assert record.values.tolist() == expected["data"]
        assert record.indices.tolist() == expected["indices"]
        assert (None if record.indptr is None else record.indptr.tolist()) == expected.get("indptr")


@pytest.mark.parametrize("name", GOOD)
def test_reads_what_mxnet_reads(name):
    names, records = params.load(FILES / name)
    expected = MANIFEST[name]["arrays"]
    if isinstance(expected, dict):
        arrays = dict(zip(names, records, strict=True))
        assert list(arrays) == list(expected)
        for key, record in arrays.items():
            check_record(record, expected[key])
    else:
        assert names is None and len(records) == len(expected)
        for record, entry in zip(records, expected):
            check_record(record, entry)


@pytest.mark.parametrize("name", BAD)
def test_refuses_what_mxnet_refuses(name):
    with pytest.raises(FormatError, match=rf"{name}: Invalid NDArray file format: .* \(at byte \d+ of \d+, in "):
        params.load(FILES / name)


@pytest.mark.parametrize("name", WRITTEN_BY_MXNET)
def test_writes_the_same_bytes_as_mxnet(name, tmp_path):
    names, records = params.load(FILES / name)
    params.save(tmp_path / "again", records, names)
    assert (tmp_path / "again").read_bytes() == (FILES / name).read_bytes()


@pytest.mark.parametrize("name", ["dtypes.params", "bfloat16.params", "list.params", "keys.params",
                                  "empty_list.params"])
def test_plain_arrays_are_written_as_mxnet_writes_them_from_the_cpu(name):
    names, records = params.load(FILES / name)
    assert params.dump([record.values for record in records], names) == (FILES / name).read_bytes()


@pytest.mark.parametrize("name", ["npshape.params", "npshape_list.params"])
def test_version_3_is_written_as_mxnet_writes_it_under_numpy_shapes(name):
    names, records = params.load(FILES / name)
    assert {record.version for record in records} == {3}
    assert params.dump([record.values for record in records], names, version=3) == (FILES / name).read_bytes()


def test_worked_example_byte_by_byte():
    # By hand from the layout in the module's docstring.
    data = params.dump([np.arange(6, dtype="float32").reshape(2, 3), np.array([1, 2])], ["arg:w", "aux:m"])
    expected = (struct.pack("<QQQ", 0x112, 0, 2)
                + struct.pack("<Iiiqqiii6f", 0xF993FAC9, 0, 2, 2, 3, 1, 0, 0, *range(6))
                + struct.pack("<Iiiqiii2q", 0xF993FAC9, 0, 1, 2, 1, 0, 6, 1, 2)
                + struct.pack("<QQ5sQ5s", 2, 5, b"arg:w", 5, b"aux:m"))
    assert data == expected and len(data) == 170


def test_device_is_reported_and_kept():
    names, records = params.load(FILES / "ctx_gpu.params")
    assert [record.device for record in records] == [(2, 1), (1, 3)]
    assert params.dump(records, names) == (FILES / "ctx_gpu.params").read_bytes()


@pytest.mark.parametrize("name, version", [
    ("legacy_ndarray.v0", 0), ("v0_crafted.params", 0), ("v1_crafted.params", 1)])
def test_old_versions_are_told_apart(name, version):
    assert {record.version for record in params.load(FILES / name)[1]} == {version}


def test_record_without_array():
    names, records = params.load(FILES / "none.params")
    assert names == ["x", "y"]
    assert records[0] == Record((), None, "undefined") and records[1].values.tolist() == [1, 2]
    assert params.dump(records, names) == (FILES / "none.params").read_bytes()
    with pytest.raises(FormatError, match="net.params: array 'x' was saved without values"):
        params.dense_arrays(names, records, "net.params")


def test_dense_arrays_names_the_first_sparse_one():
    names, records = params.load(FILES / "sparse.params")
    with pytest.raises(FormatError, match="array 'rs' is stored as row_sparse"):
        params.dense_arrays(names, records)
    assert params.dense_arrays(names[-1:], records[-1:])[0].tolist() == [1.0]


def test_strict_refuses_what_mxnet_ignores():
    assert params.load(FILES / "trailing.params")[1][0].values.tolist() == [0, 1, 2, 3]
    with pytest.raises(FormatError, match="7 bytes follow the end"):
        params.load(FILES / "trailing.params", strict=True)
    assert params.load(FILES / "dup.params")[0] == ["a", "a"]
    with pytest.raises(FormatError, match="the name 'a' occurs more than once"):
        params.load(FILES / "dup.params", strict=True)


@pytest.mark.parametrize("data, message", [
    (b"", "the magic number|it starts with"),
    (b"PK\x03\x04" + bytes(40), "zip file"),
    (b"\x93NUMPY" + bytes(40), "numpy.load"),
    (b"\x80\x04\x95" + bytes(40), "pickle"),
    (bytes.fromhex("b79c04054f8de5f7") + bytes(40), "TVM"),
    (struct.pack("<QQQ", 0x112, 0, 2 ** 40), "1099511627776 arrays do not fit in 0 bytes"),
    (one(v2((2 ** 50,), 0, b"")), "need 4503599627370496 bytes"),
    (one(v2((2 ** 33, 2 ** 33), 0, b"")), "need 295147905179352825856 bytes"),
    (one(v2((2,), 13, bytes(8))), "type flag 13 is unknown"),
    (one(v2((2,), -1, bytes(8))), "type flag -1 is unknown"),
    (one(v2((-1, 2), 0, bytes(8))), "negative number"),
    (one(v2((2 ** 62, 0, 2 ** 62), 0, b"")), "no array has the shape"),
    (one(v2((2,), 7, b"\x01\x02")), "booleans holds other bytes"),
    (one(struct.pack("<Iii", 0xF993FAC9, 0, -1)), "an array has -1 dimensions"),
    (one(struct.pack("<Iii", 0xF993FAC9, 0, 33)), "an array has 33 dimensions"),
    (one(struct.pack("<Iii", 0xF993FAC9, 3, 1)), "storage type 3 is unknown"),
    (one(struct.pack("<Iii", 0xF993FACA, 2, 1)), "storage type 2 is unknown in a record of version 3"),
    (one(struct.pack("<I", 2 ** 31 - 1)), "no version and no number of dimensions"),
    (one(v2((1,), 0, bytes(4)), struct.pack("<QQ", 1, 2 ** 40)), "a name of 1099511627776 bytes"),
    (one(v2((1,), 0, bytes(4)), struct.pack("<QQ", 1, 9) + b"abc"), "a name needs 9 bytes, and 3 are left"),
    (one(v2((1,), 0, bytes(4)), struct.pack("<QQ", 1, 2) + b"\xff\xfe"), "not UTF-8"),
    (one(v2((1,), 0, bytes(4)), struct.pack("<QQ", 1, 3) + b"a\0b"), "zero byte"),
])
def test_hostile_counts_are_refused_before_anything_is_allocated(data, message):
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=message):
            params.loads(data)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def sparse_record(stype, shape, values, *indexes):
    """A sparse V2 record by the layout; the index arrays are int64."""
    data = struct.pack(f"<Iii{values.ndim}q", 0xF993FAC9, stype, values.ndim, *values.shape)
    data += struct.pack(f"<i{len(shape)}qiii", len(shape), *shape, 1, 0, 0)
    for index in indexes:
        data += struct.pack("<iiq", 6, 1, len(index))
    return data + values.tobytes() + b"".join(np.array(index, "<i8").tobytes() for index in indexes)


@pytest.mark.parametrize("stype, shape, indexes, message", [
    (1, (6, 2), ([4, 1],), "row numbers are not increasing"),
    (1, (6, 2), ([1, 1],), "row numbers are not increasing"),
    (1, (6, 2), ([1, 6],), "row numbers are not increasing"),
    (2, (2, 4), ([0, 1], [0, 2]), "2 row starts for 2 rows"),
    (2, (2, 4), ([0, 2, 1], [0, 2]), "do not run from 0"),
    (2, (4, 4), ([0, 2 ** 63 - 1, -2, 1, 2], [0, 2]), "do not run from 0"),
    (2, (2, 4), ([0, 1, 2], [0, 10 ** 9]), "column number is outside"),
    (2, (2,), ([0, 1, 2], [0, 1]), "csr array has two dimensions"),
])
def test_sparse_indices_are_checked(stype, shape, indexes, message):
    values = np.ones((2, 2) if stype == 1 else 2, "<f4")
    with pytest.raises(FormatError, match=message):
        params.loads(one(sparse_record(stype, shape, values, *indexes)))


def test_stale_stored_shape_is_not_used():
    # MXNet's writer may store the shape of the values before they are there, and its reader takes the index arrays.
    data = bytearray(one(sparse_record(1, (6, 2), np.ones((2, 2), "<f4"), [1, 4])))
    data[24 + 12:24 + 20] = struct.pack("<q", 0)
    assert params.loads(bytes(data))[1][0].values.shape == (2, 2)


@pytest.mark.parametrize("arrays, names, message", [
    ([np.float32(1)], ["w"], r"array 'w' has the shape \(\), which version 2"),
    ([np.ones(2, "complex64")], ["w"], "array 'w': NDArray files have no room for the type complex64"),
    ([np.array(["a"])], None, "array 0: NDArray files have no room for the type"),
    ([np.ones(2)], ["a\0b"], "no zero character"),
    ([np.ones(2)], ["k" * 70000], "at most 65536 bytes"),
    ([np.ones(2)], ["a", "b"], "1 arrays cannot take 2 names"),
    ([np.ones(2), np.ones(2)], ["a"], "2 arrays cannot take 1 names"),
    ([np.ones((1,) * 33)], None, "at most 32 dimensions"),
])
def test_what_the_format_cannot_hold_is_refused_and_leaves_the_old_file(tmp_path, arrays, names, message):
    target = tmp_path / "net.params"
    target.write_bytes(b"old")
    with pytest.raises(FormatError, match=message):
        params.save(target, arrays, names)
    assert target.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_names_are_text():
    with pytest.raises(TypeError, match="names of arrays are str, not int"):
        params.dump([np.ones(1)], [1])


def test_unknown_version_is_refused():
    with pytest.raises(FormatError, match="version 1 of NDArray files cannot be written"):
        params.dump([], version=1)


def test_layout_of_memory_and_byte_order_do_not_matter():
    plain = np.arange(12, dtype="<f4").reshape(3, 4)
    for same in (np.asfortranarray(plain), plain.astype(">f4"), np.repeat(plain, 2, axis=1)[:, ::2]):
        assert params.dump([same]) == params.dump([plain])


def test_arrays_from_a_generator_are_written_one_at_a_time(tmp_path):
    megabyte = 1 << 20

    def blocks():
        for value in range(16):
            yield np.full(megabyte, value, np.uint8)

    tracemalloc.start()
    params.save(tmp_path / "big", blocks(), [str(n) for n in range(16)])
    written_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    names, records = params.load(tmp_path / "big")
    read_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [int(record.values[-1]) for record in records] == list(range(16))
    assert written_peak < 4 * megabyte and read_peak < 17 * megabyte


arrays_of_any_type = st.sampled_from([d for d in params.DTYPE_FLAGS if d.names is None]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8),
                          arrays_of_any_type), max_size=5))
def test_round_trip(pairs):
    names, arrays = [name for name, _ in pairs], [array for _, array in pairs]
    data = params.dump(arrays, names)
    read_names, records = params.loads(data)
    assert (read_names or []) == names
    for record, array in zip(records, arrays, strict=True):
        assert record.values.dtype == array.dtype and record.values.shape == array.shape
        assert record.values.tobytes() == array.tobytes()
    assert params.dump(records, names) == data


ORIGINALS = [(FILES / name).read_bytes() for name in GOOD]
edits = st.lists(st.tuples(st.floats(0, 1, exclude_max=True),
                           st.sampled_from(["flip", "count", "cut", "remove", "insert", "repeat"]),
                           st.integers(0, 2 ** 64 - 1)), min_size=1, max_size=4)


def edited(data, changes):
    data = bytearray(data)
    for where, kind, value in changes:
        at = int(where * len(data))
        if kind == "flip" and data:
            data[at] ^= 1 + value % 255
        elif kind == "count":
            data[at & ~3:(at & ~3) + 8] = struct.pack("<Q", value >> (value % 64))
        elif kind == "cut":
            del data[at:]
        elif kind == "remove":
            del data[at:at + 1 + value % 32]
        elif kind == "insert":
            data[at:at] = struct.pack("<Q", value)[:1 + value % 8]
        elif kind == "repeat":
            data[at:at] = data[at:at + 1 + value % 64]
    return bytes(data)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(ORIGINALS), edits)
def test_damaged_files_raise_one_exception_and_allocate_no_more_than_they_hold(original, changes):
    data = edited(original, changes)
    tracemalloc.start()
    try:
        _, records = params.loads(data)
    except FormatError:
        records = []
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # A record costs a few Python objects beside its bytes: the smallest has four bytes in the file.
    assert peak < 60 * len(data) + 50_000
    assert sum(record.values.nbytes for record in records if record.values is not None) <= len(data)


def test_every_truncation_of_a_file_is_noticed():
    data = (FILES / "keys.params").read_bytes()
    for length in range(len(data)):
        with pytest.raises(FormatError):
            params.loads(data[:length])


def test_a_missing_file_is_an_ordinary_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        params.load(tmp_path / "nothing")


def test_paths_of_every_kind(tmp_path):
    for path in (tmp_path / "a", str(tmp_path / "b"), str(tmp_path / "c").encode()):
        params.save(path, [np.ones(1)])
        assert params.load(path)[1][0].values.tolist() == [1.0]
