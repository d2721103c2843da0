"""Turn interleaved samples into ratios with spread, and hold them against the limits."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.cases import Case


@dataclass(frozen=True)
class Comparison:
    """Compare blockscope's samples with one peer's, round by round.

    Attributes
    ----------
    ratio, ratio_of_minima : float
        Blockscope's median (minimum) over the peer's.
    low, high : float
        The quartiles of the ratios of the single rounds.
    limit : float or None
        The largest accepted `ratio`.
    met : bool or None
        Whether `ratio` keeps the limit; None without one.
    """

    ratio: float
    ratio_of_minima: float
    low: float
    high: float
    limit: float | None
    met: bool | None


def quartiles(values: list[float]) -> tuple[float, float]:
    """Return the first and third quartile of `values`, interpolated between the sorted values.

    Examples
    --------
    >>> quartiles([1.0, 2.0, 3.0, 4.0, 5.0])
    (2.0, 4.0)
    """
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def compare(ours: list[float], theirs: list[float], limit: float | None = None) -> Comparison:
    """Compare two systems' samples of the same rounds.

    Examples
    --------
    >>> compare([1.0, 2.0, 3.0], [4.0, 4.0, 4.0], limit=0.4)
    Comparison(ratio=0.5, ratio_of_minima=0.25, low=0.375, high=0.625, limit=0.4, met=False)
    """
    ratio = divide(median(ours), median(theirs))
    low, high = quartiles([divide(a, b) for a, b in zip(ours, theirs, strict=True)])
    met = None if limit is None else ratio <= limit
    return Comparison(ratio, divide(min(ours), min(theirs)), low, high, limit, met)


def divide(ours: float, theirs: float) -> float:
    """Return the ratio of two times.

    A time less a baseline (an import less numpy's) can come out at zero or below on a noisy machine: no ratio then.
    """
    return ours / theirs if theirs > 0 else float("nan")


@dataclass(frozen=True)
class CaseResult:
    """Hold the samples of one case, or for a system that failed its error, by the system's label.

    Parameters
    ----------
    case : Case
        What was timed.
    subject : str
        The label of the system that the others are compared with.
    samples : dict of str to list of float
        Seconds per call, one for each round.
    errors : dict of str to str
        The error of each system that could not run the case.
    """

    case: Case
    subject: str
    samples: dict[str, list[float]]
    errors: dict[str, str]

    def comparisons(self) -> dict[str, Comparison]:
        """Return the comparison with each peer that has samples, if the subject has them."""
        ours = self.samples.get(self.subject)
        if ours is None:
            return {}
        peers = {label: samples for label, samples in self.samples.items() if label != self.subject}
        return {label: compare(ours, theirs, self.case.limits.get(label)) for label, theirs in peers.items()}

    def within_seconds(self) -> bool | None:
        """Return whether the subject's median keeps the limit in seconds; None where there is nothing to judge."""
        if self.case.limit_seconds is None or self.subject not in self.samples:
            return None
        return median(self.samples[self.subject]) <= self.case.limit_seconds
