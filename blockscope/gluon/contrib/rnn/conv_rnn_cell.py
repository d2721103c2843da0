"""Recurrent cells whose maps of input and state are convolutions (MXNet's `mxnet.gluon.contrib.rnn.conv_rnn_cell`)."""
from ._conv_cells import _BaseConvRNNCell, _ConvGRUCell, _ConvLSTMCell, _ConvRNNCell

__all__ = ['Conv1DRNNCell', 'Conv2DRNNCell', 'Conv3DRNNCell', 'Conv1DLSTMCell', 'Conv2DLSTMCell', 'Conv3DLSTMCell',
           'Conv1DGRUCell', 'Conv2DGRUCell', 'Conv3DGRUCell']

for _class in (_BaseConvRNNCell, _ConvRNNCell, _ConvLSTMCell, _ConvGRUCell):
    _class.__module__ = __name__  # messages name the public home


class Conv1DRNNCell(_ConvRNNCell):
    """Elman cell over 1 axis: `h' = tanh(W * x + b + U * h + c)`, with convolutions.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example at one time step, in the order of `conv_layout`; 0 channels to take them from the first input.
    hidden_channels : int
        Channels of the output.
    i2h_kernel, h2h_kernel : int or tuple of int
        Kernel sizes for the input and for the state; the latter are odd.
    i2h_pad : int or tuple of int, default 0
        Padding of the input. The state keeps its size.
    i2h_dilate, h2h_dilate : int or tuple of int, default 1
        Dilation for the input and for the state.
    i2h_weight_initializer, h2h_weight_initializer : str or Initializer, optional
        The block's initializer by default.
    i2h_bias_initializer, h2h_bias_initializer : str or Initializer, default 'zeros'
    conv_layout : str, default 'NCW'
        Order of batch, channels and the other axes, of input, output and weights.
    activation : str, Block or callable, default 'tanh'
    prefix : str, optional
        What the names of parameters and states start with.
    params : ParameterDict, optional
        Parameters to share.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv1DRNNCell((3, 10), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 10)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 10), 1)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0,), i2h_dilate=(1,), h2h_dilate=(1,),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 1,
                         conv_layout, activation, prefix, params)


class Conv2DRNNCell(_ConvRNNCell):
    """Elman cell over 2 axes: `h' = tanh(W * x + b + U * h + c)`, with convolutions.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCHW'

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv2DRNNCell((3, 8, 8), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 8, 8)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 8, 8), 1)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0, 0), i2h_dilate=(1, 1), h2h_dilate=(1, 1),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCHW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 2,
                         conv_layout, activation, prefix, params)


class Conv3DRNNCell(_ConvRNNCell):
    """Elman cell over 3 axes: `h' = tanh(W * x + b + U * h + c)`, with convolutions.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCDHW'

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv3DRNNCell((3, 4, 8, 8), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 4, 8, 8)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 4, 8, 8), 1)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0, 0, 0), i2h_dilate=(1, 1, 1), h2h_dilate=(1, 1, 1),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCDHW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 3,
                         conv_layout, activation, prefix, params)


class Conv1DLSTMCell(_ConvLSTMCell):
    """Long short-term memory cell over 1 axis, with convolutions in place of matrix products.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCW'

    References
    ----------
    Shi et al., "Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting", 2015.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv1DLSTMCell((3, 10), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 10)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 10), 2)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0,), i2h_dilate=(1,), h2h_dilate=(1,),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 1,
                         conv_layout, activation, prefix, params)


class Conv2DLSTMCell(_ConvLSTMCell):
    """Long short-term memory cell over 2 axes, with convolutions in place of matrix products.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCHW'

    References
    ----------
    Shi et al., "Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting", 2015.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv2DLSTMCell((3, 8, 8), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 8, 8)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 8, 8), 2)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0, 0), i2h_dilate=(1, 1), h2h_dilate=(1, 1),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCHW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 2,
                         conv_layout, activation, prefix, params)


class Conv3DLSTMCell(_ConvLSTMCell):
    """Long short-term memory cell over 3 axes, with convolutions in place of matrix products.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCDHW'

    References
    ----------
    Shi et al., "Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting", 2015.

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv3DLSTMCell((3, 4, 8, 8), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 4, 8, 8)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 4, 8, 8), 2)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0, 0, 0), i2h_dilate=(1, 1, 1), h2h_dilate=(1, 1, 1),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCDHW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 3,
                         conv_layout, activation, prefix, params)


class Conv1DGRUCell(_ConvGRUCell):
    """Gated recurrent unit over 1 axis, with convolutions in place of matrix products.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCW'

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv1DGRUCell((3, 10), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 10)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 10), 1)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0,), i2h_dilate=(1,), h2h_dilate=(1,),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 1,
                         conv_layout, activation, prefix, params)


class Conv2DGRUCell(_ConvGRUCell):
    """Gated recurrent unit over 2 axes, with convolutions in place of matrix products.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCHW'

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv2DGRUCell((3, 8, 8), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 8, 8)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 8, 8), 1)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0, 0), i2h_dilate=(1, 1), h2h_dilate=(1, 1),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCHW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 2,
                         conv_layout, activation, prefix, params)


class Conv3DGRUCell(_ConvGRUCell):
    """Gated recurrent unit over 3 axes, with convolutions in place of matrix products.

    Parameters
    ----------
    input_shape, hidden_channels, kernels, padding, dilations, initializers, activation, prefix, params
        See `Conv1DRNNCell`.
    conv_layout : str, default 'NCDHW'

    Examples
    --------
    >>> import blockscope as mx
    >>> cell = mx.gluon.contrib.rnn.Conv3DGRUCell((3, 4, 8, 8), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.ones((2, 3, 4, 8, 8)), cell.begin_state(2))
    >>> output.shape, len(states)
    ((2, 4, 4, 8, 8), 1)
    """

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=(0, 0, 0), i2h_dilate=(1, 1, 1), h2h_dilate=(1, 1, 1),
                 i2h_weight_initializer=None, h2h_weight_initializer=None, i2h_bias_initializer='zeros',
                 h2h_bias_initializer='zeros', conv_layout='NCDHW', activation='tanh', prefix=None, params=None):
        super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate, h2h_dilate,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer, 3,
                         conv_layout, activation, prefix, params)
