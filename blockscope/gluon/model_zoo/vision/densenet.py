"""DenseNet-BC: every layer sees the features of all layers before it.

References
----------
Huang, Liu, van der Maaten and Weinberger, Densely connected convolutional networks, https://arxiv.org/abs/1608.06993
"""
from ....context import cpu
from ... import nn
from ...contrib.nn import Identity
from ._pieces import Classifier, in_row, load_pretrained, scoped, side_by_side, variant

__all__ = ['DenseNet', 'densenet121', 'densenet161', 'densenet169', 'densenet201']

# Number of weighted layers: channels of the first convolution, channels that a layer adds, layers in each block.
densenet_spec = {121: (64, 32, [6, 12, 24, 16]),
                 161: (96, 48, [6, 12, 36, 24]),
                 169: (64, 32, [6, 12, 32, 32]),
                 201: (64, 32, [6, 12, 48, 32])}


def _normalized():
    return nn.BatchNorm(), nn.Activation('relu')


def _layer(growth_rate, bn_size, dropout):
    """Pass the input on, with `growth_rate` new channels behind it."""
    added = in_row(*_normalized(), nn.Conv2D(bn_size * growth_rate, 1, use_bias=False),
                   *_normalized(), nn.Conv2D(growth_rate, 3, padding=1, use_bias=False))
    if dropout:
        added.add(nn.Dropout(dropout))
    return side_by_side(Identity(), added)


def _transition(channels):
    """Halve height and width, and leave `channels`."""
    return in_row(*_normalized(), nn.Conv2D(channels, 1, use_bias=False), nn.AvgPool2D(2, 2))


class DenseNet(Classifier):
    """Blocks of layers that pass on everything they get, with transitions that halve height, width and channels between blocks.

    Parameters
    ----------
    num_init_features : int
        Channels of the first convolution.
    growth_rate : int
        Channels that every layer adds (k in the paper).
    block_config : list of int
        Number of layers in every block.
    bn_size : int, default 4
        Width of the bottleneck in a layer, as a multiple of `growth_rate`.
    dropout : float, default 0
        Part of the new features that is dropped in training.
    classes : int, default 1000
    **kwargs
        See `Block`.

    Notes
    -----
    The last pooling averages 7x7, the size for images of 224x224.

    Examples
    --------
    >>> net = DenseNet(8, 4, [2, 2], classes=10, prefix='net_')
    >>> list(net.collect_params('.*stage2_conv.*'))
    ['net_stage2_conv0_weight', 'net_stage2_conv1_weight', 'net_stage2_conv2_weight', 'net_stage2_conv3_weight']
    """

    def __init__(self, num_init_features, growth_rate, block_config, bn_size=4, dropout=0, classes=1000, **kwargs):
        super().__init__(**kwargs)
        channels = num_init_features
        with self.name_scope():
            self.features = in_row(nn.Conv2D(channels, 7, 2, 3, use_bias=False), *_normalized(), nn.MaxPool2D(3, 2, 1))
            for number, count in enumerate(block_config, 1):
                if number > 1:
                    channels //= 2
                    self.features.add(_transition(channels))
                self.features.add(scoped(nn.HybridSequential(prefix=f'stage{number}_'),
                                         (_layer(growth_rate, bn_size, dropout) for _ in range(count))))
                channels += count * growth_rate
            self.features.add(*_normalized(), nn.AvgPool2D(7), nn.Flatten())
            self.output = nn.Dense(classes)


def get_densenet(num_layers, pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return a DenseNet-BC.

    Parameters
    ----------
    num_layers : {121, 161, 169, 201}
    pretrained : bool, default False
        Whether to load the published parameters.
    ctx : Context or list of Context, default cpu()
        Where they go.
    root : str, optional
        The folder of their file; ``$MXNET_HOME/models`` by default.
    **kwargs
        See `DenseNet`.

    Raises
    ------
    KeyError
        There is no DenseNet of that many layers.

    Examples
    --------
    >>> [len(stage) for stage in get_densenet(121).features[4:11:2]]
    [6, 12, 24, 16]
    """
    return load_pretrained(DenseNet(*variant(densenet_spec, num_layers), **kwargs), f'densenet{num_layers}', pretrained, ctx, root)


def densenet121(**kwargs):
    """Return DenseNet-BC of 121 layers; see `get_densenet` for the arguments."""
    return get_densenet(121, **kwargs)


def densenet161(**kwargs):
    """Return DenseNet-BC of 161 layers; see `get_densenet` for the arguments."""
    return get_densenet(161, **kwargs)


def densenet169(**kwargs):
    """Return DenseNet-BC of 169 layers; see `get_densenet` for the arguments."""
    return get_densenet(169, **kwargs)


def densenet201(**kwargs):
    """Return DenseNet-BC of 201 layers; see `get_densenet` for the arguments."""
    return get_densenet(201, **kwargs)
