"""Losses against their formulas, written with NumPy; the traces of MXNet 1.9.1 agree with the same formulas."""
import numpy as np
import pytest
from scipy import special

import blockscope as mx
from blockscope import autograd
from blockscope.gluon import loss

RANDOM = np.random.RandomState(0)
PRED = RANDOM.randn(4, 3).astype("float32")
LABEL = RANDOM.randn(4, 3).astype("float32")
SIGN = np.where(LABEL > 0, 1, -1).astype("float32")
BINARY = (LABEL > 0).astype("float32")
P = special.expit(PRED)
CHANCE = special.softmax(LABEL, -1)
CLASS = np.array([0, 2, 1, 1], "float32")
COUNTS = np.array([[0, 1, 2], [3, 4, 5], [0, 0, 7], [1, 2, 0]], "float32")


def log_p(x):
    """Return log_softmax over the last axis."""
    return special.log_softmax(x, -1)


def rows(x):
    """Return the average of each row."""
    return x.mean(1)


def cross(p, label, weight=1.0):
    """Return the cross entropy of yes-or-no predictions."""
    return -weight * label * np.log(p) - (1 - label) * np.log(1 - p)


def huber(d, rho):
    """Return Huber's function of distances."""
    return np.where(d > rho, d - rho / 2, d * d / (2 * rho))


CASES = [
    (loss.L2Loss(), (PRED, LABEL), rows((PRED - LABEL) ** 2 / 2)),
    (loss.L2Loss(weight=3.0, batch_axis=1), (PRED, LABEL), 3 * ((PRED - LABEL) ** 2 / 2).mean(0)),
    (loss.L1Loss(), (PRED, LABEL), rows(abs(PRED - LABEL))),
    (loss.SigmoidBCELoss(), (PRED, BINARY), rows(cross(P, BINARY))),
    (loss.SigmoidBCELoss(from_sigmoid=True), (P, BINARY), rows(cross(P, BINARY))),
    (loss.SoftmaxCELoss(), (PRED, CLASS), -log_p(PRED)[np.arange(4), CLASS.astype(int)]),
    (loss.SoftmaxCELoss(weight=2.0), (PRED, CLASS), -2 * log_p(PRED)[np.arange(4), CLASS.astype(int)]),
    (loss.SoftmaxCELoss(from_logits=True), (log_p(PRED), CLASS), -log_p(PRED)[np.arange(4), CLASS.astype(int)]),
    (loss.SoftmaxCELoss(sparse_label=False), (PRED, CHANCE), -(CHANCE * log_p(PRED)).sum(1)),
    (loss.SoftmaxCELoss(axis=0, batch_axis=1), (PRED.T, CLASS), -log_p(PRED)[np.arange(4), CLASS.astype(int)]),
    (loss.KLDivLoss(), (log_p(PRED), CHANCE), (CHANCE * (np.log(CHANCE) - log_p(PRED))).sum(1)),
    (loss.KLDivLoss(from_logits=False), (PRED, CHANCE), (CHANCE * (np.log(CHANCE) - log_p(PRED))).sum(1)),
    (loss.HuberLoss(rho=0.7), (PRED, LABEL), rows(huber(abs(PRED - LABEL), 0.7))),
    (loss.HingeLoss(), (PRED, SIGN), rows(np.maximum(0, 1 - PRED * SIGN))),
    (loss.SquaredHingeLoss(margin=2), (PRED, SIGN), rows(np.maximum(0, 2 - PRED * SIGN) ** 2)),
    (loss.LogisticLoss(), (PRED, SIGN), rows(np.log1p(np.exp(-PRED * SIGN)))),
    (loss.LogisticLoss(label_format="binary"), (PRED, BINARY), rows(np.log1p(np.exp(-PRED * SIGN)))),
    (loss.TripletLoss(margin=0.5), (PRED, LABEL, -LABEL),
     np.maximum(0, ((LABEL - PRED) ** 2 - (LABEL + PRED) ** 2).sum(1) + 0.5)),
    (loss.PoissonNLLLoss(), (PRED, COUNTS), [(np.exp(PRED) - COUNTS * PRED).mean()]),
    (loss.PoissonNLLLoss(from_logits=False), (P, COUNTS), [(P - COUNTS * np.log(P + 1e-8)).mean()]),
]


@pytest.mark.parametrize(("layer", "inputs", "expected"), CASES, ids=[f"{i}-{type(c[0]).__name__}" for i, c in enumerate(CASES)])
def test_formula(layer, inputs, expected):
    got = layer(*(mx.nd.array(x) for x in inputs))
    np.testing.assert_allclose(got.asnumpy(), expected, rtol=2e-5, atol=2e-6)


def test_sample_weight_multiplies_every_example():
    weight = np.array([[1.0], [0.0], [2.0], [0.5]], "float32")
    for layer, label in ((loss.L2Loss(), LABEL), (loss.SoftmaxCELoss(), CLASS), (loss.HingeLoss(), SIGN)):
        plain = layer(mx.nd.array(PRED), mx.nd.array(label)).asnumpy()
        got = layer(mx.nd.array(PRED), mx.nd.array(label), mx.nd.array(weight)).asnumpy()
        np.testing.assert_allclose(got, plain * weight[:, 0], rtol=1e-5, atol=1e-6)


