"""Parameter and Constant. Golden texts: MXNet 1.9.1 (topic param_errors of the recorded cases)."""
import copy
import pickle
import re

import numpy as np
import pytest

from blockscope import MXNetError, autograd, cpu, init
from blockscope import ndarray as nd
from blockscope.context import cpu_pinned
from blockscope.gluon.parameter import Constant, DeferredInitializationError, Parameter

NOT_INITIALIZED = ("Parameter 'w' has not been initialized. Note that you should initialize parameters and create Trainer with "
                   'Block.collect_params() instead of Block.params because the later does not include Parameters of nested child Blocks')
DEFERRED = ("Parameter 'w' has not been initialized yet because initialization was deferred. Actual initialization happens during the "
            'first forward pass. Please pass one batch of data through the network before accessing Parameters. You can also avoid '
            'deferred initialization by specifying in_units, num_features, etc., for network layers.')


def ready(shape=(2, 3), **kwargs):
    """Return an initialized parameter."""
    kwargs.setdefault('init', 'ones')
    ctx = kwargs.pop('ctx', None)
    param = Parameter('w', shape=shape, **kwargs)
    param.initialize(ctx=ctx)
    return param


def raises(kind, text):
    return pytest.raises(kind, match=f'^{re.escape(text)}$')


def test_repr_and_attributes():
    p = Parameter('w', shape=3)
    assert repr(p) == "Parameter w (shape=(3,), dtype=<class 'numpy.float32'>)"
    assert (p.grad_req, p.lr_mult, p.wd_mult, p.init) == ('write', 1.0, 1.0, None)
    assert repr(Parameter('w', dtype='float16')) == 'Parameter w (shape=None, dtype=float16)'


def test_value_and_gradient():
    p = ready()
    np.testing.assert_array_equal(p.data().asnumpy(), np.ones((2, 3)))
    np.testing.assert_array_equal(p.grad().asnumpy(), np.zeros((2, 3)))
    assert p.list_ctx() == [cpu(0)]
    assert p.data() is p.data() is p.list_data()[0]
    p.data()[:] = 4
    assert p.data().asnumpy().max() == 4


def test_gradients_arrive():
    p = ready((2,))
    with autograd.record():
        y = (p.data() * 3).sum()
    y.backward()
    np.testing.assert_array_equal(p.grad().asnumpy(), [3, 3])
    p.zero_grad()
    np.testing.assert_array_equal(p.grad().asnumpy(), [0, 0])


def test_add_request_accumulates():
    p = ready((2,), grad_req='add')
    for _ in range(2):
        with autograd.record():
            y = (p.data() * 3).sum()
        y.backward()
    np.testing.assert_array_equal(p.grad().asnumpy(), [6, 6])


@pytest.mark.parametrize('use', [lambda p: p.data(), lambda p: p.list_data(), lambda p: p.grad(), lambda p: p.list_grad()])
def test_use_before_initialize(use):
    with raises(RuntimeError, NOT_INITIALIZED):
        use(Parameter('w', shape=(1,)))


@pytest.mark.parametrize('shape', [None, (), (0, 2), (2, 0)])
def test_use_while_deferred(shape):
    p = Parameter('w', shape=shape, allow_deferred_init=True)
    p.initialize(ctx=[cpu(1)])
    assert p.list_ctx() == [cpu(1)]
    with raises(DeferredInitializationError, DEFERRED):
        p.data()


@pytest.mark.parametrize('shape', [None, (0, 2)])
def test_unknown_shape(shape):
    with raises(ValueError, f"Cannot initialize Parameter 'w' because it has invalid shape: {shape}."):
        Parameter('w', shape=shape).initialize()


def test_finishing_without_a_shape():
    p = Parameter('w', shape=(0, 2), allow_deferred_init=True)
    p.initialize()
    with raises(AssertionError, "Cannot initialize Parameter 'w' because it has invalid shape: (0, 2). Please specify in_units, "
                                'in_channels, etc for `Block`s.'):
        p._finish_deferred_init()
    p.shape = (1, 2)
    p._finish_deferred_init()
    assert p.data().shape == (1, 2)


