"""The memory of an array: who shares it, and who reads it as if it had been copied.

Some operators return a view of their input's memory although MXNet returns a copy (transpose, slice_axis, ...).  Such an array
is an *alias*: it is copied as soon as either side is written to, so nobody can tell, and nothing is copied that nobody writes to.
"""

import weakref

from .._tape import Storage


class Memory:
    """The part of NDArray that knows about shared memory.  `_storage` is made when somebody first shares or writes."""

    _storage = None
    _alias = False

    def _own_storage(self):
        if self._storage is None:
            self._storage = Storage()
        return self._storage

    def _writable(self):
        """Return the raw array for overwriting: counts the write and gives aliases their own copy first."""
        storage = self._storage
        if storage is None:
            self._storage = storage = Storage()
        elif storage.aliases is not None:
            if self._alias:
                self._separate()
                storage = self._own_storage()
            else:
                for reference in storage.aliases:
                    alias = reference()
                    if alias is not None and alias._alias and alias._storage is storage:
                        alias._separate()
                storage.aliases = None
        storage.writes += 1
        return self._raw

    def _separate(self):
        """Stop being an alias: take a copy of the values (the tape's count of writes stays valid)."""
        writes = self._storage.writes
        with self._ctx._use():
            self._raw = self._raw.copy(order="C")
        self._storage, self._alias = Storage(), False
        self._storage.writes = writes

    def _become_alias_of(self, source):
        storage = source._own_storage()
        if storage.aliases is None:
            storage.aliases = []
        elif len(storage.aliases) > 64:
            storage.aliases = [r for r in storage.aliases if r() is not None]
        storage.aliases.append(weakref.ref(self))
        self._storage = storage
        self._alias = True

    def _view(self, raw):
        """Wrap another raw array over this array's memory, sharing what is known about overwriting."""
        new = self._new(raw)
        new._storage = self._own_storage()
        return new

    def _share(self, part):
        """Let a recorded part of this array share its memory for writing too where it is contiguous, as MXNet's views do."""
        if part._alias and part._storage is self._storage and part._raw.flags.c_contiguous:
            part._alias = False
        return part

    def _owned(self):
        """Return the raw array after making it this array's own memory (not an alias), so that it can be viewed.

        It is in C order then: which parts share memory must not depend on the order that an operator chose for its result.
        """
        if self._alias:
            self._separate()
        elif not self._raw.flags.c_contiguous:
            with self._ctx._use():
                self._raw = self._raw.copy(order="C")
        return self._raw


def move(raw, source, target):
    """Copy a raw array from one context to another."""
    if source._backend is target._backend:
        return target._backend.copy(raw, target.device_id)
    return target._backend.from_host(source._backend.to_host(raw), target.device_id)


def raw_on(array, ctx):
    """Return an array's raw values for use on a context: its own where both share one memory, else a copy."""
    if array._ctx is ctx or (array._ctx._backend is ctx._backend and ctx._backend.mixes_contexts):
        return array._raw
    return move(array._raw, array._ctx, ctx)
