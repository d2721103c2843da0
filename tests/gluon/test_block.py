"""Block: attributes, children, collecting, hooks. Golden texts: MXNet 1.9.1 (topics children, collect_params, block_api, summary)."""
import traceback
import warnings

import numpy as np
import pytest

from blockscope import ndarray as nd
from blockscope.gluon.block import Block, HybridBlock
from blockscope.gluon.parameter import Constant, Parameter
from blockscope.name import NameManager


class Leaf(Block):
    """A block with one parameter."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get('weight', shape=(2, 2), init='ones')

    def forward(self, x):
        return nd.elemwise_add(x, self.weight.data())


class Net(Block):
    """Two leaves and an own parameter."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.a = Leaf()
            self.own = self.params.get('own', shape=(1,))
            self.b = Leaf()

    def forward(self, x):
        return self.b(self.a(x))


@pytest.fixture(autouse=True)
def fresh_names():
    """Start every test with top-level counters at zero."""
    with NameManager():
        yield


def test_names():
    net = Net()
    assert (net.prefix, net.name, net.params.prefix, net.a.name) == ('net0_', 'net0', 'net0_', 'net0_leaf0')
    assert Block(prefix='').name == ''
    assert Block(prefix='x').name == 'x'


def test_attributes_register_children_and_parameters():
    net = Net()
    assert list(net._children) == ['a', 'b']
    assert net._reg_params == {'own': net.own}


def test_replacing_a_child_by_the_same_type():
    net = Net(prefix='n_')
    with net.name_scope():
        net.a = Leaf()
    assert list(net._children) == ['a', 'b']
    assert list(net.collect_params()) == ['n_own', 'n_leaf2_weight', 'n_leaf1_weight']


@pytest.mark.parametrize('value', [None, 3, Block()])
def test_replacing_a_child_by_another_type(value):
    net = Net()
    before = net.a
    with pytest.raises(TypeError, match=r"Changing attribute type for a from <class '.*Leaf'> to <class '.*'> is not allowed\."):
        net.a = value
    assert net.a is before


@pytest.mark.parametrize('value', [Parameter('w', shape=(1,)), Constant('w', [1])])
def test_replacing_a_parameter(value):
    leaf = Leaf()
    with pytest.raises(AssertionError, match=r"^Overriding Parameter attribute weight is not allowed\. If you want to share parameters "
                                             r"between blocks, please set 'params' at Block construction instead\.$"):
        leaf.weight = value


def test_assigning_before_the_constructor_ran():
    class Early(Block):
        def __init__(self):
            self.a = Leaf()
            super().__init__()

    class EarlyParameter(Block):
        def __init__(self):
            self.w = Parameter('w', shape=(1,))
            super().__init__()
    with pytest.raises(AttributeError, match="^'Early' object has no attribute '_children'$"):
        Early()
    with pytest.raises(AttributeError, match="^'EarlyParameter' object has no attribute '_reg_params'$"):
        EarlyParameter()


def test_default_child_names_count_children():
    net = Block()
    net.register_child(Leaf())
    net.register_child(Leaf(), 'x')
    net.register_child(Leaf())
    assert list(net._children) == ['0', 'x', '2']


def test_deleted_attribute_stays_a_child():
    net = Net()
    del net.a
    assert list(net._children) == ['a', 'b']


def test_collect_params_gives_own_parameters_first():
    assert list(Net(prefix='n_').collect_params()) == ['n_own', 'n_leaf0_weight', 'n_leaf1_weight']
    assert Net(prefix='n_').collect_params().prefix == 'n_'


def test_collect_params_by_pattern():
    net = Net(prefix='n_')
    assert list(net.collect_params('n_leaf1|n_own')) == ['n_own', 'n_leaf1_weight']
    assert list(net.collect_params('.*weight')) == ['n_leaf0_weight', 'n_leaf1_weight']
    assert list(net.collect_params('weight')) == []


def test_collect_params_calls_a_child_that_overrides_it():
    class Frozen(Leaf):
        def collect_params(self, select=None):
            return type(super().collect_params())(self.prefix)
    net = Block()
    net.a, net.b = Frozen(), Leaf()
    assert list(net.collect_params()) == ['leaf0_weight']


def test_collect_params_with_prefix_uses_attribute_names():
    assert list(Net()._collect_params_with_prefix()) == ['own', 'a.weight', 'b.weight']


def test_shared_child_is_collected_once():
    net, leaf = Block(), Leaf()
    net.a = net.b = leaf
    assert list(net.collect_params()) == ['leaf0_weight']


