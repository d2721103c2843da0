"""Command line of the benchmark runner: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.cases import CASES
from benchmarks.processes import PEER_CASES, System, blockscope_system, peer_system
from benchmarks.runner import Runner, Settings

RESULTS = Path(__file__).resolve().parent / "results"


def peer(text: str) -> System:
    """Return the system that ``NAME=PYTHON`` names."""
    name, _, python = text.partition("=")
    if name not in PEER_CASES or not python:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PYTHON with NAME one of {', '.join(PEER_CASES)}")
    path = Path(python).expanduser()
    # A virtual environment's python is a link to the real one and must not be resolved.
    found = shutil.which(path)
    if found is None:
        raise argparse.ArgumentTypeError(f"{python!r} is no program that can be run")
    return peer_system(name, str(Path(found).absolute()))


def pattern(text: str) -> re.Pattern[str]:
    """Return the compiled regular expression."""
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from error


def writable(text: str) -> Path:
    """Return the path of a file that can be made, so that no run is lost for a folder that is not there."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written: it is a folder, or its folder does not exist")
    return path


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def seconds(text: str) -> float:
    """Return a length of time, 0 (as short as can be) or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 3600")
    return value


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    defaults = Settings()
    result = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time blockscope and each given peer in turns on the same work, and print the ratios.",
        epilog="cases: " + ", ".join(case.name for case in CASES),
    )
    add = result.add_argument
    add(
        "--peer",
        type=peer,
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="a peer, and the python it runs on",
    )
    add("--only", type=pattern, default="", metavar="REGEX", help="run the cases whose name the expression is found in")
    add("--rounds", type=positive, default=defaults.rounds, help="samples of each system (default: %(default)s)")
    add("--threads", type=positive, default=defaults.threads, help="threads of each system (default: %(default)s)")
    add(
        "--sample-seconds",
        type=seconds,
        default=defaults.sample_seconds,
        help="aimed length of a sample (default: %(default)s)",
    )
    add("--markdown", action="store_true", help="print the table as Markdown")
    add("--json", type=writable, metavar="FILE", help="write everything measured to FILE")
    add("--record", action="store_true", help="keep table and numbers in benchmarks/results/")
    return result


def record(table: str, caption: str, content: dict[str, object], machine: dict[str, str]) -> Path:
    """Write table and numbers to the results folder, under the date and the CPU's name, and return the table's path."""
    RESULTS.mkdir(exist_ok=True)
    stem = f"{machine['date']}-{re.sub('[^a-z0-9]+', '-', machine['cpu'].lower()).strip('-')}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    path = RESULTS / f"{stem}.md"
    path.write_text(f"{table}\n\n{caption}\n", encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that the command line asks for and return the exit status."""
    command = parser()
    options = command.parse_args(arguments)
    cases = [case for case in CASES if re.search(options.only, case.name)]
    if not cases:
        command.error(f"no case matches {options.only.pattern!r}; there are {', '.join(case.name for case in CASES)}")
    names = [system.name for system in options.peer]
    if len(set(names)) < len(names):
        command.error("a peer is given twice")

    settings = Settings(options.rounds, options.sample_seconds, options.threads)
    systems = [blockscope_system(sys.executable), *options.peer]
    with Runner(systems, settings, lambda line: print(line, file=sys.stderr, flush=True)).started() as runner:
        results = [runner.run(case) for case in cases]
    machine = report.describe_machine()
    caption = report.caption(settings, machine, runner.versions)
    print(report.markdown_table(results) if options.markdown else report.terminal_table(results))
    print(f"\n{caption}")
    content = report.document(results, settings, machine, runner.versions, runner.failed)
    if options.json is not None:
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if options.record:
        print(f"recorded in {record(report.markdown_table(results), caption, content, machine)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
