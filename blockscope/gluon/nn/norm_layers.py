"""Normalization layers."""
import numpy as np

from ..block import HybridBlock

__all__ = ['BatchNorm', 'BatchNormReLU', 'InstanceNorm', 'LayerNorm', 'GroupNorm']


def _settings(kwargs):
    return ', '.join(f'{key}={value!r}' for key, value in kwargs.items())


class _BatchNorm(HybridBlock):
    """What BatchNorm and BatchNormReLU share; `fuse_relu` tells which one it is."""

    _overwrites = ('running_mean', 'running_var')

    def __init__(self, axis=1, momentum=0.9, epsilon=1e-5, center=True, scale=True, use_global_stats=False, fuse_relu=False,
                 beta_initializer='zeros', gamma_initializer='ones', running_mean_initializer='zeros',
                 running_variance_initializer='ones', in_channels=0, **kwargs):
        super().__init__(**kwargs)
        self._kwargs = {'axis': axis, 'eps': epsilon, 'momentum': momentum, 'fix_gamma': not scale,
                        'use_global_stats': use_global_stats}
        self.fuse_relu = fuse_relu
        if in_channels != 0:
            self.in_channels = in_channels

        def vector(name, init, learned):
            return self.params.get(name, grad_req='write' if learned else 'null', shape=(in_channels,), init=init,
                                   allow_deferred_init=True, differentiable=learned)
        self.gamma = vector('gamma', gamma_initializer, scale)
        self.beta = vector('beta', beta_initializer, center)
        self.running_mean = vector('running_mean', running_mean_initializer, False)
        self.running_var = vector('running_var', running_variance_initializer, False)

    def cast(self, dtype):
        """Convert the parameters to another data type; for float16 they stay float32."""
        if np.dtype(dtype).name == 'float16':
            dtype = 'float32'
        super().cast(dtype)

    def hybrid_forward(self, F, x, gamma, beta, running_mean, running_var):
        """Return x normalized."""
        batch_norm = F.contrib.BatchNormWithReLU if self.fuse_relu else F.BatchNorm
        return batch_norm(x, gamma, beta, running_mean, running_var, name='fwd', **self._kwargs)

    def __repr__(self):
        return f'{type(self).__name__}({_settings(self._kwargs)}, in_channels={self.gamma.shape[0] or None})'


