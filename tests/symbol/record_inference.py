"""Write ``inference.json.gz``: which shapes and types MXNet 1.9.1 infers from incomplete ones, forwards and backwards.

Run it with the python that has mxnet, from the repository: ``python tests/symbol/record_inference.py``. Every operator of the table is
applied to variables v0, v1, ... with the shapes and types of its rows, of which all, all but one, or all but one length are given; and
its first output is added to a variable `o` of known shape or type while an input is unknown. It never imports blockscope.
"""

import gzip
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.ops.record_graph_metadata import find, mx, np  # noqa: E402
from tests.ops.table import all_rows  # noqa: E402

FILE = pathlib.Path(__file__).with_name("inference.json.gz")


def build(row, arrays, attrs, other=None):
    """Return the symbol of a row, its first output added to the variable `other`."""
    inputs = [None if a is None else mx.sym.var(f"v{i}") for i, a in enumerate(arrays)]
    while inputs and inputs[-1] is None:
        inputs.pop()
    symbol = find(row.name)(*inputs, name="n", **attrs)
    return symbol if other is None else mx.sym.elemwise_add(symbol[0], mx.sym.var(other), name="sum")


def ask(symbol, kind, known):
    """Return arguments, outputs and auxiliary states as inferred, or the error."""
    try:
        parts = getattr(symbol, f"infer_{kind}_partial")(**known)
    except Exception as error:
        return {"error": (str(error).splitlines() or [""])[-1][:160]}
    shown = tuple if kind == "shape" else (lambda t: None if t is None else np.dtype(t).name)
    return {"result": [[shown(value) for value in part] for part in parts]}


def questions(full):
    """Return what is given of the inputs: all, all but one, nothing, all but one length."""
    yield dict(full)
    if len(full) > 1:
        yield {}
    for name, value in full.items():
        yield {n: v for n, v in full.items() if n != name}
        if isinstance(value, tuple):
            for axis in sorted({0, len(value) // 2, len(value) - 1} & set(range(len(value)))):
                yield {**full, name: (*value[:axis], 0, *value[axis + 1:])}


def record(row, kind):
    """Return the cases of one row."""
    arrays = row.arrays("float32")
    attrs = dict(row.attrs)
    full = {f"v{i}": (a.shape if kind == "shape" else a.dtype.name) for i, a in enumerate(arrays) if a is not None}
    symbol = build(row, arrays, attrs)
    entry = {"op": row.name, "kind": kind, "given": [a is not None for a in arrays],
             "attrs": {k: str(v) for k, v in attrs.items()}, "arguments": symbol.list_arguments()}
    cases = [{**entry, "known": known, **ask(symbol, kind, known)} for known in questions(full)]
    outputs = cases[0].get("result", [None, None])[1]
    if outputs and outputs[0]:
        backward = build(row, arrays, attrs, "o")
        for name in full:
            known = {**{n: v for n, v in full.items() if n != name}, "o": outputs[0]}
            cases.append({**entry, "backward": True, "arguments": backward.list_arguments(), "known": known,
                          **ask(backward, kind, known)})
    return cases


def main():
    """Record every row that MXNet can make a symbol of."""
    cases, seen = [], set()
    for row in all_rows():
        # Every attribute set once; MXNet crashes on boolean_mask and can't compose operators that update weights.
        key = row.name, str(row.attrs), str([None if a is None else a.shape for a in row.arrays("float32")])
        if key in seen or row.name in ("_contrib_boolean_mask",) or any(a is not None and 0 in a.shape for a in row.arrays("float32")):
            continue
        seen.add(key)
        for kind in ("shape", "type"):
            try:
                cases += record(row, kind)
            except (mx.MXNetError, LookupError, TypeError) as error:
                print(f"{row.name}: {(str(error).splitlines() or [''])[-1][:100]}", file=sys.stderr)
    text = "[" + ",\n".join(json.dumps(case, sort_keys=True) for case in cases) + "]\n"
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(cases)} cases recorded")


if __name__ == "__main__":
    main()
