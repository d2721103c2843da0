"""What all losses share: weights, shapes, the average over all axes but the batch's."""
from .. import ndarray
from ..base import numeric_types
from ._hybrid_block import HybridBlock

__all__ = ['Loss', '_apply_weighting', '_reshape_like']


def _apply_weighting(F, loss, weight=None, sample_weight=None):
    """Multiply a loss by weights of the examples and by a number, where given."""
    if sample_weight is not None:
        loss = F.broadcast_mul(loss, sample_weight)
    if weight is not None:
        if not isinstance(weight, numeric_types):
            raise AssertionError(f'weight must be a number, but got {weight!r}')
        loss = loss * weight
    return loss


def _reshape_like(F, x, y):
    """Return x in the shape of y."""
    if F is ndarray:
        return x if x.shape == y.shape else x.reshape(y.shape)
    return F.reshape_like(x, y)


class Loss(HybridBlock):
    """Base class of losses.

    Parameters
    ----------
    weight : float or None
        Number to multiply the loss by.
    batch_axis : int
        Axis of the examples.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Count(mx.gluon.loss.Loss):
    ...     def hybrid_forward(self, F, x):
    ...         return F.sum(x, axis=self._batch_axis, exclude=True)
    >>> Count(None, 0)
    Count(batch_axis=0, w=None)
    """

    def __init__(self, weight, batch_axis, **kwargs):
        super().__init__(**kwargs)
        self._weight = weight
        self._batch_axis = batch_axis

    def __repr__(self):
        return f'{type(self).__name__}(batch_axis={self._batch_axis}, w={self._weight})'

    def hybrid_forward(self, F, x, *args, **kwargs):
        """Compute the loss; subclasses define this."""
        raise NotImplementedError

    def _mean(self, F, loss, sample_weight, weight=None):
        """Weigh a loss and average it over all axes but the batch's."""
        loss = _apply_weighting(F, loss, self._weight if weight is None else weight, sample_weight)
        return F.mean(loss, axis=self._batch_axis, exclude=True)