def test_negative_shape():
    with pytest.raises(AssertionError, match='shape dimension size cannot be less than 0, while received -2'):
        Parameter('w', shape=(-2,)).initialize()


def test_initialize_twice():
    p = ready((1,))
    with pytest.warns(UserWarning, match=r"^Parameter 'w' is already initialized, ignoring\. Set force_reinit=True to re-initialize\.$"):
        p.initialize(init='zeros')
    assert p.data().asscalar() == 1
    p.initialize(init='zeros', force_reinit=True)
    assert p.data().asscalar() == 0


def test_initializer_precedence():
    p = Parameter('w', shape=(1,), init='ones')
    p.initialize(default_init='zeros')
    assert p.data().asscalar() == 1
    p.initialize(init='zeros', default_init='ones', force_reinit=True)
    assert p.data().asscalar() == 0


def test_default_initializer_ignores_the_name():
    p = Parameter('b_bias', shape=(1,))
    p.initialize(default_init=init.Constant(7.))
    assert p.data().asscalar() == 7


def test_default_is_uniform():
    p = Parameter('w', shape=(100,))
    p.initialize()
    values = p.data().asnumpy()
    assert 0.05 < np.abs(values).max() <= 0.07  # Uniform(0.07)
    assert values.min() < 0 < values.max()


def test_a_failed_initialization_changes_nothing():
    p = ready((3,))
    value, grad = p.data(), p.grad()
    with raises(ValueError, 'Xavier initializer cannot be applied to vector w. It requires at least 2D.'):
        p.initialize(init='xavier', force_reinit=True)
    assert p.data() is value
    assert p.grad() is grad


def test_initialization_is_not_recorded():
    with autograd.record():
        p = ready((2,))
        y = p.data() * 2
    y.backward()
    np.testing.assert_array_equal(p.grad().asnumpy(), [2, 2])


def test_grad_req_must_be_known():
    with raises(AssertionError, "grad_req must be one of 'write', 'add', or 'null', but got 'foo'"):
        Parameter('w', grad_req='foo')


def test_null_request():
    p = ready(grad_req='null')
    with raises(RuntimeError, "Cannot get gradient array for Parameter 'w' because grad_req='null'"):
        p.grad()
    p.grad_req = 'write'
    assert p.grad().shape == (2, 3)
    p.grad_req = 'null'
    assert p._grad is None
    with autograd.record():
        y = p.data() * nd.ones((2, 3))
    with pytest.raises(MXNetError):
        y.backward()


def test_not_differentiable_stays_null():
    p = Parameter('w', shape=(1,), differentiable=False)
    p.grad_req = 'write'
    assert p.grad_req == 'null'


def test_shape_is_assigned_once():
    p = Parameter('w', shape=(2, -1))
    p.shape = (2, 4)
    with raises(AssertionError, 'Expected shape (2, 5) is incompatible with given shape (2, 4).'):
        p.shape = (2, 5)
    with raises(AssertionError, 'Expected shape (2,) is incompatible with given shape (2, 4).'):
        p.shape = (2,)
    free = Parameter('w')
    free.shape = (7,)
    assert free.shape == (7,)


def test_set_data():
    p = ready((2,))
    p.set_data(np.array([1, 2]))
    assert p.data().asnumpy().tolist() == [1, 2]
    assert p.data().dtype is np.float32
    with raises(AssertionError, 'Expected shape (3,) is incompatible with given shape (2,).'):
        p.set_data(nd.ones((3,)))
    with raises(AssertionError, "Parameter 'w' has not been initialized"):
        Parameter('w', shape=(2,)).set_data(nd.ones((2,)))


@pytest.mark.parametrize('value', [np.array([1., 2.]), nd.array([1, 2])])
def test_set_data_of_a_deferred_parameter(value):
    p = Parameter('w', shape=(0,), allow_deferred_init=True)
    p.initialize()
    p.set_data(value)
    assert p.shape == (2,)
    p._finish_deferred_init()
    assert p.data().asnumpy().tolist() == [1, 2]


