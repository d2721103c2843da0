"""Data sets and models from the network: a part of `test_utils`.

A file that is there already is never downloaded again, so that a machine without a network works when the files are put in place.

Known bugs of MXNet 1.9.1 that are fixed here: `get_bz2_data` works with a relative folder, `get_zip_data` with an archive whose name
is not the end of its URL, and no function leaves half a file behind.
"""
import bz2
import logging
import os
import shutil
import zipfile

import numpy as np

from . import _download, io
from .formats.atomic import open_atomic
from .io._idx import read_idx

__all__ = ["DummyIter", "download", "download_model", "get_bz2_data", "get_cifar10", "get_im2rec_path", "get_mnist",
           "get_mnist_iterator", "get_mnist_pkl", "get_mnist_ubyte", "get_zip_data"]

_MODELS = "http://data.mxnet.io/models/"
_FILES_OF_MODELS = {  # path and epoch
    "imagenet1k-inception-bn": ("imagenet/inception-bn/Inception-BN", "0126"),
    **{f"imagenet1k-resnet-{n}": (f"imagenet/resnet/{n}-layers/resnet-{n}", "0000") for n in (18, 34, 50, 101, 152)},
    "imagenet1k-resnext-50": ("imagenet/resnext/50-layers/resnext-50", "0000"),
    "imagenet1k-resnext-101": ("imagenet/resnext/101-layers/resnext-101", "0000"),
    "imagenet1k-resnext-101-64x4d": ("imagenet/resnext/101-layers/resnext-101-64x4d", "0000"),
    "imagenet11k-resnet-152": ("imagenet-11k/resnet-152/resnet-152", "0000"),
    "imagenet11k-place365ch-resnet-152": ("imagenet-11k-place365-ch/resnet-152", "0000"),
    "imagenet11k-place365ch-resnet-50": ("imagenet-11k-place365-ch/resnet-50", "0000"),
}
_MNIST = "http://data.mxnet.io/data/mnist/"
_ARCHIVES = "http://data.mxnet.io/mxnet/data/"
_MNIST_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_DATA = "data"  # the folder in the current one that MXNet's examples share


def download(url, fname=None, dirname=None, overwrite=False, retries=5):
    """Download a file, unless it is there.

    Parameters
    ----------
    url : str
        Where from.
    fname : str, optional
        Name of the file; the last part of `url` by default.
    dirname : str, optional
        Folder of the file; made if need be.
    overwrite : bool, default False
        Download even if the file exists.
    retries : int, default 5
        How often to try.

    Returns
    -------
    str
        The file.

    Raises
    ------
    ConnectionError
        When the server cannot be reached, as on a machine without a network.
    RuntimeError
        When the server refuses.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     download("http://example.org/file", fname=file.name) == file.name
    True
    """
    if retries < 0:
        raise AssertionError("Number of retries should be at least 0")
    target = url.split("/")[-1] if fname is None else fname
    if dirname is not None:
        target = os.path.join(dirname, target)
    if os.path.dirname(target) and not os.path.isdir(os.path.dirname(target)):
        logging.info("create directory %s", os.path.dirname(target))
        os.makedirs(os.path.dirname(target), exist_ok=True)
    if not overwrite and os.path.exists(target):
        logging.info("%s exists, skipping download", target)
        return target
    _download.fetch(url, target, None, max(retries, 1), True)
    logging.info("downloaded %s into %s successfully", url, target)
    return target


def download_model(model_name, dst_dir='./', meta_info=None):
    """Download a symbol file and its parameters.

    Parameters
    ----------
    model_name : str
        A key of `meta_info`, or of MXNet's list, such as 'imagenet1k-resnet-18'.
    dst_dir : str
        Folder of the files ``{model_name}-symbol.json`` and ``{model_name}-0000.params``; made if need be.
    meta_info : dict of str -> dict, optional
        ``{name: {'symbol': url, 'params': url}}`` in place of MXNet's list.

    Returns
    -------
    prefix : str or None
        What ``load_checkpoint`` takes; None for an unknown model.
    epoch : int

    Examples
    --------
    >>> download_model("unheard-of")
    (None, 0)
    """
    if meta_info is None:
        meta_info = {name: {"symbol": f"{_MODELS}{path}-symbol.json", "params": f"{_MODELS}{path}-{epoch}.params"}
                     for name, (path, epoch) in _FILES_OF_MODELS.items()}
    if model_name not in meta_info:
        return None, 0
    urls = meta_info[model_name]
    if not {"symbol", "params"} <= set(urls):
        raise AssertionError(f"the entry of {model_name} must have URLs for 'symbol' and 'params', but has {sorted(urls)}")
    prefix = os.path.join(dst_dir, model_name)
    download(urls["symbol"], prefix + "-symbol.json")
    download(urls["params"], prefix + "-0000.params")
    return prefix, 0


# ---- data sets -----------------------------------------------------------------------------------------------------------------


