"""Text for representations and messages of Gluon."""

__all__ = ['brief_list', 'indent']


def indent(text, spaces):
    """Return the text with all lines but the first moved right.

    Examples
    --------
    >>> indent('a\\nb', 2)
    'a\\n  b'
    """
    return text.replace('\n', '\n' + ' ' * spaces)


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
