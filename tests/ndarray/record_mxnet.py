"""Write ``recorded.json``: what MXNet 1.9.1 does with the programs of ``cases.py``.

Run with the python that has mxnet: ``python tests/ndarray/record_mxnet.py``.  It never imports blockscope.
"""

import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import numpy as np  # noqa: E402

if not hasattr(np, "bool"):
    np.bool = np.bool_
import mxnet as mx  # noqa: E402

import cases  # noqa: E402

RECORDED = {
    "get": {key: cases.get(mx, key) for key in cases.KEYS + cases.BAD_KEYS},
    "put": {f"x[{key}] = {value}": cases.put(mx, key, value) for key, value in cases.SETTINGS},
    "reshape": {str(case): cases.reshape(mx, *case) for case in cases.RESHAPES},
    "sharing": {text: cases.shares(mx, text) for text in cases.SHARING},
    "expressions": {text: cases.run(mx, text) for text in cases.EXPRESSIONS},
    "failing": {text: cases.run(mx, text) for text in cases.FAILING},
}
lines = ["{"]
for i, (group, entries) in enumerate(RECORDED.items()):
    lines.append(f' "{group}": {{')
    lines.append(",\n".join(f"  {json.dumps(k)}: {json.dumps(v, default=str)}" for k, v in entries.items()))
    lines.append(" }" + "," * (i < len(RECORDED) - 1))
pathlib.Path(__file__).with_name("recorded.json").write_text("\n".join(lines) + "\n}\n")
