"""Text for representations and messages of Gluon."""

import types

__all__ = ['absent', 'brief_list', 'indent', 'owned_by']


def indent(text, spaces):
    """Return the text with all lines but the first moved right.

    Examples
    --------
    >>> indent('a\\nb', 2)
    'a\\n  b'
    """
    return text.replace('\n', '\n' + ' ' * spaces)


# What modules of MXNet's Gluon have and ours have not.
_ABSENT = {'vision': 'image data sets and transforms', 'RecordFileDataset': 'RecordIO files'}


def absent(module, name):
    """Return the error for a name that a module does not have; it says so where MXNet's has it."""
    why = f': not part of blockscope yet ({_ABSENT[name]})' if name in _ABSENT else ''
    return AttributeError(f'module {module!r} has no attribute {name!r}{why}')


def owned_by(owner, function):
    """Return a copy of a function whose errors about arguments name class `owner`, as if it were written there."""
    copy = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    copy.__qualname__ = f'{owner}.{function.__name__}'
    return copy


def brief_list(items, limit=7):
    """Return the items in quotes, the middle left out where there are more than `limit` (3 and 4 items are left, as in MXNet).

    Examples
    --------
    >>> brief_list('abc')
    "'a', 'b', 'c'"
    >>> brief_list(range(10))
    "'0', '1', '2', ..., '6', '7', '8', '9'"
    """
    items = list(items)
    if len(items) > limit:
        half, rest = items[:limit // 2], items[-limit // 2:]
        return f'{brief_list(half, limit)}, ..., {brief_list(rest, limit)}'
    return ', '.join(f"'{item}'" for item in items)
