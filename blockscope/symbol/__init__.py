"""Symbols: graphs of operators, what users know as ``mx.sym``.

The functions are those of ``mx.nd``, from the same operator records, applied to symbols: ``sym.relu``, ``sym.contrib.box_nms``,
``sym.linalg.gemm2``, ``sym._internal._plus``.

`node` holds the graph: nodes know their inputs, and a `Symbol` is no more than a list of outputs of nodes. So symbols share graphs freely,
and nothing has to be kept in step. Around it, one file a question: how a graph comes about (`creation`, `compose`, `functions`,
`control_flow`, `gradient`), what can be read off it (`listing`), what shapes and types follow (`infer` goes over the graph; what an
operator implies is in its record), and how it becomes text and comes back (`files`, `upgrade`, `unique_names`; the dialect itself is
`formats.symbol_json`). Variables are told apart by node, never by name, except where a file or a user says only the name.

This room draws up graphs and never computes: to run one is the business of `executor`, which a Symbol imports when it is asked to.
"""
from .. import _namespaces
from .. import ops as _ops  # fills the registry
from . import composite, control_flow, control_flow_inference, creation, elementwise, functions, gradient, node, random, symbol
from .composite import histogram, split_v2
from .creation import Group, Variable, arange, eye, fromjson, full, linspace, load, load_json, ones, var, zeros
from .custom import Custom
from .elementwise import hypot, maximum, minimum, pow, power
from .symbol import Symbol

_internal = _namespaces.Namespace(__name__ + '._internal', '_internal', functions.function)
op = _namespaces.Namespace(__name__ + '.op', 'op', functions.function)
linalg = _namespaces.Namespace(__name__ + '.linalg', 'linalg', functions.function)
contrib = _namespaces.Namespace(__name__ + '.contrib', 'contrib', functions.function)
image = _namespaces.Namespace(__name__ + '.image', 'image', functions.function)
sparse = _namespaces.Namespace(__name__ + '.sparse', 'sparse', functions.function)
contrib.add(foreach=control_flow.foreach, while_loop=control_flow.while_loop, cond=control_flow.cond, rand_zipfian=random.rand_zipfian)


def __getattr__(name):
    found = _namespaces.find(functions.function, '', name)
    if found is None:
        raise _namespaces.no_operator(__name__, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted(set(globals()) | set(_namespaces.names('')))
