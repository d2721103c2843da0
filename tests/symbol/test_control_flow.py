"""Loops and branches in graphs: what running them gives, shapes and types, and what goes wrong. Numbers by hand unless said."""
import copy
import pathlib
import pickle

import numpy as np
import pytest

import blockscope as mx
from blockscope.executor import CachedOp

sym = mx.sym
FILES = pathlib.Path(__file__).parents[1] / 'formats' / 'symbols'
NETWORKS = pathlib.Path(__file__).parent / 'networks'


@pytest.fixture
def a():
    return sym.var('a')


@pytest.fixture
def b():
    return sym.var('b')


def values(symbol, *arrays):
    return [x.asnumpy().tolist() for x in CachedOp(symbol)(*map(mx.nd.array, arrays))]


def running_sum(a, b):
    out, state = sym.contrib.foreach(lambda d, q: (d + q, d + q), a, b)
    return sym.Group([out, state])


# ---- running -----------------------------------------------------------------------------------------------------------

def test_rows_of_steps_that_did_not_run_are_zero(a):
    out, (last,) = sym.contrib.while_loop(lambda i: i < 3, lambda i: (i * 2, [i + 1]), [a], max_iterations=5)
    assert values(sym.Group([out, last]), [1]) == [[[2], [4], [0], [0], [0]], [3]]  # MXNet leaves the last three rows undefined


def test_a_loop_that_never_runs_gives_zeros_of_the_shapes_that_it_would_have(a):
    outs, (last,) = sym.contrib.while_loop(lambda i: i < 0, lambda i: ([i * 2, sym.stack(i, i)], [i + 1]), [a], max_iterations=3)
    found = CachedOp(sym.Group([*outs, last]))(mx.nd.array([1], dtype='float64'))
    assert [x.shape for x in found] == [(3, 1), (3, 2, 1), (1,)]
    assert [x.dtype for x in found] == [np.float64] * 3
    assert found[1].asnumpy().any() == False  # noqa: E712
    assert found[2].asscalar() == 1


def test_gradients_of_a_loop_that_ends_early(a):
    out, (last,) = sym.contrib.while_loop(lambda i: i < 3, lambda i: (i * 2, [i + 1]), [a], max_iterations=5)
    run = CachedOp(sym.Group([out, last]))
    for start, expected in [(1, 2 + 2 + 1), (7, 1)]:  # a step gives 2, the variable handed on 1
        x = mx.nd.array([start])
        x.attach_grad()
        with mx.autograd.record():
            total = run(x)
            total = total[0].sum() + total[1].sum()
        total.backward()
        assert x.grad.asscalar() == expected


def test_only_the_chosen_branch_runs(a, b):
    both = sym.contrib.cond(a > 0, lambda: sym.sqrt(b), lambda: sym.Custom(b, op_type='test_control_flow_counts'))
    before = Counts.runs
    assert values(both, [1], [4]) == [[2]] and Counts.runs == before
    assert values(both, [0], [4]) == [[4]] and Counts.runs == before + 1


class Counts(mx.operator.CustomOp):
    runs = 0

    def forward(self, is_train, req, in_data, out_data, aux):
        Counts.runs += 1
        self.assign(out_data[0], req[0], in_data[0])


@mx.operator.register('test_control_flow_counts')
class CountsProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, in_shapes, in_dtypes):
        return Counts()


def test_branches_without_inputs():
    chosen = sym.contrib.cond(sym.ones((1,)), lambda: sym.ones((2,)), lambda: sym.zeros((2,)))
    assert chosen.list_inputs() == []
    assert CachedOp(chosen).run((), mx.cpu())[0].asnumpy().tolist() == [1, 1]


def test_a_body_in_a_body_in_a_body(a, b):
    def outer(row, total):
        def inner(x, state):
            return sym.contrib.cond(x > 1, lambda: x * state, lambda: x + b), state + x
        out, total = sym.contrib.foreach(inner, row, total)
        return out, total
    out, total = sym.contrib.foreach(outer, a, sym.var('s'))
    # 1: 1+10; 2: 2*(0+1); 3: 3*(0+1+2); 0: 0+10
    assert values(sym.Group([out, total]), [[1, 2], [3, 0]], [0], [10]) == [[[[11], [2]], [[9], [10]]], [6]]


