"""Where in the user's program a block was made, for errors in which two blocks clash.

Building a net makes thousands of blocks and an error is rare, so that a site keeps code objects and instruction offsets only; file
and line are looked up when somebody asks.
"""
import os
import sys

__all__ = ['Site', 'creation_site', 'describe_site']

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ours = {}


def _is_ours(filename):
    known = _ours.get(filename)
    if known is None:
        known = _ours[filename] = filename.startswith(_PACKAGE)
    return known


class Site:
    """Code object, offset, code object, offset, ... from the inside out. A pickle of it is empty."""

    __slots__ = ('places',)

    def __init__(self, *places):
        self.places = places

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return Site, ()


def creation_site():
    """Return the innermost call outside of this package, and its callers as long as they are constructors too.

    Returns
    -------
    Site
    """
    frame = sys._getframe(2)
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return Site()
    code = frame.f_code
    if code.co_name != '__init__':
        return Site(code, frame.f_lasti)
    places = []
    while frame is not None:
        code = frame.f_code
        if not _is_ours(code.co_filename):
            places += (code, frame.f_lasti)
            if code.co_name != '__init__':
                break
        frame = frame.f_back
    return Site(*places)


def describe_site(site):
    """Return a site as text, e.g. `net.py:12, called from train.py:40`.

    Examples
    --------
    >>> describe_site(None)
    'an unknown place'
    """
    if site is None or not site.places:
        return 'an unknown place'
    places = [f'{code.co_filename}:{_line(code, offset)}' for code, offset in zip(site.places[::2], site.places[1::2])]
    return ', called from '.join(places)


def _line(code, offset):
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            line = number
    return line
