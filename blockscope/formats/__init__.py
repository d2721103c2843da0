"""File formats: bytes to NumPy arrays and back, and nothing else.

A reader checks every count against the bytes that are left before it allocates, names file, byte and record when the
file is wrong, and raises :class:`blockscope.errors.FormatError` only. A writer goes through
:func:`blockscope.formats.atomic.open_atomic`, so that a crash leaves the old file or the new one, never a part of one.
"""