def test_gradients_flow_through_nested_bodies(a, b):
    def outer(d, states):
        def inner(e, t):
            return e * sym.var('w'), t + d.sum()
        out, t = sym.contrib.foreach(inner, d, states[0])
        return [out, sym.contrib.cond(t.sum() > 4, lambda: t * 2, lambda: t * b)], [t]
    outs, states = sym.contrib.foreach(outer, a, [sym.var('s')])
    graph = sym.Group([*outs, *states])
    assert graph.list_inputs() == ['a', 's', 'w', 'b']
    arrays = [mx.nd.array(x) for x in ([[1, 2], [3, 4]], [-5], [3], [7])]
    for x in arrays:
        x.attach_grad()
    with mx.autograd.record():
        out, chosen, last = CachedOp(graph)(*arrays)
        total = out.sum() + chosen.sum() + last.sum()
    total.backward()
    # t is -5 + 2*3 = 1, then 1 + 2*7 = 15; total = 3*10 + 1*7 + 15*2 + 15
    assert (out.asnumpy().ravel().tolist(), chosen.asnumpy().ravel().tolist(), last.asscalar()) == ([3, 6, 9, 12], [7, 30], 15)
    assert [x.grad.asnumpy().ravel().tolist() for x in arrays] == [
        [3 + 2 * (7 + 2 + 1)] * 2 + [3 + 2 * (2 + 1)] * 2, [7 + 2 + 1], [10], [1]]


def test_moving_averages_change_in_a_body():
    def step(d, state):
        out = sym.BatchNorm(d, name='bn', fix_gamma=False, momentum=0.5)
        return out, state + out
    out, state = sym.contrib.foreach(step, sym.var('a'), sym.var('b'))
    x = mx.nd.array([[[0.], [2]], [[4], [8]]])
    arrays = [x, mx.nd.zeros((2, 1)), mx.nd.ones((1,)), mx.nd.zeros((1,)), mx.nd.zeros((1,)), mx.nd.ones((1,))]
    for array in arrays[:4]:
        array.attach_grad()
    run = CachedOp(sym.Group([out, state]))
    assert run.inputs == ('a', 'b', 'bn_gamma', 'bn_beta', 'bn_moving_mean', 'bn_moving_var')
    with mx.autograd.record():
        out, state = run(*arrays)
    out.backward()
    # means of the steps are 1 and 6: (0/2 + 1/2)/2 + 6/2
    assert arrays[4].asscalar() == pytest.approx(3.25)
    np.testing.assert_allclose(out.asnumpy().ravel(), [-1, 1, -1, 1], rtol=1e-3)
    assert arrays[3].grad.asscalar() == 4


def test_a_loop_gives_what_the_same_loop_over_arrays_gives():
    random = np.random.RandomState(3)
    data, state, weight = random.randn(4, 2, 3), random.randn(2, 3), random.randn(3, 3)

    def body(F, w):
        def step(d, s):
            s = F.tanh(F.dot(d, w) + s)
            return [s * d, s.sum(axis=1)], s
        return step
    out, last = sym.contrib.foreach(body(sym, sym.var('w')), sym.var('d'), sym.var('s'))
    results = []
    for run in (lambda d, s, w: CachedOp(sym.Group([*out, last]))(d, s, w),
                lambda d, s, w: (lambda o, t: [*o, t])(*mx.nd.contrib.foreach(body(mx.nd, w), d, s))):
        arrays = [mx.nd.array(x) for x in (data, state, weight)]
        for x in arrays:
            x.attach_grad()
        with mx.autograd.record():
            found = run(*arrays)
            total = sum((x * x).sum() for x in found)
        total.backward()
        results.append([x.asnumpy() for x in (*found, *(x.grad for x in arrays))])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize('name', ['control', 'foreach'])
def test_networks_of_mxnet_give_their_outputs(name):
    # networks/ holds inputs, outputs and parameters that MXNet 1.9.1 exported with these graphs
    graph = sym.load(str(FILES / f'{name}-symbol.json'))
    parameters = NETWORKS / f'{name}-0000.params'
    arrays = {key.split(':')[1]: x for key, x in mx.nd.load(str(parameters)).items()} if parameters.exists() else {}
    with np.load(NETWORKS / f'{name}-io.npz') as recorded:
        arrays.update((key.replace('in', 'data'), mx.nd.array(x)) for key, x in recorded.items())
        outputs = CachedOp(graph)(*[arrays[key] for key in graph.list_inputs()])
        assert len(outputs) == 3
        for i, x in enumerate(outputs):
            np.testing.assert_allclose(x.asnumpy(), recorded[f'out{i}'], rtol=1e-5, atol=1e-6)


# ---- shapes and types --------------------------------------------------------------------------------------------------

