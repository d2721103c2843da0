"""Write upgraded.json: what MXNet 1.9.1 writes after reading the old files here. Run with its python: python make_upgraded.py

The files are from MXNet 1.9.1: `net.export` of small networks, save_000800.json from its own tests (apache/mxnet 1.9.1,
tests/python/unittest, Apache-2.0), json_attr_key.json and json_param_key.json are mlp-symbol.json with the keys of older versions.
"""
import json
import pathlib

import mxnet as mx

HERE = pathlib.Path(__file__).parent
OLD = ('json_attr_key.json', 'json_param_key.json', 'save_000800.json')

if __name__ == '__main__':
    texts = {name: mx.sym.load(str(HERE / name)).tojson() for name in OLD}
    (HERE / 'upgraded.json').write_text(json.dumps(texts, indent=1) + '\n', encoding='utf-8')
