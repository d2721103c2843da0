"""Write ``networks.json.gz``: tables and pictures of MXNet 1.9.1.

Run it with the python that has mxnet and graphviz: ``python tests/viz/record_networks.py``. It never imports blockscope.
"""
import gzip
import json
import pathlib

import mxnet as mx
from networks import NETWORKS, outcomes

recorded = {"source": f"mxnet {mx.__version__}, tests/viz/record_networks.py",
            "networks": {name: outcomes(mx, name) for name in NETWORKS}}
text = json.dumps(recorded, separators=(",", ":"))
pathlib.Path(__file__).with_name("networks.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
for name, ways in recorded["networks"].items():
    print(name, {way: given for way, given in ways.items() if len(given) == 1 or given[1]})
