"""Metrics of predicted values and probabilities: errors, likelihoods, perplexity, correlation."""
import math

import numpy as np

from .errors import MXNetError
from ._metric_base import EvalMetric, alias, check_label_shapes, register

__all__ = ["MAE", "MSE", "RMSE", "CrossEntropy", "NegativeLogLikelihood", "PearsonCorrelation", "Perplexity"]


@register
class Perplexity(EvalMetric):
    """Exponential of the mean negative log-likelihood of the labels.

    Parameters
    ----------
    ignore_label : int or None
        Label of samples that don't count.
    axis : int, default -1
        Axis of the classes.
    name, output_names, label_names
        See `EvalMetric`.

    Examples
    --------
    >>> import blockscope as mx
    >>> metric = mx.metric.Perplexity(ignore_label=None)
    >>> metric.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[0.3, 0.7], [0, 1.], [0.4, 0.6]])])
    >>> round(metric.get()[1], 4)
    1.7711
    """

    def __init__(self, ignore_label, axis=-1, name="perplexity", output_names=None, label_names=None):
        super().__init__(name, ignore_label=ignore_label, output_names=output_names, label_names=label_names,
                         has_global_stats=True)
        self.ignore_label = ignore_label
        self.axis = axis

    def update(self, labels, preds):
        """Add a batch: classes, and probabilities with one more axis."""
        if len(labels) != len(preds):
            raise AssertionError(f"{len(labels)} labels for {len(preds)} predictions")
        loss, count = 0., 0
        for label, pred in zip(labels, preds):
            if label.size != pred.size / pred.shape[-1]:
                raise AssertionError(f"shape mismatch: {label.shape} vs. {pred.shape}")
            scores = np.moveaxis(pred.asnumpy(), self.axis, -1)
            wanted = label.asnumpy().ravel()
            if wanted.size != scores.size // scores.shape[-1]:
                raise MXNetError(f"Shape inconsistent, Provided = [{wanted.size}], inferred shape=[{scores[..., 0].size}]: Perplexity of "
                                 f"axis {self.axis} with label {label.shape} and prediction {pred.shape}")
            classes = np.clip(wanted.astype("int32"), 0, scores.shape[-1] - 1)  # as the operator pick does by default
            found = scores.reshape(-1, scores.shape[-1])[np.arange(wanted.size), classes]
            if self.ignore_label is not None:
                ignored = wanted == self.ignore_label
                count -= np.float64(ignored.sum())
                found = np.where(ignored, found.dtype.type(1), found)
            loss -= float(np.log(np.maximum(1e-10, found)).sum())
            count += found.size
        self._add(loss, count)

    def get(self):
        """Return ``(name, perplexity)``."""
        return self.name, math.exp(self.sum_metric / self.num_inst) if self.num_inst else float("nan")

    def get_global(self):
        """Return ``(name, perplexity)`` since the last `reset`."""
        return self.name, math.exp(self.global_sum_metric / self.global_num_inst) if self.global_num_inst else float("nan")


class _Error(EvalMetric):
    """Mean over batches of an error between labels and predictions; arrays of one axis count as columns."""

    def __init__(self, name, output_names, label_names):
        super().__init__(name, output_names=output_names, label_names=label_names, has_global_stats=True)

    @staticmethod
    def _error(difference):
        raise NotImplementedError()

    def update(self, labels, preds):
        """Add a batch."""
        labels, preds = check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds):
            wanted, found = label.asnumpy(), pred.asnumpy()
            wanted = wanted[:, None] if wanted.ndim == 1 else wanted
            found = found[:, None] if found.ndim == 1 else found
            self._add(self._error(wanted - found), 1)


@register
class MAE(_Error):
    """Mean absolute error, as mean over batches.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, name="mae", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    @staticmethod
    def _error(difference):
        return np.abs(difference).mean()


@register
class MSE(_Error):
    """Mean squared error, as mean over batches.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, name="mse", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    @staticmethod
    def _error(difference):
        return (difference ** 2.0).mean()


