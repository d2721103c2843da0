"""Outputs of networks with fixed parameters, as MXNet 1.9.1 gave them (`outputs.json`).

To record them again, run this file with the python of an environment that has mxnet 1.9.1:

    python tests/gluon/model_zoo/mxnet_cases.py
"""
import json
import math
import pathlib
import zlib

import numpy as np

RECORDED = pathlib.Path(__file__).with_name('outputs.json')

# Every family and version: the smallest images that it takes, or 64x64. AvgPool2D(7), (13) and (8) end three of the families.
SIZES = {'alexnet': 64, 'densenet121': 224, 'inceptionv3': 299, 'mobilenet0.25': 64, 'mobilenetv2_0.25': 64, 'resnet18_v1': 64,
         'resnet18_v2': 64, 'resnet50_v1': 64, 'resnet50_v2': 64, 'squeezenet1.0': 224, 'squeezenet1.1': 224, 'vgg11': 64,
         'vgg11_bn': 64}
CLASSES = 10
BATCH = 2


def noise(name, shape):
    """Return numbers between -1 and 1 that follow from a name and their index, by a hash in whole numbers: the same everywhere."""
    x = np.arange(math.prod(shape), dtype=np.uint32) + np.uint32(zlib.crc32(name.encode()))
    for factor in (0x7feb352d, 0x846ca68b):
        x ^= x >> np.uint32(16)
        x *= np.uint32(factor)
    x ^= x >> np.uint32(15)
    return (x / 2.0 ** 31 - 1).astype('float32').reshape(shape)


def value(name, x):
    """Make a parameter of noise: weights that keep the size of numbers from layer to layer, statistics that are not trivial."""
    if name.endswith('weight'):
        return x * np.float32(math.sqrt(6 / math.prod(x.shape[1:])))
    return x * np.float32(0.2) + np.float32(name.endswith(('gamma', 'running_var')))


def images(size):
    """Return images of 8x8 coloured patches, with noise over them: averages over an image tell images apart."""
    patches = noise('patches', (BATCH, 3, 8, 8)).repeat(-(-size // 8), 2).repeat(-(-size // 8), 3)[:, :, :size, :size]
    return patches + noise('images', patches.shape)


def run(mx, name):
    """Return what a network gives for two images."""
    batch = mx.nd.array(images(SIZES[name]))
    with mx.name.NameManager():
        net = mx.gluon.model_zoo.vision.get_model(name, classes=CLASSES)
    net.infer_shape(batch)
    net.initialize()
    for key, param in net.collect_params().items():
        param.set_data(mx.nd.array(value(key, noise(key, param.shape))))
    return net(batch).asnumpy()


def record():
    """Write what MXNet gives."""
    import mxnet as mx

    outputs = {name: [[float(f'{x:.8g}') for x in row] for row in run(mx, name)] for name in SIZES}
    lines = ',\n'.join(f'{json.dumps(name)}: {json.dumps(found)}' for name, found in outputs.items())
    RECORDED.write_text(f'{{"mxnet": "{mx.__version__}", "outputs": {{\n{lines}}}}}\n', encoding='utf-8')


if __name__ == '__main__':
    record()
