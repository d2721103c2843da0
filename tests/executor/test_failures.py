"""What fails leaves everything as it was: binding, calls, passes, files. The expected states are those from before the call."""
import gc

import numpy as np
import pytest

import blockscope as mx
from blockscope.executor import passes


def dense():
    return mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=2, name='fc')


def bound():
    return dense().bind(mx.cpu(), {'data': mx.nd.ones((1, 3)), 'fc_weight': mx.nd.ones((2, 3)), 'fc_bias': mx.nd.ones((2,))})


def values(executor):
    return {name: array.asnumpy().tolist() for name, array in {**executor.arg_dict, **executor.aux_dict}.items()}


# ---- executors -------------------------------------------------------------------------------------------------------------


def test_a_composition_that_fails_draws_no_name():
    with mx.name.NameManager():
        x = mx.sym.var('x')
        for wrong in ({'num_hidden': 'many'}, {'num_hidden': 2, 'width': 3}, {'num_hidden': 2, 'head': x}):
            with pytest.raises(mx.MXNetError):
                mx.sym.FullyConnected(x, **wrong)
        assert mx.sym.FullyConnected(x, num_hidden=2).name == 'fullyconnected0'


def test_values_of_a_call_are_written_only_when_all_fit():
    executor = bound()
    before = values(executor)
    with pytest.raises(TypeError, match='Unknown argument other'):
        executor.forward(data=mx.nd.zeros((1, 3)), other=mx.nd.zeros(1))
    with pytest.raises(ValueError, match='Shape not match! Argument fc_bias'):
        executor.forward(data=mx.nd.zeros((1, 3)), fc_bias=mx.nd.zeros(3))
    assert values(executor) == before
    assert executor.forward()[0].asnumpy().tolist() == [[4, 4]]  # 3 * 1 + 1


@pytest.mark.parametrize('wrong, error, message', [
    ({'data': mx.nd.zeros((1, 3)), 'other': mx.nd.zeros(1)}, ValueError, 'Find name "other"'),
    ({'data': mx.nd.zeros((1, 3)), 'fc_weight': mx.nd.zeros((2, 4))}, mx.MXNetError, 'fc_weight has shape'),
])
def test_parameters_are_copied_only_when_all_fit(wrong, error, message):
    executor = bound()
    before = values(executor)
    with pytest.raises(error, match=message):
        executor.copy_params_from(wrong)
    with pytest.raises(ValueError, match='not in the auxiliary states'):
        executor.copy_params_from({'data': mx.nd.zeros((1, 3))}, {'other': mx.nd.zeros(1)})
    assert values(executor) == before


def test_an_executor_whose_reshape_fails_runs_on():
    executor = bound()
    before = values(executor)
    with pytest.raises(mx.MXNetError, match='larger than original'):
        executor.reshape(data=(5, 3))
    with pytest.raises(mx.MXNetError):
        executor.reshape(data=(1, 4))
    assert values(executor) == before
    assert executor.forward()[0].asnumpy().tolist() == [[4, 4]]


def test_a_binding_that_fails_leaves_the_shared_buffer():
    shared = {'fc_bias': mx.nd.ones(7)}
    with pytest.raises(RuntimeError, match='simple_bind error'):
        dense().simple_bind(mx.cpu(), shared_buffer=shared, data=(2, 3), fc_weight=(2, 5))
    assert list(shared) == ['fc_bias'] and shared['fc_bias'].asnumpy().tolist() == [1] * 7


def test_a_failed_forward_pass_keeps_the_outputs_of_the_last_one():
    class Picky(mx.operator.CustomOp):
        def forward(self, is_train, req, in_data, out_data, aux):
            if in_data[0].asnumpy()[0] < 0:
                raise ValueError('negative')
            self.assign(out_data[0], req[0], in_data[0] * 2)

    @mx.operator.register('picky_of_test_failures')
    class PickyProp(mx.operator.CustomOpProp):
        def create_operator(self, ctx, shapes, dtypes):
            return Picky()

    executor = mx.sym.Custom(mx.sym.var('x'), op_type='picky_of_test_failures').bind(mx.cpu(), {'x': mx.nd.array([3])})
    output, = executor.forward()
    with pytest.raises((ValueError, mx.MXNetError), match='negative'):
        executor.forward(x=mx.nd.array([-1]))
    assert output.asscalar() == 6 and executor.outputs[0] is output
    executor.forward(x=mx.nd.array([4]))
    assert output.asscalar() == 8


def test_watched_calls_leave_nothing_behind():
    executor = bound()
    executor.set_monitor_callback(lambda name, array: None)
    executor.forward()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        executor.forward()
    gc.collect()
    assert len(gc.get_objects()) - before < 40  # less than one object a call


# ---- passes ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def adds_state():
    """Give the name of a pass that changes an argument and adds an auxiliary state."""
    @passes.register_pass('adds_state')
    def adds_state(symbol, args, aux):
        args['fc_bias'] = mx.nd.zeros(2)
        del args['fc_weight']
        aux['new'] = mx.nd.zeros(1)
        return symbol
    yield 'adds_state'
    del passes._passes['adds_state']


def test_a_pass_whose_results_find_no_place_changes_no_dictionary(adds_state):
    args = {'fc_weight': mx.nd.ones((2, 3)), 'fc_bias': mx.nd.ones(2)}
    before = dict(args)
    with pytest.raises(RuntimeError, match='Cannot add new aux'):
        dense().optimize_for(adds_state, args)
    assert args == before and all(args[key] is before[key] for key in before)


