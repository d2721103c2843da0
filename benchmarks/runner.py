"""Time the systems in turns: in every round each system runs the case once, so that all see the same machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.cases import IMPORT, Case
from benchmarks.processes import System, WorkerError, WorkerProcess, time_import
from benchmarks.stats import CaseResult

Sampler = Callable[[], float]


@dataclass(frozen=True)
class Settings:
    """Say how long and with what to measure.

    Parameters
    ----------
    rounds : int
        Samples of each system for each case.
    sample_seconds : float
        How long one sample should take (slow work takes what one call takes).
    threads : int
        Threads, and CPUs, for each system.
    """

    rounds: int = 9
    sample_seconds: float = 0.1
    threads: int = 2


class Runner:
    """Hold the worker of each system that starts, and run cases on them.

    Parameters
    ----------
    systems : sequence of System
        The first is the subject; the others are compared with it.
    settings : Settings
        How to measure.
    log : callable
        Takes a line of text that tells the progress.
    """

    def __init__(self, systems: Sequence[System], settings: Settings, log: Callable[[str], object]):
        self.systems = systems
        self.settings = settings
        self.log = log
        self.workers: dict[str, WorkerProcess] = {}
        self.failed: dict[str, str] = {}

    @property
    def versions(self) -> dict[str, str]:
        """Return the version of each system that started."""
        return {name: worker.version for name, worker in self.workers.items()}

    @contextmanager
    def started(self) -> Iterator[Runner]:
        """Start the workers, one after the other, and end them on leaving."""
        with ExitStack() as stack:
            for system in self.systems:
                self.log(f"starting {system.name}")
                try:
                    worker = WorkerProcess(system, self.settings.threads)
                except WorkerError as error:
                    self.failed[system.name] = str(error)
                    self.log(f"{system.name} does not start: {error}")
                    continue
                stack.callback(worker.close)
                self.workers[system.name] = worker
            yield self

    def run(self, case: Case) -> CaseResult:
        """Time one case on every system that has it."""
        self.log(f"timing {case.title}")
        result = CaseResult(case, self.systems[0].name, {}, {})
        if case.name == IMPORT:
            started = [system for system in self.systems if system.name in self.workers]
            self._take_rounds(result, {system.name: partial(self._sample_import, system) for system in started})
        else:
            contestants = list(self._contestants(case))
            samplers: dict[str, Sampler] = {}
            for label, worker, key in contestants:
                self._attempt(result, label, partial(self._prepare, worker, key))
                if label not in result.errors:
                    samplers[label] = partial(self._sample, worker, key)
            self._take_rounds(result, samplers)
            for label, worker, key in contestants:
                if label not in result.errors:
                    self._attempt(result, label, partial(self._release, worker, key))
        return result

    def _contestants(self, case: Case) -> Iterator[tuple[str, WorkerProcess, str]]:
        """Yield label, worker and the worker's name of the case, for each way a system has to do it."""
        for name, worker in self.workers.items():
            for key in worker.cases:
                base, _, variant = key.partition("@")
                if base == case.name:
                    yield f"{name} {variant}".strip(), worker, key

    def _prepare(self, worker: WorkerProcess, key: str) -> None:
        worker.ask("prepare", case=key, seconds=self.settings.sample_seconds)

    def _sample(self, worker: WorkerProcess, key: str) -> float:
        return float(worker.ask("sample", case=key)["seconds"])

    def _release(self, worker: WorkerProcess, key: str) -> None:
        worker.ask("release", case=key)

    def _sample_import(self, system: System) -> float:
        # Each system's own numpy is the baseline, timed right before.
        numpy = time_import(system, "numpy", self.settings.threads)
        return time_import(system, system.library, self.settings.threads) - numpy

    def _take_rounds(self, result: CaseResult, samplers: dict[str, Sampler]) -> None:
        """Take the samples, round by round; a system that fails drops out and leaves its error."""
        if result.case.name == IMPORT:
            for label, sampler in samplers.items():
                # The first import may compile bytecode and reads files that no cache holds yet.
                self._attempt(result, label, sampler)
        for _ in range(self.settings.rounds):
            for label, sampler in samplers.items():
                if label not in result.errors:
                    seconds = self._attempt(result, label, sampler)
                    if seconds is not None:
                        result.samples.setdefault(label, []).append(seconds)
        for label in result.errors:
            result.samples.pop(label, None)

    def _attempt(self, result: CaseResult, label: str, action: Callable[[], float | None]) -> float | None:
        try:
            return action()
        except WorkerError as error:
            self.log(f"{label}: {error}")
            result.errors[label] = str(error)
            return None
