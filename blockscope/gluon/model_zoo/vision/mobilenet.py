"""MobileNet, versions 1 and 2: convolutions within each channel, then 1x1 convolutions between channels.

References
----------
Howard et al., MobileNets: Efficient convolutional neural networks for mobile vision applications, https://arxiv.org/abs/1704.04861;
Sandler et al., MobileNetV2: Inverted residuals and linear bottlenecks, https://arxiv.org/abs/1801.04381
"""
from ....context import cpu
from ... import nn
from ...block import HybridBlock
from ._pieces import Classifier, in_row, load_pretrained, scoped

__all__ = ['MobileNet', 'MobileNetV2', 'mobilenet1_0', 'mobilenet_v2_1_0', 'mobilenet0_75', 'mobilenet_v2_0_75', 'mobilenet0_5',
           'mobilenet_v2_0_5', 'mobilenet0_25', 'mobilenet_v2_0_25', 'get_mobilenet', 'get_mobilenet_v2']

# Version 1, every pair of convolutions: channels and stride.
_PAIRS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
# Version 2, every stage: expansion, channels, number of blocks, stride of the first one (table 2 of the paper).
_STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


class RELU6(HybridBlock):
    """Cut values to the range from 0 to 6.

    Parameters
    ----------
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> RELU6()(mx.nd.array([-1, 2, 7])).asnumpy()
    array([0., 2., 6.], dtype=float32)
    """

    def hybrid_forward(self, F, x):
        """Return x, cut."""
        return F.clip(x, 0, 6, name='relu6')


