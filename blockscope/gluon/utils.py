"""Helpers for training loops and for files: split batches over contexts, clip gradients, download."""
import contextlib
import hashlib
import os
import warnings

from .. import ndarray as nd
# MXNet's names for these, which other packages import from here.
from ._hooks import HookHandle  # noqa: F401
from ._shape import shape_is_known  # noqa: F401
from ._text import brief_list as _brief_print_list, indent as _indent  # noqa: F401

__all__ = ["split_data", "split_and_load", "clip_global_norm", "check_sha1", "download", "replace_file"]

_CHUNK = 1 << 20


def split_data(data, num_slice, batch_axis=0, even_split=True):
    """Split an array along its batch axis, usually to send each part to one device.

    Parameters
    ----------
    data : NDArray
        A batch.
    num_slice : int
        Number of parts.
    batch_axis : int, default 0
        The axis to split.
    even_split : bool, default True
        Refuse a batch that does not split evenly; else the first parts are one longer.

    Returns
    -------
    list of NDArray
        Parts along axis 0 share the memory of `data`.

    Raises
    ------
    ValueError
        When the parts are to be equal and cannot be.

    Examples
    --------
    >>> import blockscope as mx
    >>> [part.shape for part in split_data(mx.nd.ones((5, 2)), 2, even_split=False)]
    [(3, 2), (2, 2)]
    """
    size = data.shape[batch_axis]
    if even_split and size % num_slice != 0:
        raise ValueError(f"data with shape {data.shape} cannot be evenly split into {num_slice} slices along axis "
                         f"{batch_axis}. Use a batch size that's multiple of {num_slice} or set even_split=False to "
                         "allow uneven partitioning of data.")
    each, longer = divmod(size, num_slice)
    ends = [each * (number + 1) + min(number + 1, longer) for number in range(num_slice)]
    bounds = zip([0, *ends], ends)
    if batch_axis == 0:
        return [data[begin:end] for begin, end in bounds]
    return [nd.slice_axis(data, axis=batch_axis, begin=begin, end=end) for begin, end in bounds]


def split_and_load(data, ctx_list, batch_axis=0, even_split=True):
    """Split an array along its batch axis and move one part to each context.

    Parameters
    ----------
    data : NDArray or array_like
        A batch; anything but an NDArray becomes float32.
    ctx_list : list of Context
        Where the parts go.
    batch_axis, even_split
        As for :func:`split_data`.

    Returns
    -------
    list of NDArray
        One for each context.

    Examples
    --------
    >>> import blockscope as mx
    >>> [part.context for part in split_and_load([[1, 2], [3, 4]], [mx.cpu(0), mx.cpu(1)])]
    [cpu(0), cpu(1)]
    """
    if not isinstance(data, nd.NDArray):
        data = nd.array(data, ctx=ctx_list[0])
    if len(ctx_list) == 1:
        return [data.as_in_context(ctx_list[0])]
    parts = split_data(data, len(ctx_list), batch_axis, even_split)
    return [part.as_in_context(ctx) for part, ctx in zip(parts, ctx_list)]


def clip_global_norm(arrays, max_norm, check_isfinite=True):
    """Scale arrays in place so that the 2-norm of all their elements together is at most `max_norm`.

    Parameters
    ----------
    arrays : list of NDArray
        Usually gradients; on any contexts.
    max_norm : float
        The greatest norm allowed.
    check_isfinite : bool, default True
        Warn when the norm is not finite. This waits for the device; without it nothing does.

    Returns
    -------
    float or NDArray
        The norm before scaling: a number, or an array of shape (1,) without the check.

    Raises
    ------
    AssertionError
        When `arrays` is empty (the class that MXNet raises).

    Notes
    -----
    float16 arrays are summed in float32, and types may be mixed; MXNet 1.9.1 fails on both and on float64.

    Examples
    --------
    >>> import blockscope as mx
    >>> gradient = mx.nd.array([3, 4])
    >>> clip_global_norm([gradient], 1), gradient.asnumpy()
    (np.float32(5.0), array([0.6, 0.8], dtype=float32))
    """
    if len(arrays) == 0:
        raise AssertionError("clip_global_norm needs at least one array")
    arrays = list(arrays)  # of an array: its rows
    ctx = arrays[0].context
    wide = "float64" if any(array.dtype().itemsize == 8 for array in arrays) else "float32"
    squares = [_squared_norm(array, wide).as_in_context(ctx) for array in arrays]
    norm = nd.sqrt(nd.add_n(*squares))
    number = norm.asscalar() if check_isfinite else None
    if check_isfinite and not abs(number) < float("inf"):
        warnings.warn("nan or inf is detected. Clipping results will be undefined.", UserWarning, stacklevel=2)
    scale = nd.minimum(max_norm / (norm + 1e-8), 1.0)
    for array in arrays:
        array *= scale.as_in_context(array.context).astype(array.dtype, copy=False)
    return number if check_isfinite else norm


