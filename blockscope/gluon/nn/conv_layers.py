"""Convolution layers, and reflection padding; the pooling layers live in `pool_layers` and are found here too, as in MXNet."""
from ...base import numeric_types
from ...errors import MXNetError
from ...ops import get
from ..block import HybridBlock
from .activations import Activation
from .pool_layers import (AvgPool1D, AvgPool2D, AvgPool3D, GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D, GlobalMaxPool1D,
                          GlobalMaxPool2D, GlobalMaxPool3D, MaxPool1D, MaxPool2D, MaxPool3D, _Pooling, as_tuple, check_layout)

__all__ = ['Conv1D', 'Conv2D', 'Conv3D', 'Conv1DTranspose', 'Conv2DTranspose', 'Conv3DTranspose', 'MaxPool1D', 'MaxPool2D',
           'MaxPool3D', 'AvgPool1D', 'AvgPool2D', 'AvgPool3D', 'GlobalMaxPool1D', 'GlobalMaxPool2D', 'GlobalMaxPool3D',
           'GlobalAvgPool1D', 'GlobalAvgPool2D', 'GlobalAvgPool3D', 'ReflectionPad2D']

for _class in (_Pooling, MaxPool1D, MaxPool2D, MaxPool3D, AvgPool1D, AvgPool2D, AvgPool3D, GlobalMaxPool1D, GlobalMaxPool2D,
               GlobalMaxPool3D, GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D):
    _class.__module__ = __name__  # messages and pickles name the public home


class _Conv(HybridBlock):
    """What all convolutions share; `op_name` is the operator."""

    def __init__(self, channels, kernel_size, strides, padding, dilation, groups, layout, in_channels=0, activation=None,
                 use_bias=True, weight_initializer=None, bias_initializer='zeros', op_name='Convolution', adj=None, prefix=None,
                 params=None):
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self._channels = channels
            self._in_channels = in_channels
            strides, padding, dilation = (
                (v,) * len(kernel_size) if isinstance(v, numeric_types) else v for v in (strides, padding, dilation))
            self._op_name = op_name
            self._kwargs = {'kernel': kernel_size, 'stride': strides, 'dilate': dilation, 'pad': padding,
                            'num_filter': channels, 'num_group': groups, 'no_bias': not use_bias, 'layout': layout}
            if adj is not None:
                self._kwargs['adj'] = adj
            shapes = self._parameter_shapes()
            self.weight = self.params.get('weight', shape=shapes[1], init=weight_initializer, allow_deferred_init=True)
            if use_bias:
                self.bias = self.params.get('bias', shape=shapes[2], init=bias_initializer, allow_deferred_init=True)
            else:
                self.bias = None
            if activation is not None:
                self.act = Activation(activation, prefix=activation + '_')
            else:
                self.act = None

    def _parameter_shapes(self):
        """Return what the operator's shape rule says of data, weight and bias; unknown sizes are 0."""
        layout = self._kwargs['layout']
        data = tuple({'N': 1, 'C': self._in_channels}.get(axis, 0) for axis in layout)
        op = get(self._op_name)
        try:
            return op.shapes([data, None, None], op.parse(self._kwargs))
        except ValueError as error:
            raise MXNetError(f'{type(self).__name__}: {error}') from error

    def hybrid_forward(self, F, x, weight, bias=None):
        """Return the convolution of x."""
        operator = getattr(F, self._op_name)
        if bias is None:
            act = operator(x, weight, name='fwd', **self._kwargs)
        else:
            act = operator(x, weight, bias, name='fwd', **self._kwargs)
        return act if self.act is None else self.act(act)

    def _alias(self):
        return 'conv'

    def __repr__(self):
        kwargs, rank, shape = self._kwargs, len(self._kwargs['kernel']), self.weight.shape
        text = (f"{type(self).__name__}({shape[1] or None} -> {shape[0]}, kernel_size={kwargs['kernel']}, "
                f"stride={kwargs['stride']}")
        if kwargs['pad'] != (0,) * rank:
            text += f", padding={kwargs['pad']}"
        if kwargs['dilate'] != (1,) * rank:
            text += f", dilation={kwargs['dilate']}"
        if hasattr(self, 'out_pad') and self.out_pad != (0,) * rank:
            text += f', output_padding={self.out_pad}'
        if kwargs['num_group'] != 1:
            text += f", groups={kwargs['num_group']}"
        if self.bias is None:
            text += ', bias=False'
        if self.act:
            text += f', {self.act}'
        return text + ')'


