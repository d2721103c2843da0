"""Write ``programs.json.gz``: what MXNet 1.9.1 makes of the programs in ``programs.py``.

Run it with the python that has mxnet, from the repository: ``python tests/symbol/record_programs.py``. It never imports blockscope.
"""

import gzip
import json
import pathlib
import sys

import numpy as np

if not hasattr(np, "bool"):
    np.bool = np.bool_
import mxnet as mx  # noqa: E402

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import programs  # noqa: E402

FILE = HERE / "programs.json.gz"


def describe(symbol):
    """Return what a graph looks like."""
    return {"json": symbol.tojson(), "arguments": symbol.list_arguments(), "auxiliary": symbol.list_auxiliary_states(),
            "outputs": symbol.list_outputs(), "internals": symbol.get_internals().list_outputs()}


def compute(symbol, values):
    """Return outputs and gradients, for head gradients of 1, 2, 3, ... times the number of the output, and the states."""
    arrays = {name: mx.nd.array(value) for name, value in values.items()}
    arguments = {name: arrays[name] for name in symbol.list_arguments()}
    states = {name: arrays[name] for name in symbol.list_auxiliary_states()}
    executor = symbol.bind(mx.cpu(), arguments, {name: mx.nd.zeros(x.shape) for name, x in arguments.items()}, aux_states=states)
    outputs = executor.forward(is_train=True)
    mx.nd.waitall()
    executor.backward([(i + 1) * mx.nd.arange(1, x.size + 1).reshape(x.shape) for i, x in enumerate(outputs)])
    return {"outputs": [x.asnumpy().tolist() for x in outputs], "states": {name: x.asnumpy().tolist() for name, x in states.items()},
            "gradients": {name: executor.grad_dict[name].asnumpy().tolist() for name in arguments}}


def fresh(program):
    """Run a program with fresh counters."""
    mx.AttrScope._subgraph_names.clear()
    with mx.name.NameManager():
        return program(mx)


def refusal(program):
    """Return class and text of the error that a program raises."""
    try:
        fresh(program)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what MXNet does)
        return {"type": type(error).__name__, "message": str(error).split("\nStack trace")[0].strip()}
    raise SystemExit("a program of ERRORS raised none")


def main():
    """Record everything."""
    made = {"graphs": {name: describe(fresh(program)) for name, program in programs.GRAPHS.items()},
            "numbers": {name: compute(*fresh(program)) for name, program in programs.NUMBERS.items()},
            "errors": {name: refusal(program) for name, program in programs.ERRORS.items()}}
    FILE.write_bytes(gzip.compress((json.dumps(made, sort_keys=True, indent=0) + "\n").encode(), mtime=0))
    print({kind: len(found) for kind, found in made.items()})


if __name__ == "__main__":
    main()
