"""Losses by distance from a label or from the right side of a margin."""
from ._loss_base import Loss, _apply_weighting, _reshape_like

__all__ = ['HuberLoss', 'HingeLoss', 'SquaredHingeLoss', 'LogisticLoss', 'TripletLoss']


class HuberLoss(Loss):
    """Squared near the label, absolute further away: ``d^2 / (2 rho)`` for a distance d up to rho, ``d - rho / 2`` beyond.

    Parameters
    ----------
    rho : float, default 1
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.HuberLoss()(mx.nd.array([[3]]), mx.nd.array([[1]])).asnumpy()
    array([1.5], dtype=float32)
    """

    def __init__(self, rho=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._rho = rho

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        loss = F.abs(_reshape_like(F, label, pred) - pred)
        loss = F.where(loss > self._rho, loss - 0.5 * self._rho, (0.5 / self._rho) * F.square(loss))
        return self._mean(F, loss, sample_weight)


class HingeLoss(Loss):
    """Distance from the right side of a margin: ``max(0, margin - pred * label)``, labels -1 or 1.

    Parameters
    ----------
    margin : float, default 1
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.HingeLoss()(mx.nd.array([[0.5]]), mx.nd.array([[1]])).asnumpy()
    array([0.5], dtype=float32)
    """

    def __init__(self, margin=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        label = _reshape_like(F, label, pred)
        return self._mean(F, F.relu(self._margin - pred * label), sample_weight)


class SquaredHingeLoss(Loss):
    """The square of `HingeLoss`, element by element.

    Parameters
    ----------
    margin : float, default 1
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.SquaredHingeLoss()(mx.nd.array([[0.5]]), mx.nd.array([[1]])).asnumpy()
    array([0.25], dtype=float32)
    """

    def __init__(self, margin=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        label = _reshape_like(F, label, pred)
        return self._mean(F, F.square(F.relu(self._margin - pred * label)), sample_weight)


class LogisticLoss(Loss):
    """Cross entropy of yes-or-no predictions: ``log(1 + exp(-pred * label))`` for labels -1 and 1.

    Parameters
    ----------
    weight : float, optional
    batch_axis : int, default 0
    label_format : {'signed', 'binary'}, default 'signed'
        Labels are -1 and 1, or 0 and 1.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.loss.LogisticLoss()(mx.nd.array([[0]]), mx.nd.array([[-1]])).asnumpy()
    array([0.6931472], dtype=float32)
    """

    def __init__(self, weight=None, batch_axis=0, label_format='signed', **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._label_format = label_format
        if label_format not in ('signed', 'binary'):
            raise ValueError(f'label_format can only be signed or binary, recieved {label_format}.')

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        """Return one number an example."""
        label = _reshape_like(F, label, pred)
        if self._label_format == 'signed':
            label = (label + 1.0) / 2.0
        loss = F.relu(pred) - pred * label + F.Activation(-F.abs(pred), act_type='softrelu')
        return self._mean(F, loss, sample_weight)


class TripletLoss(Loss):
    """How much nearer the negative is than the positive: ``max(0, |positive - pred|^2 - |negative - pred|^2 + margin)``.

    Parameters
    ----------
    margin : float, default 1
    weight : float, optional
    batch_axis : int, default 0
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> one, two = mx.nd.array([[1]]), mx.nd.array([[2]])
    >>> mx.gluon.loss.TripletLoss()(one, one, two).asnumpy()
    array([0.], dtype=float32)
    """

    def __init__(self, margin=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, pred, positive, negative):
        """Return one number an example."""
        positive = _reshape_like(F, positive, pred)
        negative = _reshape_like(F, negative, pred)
        loss = F.sum(F.square(positive - pred) - F.square(negative - pred), axis=self._batch_axis, exclude=True)
        return _apply_weighting(F, F.relu(loss + self._margin), self._weight, None)
