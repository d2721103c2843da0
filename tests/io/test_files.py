"""CSVIter, MNISTIter and what is not there; batches that MXNet gives too are in test_recorded_programs."""
import gzip
import logging
import struct

import pytest

import blockscope as mx
from blockscope.errors import FormatError
from blockscope.io._idx import shuffled
from tests.io.programs import write_mnist


@pytest.fixture
def csv(tmp_path):
    """Write a file of numbers and return its path."""
    def write(text, name="numbers.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)
    return write


def test_a_folder_is_read_in_the_order_of_names(csv, tmp_path):
    csv("5,6\n", "b.csv")
    csv("1,2\n\n3,4\n", "a.csv")
    batch = mx.io.CSVIter(data_csv=str(tmp_path), data_shape=(2,), batch_size=3).next()
    assert batch.data[0].asnumpy().tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(("arguments", "error", "text"), [
    # Texts of MXNet 1.9.1, with the name of the file added.
    ({"data_csv": None}, mx.MXNetError, "^Required parameter data_csv of string is not presented$"),
    ({"data_shape": None}, mx.MXNetError, r"^Required parameter data_shape of Shape\(tuple\) is not presented$"),
    ({"batch_size": None}, mx.MXNetError, r"^Required parameter batch_size of int \(non-negative\) is not presented$"),
    ({"data_csv": "no/such.csv"}, mx.MXNetError, "no/such.csv: No such file or directory"),
    ({"dtype": "float16"}, mx.MXNetError, "float16 is not supported for CSVIter"),
    ({"data_shape": (3,)}, FormatError,
     r"The data size in CSV do not match size of shape: specified shape=\[3\], the csv row-length=2"),
    ({"batch_size": 20}, mx.MXNetError, "number of input must be bigger than batch size: .* has 2 rows"),
])
def test_wrong_arguments_give_mxnets_messages(csv, arguments, error, text):
    with pytest.raises(error, match=text):
        mx.io.CSVIter(**{"data_csv": csv("1,2\n3,4\n"), "data_shape": (2,), "batch_size": 2, **arguments})


@pytest.mark.parametrize(("text", "message"), [("1,2\n3,x\n", "numbers.csv: could not convert string 'x'"), ("", "no rows"),
                                               ("1,2\n3\n", "numbers.csv: ")])
def test_a_damaged_file_is_named(csv, text, message):
    with pytest.raises(FormatError, match=message):
        mx.io.CSVIter(data_csv=csv(text), data_shape=(2,), batch_size=1)


def test_labels_must_be_enough(csv):
    with pytest.raises(FormatError, match="labels.csv: 1 labels for the 2 rows of"):
        mx.io.CSVIter(data_csv=csv("1\n2\n"), data_shape=(1,), label_csv=csv("1\n", "labels.csv"), batch_size=1)


def test_only_keywords_and_no_unknown_ones(csv):
    with pytest.raises(TypeError, match="^CSVIter can only accept keyword arguments$"):  # text of MXNet 1.9.1
        mx.io.CSVIter("a.csv", data_shape=(2,), batch_size=1)
    with pytest.warns(UserWarning, match="CSVIter has no argument 'rounds'"):
        mx.io.CSVIter(data_csv=csv("1\n"), data_shape=(1,), batch_size=1, rounds=3)


def test_a_batch_larger_than_the_file_has_no_samples_from_nowhere(csv):
    iterator = mx.io.CSVIter(data_csv=csv("1\n2\n"), data_shape=(1,), batch_size=4, round_batch=False)  # unset memory in MXNet
    batch = iterator.next()
    assert (batch.data[0].asnumpy().tolist(), batch.pad) == ([[1], [2], [1], [1]], 2)


def test_stepping_by_hand(csv):
    iterator = mx.io.CSVIter(data_csv=csv("1\n2\n3\n"), data_shape=(1,), batch_size=2)
    seen = []
    while iterator.iter_next():  # never ends in MXNet
        seen.append((iterator.getdata().asnumpy().tolist(), iterator.getlabel().asnumpy().tolist(), iterator.getpad(),
                     iterator.getindex().tolist()))
    assert seen == [([[1], [2]], [0, 0], 0, [0, 1]), ([[3], [1]], [0, 0], 1, [2, 0])]


def test_the_first_batch_can_be_repeated_to_time_a_program(csv):
    iterator = mx.io.CSVIter(data_csv=csv("1\n2\n3\n"), data_shape=(1,), batch_size=1)
    iterator.debug_skip_load()
    assert [iterator.next().data[0].asscalar() for _ in range(5)] == [1] * 5


def test_compressed_files_of_mnist(tmp_path):
    image, label = write_mnist(tmp_path, 6, packed=True)
    iterator = mx.io.MNISTIter(image=image, label=label, batch_size=3, shuffle=False, flat=True, silent=True)
    assert [batch.label[0].asnumpy().tolist() for batch in iterator] == [[0, 1, 2], [3, 4, 5]]
    assert iterator.provide_data[0].shape == (3, 6)


def test_indices_are_places_in_the_file(tmp_path):
    image, label = write_mnist(tmp_path, 20)
    for batch in mx.io.MNISTIter(image=image, label=label, batch_size=3, num_parts=2, part_index=1, silent=True):
        assert batch.index.tolist() == batch.label[0].asnumpy().tolist()  # write_mnist numbers the labels; all 0 in MXNet


def test_the_log_says_what_was_read(tmp_path, caplog):
    image, label = write_mnist(tmp_path, 6)
    with caplog.at_level(logging.INFO):
        mx.io.MNISTIter(image=image, label=label, batch_size=3)
    assert caplog.messages == ["MNISTIter: load 6 images, shuffle=1, shape=[3,1,2,3]"]  # text of MXNet 1.9.1


@pytest.mark.parametrize(("damage", "message"), [
    (lambda content: content[:-1], r"offset 16: shape \(4, 2, 3\) takes 24 bytes, but there are 23"),
    (lambda content: content + b"x", r"takes 24 bytes, but there are more"),
    (lambda content: content[:10], "offset 0: expected the header of an idx3-ubyte file"),
    (lambda content: b"", "but found nothing"),
    (lambda content: b"RIFF" + content[4:], "but found 52 49 46 46"),
    (lambda content: struct.pack(">iiii", 2051, -1, 2**31 - 1, 2**31 - 1) + content[16:], "but there are 24"),
    (lambda content: gzip.compress(content)[:-9], "Compressed file ended"),
    (lambda content: b"\x1f\x8bxx", "images: "),
])
def test_a_damaged_file_of_mnist_is_refused(tmp_path, damage, message):
    image, label = write_mnist(tmp_path, 4)
    with open(image, "rb") as file:
        content = file.read()
    with open(image, "wb") as file:
        file.write(damage(content))
    with pytest.raises(FormatError, match=message):
        mx.io.MNISTIter(image=image, label=label, batch_size=2, silent=True)


@pytest.mark.parametrize(("arguments", "error", "text"), [
    ({"batch_size": 7}, mx.MXNetError, "6 images are fewer than one batch of 7"),
    ({"image": "no/such"}, mx.MXNetError, "no/such: No such file or directory"),
    ({"part_index": 1}, mx.MXNetError, "part_index=1 is none of the num_parts=1 parts"),
    ({"dtype": "uint8"}, mx.MXNetError, "uint8 is not supported for MNISTIter"),
])
def test_wrong_arguments_of_mnist_are_named(tmp_path, arguments, error, text):
    image, label = write_mnist(tmp_path, 6)
    with pytest.raises(error, match=text):
        mx.io.MNISTIter(**{"image": image, "label": label, "batch_size": 2, "silent": True, **arguments})


def test_images_and_labels_must_be_equally_many(tmp_path):
    image, _ = write_mnist(tmp_path, 6)
    (tmp_path / "more").mkdir()
    _, label = write_mnist(tmp_path / "more", 7)
    with pytest.raises(FormatError, match="holds 6 images, and .* 7 labels"):
        mx.io.MNISTIter(image=image, label=label, silent=True)


def test_the_order_of_many_samples():
    # The first, last and some other places in the order of 70,001 samples for seed 5, as MXNet 1.9.1 gives them.
    order = shuffled(70001, 5)
    assert sorted(order) == list(range(70001))
    assert order[[0, 1, 2, 35000, 69999, 70000]].tolist() == [8986, 12675, 36710, 15859, 55544, 64505]


@pytest.mark.parametrize("name", ["ImageRecordIter", "ImageRecordIter_v1", "ImageRecordInt8Iter", "ImageRecordUInt8Iter",
                                  "ImageRecordUInt8Iter_v1", "ImageDetRecordIter", "LibSVMIter"])
def test_what_is_not_there_says_so(name):
    with pytest.raises(mx.MXNetError, match=f"^mx.io.{name}: .* are not part of blockscope yet; "):
        getattr(mx.io, name)(data_shape=(3, 2, 2), batch_size=1)
