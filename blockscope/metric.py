"""Evaluation metrics (``mx.metric``): sums over batches, with a local part that can be reset and a global one.

The base class is in `_metric_base`; here are `create` and the metrics that every training loop uses. Scores of classes are in
`_metric_classes`, distances and likelihoods in `_metric_values`; all are reached from here.
"""
from collections import OrderedDict

import numpy

from ._metric_base import EvalMetric, alias, check_label_shapes, make, register
from ._metric_classes import F1, MCC, PCC
from ._metric_values import MAE, MSE, RMSE, CrossEntropy, NegativeLogLikelihood, PearsonCorrelation, Perplexity
from .base import numeric_types
from .ndarray import NDArray

__all__ = ["F1", "MAE", "MCC", "MSE", "PCC", "RMSE", "Accuracy", "Caffe", "CompositeEvalMetric", "CrossEntropy", "CustomMetric",
           "EvalMetric", "Loss", "NegativeLogLikelihood", "PearsonCorrelation", "Perplexity", "TopKAccuracy", "Torch", "alias",
           "check_label_shapes", "create", "np", "register"]


def create(metric, *args, **kwargs):
    """Make a metric.

    Parameters
    ----------
    metric : str, callable, EvalMetric or list of these
        Name of a metric; a function of label and prediction as NumPy arrays; a metric, returned itself; or several, combined.
    *args, **kwargs
        Arguments of the metric's class.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.metric.create(['acc', 'loss']).get()
    (['accuracy', 'loss'], [nan, nan])
    """
    if isinstance(metric, list):
        combined = CompositeEvalMetric()
        for child in metric:
            combined.add(create(child, *args, **kwargs))
        return combined
    if callable(metric):
        return CustomMetric(metric, *args, **kwargs)
    return make(metric, *args, **kwargs)


@register
@alias("composite")
class CompositeEvalMetric(EvalMetric):
    """Several metrics as one.

    Parameters
    ----------
    metrics : list of EvalMetric or str, optional
        The metrics.
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, metrics=None, name="composite", output_names=None, label_names=None):
        self.metrics = [create(m) for m in metrics or []]
        super().__init__(name, output_names=output_names, label_names=label_names, has_global_stats=True)

    def add(self, metric):
        """Add a metric."""
        self.metrics.append(create(metric))

    def get_metric(self, index):
        """Return a metric by its position.

        Raises
        ------
        ValueError
            If there is none. (MXNet returns the error instead of raising it.)
        """
        try:
            return self.metrics[index]
        except IndexError:
            raise ValueError(f"Metric index {index} is out of range 0 and {len(self.metrics)}") from None

    def update_dict(self, labels, preds):
        """Update each metric with arrays by name."""
        if self.label_names is not None:
            labels = OrderedDict((k, v) for k, v in labels.items() if k in self.label_names)
        if self.output_names is not None:
            preds = OrderedDict((k, v) for k, v in preds.items() if k in self.output_names)
        for metric in self.metrics:
            metric.update_dict(labels, preds)

    def update(self, labels, preds):
        """Add a batch to each metric."""
        for metric in self.metrics:
            metric.update(labels, preds)

    def reset(self):
        """Reset each metric."""
        for metric in self.metrics:
            metric.reset()

    def reset_local(self):
        """Reset each metric's local sums."""
        for metric in self.metrics:
            metric.reset_local()

    def get(self):
        """Return the lists of names and values."""
        return _joined(metric.get() for metric in self.metrics)

    def get_global(self):
        """Return the lists of names and global values."""
        return _joined(metric.get_global() for metric in self.metrics)

    def get_config(self):
        """Return a dictionary from which ``create(**config)`` makes the same metric."""
        return {**super().get_config(), "metrics": [metric.get_config() for metric in self.metrics]}


def _joined(results):
    names, values = [], []
    for name, value in results:
        names.extend([name] if isinstance(name, str) else name)
        values.extend([value] if isinstance(value, numeric_types) else value)
    return names, values


@register
@alias("acc")
class Accuracy(EvalMetric):
    """Share of predictions that are right.

    Parameters
    ----------
    axis : int, default 1
        Axis of the classes, where predictions are scores; predictions of the labels' shape are classes.
    name, output_names, label_names
        See `EvalMetric`.

    Examples
    --------
    >>> import blockscope as mx
    >>> metric = mx.metric.Accuracy()
    >>> metric.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[.3, .7], [0, 1.], [.4, .6]])])
    >>> metric.num_inst
    3
    """

    def __init__(self, axis=1, name="accuracy", output_names=None, label_names=None):
        super().__init__(name, axis=axis, output_names=output_names, label_names=label_names, has_global_stats=True)
        self.axis = axis

    def update(self, labels, preds):
        """Add a batch."""
        labels, preds = check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds):
            found = pred if pred.shape == label.shape else pred.argmax(axis=self.axis)
            found = found.asnumpy().astype("int32").ravel()
            wanted = label.asnumpy().astype("int32").ravel()
            check_label_shapes(wanted, found)
            self._add((found == wanted).sum(), len(found))


