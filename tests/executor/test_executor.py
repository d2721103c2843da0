"""Executors beyond what MXNet's answers show: training, plans that are used again, devices, memory, and where MXNet is stricter."""
import numpy as np
import pytest

import blockscope as mx


def _regression():
    return mx.sym.LinearRegressionOutput(mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=1, name='fc'), mx.sym.var('y'), name='out')


def test_training_by_hand(device):
    """Ten steps of gradient descent on a line, on every device, against the same in NumPy: dw = x'(x w + b - y)."""
    draw = np.random.RandomState(0)
    x, w, b = draw.randn(8, 3), np.zeros((3, 1)), np.zeros(1)
    y = x @ [[1.], [-2.], [.5]] + 3
    executor = _regression().simple_bind(device, grad_req={'fc_weight': 'write', 'fc_bias': 'write'}, x=(8, 3), y=(8, 1))
    data, labels = mx.nd.array(x, ctx=device), mx.nd.array(y, ctx=device)
    losses = []
    for _ in range(10):
        out, = executor.forward(is_train=True, x=data, y=labels)
        executor.backward()
        for name in ('fc_weight', 'fc_bias'):
            executor.arg_dict[name] -= 0.05 * executor.grad_dict[name]
        difference = x @ w + b - y
        np.testing.assert_allclose(out.asnumpy(), difference + y, rtol=1e-4, atol=1e-5)
        w, b = w - .05 * x.T @ difference, b - .05 * difference.sum(0)
        losses.append(float((difference ** 2).sum()))
    np.testing.assert_allclose(executor.arg_dict['fc_weight'].asnumpy(), w.T, rtol=1e-4, atol=1e-5)
    assert losses[-1] < losses[0] / 20


def _deep():
    net = mx.sym.var('data')
    for i in range(3):
        net = mx.sym.Convolution(net, kernel=(3, 3), pad=(1, 1), num_filter=8, name=f'c{i}')
        net = mx.sym.Activation(mx.sym.BatchNorm(net, fix_gamma=False, name=f'bn{i}'), act_type='relu')
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.flatten(net), num_hidden=4, name='fc'), name='softmax')


def test_later_passes_agree_with_the_first():
    """The first run prepares buffers, in-place steps and the like; later ones on other values give what a new executor gives."""
    executor = _deep().simple_bind(mx.cpu(), data=(4, 3, 16, 16))
    draw = np.random.RandomState(1)
    for _ in range(4):
        values = {name: mx.nd.array(draw.uniform(-1, 1, x.shape) if name != 'softmax_label' else draw.randint(0, 4, x.shape))
                  for name, x in executor.arg_dict.items()}
        fresh = _deep().simple_bind(mx.cpu(), data=(4, 3, 16, 16))
        for ex in (executor, fresh):
            ex.copy_params_from(values, {name: mx.nd.ones(x.shape) for name, x in ex.aux_dict.items()})
            ex.forward(is_train=True)
            ex.backward()
        np.testing.assert_array_equal(executor.outputs[0].asnumpy(), fresh.outputs[0].asnumpy())
        for name, grad in fresh.grad_dict.items():
            np.testing.assert_allclose(executor.grad_dict[name].asnumpy(), grad.asnumpy(), rtol=1e-5, atol=1e-6, err_msg=name)
        for name, state in fresh.aux_dict.items():
            np.testing.assert_array_equal(executor.aux_dict[name].asnumpy(), state.asnumpy())
        np.testing.assert_array_equal(executor.forward()[0].asnumpy(), fresh.forward()[0].asnumpy())


def test_plans_are_made_once():
    executor = _regression().simple_bind(mx.cpu(), x=(2, 3))
    for is_train in (True, False, 1, 0, True):
        executor.forward(is_train=is_train)
        executor.backward()
    plans = executor._program._plans
    assert sorted(plans) == [False, True]
    kept = [plan for made in plans.values() for plan in made]
    executor.forward(is_train=True)
    assert kept == [plan for made in plans.values() for plan in made]


def test_the_same_gradients_as_gluon():
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(5, activation='tanh', in_units=3), mx.gluon.nn.Dense(2, in_units=5))
    net.initialize(mx.init.Normal(1))
    x = mx.nd.random.normal(shape=(4, 3))
    with mx.autograd.record():
        out = net(x)
    head = mx.nd.random.normal(shape=(4, 2))
    out.backward(head)
    executor = net(mx.sym.var('data')).simple_bind(mx.cpu(), data=(4, 3))
    executor.copy_params_from({name: param.data() for name, param in net.collect_params().items()})
    np.testing.assert_array_equal(executor.forward(is_train=True, data=x)[0].asnumpy(), out.asnumpy())
    executor.backward(head)
    for name, param in net.collect_params().items():
        np.testing.assert_array_equal(executor.grad_dict[name].asnumpy(), param.grad().asnumpy())


def test_nothing_goes_onto_the_tape():
    x = mx.nd.array([1, 2])
    x.attach_grad()
    with mx.autograd.record():
        out, = (mx.sym.var('x') * 3).eval(x=x)
        y = out * x
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [3, 6])  # the output is a constant


