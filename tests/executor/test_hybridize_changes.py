"""What changes between calls of a hybridized network is noticed: it goes on giving what the eager one gives."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import autograd
from blockscope.executor import plan
from blockscope.gluon import HybridBlock, nn
from tests.executor.twins import ByName, Small, Twins, image

FLAGS = [{}, {'static_alloc': True, 'static_shape': True}]


@pytest.fixture(autouse=True)
def small_arrays_count(monkeypatch):
    """Let arrays as small as those here get buffers too, and be dropped early."""
    monkeypatch.setattr(plan, '_LARGE', 0)


@pytest.fixture(params=FLAGS, ids=['', 'static'])
def twins(request):
    found = Twins(**request.param)
    found.step(image())
    found.step(image())
    return found


def test_batch_size(twins):
    for batch in (4, 1, 2, 3):
        twins.step(image(batch))
        twins.call(image(batch))


def test_image_size():
    def make(prefix):
        net = nn.HybridSequential(prefix=prefix)
        with net.name_scope():
            net.add(nn.Conv2D(3, 3), nn.BatchNorm(), nn.GlobalAvgPool2D(), nn.Dense(2))
        return net
    twins = Twins(make)
    for size in (6, 9, 4, 6):
        twins.step(image(size=size))


def test_many_shapes_are_forgotten_again():
    twins = Twins(lambda prefix: nn.Dense(2, flatten=False, prefix=prefix))
    for batch in [*range(1, 100), 1]:
        twins.step(image(batch, 2, 3))
    assert len(twins.hybrid._cached_op._plans) <= 64


def test_train_and_predict_mode(twins):
    for train_mode in (False, True, False, True):
        twins.step(image(), train_mode=train_mode)
        twins.call(image())

    def training_outside_of_a_record(net):
        with autograd.train_mode():
            return net(mx.nd.array(image()))
    twins.same(training_outside_of_a_record)


def test_type_of_the_input():
    twins = Twins(lambda prefix: nn.HybridLambda(lambda F, x: F.broadcast_add(x * 2, F.sum(x, axis=0, keepdims=True)), prefix=prefix))
    for dtype in ('float32', 'float64', 'int32', 'float16', 'float32'):
        assert twins.call(image(), dtype=dtype).dtype == np.dtype(dtype)
    twins.step(image(), dtype='float64')


@pytest.mark.parametrize('dtype', ['float64', 'float16'])
def test_cast(twins, dtype):
    twins.do(lambda net: net.cast(dtype))
    twins.step(image(), dtype=dtype)
    twins.do(lambda net: net.cast('float32'))
    twins.step(image())


def test_parameters_are_cast_behind_its_back(twins):
    twins.do(lambda net: [param.cast('float64') for param in net.collect_params().values()])
    twins.step(image(), dtype='float64')


def test_set_data(twins):
    twins.do(lambda net: net.out.weight.set_data(net.out.weight.data() * 2))
    twins.step(image())
    twins.do(lambda net: net.factor.data().__setitem__(slice(None), 3))
    twins.step(image())


def test_initialized_again(twins):
    twins.do(lambda net: net.initialize(ByName(0.1), force_reinit=True))
    twins.step(image())


def test_initialized_again_with_another_shape(twins):
    def another(net):
        for param in (net.conv.weight, net.out.weight):
            shape = list(param.shape)
            shape[1] = 0
            param._shape = tuple(shape)
        net.initialize(ByName(0.1), force_reinit=True)
    twins.do(another)
    twins.step(image(channels=5, size=4))
    twins.call(image(channels=5, size=4))
    assert twins.hybrid.conv.weight.shape == (4, 5, 3, 3)


def test_another_child(twins):
    def replace(net):
        with net.name_scope():
            net.out = nn.Dense(3, prefix='new_')
        net.out.initialize(mx.init.Constant(0.25))
    twins.do(replace)
    twins.step(image())


def test_a_grandchild_is_added():
    def make(prefix):
        net = nn.HybridSequential(prefix=prefix)
        with net.name_scope():
            inner = nn.HybridSequential(prefix='inner_')
            with inner.name_scope():
                inner.add(nn.Dense(4))
            net.add(inner, nn.Dense(2))
        return net
    twins = Twins(make)
    twins.step(image())

    def add(net):
        with net[0].name_scope():
            net[0].add(nn.Dense(4, activation='tanh'))
        net[0][1].initialize(mx.init.Constant(0.1))
    twins.do(add)
    twins.step(image())


def test_a_child_is_added(twins):
    twins = Twins(lambda prefix: nn.HybridSequential(prefix=prefix))

    def add(net):
        with net.name_scope():
            net.add(nn.Dense(3))
        net[-1].initialize(ByName(0.4))
    for _ in range(3):
        twins.do(add)
        twins.step(image())


@pytest.mark.parametrize('request_', ['null', 'add', 'write'])
def test_gradient_requests(twins, request_):
    twins.do(lambda net: setattr(net.out.weight, 'grad_req', request_))
    twins.step(image())
    twins.step(image())
    twins.do(lambda net: net.collect_params('.*(weight|bias|gamma)').setattr('grad_req', request_))
    twins.step(image())
    twins.do(lambda net: net.collect_params('.*(weight|bias|factor)').setattr('grad_req', 'write'))
    twins.step(image())
    twins.step(image())


def test_all_requests_null_and_a_plain_input(twins):
    def outside(net):
        net.collect_params().setattr('grad_req', 'null')
        with autograd.record():
            out = net(mx.nd.array(image()))
        assert out._node is None
        return out
    twins.same(outside)


def test_hybridize_off_and_on(twins):
    hybrid = twins.hybrid
    for active, flags in ((False, {}), (True, {}), (True, {'static_alloc': True}), (False, {}), (True, {})):
        hybrid.hybridize(active, **flags)
        twins.step(image())
    hybrid.hybridize(clear=False, static_alloc=True)
    twins.step(image())
    hybrid.out.hybridize(False)
    twins.step(image())


def test_files(twins, tmp_path):
    twins.eager.save_parameters(str(tmp_path / 'p.params'))
    twins.do(lambda net: net.initialize(ByName(2), force_reinit=True))
    twins.step(image())
    twins.do(lambda net: net.load_parameters(str(tmp_path / 'p.params')))
    twins.step(image())


@pytest.mark.parametrize('optimizer', ['sgd', 'adam'])
def test_trainer(twins, optimizer):
    trainers = twins.do(lambda net: mx.gluon.Trainer(net.collect_params(), optimizer, {'learning_rate': 0.1}))
    for _ in range(4):
        twins.step(image())
        for trainer in trainers:
            trainer.step(2)
        twins.call(image())


def test_contexts(fake):
    for first, second in ((mx.cpu(0), mx.cpu(1)), (fake(0), fake(1))):
        twins = Twins(lambda prefix: nn.Dense(2, prefix=prefix), ctx=[first, second])
        for ctx in (first, second, first):
            twins.step(image(), ctx=ctx)
        twins.do(lambda net: net.collect_params().reset_ctx([second, mx.cpu(2)]))
        twins.step(image(), ctx=second)
        twins.step(image(), ctx=mx.cpu(2))
        with pytest.raises(RuntimeError, match='was not initialized on context'):
            twins.hybrid(mx.nd.array(image(), ctx=first))


def test_several_contexts_with_a_trainer():
    twins = Twins(ctx=[mx.cpu(0), mx.cpu(1)])
    trainers = twins.do(lambda net: mx.gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1}))
    for _ in range(3):
        for ctx in (mx.cpu(0), mx.cpu(1)):
            twins.step(image(), ctx=ctx)
        for trainer in trainers:
            trainer.step(4)


def test_inputs_on_two_contexts_are_refused():
    net = nn.HybridLambda(lambda F, x, y: x + y)
    net.hybridize()
    with pytest.raises(ValueError, match='only supports one input context.*Find all contexts'):
        net(mx.nd.ones((1,)), mx.nd.ones((1,), ctx=mx.cpu(1)))


def test_a_parameter_used_by_eager_and_hybridized_parts_and_alone(twins):
    def act(net):
        x = mx.nd.array(image())
        x.attach_grad()
        with autograd.record():
            y = net(x) * net.factor.data() + net.conv(x).mean() + x.sum()
        y.backward()
        return [y, x.grad, *[p.grad() for p in net.collect_params().values() if p.grad_req != 'null']]
    eager, hybrid = twins.do(act)
    for a, b in zip(eager, hybrid):  # the graph adds up its own gradients first
        mx.test_utils.assert_almost_equal(b, a, rtol=1e-5, atol=1e-6)


class Around(HybridBlock):
    """A net inside another one, with a part of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.first = Small()
            self.last = nn.Dense(2, activation='tanh')

    def hybrid_forward(self, F, x):
        return self.last(self.first(x)) * 2 + 1