class Conv1D(_Conv):
    """Convolve data of 1 dimension, (batch, channel, width).

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel_size : int or tuple of int
    strides, padding, dilation : int or tuple of int
    groups : int, default 1
        Number of groups of channels that don't see each other.
    layout : str, default 'NCW'
        Order of the axes.
    activation : str, optional
        See `Activation`; none by default.
    use_bias : bool, default True
    weight_initializer, bias_initializer : str or Initializer
    in_channels : int, default 0
        Number of input channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.Conv1D(4, 3)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((1, 2, 5))).shape
    (1, 4, 3)
    """

    def __init__(self, channels, kernel_size, strides=1, padding=0, dilation=1, groups=1,
                 layout='NCW', activation=None, use_bias=True, weight_initializer=None, bias_initializer='zeros', in_channels=0,
                 **kwargs):
        check_layout(layout, ('NCW',), "Only supports 'NCW' layout for now")
        kernel_size = as_tuple(kernel_size, 1, 'kernel_size')
        op_name = kwargs.pop('op_name', 'Convolution')
        super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout, in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, op_name, **kwargs)


class Conv2D(_Conv):
    """Convolve data of 2 dimensions, (batch, channel, height, width).

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel_size : int or tuple of int
    strides, padding, dilation : int or tuple of int
    groups : int, default 1
        Number of groups of channels that don't see each other.
    layout : str, default 'NCHW'
        Order of the axes, or 'NHWC'.
    activation : str, optional
        See `Activation`; none by default.
    use_bias : bool, default True
    weight_initializer, bias_initializer : str or Initializer
    in_channels : int, default 0
        Number of input channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.Conv2D(4, 3)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((1, 2, 5, 5))).shape
    (1, 4, 3, 3)
    """

    def __init__(self, channels, kernel_size, strides=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1,
                 layout='NCHW', activation=None, use_bias=True, weight_initializer=None, bias_initializer='zeros', in_channels=0,
                 **kwargs):
        check_layout(layout, ('NCHW', 'NHWC'), "Only supports 'NCHW' and 'NHWC' layout for now")
        kernel_size = as_tuple(kernel_size, 2, 'kernel_size')
        op_name = kwargs.pop('op_name', 'Convolution')
        super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout, in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, op_name, **kwargs)


class Conv3D(_Conv):
    """Convolve data of 3 dimensions, (batch, channel, depth, height, width).

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel_size : int or tuple of int
    strides, padding, dilation : int or tuple of int
    groups : int, default 1
        Number of groups of channels that don't see each other.
    layout : str, default 'NCDHW'
        Order of the axes, or 'NDHWC'.
    activation : str, optional
        See `Activation`; none by default.
    use_bias : bool, default True
    weight_initializer, bias_initializer : str or Initializer
    in_channels : int, default 0
        Number of input channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.Conv3D(4, 3)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((1, 2, 5, 5, 5))).shape
    (1, 4, 3, 3, 3)
    """

    def __init__(self, channels, kernel_size, strides=(1, 1, 1), padding=(0, 0, 0), dilation=(1, 1, 1), groups=1,
                 layout='NCDHW', activation=None, use_bias=True, weight_initializer=None, bias_initializer='zeros', in_channels=0,
                 **kwargs):
        check_layout(layout, ('NCDHW', 'NDHWC'), "Only supports 'NCDHW' and 'NDHWC' layout for now")
        kernel_size = as_tuple(kernel_size, 3, 'kernel_size')
        op_name = kwargs.pop('op_name', 'Convolution')
        super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout, in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, op_name, **kwargs)


class Conv1DTranspose(_Conv):
    """Apply the transposed convolution to data of 1 dimension, (batch, channel, width).

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel_size : int or tuple of int
    strides, padding, output_padding, dilation : int or tuple of int
    groups : int, default 1
        Number of groups of channels that don't see each other.
    layout : str, default 'NCW'
        Order of the axes.
    activation : str, optional
        See `Activation`; none by default.
    use_bias : bool, default True
    weight_initializer, bias_initializer : str or Initializer
    in_channels : int, default 0
        Number of input channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.Conv1DTranspose(4, 3)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((1, 2, 5))).shape
    (1, 4, 7)
    """

    def __init__(self, channels, kernel_size, strides=1, padding=0, output_padding=0, dilation=1, groups=1,
                 layout='NCW', activation=None, use_bias=True, weight_initializer=None, bias_initializer='zeros', in_channels=0,
                 **kwargs):
        check_layout(layout, ('NCW',), "Only supports 'NCW' layout for now")
        kernel_size = as_tuple(kernel_size, 1, 'kernel_size')
        output_padding = as_tuple(output_padding, 1, 'output_padding')
        op_name = kwargs.pop('op_name', 'Deconvolution')
        super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout, in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, op_name, adj=output_padding, **kwargs)
        self.outpad = output_padding


