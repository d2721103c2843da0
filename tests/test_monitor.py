"""Statistics of an executor. Golden results are those of MXNet 1.9.1 for the same lines, run on a CPU."""
import logging
import re

import pytest

import blockscope as mx


def executor():
    """Bind a small net with several outputs, shared names and auxiliary states to numbers that fit float32."""
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
    halves = mx.sym.SliceChannel(mx.sym.BatchNorm(net, name="bn", use_global_stats=True), num_outputs=2, name="halves")
    net = mx.sym.Activation(halves[0] * halves[1], act_type="relu", name="act")
    bound = mx.sym.LinearRegressionOutput(net, name="out").simple_bind(mx.cpu(), data=(2, 3))
    for name in ("data", "fc_weight"):
        bound.arg_dict[name][:] = mx.nd.arange(6).reshape((2, 3))
    for name in ("fc_bias", "bn_gamma", "bn_beta", "out_label"):
        bound.arg_dict[name][:] = 1
    for array in bound.aux_dict.values():
        array[:] = 1
    return bound


def looked_at(**further):
    """Return a step's statistics: names, and values as numbers."""
    monitor = mx.monitor.Monitor(1, **further)
    bound = executor()
    monitor.install(bound)
    monitor.tic()
    bound.forward(is_train=False)
    results = monitor.toc()
    assert {step for step, _, _ in results} == {1} and monitor.queue == []
    return [(name, [float(number) for number in re.findall(r"[-+.e\d]+", text)]) for _, name, text in results]


ALL = """data 3.0276504, fc_data 3.0276504, fc_weight 3.0276504, fc_weight 3.0276504, fc_bias 1, fc_bias 1, fc_output 27.780388,
bn_data 27.780388, bn_gamma 1, bn_gamma 1, bn_beta 1, bn_beta 1, bn_moving_mean 1, bn_moving_mean 1, bn_moving_var 1, bn_moving_var 1,
bn_output 27.766901, bn_mean 1, bn_var 0.9995004, halves_data 27.766901, halves_output0 11.418411, halves_output1 37.571552,
_mul0_lhs 11.418411, _mul0_rhs 37.571552, _mul0_output 544.1473, act_input0 544.1473, act_output 544.1473, out_data 544.1473,
out_label 1, out_label 1, out_output 544.1473"""
OUTPUTS = """fc_output 27.780388, bn_output 27.766901, bn_mean 1, bn_var 0.9995004, halves_output0 11.418411, halves_output1 37.571552,
_mul0_output 544.1473, act_output 544.1473, out_output 544.1473"""
STORED = """data 3.0276504, fc_weight 3.0276504, fc_bias 1, bn_gamma 1, bn_beta 1, out_label 1, bn_moving_mean 1, bn_moving_var 1"""


def recorded(*texts):
    """Return the pairs of names and numbers of such texts."""
    return [(name, [float(number)]) for text in texts for name, number in (entry.split() for entry in text.split(","))]


def same(found, expected):
    """Compare names and numbers, with one difference.

    MXNet numbers the inputs of operators that don't name them (act_input0); the executor here has the name that symbols give them.
    """
    expected = [(name.replace("input0", "data"), numbers) for name, numbers in expected]
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (name, numbers), (_, wanted) in zip(found, expected):
        assert numbers == pytest.approx(wanted, rel=1e-5), name


def test_outputs_and_what_is_stored(fresh_names):
    same(looked_at(), recorded(OUTPUTS, STORED))


def test_inputs_of_operators_too(fresh_names):
    same(looked_at(monitor_all=True), recorded(ALL, STORED))


def test_names_by_pattern_in_alphabetical_order(fresh_names):
    same(looked_at(sort=True, pattern="fc|bn_m"),
         recorded("bn_mean 1, bn_moving_mean 1, bn_moving_var 1, fc_bias 1, fc_output 27.780388, fc_weight 3.0276504"))


def test_own_statistics_may_be_several_arrays(fresh_names):
    found = looked_at(stat_func=lambda array: [array.max(), array.reshape((-1,))[0:2]], pattern="out|fc_o")
    same(found, [("fc_output", [51, 6, 15]), ("out_output", [764.2688, 89.92058, 764.2688]), ("out_label", [1, 1, 1])])


def test_statistics_must_be_arrays():
    monitor = mx.monitor.Monitor(1, stat_func=lambda array: 3, pattern="data")
    monitor.install(executor())
    monitor.tic()
    with pytest.raises(AssertionError, match="stat_func must return an NDArray or a list of them, but for data it returned 3"):
        monitor.toc()


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
