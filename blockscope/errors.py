"""Every exception class of blockscope, and how a message names a type.

A message says what failed, what the caller wrote, and what to write instead.
"""

_module_alias: list[tuple[str, str]] = []


class MXNetError(RuntimeError):
    """Base class of errors raised by operators, arrays, autograd and files (MXNet's ``mxnet.base.MXNetError``)."""


class FormatError(MXNetError):
    """A file does not hold what its format promises; the message gives file, offset and record."""


class NotImplementedForSymbol(MXNetError):
    """An array method that a symbolic graph cannot offer was called on a Symbol.

    Parameters
    ----------
    function : callable or str
        What was called.
    alias : str, optional
        How users write it, such as ``+=``.
    *args
        Arguments, whose types the message names.
    """

    where = ""  # which line of which block, added while a block is traced

    def __init__(self, function, alias=None, *args):
        super().__init__()
        self.function = function if isinstance(function, str) else function.__name__
        self.alias = alias
        self.args = tuple(str(type(arg)) for arg in args)

    def __str__(self):
        alias = f' (namely operator "{self.alias}")' if self.alias else ""
        given = f" with arguments ({', '.join(self.args)})" if self.args else ""
        return f"Function {self.function}{alias}{given} is not implemented for Symbol and only available in NDArray.{self.where}"


def show_module_as(real, shown):
    """Let messages print classes of package `real` as if they lived in package `shown` (used by ``as_mxnet``)."""
    if (real, shown) not in _module_alias:
        _module_alias.append((real, shown))


def public_module(name):
    """Return a module's name in messages, under the package name that the user imported.

    Examples
    --------
    >>> public_module('json.decoder')
    'json.decoder'
    """
    for real, shown in _module_alias:
        if name == real or name.startswith(f"{real}."):
            name = shown + name[len(real):]
    return name


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