def _conv(channels, kernel_size=1, stride=1, groups=1, activation=None):
    """Return convolution, normalization and activation; height and width stay, divided by the stride."""
    yield nn.Conv2D(channels, kernel_size, stride, kernel_size // 2, groups=groups, use_bias=False)
    yield nn.BatchNorm()
    if activation is not None:
        yield activation()


def _relu():
    return nn.Activation('relu')


class LinearBottleneck(HybridBlock):
    """Widen the channels, convolve each on its own, narrow them; with a way around where the shapes agree.

    Parameters
    ----------
    in_channels, channels : int
        Numbers of input and output channels.
    t : int
        How many times wider it is inside.
    stride : int
    **kwargs
        See `Block`.

    Examples
    --------
    >>> block = LinearBottleneck(8, 8, 6, 1, prefix='net_')
    >>> block.use_shortcut, block.out[0]
    (True, Conv2D(None -> 48, kernel_size=(1, 1), stride=(1, 1), bias=False))
    """

    def __init__(self, in_channels, channels, t, stride, **kwargs):
        super().__init__(**kwargs)
        self.use_shortcut = stride == 1 and in_channels == channels
        wide = in_channels * t
        with self.name_scope():
            self.out = nn.HybridSequential()  # its name is never seen: the layers are made in the scope of this block
            self.out.add(*_conv(wide, activation=RELU6), *_conv(wide, 3, stride, groups=wide, activation=RELU6), *_conv(channels))

    def hybrid_forward(self, F, x):
        """Return the narrow features, added to x where the shapes agree."""
        out = self.out(x)
        return F.elemwise_add(out, x) if self.use_shortcut else out


class MobileNet(Classifier):
    """Version 1: a convolution, then thirteen pairs of a 3x3 convolution within channels and a 1x1 convolution between them.

    Parameters
    ----------
    multiplier : float, default 1.0
        Factor on all numbers of channels; at least 0.25.
    classes : int, default 1000
    **kwargs
        See `Block`.

    Examples
    --------
    >>> MobileNet(0.25, classes=10).features[3]
    Conv2D(None -> 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), groups=8, bias=False)
    """

    def __init__(self, multiplier=1.0, classes=1000, **kwargs):
        super().__init__(**kwargs)
        width = int(32 * multiplier)
        with self.name_scope():
            self.features = in_row(*_conv(width, 3, 2, activation=_relu))
            for channels, stride in _PAIRS:
                self.features.add(*_conv(width, 3, stride, groups=width, activation=_relu))
                width = int(channels * multiplier)
                self.features.add(*_conv(width, activation=_relu))
            self.features.add(nn.GlobalAvgPool2D(), nn.Flatten())
            self.output = nn.Dense(classes)


class MobileNetV2(Classifier):
    """Version 2: a convolution, seventeen linear bottlenecks, and 1x1 convolutions.

    Parameters
    ----------
    multiplier : float, default 1.0
        Factor on all numbers of channels; the last convolution has at least 1280.
    classes : int, default 1000
    **kwargs
        See `Block`.

    Examples
    --------
    >>> MobileNetV2(0.25, classes=10, prefix='net_').output[0].weight
    Parameter net_output_pred_weight (shape=(10, 0, 1, 1), dtype=<class 'numpy.float32'>)
    """

    def __init__(self, multiplier=1.0, classes=1000, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = scoped(nn.HybridSequential(prefix='features_'), _features_v2(multiplier))
            self.output = scoped(nn.HybridSequential(prefix='output_'), _output_v2(classes))


def _features_v2(multiplier):
    """Make the layers of version 2 one by one, in the name scope that is current then."""
    width = int(32 * multiplier)
    yield from _conv(width, 3, 2, activation=RELU6)
    for expansion, channels, count, stride in _STAGES:
        for number in range(count):
            yield LinearBottleneck(width, int(channels * multiplier), expansion, stride if number == 0 else 1)
            width = int(channels * multiplier)
    yield from _conv(int(1280 * max(multiplier, 1.0)), activation=RELU6)
    yield nn.GlobalAvgPool2D()


def _output_v2(classes):
    yield nn.Conv2D(classes, 1, use_bias=False, prefix='pred_')
    yield nn.Flatten()


def _file_suffix(multiplier):
    """Return the multiplier as names of files have it: 1.0, 0.75, 0.5, 0.25."""
    return f'{multiplier:.2f}'.removesuffix('0')


def get_mobilenet(multiplier, pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return MobileNet, version 1.

    Parameters
    ----------
    multiplier : float
        Factor on all numbers of channels; 1.0, 0.75, 0.5 and 0.25 have published parameters.
    pretrained : bool, default False
        Whether to load the published parameters.
    ctx : Context or list of Context, default cpu()
        Where they go.
    root : str, optional
        The folder of their file; ``$MXNET_HOME/models`` by default.
    **kwargs
        See `MobileNet`.

    Examples
    --------
    >>> get_mobilenet(0.5).features[0]
    Conv2D(None -> 16, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
    """
    return load_pretrained(MobileNet(multiplier, **kwargs), f'mobilenet{_file_suffix(multiplier)}', pretrained, ctx, root)


def get_mobilenet_v2(multiplier, pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return MobileNet, version 2.

    Parameters
    ----------
    multiplier, pretrained, ctx, root
        As for `get_mobilenet`.
    **kwargs
        See `MobileNetV2`.

    Examples
    --------
    >>> len(get_mobilenet_v2(0.25).features)
    24
    """
    return load_pretrained(MobileNetV2(multiplier, **kwargs), f'mobilenetv2_{_file_suffix(multiplier)}', pretrained, ctx, root)


def mobilenet1_0(**kwargs):
    """Return MobileNet of full width; see `get_mobilenet` for the arguments."""
    return get_mobilenet(1.0, **kwargs)


def mobilenet0_75(**kwargs):
    """Return MobileNet of 3/4 of the width; see `get_mobilenet` for the arguments."""
    return get_mobilenet(0.75, **kwargs)


def mobilenet0_5(**kwargs):
    """Return MobileNet of half the width; see `get_mobilenet` for the arguments."""
    return get_mobilenet(0.5, **kwargs)


def mobilenet0_25(**kwargs):
    """Return MobileNet of 1/4 of the width; see `get_mobilenet` for the arguments."""
    return get_mobilenet(0.25, **kwargs)


def mobilenet_v2_1_0(**kwargs):
    """Return MobileNet version 2 of full width; see `get_mobilenet_v2` for the arguments."""
    return get_mobilenet_v2(1.0, **kwargs)


def mobilenet_v2_0_75(**kwargs):
    """Return MobileNet version 2 of 3/4 of the width; see `get_mobilenet_v2` for the arguments."""
    return get_mobilenet_v2(0.75, **kwargs)


def mobilenet_v2_0_5(**kwargs):
    """Return MobileNet version 2 of half the width; see `get_mobilenet_v2` for the arguments."""
    return get_mobilenet_v2(0.5, **kwargs)


def mobilenet_v2_0_25(**kwargs):
    """Return MobileNet version 2 of 1/4 of the width; see `get_mobilenet_v2` for the arguments."""
    return get_mobilenet_v2(0.25, **kwargs)
