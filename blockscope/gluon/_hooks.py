"""Handles of hooks that users put on blocks."""
import collections
import weakref

__all__ = ['HookHandle']


class HookHandle:
    """What registering a hook returns: `detach()` removes the hook, and so does leaving `with handle:`."""

    def __init__(self):
        self._hooks_dict_ref = None
        self._id = None

    def attach(self, hooks_dict, hook):
        """Put the hook into an ordered dictionary of hooks."""
        if self._hooks_dict_ref:
            raise AssertionError('The same handle cannot be attached twice.')
        self._id = id(hook)
        hooks_dict[self._id] = hook
        self._hooks_dict_ref = weakref.ref(hooks_dict)

    def detach(self):
        """Remove the hook; nothing happens where it is gone already."""
        hooks_dict = self._hooks_dict_ref()
        if hooks_dict is not None:
            hooks_dict.pop(self._id, None)

    def __getstate__(self):
        return self._hooks_dict_ref(), self._id

    def __setstate__(self, state):
        hooks_dict, self._id = state
        self._hooks_dict_ref = weakref.ref(collections.OrderedDict() if hooks_dict is None else hooks_dict)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        self.detach()


HookHandle.__module__ = __package__ + '.utils'  # its public home