def get_mnist():
    """Download and read MNIST: files ``train-images-idx3-ubyte.gz`` and so on in the current folder.

    Returns
    -------
    dict of str -> numpy.ndarray
        'train_data' and 'test_data': float32 from 0 to 1, shape (samples, 1, 28, 28); 'train_label' and 'test_label': int8.
    """
    images, labels, test_images, test_labels = (download(f"{_MNIST}{name}.gz") for name in _MNIST_FILES)
    return {"train_data": _images(images), "train_label": _labels(labels),
            "test_data": _images(test_images), "test_label": _labels(test_labels)}


def _images(path):
    return read_idx(path, dimensions=3)[:, np.newaxis].astype(np.float32) / 255


def _labels(path):
    return read_idx(path, dimensions=1).astype(np.int8)


def get_mnist_pkl():
    """Download MNIST in its form as a pickle to ``data/mnist.pkl.gz`` (only unpickle files that you trust)."""
    download("http://deeplearning.net/data/mnist/mnist.pkl.gz", dirname=_DATA)


def get_mnist_ubyte():
    """Download MNIST and unpack its four files to the folder ``data``."""
    _get_archive(_ARCHIVES + "mnist.zip", _MNIST_FILES)


def get_cifar10():
    """Download CIFAR-10 and unpack its RecordIO files to the folder ``data/cifar``."""
    _get_archive(_ARCHIVES + "cifar10.zip", [f"cifar/{name}" for name in ("train.rec", "test.rec", "train.lst", "test.lst")])


def _get_archive(url, files):
    if not all(os.path.exists(os.path.join(_DATA, name)) for name in files):
        _unpack(download(url, dirname=_DATA), _DATA)


def _unpack(path, folder):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)


def get_mnist_iterator(batch_size, input_shape, num_parts=1, part_index=0):
    """Return iterators over MNIST, downloaded by :func:`get_mnist_ubyte`.

    Parameters
    ----------
    batch_size : int
    input_shape : tuple of int
        Three numbers give images of shape (1, 28, 28), any other count gives shape (784,).
    num_parts, part_index : int
        Read one of several equal parts.

    Returns
    -------
    train, test : mx.io.DataIter
        Of 'data' in [0, 1) and 'softmax_label'; the training samples are shuffled.
    """
    get_mnist_ubyte()
    flat = len(input_shape) != 3
    images, labels, test_images, test_labels = (os.path.join(_DATA, name) for name in _MNIST_FILES)
    train = io.MNISTIter(image=images, label=labels, batch_size=batch_size, shuffle=True, flat=flat, num_parts=num_parts,
                         part_index=part_index)
    # MXNet shuffles these too: it leaves MNISTIter its default.
    test = io.MNISTIter(image=test_images, label=test_labels, batch_size=batch_size, flat=flat, num_parts=num_parts,
                        part_index=part_index)
    return train, test


def get_zip_data(data_dir, url, data_origin_name):
    """Download a zip archive and unpack it, unless it is there.

    Parameters
    ----------
    data_dir : str
        Folder of the archive and of what is in it.
    url : str
        Where from.
    data_origin_name : str
        Name of the archive.
    """
    archive = os.path.join(data_dir, data_origin_name)
    if not os.path.exists(archive):
        _unpack(download(url, archive), data_dir)


def get_bz2_data(data_dir, data_name, url, data_origin_name):
    """Download a file compressed by bzip2 and unpack it, unless it is there; the compressed file is removed.

    Parameters
    ----------
    data_dir : str
        Folder of the files.
    data_name : str
        Name of the unpacked file.
    url : str
        Where from.
    data_origin_name : str
        Name of the compressed file.
    """
    target, packed = os.path.join(data_dir, data_name), os.path.join(data_dir, data_origin_name)
    if not os.path.exists(target):
        download(url, packed)
        with bz2.open(packed) as source, open_atomic(target) as file:
            shutil.copyfileobj(source, file)
        os.remove(packed)


class DummyIter(io.DataIter):
    """Give the first batch of another iterator for ever: for timing without reading data.

    Parameters
    ----------
    real_iter : mx.io.DataIter

    Examples
    --------
    >>> import blockscope as mx
    >>> batches = DummyIter(mx.io.NDArrayIter(mx.nd.arange(4), batch_size=2))
    >>> [next(batches).data[0].asnumpy().tolist() for _ in range(3)]
    [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, real_iter):
        super().__init__()
        self.real_iter = real_iter
        self.provide_data = real_iter.provide_data
        self.provide_label = real_iter.provide_label
        self.batch_size = real_iter.batch_size
        self.the_batch = next(real_iter)

    def next(self):
        """Return the batch."""
        return self.the_batch


def get_im2rec_path(home_env="MXNET_HOME"):
    """Return the path of MXNet's tool ``im2rec.py``.

    Parameters
    ----------
    home_env : str
        Environment variable that holds MXNet's folder.

    Raises
    ------
    OSError
        When it is not there: blockscope brings no such tool.
    """
    home = os.environ.get(home_env, os.path.dirname(os.path.abspath(__file__)))
    for path in (os.path.join(home, "tools", "im2rec.py"), os.path.join(home, "..", "..", "tools", "im2rec.py")):
        if os.path.isfile(path):
            return path
    raise OSError(f"Could not find path to tools/im2rec.py: set {home_env} to the folder of an MXNet that has it")