@pytest.mark.parametrize('flags', FLAGS)
@pytest.mark.parametrize('which', ['first', 'last', 'both', 'none of the children'])
def test_partly_hybridized(which, flags):
    twins = Twins(Around)
    hybrid = twins.hybrid
    hybrid.hybridize(False)
    if which == 'none of the children':
        hybrid.hybridize(**flags)
        hybrid.first.hybridize(False)
        hybrid.last.hybridize(False)
    for name in ('first', 'last'):
        if which in (name, 'both'):
            getattr(hybrid, name).hybridize(**flags)
    for batch in (2, 3, 2):
        twins.step(image(batch))
    twins.call(image())


def test_inside_of_an_eager_network():
    class Eager(mx.gluon.Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.a, self.b = Small(), nn.Dense(3)

        def forward(self, x):
            y = self.a(x)
            if y.sum().asscalar() > -1e9:
                y = y * self.b(y)
            return y
    twins = Twins(Eager)
    for batch in (2, 3, 2):
        twins.step(image(batch))


def test_blocks_elsewhere_cause_no_new_trace(twins):
    graph = twins.hybrid._cached_graph
    nn.HybridSequential().add(nn.Dense(2))
    twins.call(image())
    twins.hybrid.hide = [1]  # blocks in lists are warned of, but not in that of the blocks which were traced
    twins.hybrid.collect_params()
    assert twins.hybrid._cached_graph is graph
