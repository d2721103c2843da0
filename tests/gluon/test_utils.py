"""gluon.utils. Results and messages were asked of MXNet 1.9.1."""
import functools
import hashlib
import http.server
import os
import pickle
import threading
import warnings
from collections import OrderedDict

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import utils

CONTENT = b"some content\n" * 50000
SHA1 = hashlib.sha1(CONTENT).hexdigest()


@pytest.fixture
def batch():
    return mx.nd.array(np.arange(12).reshape(6, 2))


def test_split_data(batch):
    assert [part.asnumpy().tolist() for part in utils.split_data(batch, 4, even_split=False)] == [
        [[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9]], [[10, 11]]]
    assert [part.shape for part in utils.split_data(batch, 2, batch_axis=1)] == [(6, 1)] * 2
    assert [part.shape for part in utils.split_data(batch, 2, batch_axis=-1)] == [(6, 1)] * 2
    assert [part.shape for part in utils.split_data(mx.nd.ones((2, 3)), 3, even_split=False)] == [
        (1, 3), (1, 3), (0, 3)]
    assert len(utils.split_data(batch, 1)) == 1


def test_parts_along_the_first_axis_share_memory(batch):
    utils.split_data(batch, 2)[0][:] = -1
    assert batch.asnumpy()[:, 0].tolist() == [-1, -1, -1, 6, 8, 10]


@pytest.mark.parametrize("slices, axis", [(4, 0), (3, 1)])
def test_uneven_splits_are_refused(batch, slices, axis):
    message = (rf"data with shape \(6, 2\) cannot be evenly split into {slices} slices along axis {axis}. Use a batch "
               rf"size that's multiple of {slices} or set even_split=False to allow uneven partitioning of data.")
    with pytest.raises(ValueError, match=message):
        utils.split_data(batch, slices, batch_axis=axis)


def test_split_and_load(batch):
    parts = utils.split_and_load(np.ones((4, 2)), [mx.cpu(0), mx.cpu(1)])
    assert [(part.context, part.shape, part.dtype) for part in parts] == [
        (mx.cpu(0), (2, 2), np.float32), (mx.cpu(1), (2, 2), np.float32)]
    assert utils.split_and_load(batch, [mx.cpu(0)])[0] is batch
    assert utils.split_and_load([[1, 2]], [mx.cpu(2)])[0].context == mx.cpu(2)
    parts = utils.split_and_load(batch, [mx.cpu(i) for i in range(4)], even_split=False)
    assert [part.shape for part in parts] == [(2, 2), (2, 2), (1, 2), (1, 2)]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("limit", [1.0, 100.0])
def test_clip_global_norm(check, limit):
    arrays = [mx.nd.array([3, 4]), mx.nd.ones((2, 2)), mx.nd.array([2], ctx=mx.cpu(1))]
    norm = utils.clip_global_norm(arrays, limit, check)
    assert isinstance(norm, np.float32 if check else mx.nd.NDArray)
    np.testing.assert_allclose(norm if check else norm.asnumpy(), 33 ** 0.5 if check else [33 ** 0.5], rtol=1e-6)
    # MXNet 1.9.1: 0.5222330, 0.6963106 | 0.1740777 | 0.3481553 for the limit 1
    scale = 0.17407766 if limit == 1 else 1
    for array, expected in zip(arrays, ([3, 4], np.ones((2, 2)), [2])):
        np.testing.assert_allclose(array.asnumpy(), np.multiply(expected, scale), rtol=2e-7)
    assert arrays[2].context == mx.cpu(1)


def test_clip_global_norm_of_types_that_mxnet_fails_on():
    # 300 ** 2 is beyond float16. The norm is sqrt(2 * 300 ** 2 + 1) by hand.
    arrays = [mx.nd.array([300, 300], dtype="float16"), mx.nd.array([1], dtype="float64")]
    norm = utils.clip_global_norm(arrays, 1.0)
    np.testing.assert_allclose(norm, 180001 ** 0.5, rtol=1e-6)
    assert [array.dtype for array in arrays] == [np.float16, np.float64]
    np.testing.assert_allclose(arrays[0].asnumpy(), [0.7071, 0.7071], rtol=1e-3)


