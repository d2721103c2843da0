"""Calls of hybridized networks: structures of arguments, hooks, dynamic shapes, errors, threads, copies."""
import copy
import pickle
import threading

import numpy as np
import pytest

import blockscope as mx
from blockscope import MXNetError, autograd
from blockscope import ndarray as nd
from blockscope.executor import plan
from blockscope.gluon import HybridBlock, nn
from tests.executor.twins import ByName, Small, Twins, image

FLAGS = [{}, {'static_alloc': True, 'static_shape': True}]


@pytest.fixture(autouse=True)
def small_arrays_count(monkeypatch):
    """Let arrays as small as those here get buffers too, and be dropped early."""
    monkeypatch.setattr(plan, '_LARGE', 0)


flags = pytest.mark.parametrize('flags', FLAGS, ids=['', 'static'])


# ---- structures ------------------------------------------------------------------------------------------------------------------

class Nested(HybridBlock):
    """Takes and returns nested lists, with None among them."""

    def hybrid_forward(self, F, x, pair, extra=None):
        y, rest = pair
        out = x + y + F.add_n(*rest)
        return (out if extra is None else out * extra), None, [[x * 2], (y, extra)]


@flags
@pytest.mark.parametrize('extra', [True, False])
def test_nested_arguments_and_results(flags, extra):
    net = Nested()
    x, y, a, b, c = (nd.array([i]) for i in range(1, 6))
    args = [x, (y, [a, b]), *([c] if extra else [])]
    want = net(*args)
    net.hybridize(**flags)
    for _ in range(2):
        got = net(*args)
        assert isinstance(got, list)
        assert got[1] is None
        assert got[0].asscalar() == want[0].asscalar() == (50 if extra else 10)
        assert got[2][0][0].asscalar() == 2
        assert got[2][1][0].asscalar() == 2
        assert got[2][1][1].asscalar() == 5 if extra else got[2][1][1] is None


def test_another_structure_is_refused():
    """The text is MXNet's (recorded case trace_names/none_then_value_error)."""
    net = Nested()
    net.hybridize()
    x = nd.ones((1,))
    net(x, [x, [x]])
    net(x, (x, (x,)))
    net(x, [x, [x]], None)
    for args in ([x, [x, [x, x]]], [x, [x, [x]], x], [x, [x, x]]):
        with pytest.raises(ValueError, match='argument structure of HybridBlock does not match the cached version. Stored format ='):
            net(*args)
    with pytest.raises(ValueError, match=r'must be \(nested\) list of Symbol or NDArray, but got 3'):
        net(x, [x, [3]])


def test_no_arrays():
    net = nn.HybridLambda(lambda F, *args: F.zeros((1,)))
    net.hybridize()
    for args in ((None,), ([],), (None, [None])):
        with pytest.raises(ValueError, match='there must be one NDArray or one Symbol in the input'):
            net(*args)


def test_numpy_arrays_are_arrays():
    twins = Twins(lambda prefix: nn.HybridLambda(lambda F, x: x * 2, prefix=prefix))
    twins.same(lambda net: net(np.array([1., 2.], 'float32')))


def test_results_without_a_gradient_among_others():
    twins = Twins(lambda prefix: nn.HybridLambda(lambda F, x: [x * 2, F.BlockGrad(x), F.zeros((2,)), F.argmax(x, axis=0)], prefix=prefix))

    def act(net):
        x = nd.array([3, 4])
        x.attach_grad()
        with autograd.record():
            out = net(x)
            y = sum((o.sum() for o in out[1:]), out[0].sum())
        y.backward()
        return [*out, x.grad]
    twins.same(act)


def test_a_call_on_symbols_of_a_hybridized_network():
    net = Small()
    net.initialize()
    net.hybridize()
    net(nd.array(image()))
    out = net(mx.sym.var('x'))
    assert out.list_arguments()[0] == 'x'


# ---- hooks -----------------------------------------------------------------------------------------------------------------------

