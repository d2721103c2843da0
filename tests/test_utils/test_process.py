"""Helpers around tests: retries, environment variables, standard error."""
import io
import os
import subprocess
import sys

import pytest

import blockscope as mx
from blockscope import test_utils as utils


def test_assert_exception():
    utils.assert_exception(int, ValueError, "x", base=10)
    with pytest.raises(ZeroDivisionError):
        utils.assert_exception(lambda: 1 / 0, ValueError)
    for awaited in (ValueError, AssertionError, Exception):  # MXNet catches its own failure for the last two
        with pytest.raises(AssertionError, match="int raised nothing where .* was expected"):
            utils.assert_exception(int, awaited, "1")


def test_retry():
    tries = []

    @utils.retry(3)
    def fails(times, error=AssertionError):
        """Its docstring."""
        tries.append(1)
        if len(tries) <= times:
            raise error("unlucky")

    assert fails.__name__ == "fails" and fails.__doc__ == "Its docstring."
    for times, expected in ((0, 1), (2, 3)):
        tries.clear()
        fails(times)
        assert len(tries) == expected
    for error, expected in ((AssertionError, 3), (ValueError, 1)):
        tries.clear()
        with pytest.raises(error, match="unlucky"):
            fails(9, error=error)
        assert len(tries) == expected
    with pytest.raises(AssertionError, match="at least one try"):
        utils.retry(0)


def test_environment(monkeypatch):
    monkeypatch.setenv("BLOCKSCOPE_A", "old")
    monkeypatch.delenv("BLOCKSCOPE_B", raising=False)
    with utils.environment({"BLOCKSCOPE_A": None, "BLOCKSCOPE_B": "new"}):
        assert "BLOCKSCOPE_A" not in os.environ and os.environ["BLOCKSCOPE_B"] == "new"
    assert os.environ["BLOCKSCOPE_A"] == "old" and "BLOCKSCOPE_B" not in os.environ
    with pytest.raises(KeyError), utils.environment("BLOCKSCOPE_A", "new"):
        raise KeyError
    with pytest.raises(TypeError), utils.environment({"BLOCKSCOPE_A": "new", "BLOCKSCOPE_B": 1}):
        pass
    assert os.environ["BLOCKSCOPE_A"] == "old" and "BLOCKSCOPE_B" not in os.environ
    assert utils.set_env_var("BLOCKSCOPE_A", "newer") == "old" and os.environ["BLOCKSCOPE_A"] == "newer"


def test_discard_stderr():
    program = ("import os, sys\n"
               "from blockscope.test_utils import discard_stderr\n"
               "print('before', file=sys.stderr)\n"
               "with discard_stderr():\n"
               "    print('from Python', file=sys.stderr)\n"
               "    os.write(2, b'from C')\n"
               "print('after', file=sys.stderr)\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.split() == ["before", "after"]


def test_discard_stderr_passes_errors_on():
    with pytest.raises(AttributeError, match="own"), utils.discard_stderr():  # MXNet: RuntimeError about the generator
        raise AttributeError("own")


def test_discard_stderr_of_a_stream_without_a_file(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with utils.discard_stderr():
        print("unseen", file=sys.stderr)
    print("seen", file=sys.stderr)
    assert stream.getvalue() == "seen\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts the open files of Linux")
def test_discard_stderr_keeps_no_descriptor_open():
    def count():
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for _ in range(5):
        with utils.discard_stderr():
            pass
    assert count() == before


def test_where_tests_run(monkeypatch):
    assert list(utils.list_gpus()) == list(range(mx.num_gpus()))
    monkeypatch.setenv("CD_JOB", "1")
    assert utils.is_cd_run()
    monkeypatch.setenv("CD_JOB", "0")
    assert not utils.is_cd_run()
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert utils.is_aarch64_run()
