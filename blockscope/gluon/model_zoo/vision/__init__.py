"""Networks that classify images, one family a module: names, shapes and graphs are those of MXNet 1.9.1.

Every network has two parts, `features` and `output`. It is made with random parameters, or with the published ones
(``pretrained=True``, see `model_store`), which expect RGB images of at least 224x224 (Inception: 299x299) with values from 0 to 1,
less the means (0.485, 0.456, 0.406), over the deviations (0.229, 0.224, 0.225).

Examples
--------
>>> import blockscope as mx
>>> net = mx.gluon.model_zoo.vision.resnet18_v1(classes=10, thumbnail=True)
>>> net.initialize()
>>> net(mx.nd.ones((1, 3, 16, 16))).shape
(1, 10)
"""
from .alexnet import *
from .densenet import *
from .inception import *
from .mobilenet import *
from .resnet import *
from .squeezenet import *
from .vgg import *

# The names by which networks are asked for, where they differ from those of the functions.
_MODELS = {function.__name__: function for function in (
    alexnet, densenet121, densenet161, densenet169, densenet201, resnet18_v1, resnet34_v1, resnet50_v1, resnet101_v1, resnet152_v1,
    resnet18_v2, resnet34_v2, resnet50_v2, resnet101_v2, resnet152_v2, vgg11, vgg13, vgg16, vgg19, vgg11_bn, vgg13_bn, vgg16_bn,
    vgg19_bn)}
_MODELS |= {'inceptionv3': inception_v3, 'squeezenet1.0': squeezenet1_0, 'squeezenet1.1': squeezenet1_1,
            'mobilenet1.0': mobilenet1_0, 'mobilenet0.75': mobilenet0_75, 'mobilenet0.5': mobilenet0_5,
            'mobilenet0.25': mobilenet0_25, 'mobilenetv2_1.0': mobilenet_v2_1_0, 'mobilenetv2_0.75': mobilenet_v2_0_75,
            'mobilenetv2_0.5': mobilenet_v2_0_5, 'mobilenetv2_0.25': mobilenet_v2_0_25}


def get_model(name, **kwargs):
    """Return a network by its name.

    Parameters
    ----------
    name : str
        A name such as ``'resnet50_v1'`` or ``'mobilenetv2_0.25'``; capitals don't matter.
    **kwargs
        What the network's function takes: `pretrained`, `ctx`, `root`, `classes`, ...

    Returns
    -------
    HybridBlock

    Raises
    ------
    ValueError
        There is no network of that name; the message lists all.

    Examples
    --------
    >>> get_model('VGG11', classes=10).output
    Dense(None -> 10, linear)
    """
    name = name.lower()
    if name not in _MODELS:
        options = '\n\t'.join(sorted(_MODELS))
        raise ValueError(f'Model {name} is not supported. Available options are\n\t{options}')
    return _MODELS[name](**kwargs)
