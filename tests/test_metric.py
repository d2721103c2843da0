"""Metrics: values of MXNet 1.9.1 or by hand, local and global sums, configurations, messages."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import metric as metrics


def nd(values):
    return mx.nd.array(values)


SCORES = [[0.3, 0.7], [0., 1.], [0.4, 0.6]]


def after(metric, *batches):
    for labels, preds in batches:
        metric.update([nd(labels)], [nd(preds)])
    return metric


# Golden values: MXNet 1.9.1 for the label [0, 1, 1] and SCORES, unless a comment says otherwise.
@pytest.mark.parametrize("metric, wanted", [
    (metrics.Accuracy(), ("accuracy", 2 / 3)), (metrics.F1(), ("f1", 0.8)), (metrics.MCC(), ("mcc", 0.0)),
    (metrics.Perplexity(None), ("perplexity", 1.7710976285155853)), (metrics.CrossEntropy(), ("cross-entropy", 0.5715995)),
    (metrics.NegativeLogLikelihood(), ("nll-loss", 0.5715995)),
    (metrics.Perplexity(1), ("perplexity", 1 / 0.3)),  # by hand: one sample counts, of probability 0.3
])
def test_scores_of_classes(metric, wanted):
    name, value = after(metric, ([0, 1, 1], SCORES)).get()
    assert name == wanted[0] and value == pytest.approx(wanted[1], rel=1e-6)


LABEL, PRED = [3., -0.5, 2., 7.], [2.5, 0., 2., 8.]


@pytest.mark.parametrize("metric, wanted", [
    (metrics.MAE(), 0.5), (metrics.MSE(), 0.375), (metrics.RMSE(), 0.375 ** 0.5),
    (metrics.PearsonCorrelation(), np.corrcoef(LABEL, PRED)[0, 1])])
def test_errors_of_values(metric, wanted):
    # By hand; the correlation by NumPy.
    assert after(metric, (LABEL, PRED)).get()[1] == pytest.approx(wanted, rel=1e-6)


def test_accuracy_of_classes_scores_and_an_axis():
    assert after(metrics.Accuracy(), ([0, 1, 2], [0, 2, 2])).get() == ("accuracy", 2 / 3)
    scores = np.zeros((2, 3, 4))
    scores[:, 1] = 1
    assert after(metrics.Accuracy(axis=1), (np.ones((2, 4)), scores)).get() == ("accuracy", 1.0)
    single = metrics.Accuracy()
    single.update(nd([0, 1, 1]), nd([0, 1, 0]))
    assert single.num_inst == 3


def test_top_k():
    scores = np.array([[.1, .2, .3, .4], [.4, .3, .2, .1]])
    assert after(metrics.TopKAccuracy(2), ([2, 2], scores)).get() == ("top_k_accuracy_2", 0.5)
    assert after(metrics.TopKAccuracy(9), ([2, 2], scores)).get()[1] == 1.0  # all classes; MXNet fails
    with pytest.raises(AssertionError, match="Please use Accuracy if top_k is no more than 1"):
        metrics.TopKAccuracy(1)
    with pytest.raises(AssertionError, match="Predictions should be no more than 2 dims"):
        after(metrics.TopKAccuracy(2), ([1], np.zeros((1, 2, 2))))


def test_loss_is_the_mean_over_all_elements_summed_in_float64():
    metric = after(metrics.Loss(), ([], [1, 2, 3]), ([], [6]))
    assert metric.get() == ("loss", 3.0)
    # 2**24 + 1 is no float32: the sum would stand still.
    for _ in range(2):
        metric.update(None, nd([2. ** 24]))
        metric.update(None, [nd([1.])])
    assert metric.sum_metric == 12 + 2 * (2 ** 24 + 1)


@pytest.mark.parametrize("make", [metrics.Accuracy, metrics.F1, metrics.MCC, metrics.PCC, lambda: metrics.F1(average="micro"),
                                  lambda: metrics.Perplexity(None), metrics.CrossEntropy])
def test_local_and_global_sums(make):
    first, second = ([0, 1, 1], SCORES), ([1, 1, 0], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    metric = after(make(), first)
    metric.reset_local()
    assert np.isnan(metric.get()[1])
    assert metric.get_global() == after(make(), first).get() or np.isnan(metric.get_global()[1])
    after(metric, second)
    assert metric.get() == after(make(), second).get()
    assert metric.get_global() == after(make(), first, second).get()
    assert metric.get_global_name_value() == [metric.get_global()] and metric.get_name_value() == [metric.get()]
    metric.reset()
    assert np.isnan(metric.get()[1]) and np.isnan(metric.get_global()[1])


def test_macro_and_micro():
    # Golden values: MXNet 1.9.1.
    batches = [([0, 1, i], SCORES) for i in range(2)]
    assert after(metrics.F1(), *batches).get()[1] == pytest.approx(0.65)
    assert after(metrics.F1(average="micro"), *batches).get()[1] == pytest.approx(2 * 3 / 6 * 0.5 / 0.75, rel=1e-6)
    series = [([0, 1, i], [.3, .7, .2]) for i in range(2)]
    micro = after(metrics.PearsonCorrelation(average="micro"), *series)
    assert micro.get()[1] == pytest.approx(0.6172133867095152) and micro.get_global() == micro.get()


def test_pcc_grows_with_the_number_of_classes():
    metric = after(metrics.PCC(), ([0, 1, 2, 3], [0, 1, 2, 3]))
    assert metric.k == 4 and metric.get()[1] == pytest.approx(1.0)
    # By hand: of two classes it is Matthews' coefficient, (1 * 2 - 1 * 0) / sqrt(2 * 1 * 3 * 2).
    assert after(metrics.PCC(), ([1, 0, 0, 0], [1, 1, 0, 0])).get()[1] == pytest.approx(2 / 12 ** 0.5)


def test_binary_metrics_refuse_three_classes():
    with pytest.raises(ValueError, match="F1 currently only supports binary classification."):
        after(metrics.F1(), ([0, 1, 2], SCORES))


def test_shapes_are_compared():
    with pytest.raises(ValueError, match="Shape of labels 1 does not match shape of predictions 0"):
        metrics.Accuracy().update([nd([0])], [])
    with pytest.raises(ValueError, match="Shape of labels 3 does not match shape of predictions 4"):
        after(metrics.Accuracy(), ([0, 1, 1], np.zeros((4, 3))))
    with pytest.raises(ValueError, match=r"Shape of labels \(3,\) does not match shape of predictions \(1, 3\)"):
        after(metrics.PearsonCorrelation(), ([0, 1, 1], [[.3, .7, .2]]))
    with pytest.raises(AssertionError, match="shape mismatch"):
        after(metrics.Perplexity(None), ([0, 1], SCORES))


def test_composite():
    combined = metrics.create(["acc", metrics.Loss()])
    combined.add("mse")
    combined.update([nd([0, 1])], [nd([0, 0])])
    assert combined.get() == (["accuracy", "loss", "mse"], [0.5, 0.0, 0.5])
    assert combined.get_name_value() == [("accuracy", 0.5), ("loss", 0.0), ("mse", 0.5)]
    assert combined.get_global() == combined.get() and str(combined).startswith("EvalMetric: {'accuracy'")
    combined.reset_local()
    assert np.isnan(combined.get()[1]).all() and combined.get_global()[1] == [0.5, 0.0, 0.5]
    combined.reset()
    assert np.isnan(combined.get_global()[1]).all()
    assert isinstance(combined.get_metric(1), metrics.Loss)
    with pytest.raises(ValueError, match="Metric index 3 is out of range 0 and 3"):  # MXNet returns the error
        combined.get_metric(3)


def test_update_by_name():
    label, pred = {"a": nd([0]), "b": nd([1])}, {"x": nd([0]), "y": nd([0])}
    metric = metrics.Accuracy(output_names=["y"], label_names=["b"])
    metric.update_dict(label, pred)
    assert metric.get()[1] == 0.0
    everything = metrics.Accuracy()
    everything.update_dict(label, pred)
    assert everything.get()[1] == 0.5
    combined = metrics.CompositeEvalMetric(["acc"], output_names=["x"], label_names=["a"])
    combined.update_dict(label, pred)
    assert combined.get() == (["accuracy"], [1.0])


def test_functions_as_metrics():
    metric = metrics.create(lambda label, pred: float(abs(label - pred).sum()))
    assert after(metric, ([1, 2], [1, 4]), ([0], [0])).get() == ("custom(<lambda>)", 1.0)
    pair = metrics.np(lambda label, pred: (6., 3), name="pair", allow_extra_outputs=True)
    pair.update([nd([1])], [nd([1]), nd([2])])
    assert pair.get() == ("pair", 2.0)
    with pytest.raises(ValueError, match="Shape of labels 1 does not match shape of predictions 2"):
        metric.update([nd([1])], [nd([1]), nd([2])])
    with pytest.raises(NotImplementedError, match="CustomMetric cannot be serialized"):
        metric.get_config()


def test_configurations_make_equal_metrics():
    for metric in (metrics.Accuracy(axis=2), metrics.TopKAccuracy(3), metrics.F1(average="micro"), metrics.Perplexity(4),
                   metrics.create(["acc", "mae"])):
        again = metrics.create(**metric.get_config())
        assert type(again) is type(metric) and again.get_config() == metric.get_config()


def test_names_of_mxnet_are_all_registered():
    # The registry of MXNet 1.9.1.
    names = ("acc accuracy caffe ce composite compositeevalmetric crossentropy custommetric f1 loss mae mcc mse negativeloglikelihood "
             "nll_loss pcc pearsoncorrelation pearsonr perplexity rmse top_k_acc top_k_accuracy topkaccuracy torch").split()
    assert set(names) <= set(mx.registry.get_registry(metrics.EvalMetric))
    for given, text in (("foo", "foo is not registered. Please register with metric.register first"),
                        (3, "metric must be of string type")):
        with pytest.raises(AssertionError, match=text):
            metrics.create(given)


def test_a_metric_without_update_says_so():
    with pytest.raises(NotImplementedError):
        metrics.EvalMetric("x").update([], [])
