"""Show results: a table for the terminal, one for the README, and a JSON document."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.runner import Settings
from benchmarks.stats import CaseResult, Comparison

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
PEER_TITLES = {"mxnet": "MXNet", "torch": "PyTorch", "jax": "JAX"}
HEADINGS = ("work", "blockscope", "peer", "peer's time", "ratio", "quartiles", "of minima", "limit", "met")


def format_seconds(seconds: float) -> str:
    """Return a time with three digits and a unit.

    Examples
    --------
    >>> format_seconds(0.0000123456), format_seconds(0.25), format_seconds(1500.0)
    ('12.3 us', '250 ms', '1500 s')
    """
    for unit, name in UNITS:
        if abs(seconds) >= unit:
            return f"{format_digits(seconds / unit)} {name}"
    return f"{format_digits(seconds / 1e-9)} ns"


def format_digits(value: float) -> str:
    """Return a number with three digits and no exponent.

    Examples
    --------
    >>> format_digits(0.04321), format_digits(1.5), format_digits(123.4)
    ('0.043', '1.50', '123')
    """
    decimals = 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{decimals}f}"


def title_of(label: str) -> str:
    """Return a system's name as people write it, with its variant.

    Examples
    --------
    >>> title_of("jax jit"), title_of("other")
    ('JAX (jit)', 'other')
    """
    name, _, variant = label.partition(" ")
    title = PEER_TITLES.get(name, name)
    return f"{title} ({variant})" if variant else title


def rows_of(result: CaseResult) -> list[tuple[str, ...]]:
    """Return the table's rows for one case: one for each peer, and one for a limit on blockscope alone."""
    ours = result.samples.get(result.subject)
    first = format_median(ours) if ours else "failed" if result.subject in result.errors else "not run"
    rows: list[tuple[str, ...]] = []
    within = result.within_seconds()
    if result.case.limit_seconds is not None or len(result.samples) == 1 or not result.samples:
        limit = f"<= {format_seconds(result.case.limit_seconds)}" if result.case.limit_seconds is not None else ""
        rows.append((result.case.title, first, "", "", "", "", "", limit, yes_or_no(within)))
    comparisons = result.comparisons()
    for label, samples in result.samples.items():
        if label != result.subject:
            cells = comparison_cells(comparisons.get(label))
            rows.append((result.case.title, first, title_of(label), format_median(samples), *cells))
    for label in result.errors:
        if label != result.subject:
            rows.append((result.case.title, first, title_of(label), "failed", "", "", "", "", ""))
    return rows


def format_median(samples: Sequence[float]) -> str:
    """Return the median of samples, and their minimum in brackets."""
    return f"{format_seconds(median(samples))} ({format_seconds(min(samples))})"


def comparison_cells(comparison: Comparison | None) -> tuple[str, ...]:
    """Return the cells from the ratio on."""
    if comparison is None:
        return ("-", "", "", "", "")
    return (
        format_digits(comparison.ratio),
        f"{format_digits(comparison.low)} to {format_digits(comparison.high)}",
        format_digits(comparison.ratio_of_minima),
        "" if comparison.limit is None else f"<= {comparison.limit:g}",
        yes_or_no(comparison.met),
    )


def yes_or_no(met: bool | None) -> str:
    """Return the word for a judgement, empty for none."""
    return "" if met is None else "yes" if met else "NO"


def terminal_table(results: Sequence[CaseResult]) -> str:
    """Return the results as aligned columns; a repeated first cell is left blank."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for result in results:
        for index, row in enumerate(rows_of(result)):
            rows.append(row if index == 0 else ("", "", *row[2:]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def markdown_table(results: Sequence[CaseResult]) -> str:
    """Return the results as a Markdown table."""
    rows = [row for result in results for row in rows_of(result)]
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def caption(settings: Settings, machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Return the lines that say how the numbers came about."""
    systems = ", ".join(f"{title_of(name)} {version}" for name, version in versions.items())
    return (
        f"{systems or 'no system started'}\n"
        f"{machine['cpu']}, {settings.threads} threads each, {settings.rounds} interleaved rounds; "
        "times: median (minimum); ratio: blockscope's median over the peer's; quartiles: of the single rounds' ratios"
    )


def describe_machine() -> dict[str, str]:
    """Return the date, the CPU model, the operating system and blockscope's Python version."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cpu": cpu_model(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def cpu_model() -> str:
    """Return the CPU's model name where Linux tells it, else what Python knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown CPU"


def document(
    results: Sequence[CaseResult],
    settings: Settings,
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    failed: Mapping[str, str],
) -> dict[str, Any]:
    """Return everything measured, for JSON."""
    return {
        "machine": dict(machine),
        "settings": asdict(settings),
        "versions": dict(versions),
        "not_started": dict(failed),
        "cases": [case_document(result) for result in results],
    }


def case_document(result: CaseResult) -> dict[str, Any]:
    """Return one case's samples (seconds per call), comparisons and errors, for JSON."""
    return {
        "name": result.case.name,
        "title": result.case.title,
        "limit_seconds": result.case.limit_seconds,
        "within_limit_seconds": result.within_seconds(),
        "systems": {
            label: {"median": median(samples), "min": min(samples), "samples": samples}
            for label, samples in result.samples.items()
        },
        "comparisons": {label: asdict(comparison) for label, comparison in result.comparisons().items()},
        "errors": dict(result.errors),
    }
