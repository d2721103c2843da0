"""Every exception class of blockscope, and how a message names a type.

A message says what failed, what the caller wrote, and what to write instead.
"""

_module_alias: list[tuple[str, str]] = []


class MXNetError(RuntimeError):
    """Base class of errors raised by operators, arrays, autograd and files (MXNet's ``mxnet.base.MXNetError``)."""


class FormatError(MXNetError):
    """A file does not hold what its format promises; the message gives file, offset and record."""


class NotImplementedForSymbol(MXNetError):
    """An array method that a symbolic graph cannot offer was called on a Symbol."""

    def __init__(self, function, alias=None, *args):
        name = function if isinstance(function, str) else function.__name__
        instead = f" Use {alias} instead." if alias else ""
        shown = f" with arguments {tuple(type(a).__name__ for a in args)}" if args else ""
        super().__init__(f"Function {name}{shown} is not implemented for Symbol and only available in NDArray.{instead}")


def show_module_as(real, shown):
    """Let messages print classes of package `real` as if they lived in package `shown` (used by ``as_mxnet``)."""
    if (real, shown) not in _module_alias:
        _module_alias.append((real, shown))


def public_class(cls):
    """Text of a class in messages, as ``str(cls)`` prints it, under the package name that the user imported.

    Examples
    --------
    >>> public_class(int)
    "<class 'int'>"
    """
    text = str(cls)
    for real, shown in _module_alias:
        text = text.replace(f"'{real}.", f"'{shown}.")
    return text
