"""VGG: 3x3 convolutions, then three fully connected layers.

References
----------
Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, https://arxiv.org/abs/1409.1556
"""
from ....context import cpu
from ....initializer import Xavier
from ... import nn
from ._pieces import Classifier, in_row, load_pretrained, variant

__all__ = ['VGG', 'vgg11', 'vgg13', 'vgg16', 'vgg19', 'vgg11_bn', 'vgg13_bn', 'vgg16_bn', 'vgg19_bn', 'get_vgg']

# Number of weighted layers: convolutions in each stage, and their channels.
vgg_spec = {11: ([1, 1, 2, 2, 2], [64, 128, 256, 512, 512]),
            13: ([2, 2, 2, 2, 2], [64, 128, 256, 512, 512]),
            16: ([2, 2, 3, 3, 3], [64, 128, 256, 512, 512]),
            19: ([2, 2, 4, 4, 4], [64, 128, 256, 512, 512])}


class VGG(Classifier):
    """Stages of 3x3 convolutions, each ended by pooling, then three fully connected layers.

    Parameters
    ----------
    layers : list of int
        Number of convolutions in every stage.
    filters : list of int
        Channels of every stage.
    classes : int, default 1000
    batch_norm : bool, default False
        Whether batch normalization follows every convolution.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> VGG([1, 2], [4, 8], classes=10).features[3]
    Conv2D(None -> 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    """

    def __init__(self, layers, filters, classes=1000, batch_norm=False, **kwargs):
        super().__init__(**kwargs)
        if len(layers) != len(filters):
            raise AssertionError(f'every stage needs a number of layers and one of filters, but got layers={layers}, filters={filters}')
        with self.name_scope():
            self.features = self._make_features(layers, filters, batch_norm)
            self.features.add(_dense(4096, activation='relu'), nn.Dropout(0.5), _dense(4096, activation='relu'), nn.Dropout(0.5))
            self.output = _dense(classes)

    def _make_features(self, layers, filters, batch_norm):
        features = in_row()
        for count, channels in zip(layers, filters):
            for _ in range(count):
                features.add(nn.Conv2D(channels, 3, padding=1, bias_initializer='zeros',
                                       weight_initializer=Xavier(rnd_type='gaussian', factor_type='out', magnitude=2)))
                if batch_norm:
                    features.add(nn.BatchNorm())
                features.add(nn.Activation('relu'))
            features.add(nn.MaxPool2D(strides=2))
        return features


def _dense(units, **kwargs):
    return nn.Dense(units, weight_initializer='normal', bias_initializer='zeros', **kwargs)


def get_vgg(num_layers, pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return a VGG network.

    Parameters
    ----------
    num_layers : {11, 13, 16, 19}
    pretrained : bool, default False
        Whether to load the published parameters.
    ctx : Context or list of Context, default cpu()
        Where they go.
    root : str, optional
        The folder of their file; ``$MXNET_HOME/models`` by default.
    **kwargs
        See `VGG`.

    Raises
    ------
    KeyError
        There is no VGG of that many layers.

    Examples
    --------
    >>> len(get_vgg(11, batch_norm=True).features)
    33
    """
    name = f'vgg{num_layers}_bn' if kwargs.get('batch_norm') else f'vgg{num_layers}'
    return load_pretrained(VGG(*variant(vgg_spec, num_layers), **kwargs), name, pretrained, ctx, root)


def vgg11(**kwargs):
    """Return VGG-11; see `get_vgg` for the arguments."""
    return get_vgg(11, **kwargs)


def vgg13(**kwargs):
    """Return VGG-13; see `get_vgg` for the arguments."""
    return get_vgg(13, **kwargs)


def vgg16(**kwargs):
    """Return VGG-16; see `get_vgg` for the arguments."""
    return get_vgg(16, **kwargs)


def vgg19(**kwargs):
    """Return VGG-19; see `get_vgg` for the arguments."""
    return get_vgg(19, **kwargs)


def vgg11_bn(**kwargs):
    """Return VGG-11 with batch normalization; see `get_vgg` for the arguments."""
    return get_vgg(11, **{**kwargs, 'batch_norm': True})


def vgg13_bn(**kwargs):
    """Return VGG-13 with batch normalization; see `get_vgg` for the arguments."""
    return get_vgg(13, **{**kwargs, 'batch_norm': True})


def vgg16_bn(**kwargs):
    """Return VGG-16 with batch normalization; see `get_vgg` for the arguments."""
    return get_vgg(16, **{**kwargs, 'batch_norm': True})


def vgg19_bn(**kwargs):
    """Return VGG-19 with batch normalization; see `get_vgg` for the arguments."""
    return get_vgg(19, **{**kwargs, 'batch_norm': True})
