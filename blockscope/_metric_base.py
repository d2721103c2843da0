"""`EvalMetric` and the registry of metrics; `metric` is the public home."""
import numpy as np

from . import registry
from .ndarray import NDArray

__all__ = ["EvalMetric", "alias", "check_label_shapes", "make", "number", "register"]


def check_label_shapes(labels, preds, wrap=False, shape=False):
    """Check that labels and predictions are equally many.

    Parameters
    ----------
    labels, preds : NDArray or list of NDArray
        What to compare.
    wrap : bool
        Return single arrays as lists of one.
    shape : bool
        Compare shapes, not lengths.

    Raises
    ------
    ValueError
        If they differ.
    """
    found = (labels.shape, preds.shape) if shape else (len(labels), len(preds))
    if found[0] != found[1]:
        raise ValueError(f"Shape of labels {found[0]} does not match shape of predictions {found[1]}")
    if wrap:
        labels = [labels] if isinstance(labels, NDArray) else labels
        preds = [preds] if isinstance(preds, NDArray) else preds
    return labels, preds


class EvalMetric:
    """Base class: a subclass defines `update`, which adds to `sum_metric` and `num_inst` (and to their global twins).

    Parameters
    ----------
    name : str
        How the metric is shown.
    output_names, label_names : list of str, optional
        What `update_dict` picks; everything by default.
    **kwargs
        Arguments for `get_config`; ``has_global_stats=True`` says that `update` keeps the global sums too.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Largest(mx.metric.EvalMetric):
    ...     def update(self, labels, preds):
    ...         self.sum_metric = max(self.sum_metric, *(p.max().asscalar() for p in preds))
    ...         self.num_inst = 1
    >>> metric = Largest('largest')
    >>> metric.update([], [mx.nd.array([1, 5, 2])])
    >>> metric.get_name_value()
    [('largest', 5.0)]
    """

    def __init__(self, name, output_names=None, label_names=None, **kwargs):
        self.name = str(name)
        self.output_names = output_names
        self.label_names = label_names
        self._has_global_stats = kwargs.pop("has_global_stats", False)
        self._kwargs = kwargs
        self.reset()

    def __str__(self):
        return f"EvalMetric: {dict(self.get_name_value())}"

    def get_config(self):
        """Return a dictionary from which ``create(**config)`` makes the same metric."""
        return {**self._kwargs, "metric": type(self).__name__, "name": self.name, "output_names": self.output_names,
                "label_names": self.label_names}

    def update_dict(self, label, pred):
        """Update with arrays by name.

        Parameters
        ----------
        label, pred : dict of str to NDArray
            From which `label_names` and `output_names` pick.
        """
        preds = list(pred.values()) if self.output_names is None else [pred[name] for name in self.output_names]
        labels = list(label.values()) if self.label_names is None else [label[name] for name in self.label_names]
        self.update(labels, preds)

    def update(self, labels, preds):
        """Add a batch.

        Parameters
        ----------
        labels, preds : list of NDArray
            One of each an output.
        """
        raise NotImplementedError()

    def reset(self):
        """Forget everything."""
        # float64, so that sums of float32 numbers (what asscalar gives) are taken in float64.
        self.num_inst = 0
        self.sum_metric = np.float64(0.0)
        self.global_num_inst = 0
        self.global_sum_metric = np.float64(0.0)

    def reset_local(self):
        """Forget the local sums, and keep the global ones."""
        self.num_inst = 0
        self.sum_metric = np.float64(0.0)

    def _add(self, amount, count):
        """Add to local and global sums."""
        self.sum_metric += amount
        self.global_sum_metric += amount
        self.num_inst += count
        self.global_num_inst += count

    def get(self):
        """Return ``(name, value)`` since the last reset, local or global; nan where nothing was added."""
        if self.num_inst == 0:
            return self.name, float("nan")
        return self.name, number(self.sum_metric / self.num_inst)

    def get_global(self):
        """Return ``(name, value)`` since the last `reset`."""
        if not self._has_global_stats:
            return self.get()
        if self.global_num_inst == 0:
            return self.name, float("nan")
        return self.name, number(self.global_sum_metric / self.global_num_inst)

    def get_name_value(self):
        """Return a list of (name, value)."""
        return _zipped(*self.get())

    def get_global_name_value(self):
        """Return a list of (name, global value)."""
        return _zipped(*self.get_global()) if self._has_global_stats else self.get_name_value()


def number(value):
    """Return a NumPy number as Python's, anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _zipped(name, value):
    return list(zip(name if isinstance(name, list) else [name], value if isinstance(value, list) else [value]))


register = registry.get_register_func(EvalMetric, "metric")
alias = registry.get_alias_func(EvalMetric, "metric")
make = registry.get_create_func(EvalMetric, "metric")
