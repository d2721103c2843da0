"""Small programs around `Symbol.bind`: each takes the module ``mx`` (MXNet or blockscope) and returns what it saw.

`record_executor.py` runs them on MXNet 1.9.1; `test_recorded.py` runs them here and compares.
"""
import numpy as np

CASES = {}
ERRORS = {}  # cases that raise


def case(function):
    CASES[function.__name__] = function
    return function


def error(function):
    ERRORS[function.__name__] = function
    return function


def _sum(mx):
    """2 a + b, and arrays for it."""
    net = 2 * mx.sym.var('a') + mx.sym.var('b')
    return net, {'a': mx.nd.array([1, 2]), 'b': mx.nd.array([3, 4])}


def _bound(mx, **kwargs):
    net, args = _sum(mx)
    return net.bind(mx.cpu(), args, args_grad={'a': mx.nd.zeros(2), 'b': mx.nd.zeros(2)}, **kwargs)


def _classifier(mx):
    net = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=3, name='fc')
    return mx.sym.SoftmaxOutput(net, name='softmax')


def _filled(executor, mx):
    for i, array in enumerate(executor.arg_arrays):
        values = np.arange(array.size).reshape(array.shape) % 5 - 1.5 + i / 4
        array[:] = mx.nd.array(values.astype('float32'), dtype=array.dtype)
    return executor


# ---- bind, forward, backward -----------------------------------------------------------------------------------------------

@case
def forward_and_backward(mx):
    ex = _bound(mx)
    outs = ex.forward(is_train=True)
    ex.backward(mx.nd.array([1, 10]))
    return [outs, ex.grad_dict, ex.arg_dict, ex.output_dict, ex.aux_dict]


@case
def outputs_are_overwritten(mx):
    ex = _bound(mx)
    first = ex.forward()[0]
    ex.forward(a=mx.nd.array([5, 6]))
    return first


@case
def view_of_an_output_is_overwritten(mx):
    ex = _bound(mx)
    part = ex.forward()[0][1:]
    ex.forward(a=mx.nd.array([5, 6]))
    return part


@case
def outputs_before_forward(mx):
    return _bound(mx).outputs[0].shape


@case
def numpy_argument(mx):
    return _bound(mx).forward(a=np.array([1.5, 2]))


@case
def heads_by_name(mx):
    ex = _bound(mx)
    ex.forward(is_train=True)
    ex.backward({'_plus0_output': mx.nd.array([1, 3])})
    return ex.grad_arrays


@case
def backward_twice(mx):
    ex = _bound(mx)
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones(2))
    ex.backward(mx.nd.ones(2) * 2)
    return ex.grad_arrays


@case
def backward_twice_adding(mx):
    ex = _bound(mx, grad_req='add')
    ex.grad_dict['a'][:] = 1
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones(2))
    ex.backward(mx.nd.ones(2) * 2)
    return ex.grad_arrays


@case
def backward_after_predicting(mx):
    ex = _bound(mx)
    ex.forward(is_train=False)
    ex.backward(mx.nd.ones(2))
    return ex.grad_arrays


@case
def requests_by_name(mx):
    ex = _bound(mx, grad_req={'a': 'add'})
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones(2))
    return ex.grad_arrays


@case
def requests_in_a_list(mx):
    ex = _bound(mx, grad_req=['null', 'write'])
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones(2))
    return ex.grad_arrays


@case
def without_gradients(mx):
    net, args = _sum(mx)
    ex = net.bind(mx.cpu(), args)
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones(2))
    ex.backward()
    return ex.grad_arrays


@case
def some_gradients(mx):
    net, args = _sum(mx)
    ex = net.bind(mx.cpu(), [args['a'], args['b']], args_grad=[mx.nd.zeros(2), None])
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones(2))
    return ex.grad_arrays


@case
def unreached_argument_gets_zeros(mx):
    net = mx.sym.Group([mx.sym.var('a') * 2, mx.sym.BlockGrad(mx.sym.var('b'))])
    ex = net.bind(mx.cpu(), {'a': mx.nd.ones(2), 'b': mx.nd.ones(2)}, args_grad={'a': mx.nd.ones(2) * 7, 'b': mx.nd.ones(2) * 7})
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones(2))
    return ex.grad_arrays


@case
def a_variable_alone(mx):
    x = mx.nd.array([1, 2])
    ex = mx.sym.var('a').bind(mx.cpu(), [x])
    out = ex.forward()[0]
    out[:] = 7
    return x


