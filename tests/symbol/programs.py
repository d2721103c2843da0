"""Small programs on symbols that run with MXNet and with blockscope alike: loops, branches, random numbers, users' operators.

`GRAPHS` return symbols, of which text and names are compared; `NUMBERS` return a symbol and arrays, of which outputs and gradients
are compared; `ERRORS` raise. Each takes the module that answers to `mxnet`.
"""

__all__ = ['ERRORS', 'GRAPHS', 'NUMBERS']

GRAPHS, NUMBERS, ERRORS = {}, {}, {}


def graph(program):
    GRAPHS[program.__name__] = program
    return program


def number(program):
    NUMBERS[program.__name__] = program
    return program


def error(program):
    ERRORS[program.__name__] = program
    return program


# ---- loops and branches: graphs ----------------------------------------------------------------------------------------

@graph
def foreach_with_batch_norm(mx):
    def step(d, state):
        out = mx.sym.BatchNorm(d, name='bn')
        return out + state, out
    return mx.sym.Group(list(mx.sym.contrib.foreach(step, mx.sym.var('a'), mx.sym.var('b'))))


@graph
def foreach_nested_with_cond(mx):
    s, w = mx.sym, mx.sym.var('w')

    def outer(d, states):
        v = s.var('v', shape=(2,))

        def inner(e, t):
            u = s.var('u', lr_mult=2)
            return e * w + t * u, t + v + d.sum()
        out, t = s.contrib.foreach(inner, d, states[0], name='in')
        p = s.contrib.cond(t.sum() > 0, lambda: t * 2, lambda: t + w)
        return [out, p], [t]
    outs, states = s.contrib.foreach(outer, s.var('a') + 1, [s.split(s.var('b'), num_outputs=2)[1]], name='out')
    return s.Group([*outs, *states])


@graph
def while_and_cond_with_several_outputs(mx):
    s = mx.sym
    x, y, w = s.var('x'), s.var('y'), s.var('w')
    outs, variables = s.contrib.while_loop(lambda i, t: s.sum(t) < w.sum(), lambda i, t: ([i * 2, w * t], [i + 1, t + i]), [x, y],
                                           max_iterations=5)
    branches = s.contrib.cond(x > y, lambda: [x * 2, w], lambda: [w + 1, y], name='q')
    return s.Group([*outs, variables[0], *branches])


@graph
def scopes_reach_into_bodies(mx):
    s = mx.sym
    x, y = s.var('x'), s.var('y')
    with mx.AttrScope(ctx_group='g', __foo__='1'):
        out, state = s.contrib.foreach(lambda d, q: (d * s.FullyConnected(q, num_hidden=3), q * 2), x, y)
        out, state = s.contrib.foreach(lambda d, q: (d * q, q * 2), out, state)
    with mx.name.Prefix('pre_'):
        return s.Group([state, *s.contrib.foreach(lambda d, q: (q, q * d), out, y)])


@graph
def outputs_of_one_node(mx):
    s = mx.sym
    parts = s.split(s.var('x'), num_outputs=2)
    out, _ = s.contrib.foreach(lambda d, q: (d[0] * d[1] * q, q), [parts[0], parts[1]], s.var('y'))
    return s.Group([out, s.contrib.cond(parts[1].sum() > 0, lambda: parts[1] * parts[0], lambda: parts[0])])


@graph
def nesting_is_kept(mx):
    s = mx.sym
    out, states = s.contrib.foreach(lambda d, q: ([d[0][0] + d[1], [d[1]]], [q[0] * 2, [q[1][0] + 1]]), [[s.var('a')], s.var('b')],
                                    [s.var('c'), [s.var('d')]])
    (_, variables) = s.contrib.while_loop(lambda i, j: i < 3, lambda i, j: (None, (i + 1, j[0] * 2)), (s.var('i'), [s.var('j')]),
                                          max_iterations=4)
    return s.Group([out[0], out[1][0], states[0], states[1][0], variables[0], variables[1][0]])


