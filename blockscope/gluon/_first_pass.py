"""Undoing a first forward pass that failed.

The first pass through a net initializes deferred parameters layer by layer. When a later layer fails, those of the earlier ones must go
back to where they were, or a batch of the wrong shape would fix the shapes of the net for good. What was initialized is noted under
the outermost running call of a block, which keeps or undoes all of it when it ends; calls that initialize nothing pay one look at an
empty dictionary.
"""
import sys

__all__ = ['end_of_call', 'outermost', 'pending', 'remember']

pending = {}  # id of the frame of an outermost call that still runs -> parameters and their states before
_calls = []


def outermost(function):
    """Mark (as a decorator) the method whose frames are the calls of blocks."""
    _calls.append(function.__code__)
    return function


def remember(params):
    """Note the state of parameters that are about to be initialized."""
    frame, found = sys._getframe(1), None
    while frame is not None:
        if frame.f_code in _calls:
            found = frame
        frame = frame.f_back
    if found is not None:
        pending.setdefault(id(found), []).extend([(param, param._state()) for param in params])


def end_of_call(failed):
    """Settle what was noted under the calling frame, if it is an outermost call: forget it, or undo it, latest first."""
    states = pending.pop(id(sys._getframe(1)), ())
    if failed:
        for param, state in reversed(states):
            param._set_state(state)
