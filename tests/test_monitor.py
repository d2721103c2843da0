"""Statistics of an executor."""
import logging

import pytest

import blockscope as mx


class Executor:
    """The part of an executor that a Monitor uses."""

    def __init__(self):
        self.arg_dict, self.aux_dict = {"weight": mx.nd.array([3, 4])}, {"mean": mx.nd.zeros(4)}

    def set_monitor_callback(self, callback, monitor_all=False):
        self.callback, self.monitor_all = callback, monitor_all


def test_every_few_batches(caplog):
    monitor, bound = mx.mon.Monitor(2, monitor_all=True), Executor()
    monitor.install(bound)
    assert bound.monitor_all
    batches = []
    for _ in range(4):
        monitor.tic()
        bound.callback("fc_output", mx.nd.array([[2, 2], [2, 2]]))
        batches.append(monitor.toc())
    # By hand: |(2, 2, 2, 2)| / 2 = 2 and |(3, 4)| / sqrt(2) = 3.5355339.
    assert batches == [[(step, "fc_output", "2.0\t"), (step, "weight", "3.535534\t"), (step, "mean", "0.0\t")] if step % 2 else []
                       for step in (1, 2, 3, 4)]
    monitor.tic()
    with caplog.at_level(logging.INFO):
        monitor.toc_print()
    # As MXNet 1.9.1 writes it.
    assert caplog.messages == ["Batch:       5 weight                         3.535534\t",
                               "Batch:       5 mean                           0.0\t"]
    assert monitor.toc() == []


def test_only_executors_are_looked_at():
    with pytest.raises(TypeError, match="takes an Executor, which Symbol.bind returns, but got a Dense; a Block has register_op_hook"):
        mx.monitor.Monitor(1).install(mx.gluon.nn.Dense(2))
