"""Plan and run graphs: behind `hybridize`, `Symbol.bind`, `SymbolBlock` and loops in graphs alike.

A graph is prepared in two steps. A `Graph` orders the calls, joins some (`fusion`) and gives every value a slot, once. A `Plan` is made of
it for each context, train flag and set of shapes and types: attributes read, environments made, buffers laid out (`buffers`), so that
what is left to run is a flat list of closures (`steps`), and a second one for the gradients. They call the operator functions and
gradient rules that arrays use one by one: an operator is written once, and eager and hybridized can't disagree.

`CachedOp` is a graph as a function, one entry of the tape a call, with a plan for every kind of call it has seen. `Executor` is a graph
bound to arrays. A `Program` is what it runs: parts of a graph on several contexts (`placement`). `passes` rewrites graphs by name.
Nodes that hold graphs (`control_flow`, `differentiation`) and users' operators (`python_calls`) run on NDArrays, since what they do
depends on values. Tracing, the step before, is Gluon's: it knows blocks and parameters, this room does not.
"""
from . import control_flow, differentiation, passes  # the first two say how nodes that hold graphs run
from .binding import bind, evaluate, simple_bind
from .cached_op import CachedOp
from .executor import Executor
from .passes import optimize_for

__all__ = ['CachedOp', 'Executor', 'bind', 'control_flow', 'differentiation', 'evaluate', 'optimize_for', 'passes', 'simple_bind']
