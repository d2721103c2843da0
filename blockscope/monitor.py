"""Statistics of what flows through an executor, batch by batch (``mx.monitor``, ``mx.mon``)."""
import logging
import re
from math import sqrt

from .ndarray import NDArray, norm

__all__ = ["Monitor"]


def _root_mean_square(array):
    return norm(array) / sqrt(array.size)


class Monitor:
    """Collect statistics of outputs of operators, parameters and auxiliary states of executors, every few batches.

    Call `tic` before the forward pass and `toc` or `toc_print` after the backward pass of every batch.

    Parameters
    ----------
    interval : int
        Number of batches from one that is looked at to the next.
    stat_func : callable, optional
        From an NDArray to an NDArray or a list of them; the root of the mean square by default.
    pattern : str, default '.*'
        Regular expression that matches the start of the names to look at.
    sort : bool, default False
        Whether results are sorted by name, and not in the order of computation.
    monitor_all : bool, default False
        Whether inputs of operators are looked at too.

    References
    ----------
    mxnet.monitor.Monitor of MXNet 1.9.1.

    Examples
    --------
    >>> import blockscope as mx
    >>> monitor = mx.monitor.Monitor(2, stat_func=lambda array: array.max(), pattern='fc_')
    >>> net = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=3, no_bias=True, name='fc')
    >>> executor = net.bind(mx.cpu(), {'data': mx.nd.ones((1, 2)), 'fc_weight': mx.nd.full((3, 2), 4)})
    >>> monitor.install(executor)
    >>> for batch in range(3):
    ...     monitor.tic()
    ...     _ = executor.forward()
    ...     print(monitor.toc())
    [(1, 'fc_output', '8.0\\t'), (1, 'fc_weight', '4.0\\t')]
    []
    [(3, 'fc_output', '8.0\\t'), (3, 'fc_weight', '4.0\\t')]
    """

    def __init__(self, interval, stat_func=None, pattern=".*", sort=False, monitor_all=False):
        self.stat_func = _root_mean_square if stat_func is None else stat_func
        self.interval = interval
        self.activated = False
        self.queue = []
        self.step = 0
        self.exes = []
        self.re_prog = re.compile(pattern)
        self.sort = sort
        self.monitor_all = monitor_all

    def stat_helper(self, name, array):
        """Put the statistics of an array in the queue; executors call this."""
        if self.activated and self.re_prog.match(name):
            self.queue.append((self.step, name, self.stat_func(array)))

    def install(self, exe):
        """Look at an executor, beside those that are looked at already.

        Raises
        ------
        TypeError
            When it is no executor.
        """
        if not hasattr(exe, "set_monitor_callback"):
            raise TypeError(f"Monitor.install takes an Executor, which Symbol.bind returns, but got a {type(exe).__name__}; a Block "
                            "has register_op_hook instead")
        exe.set_monitor_callback(self.stat_helper, self.monitor_all)
        self.exes.append(exe)

    def tic(self):
        """Start a batch: call it before the forward pass."""
        if self.step % self.interval == 0:
            self.queue = []
            self.activated = True
        self.step += 1

    def toc(self):
        """End a batch.

        Returns
        -------
        list of (int, str, str)
            Number of the batch, name, and statistics as text, each followed by a tab; empty for batches not looked at.
        """
        if not self.activated:
            return []
        for exe in self.exes:
            for name, array in [*exe.arg_dict.items(), *exe.aux_dict.items()]:
                self.stat_helper(name, array)
        self.activated = False
        if self.sort:
            self.queue.sort(key=lambda entry: entry[1])
        results = [(step, name, _as_text(name, found)) for step, name, found in self.queue]
        self.queue = []
        return results

    def toc_print(self):
        """End a batch and log its statistics."""
        for step, name, text in self.toc():
            logging.info("Batch: %7d %-30s %s", step, name, text)


def _as_text(name, found):
    values = [found] if isinstance(found, NDArray) else found
    if not isinstance(values, list) or not all(isinstance(value, NDArray) for value in values):
        raise AssertionError(f"stat_func must return an NDArray or a list of them, but for {name} it returned {found!r}")
    return "".join(str(value.asscalar() if value.shape == (1,) else value.asnumpy()) + "\t" for value in values)
