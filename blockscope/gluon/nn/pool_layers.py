"""Pooling layers."""
from ...base import numeric_types
from ..block import HybridBlock

__all__ = ['MaxPool1D', 'MaxPool2D', 'MaxPool3D', 'AvgPool1D', 'AvgPool2D', 'AvgPool3D', 'GlobalMaxPool1D', 'GlobalMaxPool2D',
           'GlobalMaxPool3D', 'GlobalAvgPool1D', 'GlobalAvgPool2D', 'GlobalAvgPool3D']


def check_layout(layout, known, message):
    """Raise AssertionError for a layout that a layer doesn't know."""
    if layout not in known:
        raise AssertionError(message)


def as_tuple(value, rank, name):
    """Return a number as a tuple of `rank` numbers, and a tuple of that length as it is."""
    if isinstance(value, numeric_types):
        return (value,) * rank
    if len(value) != rank:
        raise AssertionError(f'{name} must be a number or a list of {rank} ints')
    return value


class _Pooling(HybridBlock):
    """What all pooling layers share."""

    def __init__(self, pool_size, strides, padding, ceil_mode, global_pool, pool_type, layout, count_include_pad=None, **kwargs):
        super().__init__(**kwargs)
        if strides is None:
            strides = pool_size
        if isinstance(strides, numeric_types):
            strides = (strides,) * len(pool_size)
        if isinstance(padding, numeric_types):
            padding = (padding,) * len(pool_size)
        self._kwargs = {'kernel': pool_size, 'stride': strides, 'pad': padding, 'global_pool': global_pool, 'pool_type': pool_type,
                        'layout': layout, 'pooling_convention': 'full' if ceil_mode else 'valid'}
        if count_include_pad is not None:
            self._kwargs['count_include_pad'] = count_include_pad

    def _alias(self):
        return 'pool'

    def hybrid_forward(self, F, x):
        """Return x reduced over windows."""
        return F.Pooling(x, name='fwd', **self._kwargs)

    def __repr__(self):
        return ('{name}(size={kernel}, stride={stride}, padding={pad}, ceil_mode={ceil_mode}, global_pool={global_pool}, '
                'pool_type={pool_type}, layout={layout})').format(
                    name=type(self).__name__, ceil_mode=self._kwargs['pooling_convention'] == 'full', **self._kwargs)


class MaxPool1D(_Pooling):
    """Take the largest value of every window of 1 dimension.

    Parameters
    ----------
    pool_size : int or tuple of int, default 2
    strides : int or tuple of int, optional
        Distance of windows; `pool_size` by default.
    padding : int or tuple of int, default 0
    layout : str, default 'NCW'
        Order of the axes, or 'NWC'.
    ceil_mode : bool, default False
        Whether a window that ends outside counts.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.MaxPool1D()(mx.nd.ones((1, 2, 6))).shape
    (1, 2, 3)
    """

    def __init__(self, pool_size=2, strides=None, padding=0, layout='NCW', ceil_mode=False, **kwargs):
        check_layout(layout, ('NCW', 'NWC'), 'Only NCW and NWC layouts are valid for 1D Pooling')
        super().__init__(as_tuple(pool_size, 1, 'pool_size'), strides, padding, ceil_mode, False, 'max', layout,
                         **kwargs)


class MaxPool2D(_Pooling):
    """Take the largest value of every window of 2 dimensions.

    Parameters
    ----------
    pool_size : int or tuple of int, default (2, 2)
    strides : int or tuple of int, optional
        Distance of windows; `pool_size` by default.
    padding : int or tuple of int, default 0
    layout : str, default 'NCHW'
        Order of the axes, or 'NHWC'.
    ceil_mode : bool, default False
        Whether a window that ends outside counts.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.MaxPool2D()(mx.nd.ones((1, 2, 6, 6))).shape
    (1, 2, 3, 3)
    """

    def __init__(self, pool_size=(2, 2), strides=None, padding=0, layout='NCHW', ceil_mode=False, **kwargs):
        check_layout(layout, ('NCHW', 'NHWC'), 'Only NCHW and NHWC layouts are valid for 2D Pooling')
        super().__init__(as_tuple(pool_size, 2, 'pool_size'), strides, padding, ceil_mode, False, 'max', layout,
                         **kwargs)