@graph
def body_that_only_reads_from_outside(mx):
    a, b = mx.sym.var('a'), mx.sym.var('b')
    out, state = mx.sym.contrib.foreach(lambda d, q: (a, q + d), a, b)
    return mx.sym.Group([out, state])


@graph
def states_only_and_outputs_only(mx):
    a, b = mx.sym.var('a'), mx.sym.var('b')
    none, state = mx.sym.contrib.foreach(lambda d, q: ([], [d + q[0]]), a, [b])
    out, nothing = mx.sym.contrib.foreach(lambda d, q: (d, []), a, [])
    assert none == [] and nothing == []
    return mx.sym.Group([*state, out])


# ---- loops and branches: numbers ---------------------------------------------------------------------------------------

@number
def foreach_of_dense_steps(mx):
    a, b, w = mx.sym.var('a'), mx.sym.var('b'), mx.sym.var('w')

    def step(d, states):
        out = mx.sym.tanh(mx.sym.FullyConnected(d, w, num_hidden=2, no_bias=True)) * states[0]
        return [out, d + 1], [out + states[0]]
    outs, states = mx.sym.contrib.foreach(step, a, [b])
    return mx.sym.Group([*outs, *states]), {'a': [[[1, 2]], [[3, 4]], [[.5, .6]]], 'b': [[1, 2]], 'w': [[.1, .2], [.3, .4]]}


@number
def foreach_of_single_numbers(mx):
    out, state = mx.sym.contrib.foreach(lambda d, q: (d + q, q + d), mx.sym.var('a'), mx.sym.var('b'))
    return mx.sym.Group([out, state]), {'a': [1, 2, 3], 'b': [1]}


@number
def foreach_of_one_step(mx):
    out, state = mx.sym.contrib.foreach(lambda d, q: (d * q, q + 1), mx.sym.var('a'), mx.sym.var('b'))
    return mx.sym.Group([out, state]), {'a': [[1, 2]], 'b': [3, 4]}


@number
def while_that_ends_by_its_limit(mx):
    a, b, w = mx.sym.var('a'), mx.sym.var('b'), mx.sym.var('w')
    out, variables = mx.sym.contrib.while_loop(lambda i, t: i < 3, lambda i, t: (t * i, [i + 1, t * w]), [a, b], max_iterations=3)
    return mx.sym.Group([out, *variables]), {'a': [0], 'b': [2], 'w': [3]}


@number
def cond_that_holds(mx):
    a, b, w = mx.sym.var('a'), mx.sym.var('b'), mx.sym.var('w')
    return mx.sym.contrib.cond(a > b, lambda: a * w, lambda: b * b), {'a': [3], 'b': [2], 'w': [3]}


@number
def cond_that_does_not(mx):
    a, b, w = mx.sym.var('a'), mx.sym.var('b'), mx.sym.var('w')
    return mx.sym.contrib.cond(a > b, lambda: [a * w, a], lambda: [b * b, w])[0], {'a': [1], 'b': [2], 'w': [3]}


# ---- loops and branches: errors ----------------------------------------------------------------------------------------

def _foreach_error(name, body, data=lambda s: s.var('a'), states=lambda s: s.var('b')):
    ERRORS[name] = lambda mx: mx.sym.contrib.foreach(lambda d, q: body(mx.sym, d, q), data(mx.sym), states(mx.sym))


_foreach_error('foreach_format', lambda s, d, q: (d, q[0]), states=lambda s: [s.var('b')])
_foreach_error('foreach_unused_data', lambda s, d, q: (q, q))
_foreach_error('foreach_unused_state', lambda s, d, q: (d, d))
_foreach_error('foreach_data_type', lambda s, d, q: (d, q), data=lambda s: 3)
_foreach_error('foreach_state_type', lambda s, d, q: (d, q), states=lambda s: [3])
_foreach_error('foreach_output_type', lambda s, d, q: (3, q))
_foreach_error('foreach_new_state_type', lambda s, d, q: (d, 3))
_foreach_error('foreach_one_result', lambda s, d, q: d)
_foreach_error('foreach_equal_names', lambda s, d, q: (s.var('a-0') + d + q, q))


