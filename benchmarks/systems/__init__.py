"""The timed work, one file per system, and the worker process that runs it.

A cases file is loaded by the python of the system it times, so it imports that system and the standard library only.
It defines ``open_system(library, threads)``, which returns the version, the function that waits for a result, and the
cases: a dictionary from the case's name (``name@variant`` where a system has several ways to do the work) to a function
that sets the case up and returns either

- ``call``, a function without arguments that does the work once, or
- ``(call, fresh)``, for work that consumes its subject: ``fresh()`` makes a new subject outside the timed region and
  ``call(subject)`` does the work once.
"""