@register
@alias("top_k_accuracy", "top_k_acc")
class TopKAccuracy(EvalMetric):
    """Share of samples whose label is among the `top_k` best predictions.

    Parameters
    ----------
    top_k : int
        More than 1.
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, top_k=1, name="top_k_accuracy", output_names=None, label_names=None):
        if top_k <= 1:
            raise AssertionError("Please use Accuracy if top_k is no more than 1")
        super().__init__(name, top_k=top_k, output_names=output_names, label_names=label_names, has_global_stats=True)
        self.top_k = top_k
        # A configuration holds the finished name (MXNet appends the number once more).
        if not self.name.endswith(f"_{top_k}"):
            self.name += f"_{top_k}"

    def update(self, labels, preds):
        """Add a batch of scores of shape (samples, classes)."""
        labels, preds = check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds):
            if len(pred.shape) > 2:
                raise AssertionError("Predictions should be no more than 2 dims")
            scores = pred.asnumpy().astype("float32")
            wanted = label.asnumpy().astype("int32").ravel()
            check_label_shapes(wanted, scores)
            if scores.ndim == 1:
                self._add((numpy.argpartition(scores, -self.top_k) == wanted).sum(), len(scores))
                continue
            k = min(scores.shape[1], self.top_k)
            best = numpy.argpartition(scores, -k)[:, -k:]
            self._add((best == wanted[:, None]).sum(), len(scores))


@register
class Loss(EvalMetric):
    """Mean of the predictions, which are losses; labels are not looked at.

    Parameters
    ----------
    name, output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, name="loss", output_names=None, label_names=None):
        super().__init__(name, output_names=output_names, label_names=label_names, has_global_stats=True)

    def update(self, _, preds):
        """Add a batch of losses."""
        for pred in [preds] if isinstance(preds, NDArray) else preds:
            self._add(pred.sum().asscalar(), pred.size)


@register
class Torch(Loss):
    """`Loss` under the name of Torch criterions."""

    def __init__(self, name="torch", output_names=None, label_names=None):
        super().__init__(name, output_names=output_names, label_names=label_names)


@register
class Caffe(Loss):
    """`Loss` under the name of Caffe criterions."""

    def __init__(self, name="caffe", output_names=None, label_names=None):
        super().__init__(name, output_names=output_names, label_names=label_names)


@register
class CustomMetric(EvalMetric):
    """Mean of a function of label and prediction.

    Parameters
    ----------
    feval : callable
        From two NumPy arrays to a number, or to (sum, number of instances).
    name : str, optional
        Name of the function by default.
    allow_extra_outputs : bool, default False
        Whether there may be more predictions than labels.
    output_names, label_names
        See `EvalMetric`.
    """

    def __init__(self, feval, name=None, allow_extra_outputs=False, output_names=None, label_names=None):
        if name is None:
            name = feval.__name__
            if "<" in name:
                name = f"custom({name})"
        super().__init__(name, feval=feval, allow_extra_outputs=allow_extra_outputs, output_names=output_names,
                         label_names=label_names, has_global_stats=True)
        self._feval = feval
        self._allow_extra_outputs = allow_extra_outputs

    def update(self, labels, preds):
        """Add a batch."""
        if not self._allow_extra_outputs:
            labels, preds = check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds):
            result = self._feval(label.asnumpy(), pred.asnumpy())
            self._add(*(result if isinstance(result, tuple) else (result, 1)))

    def get_config(self):
        """Raise: a function has no configuration."""
        raise NotImplementedError("CustomMetric cannot be serialized")


def np(numpy_feval, name=None, allow_extra_outputs=False):
    """Make a metric of a function of NumPy arrays.

    Parameters
    ----------
    numpy_feval : callable
        From label and prediction to a number.
    name : str, optional
        Name of the function by default.
    allow_extra_outputs : bool, default False
        Whether there may be more predictions than labels.

    Examples
    --------
    >>> import blockscope as mx
    >>> metric = mx.metric.np(lambda label, pred: abs(label - pred).mean(), name='distance')
    >>> metric.update([mx.nd.array([1.])], [mx.nd.array([3.])])
    >>> metric.get()[0]
    'distance'
    """
    def feval(label, pred):
        return numpy_feval(label, pred)
    feval.__name__ = numpy_feval.__name__
    return CustomMetric(feval, name, allow_extra_outputs)


for _class in (F1, MAE, MCC, MSE, PCC, RMSE, CrossEntropy, EvalMetric, NegativeLogLikelihood, PearsonCorrelation, Perplexity):
    _class.__module__ = __name__  # messages and pickles name the public home