def test_positive_weight_multiplies_the_cost_of_a_missed_yes():
    for layer, pred in ((loss.SigmoidBCELoss(), PRED), (loss.SigmoidBCELoss(from_sigmoid=True), P)):
        got = layer(mx.nd.array(pred), mx.nd.array(BINARY), None, mx.nd.array([[3.0]]))
        np.testing.assert_allclose(got.asnumpy(), rows(cross(P, BINARY, 3.0)), rtol=2e-5)


def test_labels_take_the_shape_of_predictions():
    got = loss.L2Loss()(mx.nd.array(PRED), mx.nd.array(LABEL.reshape(12)))
    np.testing.assert_allclose(got.asnumpy(), rows((PRED - LABEL) ** 2 / 2), rtol=1e-5)


@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3), (2, 2, 2, 3)])
def test_softmax_cross_entropy_by_one_operator_or_by_four(shape, monkeypatch):
    """The usual case takes a shorter way than the general one, and gives the same value, gradient and second gradient."""
    x, label = mx.nd.array(RANDOM.randn(*shape)), mx.nd.array(RANDOM.randint(-1, 5, shape[:-1]))
    x.attach_grad()
    found = []
    for plain in (True, False):
        layer = loss.SoftmaxCELoss(weight=0.5)
        if not plain:
            monkeypatch.setattr(loss.SoftmaxCELoss, "_is_plain", lambda self, pred: False)
        assert layer._is_plain(x) is plain
        with autograd.record():
            value = layer(x, label)
            first = autograd.grad(value, [x], create_graph=True, retain_graph=True)[0]
            total = (first * first).sum()
        total.backward()
        found.append((value.asnumpy(), first.asnumpy(), x.grad.asnumpy()))
    for one, four in zip(*found):
        assert one.shape == four.shape
        np.testing.assert_allclose(one, four, rtol=1e-5, atol=1e-7)


def test_full_poisson_loss_is_finite_for_targets_of_zero():
    """MXNet gives nan: it multiplies log(0) by 0. The expected value adds Stirling's formula for targets above 1 only."""
    stirling = np.zeros_like(COUNTS)
    big = COUNTS > 1
    t = COUNTS[big]
    stirling[big] = t * np.log(t) - t + 0.5 * np.log(2 * np.pi * t)
    pred = mx.nd.array(PRED)
    pred.attach_grad()
    with autograd.record():
        got = loss.PoissonNLLLoss(compute_full=True)(pred, mx.nd.array(COUNTS))
    got.backward()
    np.testing.assert_allclose(got.asnumpy(), [(np.exp(PRED) - COUNTS * PRED + stirling).mean()], rtol=1e-5)
    np.testing.assert_allclose(pred.grad.asnumpy(), (np.exp(PRED) - COUNTS) / 12, rtol=1e-4, atol=1e-6)


def test_cosine_embedding():
    label = np.array([1, -1, 1, -1], "float32")
    cosine = (PRED * LABEL).sum(1) / np.linalg.norm(PRED, axis=1) / np.linalg.norm(LABEL, axis=1)
    got = loss.CosineEmbeddingLoss(margin=0.1)(mx.nd.array(PRED), mx.nd.array(LABEL), mx.nd.array(label))
    expected = np.where(label == 1, 1 - cosine, np.maximum(0, cosine - 0.1))
    np.testing.assert_allclose(got.asnumpy(), expected[:, None], rtol=1e-4, atol=1e-6)


def test_smoothed_metric_learning():
    gold = np.full((4, 4), 0.3 / 3)
    np.fill_diagonal(gold, 0.7)
    distance = ((PRED[:, None] - LABEL[None]) ** 2).sum(2)
    expected = (gold * (np.log(gold) - log_p(-distance))).sum(1)
    got = loss.SDMLLoss()(mx.nd.array(PRED), mx.nd.array(LABEL))
    np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("layout", "label_layout"), [("NTC", "NT"), ("TNC", "TN")])
def test_ctc_sums_over_all_alignments(layout, label_layout):
    """One label of class 0 in two steps: (0 0), (0 blank) and (blank 0)."""
    p = special.softmax(np.array([[0.3, -0.2, 0.5], [-1.0, 0.4, 0.1]]), -1)
    expected = -np.log(p[0, 0] * p[1, 0] + p[0, 0] * p[1, 2] + p[0, 2] * p[1, 0])
    pred = mx.nd.array(np.log(p))
    got = loss.CTCLoss(layout, label_layout)(pred.expand_dims(0 if layout == "NTC" else 1), mx.nd.array([[0]]))
    np.testing.assert_allclose(got.asnumpy(), [expected], rtol=1e-5)


def test_ctc_of_a_label_that_does_not_fit_is_zero_with_zero_gradient():
    """MXNet's loss is 0 too; its gradient is uninitialized memory."""
    pred = mx.nd.array(RANDOM.randn(1, 2, 4))
    pred.attach_grad()
    with autograd.record():
        got = loss.CTCLoss()(pred, mx.nd.array([[1, 1]]))
    got.backward()
    assert got.asnumpy() == [0.0]
    assert not pred.grad.asnumpy().any()


def test_weight_must_be_a_number():
    with pytest.raises(AssertionError, match="weight must be a number, but got 'two'"):
        loss.L1Loss(weight="two")(mx.nd.array(PRED), mx.nd.array(LABEL))
