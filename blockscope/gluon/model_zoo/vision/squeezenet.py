"""SqueezeNet: few parameters, for they are spent on 1x1 convolutions.

References
----------
Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, https://arxiv.org/abs/1602.07360; version 1.1,
https://github.com/forresti/SqueezeNet, needs 2.4 times less computation.
"""
from ....context import cpu
from ... import nn
from ._pieces import Classifier, in_row, load_pretrained, side_by_side

__all__ = ['SqueezeNet', 'squeezenet1_0', 'squeezenet1_1']

# Channels and kernel of the first convolution; then, for every stage between poolings, the channels that its fires squeeze to.
_SPECS = {'1.0': ((96, 7), [(16, 16, 32), (32, 48, 48, 64), (64,)]),
          '1.1': ((64, 3), [(16, 16), (32, 32), (48, 48, 64, 64)])}


def _conv(channels, kernel_size, padding=0):
    return in_row(nn.Conv2D(channels, kernel_size, padding=padding), nn.Activation('relu'))


def _fire(channels):
    """Squeeze to few channels, then expand to eight times as many: half by 1x1 and half by 3x3 convolutions."""
    return in_row(_conv(channels, 1), side_by_side(_conv(4 * channels, 1), _conv(4 * channels, 3, padding=1)))


class SqueezeNet(Classifier):
    """Fires (1x1 convolutions, then 1x1 and 3x3 ones side by side) between poolings; no fully connected layer.

    Parameters
    ----------
    version : {'1.0', '1.1'}
    classes : int, default 1000
    **kwargs
        See `Block`.

    Notes
    -----
    The last pooling averages 13x13, the size for images of 224x224.

    Examples
    --------
    >>> SqueezeNet('1.1', classes=10).output[0]
    Conv2D(None -> 10, kernel_size=(1, 1), stride=(1, 1))
    """

    def __init__(self, version, classes=1000, **kwargs):
        super().__init__(**kwargs)
        if version not in _SPECS:
            raise AssertionError(f'Unsupported SqueezeNet version {version}:1.0 or 1.1 expected')
        (channels, kernel), stages = _SPECS[version]
        with self.name_scope():
            self.features = in_row(nn.Conv2D(channels, kernel, strides=2), nn.Activation('relu'))
            for stage in stages:
                self.features.add(nn.MaxPool2D(3, 2, ceil_mode=True), *map(_fire, stage))
            self.features.add(nn.Dropout(0.5))
            self.output = in_row(nn.Conv2D(classes, 1), nn.Activation('relu'), nn.AvgPool2D(13), nn.Flatten())


def get_squeezenet(version, pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return a SqueezeNet.

    Parameters
    ----------
    version : {'1.0', '1.1'}
    pretrained : bool, default False
        Whether to load the published parameters.
    ctx : Context or list of Context, default cpu()
        Where they go.
    root : str, optional
        The folder of their file; ``$MXNET_HOME/models`` by default.
    **kwargs
        See `SqueezeNet`.

    Raises
    ------
    AssertionError
        There is no such version (the class that MXNet raises).

    Examples
    --------
    >>> len(get_squeezenet('1.0').features)
    14
    """
    return load_pretrained(SqueezeNet(version, **kwargs), f'squeezenet{version}', pretrained, ctx, root)


def squeezenet1_0(**kwargs):
    """Return SqueezeNet 1.0; see `get_squeezenet` for the arguments."""
    return get_squeezenet('1.0', **kwargs)


def squeezenet1_1(**kwargs):
    """Return SqueezeNet 1.1; see `get_squeezenet` for the arguments."""
    return get_squeezenet('1.1', **kwargs)
