"""Write ``recorded.json``: what MXNet 1.9.1 does with the programs of ``cases.py``, and the signatures of its test_utils.

Run with the python that has mxnet: ``python tests/test_utils/record_mxnet.py``.  It never imports blockscope.
"""
import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import numpy as np  # noqa: E402

for alias, kind in (("bool", np.bool_), ("int", int)):  # which MXNet still asks of NumPy
    if alias not in vars(np):
        setattr(np, alias, kind)
import mxnet as mx  # noqa: E402

import cases  # noqa: E402

RECORDED = {"signatures": cases.signatures(mx), "messages": {text: cases.run(mx, text) for text in cases.MESSAGES},
            "values": {text: cases.run(mx, text) for text in cases.VALUES}}
lines = ["{"]
for i, (group, entries) in enumerate(RECORDED.items()):
    lines.append(f' "{group}": {{')
    lines.append(",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()))
    lines.append(" }" + "," * (i < len(RECORDED) - 1))
pathlib.Path(__file__).with_name("recorded.json").write_text("\n".join(lines) + "\n}\n")
