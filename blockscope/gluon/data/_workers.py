"""Who makes the batches of a DataLoader beside the calling thread: worker processes or worker threads.

Both pools offer the same three calls: ``submit(samples)`` gives a task, ``result(task, timeout)`` waits for its batch,
``forget(task)`` says that nobody will. A process has one pipe to the parent. Its main thread makes batches, and a
second thread takes tasks from the pipe, so that neither side ever waits for the other to empty it.
"""
import collections
import multiprocessing
import os
import pickle
import queue
import random
import signal
import sys
import threading
import time
import traceback
import weakref
import zlib
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from multiprocessing import connection as pipes

import numpy as np

from ...backend import cpu
from ...naming import ambient
from . import _transport

# The parent's ends of all pipes. A forked worker inherits those that exist and must close them: while it held one, the
# worker at the other end would not notice that the parent is gone.
_parent_ends: weakref.WeakSet = weakref.WeakSet()


class ThreadPool:
    """Threads that make batches of a dataset."""

    def __init__(self, workers, dataset, batchify):
        self._dataset, self._batchify = dataset, batchify
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="DataLoader")
        self.close = weakref.finalize(self, self._executor.shutdown, wait=False, cancel_futures=True)

    def submit(self, samples):
        """Order a batch."""
        return self._executor.submit(_make_batch, self._dataset, samples, self._batchify)

    def result(self, task, timeout):
        """Wait for a batch at most `timeout` seconds, or raise what making it raised."""
        try:
            return task.result(timeout)
        except FutureTimeoutError as error:
            if task.done():  # the dataset itself raised a TimeoutError
                raise
            raise multiprocessing.TimeoutError(_late(timeout)) from error

    def forget(self, task):
        """Cancel a task."""
        task.cancel()


class ProcessPool:
    """Processes that make batches of a dataset and send them over shared memory.

    Parameters
    ----------
    workers : int
        How many processes.
    dataset, batchify
        Copied into every process by the start method: as they are (fork), or pickled.
    start_method : str or None
        'fork', 'spawn', 'forkserver', or None for the choice of :func:`choose_start_method`.
    """

    def __init__(self, workers, dataset, batchify, start_method=None):
        self.start_method = start_method or choose_start_method()
        self._lock = threading.Lock()
        self._next_task = 0
        self._workers = []
        self._results = {}
        self._forgotten = set()
        self.close = weakref.finalize(self, _stop, self._workers, os.getpid())
        context = multiprocessing.get_context(self.start_method)
        job = (dataset, batchify, _entropy())
        if self.start_method != "fork":
            job = _pickled(job, self.start_method)
        for number in range(workers):
            self._workers.append(_Worker(context, number, job))

    def submit(self, samples):
        """Order a batch from the worker that has least to do."""
        with self._lock:
            self._check_open()
            task = self._next_task
            self._next_task += 1
            worker = min(self._workers, key=lambda worker: len(worker.tasks))
            try:
                worker.connection.send((task, samples))
            except OSError:
                raise self._dead(worker) from None
            worker.tasks.append(task)
        return task

    def result(self, task, timeout):
        """Wait for a batch at most `timeout` seconds, or raise what making it raised, with the worker's traceback."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while task not in self._results:
                self._check_open()
                self._receive(max(0.0, deadline - time.monotonic()), timeout)
            good, outcome = self._results.pop(task)
        if good:
            return outcome
        error, text = outcome
        raise error from _WorkerTraceback(text)

    def forget(self, task):
        """Drop the batch of a task when it comes."""
        with self._lock:
            if self._results.pop(task, None) is None:
                self._forgotten.add(task)

    def _check_open(self):
        if not self.close.alive:
            raise RuntimeError("the worker processes of this DataLoader have ended; iterate over the loader again")

    def _receive(self, wait, timeout):
        by_connection = {worker.connection: worker for worker in self._workers}
        ready = pipes.wait(by_connection, wait)
        if not ready:
            raise multiprocessing.TimeoutError(_late(timeout))
        for connection in ready:
            worker = by_connection[connection]
            try:
                task, outcome = _transport.receive(connection)
            except (EOFError, ConnectionError):
                raise self._dead(worker) from None
            worker.tasks.remove(task)
            if task in self._forgotten:
                self._forgotten.remove(task)
            else:
                self._results[task] = outcome

    def _dead(self, worker):
        """Return the error for a worker that ended by itself."""
        worker.process.join(5)
        code = worker.process.exitcode
        end = f"was killed by signal {-code}" if code and code < 0 else f"ended with exit code {code}"
        advice = ("A process that needs more memory than there is gets killed so; use fewer workers or smaller batches."
                  if code == -signal.SIGTERM or (code or 0) == -9 else
                  "Its own output, above, may say why; num_workers=0 makes the batches here, where errors can be seen.")
        if self.start_method != "fork":
            advice += (f" With the start method {self.start_method!r} the program's main module is imported again by "
                       "every worker: what it runs must stand under `if __name__ == '__main__':`.")
        message = (f"DataLoader worker {worker.number} (process {worker.process.pid}) {end} while it had "
                   f"{len(worker.tasks)} batches to make. {advice}")
        self.close()
        return RuntimeError(message)


class _Worker:
    """A process, the parent's end of its pipe, and the tasks that it has not answered."""

    def __init__(self, context, number, job):
        self.number = number
        self.tasks = collections.deque()
        self.connection, theirs = context.Pipe(duplex=True)
        _parent_ends.add(self.connection)
        self.process = context.Process(target=_worker_main, args=(theirs, job), daemon=True,
                                       name=f"DataLoader-{number}")
        try:
            self.process.start()
        finally:
            theirs.close()


