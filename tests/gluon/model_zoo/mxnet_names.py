"""Names, shapes, graphs and texts of all networks, as MXNet 1.9.1 gave them (`names.json.gz`).

To record them again, run this file with the python of an environment that has mxnet 1.9.1:

    python tests/gluon/model_zoo/mxnet_names.py
"""
import gzip
import importlib
import inspect
import json
import pathlib

RECORDED = pathlib.Path(__file__).with_name('names.json.gz')
MODULES = ['model_store', 'vision.alexnet', 'vision.densenet', 'vision.inception', 'vision.mobilenet', 'vision.resnet',
           'vision.squeezenet', 'vision.vgg']


def image_size(name):
    """Return the height and width of the images that a network was made for."""
    return 299 if name == 'inceptionv3' else 224


def describe(mx, net, name):
    """Return what can be told of a network without a graph."""
    params = net.collect_params()
    found = {'prefix': net.prefix, 'names': list(params), 'requests': [param.grad_req for param in params.values()],
             'first_shapes': [list(param.shape) for param in params.values()], 'keys': list(net._collect_params_with_prefix()),
             'repr': repr(net)}
    net.infer_shape(mx.nd.zeros((1, 3, image_size(name), image_size(name))))
    found['shapes'] = [list(param.shape) for param in params.values()]
    return found


def describe_graph(mx, net):
    """Return the names in a network's graph: of all outputs, in order, and how many are parameters that aren't trained."""
    out = net(mx.sym.var('data'))
    return {'internals': out.get_internals().list_outputs(), 'auxiliary': len(out.list_auxiliary_states())}


def make(mx, name):
    """Return a network whose names don't depend on what was made before."""
    with mx.name.NameManager():
        return mx.gluon.model_zoo.vision.get_model(name)


def public(package):
    """Return what every module of the model zoo offers: its names, and the arguments of functions and classes."""
    modules = {name: importlib.import_module(f'{package}.gluon.model_zoo.{name}') for name in MODULES}
    return {name: {key: list(inspect.signature(getattr(module, key)).parameters) for key in module.__all__}
            for name, module in modules.items()}


def refusal(mx, name):
    """Return what `get_model` says of a name that it doesn't know."""
    try:
        mx.gluon.model_zoo.vision.get_model(name)
    except ValueError as error:
        return str(error)
    return None


def record():
    """Write what MXNet gives."""
    import mxnet as mx

    text = refusal(mx, '?')
    networks = {}
    for name in text.split('\n\t')[1:]:
        with mx.name.NameManager():
            net = mx.gluon.model_zoo.vision.get_model(name)
            networks[name] = {**describe(mx, net, name), **describe_graph(mx, net)}
    recorded = {'mxnet': mx.__version__, 'refusal': text, 'public': public('mxnet'), 'networks': networks}
    RECORDED.write_bytes(gzip.compress(json.dumps(recorded, separators=(',', ':')).encode(), 9, mtime=0))


if __name__ == '__main__':
    record()
