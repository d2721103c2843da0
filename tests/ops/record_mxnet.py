"""Write ``recorded.jsonl``: what MXNet 1.9.1 gives for the rows of the operator table.

Run it with the python that has mxnet, from the repository: ``python tests/ops/record_mxnet.py [--only REGEX]``.
With ``--only`` the other rows keep what was recorded before.  It never imports blockscope.
"""

import argparse
import json
import os
import pathlib
import re
import sys
import warnings

os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402

if not hasattr(np, "bool"):
    np.bool = np.bool_
import mxnet as mx  # noqa: E402

from tests.ops.table import all_rows  # noqa: E402

FILE = pathlib.Path(__file__).with_name("recorded.jsonl")
SPACES = (
    ("_linalg_", mx.nd.linalg),
    ("_contrib_", mx.nd.contrib),
    ("_image_", mx.nd.image),
    ("_random_", mx.nd.random),
    ("_sparse_", mx.nd.sparse),
)


def find(name):
    """Return MXNet's function for a registered name."""
    for prefix, module in SPACES:
        if name.startswith(prefix) and prefix != "_random_" and hasattr(module, name[len(prefix) :]):
            return getattr(module, name[len(prefix) :])
    for module in (mx.nd.op, mx.nd._internal, mx.nd):
        if hasattr(module, name):
            return getattr(module, name)
    raise LookupError(f"MXNet has no {name}")


def ids(rows):
    """Return the rows' ids as ``running.unique_ids`` does."""
    seen, result = {}, []
    for row in rows:
        seen[row.key] = seen.get(row.key, 0) + 1
        result.append(row.key if seen[row.key] == 1 else f"{row.key}#{seen[row.key]}")
    return result


# Operators that want labels in the type of the data, while rows give them as float64 always.
UNIFORM = {"SoftmaxOutput", "SVMOutput"}


def arrays_of(row, dtype):
    """Return MXNet's arrays for the inputs that are given."""

    def kind(array):
        return dtype if array.dtype == "float64" and row.name in UNIFORM else array.dtype

    return [None if a is None else mx.nd.array(a, dtype=kind(a)) for a in row.arrays(dtype)]


def outputs_of(row, inputs):
    """Return the list of outputs."""
    inputs = list(inputs)
    while inputs and inputs[-1] is None:
        inputs.pop()
    result = find(row.name)(*inputs, **row.attrs)
    return list(result) if isinstance(result, (list, tuple)) else [result]


def head_gradients(outputs):
    """Return the same head gradients as ``running.head_gradients``."""
    random = np.random.RandomState(11)
    return [
        random.uniform(0.5, 1.5, y.shape).astype(y.dtype) if np.dtype(y.dtype).kind == "f" else None for y in outputs
    ]


def numbers(array):
    """Return values with nine digits."""
    return [float(f"{v:.9g}") if array.dtype.kind == "f" else int(v) for v in array.ravel()]


def gradients(row):
    """Return MXNet's gradients by position, or why there are none."""
    if row.gradient is False or row.random:
        return "not asked"
    inputs = arrays_of(row, "float32")
    positions = [i for i, varies in enumerate(row.varies()) if varies]
    if isinstance(row.gradient, tuple):
        positions = list(row.gradient)
    for i in positions:
        inputs[i].attach_grad()
    try:
        with mx.autograd.record(train_mode=row.training):
            outputs = outputs_of(row, inputs)
        weights = head_gradients(outputs)
        heads = [y for y, w in zip(outputs, weights) if w is not None]
        mx.autograd.backward(
            heads, [mx.nd.array(w, dtype=w.dtype) for w in weights if w is not None], train_mode=row.training
        )
        return {str(i): numbers(inputs[i].grad.asnumpy()) for i in positions}
    except Exception as error:
        return f"{type(error).__name__}: {last_line(error)}"


def last_line(error):
    """Return the line of an error that says what is wrong; the ones before name files of MXNet."""
    return (str(error).splitlines() or [""])[-1][:200]


def digest(arrays):
    """Return a short text of input values, as ``test_values.digest``."""
    return [None if a is None else f"{a.shape} {a.dtype} {float(a.astype('float64').sum()):.5g}" for a in arrays]


def record(row, name):
    """Return the entry of one row."""
    with mx.autograd.train_mode() if row.training else mx.autograd.predict_mode():
        outputs = [y.asnumpy() for y in outputs_of(row, arrays_of(row, "float32"))]
        dtypes = {}
        for dtype in row.dtypes:
            try:
                dtypes[dtype] = [y.asnumpy().dtype.name for y in outputs_of(row, arrays_of(row, dtype))]
            except Exception as error:
                dtypes[dtype] = f"{type(error).__name__}"
    return {
        "id": name,
        "inputs": digest(row.arrays("float32")),
        "dtypes": dtypes,
        "gradients": gradients(row),
        "outputs": [{"shape": list(y.shape), "dtype": y.dtype.name, "values": numbers(y)} for y in outputs],
    }


def main():
    """Record, and say what MXNet could not do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="record only ids that match")
    only = parser.parse_args().only
    rows = all_rows()
    names = ids(rows)
    entries = {}
    if FILE.exists():
        entries = {e["id"]: e for e in map(json.loads, FILE.read_text().splitlines()) if e["id"] in names}
    for row, name in zip(rows, names):
        if row.mxnet is not True:
            entries.pop(name, None)
        elif re.search(only, name) and not row.random:
            try:
                entries[name] = record(row, name)
            except Exception as error:
                entries.pop(name, None)
                print(f"{name}: {type(error).__name__}: {last_line(error)}", file=sys.stderr)
    FILE.write_text("".join(json.dumps(entries[n]) + "\n" for n in sorted(entries)))
    print(f"{len(entries)} rows recorded")


if __name__ == "__main__":
    main()
