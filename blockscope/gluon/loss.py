"""Loss functions.

Every loss takes predictions and labels and returns one number an example, averaged over all axes but the batch's, unless its
docstring says otherwise. `sample_weight` must broadcast to the labels.
"""
import math

from .. import ndarray, symbol
from ..ndarray.dispatch import invoke
from ..ops import registry
from ._loss_base import Loss, _apply_weighting, _reshape_like
from ._margin_losses import HingeLoss, HuberLoss, LogisticLoss, SquaredHingeLoss, TripletLoss

__all__ = ['Loss', 'L2Loss', 'L1Loss', 'SigmoidBinaryCrossEntropyLoss', 'SigmoidBCELoss', 'SoftmaxCrossEntropyLoss',
           'SoftmaxCELoss', 'KLDivLoss', 'CTCLoss', 'HuberLoss', 'HingeLoss', 'SquaredHingeLoss', 'LogisticLoss', 'TripletLoss',
           'PoissonNLLLoss', 'CosineEmbeddingLoss', 'SDMLLoss']

_CROSS_ENTROPY = registry.get('_cross_entropy')

for _class in (Loss, HuberLoss, HingeLoss, SquaredHingeLoss, LogisticLoss, TripletLoss):
    _class.__module__ = __name__  # messages and pickles name the public home


