"""Metrics of classifiers made from counts of right and wrong classes: F1, MCC, PCC."""
import math

import numpy as np

from ._metric_base import EvalMetric, check_label_shapes, register

__all__ = ["F1", "MCC", "PCC"]


class _Counts:
    """True and false positives and negatives of a binary classifier."""

    def __init__(self):
        self.true_positive = self.false_positive = self.true_negative = self.false_negative = 0

    def add(self, wanted, found):
        """Count a batch of booleans."""
        self.true_positive += (found & wanted).sum()
        self.false_positive += (found & ~wanted).sum()
        self.false_negative += (~found & wanted).sum()
        self.true_negative += (~found & ~wanted).sum()

    @property
    def total(self):
        return self.true_positive + self.false_positive + self.true_negative + self.false_negative

    def f1(self):
        """Harmonic mean of precision and recall; 0 where either is undefined."""
        found, wanted = self.true_positive + self.false_positive, self.true_positive + self.false_negative
        precision = self.true_positive / found if found else 0.
        recall = self.true_positive / wanted if wanted else 0.
        return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.

    def matthews(self):
        """Matthews' correlation coefficient; sums of 0 count as 1."""
        if not self.total:
            return 0.
        sums = (self.true_positive + self.false_positive, self.true_positive + self.false_negative,
                self.true_negative + self.false_positive, self.true_negative + self.false_negative)
        product = math.prod(float(s) for s in sums if s)
        return (self.true_positive * self.true_negative - self.false_positive * self.false_negative) / math.sqrt(product)


class _Binary(EvalMetric):
    """A score of binary classification, as mean over batches ('macro') or over all samples at once ('micro')."""

    def __init__(self, name, output_names, label_names, average):
        self.average = average
        # A configuration names the average where it is not the default (MXNet's never does).
        given = {} if average == "macro" else {"average": average}
        super().__init__(name, output_names=output_names, label_names=label_names, has_global_stats=True, **given)

    def _score(self, counts):
        raise NotImplementedError()

    def update(self, labels, preds):
        """Add a batch: labels 0 or 1, predictions of shape (samples, 2)."""
        labels, preds = check_label_shapes(labels, preds, True)
        batch = _Counts()
        for label, pred in zip(labels, preds):
            scores, wanted = pred.asnumpy(), label.asnumpy().astype("int32")
            check_label_shapes(wanted, scores)
            if len(np.unique(wanted)) > 2:
                raise ValueError(f"{type(self).__name__} currently only supports binary classification.")
            found = np.argmax(scores, axis=1) == 1
            for counts in (batch, self._counts, self._global_counts):
                counts.add(wanted.ravel() == 1, found.ravel())
        if self.average == "macro":
            self._add(self._score(batch), 1)
        else:
            self.num_inst, self.global_num_inst = self._counts.total, self._global_counts.total
            self.sum_metric = self._score(self._counts) * self.num_inst
            self.global_sum_metric = self._score(self._global_counts) * self.global_num_inst

    def reset(self):
        """Forget everything."""
        super().reset()
        self._counts, self._global_counts = _Counts(), _Counts()

    def reset_local(self):
        """Forget the local counts, and keep the global ones."""
        super().reset_local()
        self._counts = _Counts()


@register
class F1(_Binary):
    """Harmonic mean of precision and recall of binary classification.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    average : {'macro', 'micro'}
        Mean over batches, or the score of all samples at once.

    Examples
    --------
    >>> import blockscope as mx
    >>> metric = mx.metric.F1()
    >>> metric.update([mx.nd.array([0., 1., 1.])], [mx.nd.array([[0.3, 0.7], [0., 1.], [0.4, 0.6]])])
    >>> metric.get()
    ('f1', 0.8)
    """

    def __init__(self, name="f1", output_names=None, label_names=None, average="macro"):
        super().__init__(name, output_names, label_names, average)

    def _score(self, counts):
        return counts.f1()


@register
class MCC(_Binary):
    """Matthews' correlation coefficient of binary classification: 1 all right, 0 by chance, -1 all wrong.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    average : {'macro', 'micro'}
        Mean over batches, or the score of all samples at once.
    """

    def __init__(self, name="mcc", output_names=None, label_names=None, average="macro"):
        super().__init__(name, output_names, label_names, average)

    def reset(self):
        """Forget everything."""
        super().reset()
        self.num_inst = self.global_num_inst = 0.

    def reset_local(self):
        """Forget the local counts, and keep the global ones."""
        super().reset_local()
        self.num_inst = 0.

    def _score(self, counts):
        return counts.matthews()


@register
class PCC(EvalMetric):
    """Correlation of predicted and true classes of any number, from the confusion matrix of all samples.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    has_global_stats : bool, default True
        Whether `get_global` differs from `get`.
    """

    def __init__(self, name="pcc", output_names=None, label_names=None, has_global_stats=True):
        self.k = 2
        super().__init__(name=name, output_names=output_names, label_names=label_names, has_global_stats=has_global_stats)

    def _grow(self, more):
        self.lcm, self.gcm = (np.pad(matrix, ((0, more), (0, more))) for matrix in (self.lcm, self.gcm))
        self.k += more

    @staticmethod
    def _correlation(confusion):
        total = confusion.sum()
        found, wanted = confusion.sum(axis=1), confusion.sum(axis=0)
        spread = np.sum(found * (total - found)), np.sum(wanted * (total - wanted))
        if 0 in spread:
            return float("nan")
        return np.sum(confusion.diagonal() * total - found * wanted) / (spread[0] * spread[1]) ** 0.5

    def update(self, labels, preds):
        """Add a batch: classes, and predictions as scores (samples, classes) or as classes."""
        labels, preds = check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds):
            wanted, found = label.asnumpy().astype("int32"), pred.asnumpy()
            found = found.argmax(axis=1) if found.shape != wanted.shape else found.astype("int32")
            largest = max(found.max(), wanted.max())
            if largest >= self.k:
                self._grow(largest + 1 - self.k)
            batch = np.zeros((self.k, self.k))
            np.add.at(batch, (found.ravel(), wanted.ravel()), 1)
            self.lcm += batch
            self.gcm += batch
        self.num_inst += 1
        self.global_num_inst += 1

    @property
    def sum_metric(self):
        """Correlation times number of batches."""
        return self._correlation(self.lcm) * self.num_inst

    @property
    def global_sum_metric(self):
        """Global correlation times number of batches."""
        return self._correlation(self.gcm) * self.global_num_inst

    def reset(self):
        """Forget everything."""
        self.global_num_inst = 0.
        self.gcm = np.zeros((self.k, self.k))
        self.reset_local()

    def reset_local(self):
        """Forget the local matrix, and keep the global one."""
        self.num_inst = 0.
        self.lcm = np.zeros((self.k, self.k))
