"""ParameterDict.

Golden values and texts: MXNet 1.9.1 (topics pd_get and pd_misc of the recorded cases), except what `blockscope.mxnet` lists.
"""
import gc
import re

import numpy as np
import pytest

from blockscope import autograd, cpu
from blockscope import ndarray as nd
from blockscope.gluon.parameter import Constant, ParameterDict


@pytest.fixture
def pd():
    return ParameterDict('p_')


def raises(kind, text):
    return pytest.raises(kind, match=f'^{re.escape(text)}$')


def mismatch(key, desired, stored, name='p_w'):
    return (f"Cannot retrieve Parameter '{name}' because desired attribute does not match with stored for attribute '{key}': "
            f"desired '{desired}' vs stored '{stored}'.")


def test_get_makes_a_parameter_once(pd):
    w = pd.get('w', shape=(2, 3))
    assert (w.name, w.shape, w.grad_req, w.lr_mult, w.wd_mult, w.init) == ('p_w', (2, 3), 'write', 1.0, 1.0, None)
    assert pd.get('w') is w
    assert list(pd.keys()) == list(pd) == ['p_w']
    assert list(pd.values()) == [pd['p_w']] == [w]
    assert 'p_w' in pd
    assert len(pd) == 1
    assert ParameterDict()
    assert pd.prefix == 'p_'


def test_names_are_joined_literally(pd):
    assert [pd.get('', shape=(1,)).name, pd.get('p_w', shape=(1,)).name, ParameterDict().get('').name] == ['p_', 'p_p_w', '']


def test_order_is_insertion(pd):
    for name in 'zebra':
        pd.get(name)
    assert list(pd) == ['p_z', 'p_e', 'p_b', 'p_r', 'p_a']


def test_repr(pd):
    pd.get('w', shape=(1,))
    assert repr(pd) == "p_ (\n  Parameter p_w (shape=(1,), dtype=<class 'numpy.float32'>)\n)"
    assert repr(ParameterDict()) == '(\n\n)'


def test_missing_key(pd):
    with raises(KeyError, "'w'"):
        pd['w']


def test_shapes_are_merged(pd):
    w, seen = pd.get('w', shape=(0, 3)), []
    for shape in [(2, 0), (2, 3), (0, 0), (-1, -1)]:
        pd.get('w', shape=shape)
        seen.append(w.shape)
    assert seen == [(2, 3)] * 4


def test_minus_one_is_kept_until_known(pd):
    w = pd.get('w', shape=(-1, 3))
    pd.get('w', shape=(0, 3))
    assert w.shape == (-1, 3)
    pd.get('w', shape=(2, 3))
    assert w.shape == (2, 3)


def test_a_list_becomes_a_tuple_when_merged(pd):
    w = pd.get('w', shape=[2, 3])
    assert w.shape == [2, 3]
    pd.get('w', shape=[2, 3])
    assert w.shape == (2, 3)


def test_shape_fills_in(pd):
    w = pd.get('w')
    pd.get('w', shape=2)
    assert w.shape == (2,)


def test_shape_mismatch(pd):
    pd.get('w', shape=(2, 3))
    with raises(AssertionError, mismatch('shape', '(2, 4)', '(2, 3)')):
        pd.get('w', shape=(2, 4))
    with raises(AssertionError, mismatch('shape', '(2,)', '(2, 3)')):
        pd.get('w', shape=2)


def test_equivalent_dtypes(pd):
    w = pd.get('w', dtype='float32')
    assert pd.get('w', dtype=np.float32) is pd.get('w', dtype=np.dtype('float32')) is w
    assert w.dtype == 'float32'
    with raises(AssertionError, mismatch('dtype', 'float16', 'float32')):
        pd.get('w', dtype='float16')


@pytest.mark.parametrize('key, first, second', [
    ('grad_req', 'null', 'write'), ('lr_mult', 1.0, 2.0), ('init', 'zeros', 'ones'), ('differentiable', False, True),
    ('stype', 'default', 'row_sparse'), ('grad_stype', 'row_sparse', 'default')])
def test_attributes_must_agree(pd, key, first, second):
    pd.get('w', **{key: first})
    with raises(AssertionError, mismatch(key, second, first)):
        pd.get('w', **{key: second})


def test_none_agrees_with_everything(pd):
    w = pd.get('w', shape=(2,), init='zeros')
    assert pd.get('w', init=None, lr_mult=None, shape=None) is w
    assert (w.init, w.shape) == ('zeros', (2,))


def test_a_second_get_may_set_the_initializer(pd):
    w = pd.get('w')
    pd.get('w', init='ones')
    assert w.init == 'ones'


def test_a_second_get_may_allow_deferring(pd):
    w = pd.get('w', shape=(0,))
    pd.get('w', allow_deferred_init=True)
    w.initialize()
    assert w._deferred_init


