"""Ambient state: what is current here and now, in this thread of execution.

Block scopes, name managers, attribute scopes, the current context and autograd's flags are all "ambient": code deep down asks for
them without having been handed them. All of them live in this module, under three rules that each cost MXNet a bug:

* The state belongs to the thread of execution, never to the scope object. A scope may be entered twice, from two threads, or again
  after an exception, because entering it writes nothing into it.
* Entering pushes a frame and gives a token; leaving pops the frame of that token. A generator or a coroutine may leave its scopes in
  another order than it entered them, or in another `contextvars.Context`; the remaining frames stay in their order.
* Each asyncio task starts with its creator's frames and has its own from then on (that is what `contextvars` does). Each new thread
  starts with nothing, also where the interpreter copies the context into it (`asyncio.to_thread`, `copy_context().run` in a thread,
  `thread_inherit_context` of Python 3.14): a frame is visible only in the thread that pushed it.

Stacks are immutable linked frames, so that a copied context shares them without copying.

Examples
--------
>>> from blockscope.naming import ambient
>>> token = ambient.push('colour', 'red')
>>> ambient.top('colour')
'red'
>>> ambient.pop(token)
>>> ambient.top('colour', 'none')
'none'
"""
import threading
from contextvars import ContextVar

__all__ = ['Stack', 'assign_flags', 'pop', 'push', 'recording', 'restore', 'set_flags', 'stack', 'top', 'training']


class _Thread(threading.local):
    """The identity of the running thread. A thread's number may be used again after it ended; this object is not."""

    def __init__(self):
        self.owner = object()


_thread = _Thread()


class Token:
    """What a push returns and the matching pop takes."""

    __slots__ = ('stack',)

    def __init__(self, stack):
        self.stack = stack


# An entry of a stack is a tuple, which is made in a fifth of the time of an object: a net enters a scope for every block.
# (value, owner, token, below); `below` is the rest of the stack.


def _cut(frame, token):
    """Return the stack without the frame of `token`; the same stack where there is none (left in another context, or twice).

    Values assigned (pushed without a token) directly above that frame belong to its scope and go with it.
    """
    kept, rest = [], frame
    while rest is not None and rest[2] is not token:
        kept.append(rest)
        rest = rest[3]
    if rest is None:
        return frame
    while kept and kept[-1][2] is None:
        kept.pop()
    rest = rest[3]
    for value, owner, own_token, _ in reversed(kept):
        rest = value, owner, own_token, rest
    return rest


def _without(flags, token):
    """Return autograd's flags without the change that `token` stands for, like `_cut`."""
    kept, rest = [], flags
    while rest is not None and rest.token is not token:
        kept.append(rest)
        rest = rest.below
    if rest is None:
        return flags
    while kept and kept[-1].token is None:
        kept.pop()
    rest = rest.below
    for upper in reversed(kept):
        rest = upper.over(rest)
    return rest


class Stack:
    """A stack of current values with one copy per thread and per asyncio task.

    Parameters
    ----------
    name : str
        Shown by debuggers only.

    Examples
    --------
    >>> colours = Stack('colours')
    >>> token = colours.push('red')
    >>> colours.top()
    'red'
    >>> colours.pop(token)
    >>> colours.top() is None
    True
    """

    __slots__ = ('_var',)

    def __init__(self, name):
        self._var = ContextVar('blockscope.' + name, default=None)

    def top(self, default=None):
        """Return the value pushed last in this thread of execution and not popped yet, else `default`."""
        frame = self._var.get()
        if frame is None or frame[1] is not _thread.owner:
            return default
        return frame[0]

    def push(self, value, token=None):
        """Make `value` the top; return the token that `pop` takes (a new one, or any object that the caller has at hand)."""
        below, owner = self._var.get(), _thread.owner
        if below is not None and below[1] is not owner:
            below = None
        if token is None:
            token = Token(self)
        self._var.set((value, owner, token, below))
        return token

    def pop(self, token):
        """Remove the frame that `token` stands for, wherever it is; a token that is not in this stack removes nothing."""
        frame = self._var.get()
        if frame is not None:
            self._var.set(frame[3] if frame[2] is token else _cut(frame, token))

    def assign(self, value):
        """Make `value` the top without a token: it lasts until the innermost scope ends. Any number of calls takes no memory."""
        below, owner = self._var.get(), _thread.owner
        if below is not None and below[1] is not owner:
            below = None
        if below is not None and below[2] is None:
            below = below[3]
        self._var.set((value, owner, None, below))

    def leave(self, scope):
        """Pop the topmost frame that was entered through `scope` (the value itself, or its `scope` attribute); return its value.

        For context managers that may be entered many times at once and therefore keep no token. None where there is no such frame.
        """
        frame, owner = self._var.get(), _thread.owner
        while frame is not None and frame[1] is owner:
            value, _, token, below = frame
            if token is not None and (value is scope or getattr(value, 'scope', None) is scope):
                self.pop(token)
                return value
            frame = below
        return None

    def values(self):
        """Return the values from the top down."""
        frame, values = self._var.get(), []
        if frame is not None and frame[1] is not _thread.owner:
            return values
        while frame is not None:
            values.append(frame[0])
            frame = frame[3]
        return values


