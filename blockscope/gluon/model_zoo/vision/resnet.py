"""Residual networks, versions 1 and 2: blocks that add to their input.

References
----------
He, Zhang, Ren and Sun, Deep residual learning for image recognition, https://arxiv.org/abs/1512.03385 (version 1);
Identity mappings in deep residual networks, https://arxiv.org/abs/1603.05027 (version 2: normalization and activation come before the
convolutions, and nothing is on the way around them).
"""
from ....context import cpu
from ... import nn
from ...block import HybridBlock
from ._pieces import Classifier, in_row, load_pretrained, scoped

__all__ = ['ResNetV1', 'ResNetV2', 'BasicBlockV1', 'BasicBlockV2', 'BottleneckV1', 'BottleneckV2', 'resnet18_v1', 'resnet34_v1',
           'resnet50_v1', 'resnet101_v1', 'resnet152_v1', 'resnet18_v2', 'resnet34_v2', 'resnet50_v2', 'resnet101_v2',
           'resnet152_v2', 'get_resnet']


def _conv3x3(channels, stride, in_channels):
    """Return a 3x3 convolution that keeps height and width, divided by the stride, and has no bias."""
    return nn.Conv2D(channels, 3, stride, 1, use_bias=False, in_channels=in_channels)


def _projection_v1(channels, stride, in_channels):
    return in_row(nn.Conv2D(channels, 1, stride, use_bias=False, in_channels=in_channels), nn.BatchNorm())


class BasicBlockV1(HybridBlock):
    """Two 3x3 convolutions and a way around them, for ResNet-18 and ResNet-34 of version 1.

    Parameters
    ----------
    channels : int
        Number of output channels.
    stride : int
        Stride of the first convolution.
    downsample : bool, default False
        Whether the way around has a 1x1 convolution: needed where stride or channels change.
    in_channels : int, default 0
        Number of input channels; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> block = BasicBlockV1(8, 2, downsample=True, in_channels=4)
    >>> block.initialize()
    >>> block(mx.nd.ones((1, 4, 6, 6))).shape
    (1, 8, 3, 3)
    """

    def __init__(self, channels, stride, downsample=False, in_channels=0, **kwargs):
        super().__init__(**kwargs)
        self.body = in_row(
            _conv3x3(channels, stride, in_channels), nn.BatchNorm(), nn.Activation('relu'),
            _conv3x3(channels, 1, channels), nn.BatchNorm())
        self.downsample = _projection_v1(channels, stride, in_channels) if downsample else None

    def hybrid_forward(self, F, x):
        """Return relu(shortcut + body)."""
        out = self.body(x)
        shortcut = self.downsample(x) if self.downsample else x
        return F.Activation(shortcut + out, act_type='relu')


class BottleneckV1(HybridBlock):
    """A 3x3 convolution of a quarter of the channels between two of 1x1, for ResNet-50 and deeper ones of version 1.

    Parameters
    ----------
    channels, stride, downsample, in_channels, **kwargs
        As for `BasicBlockV1`.

    Examples
    --------
    >>> BottleneckV1(8, 1).body[3]
    Conv2D(2 -> 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    """

    def __init__(self, channels, stride, downsample=False, in_channels=0, **kwargs):
        super().__init__(**kwargs)
        narrow = channels // 4
        self.body = in_row(
            nn.Conv2D(narrow, 1, stride), nn.BatchNorm(), nn.Activation('relu'),
            _conv3x3(narrow, 1, narrow), nn.BatchNorm(), nn.Activation('relu'),
            nn.Conv2D(channels, 1), nn.BatchNorm())
        self.downsample = _projection_v1(channels, stride, in_channels) if downsample else None

    def hybrid_forward(self, F, x):
        """Return relu(body + shortcut)."""
        out = self.body(x)
        shortcut = self.downsample(x) if self.downsample else x
        return F.Activation(out + shortcut, act_type='relu')


def _projection_v2(channels, stride, in_channels):
    return nn.Conv2D(channels, 1, stride, use_bias=False, in_channels=in_channels)


class BasicBlockV2(HybridBlock):
    """Two 3x3 convolutions and a way around them, for ResNet-18 and ResNet-34 of version 2.

    Parameters
    ----------
    channels, stride, downsample, in_channels, **kwargs
        As for `BasicBlockV1`.

    Examples
    --------
    >>> import blockscope as mx
    >>> block = BasicBlockV2(4, 1, in_channels=4)
    >>> block.initialize()
    >>> block(mx.nd.ones((1, 4, 6, 6))).shape
    (1, 4, 6, 6)
    """

    def __init__(self, channels, stride, downsample=False, in_channels=0, **kwargs):
        super().__init__(**kwargs)
        self.bn1 = nn.BatchNorm()
        self.conv1 = _conv3x3(channels, stride, in_channels)
        self.bn2 = nn.BatchNorm()
        self.conv2 = _conv3x3(channels, 1, channels)
        self.downsample = _projection_v2(channels, stride, in_channels) if downsample else None

    def hybrid_forward(self, F, x):
        """Return body + shortcut."""
        out = F.Activation(self.bn1(x), act_type='relu')
        shortcut = self.downsample(out) if self.downsample else x
        out = F.Activation(self.bn2(self.conv1(out)), act_type='relu')
        return self.conv2(out) + shortcut


