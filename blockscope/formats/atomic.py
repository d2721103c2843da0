"""Replace a file as a whole or not at all."""
import contextlib
import os
import secrets
import stat


@contextlib.contextmanager
def open_atomic(path):
    """Open a binary file that takes the place of `path` when the ``with`` block ends well.

    The bytes go to a temporary file in the same folder, reach the disk (``fsync``), and take the name by a rename,
    which is made durable too. When the block raises, or the program dies, `path` is untouched. A file that exists
    keeps its permissions, a symbolic link keeps pointing at the file it names, and devices and pipes are written
    straight.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file to write.

    Yields
    ------
    io.BufferedWriter
        Where to write.

    Raises
    ------
    OSError
        When the folder does not exist or cannot be written, or the file there may not be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder, "notes")
    ...     with open_atomic(target) as file:
    ...         _ = file.write(b"all of it")
    ...     os.listdir(folder), target.read_bytes()
    (['notes'], b'all of it')
    """
    target = os.path.realpath(os.fsdecode(path))
    mode = _existing_mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as file:
            yield file
        return
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(f"the file {target!r} exists and is write-protected")
    folder, name = os.path.split(target)
    # The name is cut so that a file name of the greatest length still has room for the suffix.
    temporary = os.path.join(folder, f".{name[:60]}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fsdecode(path)) from None  # the user's name, not the temporary one
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def write_atomic(path, content):
    """Write the bytes `content` to `path` as :func:`open_atomic` does."""
    with open_atomic(path) as file:
        file.write(content)


def _existing_mode(path):
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder):
    """Make a rename in `folder` durable, where the system can open folders (Windows cannot, and needs no such step)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