def test_unknown_keyword(pd):
    text = "Parameter.__init__() got an unexpected keyword argument 'colour'"
    with raises(TypeError, text):
        pd.get('w', colour='red')
    assert list(pd) == []
    pd.get('w')
    with raises(TypeError, text):
        pd.get('w', colour='red')


def test_shared_parameters_are_found_one_level_deep():
    first = ParameterDict('p_')
    w = first.get('w')
    second = ParameterDict('p_', first)
    third = ParameterDict('p_', second)
    assert third.get('w') is not w
    assert second.get('w') is w
    assert list(second) == ['p_w']
    assert ParameterDict('p_', second).get('w') is w


def test_new_parameters_are_not_added_to_the_shared_dictionary():
    shared = ParameterDict('p_')
    ParameterDict('p_', shared).get('bias')
    assert list(shared) == []


def test_constants(pd):
    c = pd.get_constant('c', [[1, 2], [3, 4]])
    assert isinstance(c, Constant)
    assert c.name == 'p_c'
    for same in (None, [[1, 2], [3, 4]], np.array([[1., 2.], [3., 4.]]), nd.array([[1, 2], [3, 4]])):
        assert pd.get_constant('c', same) is c
    with raises(AssertionError, "Constant 'p_c' already exists but it's value doesn't match new value"):
        pd.get_constant('c', [[1, 2], [3, 5]])
    with raises(AssertionError, mismatch('shape', '(3,)', '(2, 2)', 'p_c')):
        pd.get('c', shape=(3,))
    with raises(AssertionError, "Parameter 'p_w' already exists but it is not a constant."):
        pd.get('w', shape=(2,))
        pd.get_constant('w', [1, 2])
    with pytest.raises(KeyError, match="No constant named 'p_d'. Please specify value if you want to create a new constant."):
        pd.get_constant('d')


def test_update(pd):
    other = ParameterDict('q_')
    w = other.get('w')
    pd.update(other)
    pd.update(other)
    assert pd['q_w'] is w


def test_update_that_clashes_changes_nothing(pd):
    other = ParameterDict('p_')
    pd.get('w')
    other.get('v')
    other.get('w')
    with raises(AssertionError, "Cannot update self with other because they have different Parameters with the same name 'p_w'"):
        pd.update(other)
    assert list(pd) == ['p_w']


def test_initialize_all(pd):
    pd.get('a', shape=(1,), init='ones')
    pd.get('b', shape=(1,))
    pd.initialize('zeros', ctx=[cpu(0), cpu(1)])
    assert [p.data(cpu(1)).asscalar() for p in pd.values()] == [1, 0]
    assert pd.list_ctx() == [cpu(0), cpu(1)]
    pd.reset_ctx(cpu(2))
    assert pd.list_ctx() == [cpu(2)]
    with pytest.warns(UserWarning) as caught:
        pd.initialize()
    assert [str(w.message)[:34] for w in caught] == ["Parameter 'p_a' is already initial", "Parameter 'p_b' is already initial"]


def test_initialize_is_all_or_nothing(pd):
    good, bad = pd.get('good', shape=(2, 2), init='ones'), pd.get('bad', shape=(2,))
    with pytest.raises(ValueError, match='Xavier initializer cannot be applied to vector p_bad'):
        pd.initialize('xavier')
    assert good._data is None
    good.initialize()
    value = good.data()
    with pytest.raises(ValueError):
        pd.initialize('xavier', force_reinit=True)
    assert good.data() is value
    assert bad._data is None


def test_zero_grad(pd):
    w, frozen = pd.get('w', shape=(2,), init='ones'), pd.get('frozen', shape=(1,), grad_req='null')
    pd.get('unused', shape=(1,))
    w.initialize()
    frozen.initialize()
    with autograd.record():
        y = w.data() * 2
    y.backward()
    pd.zero_grad()
    assert w.grad().asnumpy().tolist() == [0, 0]


def test_setattr(pd):
    pd.get('a')
    pd.get('b', differentiable=False)
    pd.setattr('lr_mult', .5)
    pd.setattr('grad_req', 'add')
    assert [(p.lr_mult, p.grad_req) for p in pd.values()] == [(.5, 'add'), (.5, 'null')]


@pytest.mark.parametrize('enabled', [True, False])
def test_initializing_many_leaves_the_collector_as_it_was(enabled):
    params = ParameterDict('many_')
    for i in range(1000):
        params.get(f'w{i}', shape=(1,))
    frozen = gc.get_freeze_count()  # Python 3.12 starts with some
    try:
        (gc.enable if enabled else gc.disable)()
        params.initialize()
        assert gc.isenabled() is enabled and gc.get_freeze_count() <= frozen
        params.get('bad', shape=(0,))
        with pytest.raises(ValueError, match='many_bad'):
            params.initialize(force_reinit=True)
        assert gc.isenabled() is enabled and gc.get_freeze_count() <= frozen
    finally:
        gc.enable()