def test_clip_global_norm_warns_of_nan_only_when_asked():
    array = mx.nd.array([np.nan, 1])
    with pytest.warns(UserWarning, match="nan or inf is detected. Clipping results will be undefined.") as caught:
        assert np.isnan(utils.clip_global_norm([array], 1.0))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        utils.clip_global_norm([array], 1.0, check_isfinite=False)


def test_clip_global_norm_of_nothing():
    with pytest.raises(AssertionError, match="at least one array"):
        utils.clip_global_norm([], 1.0)


def test_clip_and_split_on_every_device(device):
    arrays = [mx.nd.array([3, 4], ctx=device), mx.nd.ones((2, 2), ctx=device), mx.nd.array([2])]
    norm = utils.clip_global_norm(arrays, 1.0, check_isfinite=False)
    assert norm.context == device and norm.shape == (1,)
    np.testing.assert_allclose(norm.asnumpy(), [33 ** 0.5], rtol=1e-6)
    np.testing.assert_allclose(arrays[0].asnumpy(), np.divide([3, 4], 33 ** 0.5), rtol=1e-6)
    assert arrays[2].context == mx.cpu()
    parts = utils.split_and_load(np.arange(6).reshape(3, 2), [device, mx.cpu()], even_split=False)
    assert [(part.context, part.shape) for part in parts] == [(device, (2, 2)), (mx.cpu(), (1, 2))]
    parts = utils.split_data(parts[0], 2, batch_axis=1)
    assert [part.asnumpy().tolist() for part in parts] == [[[0], [2]], [[1], [3]]]


def test_clip_global_norm_without_the_check_never_waits_for_the_device(fake):
    arrays = [mx.nd.ones((4, 4), ctx=fake(1)), mx.nd.ones((3,), ctx=fake(1))]
    counts = fake(1)._backend.counts
    before = counts.syncs, counts.d2h
    utils.clip_global_norm(arrays, 1.0, check_isfinite=False)
    assert (counts.syncs, counts.d2h) == before
    utils.clip_global_norm(arrays, 1.0)
    assert (counts.syncs, counts.d2h) != before


