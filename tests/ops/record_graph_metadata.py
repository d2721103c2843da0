"""Write ``graph_metadata.json.gz``: what nodes of MXNet 1.9.1's graphs look like, for the operators of the table.

Run it with the python that has mxnet, from the repository: ``python tests/ops/record_graph_metadata.py``. Every operator is applied
to automatic inputs under the attributes of its rows in the table and of `FURTHER`; under its other names once. It never imports
blockscope.
"""

import gzip
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

if not hasattr(np, "bool"):
    np.bool = np.bool_
import mxnet as mx  # noqa: E402

from tests.ops.table import all_rows  # noqa: E402

HERE = pathlib.Path(__file__).parent
FILE = HERE / "graph_metadata.json.gz"
SPACES = {"_linalg_": mx.sym.linalg, "_contrib_": mx.sym.contrib, "_image_": mx.sym.image, "_random_": mx.sym.random,
          "_sparse_": mx.sym.sparse}
# Attributes that change inputs or outputs and that no row of the table has; "count": number of arrays.
FURTHER = {
    "FullyConnected": [{"num_hidden": 3, "no_bias": True}, {"num_hidden": 3, "flatten": False}],
    "Convolution": [{"kernel": (3, 3), "num_filter": 2, "no_bias": True}, {"kernel": (3,), "num_filter": 2}],
    "Deconvolution": [{"kernel": (3, 3), "num_filter": 2, "no_bias": False}, {"kernel": (3, 3), "num_filter": 2}],
    "LeakyReLU": [{"act_type": t} for t in ("leaky", "prelu", "elu", "selu", "gelu", "rrelu")],
    "RNN": [{"state_size": 2, "num_layers": 1, "mode": mode, "state_outputs": out, "use_sequence_length": length}
            for mode in ("rnn_relu", "rnn_tanh", "lstm", "gru") for out in (False, True) for length in (False, True)],
    "SequenceMask": [{"use_sequence_length": True}, {}],
    "SequenceLast": [{"use_sequence_length": True}, {}],
    "SequenceReverse": [{"use_sequence_length": True}, {}],
    "CTCLoss": [{"use_data_lengths": d, "use_label_lengths": n} for d in (False, True) for n in (False, True)],
    "UpSampling": [{"scale": 2, "sample_type": "bilinear", "num_filter": 2, "count": 1},
                   {"scale": 2, "sample_type": "bilinear", "num_filter": 2, "count": 2},
                   {"scale": 2, "sample_type": "nearest", "count": 3}],
    "softmax": [{"use_length": True}, {}],
    "_linalg_gemm": [{}], "topk": [{"ret_typ": t} for t in ("value", "indices", "mask", "both")],
    "SliceChannel": [{"num_outputs": 3}, {"num_outputs": 1}],
    "_split_v2": [{"sections": 3, "indices": ()}, {"indices": (1, 3)}, {"indices": (0, 1, 3)}],
    "BatchNorm": [{"output_mean_var": True}], "LayerNorm": [{"output_mean_var": True}], "GroupNorm": [{"output_mean_var": True}],
    "_contrib_BatchNormWithReLU": [{"output_mean_var": True}],
    "_contrib_SyncBatchNorm": [{"key": "k", "output_mean_var": True}, {"key": "k"}],
    "_histogram": [{"bin_cnt": 3, "range": (0, 1)}, {}],
    "_sample_multinomial": [{"get_prob": True}, {"shape": 3}],
    "_contrib_BilinearResize2D": [{"mode": "like"}, {"height": 2, "width": 2}],
    "Dropout": [{"p": 0.5}, {"mode": "always"}], "amp_multicast": [{"num_outputs": 3, "count": 3}],
    "add_n": [{"count": 1}, {"count": 3}], "Concat": [{"count": 1}, {"count": 3}], "stack": [{"count": 3}],
    "multi_all_finite": [{"num_arrays": 2, "count": 2}], "multi_sum_sq": [{"num_arrays": 2, "count": 2}],
    "_linalg_syevd": [{}], "moments": [{}], "norm": [{}], "argsort": [{}], "sort": [{}], "Embedding": [{"input_dim": 3, "output_dim": 2}],
}


def find(name):
    """Return MXNet's function for a registered name."""
    for prefix, module in SPACES.items():
        if name.startswith(prefix) and hasattr(module, name[len(prefix):]) and (prefix != "_random_" or name.endswith("_like")):
            return getattr(module, name[len(prefix):])
    for module in (mx.sym.op, mx.sym._internal):
        if hasattr(module, name):
            return getattr(module, name)
    raise LookupError(f"MXNet has no {name}")


def describe(name, attrs):
    """Return what the node of one call looks like."""
    attrs = dict(attrs)
    count = attrs.pop("count", None)
    given = [mx.sym.var(f"v{i}") for i in range(count or 0)]
    with mx.name.NameManager():
        automatic = find(name)(*given, **attrs).name
    symbol = find(name)(*given, name="n", **attrs)
    graph = json.loads(symbol.tojson())
    node = next(i for i, n in enumerate(graph["nodes"]) if n["name"] == "n" and n["op"] != "null")
    return {
        "op": graph["nodes"][node]["op"], "automatic": automatic, "arguments": symbol.list_arguments(),
        "auxiliary": symbol.list_auxiliary_states(), "inputs": symbol.list_inputs(), "outputs": symbol.list_outputs(),
        "internals": symbol.get_internals().list_outputs(), "count": graph["node_row_ptr"][node + 1] - graph["node_row_ptr"][node],
        "attrs": graph["nodes"][node].get("attrs", {}),
        "variables": {n["name"]: n.get("attrs", {}) for n in graph["nodes"] if n["op"] == "null"},
    }


def cases():
    """Return ``(name, attributes)`` of everything to record."""
    aliases, by_name, variadic = {}, {}, set()
    for line in (HERE / "opsig.tsv").read_text().splitlines():
        if not line.startswith("#"):
            name, others, _, arguments = [*line.split("\t"), ""][:4]
            aliases[name] = others.split()
            if "[]" in arguments:
                variadic.add(name)
    for row in all_rows():
        attrs = dict(row.attrs)
        if row.name in variadic:
            attrs["count"] = len(row.inputs)
        if row.name in aliases and attrs not in by_name.setdefault(row.name, []):
            by_name[row.name].append(attrs)
    for name, further in FURTHER.items():
        for attrs in further:
            if attrs not in by_name.setdefault(name, []):
                by_name[name].append(attrs)
    for name, sets in sorted(by_name.items()):
        if name.startswith("_np_"):  # of another front end; the operator's other name is for this one
            continue
        for attrs in sets:
            yield name, attrs
        for alias in aliases[name]:
            yield alias, sets[0]
    yield "cumsum", {}
    yield "cumsum", {"axis": 1}


def main():
    """Record, and say what MXNet could not do."""
    made = []
    for name, attrs in cases():
        entry = {"name": name, "given": {k: str(v) for k, v in attrs.items()}}
        try:
            made.append({**entry, **describe(name, attrs)})
        except mx.MXNetError as error:
            # Operators whose inputs have no names (of updates of weights) can't be applied to Symbols from Python.
            made.append({**entry, "refused": str(error).split(": ")[-1].strip()})
    text = "[" + ",\n".join(json.dumps(entry, sort_keys=True) for entry in made) + "]\n"
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(made)} nodes recorded")


if __name__ == "__main__":
    main()