class Conv2DTranspose(_Conv):
    """Apply the transposed convolution to data of 2 dimensions, (batch, channel, height, width).

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel_size : int or tuple of int
    strides, padding, output_padding, dilation : int or tuple of int
    groups : int, default 1
        Number of groups of channels that don't see each other.
    layout : str, default 'NCHW'
        Order of the axes, or 'NHWC'.
    activation : str, optional
        See `Activation`; none by default.
    use_bias : bool, default True
    weight_initializer, bias_initializer : str or Initializer
    in_channels : int, default 0
        Number of input channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.Conv2DTranspose(4, 3)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((1, 2, 5, 5))).shape
    (1, 4, 7, 7)
    """

    def __init__(self, channels, kernel_size, strides=(1, 1), padding=(0, 0), output_padding=(0, 0), dilation=(1, 1), groups=1,
                 layout='NCHW', activation=None, use_bias=True, weight_initializer=None, bias_initializer='zeros', in_channels=0,
                 **kwargs):
        check_layout(layout, ('NCHW', 'NHWC'), "Only supports 'NCHW' and 'NHWC' layout for now")
        kernel_size = as_tuple(kernel_size, 2, 'kernel_size')
        output_padding = as_tuple(output_padding, 2, 'output_padding')
        op_name = kwargs.pop('op_name', 'Deconvolution')
        super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout, in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, op_name, adj=output_padding, **kwargs)
        self.outpad = output_padding


class Conv3DTranspose(_Conv):
    """Apply the transposed convolution to data of 3 dimensions, (batch, channel, depth, height, width).

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel_size : int or tuple of int
    strides, padding, output_padding, dilation : int or tuple of int
    groups : int, default 1
        Number of groups of channels that don't see each other.
    layout : str, default 'NCDHW'
        Order of the axes, or 'NDHWC'.
    activation : str, optional
        See `Activation`; none by default.
    use_bias : bool, default True
    weight_initializer, bias_initializer : str or Initializer
    in_channels : int, default 0
        Number of input channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.Conv3DTranspose(4, 3)
    >>> layer.initialize()
    >>> layer(mx.nd.ones((1, 2, 5, 5, 5))).shape
    (1, 4, 7, 7, 7)
    """

    def __init__(self, channels, kernel_size, strides=(1, 1, 1), padding=(0, 0, 0), output_padding=(0, 0, 0), dilation=(1, 1, 1), groups=1,
                 layout='NCDHW', activation=None, use_bias=True, weight_initializer=None, bias_initializer='zeros', in_channels=0,
                 **kwargs):
        check_layout(layout, ('NCDHW', 'NDHWC'), "Only supports 'NCDHW' and 'NDHWC' layout for now")
        kernel_size = as_tuple(kernel_size, 3, 'kernel_size')
        output_padding = as_tuple(output_padding, 3, 'output_padding')
        op_name = kwargs.pop('op_name', 'Deconvolution')
        super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout, in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, op_name, adj=output_padding, **kwargs)
        self.outpad = output_padding


class ReflectionPad2D(HybridBlock):
    """Pad height and width with the mirror image of the data.

    Parameters
    ----------
    padding : int or tuple of int, default 0
        Elements on every side, or 8 numbers: before and after each axis of (batch, channel, height, width).
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.ReflectionPad2D(1)(mx.nd.ones((1, 2, 3, 3))).shape
    (1, 2, 5, 5)
    """

    def __init__(self, padding=0, **kwargs):
        super().__init__(**kwargs)
        if isinstance(padding, numeric_types):
            padding = (0, 0, 0, 0, padding, padding, padding, padding)
        if len(padding) != 8:
            raise AssertionError(f'padding must be a number or 8 numbers, but got {padding}')
        self._padding = padding

    def hybrid_forward(self, F, x):
        """Return x padded."""
        return F.pad(x, mode='reflect', pad_width=self._padding)
