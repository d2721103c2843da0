"""Show where the time of one case goes: ``python -m benchmarks.profile CASE``.

The first lines give the time of a call and of one operator without the profiler. The table is cProfile's, per call: the
profiler adds its own cost to each function, so its times compare functions and do not add up to the first lines.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.cases import CASES, IMPORT, Case
from benchmarks.processes import REPOSITORY, THREAD_VARIABLES
from benchmarks.report import format_seconds
from benchmarks.systems import gluon_cases
from benchmarks.systems.worker import Prepared

SORTS = ("own", "total", "calls")


class Line(NamedTuple):
    """Hold one function's part in a call of the case: how often it is called, and seconds without and with callees."""

    calls: float
    own: float
    total: float
    function: str


def profile_calls(prepared: Prepared, calls: int) -> list[Line]:
    """Run a prepared case `calls` times under cProfile and return each function's part in one call."""
    profiler = cProfile.Profile()
    for _ in range(calls):
        subject = () if prepared.fresh is None else (prepared.fresh(),)
        profiler.enable()
        result = prepared.call(*subject)
        profiler.disable()
    prepared.wait(result)
    # The type stubs leave out the attribute that holds the numbers.
    entries = vars(pstats.Stats(profiler))["stats"].items()
    lines = [
        Line(count / calls, own / calls, total / calls, function_name(*key))
        for key, (_, count, own, total, _) in entries
    ]
    return [line for line in lines if "_lsprof.Profiler" not in line.function]


def function_name(file: str, line: int, name: str) -> str:
    """Return a short name of a profiled function, with file and line for one written in Python.

    Examples
    --------
    >>> function_name("~", 0, "<built-in method builtins.len>")
    '<built-in method builtins.len>'
    """
    if file == "~":
        return name
    path = Path(file)
    shown = path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else Path(*path.parts[-2:])
    return f"{shown}:{line} {name}"


def format_profile(case: Case, seconds: float, lines: Sequence[Line], sort: str, top: int) -> str:
    """Return the text for one case that takes `seconds` a call without the profiler."""
    per_operator = seconds / case.operators * 1e6
    each = "it goes through 1 operator" if case.operators == 1 else f"it goes through {case.operators} operators"
    text = [
        f"{case.name}: {case.title}",
        f"{format_seconds(seconds)} per call without the profiler; {each}: {per_operator:.3f} us per operator call",
        f"{sum(line.calls for line in lines):.1f} function calls per call",
        "",
        f"{'calls':>10} {'own us':>10} {'total us':>10}  function",
    ]
    for line in sorted(lines, key=lambda line: getattr(line, sort), reverse=True)[:top]:
        text.append(f"{line.calls:>10.2f} {line.own * 1e6:>10.3f} {line.total * 1e6:>10.3f}  {line.function}")
    return "\n".join(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile the case that the command line names and return the exit status."""
    cases = {case.name: case for case in CASES if case.name != IMPORT}
    command = argparse.ArgumentParser(
        prog="python -m benchmarks.profile", description="Show where the time of one case goes."
    )
    command.add_argument("case", choices=cases, metavar="CASE", help=", ".join(cases))
    command.add_argument("--library", default="blockscope", help="the module that runs the case (default: %(default)s)")
    command.add_argument("--seconds", type=float, default=0.2, help="aimed length of a sample (default: %(default)s)")
    command.add_argument("--threads", type=int, default=2, help="threads of numerical libraries (default: %(default)s)")
    command.add_argument("--sort", choices=SORTS, default="own", help="the column to sort by (default: %(default)s)")
    command.add_argument("--top", type=int, default=25, help="how many functions to show (default: %(default)s)")
    options = command.parse_args(arguments)

    # The libraries read these when they are imported, which open_system does.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(options.threads)))
    opened = gluon_cases.open_system(options.library, options.threads)
    prepared = Prepared(opened["cases"][options.case](), opened["wait"])
    prepared.calibrate(options.seconds)
    seconds = min(prepared.sample() for _ in range(3))
    lines = profile_calls(prepared, prepared.calls)
    print(format_profile(cases[options.case], seconds, lines, options.sort, options.top))
    return 0


if __name__ == "__main__":
    sys.exit(main())