def _while_error(name, cond=lambda s, i: i < 3, func=lambda s, i: (i, [i + 1]), variables=lambda s: [s.var('a')], **limit):
    ERRORS[name] = lambda mx: mx.sym.contrib.while_loop(lambda *i: cond(mx.sym, *i), lambda *i: func(mx.sym, *i), variables(mx.sym),
                                                        **limit)


_while_error('while_no_limit')
_while_error('while_limit', max_iterations='q')
_while_error('while_no_variables', variables=lambda s: [], max_iterations=2)
_while_error('while_cond_type', cond=lambda s, i: True, max_iterations=2)
_while_error('while_more_variables', func=lambda s, i: (i, [i, i + 1]), max_iterations=2)
_while_error('while_fewer_variables', func=lambda s, i: (i, None), max_iterations=2)
_while_error('while_one_result', func=lambda s, i: i, max_iterations=2)
_while_error('while_unused_variable', cond=lambda s, i, j: i < 3, func=lambda s, i, j: (i, [i + 1, i]),
             variables=lambda s: [s.var('a'), s.var('b')], max_iterations=2)
_while_error('while_variable_type', variables=lambda s: [3], max_iterations=2)


def _cond_error(name, pred, then, other):
    ERRORS[name] = lambda mx: mx.sym.contrib.cond(pred(mx.sym), lambda: then(mx.sym), lambda: other(mx.sym))


_cond_error('cond_counts', lambda s: s.var('a'), lambda s: [s.var('a')], lambda s: [s.var('a'), s.var('b')])
_cond_error('cond_pred_type', lambda s: 1, lambda s: s.var('a'), lambda s: s.var('b'))
_cond_error('cond_preds', lambda s: [s.var('a'), s.var('b')], lambda s: s.var('a'), lambda s: s.var('b'))
_cond_error('cond_branch_type', lambda s: s.var('a'), lambda s: 1, lambda s: s.var('b'))
_cond_error('cond_no_outputs', lambda s: s.var('a'), lambda s: [], lambda s: [])


# ---- random numbers ----------------------------------------------------------------------------------------------------

@graph
def random_of_numbers(mx):
    r = mx.sym.random
    return mx.sym.Group([
        r.uniform(), r.uniform(1, 2, shape=(2, 3)), r.normal(shape=(2,), dtype='float16'), r.randn(2, 3), r.randn(), r.exponential(2),
        r.gamma(1, 2.5, shape=[2]), r.poisson(), r.negative_binomial(3, .5, shape=2, name='nb'), r.generalized_negative_binomial(),
        r.randint(0, 5, shape=(2,), dtype='int64'), r.uniform(1, 2, ctx=mx.cpu()), mx.sym.uniform(0, 1, shape=(2,)), mx.sym.normal(),
        mx.sym.random_uniform(), mx.sym.random_randint(0, 4)])


@graph
def random_of_symbols(mx):
    r, a, b = mx.sym.random, mx.sym.var('a'), mx.sym.var('b')
    return mx.sym.Group([
        r.uniform(a, b, shape=3), r.normal(a, b), r.randn(2, loc=a, scale=b), r.exponential(a), r.gamma(a, b, name='g'), r.poisson(a),
        r.negative_binomial(a, b), r.generalized_negative_binomial(a, b, dtype='float64'), r.multinomial(a)[1],
        r.multinomial(a, shape=3, get_prob=False, dtype='float32'), r.shuffle(a), r.uniform_like(a), r.normal_like(a, loc=1),
        r.exponential_like(a, lam=2), r.gamma_like(a), r.poisson_like(a), r.negative_binomial_like(a),
        r.generalized_negative_binomial_like(a), mx.sym.shuffle(a), mx.sym.sample_uniform(a, b), mx.sym.sample_multinomial(a)])


