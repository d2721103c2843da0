"""Run one worker process for each system, with only the asked one awake."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEMS = Path(__file__).resolve().parent / "systems"
REPOSITORY = SYSTEMS.parent.parent

# The environment variables by which numerical libraries learn how many threads to use.
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NPROC"),
)


class WorkerError(RuntimeError):
    """Tell that a worker could not do what it was asked."""


@dataclass(frozen=True)
class System:
    """Name a system to time.

    Parameters
    ----------
    name : str
        What the table calls it.
    python : str
        The interpreter that has it.
    cases : Path
        The file with its cases.
    library : str
        The module that the cases file imports.
    """

    name: str
    python: str
    cases: Path
    library: str

    def environment(self, threads: int) -> dict[str, str]:
        """Return the process's environment: thread limits, CPU only, and this repository where it is ours."""
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
        environment["JAX_PLATFORMS"] = "cpu"
        environment["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
        environment["PYTHONWARNINGS"] = "ignore"
        environment["CUDA_VISIBLE_DEVICES"] = ""
        environment.pop("PYTHONPATH", None)
        if self.library == "blockscope":
            environment["PYTHONPATH"] = str(REPOSITORY)
        return environment


def blockscope_system(python: str) -> System:
    """Return blockscope, run by `python` from this repository."""
    return System("blockscope", python, SYSTEMS / "gluon_cases.py", "blockscope")


def peer_system(name: str, python: str) -> System:
    """Return the peer called `name`: mxnet, torch or jax."""
    return System(name, python, SYSTEMS / PEER_CASES[name], name)


PEER_CASES = {"mxnet": "gluon_cases.py", "torch": "torch_cases.py", "jax": "jax_cases.py"}


class WorkerProcess:
    """Talk to the worker of one system; it sleeps except while it answers.

    A sleeping process is stopped by a signal, since thread pools may spin for a while after their work.

    Parameters
    ----------
    system : System
        What to start.
    threads : int
        How many threads it may use.
    timeout : float
        Seconds to wait for one reply.
    """

    def __init__(self, system: System, threads: int, timeout: float = 300.0):
        self.system = system
        self.timeout = timeout
        self._directory = tempfile.TemporaryDirectory()
        self._noise = open(os.path.join(self._directory.name, "stderr"), "w+b")
        self._closed = False
        self._process = self._start(threads)
        try:
            description = self.ask("describe")
        except WorkerError:
            self.close()
            raise
        self.version: str = description["version"]
        self.cases: list[str] = description["cases"]

    def _start(self, threads: int) -> subprocess.Popen[bytes]:
        system = self.system
        try:
            return subprocess.Popen(
                [system.python, str(SYSTEMS / "worker.py"), str(system.cases), system.library, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._noise,
                env=system.environment(threads),
                cwd=self._directory.name,
                bufsize=0,
            )
        except OSError as error:
            self._noise.close()
            self._directory.cleanup()
            raise WorkerError(f"{system.python} cannot be run: {error.strerror}") from error

    def ask(self, action: str, **details: object) -> Mapping[str, Any]:
        """Wake the worker, send one request, return its reply, and stop it again.

        Raises
        ------
        WorkerError
            If the worker reports an error, ends, or does not reply in time; after the last two it stays closed.
        """
        if self._closed:
            raise WorkerError("has ended")
        try:
            self._process.send_signal(signal.SIGCONT)
            self._send({"action": action, **details})
            reply = self._receive(action)
            self._process.send_signal(signal.SIGSTOP)
        except WorkerError:
            self.close()
            raise
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def _send(self, request: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            # It has ended; what it said before, if anything, is still to be read.
            return

    def _receive(self, action: str) -> Mapping[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], self.timeout)[0]:
            raise WorkerError(f"no reply to {action!r} within {self.timeout:g} s")
        line = stdout.readline()
        if not line:
            raise WorkerError(f"ended with status {self._process.wait()}; {self._last_noise()}")
        reply: Mapping[str, Any] = json.loads(line)
        return reply

    def _last_noise(self) -> str:
        self._noise.seek(0)
        lines = self._noise.read().decode(errors="replace").strip().splitlines()
        return f"last line of its error output: {lines[-1]}" if lines else "no error output"

    def close(self) -> None:
        """End the process; asking afterwards is an error. Closing twice does nothing."""
        self._closed = True
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._noise):
            if stream is not None:
                stream.close()
        self._directory.cleanup()


def time_import(system: System, module: str, threads: int, timeout: float = 300.0) -> float:
    """Return the seconds that ``import module`` takes in a fresh interpreter of `system`.

    Raises
    ------
    WorkerError
        If the import fails.
    """
    program = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    with tempfile.TemporaryDirectory() as directory:
        command = [system.python, "-c", program]
        try:
            done = subprocess.run(
                command, env=system.environment(threads), cwd=directory, capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired as error:
            raise WorkerError(f"import {module} took more than {timeout:g} s") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no error output"]
        raise WorkerError(lines[-1])
    return float(done.stdout.split()[-1])