def test_shapes_of_foreach_follow_forwards_and_backwards(a, b):
    both = running_sum(a, b)
    assert both.infer_shape(a=(5, 3)) == ([(5, 3), (3,)], [(5, 3), (3,)], [])  # MXNet 1.9.1, as the next three
    assert both.infer_shape(a=(5,)) == ([(5,), (1,)], [(5, 1), (1,)], [])
    assert both.infer_shape_partial(a=(0, 3)) == ([(0, 3), (3,)], [(0, 3), (3,)], [])
    assert both.infer_shape_partial(b=(3,)) == ([(0, 3), (3,)], [(0, 3), (3,)], [])


def test_shapes_of_parameters_in_a_body_follow(a, b):
    out, _ = sym.contrib.foreach(lambda d, q: (sym.FullyConnected(d, num_hidden=4, name='fc'), q * 2), a, b)
    assert out.infer_shape_partial(a=(5, 2, 3))[0] == [(5, 2, 3), (), (4, 3), (4,)]
    assert out.infer_shape(a=(5, 2, 3), b=(7,)) == ([(5, 2, 3), (7,), (4, 3), (4,)], [(5, 2, 4)], [])


def test_shapes_of_loops_and_branches_follow(a, b):
    out, variables = sym.contrib.while_loop(lambda i, t: i < 3, lambda i, t: (t * 2, [i + 1, t * 3]), [a, b], max_iterations=5)
    assert sym.Group([out, *variables]).infer_shape(a=(1,), b=(2, 3)) == ([(1,), (2, 3)], [(5, 2, 3), (1,), (2, 3)], [])
    chosen = sym.contrib.cond(a > 0, lambda: b * 2, lambda: b + 1)
    assert chosen.infer_shape(a=(1,), b=(4,)) == ([(1,), (4,)], [(4,)], [])


def test_what_only_running_shows_stays_unknown(a, b):
    grows = sym.contrib.while_loop(lambda i: i.sum() < 9, lambda i: (i.sum(), [sym.concat(i, i, dim=0)]), [a], max_iterations=5)[1][0]
    with pytest.warns(UserWarning, match='Cannot decide shape'):
        assert grows.infer_shape(a=(1,)) == (None, None, None)
    assert values(grows, [3]) == [[3, 3, 3, 3]]
    differs = sym.contrib.cond(a > 0, lambda: b, lambda: b.sum())
    assert differs.infer_shape_partial(a=(1,), b=(2,)) == ([(1,), (2,)], [()], [])


def test_types_follow(a, b):
    assert running_sum(a, b).infer_type(a='float64') == ([np.float64] * 2, [np.float64] * 2, [])
    out, _ = sym.contrib.foreach(lambda d, q: (sym.Cast(d, dtype='float16'), q * 2), a, b)
    assert out.infer_type(a='int32', b='float64')[1] == [np.float16]
    chosen = sym.contrib.cond(a > 0, lambda: b * 2, lambda: b + 1)
    assert chosen.infer_type(a='float64', b='float16')[1] == [np.float16]  # MXNet wants a condition of float32


@pytest.mark.parametrize('kind, known, why', [
    ('shape', {'a': (3, 2), 'b': (3,)}, 'Error in operator _foreach0: Error in operator _plus0: Incompatible attr'),
    ('type', {'a': 'float32', 'b': 'float64'}, 'Error in operator _foreach0: Error in operator _plus0: Incompatible attr'),
])
def test_contradictions_name_both_nodes(a, b, kind, known, why, capsys):
    with mx.name.NameManager():
        both = running_sum(a, b)
    with pytest.raises(mx.MXNetError, match=why):
        getattr(both, f'infer_{kind}')(**known)


def test_lengths_and_states_must_agree(a, b, capsys):
    out, _ = sym.contrib.foreach(lambda d, q: (d[0] + d[1], q), [a, sym.var('c')], b)
    with pytest.raises(mx.MXNetError, match=r'Shape inconsistent, Provided = \[5\], inferred shape=\(4\)'):
        out.infer_shape(a=(5, 2), c=(4, 2), b=(1,))
    grows, _ = sym.contrib.foreach(lambda d, q: (d, sym.concat(q, q, dim=0)), a, b)
    with pytest.raises(mx.MXNetError, match='state 0 of foreach, before and after a step'):
        grows.infer_shape(a=(5, 2), b=(3,))


# ---- graphs ------------------------------------------------------------------------------------------------------------

def test_graphs_with_bodies_can_be_copied_composed_and_pickled(a, b):
    graph = running_sum(a, b)
    for again in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph)), sym.load_json(graph.tojson())):
        assert again.tojson() == graph.tojson()
        assert values(again, [[1, 2], [3, 4]], [1, 1]) == [[[2, 3], [5, 7]], [5, 7]]
    composed = graph(a=sym.var('z') * 2)
    assert composed.list_arguments() == ['z', 'b']
    assert values(composed, [[1, 2]], [1, 1]) == [[[3, 5]], [3, 5]]