def _squared_norm(array, dtype):
    flat = nd.reshape(array, shape=(-1,)).astype(dtype, copy=False)
    return nd.dot(flat, flat)


def check_sha1(filename, sha1_hash):
    """Say whether the content of a file has a SHA-1.

    Parameters
    ----------
    filename : str
        The file.
    sha1_hash : str
        40 hexadecimal digits.

    Returns
    -------
    bool
    """
    digest = hashlib.sha1(usedforsecurity=False)
    with open(filename, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == sha1_hash


def replace_file(src, dst):
    """Rename a file over another, at once; when that fails, remove the source.

    Parameters
    ----------
    src, dst : str
        The new file and the name that it takes.

    Raises
    ------
    OSError
        When the system refuses.
    """
    try:
        os.replace(src, dst)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(src)
        raise OSError(f"Moving downloaded temp file - {src}, to {dst} failed. Please retry the download.") from error


def download(url, path=None, overwrite=False, sha1_hash=None, retries=5, verify_ssl=True):
    """Download a file, unless it is there.

    The file gets its name only when it is complete and has the right hash.

    Parameters
    ----------
    url : str
        Where from.
    path : str, optional
        File or folder to write; by default the last part of `url`, in the current folder.
    overwrite : bool, default False
        Download even if the file exists.
    sha1_hash : str, optional
        Expected SHA-1; a file that exists with another one is downloaded again.
    retries : int, default 5
        How often to try.
    verify_ssl : bool, default True
        Check the server's certificate.

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
    UserWarning
        When the content has another hash (the class that MXNet raises).
    AssertionError
        When no file name follows from `url`, or `retries` is negative (the class that MXNet raises).
    """
    target = _download_target(url, path)
    if retries < 0:
        raise AssertionError(f"Number of retries should be at least 0, currently it's {retries}")
    if not verify_ssl:
        warnings.warn("Unverified HTTPS request is being made (verify_ssl=False). Adding certificate verification is "
                      "strongly advised.", stacklevel=2)
    if not overwrite and os.path.exists(target) and (not sha1_hash or check_sha1(target, sha1_hash)):
        return target
    # Imported when used: the network modules would take a third of the time of `import blockscope`.
    from .. import _download

    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    _download.fetch(url, target, sha1_hash, max(retries, 1), verify_ssl)
    return target


def _download_target(url, path):
    name = url.split("/")[-1]
    if path is None:
        if not name:
            raise AssertionError("Can't construct file-name from this URL. Please set the `path` option manually.")
        return name
    path = os.path.expanduser(path)
    return os.path.join(path, name) if os.path.isdir(path) else path


def _get_repo_url():
    """Return the address of Gluon's data and models, with a slash at the end; MXNET_GLUON_REPO overrides it."""
    url = os.environ.get("MXNET_GLUON_REPO", "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/")
    return url if url.endswith("/") else url + "/"


def _get_repo_file_url(namespace, filename):
    """Return the address of a file there, such as ``gluon/models`` and ``resnet.zip``."""
    return f"{_get_repo_url()}{namespace}/{filename}"