def test_failed_set_data_of_a_new_parameter_keeps_its_shape():
    p = Parameter('w', shape=(0,))
    with pytest.raises(AssertionError):
        p.set_data(nd.ones((2,)))
    assert p.shape == (0,)


def test_cast():
    p = Parameter('w', shape=(1,), init='ones')
    p.cast('float64')
    p.initialize()
    assert p.data().dtype is np.float64
    p.dtype = 'float16'
    assert (p.dtype, p.data().dtype, p.grad().dtype) == ('float16', np.float16, np.float16)
    with autograd.record():
        y = p.data() * 2
    y.backward()
    assert p.grad().asscalar() == 2


def test_wrong_context():
    p = ready(ctx=[cpu(0), cpu(2)])
    with raises(RuntimeError, "Parameter 'w' was not initialized on context cpu(1). It was only initialized on [cpu(0), cpu(2)]."):
        p.data(cpu(1))
    with raises(RuntimeError, "Parameter 'w' was not initialized on context cpu(0). It was only initialized on [cpu(1)]."):
        ready(ctx=cpu(1)).data(cpu(0))
    assert ready(ctx=cpu(1)).data().context == cpu(1)


def test_no_context_means_the_current_one():
    p = ready(ctx=[cpu(1), cpu(2)])
    with raises(RuntimeError, "Parameter 'w' was not initialized on context cpu(0). It was only initialized on [cpu(1), cpu(2)]."):
        p.data()
    with cpu(2):
        assert p.data().context == cpu(2)


def test_pinned_host_memory_finds_the_host_replica():
    assert ready().data(cpu_pinned(0)).context == cpu(0)


def test_empty_list_of_contexts():
    with pytest.raises(ValueError, match='on an empty list of contexts'):
        Parameter('w', shape=(1,)).initialize(ctx=[])


def test_reset_ctx():
    p = ready()
    p.data()[:] = 5
    p.reset_ctx([cpu(1), cpu(2)])
    assert p.list_ctx() == [cpu(1), cpu(2)]
    assert [a.asnumpy().max() for a in p.list_data()] == [5, 5]
    p.reset_ctx(None)
    assert p.list_ctx() == [cpu(0)]
    with raises(ValueError, "Cannot reset context for Parameter 'w' because it has not been initialized."):
        Parameter('w').reset_ctx(cpu())
    waiting = Parameter('w', shape=(0,), allow_deferred_init=True)
    waiting.initialize()
    waiting.reset_ctx(cpu(3))
    assert waiting.list_ctx() == [cpu(3)]


def test_list_ctx_before_initialize():
    with raises(RuntimeError, "Parameter 'w' has not been initialized"):
        Parameter('w').list_ctx()


def test_equality_is_identity():
    a, b = Parameter('w', shape=(1,)), Parameter('w', shape=(1,))
    assert a != b
    assert len({a, b}) == 2


def test_symbol_of_a_parameter():
    weight = Parameter('w', shape=(2, 0), lr_mult=0.5, init='xavier')
    assert weight.var() is weight.var()
    # Recorded from MXNet 1.9.1 (attr_scope/parameter_var_attrs).
    assert weight.var().list_attr() == {'__storage_type__': '0', '__init__': 'xavier', '__dtype__': '0', '__wd_mult__': '1.0',
                                        'wd_mult': '1.0', '__lr_mult__': '0.5', 'lr_mult': '0.5', '__shape__': '(2, 0)'}


def test_storage_types_are_checked():
    with raises(AssertionError, "stype for Parameter 'w' must be one of 'default', 'row_sparse', or 'csr', but got 'dense'"):
        Parameter('w', stype='dense')
    with raises(AssertionError, "grad_stype for Parameter 'w' must be one of 'default', 'row_sparse', or 'csr', but got 'x'"):
        Parameter('w', grad_stype='x')


