"""Counting how often a name was asked for.

Every automatic name is a hint and a number. The numbers live in plain dictionaries (users look at them: `scope._counter`), and are
drawn under one lock, so that threads that build blocks in one scope never draw a number twice.
"""
import threading

__all__ = ['draw']

_lock = threading.Lock()


def draw(counter, hint):
    """Return how often `hint` was drawn from `counter` (a dict) before, and count this time.

    Examples
    --------
    >>> counter = {}
    >>> draw(counter, 'dense'), draw(counter, 'dense'), draw(counter, 'conv')
    (0, 1, 0)
    >>> counter
    {'dense': 2, 'conv': 1}
    """
    with _lock:
        number = counter.get(hint, 0)
        counter[hint] = number + 1
    return number
