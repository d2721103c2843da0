"""Files are replaced as a whole or not at all."""
import os
import stat
import subprocess
import sys

import pytest

from blockscope.formats import atomic
from blockscope.formats.atomic import open_atomic, write_atomic


@pytest.mark.parametrize("kind", [str, os.fsencode, lambda path: path])
def test_writes_for_every_kind_of_path(tmp_path, kind):
    write_atomic(kind(tmp_path / "file"), b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(error), open_atomic(target) as file:
        file.write(b"new")
        raise error
    assert target.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_the_old_file_stays_until_the_end(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with open_atomic(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    program = ("import os, sys; from blockscope.formats.atomic import open_atomic\n"
               "with open_atomic(sys.argv[1]) as file:\n    file.write(b'n' * 100000); file.flush(); os._exit(9)")
    done = subprocess.run([sys.executable, "-c", program, str(target)], cwd=os.getcwd(), check=False)
    assert done.returncode == 9 and target.read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX systems")
def test_permissions_are_kept_and_new_files_get_the_usual_ones(tmp_path):
    old, new, plain = tmp_path / "old", tmp_path / "new", tmp_path / "plain"
    old.write_bytes(b"")
    old.chmod(0o640)
    plain.write_bytes(b"")
    write_atomic(old, b"1")
    write_atomic(new, b"2")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="symbolic links of POSIX systems")
def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="/dev/null of POSIX systems")
def test_devices_are_written_straight():
    write_atomic(os.devnull, b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_write_protected_file_is_not_replaced(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    monkeypatch.setattr(atomic.os, "access", lambda path, mode: False)  # root may write everything, so ask nobody
    with pytest.raises(PermissionError, match="write-protected"):
        write_atomic(target, b"new")
    assert target.read_bytes() == b"old"


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "file", b"")


def test_a_name_of_the_greatest_length(tmp_path):
    name = "n" * 250
    write_atomic(tmp_path / name, b"1")
    assert os.listdir(tmp_path) == [name]


def test_content_reaches_the_disk_before_the_name_changes(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(atomic.os, "fsync", lambda fd: (order.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(atomic.os, "replace", lambda a, b: (order.append("rename"), replace(a, b))[1])
    write_atomic(tmp_path / "file", b"1")
    assert order == (["fsync", "rename", "fsync"] if os.name == "posix" else ["fsync", "rename"])
