"""Helpers around a test rather than about arrays: environment variables, retries, devices.  A part of `test_utils`.

Known bugs of MXNet 1.9.1 that are fixed here: `assert_exception` fails when nothing was raised even if AssertionError is awaited,
`environment` restores also what it had set before a bad value, and `discard_stderr` leaks no file descriptor.
"""
import contextlib
import functools
import os
import platform
import sys

from .backend import num_gpus
from .ndarray import waitall

__all__ = ["assert_exception", "discard_stderr", "environment", "has_tvm_ops", "is_aarch64_run", "is_cd_run", "is_op_runnable",
           "list_gpus", "retry", "set_env_var"]


def assert_exception(f, exception_type, *args, **kwargs):
    """Raise AssertionError unless ``f(*args, **kwargs)`` raises an exception of a type.

    Examples
    --------
    >>> assert_exception(int, ValueError, "x")
    """
    try:
        f(*args, **kwargs)
    except exception_type:
        return
    raise AssertionError(f"{getattr(f, '__name__', f)} raised nothing where {exception_type} was expected")


def retry(n):
    """Return a decorator that runs a test up to `n` times, until it raises no AssertionError: for tests of random numbers.

    Parameters
    ----------
    n : int
        At least 1.

    Examples
    --------
    >>> tries = []
    >>> @retry(3)
    ... def test():
    ...     tries.append(1)
    ...     if len(tries) < 2:
    ...         raise AssertionError("bad luck")
    >>> test()
    >>> len(tries)
    2
    """
    if n <= 0:
        raise AssertionError(f"retry needs at least one try, but got {n}")

    def decorate(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            for left in range(n - 1, -1, -1):
                try:
                    f(*args, **kwargs)
                    return
                except AssertionError:
                    if not left:
                        raise
                    waitall()
        return wrapper
    return decorate


@contextlib.contextmanager
def environment(*args):
    """Set environment variables for the time of a ``with`` block.

    Parameters
    ----------
    *args : name and value, or one dict of them
        A value of None removes the variable.

    Examples
    --------
    >>> import os
    >>> with environment("BLOCKSCOPE_EXAMPLE", "1"):
    ...     os.environ["BLOCKSCOPE_EXAMPLE"]
    '1'
    >>> "BLOCKSCOPE_EXAMPLE" in os.environ
    False
    """
    if len(args) == 1 and isinstance(args[0], dict):
        wanted = args[0]
    elif len(args) == 2:
        wanted = {args[0]: args[1]}
    else:
        raise AssertionError("Expecting one dict arg or two args: env var name and value")
    before = {name: os.environ.get(name) for name in wanted}
    try:
        _set_environment(wanted)
        yield
    finally:
        waitall()  # a device may still be at work under these settings
        _set_environment(before)


def _set_environment(values):
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def set_env_var(key, val, default_val=""):
    """Set an environment variable and return its value before, or `default_val` where it had none (MXNet 1.7's helper).

    Examples
    --------
    >>> set_env_var("BLOCKSCOPE_EXAMPLE", "1", "nothing"), set_env_var("BLOCKSCOPE_EXAMPLE", "")
    ('nothing', '1')
    """
    before = os.environ.get(key, default_val)
    os.environ[key] = val
    return before


@contextlib.contextmanager
def discard_stderr():
    """Throw away what is written to standard error in a ``with`` block, also by C libraries.

    Examples
    --------
    >>> import sys
    >>> with discard_stderr():
    ...     print("unseen", file=sys.stderr)
    """
    try:
        number = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # a stream without a file: what Python writes is all that can be discarded
        number = None
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        if number is None:
            with contextlib.redirect_stderr(nowhere):
                yield
            return
        sys.stderr.flush()
        kept = os.dup(number)
        try:
            os.dup2(nowhere.fileno(), number)
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, number)
            os.close(kept)


def list_gpus():
    """Return the numbers of the GPUs that can be used.

    Returns
    -------
    range

    Examples
    --------
    >>> import blockscope as mx
    >>> len(list_gpus()) == mx.num_gpus()
    True
    """
    return range(num_gpus())


def is_cd_run():
    """Say whether the environment variable CD_JOB is 1, by which MXNet's continuous delivery marks its runs.

    Examples
    --------
    >>> with environment("CD_JOB", "1"):
    ...     is_cd_run()
    True
    """
    return os.environ.get("CD_JOB") == "1"


def is_aarch64_run():
    """Say whether this is a 64-bit ARM machine.

    Examples
    --------
    >>> is_aarch64_run() in (True, False)
    True
    """
    return platform.machine() == "aarch64"


def has_tvm_ops():
    """Say whether operators made by TVM are there: never.

    Examples
    --------
    >>> has_tvm_ops()
    False
    """
    return False


def is_op_runnable():
    """Say whether operators can run on the current context: always, since only those made by TVM need a certain GPU.

    Examples
    --------
    >>> is_op_runnable()
    True
    """
    return True
