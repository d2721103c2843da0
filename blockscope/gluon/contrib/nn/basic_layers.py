"""Layers side by side, pixel shuffling, and batch normalization over devices.

Known bugs of MXNet 1.9.1 that are fixed here: a slice of a `Concurrent` or `HybridConcurrent` keeps the axis (-1 in MXNet, whatever
it was), since the slice would compute something else; `PixelShuffle1D` takes a tuple, as it says it does.
"""
import math
import warnings

from .... import ndarray as nd
from ....context import num_gpus
from ....errors import MXNetError
from ...block import Block, HybridBlock
from ...nn import BatchNorm, HybridSequential, Sequential

__all__ = ['Concurrent', 'HybridConcurrent', 'Identity', 'SparseEmbedding', 'SyncBatchNorm', 'PixelShuffle1D', 'PixelShuffle2D',
           'PixelShuffle3D']


class Concurrent(Sequential):
    """Blocks that all get the same input, with their outputs joined.

    Parameters
    ----------
    axis : int, default -1
        Axis along which the outputs are joined.
    prefix, params
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.gluon.contrib.nn.Concurrent(axis=1)
    >>> with net.name_scope():
    ...     net.add(mx.gluon.nn.Dense(3), mx.gluon.contrib.nn.Identity())
    >>> net.initialize()
    >>> net(mx.nd.ones((4, 2))).shape
    (4, 5)
    """

    def __init__(self, axis=-1, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self.axis = axis

    def forward(self, x):
        """Join what the children give for x."""
        return nd.concat(*[block(x) for block in self._children.values()], dim=self.axis)

    def __getitem__(self, key):
        return _with_axis(super().__getitem__(key), key, self.axis)


class HybridConcurrent(HybridSequential):
    """HybridBlocks that all get the same input, with their outputs joined.

    Parameters
    ----------
    axis : int, default -1
        Axis along which the outputs are joined.
    prefix, params
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.gluon.contrib.nn.HybridConcurrent(axis=1)
    >>> net.add(mx.gluon.nn.Dense(3), mx.gluon.nn.Dense(2), mx.gluon.contrib.nn.Identity())
    >>> net.initialize()
    >>> net(mx.nd.ones((4, 2))).shape
    (4, 7)
    >>> net[1:].axis
    1
    """

    def __init__(self, axis=-1, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self.axis = axis

    def hybrid_forward(self, F, x):
        """Join what the children give for x."""
        return F.concat(*[block(x) for block in self._children.values()], dim=self.axis)

    def __getitem__(self, key):
        return _with_axis(super().__getitem__(key), key, self.axis)


def _with_axis(found, key, axis):
    """Give a slice the axis of the container that it was taken from."""
    if isinstance(key, slice):
        found.axis = axis
    return found


class Identity(HybridBlock):
    """Return the input as it is: a way past the other blocks of a `HybridConcurrent`.

    Parameters
    ----------
    prefix, params
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> x = mx.nd.ones((2,))
    >>> mx.gluon.contrib.nn.Identity()(x) is x
    True
    """

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def hybrid_forward(self, F, x):
        """Return x."""
        return x


class SparseEmbedding(Block):
    """Turn whole numbers into rows of a matrix that is stored as rows. It has names and shapes, but can't be called yet.

    Parameters
    ----------
    input_dim : int
        Number of rows.
    output_dim : int
        Length of a row.
    dtype : str, default 'float32'
    weight_initializer : str or Initializer, optional
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.contrib.nn.SparseEmbedding(1000, 16)
    SparseEmbedding(1000 -> 16, float32)
    """

    def __init__(self, input_dim, output_dim, dtype='float32', weight_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self._kwargs = {'input_dim': input_dim, 'output_dim': output_dim, 'dtype': dtype, 'sparse_grad': True}
        self.weight = self.params.get('weight', shape=(input_dim, output_dim), init=weight_initializer, dtype=dtype,
                                      grad_stype='row_sparse', stype='row_sparse')

    def forward(self, x):
        """Refuse: there are no sparse arrays.

        Raises
        ------
        MXNetError
            Always; it names the layer to use instead.
        """
        kwargs = self._kwargs
        raise MXNetError(f"{type(self).__name__} '{self.name}' needs sparse arrays, which are not part of blockscope yet. Use "
                         f"gluon.nn.Embedding({kwargs['input_dim']}, {kwargs['output_dim']}, dtype={kwargs['dtype']!r}), which "
                         'computes the same with a dense weight.')

    def __repr__(self):
        return '{block_name}({input_dim} -> {output_dim}, {dtype})'.format(block_name=type(self).__name__, **self._kwargs)


class SyncBatchNorm(BatchNorm):
    """Batch normalization with the statistics of the whole batch, also where it is cut over several devices.

    On one device it is `BatchNorm`. Training with `num_devices` above 1 is refused, since parts of a batch are computed one after the
    other here; inference works with any number.

    Parameters
    ----------
    in_channels : int, default 0
        Number of channels (axis 1); 0 takes it from the first batch.
    num_devices : int, optional
        Over how many devices a batch is cut; by default the number of GPUs, with a warning.
    momentum, epsilon, center, scale, use_global_stats
        See `BatchNorm`.
    beta_initializer, gamma_initializer, running_mean_initializer, running_variance_initializer : str or Initializer
    **kwargs
        See `Block`.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization", 2015; Zhang et al., "Context Encoding for Semantic Segmentation", 2018.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.contrib.nn.SyncBatchNorm(num_devices=1, prefix='norm_')
    >>> layer.initialize()
    >>> layer(mx.nd.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    >>> list(layer.collect_params())
    ['norm_gamma', 'norm_beta', 'norm_running_mean', 'norm_running_var']
    """

    def __init__(self, in_channels=0, num_devices=None, momentum=0.9, epsilon=1e-5, center=True, scale=True,
                 use_global_stats=False, beta_initializer='zeros', gamma_initializer='ones', running_mean_initializer='zeros',
                 running_variance_initializer='ones', **kwargs):
        super().__init__(axis=1, momentum=momentum, epsilon=epsilon, center=center, scale=scale,
                         use_global_stats=use_global_stats, beta_initializer=beta_initializer,
                         gamma_initializer=gamma_initializer, running_mean_initializer=running_mean_initializer,
                         running_variance_initializer=running_variance_initializer, in_channels=in_channels, **kwargs)
        num_devices = self._get_num_devices() if num_devices is None else num_devices
        self._kwargs = {'eps': epsilon, 'momentum': momentum, 'fix_gamma': not scale, 'use_global_stats': use_global_stats,
                        'ndev': num_devices, 'key': self.prefix}

    def _get_num_devices(self):
        warnings.warn('Caution using SyncBatchNorm: if not using all the GPUs, please mannually set num_devices', UserWarning,
                      stacklevel=3)
        return max(num_gpus(), 1)

    def hybrid_forward(self, F, x, gamma, beta, running_mean, running_var):
        """Return x normalized."""
        return F.contrib.SyncBatchNorm(x, gamma, beta, running_mean, running_var, name='fwd', **self._kwargs)


def _factors(factor, count):
    """Return one factor an axis."""
    try:
        return (int(factor),) * count
    except TypeError:
        factors = tuple(int(f) for f in factor)
    if len(factors) != count:
        raise AssertionError(f'wrong length {len(factors)}')
    return factors


class PixelShuffle1D(HybridBlock):
    """Spread groups of channels over the width.

    It makes ``(batch, channels, width * f)``
    of ``(batch, f * channels, width)``.

    Parameters
    ----------
    factor : int or 1-tuple of int
        By how much the width grows.

    References
    ----------
    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", 2016.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.contrib.nn.PixelShuffle1D(2)(mx.nd.array([[[1, 2], [3, 4]]])).asnumpy()
    array([[[1., 3., 2., 4.]]], dtype=float32)
    """

    def __init__(self, factor):
        super().__init__()
        self._factor, = _factors(factor, 1)

    def hybrid_forward(self, F, x):
        """Return x with channels turned into width."""
        x = F.reshape(x, (0, -4, -1, self._factor, 0))  # batch, channels, factor, width
        x = F.transpose(x, (0, 1, 3, 2))
        return F.reshape(x, (0, 0, -3))

    def __repr__(self):
        return f'{type(self).__name__}({self._factor})'


class PixelShuffle2D(HybridBlock):
    """Spread groups of channels over height and width.

    It makes ``(batch, channels, height * f, width * g)``
    of ``(batch, f * g * channels, height, width)``.

    Parameters
    ----------
    factor : int or 2-tuple of int
        By how much height and width grow.

    References
    ----------
    See `PixelShuffle1D`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.contrib.nn.PixelShuffle2D((2, 3))(mx.nd.zeros((1, 12, 3, 5))).shape
    (1, 2, 6, 15)
    """

    def __init__(self, factor):
        super().__init__()
        self._factors = _factors(factor, 2)

    def hybrid_forward(self, F, x):
        """Return x with channels turned into height and width."""
        f, g = self._factors
        x = F.reshape(x, (0, -4, -1, f * g, 0, 0))
        x = F.reshape(x, (0, 0, -4, f, g, 0, 0))  # batch, channels, f, g, height, width
        x = F.transpose(x, (0, 1, 4, 2, 5, 3))
        return F.reshape(x, (0, 0, -3, -3))

    def __repr__(self):
        return f'{type(self).__name__}({self._factors})'


class PixelShuffle3D(HybridBlock):
    """Spread groups of channels over depth, height and width.

    It makes ``(batch, channels, depth * f, height * g, width * h)``
    of ``(batch, f * g * h * channels, depth, height, width)``.

    Parameters
    ----------
    factor : int or 3-tuple of int
        By how much depth, height and width grow.

    References
    ----------
    See `PixelShuffle1D`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.contrib.nn.PixelShuffle3D((2, 3, 4))(mx.nd.zeros((1, 48, 3, 5, 7))).shape
    (1, 2, 6, 15, 28)
    """

    def __init__(self, factor):
        super().__init__()
        self._factors = _factors(factor, 3)

    def hybrid_forward(self, F, x):
        """Return x with channels turned into depth, height and width."""
        f, g, h = self._factors
        # One axis after the other, as in MXNet (whose transpose takes six axes): a graph's nodes get their names in this order.
        x = F.reshape(x, (0, -4, -1, math.prod(self._factors), 0, 0, 0))
        x = F.swapaxes(x, 2, 3)  # batch, channels, depth, fgh, height, width
        x = F.reshape(x, (0, 0, 0, -4, f, g * h, 0, 0))
        x = F.reshape(x, (0, 0, -3, 0, 0, 0))
        x = F.swapaxes(x, 3, 4)  # batch, channels, depth f, height, gh, width
        x = F.reshape(x, (0, 0, 0, 0, -4, g, h, 0))
        x = F.reshape(x, (0, 0, 0, -3, 0, 0))
        x = F.swapaxes(x, 4, 5)  # batch, channels, depth f, height g, width, h
        return F.reshape(x, (0, 0, 0, 0, -3))

    def __repr__(self):
        return f'{type(self).__name__}({self._factors})'