class BottleneckV2(HybridBlock):
    """A 3x3 convolution of a quarter of the channels between two of 1x1, for ResNet-50 and deeper ones of version 2.

    Parameters
    ----------
    channels, stride, downsample, in_channels, **kwargs
        As for `BasicBlockV1`; here the stride is that of the 3x3 convolution.

    Examples
    --------
    >>> BottleneckV2(8, 2).conv2
    Conv2D(2 -> 2, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
    """

    def __init__(self, channels, stride, downsample=False, in_channels=0, **kwargs):
        super().__init__(**kwargs)
        narrow = channels // 4
        self.bn1 = nn.BatchNorm()
        self.conv1 = nn.Conv2D(narrow, 1, use_bias=False)
        self.bn2 = nn.BatchNorm()
        self.conv2 = _conv3x3(narrow, stride, narrow)
        self.bn3 = nn.BatchNorm()
        self.conv3 = nn.Conv2D(channels, 1, use_bias=False)
        self.downsample = _projection_v2(channels, stride, in_channels) if downsample else None

    def hybrid_forward(self, F, x):
        """Return body + shortcut."""
        out = F.Activation(self.bn1(x), act_type='relu')
        shortcut = self.downsample(out) if self.downsample else x
        out = F.Activation(self.bn2(self.conv1(out)), act_type='relu')
        out = F.Activation(self.bn3(self.conv2(out)), act_type='relu')
        return self.conv3(out) + shortcut


class _ResNet(Classifier):
    """What both versions share."""

    def _stem(self, channels, thumbnail):
        """Make the first layers; small images keep their size."""
        if thumbnail:
            return [_conv3x3(channels, 1, 0)]
        return [nn.Conv2D(channels, 7, 2, 3, use_bias=False), nn.BatchNorm(), nn.Activation('relu'), nn.MaxPool2D(3, 2, 1)]

    def _stages(self, block, layers, channels):
        """Make the stages one by one; all but the first halve height and width."""
        if len(layers) != len(channels) - 1:
            raise AssertionError(f'channels needs one number for the first convolution and one for every stage, but got layers={layers}, '
                                 f'channels={channels}')
        for index, count in enumerate(layers):
            yield self._make_layer(block, count, channels[index + 1], 2 if index else 1, index + 1, in_channels=channels[index])

    def _make_layer(self, block, layers, channels, stride, stage_index, in_channels=0):
        """Make a stage of `layers` blocks."""
        def blocks():
            yield block(channels, stride, channels != in_channels, in_channels=in_channels, prefix='')
            for _ in range(layers - 1):
                yield block(channels, 1, False, in_channels=channels, prefix='')

        return scoped(nn.HybridSequential(prefix=f'stage{stage_index}_'), blocks())