class _WorkerTraceback(Exception):
    """The traceback of an error in a worker, shown as the cause of the error."""

    def __str__(self):
        return f'\n"""\n{self.args[0]}"""'


def choose_start_method():
    """Return how to start workers when the user did not say.

    What ``multiprocessing.set_start_method`` was given; else 'fork' on Linux, as MXNet does and as transforms by
    lambda and scripts without a main guard need; but never 'fork' in a process that has loaded CuPy, since CUDA does
    not survive it.
    """
    chosen = multiprocessing.get_start_method(allow_none=True)
    if chosen:
        return chosen
    return "fork" if sys.platform == "linux" and "cupy" not in sys.modules else "spawn"


def _pickled(job, start_method):
    """Pickle what workers need, here, where a failure can be explained."""
    try:
        return pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"the dataset or batchify_fn cannot be sent to worker processes started by {start_method!r}: {error}. "
            "Use functions of a module in place of lambdas and inner functions; or make the DataLoader before the GPU "
            "is used, and with start_method='fork' (Linux); or thread_pool=True") from error


def _stop(workers, owner):
    """End worker processes: closing the pipe asks them to, and a slow one is not waited for."""
    if os.getpid() != owner:
        return  # a fork of the program ends; the workers are not its own
    for worker in workers:
        worker.connection.close()
    deadline = time.monotonic() + 1.0
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
    for worker in workers:
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()
    workers.clear()


def _worker_main(connection, job):
    """Run in the worker: make the batches that the parent orders until its end of the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets the Ctrl-C too, and ends the workers
    for inherited in list(_parent_ends):
        inherited.close()
    dataset, batchify, entropy = pickle.loads(job) if isinstance(job, bytes) else job
    ambient.set_flags(recording=False, training=False)  # a fork inside autograd.record() would go on recording
    tasks = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(connection, tasks), daemon=True).start()
    with cpu():  # batches are made in host memory, also when the loader was made inside `with gpu():`
        for number, samples in iter(tasks.get, None):
            try:
                _seed(entropy, number)
                outcome = True, _make_batch(dataset, samples, batchify)
            except Exception as error:
                outcome = False, _portable(error)
            try:
                _send(connection, number, outcome)
            except OSError:
                return  # the parent is gone, or has closed the loader


def _read_tasks(connection, tasks):
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        tasks.put(None)


def _send(connection, number, outcome):
    try:
        _transport.send(connection, number, outcome)
    except OSError:
        raise
    except Exception as error:  # a batch that cannot be pickled; nothing has been sent yet
        _transport.send(connection, number, (False, _portable(error)))


def _make_batch(dataset, samples, batchify):
    return batchify([dataset[i] for i in samples])


def _portable(error):
    """Return an error that survives pickling, and its traceback as text."""
    text = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return error, text


def _entropy():
    """Return a number that follows from the state of NumPy's global generator, without drawing from it.

    A draw would change the order of RandomSampler after ``numpy.random.seed``, which is to equal MXNet's.
    """
    return zlib.crc32(pickle.dumps(np.random.get_state(legacy=False)))


def _seed(entropy, task):
    """Seed the generators of a worker for one batch.

    Workers of MXNet all draw the same numbers, since each starts as a copy of the parent. Here every batch has its own
    seed, so that augmentation differs between batches and is the same with any number of workers.
    """
    seed = int(np.random.SeedSequence((entropy, task)).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    cpu()._seed(seed)


def _late(timeout):
    return (f"Worker timed out after {timeout} seconds. This might be caused by a slow dataset, transform or "
            "batchify_fn: give DataLoader a greater timeout, or more workers")
