"""Write ``layers.json``: texts, names, parameters and signatures of layers and losses in MXNet 1.9.1.

Run it with the python that has mxnet, from the repository: ``python tests/gluon/nn/record_mxnet.py``. It never imports blockscope.
"""
import inspect
import json
import pathlib
import sys

import numpy as np

if not hasattr(np, "bool"):
    np.bool = np.bool_
from mxnet.gluon import loss, nn  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from programs import PROGRAMS, describe, signatures  # noqa: E402

if __name__ == "__main__":
    seen = {"layers": {p: describe(p, nn, loss) for p in PROGRAMS}, "signatures": signatures(nn, loss, inspect)}
    (HERE / "layers.json").write_text(json.dumps(seen, indent=1) + "\n")