def test_an_output_on_the_tape_is_not_silently_overwritten():
    executor = (mx.sym.var('x') * 3).bind(mx.cpu(), [mx.nd.array([1, 2])])
    w = mx.nd.ones(2)
    w.attach_grad()
    with mx.autograd.record():
        y = executor.forward()[0] * w
    executor.forward(x=mx.nd.array([5, 6]))
    with pytest.raises(mx.MXNetError, match='overwritten in place'):
        y.backward()


def test_writing_to_an_output_leaves_the_rest_alone():
    """An output that could be a view of something else (a transposed argument, a repeated number) has memory of its own."""
    x = mx.nd.array([[1, 2], [3, 4]])
    net = mx.sym.Group([mx.sym.transpose(mx.sym.var('x')), mx.sym.broadcast_to(mx.sym.sum(mx.sym.var('y')), shape=(3,))])
    executor = net.bind(mx.cpu(), {'x': x, 'y': mx.nd.ones(2)})
    for _ in range(2):
        turned, repeated = executor.forward()
        turned[:] = 0
        repeated[0] = 7
        np.testing.assert_array_equal(repeated.asnumpy(), [7, 2, 2])
        np.testing.assert_array_equal(x.asnumpy(), [[1, 2], [3, 4]])


def test_backward_before_forward_runs_forward():
    executor = mx.sym.exp(mx.sym.var('x')).bind(mx.cpu(), [mx.nd.zeros(2)], [mx.nd.zeros(2)])
    executor.backward(mx.nd.ones(2))
    np.testing.assert_array_equal(executor.grad_arrays[0].asnumpy(), [1, 1])


def test_heads_of_another_type_and_context(fake):
    executor = (mx.sym.var('x') * 2).simple_bind(fake(1), x=(2,))
    executor.forward(is_train=True)
    executor.backward(mx.nd.array([1, 2], dtype='float64'))
    np.testing.assert_array_equal(executor.grad_arrays[0].asnumpy(), [2, 4])
    assert executor.grad_arrays[0].context is fake(1) and executor.grad_arrays[0].dtype == np.float32


def test_softmax_output_with_out_grad_needs_a_head():
    """The head scales the gradient: 2 (softmax - one hot). MXNet reads wrong memory here, and asks for none."""
    net = mx.sym.SoftmaxOutput(mx.sym.var('x'), mx.sym.var('label'), out_grad=True, name='s')
    executor = net.bind(mx.cpu(), [mx.nd.zeros((1, 2)), mx.nd.zeros(1)], {'x': mx.nd.zeros((1, 2))})
    executor.forward(is_train=True)
    with pytest.raises(mx.MXNetError, match=r'head_gradient is required .* Output 0 \(s_output\) has no out_grad'):
        executor.backward()
    executor.backward(mx.nd.ones((1, 2)) * 2)
    np.testing.assert_array_equal(executor.grad_arrays[0].asnumpy(), [[-1, 1]])


def test_states_among_the_arrays_of_eval():
    arrays = {'x': mx.nd.array([[1, 3]]), 'bn_gamma': mx.nd.ones(2), 'bn_beta': mx.nd.zeros(2), 'bn_moving_mean': mx.nd.ones(2),
              'bn_moving_var': mx.nd.array([0, 3])}
    out, = mx.sym.BatchNorm(mx.sym.var('x'), name='bn', eps=1).eval(**arrays)
    np.testing.assert_allclose(out.asnumpy(), [[0, 1]])


def test_loops_in_bound_graphs():
    """Cumulative sums: each step's head reaches all earlier slices, so that the gradients count down."""
    outs, _ = mx.sym.contrib.foreach(lambda x, state: (x + state, x + state), mx.sym.var('x'), mx.sym.zeros((2,)))
    executor = outs.simple_bind(mx.cpu(), x=(3, 2))
    executor.arg_dict['x'][:] = mx.nd.array([[1, 2], [3, 4], [5, 6]])
    for _ in range(2):
        np.testing.assert_array_equal(executor.forward(is_train=True)[0].asnumpy(), [[1, 2], [4, 6], [9, 12]])
        executor.backward(mx.nd.ones((3, 2)))
        np.testing.assert_array_equal(executor.grad_dict['x'].asnumpy(), [[3, 3], [2, 2], [1, 1]])


def test_monitor_sees_arrays_and_stops():
    seen = {}
    executor = (mx.sym.var('x') * 2).bind(mx.cpu(), [mx.nd.array([1, 2])])
    executor.set_monitor_callback(seen.setdefault)
    executor.forward()
    (name, array), = seen.items()
    assert name == executor._symbol.list_outputs()[0]
    np.testing.assert_array_equal(array.asnumpy(), [2, 4])
    again = executor.reshape(x=(1,))
    again.set_monitor_callback(None)
    seen.clear()
    again.forward()
    assert seen == {}