class MaxPool3D(_Pooling):
    """Take the largest value of every window of 3 dimensions.

    Parameters
    ----------
    pool_size : int or tuple of int, default (2, 2, 2)
    strides : int or tuple of int, optional
        Distance of windows; `pool_size` by default.
    padding : int or tuple of int, default 0
    layout : str, default 'NCDHW'
        Order of the axes, or 'NDHWC'.
    ceil_mode : bool, default False
        Whether a window that ends outside counts.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.MaxPool3D()(mx.nd.ones((1, 2, 6, 6, 6))).shape
    (1, 2, 3, 3, 3)
    """

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding=0, ceil_mode=False, layout='NCDHW', **kwargs):
        check_layout(layout, ('NCDHW', 'NDHWC'), 'Only NCDHW and NDHWC layouts are valid for 3D Pooling')
        super().__init__(as_tuple(pool_size, 3, 'pool_size'), strides, padding, ceil_mode, False, 'max', layout,
                         **kwargs)


class AvgPool1D(_Pooling):
    """Take the average of every window of 1 dimension.

    Parameters
    ----------
    pool_size : int or tuple of int, default 2
    strides : int or tuple of int, optional
        Distance of windows; `pool_size` by default.
    padding : int or tuple of int, default 0
    layout : str, default 'NCW'
        Order of the axes, or 'NWC'.
    ceil_mode : bool, default False
        Whether a window that ends outside counts.
    count_include_pad : bool, default True
        Whether padding counts as zeros.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.AvgPool1D()(mx.nd.ones((1, 2, 6))).shape
    (1, 2, 3)
    """

    def __init__(self, pool_size=2, strides=None, padding=0, layout='NCW', ceil_mode=False, count_include_pad=True, **kwargs):
        check_layout(layout, ('NCW', 'NWC'), 'Only NCW and NWC layouts are valid for 1D Pooling')
        super().__init__(as_tuple(pool_size, 1, 'pool_size'), strides, padding, ceil_mode, False, 'avg', layout, count_include_pad,
                         **kwargs)


class AvgPool2D(_Pooling):
    """Take the average of every window of 2 dimensions.

    Parameters
    ----------
    pool_size : int or tuple of int, default (2, 2)
    strides : int or tuple of int, optional
        Distance of windows; `pool_size` by default.
    padding : int or tuple of int, default 0
    layout : str, default 'NCHW'
        Order of the axes, or 'NHWC'.
    ceil_mode : bool, default False
        Whether a window that ends outside counts.
    count_include_pad : bool, default True
        Whether padding counts as zeros.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.AvgPool2D()(mx.nd.ones((1, 2, 6, 6))).shape
    (1, 2, 3, 3)
    """

    def __init__(self, pool_size=(2, 2), strides=None, padding=0, ceil_mode=False, layout='NCHW', count_include_pad=True, **kwargs):
        check_layout(layout, ('NCHW', 'NHWC'), 'Only NCHW and NHWC layouts are valid for 2D Pooling')
        super().__init__(as_tuple(pool_size, 2, 'pool_size'), strides, padding, ceil_mode, False, 'avg', layout, count_include_pad,
                         **kwargs)


class AvgPool3D(_Pooling):
    """Take the average of every window of 3 dimensions.

    Parameters
    ----------
    pool_size : int or tuple of int, default (2, 2, 2)
    strides : int or tuple of int, optional
        Distance of windows; `pool_size` by default.
    padding : int or tuple of int, default 0
    layout : str, default 'NCDHW'
        Order of the axes, or 'NDHWC'.
    ceil_mode : bool, default False
        Whether a window that ends outside counts.
    count_include_pad : bool, default True
        Whether padding counts as zeros.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.AvgPool3D()(mx.nd.ones((1, 2, 6, 6, 6))).shape
    (1, 2, 3, 3, 3)
    """

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding=0, ceil_mode=False, layout='NCDHW', count_include_pad=True, **kwargs):
        check_layout(layout, ('NCDHW', 'NDHWC'), 'Only NCDHW and NDHWC layouts are valid for 3D Pooling')
        super().__init__(as_tuple(pool_size, 3, 'pool_size'), strides, padding, ceil_mode, False, 'avg', layout, count_include_pad,
                         **kwargs)


