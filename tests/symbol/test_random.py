"""mx.sym.random when it runs; names, operators and attributes are compared in test_control_flow_programs.py."""
import numpy as np
import pytest

import blockscope as mx
from blockscope.executor import CachedOp

random = mx.sym.random


def draw(symbol, *arrays):
    return [x.asnumpy() for x in CachedOp(symbol).run([mx.nd.array(x) for x in arrays], mx.cpu())]


@pytest.mark.parametrize('symbolic, eager', [
    (lambda: random.uniform(2, 3, shape=(3, 4)), lambda: mx.nd.random.uniform(2, 3, shape=(3, 4))),
    (lambda: random.normal(1, .5, shape=5, dtype='float64'), lambda: mx.nd.random.normal(1, .5, shape=5, dtype='float64')),
    (lambda: random.randn(2, 3), lambda: mx.nd.random.randn(2, 3)),
    (lambda: random.gamma(2, 3, shape=4), lambda: mx.nd.random.gamma(2, 3, shape=4)),
    (lambda: random.exponential(4, shape=4), lambda: mx.nd.random.exponential(4, shape=4)),
    (lambda: random.poisson(4, shape=4), lambda: mx.nd.random.poisson(4, shape=4)),
    (lambda: random.negative_binomial(4, .5, shape=4), lambda: mx.nd.random.negative_binomial(4, .5, shape=4)),
    (lambda: random.generalized_negative_binomial(4, .5, shape=4), lambda: mx.nd.random.generalized_negative_binomial(4, .5, shape=4)),
    (lambda: random.randint(0, 9, shape=6), lambda: mx.nd.random.randint(0, 9, shape=6)),
])
def test_a_graph_draws_what_arrays_draw(symbolic, eager):
    graph = symbolic()
    mx.random.seed(5)
    expected = [eager().asnumpy() for _ in range(2)]
    mx.random.seed(5)
    run = CachedOp(graph)
    for array in expected:
        found, = run.run((), mx.cpu())
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found.asnumpy(), array)
    assert (expected[0] != expected[1]).any()


def test_parameters_may_be_symbols():
    found, = draw(random.uniform(mx.sym.var('low'), mx.sym.var('high'), shape=50), [0, 10], [1, 11])
    assert found.shape == (2, 50)
    assert (found // 10 == [[0], [1]]).all()
    graph = random.normal(mx.sym.var('m'), mx.sym.var('s'))
    assert graph.list_arguments() == ['m', 's']
    assert draw(graph, [3, 4], [0, 0])[0].tolist() == [3, 4]


def test_multinomial_gives_probabilities_unless_told_otherwise():
    # For arrays the default of get_prob is False: MXNet's front ends differ.
    data = mx.sym.var('p')
    both = random.multinomial(data, shape=3)
    assert both.list_outputs() == [f'{both.name}_output0', f'{both.name}_output1']
    indices, logarithms = draw(both, [[0, 1], [1, 0]])
    assert indices.tolist() == [[1, 1, 1], [0, 0, 0]] and indices.dtype == np.int32
    assert logarithms.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert len(random.multinomial(data, get_prob=False)) == 1


def test_like_takes_the_shape_of_its_input():
    found, = draw(random.uniform_like(mx.sym.var('x'), low=2, high=3), np.zeros((4, 5)))
    assert found.shape == (4, 5) and (found >= 2).all() and (found < 3).all()


def test_shuffle_keeps_the_rows():
    found, = draw(random.shuffle(mx.sym.var('x')), np.arange(40).reshape(20, 2))
    assert sorted(found[:, 0].tolist()) == list(range(0, 40, 2)) and (found[:, 1] == found[:, 0] + 1).all()


def test_zipfian_counts():
    classes, of_true, of_drawn = mx.sym.contrib.rand_zipfian(mx.sym.var('t'), 1000, 5)
    # expected counts by the formula 1000 * log((k + 2) / (k + 1)) / log(6)
    drawn, true_counts, drawn_counts = draw(mx.sym.Group([classes, of_true, of_drawn]), [3])
    expected = 1000 * np.log((np.arange(5) + 2.) / (np.arange(5) + 1)) / np.log(6)
    assert drawn.dtype == np.int64 and set(drawn.tolist()) == set(range(5))
    np.testing.assert_allclose(true_counts, expected[3:4], rtol=1e-6)
    np.testing.assert_allclose(drawn_counts, expected[drawn], rtol=1e-6)
    # the standard deviation of such a count is at most 16
    np.testing.assert_allclose(np.bincount(drawn), expected, atol=80)


def test_zipfian_of_arrays_draws_the_same():
    graph = mx.sym.Group(list(mx.sym.contrib.rand_zipfian(mx.sym.var('t'), 6, 50)))
    mx.random.seed(3)
    expected = draw(graph, [3, 4])
    mx.random.seed(3)
    for x, array in zip(mx.nd.contrib.rand_zipfian(mx.nd.array([3, 4]), 6, 50), expected, strict=True):
        np.testing.assert_array_equal(x.asnumpy(), array)


def test_shapes_and_types_of_random_symbols_are_known():
    assert random.uniform(shape=(2, 3), dtype='float16').infer_shape() == ([], [(2, 3)], [])
    assert random.uniform(shape=(2, 3), dtype='float16').infer_type()[1] == [np.float16]
    graph = random.normal(mx.sym.var('m'), mx.sym.var('s'), shape=(4,))
    assert graph.infer_shape(m=(2,)) == ([(2,), (2,)], [(2, 4)], [])
    assert random.randint(0, 5, shape=2).infer_type()[1] == [np.int32]


def test_unknown_attributes_are_refused():
    with pytest.raises(mx.MXNetError, match="Cannot find argument 'foo'"):
        random.uniform(0, 1, foo=1)
    with pytest.raises(AssertionError, match='loc and scale must be numbers or symbols'):
        random.randn(2, loc='x')
    with pytest.raises(mx.MXNetError, match="Cannot find argument 'ctx'"):
        mx.sym.sum(mx.sym.var('x'), ctx=mx.cpu())
    assert random.uniform(shape=(2,), ctx=mx.cpu(0)).attr('ctx') == 'cpu(0)'