class ResNetV1(_ResNet):
    """A residual network of version 1.

    Parameters
    ----------
    block : type
        The class of the blocks: `BasicBlockV1`, `BottleneckV1`, or one of yours that is called in the same way.
    layers : list of int
        Number of blocks in every stage.
    channels : list of int
        Channels of the first convolution, and of every stage.
    classes : int, default 1000
    thumbnail : bool, default False
        Whether the images are as small as 32x32, so that the first layers keep their size.
    **kwargs
        See `Block`.

    Raises
    ------
    AssertionError
        The lengths of `layers` and `channels` don't fit (the class that MXNet raises).

    Examples
    --------
    >>> import blockscope as mx
    >>> net = ResNetV1(BasicBlockV1, [1, 1], [4, 4, 8], classes=10, thumbnail=True, prefix='net_')
    >>> net.initialize()
    >>> net(mx.nd.ones((2, 3, 8, 8))).shape
    (2, 10)
    >>> list(net.collect_params('.*conv.*'))
    ['net_conv0_weight', 'net_stage1_conv0_weight', 'net_stage1_conv1_weight', 'net_stage2_conv0_weight', 'net_stage2_conv1_weight',
    'net_stage2_conv2_weight']
    """

    def __init__(self, block, layers, channels, classes=1000, thumbnail=False, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = in_row(
                *self._stem(channels[0], thumbnail), *self._stages(block, layers, channels), nn.GlobalAvgPool2D())
            self.output = nn.Dense(classes, in_units=channels[-1])


class ResNetV2(_ResNet):
    """A residual network of version 2.

    Parameters
    ----------
    block, layers, channels, classes, thumbnail, **kwargs
        As for `ResNetV1`, with blocks of version 2.

    Examples
    --------
    >>> net = ResNetV2(BottleneckV2, [1], [4, 8], classes=10)
    >>> net.features[0], net.output
    (BatchNorm(axis=1, eps=1e-05, momentum=0.9, fix_gamma=True, use_global_stats=False, in_channels=None), Dense(8 -> 10, linear))
    """

    def __init__(self, block, layers, channels, classes=1000, thumbnail=False, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = in_row(
                nn.BatchNorm(scale=False, center=False),
                *self._stem(channels[0], thumbnail), *self._stages(block, layers, channels),
                nn.BatchNorm(), nn.Activation('relu'), nn.GlobalAvgPool2D(), nn.Flatten())
            self.output = nn.Dense(classes, in_units=channels[-1])


# Number of weighted layers: kind of block, blocks in each stage, channels of the first convolution and of the stages.
resnet_spec = {18: ('basic_block', [2, 2, 2, 2], [64, 64, 128, 256, 512]),
               34: ('basic_block', [3, 4, 6, 3], [64, 64, 128, 256, 512]),
               50: ('bottle_neck', [3, 4, 6, 3], [64, 256, 512, 1024, 2048]),
               101: ('bottle_neck', [3, 4, 23, 3], [64, 256, 512, 1024, 2048]),
               152: ('bottle_neck', [3, 8, 36, 3], [64, 256, 512, 1024, 2048])}
resnet_net_versions = [ResNetV1, ResNetV2]
resnet_block_versions = [{'basic_block': BasicBlockV1, 'bottle_neck': BottleneckV1},
                         {'basic_block': BasicBlockV2, 'bottle_neck': BottleneckV2}]


def get_resnet(version, num_layers, pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return a residual network.

    Parameters
    ----------
    version : {1, 2}
    num_layers : {18, 34, 50, 101, 152}
    pretrained : bool, default False
        Whether to load the published parameters.
    ctx : Context or list of Context, default cpu()
        Where they go.
    root : str, optional
        The folder of their file; ``$MXNET_HOME/models`` by default.
    **kwargs
        See `ResNetV1`.

    Raises
    ------
    AssertionError
        There is no such version or number of layers (the class that MXNet raises).

    Examples
    --------
    >>> [len(stage) for stage in get_resnet(1, 34).features[4:8]]
    [3, 4, 6, 3]
    """
    if num_layers not in resnet_spec:
        raise AssertionError(f'Invalid number of layers: {num_layers}. Options are {resnet_spec.keys()}')
    if version not in (1, 2):
        raise AssertionError(f'Invalid resnet version: {version}. Options are 1 and 2.')
    kind, layers, channels = resnet_spec[num_layers]
    net = resnet_net_versions[version - 1](resnet_block_versions[version - 1][kind], layers, channels, **kwargs)
    return load_pretrained(net, f'resnet{num_layers}_v{version}', pretrained, ctx, root)


def resnet18_v1(**kwargs):
    """Return ResNet-18, version 1; see `get_resnet` for the arguments."""
    return get_resnet(1, 18, **kwargs)


def resnet34_v1(**kwargs):
    """Return ResNet-34, version 1; see `get_resnet` for the arguments."""
    return get_resnet(1, 34, **kwargs)


def resnet50_v1(**kwargs):
    """Return ResNet-50, version 1; see `get_resnet` for the arguments."""
    return get_resnet(1, 50, **kwargs)


def resnet101_v1(**kwargs):
    """Return ResNet-101, version 1; see `get_resnet` for the arguments."""
    return get_resnet(1, 101, **kwargs)


def resnet152_v1(**kwargs):
    """Return ResNet-152, version 1; see `get_resnet` for the arguments."""
    return get_resnet(1, 152, **kwargs)


def resnet18_v2(**kwargs):
    """Return ResNet-18, version 2; see `get_resnet` for the arguments."""
    return get_resnet(2, 18, **kwargs)


def resnet34_v2(**kwargs):
    """Return ResNet-34, version 2; see `get_resnet` for the arguments."""
    return get_resnet(2, 34, **kwargs)


def resnet50_v2(**kwargs):
    """Return ResNet-50, version 2; see `get_resnet` for the arguments."""
    return get_resnet(2, 50, **kwargs)


def resnet101_v2(**kwargs):
    """Return ResNet-101, version 2; see `get_resnet` for the arguments."""
    return get_resnet(2, 101, **kwargs)


def resnet152_v2(**kwargs):
    """Return ResNet-152, version 2; see `get_resnet` for the arguments."""
    return get_resnet(2, 152, **kwargs)