@case
def the_same_output_twice(mx):
    x = mx.sym.var('x')
    y = mx.sym.exp(x)
    ex = mx.sym.Group([y, y * 2, y, x]).bind(mx.cpu(), [mx.nd.zeros(2)], [mx.nd.zeros(2)])
    outs = ex.forward(is_train=True)
    ex.backward([mx.nd.ones(2), mx.nd.ones(2) * 10, mx.nd.ones(2) * 100, mx.nd.ones(2) * 1000])
    return [outs, ex.grad_arrays]


@case
def evaluated(mx):
    net, args = _sum(mx)
    return net.eval(**args)


@case
def evaluated_elsewhere(mx):
    return (mx.sym.zeros((2,)) + 1).eval(ctx=mx.cpu(1))[0].context


@case
def several_outputs(mx):
    ex = mx.sym.split(mx.sym.var('x'), num_outputs=3, axis=1).simple_bind(mx.cpu(), x=(2, 3))
    outs = _filled(ex, mx).forward(is_train=True)
    ex.backward([mx.nd.ones((2, 1)), mx.nd.ones((2, 1)) * 2, mx.nd.ones((2, 1)) * 3])
    return [outs, ex.grad_arrays]


@case
def dropout_twice(mx):
    ex = mx.sym.Dropout(mx.sym.var('x')).bind(mx.cpu(), [mx.nd.ones((8, 8))], [mx.nd.zeros((8, 8))])
    out = ex.forward(is_train=True)[0].asnumpy()
    ex.backward(mx.nd.ones((8, 8)))
    same = bool((ex.grad_arrays[0].asnumpy() == out).all())
    return [same, bool((out == 0).any()), bool((ex.forward(is_train=False)[0].asnumpy() == 1).all())]


@case
def batch_normalisation(mx):
    net = mx.sym.BatchNorm(mx.sym.var('x'), name='bn', fix_gamma=False)
    args = {'x': mx.nd.array([[1, 2], [3, 6]]), 'bn_gamma': mx.nd.array([1, 2]), 'bn_beta': mx.nd.zeros(2)}
    ex = net.bind(mx.cpu(), args, args_grad={name: mx.nd.zeros(x.shape) for name, x in args.items()},
                  aux_states={'bn_moving_mean': mx.nd.zeros(2), 'bn_moving_var': mx.nd.ones(2)})
    outs = ex.forward(is_train=True)
    ex.backward(mx.nd.array([[1, 0], [0, 0]]))
    return [outs, ex.grad_dict, ex.aux_dict, ex.forward(is_train=False)]


# ---- heads without gradients -----------------------------------------------------------------------------------------------

def _without_heads(mx, net):
    ex = _filled(net.simple_bind(mx.cpu(), x=(2, 3)), mx)
    outs = ex.forward(is_train=True)
    ex.backward()
    return [outs, ex.grad_arrays]


_LOSSES = {
    'softmax_output': lambda mx, x: mx.sym.SoftmaxOutput(x, name='s'),
    'linear_regression': lambda mx, x: mx.sym.LinearRegressionOutput(x, name='s'),
    'logistic_regression': lambda mx, x: mx.sym.LogisticRegressionOutput(x, name='s'),
    'absolute_regression': lambda mx, x: mx.sym.MAERegressionOutput(x, name='s'),
    'svm': lambda mx, x: mx.sym.SVMOutput(x, name='s'),
    'scaled_make_loss': lambda mx, x: mx.sym.MakeLoss(x, grad_scale=3, name='s'),
    'make_loss': lambda mx, x: mx.sym.make_loss(x, name='s'),
    'block_grad': lambda mx, x: mx.sym.BlockGrad(x),
    'argmax': lambda mx, x: mx.sym.argmax(x, axis=1),
    'comparison': lambda mx, x: x > 0.5,
    'one_hot': lambda mx, x: mx.sym.one_hot(x, depth=3),
    'round': lambda mx, x: mx.sym.round(x),
    'topk': lambda mx, x: mx.sym.topk(x),
    'loss_behind_identity': lambda mx, x: mx.sym.identity(mx.sym.make_loss(x)),
    'loss_of_layers': lambda mx, x: mx.sym.make_loss(mx.sym.square(mx.sym.FullyConnected(x, num_hidden=2, name='fc'))),
    'loss_and_prediction': lambda mx, x: mx.sym.Group([mx.sym.make_loss(x * x), mx.sym.BlockGrad(x) * 2]),
}
for _name, _make in _LOSSES.items():
    CASES[f'no_heads_{_name}'] = lambda mx, make=_make: _without_heads(mx, make(mx, mx.sym.var('x')))

_NO_LOSSES = {
    'plain': lambda mx, x: x * 2,
    'variable': lambda mx, x: x,
    'loss_and_plain': lambda mx, x: mx.sym.Group([mx.sym.make_loss(x), x * 2]),
    'cast': lambda mx, x: mx.sym.cast(x, dtype='float64'),
}
for _name, _make in _NO_LOSSES.items():
    ERRORS[f'heads_missing_{_name}'] = lambda mx, make=_make: _without_heads(mx, make(mx, mx.sym.var('x')))


