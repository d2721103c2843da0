"""Data sets of test_utils, from a folder on disk in place of the servers; values by hand."""
import bz2
import gzip
import os
import pathlib
import struct
import zipfile

import numpy as np
import pytest

import blockscope as mx
from blockscope import _test_data
from blockscope import test_utils as utils

NAMES = {"train": 7, "t10k": 5}


def idx(array):
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def mnist_files():
    files = {}
    for part, count in NAMES.items():
        images = np.full((count, 28, 28), np.arange(count)[:, None, None] * 51, "uint8")
        files[f"{part}-images-idx3-ubyte"] = idx(images)
        files[f"{part}-labels-idx1-ubyte"] = idx(np.arange(count, dtype="uint8"))
    return files


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Give a folder that stands for the server, and an empty current folder."""
    (tmp_path / "site").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(_test_data, "_MNIST", f"{(tmp_path / 'site').as_uri()}/")
    monkeypatch.setattr(_test_data, "_ARCHIVES", f"{(tmp_path / 'site').as_uri()}/")
    return tmp_path / "site"


def test_download(site):
    (site / "file").write_bytes(b"first")
    url = (site / "file").as_uri()
    assert utils.download(url) == "file" and pathlib.Path("file").read_bytes() == b"first"
    (site / "file").write_bytes(b"second")
    assert utils.download(url) == "file" and pathlib.Path("file").read_bytes() == b"first"
    assert utils.download(url, overwrite=True) == "file" and pathlib.Path("file").read_bytes() == b"second"
    assert utils.download(url, "name", "a/b") == os.path.join("a/b", "name") and os.path.exists("a/b/name")
    assert utils.download(url, "c/name") == "c/name" and os.path.exists("c/name")
    with pytest.raises(AssertionError, match="Number of retries should be at least 0"):
        utils.download(url, retries=-1)
    with pytest.raises(OSError, match="nothing"):
        utils.download((site / "nothing").as_uri(), retries=0)
    assert not os.path.exists("nothing")


def test_get_mnist(site):
    for name, content in mnist_files().items():
        (site / f"{name}.gz").write_bytes(gzip.compress(content))
    mnist = utils.get_mnist()
    assert {name: (array.shape, str(array.dtype)) for name, array in mnist.items()} == {
        "train_data": ((7, 1, 28, 28), "float32"), "train_label": ((7,), "int8"),
        "test_data": ((5, 1, 28, 28), "float32"), "test_label": ((5,), "int8")}
    np.testing.assert_allclose(mnist["test_data"][:, 0, 3, 4], [0, 0.2, 0.4, 0.6, 0.8], rtol=1e-6)  # 51 / 255 is 0.2
    assert mnist["train_label"].tolist() == list(range(7))


@pytest.mark.parametrize("input_shape, shape", [((1, 28, 28), (2, 1, 28, 28)), ((784,), (2, 784))])
def test_get_mnist_iterator(site, input_shape, shape):
    with zipfile.ZipFile(site / "mnist.zip", "w") as archive:
        for name, content in mnist_files().items():
            archive.writestr(name, content)
    train, test = utils.get_mnist_iterator(2, input_shape)
    assert [tuple(desc) for desc in train.provide_data + train.provide_label] == [("data", shape), ("softmax_label", (2,))]
    for iterator, count in ((train, 3), (test, 2)):
        batches = list(iterator)
        assert len(batches) == count  # what does not fill a batch is left out
        for batch in batches:
            labels = batch.label[0].asnumpy()
            np.testing.assert_allclose(batch.data[0].asnumpy().reshape(2, -1)[:, 5], labels * 51 / 256, rtol=1e-6)
    (site / "mnist.zip").unlink()
    train, _ = utils.get_mnist_iterator(1, input_shape, num_parts=2, part_index=1)
    assert sorted(float(batch.label[0].asscalar()) for batch in train) == [3, 4, 5, 6]  # the later half of 7 begins at 3


def test_archives(site):
    with zipfile.ZipFile(site / "cifar10.zip", "w") as archive:
        archive.writestr("cifar/train.rec", b"records")
    utils.get_cifar10()
    assert pathlib.Path("data/cifar/train.rec").read_bytes() == b"records"
    (site / "long.bz2").write_bytes(bz2.compress(b"text" * 1000))
    utils.get_bz2_data("folder", "long.txt", (site / "long.bz2").as_uri(), "packed.bz2")
    assert pathlib.Path("folder/long.txt").read_bytes() == b"text" * 1000 and os.listdir("folder") == ["long.txt"]
    with zipfile.ZipFile(site / "x.zip", "w") as archive:
        archive.writestr("inside", b"1")
    utils.get_zip_data("zips", (site / "x.zip").as_uri(), "other.zip")
    assert sorted(os.listdir("zips")) == ["inside", "other.zip"]
    (site / "x.zip").unlink()
    utils.get_zip_data("zips", (site / "x.zip").as_uri(), "other.zip")  # it is there


def test_a_damaged_archive_leaves_no_half_file(site):
    (site / "bad.bz2").write_bytes(bz2.compress(bytes(range(256)) * 1000)[:-10])
    with pytest.raises(EOFError):
        utils.get_bz2_data("folder", "bad", (site / "bad.bz2").as_uri(), "bad.bz2")
    assert os.listdir("folder") == ["bad.bz2"]


def test_download_model(site):
    urls = {}
    for key in ("symbol", "params"):
        (site / key).write_bytes(key.encode())
        urls[key] = (site / key).as_uri()
    assert utils.download_model("net", "models", {"net": urls}) == (os.path.join("models", "net"), 0)
    assert {name: pathlib.Path("models", name).read_text() for name in os.listdir("models")} == {
        "net-symbol.json": "symbol", "net-0000.params": "params"}
    with pytest.raises(AssertionError, match=r"must have URLs for 'symbol' and 'params', but has \['symbol'\]"):
        utils.download_model("net", meta_info={"net": {"symbol": urls["symbol"]}})


def test_names_of_models(monkeypatch):
    # Names and addresses as in MXNet 1.9.1's test_utils.
    asked = []
    monkeypatch.setattr(_test_data, "download", lambda url, fname: asked.append((url, fname)))
    assert utils.download_model("imagenet1k-inception-bn") == ("./imagenet1k-inception-bn", 0)
    utils.download_model("imagenet1k-resnext-101-64x4d", "d")
    assert asked == [
        ("http://data.mxnet.io/models/imagenet/inception-bn/Inception-BN-symbol.json", "./imagenet1k-inception-bn-symbol.json"),
        ("http://data.mxnet.io/models/imagenet/inception-bn/Inception-BN-0126.params", "./imagenet1k-inception-bn-0000.params"),
        ("http://data.mxnet.io/models/imagenet/resnext/101-layers/resnext-101-64x4d-symbol.json",
         "d/imagenet1k-resnext-101-64x4d-symbol.json"),
        ("http://data.mxnet.io/models/imagenet/resnext/101-layers/resnext-101-64x4d-0000.params",
         "d/imagenet1k-resnext-101-64x4d-0000.params")]
    assert len(_test_data._FILES_OF_MODELS) == 12


def test_dummy_iter():
    real = mx.io.NDArrayIter({"x": mx.nd.arange(6)}, mx.nd.arange(6), batch_size=2)
    dummy = utils.DummyIter(real)
    assert isinstance(dummy, mx.io.DataIter) and iter(dummy) is dummy
    assert dummy.provide_data == real.provide_data and dummy.provide_label == real.provide_label and dummy.batch_size == 2
    assert all(next(dummy) is dummy.the_batch for _ in range(9))
    assert dummy.the_batch.data[0].asnumpy().tolist() == [0, 1]


def test_im2rec(tmp_path, monkeypatch):
    monkeypatch.delenv("MXNET_HOME", raising=False)
    with pytest.raises(OSError, match="Could not find path to tools/im2rec.py: set MXNET_HOME"):
        utils.get_im2rec_path()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "im2rec.py").touch()
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    monkeypatch.setenv("OTHER", str(tmp_path / "python" / "mxnet"))
    (tmp_path / "python" / "mxnet").mkdir(parents=True)
    assert utils.get_im2rec_path() == str(tmp_path / "tools" / "im2rec.py")
    assert os.path.samefile(utils.get_im2rec_path("OTHER"), tmp_path / "tools" / "im2rec.py")
