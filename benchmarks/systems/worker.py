"""Answer the runner's requests over pipes: prepare a case, time a sample of it, release it.

Started as a script by the python of the timed system: ``worker.py CASES_FILE LIBRARY THREADS``. A request and its reply
are one line of JSON each. Only this file's standard library imports and the cases file are loaded.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

MAX_CALLS = 1_000_000


class Prepared:
    """Hold one case that is set up, with the number of calls that makes a sample.

    Parameters
    ----------
    work : callable or (callable, callable)
        What the case's function returned: ``call``, or ``(call, fresh)``.
    wait : callable
        Called with the last result; returns when all the work is done.
    """

    def __init__(self, work: Any, wait: Callable[[Any], object]):
        self.call, self.fresh = work if isinstance(work, tuple) else (work, None)
        self.wait = wait
        self.calls = 1

    def time_calls(self, calls: int) -> float:
        """Return the seconds that `calls` calls take, the wait for their results included."""
        call = self.call
        if self.fresh is not None:
            return sum(self._time_fresh() for _ in range(calls))
        result = None
        start = time.perf_counter()
        for _ in itertools.repeat(None, calls):
            result = call()
        self.wait(result)
        return time.perf_counter() - start

    def _time_fresh(self) -> float:
        subject = self.fresh()
        self.wait(None)
        start = time.perf_counter()
        self.wait(self.call(subject))
        return time.perf_counter() - start

    def calibrate(self, seconds: float) -> None:
        """Warm up, and choose how many calls make a sample of about `seconds`.

        The first call (compilation, allocation) is not part of the estimate, unless it is so long that a sample is one
        call anyway.
        """
        self.calls, elapsed = 1, self.time_calls(1)
        if elapsed < 10 * seconds:
            elapsed = self.time_calls(1)
        while elapsed < seconds and self.calls < MAX_CALLS:
            # A short trial says little about the rate, so it may grow the count by at most 10.
            growth = min(10.0, 1.1 * seconds / max(elapsed, 1e-9))
            self.calls = min(MAX_CALLS, max(self.calls + 1, int(self.calls * growth)))
            elapsed = self.time_calls(self.calls)

    def sample(self) -> float:
        """Return the seconds of one call, averaged over a sample.

        Garbage collection stays on during the sample, as in a user's program, and starts from a clean slate.
        """
        gc.collect()
        if self.fresh is None:
            # The process was stopped while others ran: one untimed call brings caches and threads back.
            self.time_calls(1)
        return self.time_calls(self.calls) / self.calls


class Worker:
    """Keep the opened system and the prepared cases, and answer requests."""

    def __init__(self, opened: dict[str, Any]):
        self.opened = opened
        self.prepared: dict[str, Prepared] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what `request` asks and return the reply."""
        action, case = request["action"], request.get("case", "")
        if action == "describe":
            return {"version": self.opened["version"], "cases": list(self.opened["cases"])}
        if action == "prepare":
            prepared = Prepared(self.opened["cases"][case](), self.opened["wait"])
            prepared.calibrate(request["seconds"])
            self.prepared[case] = prepared
            return {"calls": prepared.calls}
        if action == "sample":
            return {"seconds": self.prepared[case].sample()}
        if action == "release":
            self.prepared.pop(case, None)
            gc.collect()
            return {}
        raise ValueError(f"the runner asked for {action!r}, which no worker does")


def take_stdout() -> TextIO:
    """Return a private writer on standard output, and send everything else printed there to standard error."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


def limit_cpus(threads: int) -> None:
    """Bind this process to as many CPUs as it may use threads, where the system allows it.

    The thread settings of the libraries do not reach every pool (XLA's among them); this does.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def describe_error(error: BaseException) -> dict[str, str]:
    """Return the reply that tells the runner of `error`."""
    line = traceback.format_exception_only(type(error), error)[-1].strip()
    return {"error": line, "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__))}


def main(cases_file: str, library: str, threads: int) -> None:
    """Open the system, then answer one request per line of standard input until it ends."""
    replies = take_stdout()

    def reply(content: dict[str, Any]) -> None:
        replies.write(json.dumps(content) + "\n")
        replies.flush()

    limit_cpus(threads)
    path = Path(cases_file)
    sys.path.insert(0, str(path.parent))
    try:
        worker = Worker(importlib.import_module(path.stem).open_system(library, threads))
    except Exception as error:
        reply(describe_error(error))
        return
    for line in sys.stdin:
        try:
            content = worker.answer(json.loads(line))
        except Exception as error:
            content = describe_error(error)
        reply(content)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
