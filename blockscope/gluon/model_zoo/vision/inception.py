"""Inception version 3: convolutions of several sizes side by side.

References
----------
Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, Rethinking the Inception architecture for computer vision,
https://arxiv.org/abs/1512.00567
"""
from ....context import cpu
from ... import nn
from ...contrib.nn import HybridConcurrent
from ._pieces import Classifier, in_row, load_pretrained, scoped, side_by_side

__all__ = ['Inception3', 'inception_v3']

# Convolutions along one axis that keep height and width: kernel, stride, padding.
_ROW3, _COLUMN3 = ((1, 3), 1, (0, 1)), ((3, 1), 1, (1, 0))
_ROW7, _COLUMN7 = ((1, 7), 1, (0, 3)), ((7, 1), 1, (3, 0))


def _conv(channels, kernel_size, strides=1, padding=0):
    return in_row(nn.Conv2D(channels, kernel_size, strides, padding, use_bias=False), nn.BatchNorm(epsilon=0.001),
                  nn.Activation('relu'))


def _branch(*convolutions):
    """Return convolutions in a row; each is given by its channels, kernel, stride and padding."""
    return in_row(*(_conv(*spec) for spec in convolutions))


def _average(channels):
    return in_row(nn.AvgPool2D(3, 1, 1), _conv(channels, 1))


def _maximum():
    return in_row(nn.MaxPool2D(3, 2))


# The branches of the mixed blocks. They are generators so that a block can enter its name scope before its branches are made.

def _mixed_a(pool_channels):
    """Mix 1x1, 5x5 and two 3x3 convolutions, at 35x35."""
    yield _branch((64, 1))
    yield _branch((48, 1), (64, 5, 1, 2))
    yield _branch((64, 1), (96, 3, 1, 1), (96, 3, 1, 1))
    yield _average(pool_channels)


def _mixed_b():
    """Go from 35x35 to 17x17."""
    yield _branch((384, 3, 2))
    yield _branch((64, 1), (96, 3, 1, 1), (96, 3, 2))
    yield _maximum()


def _mixed_c(channels):
    """Mix 7x7 convolutions that are split in rows and columns, at 17x17."""
    yield _branch((192, 1))
    yield _branch((channels, 1), (channels, *_ROW7), (192, *_COLUMN7))
    yield _branch((channels, 1), (channels, *_COLUMN7), (channels, *_ROW7), (channels, *_COLUMN7), (192, *_ROW7))
    yield _average(192)


def _mixed_d():
    """Go from 17x17 to 8x8."""
    yield _branch((192, 1), (320, 3, 2))
    yield _branch((192, 1), (192, *_ROW7), (192, *_COLUMN7), (192, 3, 2))
    yield _maximum()


def _mixed_e():
    """Mix 3x3 convolutions whose rows and columns lie side by side, at 8x8."""
    yield _branch((320, 1))
    yield in_row(_branch((384, 1)), _rows_and_columns())
    yield in_row(_branch((448, 1), (384, 3, 1, 1)), _rows_and_columns())
    yield _average(192)


def _rows_and_columns():
    return side_by_side(_branch((384, *_ROW3)), _branch((384, *_COLUMN3)))


def _mixed(name, branches):
    return scoped(HybridConcurrent(axis=1, prefix=f'{name}_'), branches)


class Inception3(Classifier):
    """Five plain convolutions, then eleven blocks of branches side by side.

    Parameters
    ----------
    classes : int, default 1000
    **kwargs
        See `Block`.

    Notes
    -----
    The last pooling averages 8x8, the size for images of 299x299.

    Examples
    --------
    >>> net = Inception3(classes=10, prefix='net_')
    >>> net.features[7][0][0][0].weight.name
    'net_A1_conv0_weight'
    """

    def __init__(self, classes=1000, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = in_row(
                _conv(32, 3, 2), _conv(32, 3), _conv(64, 3, 1, 1), nn.MaxPool2D(3, 2),
                _conv(80, 1), _conv(192, 3), nn.MaxPool2D(3, 2),
                _mixed('A1', _mixed_a(32)), _mixed('A2', _mixed_a(64)), _mixed('A3', _mixed_a(64)),
                _mixed('B', _mixed_b()),
                _mixed('C1', _mixed_c(128)), _mixed('C2', _mixed_c(160)), _mixed('C3', _mixed_c(160)), _mixed('C4', _mixed_c(192)),
                _mixed('D', _mixed_d()),
                _mixed('E1', _mixed_e()), _mixed('E2', _mixed_e()),
                nn.AvgPool2D(8), nn.Dropout(0.5))
            self.output = nn.Dense(classes)


def inception_v3(pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return Inception version 3.

    Parameters
    ----------
    pretrained : bool, default False
        Whether to load the published parameters.
    ctx : Context or list of Context, default cpu()
        Where they go.
    root : str, optional
        The folder of their file; ``$MXNET_HOME/models`` by default.
    **kwargs
        See `Inception3`.

    Examples
    --------
    >>> len(inception_v3().features)
    20
    """
    return load_pretrained(Inception3(**kwargs), 'inceptionv3', pretrained, ctx, root)
