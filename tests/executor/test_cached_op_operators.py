"""Every operator gives the same in a graph as on arrays, bit for bit: each row of the operators' table, outputs and gradients."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import autograd
from blockscope.executor import CachedOp
from blockscope.ndarray import dispatch
from blockscope.ops import registry
from blockscope.symbol import functions
from tests.ops.running import ROWS, SEED, head_gradients, parametrize

# Those of indexing take keys that no file can hold, so no graph has them.
CALLED = [row for row in ROWS if row.inputs and not row.name.startswith(('_backward_', '_basic_index', '_put_gradient'))]


def inputs_of(row):
    dtype = row.dtypes[0] if row.dtypes else 'float32'
    return [None if a is None else mx.nd.array(a, dtype=a.dtype) for a in row.arrays(dtype)]


def run(row, compute):
    """Return outputs, gradients and inputs (some are overwritten) after a pass under record."""
    arrays = inputs_of(row)
    mutated = registry.get(row.name).mutates
    wanted = [x for i, x in enumerate(arrays) if x is not None and i not in mutated and np.dtype(x.dtype).kind == 'f']
    if row.gradient is not False:
        for x in wanted:
            x.attach_grad()
    mx.cpu()._seed(SEED)
    with autograd.record(train_mode=row.training):
        outs = compute(arrays)
    if row.gradient is not False:
        heads = [(y, mx.nd.array(w, dtype=w.dtype)) for y, w in zip(outs, head_gradients(outs)) if w is not None and y._node is not None]
        if heads:
            autograd.backward(*map(list, zip(*heads)), train_mode=row.training)
    return outs + [x.grad for x in wanted if x.grad is not None] + [x for x in arrays if x is not None]


def listed(out):
    return list(out) if isinstance(out, (list, tuple)) else [out]


@pytest.mark.parametrize(**parametrize(CALLED))
def test_operator(row):
    def eager(arrays):
        return listed(dispatch.function(row.name)(*arrays, **row.attrs))
    want = run(row, eager)
    op = registry.get(row.name)
    variables = [None if x is None else mx.sym.var(f'v{i}') for i, x in enumerate(inputs_of(row))]
    if any(v is None for v in variables):  # an optional input is left out
        symbol = functions.function(row.name)(**{k: v for k, v in zip(op.inputs, variables) if v is not None}, **row.attrs)
    else:
        symbol = functions.function(row.name)(*variables, **row.attrs)
    for flags in ((), (('static_alloc', True),)):
        graph = CachedOp(symbol, flags)
        order = [int(name[1:]) for name in graph.inputs]
        for _ in range(2):
            got = run(row, lambda arrays: graph(*[arrays[i] for i in order]))
            assert len(got) == len(want)
            for a, b in zip(got, want):
                np.testing.assert_array_equal(a.asnumpy(), b.asnumpy(), strict=True)