@pytest.fixture
def failing_passes():
    """Give the names of passes that go wrong after they have changed dictionaries."""
    @passes.register_pass('raises_late')
    def raises_late(symbol, args, aux):
        args.clear()
        raise LookupError('this pass gives up')

    @passes.register_pass('forgets_array')
    def forgets_array(symbol, args, aux):
        return symbol + mx.sym.var('nowhere')

    @passes.register_pass('no_symbol')
    def no_symbol(symbol, args, aux):
        args.clear()
    names = {'raises_late': (LookupError, 'gives up'), 'forgets_array': (mx.MXNetError, 'pass forgets_array added the variable nowhere'),
             'no_symbol': (TypeError, 'no_symbol must return a Symbol')}
    yield names
    for name in names:
        del passes._passes[name]


@pytest.mark.parametrize('args', [(3,), ('x',)])
def test_a_pass_without_arrays_does_not_hybridize(args):
    net = mx.gluon.nn.Dense(2, in_units=3)
    with pytest.raises(ValueError, match='there must be one NDArray'):
        net.optimize_for(*args, backend='remove_identity')
    with pytest.raises(ValueError, match='no_such_pass'):
        net.optimize_for(mx.nd.ones((1, 3)), backend='no_such_pass')
    assert not net._active and net._backend is None


def test_a_failing_pass_leaves_arrays_and_network_as_they_were(failing_passes):
    for name, (error, message) in failing_passes.items():
        args = {'fc_weight': mx.nd.ones((2, 3)), 'fc_bias': mx.nd.ones(2)}
        before = dict(args)
        if name != 'forgets_array':  # a graph alone may have inputs without arrays
            with pytest.raises(error, match=message):
                dense().optimize_for(name, args, {})
            assert args == before
        net = mx.gluon.nn.Dense(2, in_units=3)
        net.initialize(mx.init.One())
        weight, result = net.weight, net(mx.nd.ones((1, 3))).asnumpy()
        with pytest.raises(error, match=message):
            net.optimize_for(mx.nd.ones((1, 3)), backend=name)
        assert net.weight is weight and weight.data().asnumpy().tolist() == [[1] * 3] * 2
        for hybridized in (False, True):
            net.hybridize(hybridized)
            np.testing.assert_array_equal(net(mx.nd.ones((1, 3))).asnumpy(), result)


# ---- traces and files ------------------------------------------------------------------------------------------------------


class Branches(mx.gluon.HybridBlock):
    """A network that can't be traced while `wrong` is set."""

    wrong = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.inner = mx.gluon.nn.Dense(2)

    def hybrid_forward(self, F, x):
        y = F.relu(self.inner(x))
        if self.wrong and y.sum() > 0:
            return F.tanh(y)
        return F.tanh(y)


def test_a_failed_trace_leaves_names_and_scopes():
    """The names of the second trace are those of a network whose first trace went well."""
    graphs = []
    for wrong in (False, True):
        with mx.name.NameManager():
            net = Branches(prefix='net_')
            net.initialize()
            net.hybridize()
            net.wrong = wrong
            if wrong:
                with pytest.raises(mx.base.NotImplementedForSymbol, match='Branches'):
                    net(mx.nd.ones((1, 3)))
                assert net.inner.weight.shape == (2, 0) and not net._cached_graph
                assert mx.gluon.nn.Dense(1).prefix.startswith('dense')  # no scope of the network is current
                net.wrong = False
            net(mx.nd.ones((1, 3)))
            graphs.append(net._cached_graph[1].get_internals().list_outputs() + [mx.sym.relu(mx.sym.var('x')).name])
    assert graphs[0] == graphs[1]


def test_export_after_inference_alone_writes_the_parameters(tmp_path):
    net = mx.gluon.nn.Dense(2, in_units=3, prefix='net_')
    net.initialize()
    net.hybridize()
    net.infer_shape(mx.nd.ones((1, 3)))
    net.export(str(tmp_path / 'net'))
    assert sorted(mx.nd.load(str(tmp_path / 'net-0000.params'))) == ['arg:net_bias', 'arg:net_weight']


def test_export_of_a_block_from_files_writes_the_parameters(tmp_path):
    net = mx.gluon.nn.Dense(2, in_units=3, prefix='net_')
    net.initialize()
    net.hybridize()
    net(mx.nd.ones((1, 3)))
    net.export(str(tmp_path / 'a'))
    read = mx.gluon.SymbolBlock.imports(str(tmp_path / 'a-symbol.json'), 'data', str(tmp_path / 'a-0000.params'))
    read.export(str(tmp_path / 'b'))
    for end in ('-symbol.json', '-0000.params'):
        assert (tmp_path / f'a{end}').read_bytes() == (tmp_path / f'b{end}').read_bytes()


def test_an_import_that_fails_makes_nothing(tmp_path):
    net = mx.gluon.nn.Dense(2, in_units=3, prefix='net_')
    net.initialize()
    net.hybridize()
    net(mx.nd.ones((1, 3)))
    net.export(str(tmp_path / 'net'))
    mx.nd.save(str(tmp_path / 'other.params'), {'arg:net_weight': mx.nd.ones((2, 3))})
    graph = str(tmp_path / 'net-symbol.json')
    with mx.gluon.nn.Dense(1).name_scope():
        before = mx.gluon.nn.Dense(1).prefix
        with pytest.raises(AssertionError, match='net_bias'):
            mx.gluon.SymbolBlock.imports(graph, 'data', str(tmp_path / 'other.params'))
        with pytest.raises(mx.MXNetError):
            mx.gluon.SymbolBlock.imports(graph, 'data', str(tmp_path / 'missing.params'))
        assert (before.replace('dense0', 'dense1')) == mx.gluon.nn.Dense(1).prefix