@case
def first_head_only(mx):
    x = mx.sym.var('x')
    ex = _filled(mx.sym.Group([x * 2, mx.sym.make_loss(x)]).simple_bind(mx.cpu(), x=(2, 3)), mx)
    ex.forward(is_train=True)
    ex.backward(mx.nd.ones((2, 3)) * 5)
    return ex.grad_arrays


@error
def second_head_missing(mx):
    ex = mx.sym.split(mx.sym.var('x'), num_outputs=3, axis=1).simple_bind(mx.cpu(), x=(2, 3))
    ex.forward(is_train=True)
    ex.backward([mx.nd.ones((2, 1))])


# ---- errors of bind, forward and backward ----------------------------------------------------------------------------------

def _bind_error(name, call, **kwargs):
    def program(mx):
        net, args = _sum(mx)
        call(mx, net, args)
    ERRORS[name] = program


_bind_error('context_of_wrong_type', lambda mx, net, args: net.bind('cpu', args))
_bind_error('argument_missing', lambda mx, net, args: net.bind(mx.cpu(), {'a': args['a']}))
_bind_error('argument_missing_in_list', lambda mx, net, args: net.bind(mx.cpu(), [args['a']]))
_bind_error('argument_no_array', lambda mx, net, args: net.bind(mx.cpu(), [args['a'], 3]))
_bind_error('argument_no_array_by_name', lambda mx, net, args: net.bind(mx.cpu(), {'a': args['a'], 'b': 3}))
_bind_error('arguments_in_tuple', lambda mx, net, args: net.bind(mx.cpu(), (args['a'], args['b'])))
_bind_error('arguments_none', lambda mx, net, args: net.bind(mx.cpu(), None))
_bind_error('gradients_missing_in_list', lambda mx, net, args: net.bind(mx.cpu(), args, args_grad=[args['a']]))
_bind_error('request_unknown', lambda mx, net, args: net.bind(mx.cpu(), args, grad_req='foo'))
_bind_error('request_unknown_in_list', lambda mx, net, args: net.bind(mx.cpu(), args, grad_req=['foo', 'write']))
_bind_error('request_unknown_by_name', lambda mx, net, args: net.bind(mx.cpu(), args, grad_req={'a': 'foo'}))
_bind_error('context_of_argument', lambda mx, net, args: net.bind(mx.cpu(1), args))
_bind_error('context_of_gradient', lambda mx, net, args: net.bind(mx.cpu(), args, {'a': mx.nd.zeros(2, ctx=mx.cpu(1))}))
_bind_error('evaluated_without', lambda mx, net, args: net.eval(a=args['a']))
_bind_error('auxiliary_missing', lambda mx, net, args: mx.sym.BatchNorm(net, name='bn').bind(
    mx.cpu(), {**args, 'bn_gamma': mx.nd.ones(2), 'bn_beta': mx.nd.ones(2)}))
_bind_error('forward_unknown', lambda mx, net, args: net.bind(mx.cpu(), args).forward(x=args['a']))
_bind_error('forward_no_array', lambda mx, net, args: net.bind(mx.cpu(), args).forward(a=[1, 2]))
_bind_error('forward_other_shape', lambda mx, net, args: net.bind(mx.cpu(), args).forward(a=mx.nd.zeros(3)))
_bind_error('head_no_array', lambda mx, net, args: net.bind(mx.cpu(), args).backward([1]))
_bind_error('head_name_missing', lambda mx, net, args: net.bind(mx.cpu(), args).backward({'x': args['a']}))
_bind_error('copy_unknown', lambda mx, net, args: net.bind(mx.cpu(), args).copy_params_from({'z': args['a']}))
_bind_error('copy_unknown_state', lambda mx, net, args: net.bind(mx.cpu(), args).copy_params_from({'a': args['a']}, {'z': args['a']}))


@error
def head_of_other_shape(mx):
    ex = _bound(mx)
    ex.forward(is_train=True)
    ex.backward(mx.nd.zeros(3))
    ex.grad_arrays[0].wait_to_read()


@error
def shapes_differ(mx):
    net, args = _sum(mx)
    net.bind(mx.cpu(), {'a': args['a'], 'b': mx.nd.zeros(3)})


@error
def types_differ(mx):
    net, args = _sum(mx)
    net.bind(mx.cpu(), {'a': args['a'], 'b': mx.nd.zeros(2, dtype='float64')})


@error
def two_variables_of_one_name(mx):
    (mx.sym.var('a') + mx.sym.var('a')).bind(mx.cpu(), [mx.nd.zeros(2), mx.nd.zeros(2)])