class GlobalMaxPool1D(_Pooling):
    """Take the largest value over all positions of every channel.

    Parameters
    ----------
    layout : str, default 'NCW'
        Order of the axes, or 'NWC'.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.GlobalMaxPool1D()(mx.nd.ones((1, 2, 6))).shape
    (1, 2, 1)
    """

    def __init__(self, layout='NCW', **kwargs):
        check_layout(layout, ('NCW', 'NWC'), 'Only NCW and NWC layouts are valid for 1D Pooling')
        super().__init__((1,), None, 0, True, True, 'max', layout, **kwargs)


class GlobalMaxPool2D(_Pooling):
    """Take the largest value over all 2 dimensions of every channel.

    Parameters
    ----------
    layout : str, default 'NCHW'
        Order of the axes, or 'NHWC'.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.GlobalMaxPool2D()(mx.nd.ones((1, 2, 6, 6))).shape
    (1, 2, 1, 1)
    """

    def __init__(self, layout='NCHW', **kwargs):
        check_layout(layout, ('NCHW', 'NHWC'), 'Only NCHW and NHWC layouts are valid for 2D Pooling')
        super().__init__((1, 1), None, 0, True, True, 'max', layout, **kwargs)


class GlobalMaxPool3D(_Pooling):
    """Take the largest value over all 3 dimensions of every channel.

    Parameters
    ----------
    layout : str, default 'NCDHW'
        Order of the axes, or 'NDHWC'.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.GlobalMaxPool3D()(mx.nd.ones((1, 2, 6, 6, 6))).shape
    (1, 2, 1, 1, 1)
    """

    def __init__(self, layout='NCDHW', **kwargs):
        check_layout(layout, ('NCDHW', 'NDHWC'), 'Only NCDHW and NDHWC layouts are valid for 3D Pooling')
        super().__init__((1, 1, 1), None, 0, True, True, 'max', layout, **kwargs)


class GlobalAvgPool1D(_Pooling):
    """Take the average over all positions of every channel.

    Parameters
    ----------
    layout : str, default 'NCW'
        Order of the axes, or 'NWC'.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.GlobalAvgPool1D()(mx.nd.ones((1, 2, 6))).shape
    (1, 2, 1)
    """

    def __init__(self, layout='NCW', **kwargs):
        check_layout(layout, ('NCW', 'NWC'), 'Only NCW and NWC layouts are valid for 1D Pooling')
        super().__init__((1,), None, 0, True, True, 'avg', layout, **kwargs)


class GlobalAvgPool2D(_Pooling):
    """Take the average over all 2 dimensions of every channel.

    Parameters
    ----------
    layout : str, default 'NCHW'
        Order of the axes, or 'NHWC'.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.GlobalAvgPool2D()(mx.nd.ones((1, 2, 6, 6))).shape
    (1, 2, 1, 1)
    """

    def __init__(self, layout='NCHW', **kwargs):
        check_layout(layout, ('NCHW', 'NHWC'), 'Only NCHW and NHWC layouts are valid for 2D Pooling')
        super().__init__((1, 1), None, 0, True, True, 'avg', layout, **kwargs)


class GlobalAvgPool3D(_Pooling):
    """Take the average over all 3 dimensions of every channel.

    Parameters
    ----------
    layout : str, default 'NCDHW'
        Order of the axes, or 'NDHWC'.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.GlobalAvgPool3D()(mx.nd.ones((1, 2, 6, 6, 6))).shape
    (1, 2, 1, 1, 1)
    """

    def __init__(self, layout='NCDHW', **kwargs):
        check_layout(layout, ('NCDHW', 'NDHWC'), 'Only NCDHW and NDHWC layouts are valid for 3D Pooling')
        super().__init__((1, 1, 1), None, 0, True, True, 'avg', layout, **kwargs)