@graph
def zipfian(mx):
    return mx.sym.Group(list(mx.sym.contrib.rand_zipfian(mx.sym.var('a'), 4, 5)))


def _random_error(name, call):
    ERRORS[f'random_{name}'] = lambda mx: call(mx.sym.random, mx.sym.var('a'))


_random_error('symbol_and_number', lambda r, a: r.uniform(a, 1))
_random_error('number_and_symbol', lambda r, a: r.gamma(1, a))
_random_error('neither', lambda r, a: r.normal('x'))
ERRORS['zipfian_of_numbers'] = lambda mx: mx.sym.contrib.rand_zipfian(3, 4, 5)


# ---- users' operators --------------------------------------------------------------------------------------------------

def register_operators(mx):
    """Register an operator of two inputs, two outputs and a state, and one that describes itself wrongly."""
    class Scale(mx.operator.CustomOp):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, is_train, req, in_data, out_data, aux):
            self.assign(out_data[0], req[0], in_data[0] * self.factor)
            self.assign(out_data[1], req[1], in_data[1] + is_train)
            aux[0][:] = aux[0] + 1

        def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
            self.assign(in_grad[0], req[0], out_grad[0] * self.factor)
            self.assign(in_grad[1], req[1], out_grad[1] + out_data[1])

    class ScaleProp(mx.operator.CustomOpProp):
        def __init__(self, k='1', **others):
            super().__init__(need_top_grad=True)
            self.factor = float(k)

        def list_arguments(self):
            return ['x', 'w']

        def list_outputs(self):
            return ['p', 'q']

        def list_auxiliary_states(self):
            return ['state']

        def infer_shape(self, in_shape):
            return [in_shape[0], [in_shape[0][1]]], [in_shape[0], [in_shape[0][1]]], [[1]]

        def create_operator(self, ctx, in_shapes, in_dtypes):
            return Scale(self.factor)
    mx.operator.register('programs_scale')(ScaleProp)


@graph
def custom_with_everything(mx):
    register_operators(mx)
    s = mx.sym
    first = s.Custom(s.var('a') * 2, op_type='programs_scale', k=3, z=(1, 2))
    second = s.Custom(w=s.var('ww'), x=first[0], op_type='programs_scale', name='cu', lr_mult=2, attr={'__foo__': '1'})
    with mx.name.Prefix('p_'):
        third = s.Custom(second[0], second[1], s.var('st'), op_type='programs_scale', dtype='float16', none=None, yes=True)
    return s.Group([first[1], second[0], third])


@number
def custom_operator(mx):
    register_operators(mx)
    a, b = mx.sym.var('a'), mx.sym.var('b')
    out = mx.sym.Custom(a * a, b, op_type='programs_scale', k=3, name='c')
    return mx.sym.Group([out[0] * 2, out[1]]), {'a': [[1, 2], [3, 4]], 'b': [5, 6], 'c_state': [7]}


def _custom_error(name, call):
    def program(mx):
        register_operators(mx)
        return call(mx.sym, mx.sym.var('a'))
    ERRORS[f'custom_{name}'] = program


_custom_error('no_type', lambda s, a: s.Custom(a))
_custom_error('unknown', lambda s, a: s.Custom(a, op_type='programs_nosuch'))
_custom_error('too_many', lambda s, a: s.Custom(a, a, s.var('c'), s.var('d'), op_type='programs_scale'))
_custom_error('mixed', lambda s, a: s.Custom(a, w=s.var('c'), op_type='programs_scale'))
_custom_error('state', lambda s, a: s.Custom(a, a, a + 1, op_type='programs_scale'))
_custom_error('number', lambda s, a: s.Custom(3, op_type='programs_scale'))
