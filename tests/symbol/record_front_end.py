"""Write ``front_end.json.gz``: for every operator function of MXNet 1.9.1's ``mx.sym``, its automatic name and its node's operator.

Run it with the python that has mxnet, from the repository: ``python tests/symbol/record_front_end.py``. Every function of every
namespace is called on variables with simple values for what it requires; `calls` says how, so that the test repeats the call. It never
imports blockscope.
"""

import gzip
import inspect
import json
import pathlib
import re

import numpy as np

if not hasattr(np, "bool"):
    np.bool = np.bool_
import mxnet as mx  # noqa: E402

HERE = pathlib.Path(__file__).parent
FILE = HERE / "front_end.json.gz"
OPSIG = HERE.parent / "ops" / "opsig.tsv"
NAMESPACES = ["", "op", "contrib", "linalg", "random", "image", "sparse", "_internal"]
# What registered names the functions of a namespace have.
PREFIXES = {"": [""], "op": [""], "contrib": ["_contrib_", ""], "linalg": ["_linalg_"], "random": ["_random_", "_", ""],
            "image": ["_image_"], "sparse": ["_sparse_", ""], "_internal": [""]}
SIMPLE = {"int": "1", "int (non-negative)": "1", "long": "1", "ptr": "1", "float": "1", "double": "1", "boolean": "0", "string": "x",
          "Shape(tuple)": "(1, 1)", "tuple of <float>": "(1, 1)", "tuple of <long>": "(1,)", "int or None": "1"}
FURTHER = {"Pooling": {"kernel": "(1, 1)"}, "Pooling_v1": {"kernel": "(1, 1)"}, "_linspace": {"stop": "2", "num": "2"},
           "_random_randint": {"low": 1, "high": 2}}
# Not called: they take graphs, users' code, or pointers, without which MXNet crashes.
SKIPPED = ("_cond", "_foreach", "_while_loop", "Custom", "_Native", "_NDArray", "_sg_mkldnn_conv", "_sg_mkldnn_fully_connected",
           "reset_arrays")


def signatures():
    """Return the inputs and required attributes of every registered name."""
    found = {}
    for line in OPSIG.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, others, count, arguments = [*line.split("\t"), "", "", ""][:4]
        inputs, attrs, variadic = [], {}, False
        for argument in filter(None, arguments.split("; ")):
            key, _, kind = argument.partition(": ")
            if kind.startswith(("NDArray", "Symbol")):
                inputs.append(key)
                variadic |= "[]" in kind
            elif kind.endswith("required") and key != count:
                kind = kind.removesuffix(", required")
                words = re.findall(r"'([^']*)'", kind)
                attrs[key] = "float32" if "float32" in words else words[0] if words else SIMPLE[kind]
        for alias in [name, *others.split()]:
            found[alias] = (name, inputs, attrs, variadic)
    return found


def call(function, inputs, attrs, variadic):
    """Return name and operator of a call, and whether variables were given; or why MXNet refuses it."""
    error = None
    for given in (False, True):
        variables = [mx.sym.var(f"v{i}") for i in range(len(inputs))] if given else []
        if variadic:
            variables = [mx.sym.var("v0")]
        try:
            with mx.name.NameManager():
                symbol = function(*variables, **attrs)
            graph = json.loads(symbol.tojson())
            return {"name": symbol.name, "op": graph["nodes"][graph["heads"][0][0]]["op"], "given": len(variables)}
        except Exception as refusal:  # noqa: BLE001 (whatever it is, it is what MXNet does)
            error = refusal
    return {"refused": str(error).split("\n")[0][:200]}


def main():
    """Record, and say what MXNet refused."""
    known = signatures()
    made, refused, others = [], [], []
    for space in NAMESPACES:
        module = getattr(mx.sym, space) if space else mx.sym
        for name, function in sorted(vars(module).items()):
            if not inspect.isfunction(function) or name.startswith("__"):
                continue
            registered = next((p + name for p in PREFIXES[space] if p + name in known), None)
            if registered is None or function.__module__ == "mxnet.symbol.symbol":
                others.append(f"{space}.{name}")
                continue
            canonical, inputs, attrs, variadic = known[registered]
            if canonical in SKIPPED:
                continue
            attrs = {**attrs, **FURTHER.get(canonical, {})}
            result = call(function, inputs, attrs, variadic)
            if "refused" in result:
                refused.append(f"{space}.{name}: {result['refused']}")
            else:
                made.append({"space": space, "function": name, "attrs": attrs, **result})
    text = "[" + ",\n".join(json.dumps(entry, sort_keys=True) for entry in made) + "]\n"
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(made)} functions recorded")
    print("refused:", *refused, sep="\n  ")
    print("no operator functions:", *others, sep="\n  ")


if __name__ == "__main__":
    main()