def test_check_sha1(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    assert utils.check_sha1(tmp_path / "file", SHA1)
    assert not utils.check_sha1(tmp_path / "file", "0" * 40)


def test_replace_file(tmp_path):
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    utils.replace_file(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"new" and not (tmp_path / "new").exists()
    (tmp_path / "new").write_bytes(b"new")
    with pytest.raises(OSError, match="Moving downloaded temp file - .*new, to .*file failed"):
        utils.replace_file(tmp_path / "new", tmp_path / "nowhere" / "file")
    assert not (tmp_path / "new").exists()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serve /file; /broken ends early; /flaky fails twice before it works; anything else is missing."""

    def do_GET(self):
        self.server.asked.append(self.path)
        path = self.path.strip("/")
        if path == "flaky" and len(self.server.asked) < 3:
            self.send_error(503)
        elif path in ("file", "broken", "flaky"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:1000] if path == "broken" else CONTENT)
        else:
            self.send_error(404)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.asked = []
        thread = threading.Thread(target=functools.partial(running.serve_forever, poll_interval=0.01))
        thread.start()
        running.url = f"http://127.0.0.1:{running.server_port}"
        yield running
        running.shutdown()
        thread.join()


def test_download(server, tmp_path, capsys):
    url = server.url + "/file"
    assert utils.download(url) == "file" and (tmp_path / "file").read_bytes() == CONTENT
    assert capsys.readouterr().out == f"Downloading file from {url}...\n"
    assert utils.download(url, sha1_hash=SHA1) == "file" and len(server.asked) == 1
    assert utils.download(url, path=str(tmp_path)) == str(tmp_path / "file") and len(server.asked) == 1
    (tmp_path / "file").write_bytes(b"stale")
    utils.download(url)
    assert (tmp_path / "file").read_bytes() == b"stale"
    utils.download(url, sha1_hash=SHA1)
    assert (tmp_path / "file").read_bytes() == CONTENT and len(server.asked) == 2
    utils.download(url, overwrite=True)
    assert len(server.asked) == 3
    assert utils.download(url, path="made/on/the/way") == "made/on/the/way" and os.path.exists("made/on/the/way")


def test_download_tries_again(server, tmp_path, capsys):
    utils.download(server.url + "/flaky")
    assert (tmp_path / "flaky").read_bytes() == CONTENT and len(server.asked) == 3
    out = capsys.readouterr().out
    assert "retrying, 4 attempts left" in out and "retrying, 3 attempts left" in out


@pytest.mark.parametrize("name, error, message, attempts", [
    ("missing", RuntimeError, "Failed downloading url .*/missing: the server answered 404 Not Found", 1),
    ("broken", ConnectionError, "Failed downloading url .*/broken: the connection ended after 1000 of 650000 bytes", 2),
])
def test_download_of_what_is_not_there(server, tmp_path, name, error, message, attempts):
    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(error, match=message):
        utils.download(f"{server.url}/{name}", overwrite=True, retries=2)
    assert len(server.asked) == attempts
    assert (tmp_path / name).read_bytes() == b"old" and os.listdir(tmp_path) == [name]


def test_download_with_another_hash_leaves_no_file(server, tmp_path):
    with pytest.raises(UserWarning, match="File file is downloaded but the content hash does not match. The repo may "
                                          "be outdated or download may be incomplete."):
        utils.download(server.url + "/file", sha1_hash="0" * 40, retries=1)
    assert os.listdir(tmp_path) == []


def test_download_offline_says_what_to_do(tmp_path):
    target = tmp_path / "file"
    with pytest.raises(ConnectionError, match="If this machine has no network, get the file on another one and put it "
                                              f"at {target}"):
        utils.download("http://127.0.0.1:9/file", path=str(target), retries=0)
    assert os.listdir(tmp_path) == []


def test_download_of_nothing():
    with pytest.raises(AssertionError, match="Can't construct file-name from this URL. Please set the `path`"):
        utils.download("http://127.0.0.1:9/x/")
    with pytest.raises(AssertionError, match="Number of retries should be at least 0, currently it's -1"):
        utils.download("http://127.0.0.1:9/x", retries=-1)


def test_unverified_download_warns(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"Unverified HTTPS request is being made \(verify_ssl=False\)."):
        utils.download("https://127.0.0.1:9/file", path=str(tmp_path), verify_ssl=False)


def test_repository_address(monkeypatch):
    monkeypatch.delenv("MXNET_GLUON_REPO", raising=False)
    assert utils._get_repo_file_url("gluon/x", "y.zip") == (
        "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/x/y.zip")
    monkeypatch.setenv("MXNET_GLUON_REPO", "https://example.org/m")
    assert utils._get_repo_file_url("a", "b") == "https://example.org/m/a/b"


@pytest.mark.parametrize("count, expected", [
    (3, "'0', '1', '2'"), (7, "'0', '1', '2', '3', '4', '5', '6'"),
    (8, "'0', '1', '2', ..., '4', '5', '6', '7'"), (20, "'0', '1', '2', ..., '16', '17', '18', '19'")])
def test_brief_list(count, expected):
    assert utils._brief_print_list(range(count)) == expected


def test_indent():
    assert [utils._indent("a", 2), utils._indent("a\nb\n", 2)] == ["a", "a\n  b\n  "]


def test_shape_is_known():
    assert [utils.shape_is_known(shape) for shape in (None, (), (1, 2), (0, 2), (3,))] == [
        False, False, True, False, True]
    with pytest.raises(AssertionError, match="shape dimension size cannot be less than 0, while received -1"):
        utils.shape_is_known((-1, 2))


def test_hook_handle():
    hooks, handle = OrderedDict(), utils.HookHandle()
    handle.attach(hooks, print)
    assert list(hooks.values()) == [print]
    with pytest.raises(AssertionError, match="The same handle cannot be attached twice."):
        handle.attach(hooks, print)
    hooks2, handle2 = pickle.loads(pickle.dumps((hooks, handle)))
    with handle2:
        pass
    assert not hooks2 and hooks
    handle.detach()
    handle.detach()
    assert not hooks