def test_clash_names_both_places():
    net = Block()
    net.a = Leaf(prefix='x_')
    net.b = Leaf(prefix='x_')
    with pytest.raises(AssertionError) as caught:
        net.collect_params()
    assert str(caught.value) == ('Cannot update self with other because they have different Parameters with the same name '
                                 "'x_weight'")
    shown = ''.join(traceback.format_exception_only(caught.value))
    line = test_clash_names_both_places.__code__.co_firstlineno
    for offset in (2, 3):
        assert f'{__file__}:{line + offset}' in shown


def test_blocks_in_containers_are_warned_of():
    class Hidden(Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.plain = [1, 'x', {'a': (2,)}]
            self.deep = {'a': [(Leaf(),)]}
    with pytest.warns(UserWarning, match=r'^"Hidden.deep" is an unregistered container with Blocks\. Note that'):
        Hidden().collect_params()


def test_registered_blocks_in_containers_are_fine():
    net = Block()
    net.layers = [Leaf(), Leaf()]
    for layer in net.layers:
        net.register_child(layer)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(net.collect_params()) == 2


def test_repr_shows_attributes():
    assert repr(Block()) == 'Block(\n\n)'
    net = Block()
    net.a = Block()
    assert repr(net) == 'Block(\n  (a): Block(\n  \n  )\n)'


def test_apply_visits_children_first():
    net, seen = Net(prefix='n_'), []
    assert net.apply(lambda block: seen.append(block.name)) is net
    assert seen == ['n_leaf0', 'n_leaf1', 'n']


def test_forward_must_be_defined():
    with pytest.raises(NotImplementedError):
        Block()(1)


def test_keyword_arguments_are_refused():
    with pytest.raises(TypeError, match=r"^Block\.__call__\(\) got an unexpected keyword argument 'x'$"):
        Leaf()(x=1)


def test_initialize_and_call():
    net = Net()
    assert net.initialize() is None
    np.testing.assert_array_equal(net(nd.zeros((2, 2))).asnumpy(), np.full((2, 2), 2))


def test_numpy_input_is_used_without_a_copy():
    class Same(Block):
        def forward(self, x, others):
            return x, others
    x = np.zeros((2, 2), 'float32')
    out, others = Same()(x, [x, 3])
    assert isinstance(out, nd.NDArray)
    assert out._raw is x
    assert others[0]._raw is x
    assert others[1] == 3
    states = [nd.zeros((1,))]
    assert Same()(out, states)[1] is states


def test_hooks_run_around_forward_until_detached():
    leaf, log = Leaf(), []
    leaf.initialize()
    before = leaf.register_forward_pre_hook(lambda block, inputs: log.append(('before', block is leaf, len(inputs))))
    with leaf.register_forward_hook(lambda block, inputs, output: log.append(('after', output.shape))):
        leaf(nd.zeros((2, 2)))
    leaf(nd.zeros((2, 2)))
    before.detach()
    before.detach()
    leaf(nd.zeros((2, 2)))
    assert log == [('before', True, 1), ('after', (2, 2)), ('before', True, 1)]


def test_a_handle_is_attached_once():
    leaf = Leaf()
    handle = leaf.register_forward_hook(lambda *args: None)
    with pytest.raises(AssertionError, match='cannot be attached twice'):
        handle.attach(leaf._forward_hooks, print)


def test_cast():
    net = Net()
    net.initialize()
    net.cast('float16')
    assert {np.dtype(p.dtype).name for p in net.collect_params().values()} == {'float16'}
    assert net.a.weight.data().dtype == np.float16
    assert net.a.weight.grad().dtype == np.float16


def test_summary(capsys):
    net = Net(prefix='n_')
    net.initialize()
    net.b.weight.grad_req = 'null'
    net.summary(nd.zeros((2, 2)))
    out = capsys.readouterr().out.splitlines()
    assert out[3].split() == ['Input', '(2,', '2)', '0']
    assert [line.split()[0] for line in out[4:7]] == ['Leaf-1', 'Leaf-2', 'Net-3']
    assert out[4] == '              Leaf-1                                      (2, 2)               4'
    assert out[8:14] == ['Parameters in forward computation graph, duplicate included', '   Total params: 9',
                         '   Trainable params: 5', '   Non-trainable params: 4',
                         'Shared params in forward computation graph: 0', 'Unique parameters in model: 9']
    assert not net._forward_hooks


def test_summary_of_a_hybridized_block():
    net = HybridBlock(prefix='d_')
    net.hybridize()
    with pytest.raises(AssertionError, match='^"d" must not be hybridized to print summary.$'):
        net.summary(nd.zeros((1,)))