def test_reshape_keeps_what_new_shapes_do_not_tell():
    """The shape of w doesn't follow from that of x; MXNet takes it for changed."""
    net = mx.sym.dot(mx.sym.var('x'), mx.sym.var('w'))
    executor = net.bind(mx.cpu(), {'x': mx.nd.ones((4, 2)), 'w': mx.nd.ones((2, 3))}).reshape(x=(1, 2))
    np.testing.assert_array_equal(executor.forward()[0].asnumpy(), [[2, 2, 2]])


@pytest.mark.parametrize('shapes', [{'x': [1, 2]}, {'other': (1, 2)}])
def test_reshape_takes_shapes_of_arguments(shapes):
    with pytest.raises(mx.MXNetError, match=r"takes shapes \(tuples\) of the arguments \['x'\]"):
        (mx.sym.var('x') + 1).bind(mx.cpu(), [mx.nd.ones((4, 2))]).reshape(**shapes)


@pytest.mark.parametrize('kwargs, error, text', [
    ({'grad_req': ['write']}, ValueError, 'grad_req has 1 requests, but there are 2 arguments: a, b'),
    ({'grad_req': None}, TypeError, 'grad_req must be a str'),
    ({'args_grad': {'a': mx.nd.zeros(3)}}, mx.MXNetError, r'gradient of a has shape \(3,\), but a has shape \(2,\)'),
    ({'shared_exec': 3}, TypeError, 'shared_exec must be an Executor'),
])
def test_errors_that_mxnet_lacks(kwargs, error, text):
    with pytest.raises(error, match=text):
        (mx.sym.var('a') + mx.sym.var('b')).bind(mx.cpu(), {'a': mx.nd.zeros(2), 'b': mx.nd.zeros(2)}, **kwargs)


def test_sparse_arrays_are_refused():
    with pytest.raises(ValueError, match="x the storage type 'csr', but arrays here are dense"):
        (mx.sym.var('x') + 1).simple_bind(mx.cpu(), stype_dict={'x': 'csr'}, x=(2, 2))


def test_shared_name_that_is_not_there():
    first = (mx.sym.var('x') + 1).simple_bind(mx.cpu(), x=(2,))
    with pytest.raises(RuntimeError, match='shared_arg_names has y, which shared_exec has not'):
        (mx.sym.var('y') + 1).simple_bind(mx.cpu(), shared_exec=first, shared_arg_names=['y'], y=(2,))


def test_an_operator_without_gradient_says_so():
    executor = mx.sym.shuffle(mx.sym.var('x')).simple_bind(mx.cpu(), x=(2, 6))
    executor.forward(is_train=True)
    with pytest.raises(mx.MXNetError, match=r'operator _shuffle \(node shuffle\d\) has no gradient'):
        executor.backward(mx.nd.ones(executor.outputs[0].shape))


def test_debug_text(fresh_names):
    text = (mx.sym.var('a') * 2).simple_bind(mx.cpu(), a=(600, 600)).debug_str()
    # 1.44 MB each for a and its gradient; the graph as Symbol.debug_str has it.
    assert text == (mx.sym.var('a') * 2).debug_str().replace('_mulscalar1', '_mulscalar0') + 'Total 2 MB allocated\n'


def test_duplicate_names_of_outputs():
    x = mx.sym.var('x')
    executor = mx.sym.Group([mx.sym.exp(x, name='e'), mx.sym.sin(x, name='e')]).bind(mx.cpu(), [mx.nd.zeros(1)])
    assert [out.asscalar() for out in executor.forward()] == [1, 0]
    with pytest.raises(ValueError, match='Duplicate names detected'):
        executor.output_dict  # noqa: B018


def _wide(grad_req):
    """A chain with an intermediate result of 256 KB that the gradient needs."""
    executor = (mx.sym.exp(mx.sym.sin(mx.sym.var('x'))) * 2).simple_bind(mx.cpu(), grad_req=grad_req, x=(256, 256))
    for _ in range(2):  # buffers are there from the second pass on
        executor.forward(is_train=True)
    return executor


def test_memory_is_used_again():
    executor = _wide('write')
    buffers = executor._run.buffers[0]
    assert sum(x.nbytes for x in buffers) >= 2 ** 18
    executor.forward(is_train=True)
    assert executor._run.buffers[0] is buffers
    executor.backward(mx.nd.ones((256, 256)))
    np.testing.assert_array_equal(executor.grad_arrays[0].asnumpy(), np.full((256, 256), 2))  # 2 exp(sin 0) cos 0


def test_without_gradients_nothing_is_kept():
    assert _wide('null')._run is None


def test_states_that_alias_another_array():
    """A slice reads as a copy: what the graph writes to it must not show in the whole."""
    whole = mx.nd.zeros(6)
    mean = mx.nd.slice_axis(whole, axis=0, begin=0, end=3)
    executor = mx.sym.BatchNorm(mx.sym.var('x'), name='bn').bind(
        mx.cpu(), [mx.nd.ones((4, 3)), mx.nd.ones(3), mx.nd.zeros(3)], aux_states=[mean, mx.nd.ones(3)])
    executor.forward(is_train=True)
    np.testing.assert_allclose(executor.aux_arrays[0].asnumpy(), [.1, .1, .1], rtol=1e-6)
    np.testing.assert_array_equal(whole.asnumpy(), np.zeros(6))