@register
class RMSE(_Error):
    """Root of the mean squared error, as mean over batches.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, name="rmse", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    @staticmethod
    def _error(difference):
        return np.sqrt((difference ** 2.0).mean())


class _LogLikelihood(EvalMetric):
    """Mean of the negative log-likelihood of the labels."""

    def __init__(self, eps, name, output_names, label_names):
        super().__init__(name, eps=eps, output_names=output_names, label_names=label_names, has_global_stats=True)
        self.eps = eps

    def update(self, labels, preds):
        """Add a batch: classes, and probabilities of shape (samples, classes)."""
        labels, preds = check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds):
            wanted, scores = label.asnumpy().ravel(), pred.asnumpy()
            if wanted.shape[0] != scores.shape[0]:
                raise AssertionError(f"{wanted.shape[0]} labels for {scores.shape[0]} predictions")
            found = scores[np.arange(len(wanted)), wanted.astype("int64")]
            self._add((-np.log(found + self.eps)).sum(), len(wanted))


@register
@alias("ce")
class CrossEntropy(_LogLikelihood):
    """Mean cross entropy of labels and predicted probabilities.

    Parameters
    ----------
    eps : float, default 1e-12
        Added to probabilities, so that 0 has a logarithm.
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, eps=1e-12, name="cross-entropy", output_names=None, label_names=None):
        super().__init__(eps, name, output_names, label_names)


@register
@alias("nll_loss")
class NegativeLogLikelihood(_LogLikelihood):
    """Mean negative log-likelihood of the labels.

    Parameters
    ----------
    eps : float, default 1e-12
        Added to probabilities, so that 0 has a logarithm.
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, eps=1e-12, name="nll-loss", output_names=None, label_names=None):
        super().__init__(eps, name, output_names, label_names)


class _Moments:
    """Sums for the correlation of two series that come in batches (Welford's algorithm)."""

    def __init__(self):
        self.count, self.means, self.squares, self.product = 0, [0., 0.], [0., 0.], 0.

    def add(self, *series):
        """Add equally many values of both series."""
        self.count += series[0].size
        before = [values - mean for values, mean in zip(series, self.means)]
        self.means = [mean + (b / self.count).sum() for mean, b in zip(self.means, before)]
        after = [values - mean for values, mean in zip(series, self.means)]
        self.squares = [s + (b * a).sum() for s, b, a in zip(self.squares, before, after)]
        # MXNet's order: the mean of the labels is new, that of the predictions still old.
        self.product += (after[0] * before[1]).sum()

    def correlation(self):
        """Return the correlation of both series."""
        n = self.count - 1
        return float(self.product / (n * math.sqrt(self.squares[0] / n) * math.sqrt(self.squares[1] / n)))


@register
@alias("pearsonr")
class PearsonCorrelation(EvalMetric):
    """Pearson's correlation of labels and predictions.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    average : {'macro', 'micro'}
        Mean over batches, or the correlation of all samples at once.
    """

    def __init__(self, name="pearsonr", output_names=None, label_names=None, average="macro"):
        self.average = average
        given = {} if average == "macro" else {"average": average}
        super().__init__(name, output_names=output_names, label_names=label_names, has_global_stats=True, **given)

    def reset(self):
        """Forget everything."""
        super().reset()
        self._local, self._global = _Moments(), _Moments()

    def reset_local(self):
        """Forget the local sums, and keep the global ones."""
        super().reset_local()
        self._local = _Moments()

    def update(self, labels, preds):
        """Add a batch of equal shapes."""
        labels, preds = check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds):
            check_label_shapes(label, pred, False, True)
            wanted, found = (x.asnumpy().ravel().astype("float64") for x in (label, pred))
            if self.average == "macro":
                self._add(np.corrcoef(found, wanted)[0, 1], 1)
            else:
                self._add(0., 1)
                self._local.add(wanted, found)
                self._global.add(wanted, found)

    def get(self):
        """Return ``(name, correlation)``."""
        if self.average == "macro" or not self.num_inst:
            return super().get()
        return self.name, self._local.correlation()

    def get_global(self):
        """Return ``(name, correlation)`` since the last `reset`."""
        if self.average == "macro" or not self.global_num_inst:
            return super().get_global()
        return self.name, self._global.correlation()
