"""Record digests of the symbol files of MXNet's model zoo: run with the python of MXNet 1.9.1; writes zoo_digests.json."""
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).parent
FACTORIES = {'get_densenet', 'get_mobilenet', 'get_mobilenet_v2', 'get_model', 'get_resnet', 'get_vgg'}


def digests(mx):
    vision = mx.gluon.model_zoo.vision
    names = [name for name in dir(vision) if name[0].islower() and callable(getattr(vision, name)) and name not in FACTORIES]
    found = {}
    for name in sorted(names):
        with mx.name.NameManager():
            text = getattr(vision, name)(prefix=name + '_')(mx.sym.var('data')).tojson()
        found[name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


if __name__ == '__main__':
    import mxnet
    (HERE / 'zoo_digests.json').write_text(json.dumps(digests(mxnet), indent=1) + '\n', encoding='utf-8')