def test_hooks_of_a_network_and_of_children():
    """Those of children see the trace only: a graph has no children. `hybridize` warns of that, as in MXNet."""
    calls = []
    net = nn.HybridSequential()
    net.add(nn.Dense(2), nn.Activation('relu'))
    net.initialize()
    net.register_forward_hook(lambda block, args, out: calls.append(('after', out.shape)))
    net[0].register_forward_pre_hook(lambda block, args: calls.append(('child', type(args[0]))))
    with pytest.warns(UserWarning, match='is being hybridized while still having forward hook'):
        net.hybridize()
    net(nd.ones((3, 4)))
    assert calls == [('child', mx.sym.Symbol), ('after', (3, 2))]
    calls.clear()
    net(nd.ones((3, 4)))
    assert calls == [('after', (3, 2))]
    with pytest.warns(UserWarning, match='is being hybridized while still having forward hook'):
        net.hybridize()
        net.hybridize(False)
    calls.clear()
    net(nd.ones((3, 4)))
    assert calls == [('child', nd.NDArray), ('after', (3, 2))]


# MXNet 1.9.1, outside of autograd.record(). What it calls `_0` and `_input0` of operators that don't name their inputs and outputs has
# the name here that symbols give. Hidden outputs (mean and var of BatchNorm) are seen while recording, and with static_alloc.
WATCHED = ['n_dense0_fwd_output', 'n_batchnorm0_fwd_output', 'n_split0_output0', 'n_split0_output1', 'n_concat0_output']
WATCHED_WITH_INPUTS = [
    'n_dense0_fwd_data', 'n_dense0_fwd_weight', 'n_dense0_fwd_bias', 'n_dense0_fwd_output', 'n_batchnorm0_fwd_data',
    'n_batchnorm0_fwd_gamma', 'n_batchnorm0_fwd_beta', 'n_batchnorm0_fwd_moving_mean', 'n_batchnorm0_fwd_moving_var',
    'n_batchnorm0_fwd_output', 'n_split0_data', 'n_split0_output0', 'n_split0_output1', 'n_concat0_arg0', 'n_concat0_arg1',
    'n_concat0_output']