class L2Loss(Loss):
    """Half the squared distance: ``(pred - label)^2 / 2``.

    Parameters
    ----------
    weight : float, default 1.0
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.L2Loss()(mx.nd.array([[1, 2]]), mx.nd.array([[1, 4]])).asnumpy()
    array([1.], dtype=float32)
    """

    def __init__(self, weight=1., batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        label = _reshape_like(F, label, pred)
        return self._mean(F, F.square(label - pred), sample_weight, self._weight / 2)


class L1Loss(Loss):
    """The absolute distance: ``|pred - label|``.

    Parameters
    ----------
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.L1Loss()(mx.nd.array([[1, 2]]), mx.nd.array([[1, 4]])).asnumpy()
    array([1.], dtype=float32)
    """

    def __init__(self, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        label = _reshape_like(F, label, pred)
        return self._mean(F, F.abs(label - pred), sample_weight)


class SigmoidBinaryCrossEntropyLoss(Loss):
    """Cross entropy of yes-or-no predictions: ``-label log(p) - (1 - label) log(1 - p)``, p the sigmoid of pred.

    Parameters
    ----------
    from_sigmoid : bool, default False
        Whether pred is p itself.
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.SigmoidBCELoss()(mx.nd.array([[0]]), mx.nd.array([[1]])).asnumpy()
    array([0.6931472], dtype=float32)
    """

    def __init__(self, from_sigmoid=False, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._from_sigmoid = from_sigmoid

    def hybrid_forward(self, F, pred, label, sample_weight=None, pos_weight=None):
        """Return one number an example; the cost of a missed yes is multiplied by pos_weight."""
        label = _reshape_like(F, label, pred)
        if self._from_sigmoid:
            eps = 1e-12
            missed = F.log(pred + eps) * label
            if pos_weight is not None:
                missed = F.broadcast_mul(missed, pos_weight)
            loss = -(missed + F.log(1. - pred + eps) * (1. - label))
        elif pos_weight is None:
            loss = F.relu(pred) - pred * label + F.Activation(-F.abs(pred), act_type='softrelu')
        else:
            log_weight = 1 + F.broadcast_mul(pos_weight - 1, label)
            loss = pred - pred * label + log_weight * (F.Activation(-F.abs(pred), act_type='softrelu') + F.relu(-pred))
        return self._mean(F, loss, sample_weight)


SigmoidBCELoss = SigmoidBinaryCrossEntropyLoss


class SoftmaxCrossEntropyLoss(Loss):
    """Cross entropy of softmax: ``-log softmax(pred)[label]``.

    Parameters
    ----------
    axis : int, default -1
        Axis of the classes.
    sparse_label : bool, default True
        Whether label holds class numbers (pred's shape without `axis`); otherwise probabilities in pred's shape.
    from_logits : bool, default False
        Whether pred holds logarithms of probabilities already.
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.SoftmaxCrossEntropyLoss()(mx.nd.array([[0, 0]]), mx.nd.array([1])).asnumpy()
    array([0.6931472], dtype=float32)
    """

    def __init__(self, axis=-1, sparse_label=True, from_logits=False, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._axis = axis
        self._sparse_label = sparse_label
        self._from_logits = from_logits

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        if F is ndarray and sample_weight is None and label.__class__ is ndarray.NDArray and self._is_plain(pred):
            return self._plain(F, pred, label)
        if not self._from_logits:
            pred = F.log_softmax(pred, axis=self._axis)
        if self._sparse_label:
            loss = -F.pick(pred, label, axis=self._axis, keepdims=True)
        else:
            loss = -(pred * _reshape_like(F, label, pred)).sum(axis=self._axis, keepdims=True)
        loss = _apply_weighting(F, loss, self._weight, sample_weight)
        return loss.mean(axis=self._batch_axis, exclude=True)

    def _is_plain(self, pred):
        """Whether this is the usual case: class numbers, activations, classes on the last axis, examples on the first."""
        return (self._sparse_label and not self._from_logits and self._batch_axis == 0
                and self._axis in (-1, pred.ndim - 1) and pred.ndim > 1)

    def _plain(self, F, pred, label):
        """Compute the usual case by one operator, for the speed of small networks (plans find it in a graph by its calls)."""
        return _apply_weighting(F, invoke(_CROSS_ENTROPY, (pred, label), {}), self._weight)


SoftmaxCELoss = SoftmaxCrossEntropyLoss


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence: ``label * (log(label) - pred)``, summed over all axes but the batch's.

    Parameters
    ----------
    from_logits : bool, default True
        Whether pred holds logarithms of probabilities; otherwise log_softmax is applied.
    axis : int, default -1
        Axis of log_softmax.
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> p = mx.nd.array([[0.5, 0.5]])
    >>> bool(abs(mx.gluon.loss.KLDivLoss()(p.log(), p).asscalar()) < 1e-6)
    True
    """

    def __init__(self, from_logits=True, axis=-1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._from_logits = from_logits
        self._axis = axis

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        if not self._from_logits:
            pred = F.log_softmax(pred, axis=self._axis)
        loss = label * (F.log(label + 1e-12) - pred)
        loss = _apply_weighting(F, loss, self._weight, sample_weight)
        return F.sum(loss, axis=self._batch_axis, exclude=True)


class CTCLoss(Loss):
    """Connectionist temporal classification: minus the logarithm of the probability of a label sequence, alignment unknown.

    Classes are numbered from 0; the last channel of pred is the blank. Labels shorter than the longest end in -1.

    Parameters
    ----------
    layout : {'NTC', 'TNC'}, default 'NTC'
        Axes of pred: batch, time, channel.
    label_layout : {'NT', 'TN'}, default 'NT'
        Axes of label.
    weight : float, optional
    **kwargs
        See `Block`.

    References
    ----------
    Graves et al., "Connectionist Temporal Classification", 2006.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.CTCLoss()(mx.nd.zeros((1, 1, 2)), mx.nd.array([[0]])).asnumpy()
    array([0.6931472], dtype=float32)
    """

    def __init__(self, layout='NTC', label_layout='NT', weight=None, **kwargs):
        if layout not in ('NTC', 'TNC'):
            raise AssertionError(f"Only 'NTC' and 'TNC' layouts for pred are supported. Got: {layout}")
        if label_layout not in ('NT', 'TN'):
            raise AssertionError(f"Only 'NT' and 'TN' layouts for label are supported. Got: {label_layout}")
        self._layout = layout
        self._label_layout = label_layout
        super().__init__(weight, label_layout.find('N'), **kwargs)

    def hybrid_forward(self, F, pred, label, pred_lengths=None, label_lengths=None, sample_weight=None):
        """Return one number an example; lengths, one an example, tell where sequences end."""
        if self._layout == 'NTC':
            pred = F.swapaxes(pred, 0, 1)
        if self._batch_axis == 1:
            label = F.swapaxes(label, 0, 1)
        loss = F.CTCLoss(pred, label, pred_lengths, label_lengths, use_data_lengths=pred_lengths is not None,
                         use_label_lengths=label_lengths is not None, blank_label='last')
        return _apply_weighting(F, loss, self._weight, sample_weight)


class PoissonNLLLoss(Loss):
    """Minus the logarithm of the Poisson probability of the targets: ``exp(pred) - target * pred``, one number in all.

    Parameters
    ----------
    weight : float, optional
    from_logits : bool, default True
        Whether pred is the logarithm of the rate; otherwise the rate itself.
    batch_axis : int, default 0
    compute_full : bool, default False
        Add Stirling's approximation of ``log(target!)`` for targets above 1.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.PoissonNLLLoss()(mx.nd.array([[0]]), mx.nd.array([[3]])).asnumpy()
    array([1.], dtype=float32)
    """

    def __init__(self, weight=None, from_logits=True, batch_axis=0, compute_full=False, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._from_logits = from_logits
        self._compute_full = compute_full

    def hybrid_forward(self, F, pred, target, sample_weight=None, epsilon=1e-08):
        """Return one number."""
        target = _reshape_like(F, target, pred)
        if self._from_logits:
            loss = F.exp(pred) - target * pred
        else:
            loss = pred - target * F.log(pred + epsilon)
        if self._compute_full:
            # The formula of a target of 1 stands in where it doesn't count: MXNet multiplies log(0) by 0 there, which is nan.
            large = target > 1
            safe = F.where(large, target, F.ones_like(target))
            loss = loss + large * (safe * F.log(safe) - safe + 0.5 * F.log(2 * safe * math.pi))
        return F.mean(_apply_weighting(F, loss, self._weight, sample_weight))


class CosineEmbeddingLoss(Loss):
    """``1 - cos`` of the angle between vectors that belong together (label 1), ``max(0, cos - margin)`` for others (label -1).

    Parameters
    ----------
    weight : float, optional
    batch_axis : int, default 0
    margin : float, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> a, b = mx.nd.array([[1, 0]]), mx.nd.array([[0, 1]])
    >>> mx.gluon.loss.CosineEmbeddingLoss()(a, b, mx.nd.array([1])).asnumpy()
    array([[1.]], dtype=float32)
    """

    def __init__(self, weight=None, batch_axis=0, margin=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, input1, input2, label, sample_weight=None):
        """Return one number an example, (batch, 1)."""
        input1 = _reshape_like(F, input1, input2)
        label = label.reshape((-1, 1))
        cosine = self._cosine_similarity(F, input1, input2)
        alike, apart = label == 1, label == -1
        loss = (1 - cosine) * alike
        least = F.zeros((1, 1)) if F is symbol else 0
        loss = loss + _larger(F, least, apart * (cosine - self._margin), axis=1)
        return _apply_weighting(F, loss, self._weight, sample_weight)

    def _cosine_similarity(self, F, x, y, axis=-1):
        x_norm = F.norm(x, axis=axis).reshape((-1, 1))
        y_norm = F.norm(y, axis=axis).reshape((-1, 1))
        dot = F.sum(x * y, axis=axis).reshape((-1, 1))
        least = F.full((1, 1), 1e-12) if F is symbol else 1e-12
        return dot / _larger(F, x_norm * y_norm, least)


def _larger(F, a, b, **annotations):
    """Return the larger of two operands; in graphs both are symbols, with the annotations that MXNet's have there."""
    return F.broadcast_maximum(a, b, **annotations) if F is symbol else F.maximum(a, b)


class SDMLLoss(Loss):
    """Smoothed deep metric learning: row i of one batch belongs to row i of the other and to no further row.

    Parameters
    ----------
    smoothing_parameter : float, default 0.3
        Probability given to all other rows together.
    weight : float, default 1.0
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    References
    ----------
    Bonadiman et al., "Large Scale Question Paraphrase Retrieval with Smoothed Deep Metric Learning", 2019.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.SDMLLoss()(mx.nd.ones((2, 3)), mx.nd.ones((2, 3))).shape
    (2,)
    """

    def __init__(self, smoothing_parameter=0.3, weight=1., batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self.kl_loss = KLDivLoss(from_logits=True)
        self.smoothing_parameter = smoothing_parameter

    def _compute_distances(self, x1, x2):
        """Return the squared distance of every row of x1 to every row of x2."""
        if x1.shape != x2.shape:
            raise AssertionError(f'both batches must have one shape, but got {x1.shape} and {x2.shape}')
        batch_size, dim = x1.shape
        shape = (batch_size, batch_size, dim)
        difference = x1.expand_dims(1).broadcast_to(shape) - x2.expand_dims(0).broadcast_to(shape)
        return (difference ** 2).sum(axis=2)

    def _compute_labels(self, F, batch_size):
        """Return the smoothed identity matrix."""
        gold = F.eye(batch_size)
        return gold * (1 - self.smoothing_parameter) + (1 - gold) * self.smoothing_parameter / (batch_size - 1)

    def _symbolic(self, F, x1, x2):
        """Return labels and distances of symbols, whose shapes are not known (MXNet's loss can't be hybridized)."""
        numbers = F.contrib.arange_like(x1, axis=0)
        gold = F.broadcast_equal(numbers.expand_dims(1), numbers.expand_dims(0))
        others = gold.sum(axis=(0, 1), keepdims=True) - 1
        labels = gold * (1 - self.smoothing_parameter) + F.broadcast_div((1 - gold) * self.smoothing_parameter, others)
        x1, x2 = x1.expand_dims(1), x2.expand_dims(0)
        difference = F.broadcast_like(x1, x2, lhs_axes=(1,), rhs_axes=(1,)) - F.broadcast_like(x2, x1, lhs_axes=(0,), rhs_axes=(0,))
        return labels, (difference ** 2).sum(axis=2)

    def hybrid_forward(self, F, x1, x2):
        """Return one number an example."""
        if F is ndarray:
            labels = self._compute_labels(F, x1.shape[0]).as_in_context(x1.context)
            distances = self._compute_distances(x1, x2)
        else:
            labels, distances = self._symbolic(F, x1, x2)
        return self.kl_loss(F.log_softmax(-distances, axis=1), labels)