_stacks = {}


def stack(key):
    """Return the stack of a key, the same one for every caller."""
    found = _stacks.get(key)
    return found if found is not None else _stacks.setdefault(key, Stack(key))


def push(key, value):
    """Make `value` the current one for `key`; return the token for `pop`."""
    return stack(key).push(value)


def pop(token):
    """Undo the `push` that returned `token`."""
    token.stack.pop(token)


def top(key, default=None):
    """Return what is current for `key`, or `default`."""
    return stack(key).top(default)


class _Flags:
    """Autograd's two flags as a frame; a change of None keeps what lies below."""

    __slots__ = ('below', 'change', 'owner', 'recording', 'token', 'training')

    def __init__(self, token, change, below, owner):
        self.token = token
        self.change = change
        self.below = below
        self.owner = owner
        recording, training = change
        self.recording = (below is not None and below.recording) if recording is None else recording
        self.training = (below is not None and below.training) if training is None else training

    def over(self, below):
        """Return this change on top of another rest."""
        return _Flags(self.token, self.change, below, self.owner)


_IDLE = _Flags(None, (False, False), None, None)
_flags = ContextVar('blockscope.autograd', default=_IDLE)
_get_flags = _flags.get


def recording():
    """Tell whether operators are being recorded in this thread of execution."""
    flags = _get_flags()
    return flags.recording and flags.owner is _thread.owner


def training():
    """Tell whether operators run in training mode in this thread of execution."""
    flags = _get_flags()
    return flags.training and flags.owner is _thread.owner


def _own_flags():
    flags, owner = _get_flags(), _thread.owner
    return (flags if flags.owner is owner else _IDLE), owner


def set_flags(recording=None, training=None, token=None):
    """Enter a state of the flags, None keeping the current one; return the token for `restore`.

    For scopes (`autograd.record()`): every call is to be undone by one `restore`. For a lasting change use `assign_flags`. A scope
    object may give itself as `token`; entered twice, the inner one is undone first.

    Examples
    --------
    >>> from blockscope.naming import ambient
    >>> token = ambient.set_flags(recording=True)
    >>> ambient.recording(), ambient.training()
    (True, False)
    >>> ambient.restore(token)
    >>> ambient.recording()
    False
    """
    below, owner = _own_flags()
    if token is None:
        token = Token(None)
    _flags.set(_Flags(token, (recording, training), below, owner))
    return token


def restore(token):
    """Undo the `set_flags` that returned `token`."""
    flags = _get_flags()
    _flags.set(flags.below if flags.token is token else _without(flags, token))


def assign_flags(recording=None, training=None):
    """Change the flags of the innermost scope for good (until that scope ends); return the flags before as a pair.

    This is what `autograd.set_recording` and `autograd.set_training` do: no token, and any number of calls takes no memory.

    Examples
    --------
    >>> from blockscope.naming import ambient
    >>> ambient.assign_flags(training=True)
    (False, False)
    >>> ambient.assign_flags(training=False)
    (False, True)
    """
    flags, owner = _own_flags()
    before = flags.recording, flags.training
    change = (before[0] if recording is None else recording, before[1] if training is None else training)
    _flags.set(_Flags(flags.token, change, flags.below, owner))
    return before