def test_a_symbol_of_several_outputs_is_a_list_of_them(a, b):
    out, states = sym.contrib.foreach(lambda d, q: (sym.split(d, num_outputs=2, axis=0), [q[1] * 1, q[0] + d]), a,
                                      sym.split(b, num_outputs=2, axis=0, squeeze_axis=True))
    assert len(out) == len(states) == 2
    assert values(sym.Group([*out, *states]), [[1, 2]], [[3, 4], [5, 6]]) == [[[1]], [[2]], [5, 6], [4, 6]]


def test_bodies_are_counted_by_name(a, b, monkeypatch):
    monkeypatch.setattr(mx.AttrScope, '_subgraph_names', {})
    graphs = [running_sum(a, b)._entries[0][0].subgraphs[0] for _ in range(2)]
    assert [g.attr('__subgraph_name__') for g in (graphs[0][0], graphs[1][0])] == ['foreach0', 'foreach1']
    assert mx.AttrScope._subgraph_names == {'foreach': 2}


# ---- what goes wrong when it runs --------------------------------------------------------------------------------------

@pytest.mark.parametrize('make, arrays, why', [
    (lambda a, b: sym.contrib.cond(a, lambda: b, lambda: b * 2), ([1, 1], [2]), 'in node .*: The current array is not a scalar'),
    (lambda a, b: running_sum(a, b), (np.zeros((0, 2)), [1, 1]), 'foreach: data has no elements along axis 0'),
    (lambda a, b: running_sum(a, b), ([[1, 2]], [1, 1, 1]), r'expected \[2\], got \[3\].*in node _plus.*in node _foreach'),
    (lambda a, b: sym.contrib.foreach(lambda d, q: (d[0] + d[1], q), [a, b], sym.var('c'))[0], ([[1], [2]], [[1]], [1]),
     'index 1 is out of bounds for axis 0 with size 1'),
])
def test_errors_name_the_node(make, arrays, why, a, b):
    run = CachedOp(make(a, b))
    with pytest.raises(mx.MXNetError, match=f'(?s){why}'):
        run(*map(mx.nd.array, arrays))


@pytest.mark.parametrize('name', ['_foreach', '_while_loop', '_cond'])
def test_operators_with_graphs_are_not_for_arrays(name):
    op = getattr(mx.nd._internal, name).operator
    attrs = {key: (0,) if key.endswith('locs') else '1' for key in op.attributes}
    with pytest.raises(mx.MXNetError, match=f'operator {name} runs a graph that its node holds; call nd.contrib'):
        getattr(mx.nd._internal, name)(mx.nd.zeros((1,)), **attrs)


# ---- devices -----------------------------------------------------------------------------------------------------------

def test_loops_and_branches_run_where_their_arrays_are(device):
    numbers = [[[1., 2], [3, 4], [5, 6]], [1., 1], [[.5, -1], [2, .25]], [3.]]

    def body(d, states):
        state = sym.tanh(sym.dot(d, sym.var('w')) + states[0])
        return sym.contrib.cond(state.sum() > 0, lambda: state * 2, lambda: d), [state]
    outs, states = sym.contrib.foreach(body, sym.var('d'), [sym.var('s')])
    i = sym.var('i')
    last = sym.contrib.while_loop(lambda i, x: i < 5, lambda i, x: (sym.broadcast_mul(x, i), [i + 1, x + x]), [i, states[0]],
                                  max_iterations=4)
    none = sym.contrib.while_loop(lambda i: i < 0, lambda i: (i * 2, [i + 1]), [i], max_iterations=4)
    graph = sym.Group([outs, last[0], *last[1], none[0], sym.contrib.cond(sym.ones((1,)), lambda: sym.zeros((2,)), lambda: sym.ones((2,)))])
    assert graph.list_inputs() == ['d', 's', 'w', 'i']
    results = []
    for ctx in (mx.cpu(), device):
        arrays = [mx.nd.array(x, ctx=ctx) for x in numbers]
        for x in arrays:
            x.attach_grad()
        with mx.autograd.record():
            found = CachedOp(graph).run(arrays, ctx)
            total = sum(x.sum() for x in found)
        total.backward()
        assert all(x.context == ctx for x in found)
        results.append([x.asnumpy() for x in (*found, *(x.grad for x in arrays))])
    for host, there in zip(*results, strict=True):
        np.testing.assert_allclose(there, host, rtol=1e-5, atol=1e-6)