class BatchNorm(_BatchNorm):
    """Normalize every channel over the batch, then scale and shift it.

    Parameters
    ----------
    axis : int, default 1
        Axis of the channels.
    momentum : float, default 0.9
        How much of the running statistics stays at every batch.
    epsilon : float, default 1e-5
        Added to the variance.
    center : bool, default True
        Whether beta is learned.
    scale : bool, default True
        Whether gamma is learned; otherwise it counts as 1.
    use_global_stats : bool, default False
        Normalize by the running statistics in training too.
    beta_initializer, gamma_initializer, running_mean_initializer, running_variance_initializer : str or Initializer
    in_channels : int, default 0
        Number of channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization", 2015.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.BatchNorm(in_channels=3)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    def __init__(self, axis=1, momentum=0.9, epsilon=1e-5, center=True, scale=True, use_global_stats=False,
                 beta_initializer='zeros', gamma_initializer='ones', running_mean_initializer='zeros',
                 running_variance_initializer='ones', in_channels=0, **kwargs):
        super().__init__(axis=axis, momentum=momentum, epsilon=epsilon, center=center, scale=scale,
                         use_global_stats=use_global_stats, fuse_relu=False, beta_initializer=beta_initializer,
                         gamma_initializer=gamma_initializer, running_mean_initializer=running_mean_initializer,
                         running_variance_initializer=running_variance_initializer, in_channels=in_channels, **kwargs)


class BatchNormReLU(_BatchNorm):
    """Normalize as `BatchNorm`, then apply relu.

    Parameters
    ----------
    axis, momentum, epsilon, center, scale, use_global_stats, in_channels
        See `BatchNorm`.
    beta_initializer, gamma_initializer, running_mean_initializer, running_variance_initializer : str or Initializer
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.BatchNormReLU()
    >>> layer.initialize()
    >>> layer(mx.nd.array([[-1, 1]])).asnumpy().min()
    np.float32(0.0)
    """

    def __init__(self, axis=1, momentum=0.9, epsilon=1e-5, center=True, scale=True, use_global_stats=False,
                 beta_initializer='zeros', gamma_initializer='ones', running_mean_initializer='zeros',
                 running_variance_initializer='ones', in_channels=0, **kwargs):
        super().__init__(axis=axis, momentum=momentum, epsilon=epsilon, center=center, scale=scale,
                         use_global_stats=use_global_stats, fuse_relu=True, beta_initializer=beta_initializer,
                         gamma_initializer=gamma_initializer, running_mean_initializer=running_mean_initializer,
                         running_variance_initializer=running_variance_initializer, in_channels=in_channels, **kwargs)


class _Affine(HybridBlock):
    """A normalization with gamma and beta of one length."""

    def _add_parameters(self, count, center, scale, beta_initializer, gamma_initializer):
        self.gamma = self.params.get('gamma', grad_req='write' if scale else 'null', shape=(count,), init=gamma_initializer,
                                     allow_deferred_init=True)
        self.beta = self.params.get('beta', grad_req='write' if center else 'null', shape=(count,), init=beta_initializer,
                                    allow_deferred_init=True)

    def __repr__(self):
        return f'{type(self).__name__}({_settings(self._kwargs)}, in_channels={self.gamma.shape[0]})'


class InstanceNorm(_Affine):
    """Normalize every channel of every example over its other axes, then scale and shift it.

    Parameters
    ----------
    axis : int, default 1
        Axis of the channels.
    epsilon : float, default 1e-5
        Added to the variance.
    center : bool, default True
        Whether beta is learned.
    scale : bool, default False
        Whether gamma is learned.
    beta_initializer, gamma_initializer : str or Initializer
    in_channels : int, default 0
        Number of channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    References
    ----------
    Ulyanov et al., "Instance Normalization", 2016.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.InstanceNorm()
    >>> layer.initialize()
    >>> layer(mx.nd.array([[[1, 1], [2, 2]]])).asnumpy()
    array([[[0., 0.],
            [0., 0.]]], dtype=float32)
    """

    def __init__(self, axis=1, epsilon=1e-5, center=True, scale=False, beta_initializer='zeros', gamma_initializer='ones',
                 in_channels=0, **kwargs):
        super().__init__(**kwargs)
        self._kwargs = {'eps': epsilon, 'axis': axis, 'center': center, 'scale': scale}
        self._axis = axis
        self._epsilon = epsilon
        self._add_parameters(in_channels, center, scale, beta_initializer, gamma_initializer)

    def hybrid_forward(self, F, x, gamma, beta):
        """Return x normalized."""
        if self._axis == 1:
            return F.InstanceNorm(x, gamma, beta, name='fwd', eps=self._epsilon)
        x = x.swapaxes(1, self._axis)
        return F.InstanceNorm(x, gamma, beta, name='fwd', eps=self._epsilon).swapaxes(1, self._axis)


class LayerNorm(_Affine):
    """Normalize every vector along an axis, then scale and shift it.

    Parameters
    ----------
    axis : int, default -1
    epsilon : float, default 1e-5
        Added to the variance.
    center, scale : bool, default True
        Whether beta and gamma are learned.
    beta_initializer, gamma_initializer : str or Initializer
    in_channels : int, default 0
        Length of the axis; 0 takes it from the first batch.
    prefix, params
        See `Block`.

    References
    ----------
    Ba et al., "Layer Normalization", 2016.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.LayerNorm()
    >>> layer.initialize()
    >>> layer(mx.nd.array([[2, 2], [3, 3]])).asnumpy()
    array([[0., 0.],
           [0., 0.]], dtype=float32)
    """

    def __init__(self, axis=-1, epsilon=1e-5, center=True, scale=True, beta_initializer='zeros', gamma_initializer='ones',
                 in_channels=0, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self._kwargs = {'eps': epsilon, 'axis': axis, 'center': center, 'scale': scale}
        self._axis = axis
        self._epsilon = epsilon
        self._center = center
        self._scale = scale
        self._add_parameters(in_channels, center, scale, beta_initializer, gamma_initializer)

    def hybrid_forward(self, F, data, gamma, beta):
        """Return data normalized."""
        return F.LayerNorm(data, gamma, beta, axis=self._axis, eps=self._epsilon)


class GroupNorm(_Affine):
    """Normalize every group of channels of every example, then scale and shift it.

    Parameters
    ----------
    num_groups : int, default 1
        Number of groups that the channels (axis 1) are cut into.
    epsilon : float, default 1e-5
        Added to the variance.
    center, scale : bool, default True
        Whether beta and gamma (one number a group) are learned.
    beta_initializer, gamma_initializer : str or Initializer
    prefix, params
        See `Block`.

    References
    ----------
    Wu and He, "Group Normalization", 2018.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.GroupNorm(2)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((1, 4, 3))).shape
    (1, 4, 3)
    """

    def __init__(self, num_groups=1, epsilon=1e-5, center=True, scale=True, beta_initializer='zeros', gamma_initializer='ones',
                 prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self._kwargs = {'eps': epsilon, 'num_groups': num_groups, 'center': center, 'scale': scale}
        self._num_groups = num_groups
        self._epsilon = epsilon
        self._center = center
        self._scale = scale
        self._add_parameters(num_groups, center, scale, beta_initializer, gamma_initializer)

    def hybrid_forward(self, F, data, gamma, beta):
        """Return data normalized."""
        return F.GroupNorm(data, gamma, beta, num_groups=self._num_groups, eps=self._epsilon)

    def __repr__(self):
        return f'{type(self).__name__}({_settings(self._kwargs)})'
