"""HybridBlock: gathering parameters, first passes that tell shapes, hybridize.

Golden texts: MXNet 1.9.1 (topics block_api and param_errors of the recorded cases).
"""
import re

import numpy as np
import pytest

from blockscope import MXNetError, autograd, cpu
from blockscope import ndarray as nd
from blockscope.gluon._first_pass import pending
from blockscope.gluon.block import Block, HybridBlock
from blockscope.gluon.parameter import DeferredInitializationError


class Dense(HybridBlock):
    """y = x w^T + b, with a shape that the first batch tells."""

    def __init__(self, units, in_units=0, **kwargs):
        super().__init__(**kwargs)
        self._units = units
        self.weight = self.params.get('weight', shape=(units, in_units), init='ones', allow_deferred_init=True)
        self.bias = self.params.get('bias', shape=(units,), init='zeros', allow_deferred_init=True)

    def hybrid_forward(self, F, x, weight, bias):
        return F.FullyConnected(x, weight, bias, num_hidden=self._units)


class Own(HybridBlock):
    """A parameter of its own beside a child."""

    def __init__(self, shape=(0,), **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.w = self.params.get('w', shape=shape, init='ones', allow_deferred_init=True)
            self.fc = Dense(3)

    def hybrid_forward(self, F, x, w):
        return F.broadcast_add(self.fc(x), w)


class Several(HybridBlock):
    """Nested arguments and results."""

    def hybrid_forward(self, F, x, states=None):
        return x, (states if states is None else states[0], x)


def raises(kind, text):
    return pytest.raises(kind, match=f'^{re.escape(text)}$')


def ready(block, **kwargs):
    block.initialize(**kwargs)
    return block


def test_parameters_arrive_by_attribute_name():
    out = ready(Dense(2, 3))(nd.ones((4, 3)))
    np.testing.assert_array_equal(out.asnumpy(), np.full((4, 2), 3))


def test_operators_are_those_of_nd():
    class Which(HybridBlock):
        def hybrid_forward(self, F, x):
            assert F is nd
            return x
    Which()(nd.ones((1,)))


def test_first_batch_tells_shapes():
    net = ready(Dense(2))
    with autograd.record():
        out = net(nd.ones((4, 3)))
    out.backward()
    assert net.weight.shape == (2, 3)
    np.testing.assert_array_equal(net.weight.grad().asnumpy(), np.full((2, 3), 4))
    assert net(nd.ones((1, 3))).shape == (1, 2)


def test_a_failed_first_batch_can_be_repeated():
    class Fails(Dense):
        broken = True

        def hybrid_forward(self, F, x, weight, bias):
            out = super().hybrid_forward(F, x, weight, bias)
            if self.broken:
                raise KeyError
            return out
    net = ready(Fails(2))
    with pytest.raises(KeyError):
        net(nd.ones((4, 3)))
    assert net.weight.shape == (2, 0)
    with pytest.raises(DeferredInitializationError):
        net.weight.data()
    net.broken = False
    assert net(nd.ones((4, 5))).shape == (4, 2)


class Stack(HybridBlock):
    """Two layers, of which the second has a fixed width."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.a = Dense(4)
            self.b = Dense(2, in_units=5)

    def hybrid_forward(self, F, x):
        return self.b(self.a(x))


def test_a_failed_first_pass_undoes_the_layers_that_went_well():
    net = ready(Stack())
    with pytest.raises(MXNetError):
        net(nd.ones((1, 7)))
    assert net.a.weight.shape == (4, 0)
    with pytest.raises(DeferredInitializationError):
        net.a.weight.data()
    assert net.b.weight.data().shape == (2, 5)


def test_a_later_failure_undoes_nothing():
    net = ready(Stack())
    net.a(nd.ones((1, 7)))
    with pytest.raises(MXNetError):
        net(nd.ones((1, 7)))
    assert net.a.weight.data().shape == (4, 7)
    assert not pending


def test_a_failed_hook_undoes_the_first_pass():
    def fail(*args):
        raise KeyError
    net = ready(Dense(2))
    with net.register_forward_hook(fail), pytest.raises(KeyError):
        net(nd.ones((1, 7)))
    assert net(nd.ones((1, 3))).shape == (1, 2)


def test_a_failed_first_call_fixes_no_structure():
    class Fails(HybridBlock):
        def hybrid_forward(self, F, x, y=None):
            if y is None:
                raise KeyError
            return x + y
    net = Fails()
    net.hybridize()
    with pytest.raises(KeyError):
        net(nd.ones((1,)))
    net(nd.ones((1,)), nd.ones((1,)))


def test_undecidable_shape():
    net = ready(Own(prefix='n_'))
    with raises(ValueError, 'Deferred initialization failed because shape cannot be inferred. Cannot decide shape for the following '
                            'arguments (0s in shape means unknown dimensions). Consider providing them as input:\n\tn_w: (0,)'):
        net(nd.ones((2, 3)))
    assert net.w._deferred_init


def test_a_deferred_parameter_of_known_shape_needs_no_rule():
    net = Own(shape=(0,))
    net.initialize()
    net.w.shape = (3,)
    np.testing.assert_array_equal(net(nd.ones((1, 2))).asnumpy(), [[3, 3, 3]])


def test_a_layer_may_tell_shapes_itself():
    class Told(Dense):
        def infer_shape(self, x):
            self.weight.shape = (self._units, x.shape[1])

        def hybrid_forward(self, F, x, weight, bias):
            return F.broadcast_add(F.dot(x, F.transpose(weight)), bias)
    assert ready(Told(2))(nd.ones((4, 3))).shape == (4, 2)


def test_uninitialized():
    net = Dense(2, 2, prefix='d_')
    with pytest.raises(RuntimeError, match=r"^Parameter 'd_weight' has not been initialized\. Note that"):
        net(nd.ones((1, 2)))


def test_infer_shape_initializes_nothing():
    net = Own(shape=(3,))
    net.infer_shape(nd.ones((4, 5)))
    assert net.fc.weight.shape == (3, 5)
    assert net.fc.weight._data is None
    assert not net.fc.weight._deferred_init
    with pytest.raises(RuntimeError):
        net(nd.ones((4, 5)))


def test_a_failed_inference_changes_nothing():
    net = Stack()
    with pytest.raises(MXNetError):
        net.infer_shape(nd.ones((1, 7)))
    assert net.a.weight.shape == (4, 0)


def test_infer_type():
    net = Dense(2, 3)
    net.infer_type(nd.ones((4, 3)))
    assert np.dtype(net.weight.dtype) == np.float32
    with pytest.raises(MXNetError, match='expected float16, got float32'):  # the parameter was made with its type, as in MXNet
        net.infer_type(nd.ones((4, 3), dtype='float16'))


def test_context_of_the_first_array():
    net = ready(Dense(2, 3), ctx=[cpu(0), cpu(1)])
    assert net(nd.ones((1, 3), ctx=cpu(1))).context == cpu(1)
    with raises(RuntimeError, f"Parameter '{net.weight.name}' was not initialized on context cpu(2). It was only initialized on "
                              '[cpu(0), cpu(1)].'):
        net(nd.ones((1, 3), ctx=cpu(2)))


def test_new_arrays_go_where_the_block_runs():
    class Makes(HybridBlock):
        def hybrid_forward(self, F, x):
            return F.zeros((1,))
    assert Makes()(nd.ones((1,), ctx=cpu(1))).context == cpu(1)


@pytest.mark.parametrize('active', [False, True])
def test_no_array_at_all(active):
    net = Several()
    net.hybridize(active)
    with raises(ValueError, 'In HybridBlock, there must be one NDArray or one Symbol in the input. Please check the type of the args.\n'):
        net(None)


def test_numpy_arrays():
    out = ready(Dense(2, 3))(np.ones((4, 3), 'float32'))
    assert isinstance(out, nd.NDArray)


def test_children_must_be_hybrid():
    net = HybridBlock()
    with raises(ValueError, 'Children of HybridBlock must also be HybridBlock, but Block(\n\n) has type '
                            "<class 'blockscope.gluon.block.Block'>. If you are using Sequential, please try HybridSequential instead."):
        net.a = Block()
    assert not hasattr(net, 'a')
    assert list(net._children) == []


def test_hybrid_forward_must_be_defined():
    with pytest.raises(NotImplementedError):
        HybridBlock()(nd.ones((1,)))


def test_hybridize_sets_flags_for_children_too():
    net = Own()
    assert (net._active, list(net._flags)) == (False, [])
    net.hybridize(static_alloc=True, inline_limit=5, forward_bulk_size=3)
    assert net._flags == [('static_alloc', True), ('static_shape', False), ('inline_limit', 5), ('forward_bulk_size', 3)]
    assert net.fc._active
    assert net.fc._flags == net._flags
    net.hybridize(False)
    assert not net.fc._active


def test_hybridizing_a_plain_block_reaches_its_children():
    net = Block()
    net.a = Dense(2)
    net.hybridize()
    assert net.a._active


def test_unknown_backend():
    with pytest.raises(ValueError, match="backend 'TensorRT' is not known"):
        Dense(2).hybridize(backend='TensorRT')


def test_hybridize_is_exact():
    net, x = ready(Own(shape=(3,))), nd.ones((2, 4))
    before = net(x).asnumpy()
    net.hybridize()
    np.testing.assert_array_equal(net(x).asnumpy(), before)


def test_hybridized_results_are_lists():
    net, x = Several(), nd.ones((1,))
    assert isinstance(net(x), tuple)
    net.hybridize()
    out = net(x)
    assert isinstance(out, list)
    assert isinstance(out[1], list)


def test_children_of_a_hybridized_block_return_what_they_made():
    class Outer(HybridBlock):
        def __init__(self):
            super().__init__()
            self.inner = Several()

        def hybrid_forward(self, F, x):
            assert isinstance(self.inner(x), tuple)
            return x
    net = Outer()
    net.hybridize()
    net(nd.ones((1,)))
    assert isinstance(net.inner(nd.ones((1,))), list)


def test_structure_of_arguments_is_fixed_when_hybridized():
    net, x = Several(), nd.ones((1,))
    net.hybridize()
    net(x)
    net(x, None)
    with raises(ValueError, 'The argument structure of HybridBlock does not match the cached version. Stored format = [0, [0]], input '
                            'format = [0]'):
        net(x, [x])
    net.hybridize()
    net(x, [x])


def test_only_arrays_when_hybridized():
    net = Several()
    net.hybridize()
    with pytest.raises(ValueError, match='^When hybridized, the input of HybridBlock input must be'):
        net(nd.ones((1,)), 3)


def test_one_context_when_hybridized():
    net = Several()
    net.hybridize()
    with pytest.raises(ValueError, match='^Find multiple contexts in the input, After hybridized, the HybridBlock only supports one input'):
        net(nd.ones((1,)), [nd.ones((1,), ctx=cpu(1))])


def test_hooks_are_warned_of_when_hybridized(recwarn):
    net = HybridBlock()
    net.register_forward_pre_hook(lambda *args: None)
    net.hybridize(False)
    assert not recwarn.list
    with pytest.warns(UserWarning, match='is being hybridized while still having forward hook/pre-hook'):
        net.hybridize()


def test_a_failed_hybridized_call_leaves_nothing_behind():
    class Fails(HybridBlock):
        def hybrid_forward(self, F, x):
            raise KeyError
    net, other = Fails(), Several()
    net.hybridize()
    other.hybridize()
    with pytest.raises(KeyError):
        net(nd.ones((1,), ctx=cpu(1)))
    assert isinstance(other(nd.ones((1,))), list)
    assert nd.zeros((1,)).context == cpu(0)
