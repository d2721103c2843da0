"""Write ``programs.json.gz``: what iterators of MXNet 1.9.1 give.

Run it with the python that has mxnet: ``python tests/io/record_programs.py``. It never imports blockscope.
"""
import gzip
import json
import logging
import pathlib

import mxnet as mx
from programs import further_cases, random_cases, run

logging.disable(logging.CRITICAL)
recorded = [{"case": case, "gives": run(mx, case)} for case in random_cases(250, seed=0) + further_cases()]
text = json.dumps({"source": f"mxnet {mx.__version__}, tests/io/record_programs.py", "programs": recorded}, separators=(",", ":"))
pathlib.Path(__file__).with_name("programs.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
print(len(recorded), "programs;", sum(isinstance(entry["gives"][0], str) for entry in recorded), "end with an error")