class Watched(HybridBlock):
    """Layers and operators of several inputs and outputs."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.dense, self.norm = nn.Dense(4), nn.BatchNorm()

    def hybrid_forward(self, F, x):
        a, b = F.split(self.norm(self.dense(x)), num_outputs=2, axis=1)
        return F.concat(a, b, dim=0)


@flags
@pytest.mark.parametrize('all_', [False, True])
def test_op_hooks(flags, all_):
    with mx.name.NameManager():
        net = Watched(prefix='n_')
    net.initialize()
    want = net(nd.ones((2, 3))).asnumpy()
    net.hybridize(**flags)
    net(nd.ones((2, 3)))
    seen = []
    net.register_op_hook(lambda name, op, x: seen.append((name, op, x.copy())), all_)
    for record in (False, True, False):
        seen.clear()
        with autograd.record(train_mode=False) if record else autograd.pause():
            out = net(nd.ones((2, 3)))
        np.testing.assert_array_equal(out.asnumpy(), want)
        names = [name for name, _, _ in seen]
        if record or flags:  # as in MXNet, which keeps hidden outputs then
            place = names.index('n_batchnorm0_fwd_output') + 1
            assert [names.pop(place), names.pop(place)] == ['n_batchnorm0_fwd_mean', 'n_batchnorm0_fwd_var']
        assert names == (WATCHED_WITH_INPUTS if all_ else WATCHED)
        assert seen[0][1] == 'FullyConnected'
        np.testing.assert_array_equal(seen[-1][2].asnumpy(), want)
        if record:
            out.backward()


def test_op_hooks_end():
    net = nn.Dense(2, prefix='fc_')
    net.initialize()
    net.hybridize()
    seen = []
    net.register_op_hook(lambda name, op, x: seen.append((name.decode(), mx.base.py_str(op))))  # MXNet gives bytes
    net(nd.ones((1, 2)))
    assert seen == [('fc_fwd_output', 'FullyConnected')]
    net.register_op_hook(None)
    net(nd.ones((1, 2)))
    assert len(seen) == 1


def test_op_hooks_change_no_numbers():
    twins = Twins()
    twins.hybrid.register_op_hook(lambda name, op, x: None, True)
    for batch in (2, 2, 3):
        twins.step(image(batch))


# ---- dynamic shapes --------------------------------------------------------------------------------------------------------------

@flags
def test_shapes_that_depend_on_values(flags):
    def make(prefix):
        return nn.HybridLambda(lambda F, x: F.contrib.boolean_mask(x * 2, F.sum(x, axis=1) > 0) + 1, prefix=prefix)
    twins = Twins(make, **flags)
    shapes = set()
    for seed in range(6):
        x = np.random.RandomState(seed).uniform(-1, 1, (100, 60)).astype('float32')
        shapes.add(twins.step(x)[0][0].shape)
    assert len(shapes) > 1


@flags
def test_dynamic_shapes_inside_of_a_larger_graph(flags):
    class Pick(HybridBlock):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.a, self.b = nn.Dense(80), nn.Dense(70)

        def hybrid_forward(self, F, x, mask):
            rows = F.contrib.boolean_mask(F.relu(self.a(x)), mask)
            return F.sum(F.relu(self.b(rows) + 0.5) * 2)
    twins = Twins(Pick, **flags)
    for mask in ([1, 0, 1] * 30, [0, 0, 1] * 30, [1, 1, 1] * 30, [1, 0, 1] * 30):
        twins.step(np.random.RandomState(0).uniform(-1, 1, (90, 3)).astype('float32'), np.array(mask, 'float32'))


# ---- errors ----------------------------------------------------------------------------------------------------------------------

UNTRACEABLE = {
    'branch': lambda F, x: x * 2 if (x.sum() > 0) else x,
    'asnumpy': lambda F, x: x * x.asnumpy().sum(),
    'asscalar': lambda F, x: x * x.sum().asscalar(),
    'shape': lambda F, x: x.reshape((x.shape[0], -1)),
    'context': lambda F, x: x + F.zeros((1,), ctx=x.context),
    'in place': lambda F, x: x.__setitem__(0, 1),
    'float': lambda F, x: x * float(x.sum()),
}


@pytest.mark.parametrize('name', UNTRACEABLE)
def test_what_cant_be_traced_says_where_and_why(name):
    function = UNTRACEABLE[name]

    class Part(HybridBlock):
        def hybrid_forward(self, F, x):
            return function(F, x)
    net = nn.HybridSequential(prefix='net_')
    with net.name_scope():
        net.add(nn.Dense(3), Part(prefix='part_'))
    net.initialize()
    net.hybridize()
    for _ in range(2):
        with pytest.raises(Exception, match=r'in block net_part \(Part\)') as caught:
            net(nd.ones((2, 3)))
        assert __file__ in str(caught.value)
        assert 'hybridize(active=False)' in str(caught.value)
        assert not net._cached_graph
    assert net[0].weight.shape == (3, 0)
    with pytest.raises(mx.gluon.parameter.DeferredInitializationError):
        net[0].weight.data()
    net[1].hybridize(False)


def test_failure_leaves_everything_as_it_was():
    """A first call with a wrong shape fixes nothing: neither counters, nor shapes, nor the graph."""
    class Inner(HybridBlock):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.a, self.b = nn.Dense(4), nn.Dense(2, in_units=4)

        def hybrid_forward(self, F, x, y):
            return self.b(self.a(x)) + y
    net = Inner(prefix='net_')
    net.initialize()
    net.hybridize()
    with pytest.raises(ValueError, match=r'expected \[2,2\], got \[5,7\]'):
        net(nd.ones((2, 3)), nd.ones((5, 7)))
    assert net.a.weight.shape == (4, 0)
    assert net(nd.ones((2, 6)), nd.ones((2, 2))).shape == (2, 2)
    assert net.a.weight.shape == (4, 6)
    names = [node for node in net._cached_graph[1].get_internals().list_outputs() if 'plus' in node]
    assert names == ['net__plus0_output']


def test_wrong_shape_names_operator_node_and_shapes():
    net = nn.HybridSequential(prefix='net_')
    with net.name_scope():
        net.add(nn.Dense(3, in_units=4))
    net.initialize()
    net.hybridize()
    for _ in range(2):
        with pytest.raises(MXNetError, match=r'FullyConnected\(data=\(2, 5\), weight=\(3, 4\).*net_dense0_fwd'):
            net(nd.ones((2, 5)))
        net(nd.ones((2, 4)))


def test_an_error_in_the_middle_of_training_is_survived():
    twins = Twins(static_alloc=True)
    for _ in range(2):
        twins.step(image(16))
        for net in twins.nets:
            with autograd.record(), pytest.raises(MXNetError):
                net(nd.array(image(16, 3)))
    twins.step(image(16))


def test_unknown_shapes_are_named():
    class Own(HybridBlock):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.w = self.params.get('w', shape=(0,), allow_deferred_init=True)

        def hybrid_forward(self, F, x, w):
            return F.broadcast_add(x, w)
    net = Own(prefix='n_')
    net.initialize()
    net.hybridize()
    with pytest.raises(ValueError, match=r'(?s)Deferred initialization failed because shape cannot be inferred. .*n_w: \(0,\)'):
        net(nd.ones((2, 3)))


def test_arguments_and_parameters_without_use_are_warned_of():
    class Idle(HybridBlock):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.fc = nn.Dense(2)
            self.w = self.params.get('w', shape=(1,))

        def hybrid_forward(self, F, x, y, w):
            return self.fc(x)
    net = Idle(prefix='n_')
    net.initialize()
    net.hybridize()
    with pytest.warns(UserWarning) as caught:
        assert net(nd.ones((2, 3)), nd.ones((1,))).shape == (2, 2)
    assert [str(w.message) for w in caught] == ['The 1-th input to HybridBlock is not used by any computation. Is this intended?',
                                                'Parameter n_w is not used by any computation. Is this intended?']


# ---- threads and copies ----------------------------------------------------------------------------------------------------------

@flags
def test_threads_share_a_network(flags):
    net = Small()
    net.initialize(ByName())
    net(nd.array(image(1)))
    arrays = [image(batch) for batch in range(1, 9)]
    want = [net(nd.array(a)).asnumpy() for a in arrays]
    net.hybridize(**flags)
    wrong = []

    def work(first):
        try:
            for i in range(40):
                number = (first + i) % len(arrays)
                x = nd.array(arrays[number])
                x.attach_grad()
                with autograd.record(train_mode=False):
                    out = net(x)
                autograd.grad(out, [x])
                if not np.array_equal(out.asnumpy(), want[number]):
                    wrong.append(number)
        except Exception as error:
            wrong.append(error)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@flags
@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=['deepcopy', 'pickle'])
def test_copies(flags, duplicate):
    net = Small()
    net.initialize(ByName())
    net.hybridize(**flags)
    for called in (False, True):
        if called:
            with autograd.record():
                net(nd.array(image()))
        new = duplicate(net)
        assert new._active
        x = nd.array(image())
        want = net(x).asnumpy()
        np.testing.assert_array_equal(new(x).asnumpy(), want)
        new.out.weight.set_data(nd.zeros((3, 144)))
        assert not np.array_equal(new(x).asnumpy(), want)
        np.testing.assert_array_equal(net(x).asnumpy(), want)


@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=['deepcopy', 'pickle'])
@pytest.mark.parametrize('called', [False, True])
def test_copies_of_symbol_blocks(duplicate, called):
    data = mx.sym.var('data')
    net = mx.gluon.SymbolBlock(mx.sym.BatchNorm(mx.sym.FullyConnected(data, num_hidden=3, name='fc'), name='bn'), data)
    net.initialize(mx.init.Constant(0.5))
    x = nd.array(image())
    want = net(x).asnumpy()
    if called:
        net.hybridize()
        net(x)
    new = duplicate(net)
    np.testing.assert_array_equal(new(x).asnumpy(), want)
    new.collect_params()['fc_weight'].set_data(nd.zeros((3, 72)))
    assert not np.array_equal(new(x).asnumpy(), want)
    np.testing.assert_array_equal(net(x).asnumpy(), want)
