"""The JSON of dmlc, MXNet's base library: a dialect with rules of its own.

Strings hold any character but line breaks, and know five escapes; numbers are integers; there are no other values; of a repeated key
the last one counts; what follows the value is ignored. MXNet's reader also takes a text that is cut off for a whole one, which loses
outputs of a graph and its version: here that is an error.

References
----------
``dmlc/json.h`` of Apache MXNet 1.9.1.
"""
import re

from ..errors import FormatError

__all__ = ['parse']

_SPACE = r'[ \t\n\r\v\f]*'
_STRING = r'"([^"\\\r\n]*(?:\\[rnt\\"][^"\\\r\n]*)*)"'
# A flat array of integers, such as an entry of inputs, is one token: files are full of them.
_VALUE = re.compile(_SPACE + '(?:' + _STRING + r'|\[([-+0-9, \t\n\r\v\f]*)\]|([\[{])|([-+]?[0-9]{1,20}))')
_KEY = re.compile(_SPACE + _STRING + _SPACE + ':')
_NEXT = re.compile(_SPACE + r'([,\]}])')
_CLOSE = {'{': re.compile(_SPACE + '}'), '[': re.compile(_SPACE + r'\]')}
_OTHER = {'{': ']', '[': '}'}
_WHOLE_STRING = re.compile(_STRING)
_BLANK = re.compile(_SPACE)
_ESCAPE = re.compile(r'\\(.)')
_UNESCAPED = {'r': '\r', 'n': '\n', 't': '\t', '\\': '\\', '"': '"'}


def parse(text, name, max_nesting):
    """Return the value at the start of a text: dict, list, str or int.

    Parameters
    ----------
    text : str
    name : str
        The file, for messages.
    max_nesting : int
        How deep brackets may lie within each other.

    Raises
    ------
    FormatError
        With position and line of what is wrong.

    Examples
    --------
    >>> parse('{"a": [1, "two"]} and more', '<text>', 2)
    {'a': [1, 'two']}
    """
    stack, container, key, kind, position = [], None, None, None, 0
    while True:
        value, opened, position = _value(text, position, name)
        if kind == '{':
            container.pop(key, None)  # the last of a repeated key counts, also for the order
            container[key] = value
        elif kind == '[':
            container.append(value)
        if opened:
            if len(stack) == max_nesting:
                raise FormatError(f'{name}: brackets are nested too deeply: more than {max_nesting} are open at character {position}')
            stack.append((container, key, kind))
            container, kind = value, opened
            if not _CLOSE[kind].match(text, position):
                if kind == '{':
                    key, position = _key(text, position, name)
                continue
        while stack:  # behind a value, or behind the bracket of an empty container
            follows = _NEXT.match(text, position)
            if follows is None or follows[1] == _OTHER[kind]:
                raise _error(text, position, name, "',' or '}'" if kind == '{' else "',' or ']'")
            position = follows.end()
            if follows[1] == ',':
                if kind == '{':
                    key, position = _key(text, position, name)
                break
            value = container
            container, key, kind = stack.pop()
        if not stack:
            return value


def _value(text, position, name):
    """Return a value, the bracket if it is a container just opened, and the position behind."""
    found = _VALUE.match(text, position)
    if found is None:
        raise _error(text, position, name, 'a value')
    which = found.lastindex
    if which == 1:
        return _unescape(found[1]), None, found.end()
    if which == 2:
        return _integers(found, text, name), None, found.end()
    if which == 3:
        return ({} if found[3] == '{' else []), found[3], found.end()
    return int(found[4]), None, found.end()


def _key(text, position, name):
    found = _KEY.match(text, position)
    if found is None:
        raise _error(text, position, name, 'a key in quotes and a colon')
    return _unescape(found[1]), found.end()


def _unescape(text):
    return _ESCAPE.sub(lambda found: _UNESCAPED[found[1]], text) if '\\' in text else text


def _integers(found, text, name):
    items = found[2]
    if not items or items.isspace():
        return []
    try:
        return [int(item) for item in items.split(',')]
    except ValueError:
        raise _error(text, found.start(2), name, 'integers between commas') from None


def _error(text, position, name, expected):
    position = _BLANK.match(text, position).end()
    if position == len(text):
        problem = f'the text ends where {expected} should stand'
    elif text[position] == '"' and not _WHOLE_STRING.match(text, position):
        problem = (f'a string has no end, a line break, or an escape other than \\r \\n \\t \\\\ \\": '
                   f'{text[position:position + 40]!r}')
    else:
        problem = f'{expected} should stand where {text[position:position + 20]!r} stands'
    line = text.count('\n', 0, position) + 1
    return FormatError(f'{name}: {problem} (at character {position}, line {line})')