def test_row_sparse_access_to_a_dense_parameter():
    p, ids = ready(), nd.array([0])
    with raises(RuntimeError, 'Cannot return a copy of Parameter w via row_sparse_data() because its storage type is default. Please use '
                              'data() instead.'):
        p.row_sparse_data(ids)
    with raises(RuntimeError, "Cannot return copies of Parameter 'w' on all contexts via list_row_sparse_data() because its storage type "
                              'is default. Please use data() instead.'):
        p.list_row_sparse_data(ids)


def test_row_sparse_parameters_are_refused_when_used():
    p, ids = ready(stype='row_sparse'), nd.array([0])
    with raises(RuntimeError, "Cannot return a copy of Parameter 'w' on ctx None via data() because its storage type is row_sparse. "
                              'Please use row_sparse_data() instead.'):
        p.data()
    with raises(RuntimeError, "Cannot return copies of Parameter 'w' on all contexts via list_data() because its storage type is "
                              'row_sparse. Please use row_sparse_data() instead.'):
        p.list_data()
    with raises(RuntimeError, "Cannot get row_sparse data for Parameter 'w' when no Trainer is created with it."):
        p.row_sparse_data(ids)
    with pytest.raises(TypeError, match='row_id must have NDArray type'):
        p.row_sparse_data(0)
    for use in (p.grad, p._reduce, p._finish_deferred_init):
        with pytest.raises(MXNetError, match="Parameter 'w' has stype='row_sparse', and blockscope has no sparse arrays yet"):
            use()


def test_row_sparse_gradients_are_refused():
    p = Parameter('w', shape=(2, 3), grad_stype='row_sparse')
    with pytest.raises(MXNetError, match="Parameter 'w' has grad_stype='row_sparse'.*sparse_grad=False"):
        p.initialize()
    assert p._data is None


class FakeTrainer:
    """Something that a parameter can refer to."""


def test_a_sparse_parameter_has_one_trainer():
    first, second = FakeTrainer(), FakeTrainer()
    p = Parameter('w', shape=(2, 3), stype='row_sparse')
    p._set_trainer(first)
    with pytest.raises(RuntimeError, match="Failed to set the trainer for Parameter 'w' because it was already set"):
        p._set_trainer(second)
    dense = Parameter('w')
    dense._set_trainer(first)
    dense._set_trainer(second)
    assert dense._trainer is second


def test_a_parameter_does_not_keep_its_trainer_alive():
    p, trainer = ready(), FakeTrainer()
    p._set_trainer(trainer)
    assert copy.deepcopy(p)._trainer is None
    del trainer
    assert p._trainer is None


@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_are_trained_separately(duplicate):
    p = ready((2,))
    q = duplicate(p)
    with autograd.record():
        y = (q.data() * 3).sum()
    y.backward()
    assert q.grad().asnumpy().tolist() == [3, 3]
    assert p.grad().asnumpy().tolist() == [0, 0]


def test_constant():
    c = Constant('c', [[1, 2], [3, 4]])
    assert repr(c) == "Constant c (shape=(2, 2), dtype=<class 'numpy.float32'>)"
    assert c.init == f'Constant_c_{id(c)}'
    c.initialize(default_init='zeros')
    assert c.data().asnumpy().tolist() == [[1, 2], [3, 4]]
    assert c.value.asnumpy().tolist() == [[1, 2], [3, 4]]
    c.set_data(nd.zeros((2, 2)))
    assert c.value.asnumpy().tolist() == [[1, 2], [3, 4]]
    with raises(RuntimeError, "Cannot get gradient array for Parameter 'c' because grad_req='null'"):
        c.grad()


def test_constant_keeps_its_request():
    c = Constant('w eird/name', [1.])
    with pytest.warns(UserWarning, match='^Constant parameter "w eird/name" does not support grad_req other than "null", and new value '
                                         '"write" is ignored.$'):
        c.grad_req = 'write'
    assert c.grad_req == 'null'
