"""Saving and loading parameters.

Golden texts: MXNet 1.9.1 (topic save_load of the recorded cases), except what `blockscope.mxnet` lists.
"""
import re

import numpy as np
import pytest

from blockscope import MXNetError, cpu
from blockscope import ndarray as nd
from blockscope.gluon.block import Block
from blockscope.gluon.parameter import DeferredInitializationError, ParameterDict

NAMING = 'For more info on naming, please see https://mxnet.io/api/python/docs/tutorials/packages/gluon/blocks/naming.html'
SAME = f'Please make sure source and target networks have the same prefix.{NAMING}'


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class Dense(Block):
    """Weight and bias without arithmetic."""

    def __init__(self, units=2, in_units=2, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get('weight', shape=(units, in_units), init='ones', allow_deferred_init=True)
        if use_bias:
            self.bias = self.params.get('bias', shape=(units,), init='zeros')


def stack(*children, prefix='n_'):
    """Return a block whose children are named 0, 1, ..."""
    net = Block(prefix=prefix)
    for child in children:
        net.register_child(child)
    return net


def saved(net, filename='a.params', **kwargs):
    net.initialize()
    net.save_parameters(filename, **kwargs)
    return sorted(nd.load(filename))


def raises(kind, text):
    return pytest.raises(kind, match=f'^{re.escape(text)}$')


def test_keys_are_paths():
    net = Block()
    net.features = stack(Dense(), Dense())
    net.out = Dense()
    assert saved(net) == ['features.0.bias', 'features.0.weight', 'features.1.bias', 'features.1.weight', 'out.bias', 'out.weight']


def test_round_trip():
    net = stack(Dense(prefix='d_'))
    net.initialize()
    weight = net._children['0'].weight
    weight.set_data(np.array([[1, 2], [3, 4]]))
    net.save_parameters('a.params')
    weight.set_data(np.zeros((2, 2)))
    net.load_parameters('a.params')
    assert weight.data().asnumpy().tolist() == [[1, 2], [3, 4]]


def test_shared_parameters_once_or_for_each_place():
    d = Dense()
    net = stack(d, d)
    assert saved(net) == ['0.bias', '0.weight', '1.bias', '1.weight']
    assert saved_again(net) == ['1.bias', '1.weight']
    net.load_parameters('b.params')


def saved_again(net):
    net.save_parameters('b.params', deduplicate=True)
    return sorted(nd.load('b.params'))


def test_saving_without_values():
    with pytest.raises(RuntimeError, match=r"^Parameter 'd_weight' has not been initialized\. Note that"):
        Dense(prefix='d_').save_parameters('a.params')
    net = Dense(in_units=0, prefix='d_')
    net.initialize()
    with pytest.raises(DeferredInitializationError):
        net.save_parameters('a.params')


def test_missing_file():
    with pytest.raises(MXNetError):
        Dense().load_parameters('nope.params')


def test_missing_parameter():
    saved(stack(Dense()))
    net = stack(Dense(), Dense())
    with raises(AssertionError, "Parameter '1.weight' is missing in file 'a.params', which contains parameters: '0.weight', '0.bias'. "
                                'Set allow_missing=True to ignore missing parameters.'):
        net.load_parameters('a.params')
    assert net._children['0'].weight._data is None
    net.load_parameters('a.params', allow_missing=True)
    assert net._children['0'].weight.data().shape == (2, 2)


def test_extra_parameter():
    saved(stack(Dense(), Dense()))
    net = stack(Dense())
    with raises(ValueError, "Parameter '1.weight' loaded from file 'a.params' is not present in ParameterDict, which contains parameters "
                            "'0.weight', '0.bias'. Set ignore_extra=True to ignore. "):
        net.load_parameters('a.params')
    net.load_parameters('a.params', ignore_extra=True)


def test_a_file_of_other_shapes_changes_nothing():
    nd.save('a.params', {'0.weight': nd.zeros((2, 2)), '0.bias': nd.zeros((3,))})
    net = stack(Dense(prefix='q_'))
    net.initialize()
    with raises(AssertionError, "Failed loading Parameter 'q_bias' from saved params: shape incompatible expected (2,) vs saved (3,)"):
        net.load_parameters('a.params')
    assert net._children['0'].weight.data().asnumpy().tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize('shape, text', [
    ((2, 3), "Failed loading Parameter 'q_weight' from saved params: shape incompatible expected (2, 2) vs saved (2, 3)"),
    ((2, 2, 1), "Failed loading Parameter 'q_weight' from saved params: shape incompatible expected (2, 2) vs saved (2, 2, 1)"),
    ((2,), 'Expected shape (2,) is incompatible with given shape (2, 2).')])
def test_shape_mismatch(shape, text):
    nd.save('a.params', {'0.weight': nd.zeros(shape), '0.bias': nd.zeros((2,))})
    with raises(AssertionError, text):
        stack(Dense(prefix='q_')).load_parameters('a.params')


def test_data_types():
    nd.save('a.params', {'0.weight': nd.zeros((2, 2), dtype='float16'), '0.bias': nd.zeros((2,))})
    net = stack(Dense(prefix='q_'))
    weight = net._children['0'].weight
    with pytest.raises(AssertionError, match=r"^Failed loading Parameter 'q_weight' from saved params: dtype incompatible expected "
                                             r"<class 'numpy.float32'> vs saved <class 'numpy.float16'>\. Set cast_dtype=True"):
        net.load_parameters('a.params')
    net.load_parameters('a.params', cast_dtype=True)
    assert weight.data().dtype is np.float32
    net.load_parameters('a.params', cast_dtype=True, dtype_source='saved')
    assert weight.data().dtype is np.float16
    with pytest.raises(AssertionError, match="dtype_source must be 'current' or 'saved'"):
        net.load_parameters('a.params', cast_dtype=True, dtype_source='both')


def test_contexts():
    saved(stack(Dense()))
    net = stack(Dense(in_units=0, prefix='d_'))
    net.load_parameters('a.params', ctx=[cpu(0), cpu(1)])
    assert net._children['0'].weight.list_ctx() == [cpu(0), cpu(1)]
    net.load_parameters('a.params')
    assert net._children['0'].weight.list_ctx() == [cpu(0), cpu(1)]
    with raises(AssertionError, "Failed to load Parameter 'd_weight' on [cpu(2)] because it was previous initialized on "
                                '[cpu(0), cpu(1)].'):
        net.load_parameters('a.params', ctx=cpu(2))


def test_loading_gives_a_deferred_parameter_its_value():
    saved(stack(Dense()))
    net = stack(Dense(in_units=0))
    net.initialize(ctx=cpu(1))
    net.load_parameters('a.params')
    weight = net._children['0'].weight
    assert (weight.shape, weight.list_ctx(), weight._deferred_init) == ((2, 2), [cpu(1)], ())


def test_loaded_arrays_are_copies():
    arrays = {'d_weight': nd.ones((2, 2)), 'd_bias': nd.ones((2,))}
    net = Dense(prefix='d_')
    net.collect_params().load_dict(arrays)
    net.weight.data()[:] = 5
    assert arrays['d_weight'].asnumpy().max() == 1


def test_files_by_name():
    net = Dense(prefix='d_')
    net.initialize()
    net.collect_params().save('a.params')
    net.collect_params().save('b.params', strip_prefix='d_')
    assert [sorted(nd.load(f)) for f in ('a.params', 'b.params')] == [['d_bias', 'd_weight'], ['bias', 'weight']]
    Dense(prefix='d_').collect_params().load('a.params')
    Dense(prefix='e_').collect_params().load('b.params', restore_prefix='e_')
    Dense(prefix='e_').load_parameters('b.params')


def test_strip_prefix_must_fit():
    net = Dense(prefix='d_')
    net.initialize()
    text = ("Prefix 'x_' is to be striped before saving, but Parameter's name 'd_weight' does not start with 'x_'. this may be due to "
            "your Block shares parameters from other Blocks or you forgot to use 'with name_scope()' when creating child blocks. ")
    with raises(ValueError, text + NAMING):
        net.collect_params().save('a.params', strip_prefix='x_')


def test_restore_prefix_must_fit():
    saved_names = Dense(prefix='d_')
    saved_names.initialize()
    saved_names.collect_params().save('a.params')
    with raises(AssertionError, f"restore_prefix is 'n_' but Parameters name 'd_weight' does not start with 'n_'. {NAMING}"):
        stack(saved_names).load_parameters('a.params')


def test_load_dict_messages():
    one = {'d_weight': nd.ones((2, 2))}
    with raises(AssertionError, "Parameter 'd_bias' is missing in param_dict, which contains parameters: 'd_weight'. " + SAME):
        Dense(prefix='d_').collect_params().load_dict(one)
    with raises(AssertionError, "Parameter 'zz' loaded from param_dict is not present in ParameterDict, choices are: 'd_weight'. Set "
                                'ignore_extra to True to ignore. ' + SAME):
        Dense(prefix='d_', use_bias=False).collect_params().load_dict({**one, 'zz': nd.ones((1,))})


def test_arg_and_aux_are_left_out_of_names():
    params = Dense(prefix='d_').collect_params()
    params.load_dict({'arg:d_weight': nd.ones((2, 2)), 'aux:d_bias': nd.ones((2,))})
    assert params['d_bias'].data().asnumpy().tolist() == [1, 1]


def test_a_file_without_names():
    nd.save('a.params', [nd.ones((2, 2))])
    with pytest.raises(ValueError, match=r"File 'a\.params' holds a list of arrays without names"):
        Dense().load_parameters('a.params')
    with pytest.raises(ValueError, match=r'file: a\.params holds a list of arrays without names'):
        ParameterDict().load('a.params')


def test_deprecated_forms():
    net = Dense(prefix='d_')
    net.initialize()
    with pytest.warns(UserWarning, match='^save_params is deprecated. Please use save_parameters.'):
        net.save_params('a.params')
    assert sorted(nd.load('a.params')) == ['bias', 'weight']
    with pytest.warns(UserWarning, match='^load_params is deprecated. Please use load_parameters.$'):
        Dense(prefix='e_').load_params('a.params')
    with pytest.warns(UserWarning), pytest.raises(ValueError, match='Using save_parameters may resolve this error.$'):
        stack(net).save_params('a.params')


def test_model_structure_and_names():
    net = stack(Dense(prefix='a_'), Dense(prefix='b_'))
    net.initialize()
    net.save('m')
    other = stack(Dense(prefix='x_'), Dense(prefix='y_'), prefix='other_')
    other.load('m')
    assert (other.name, other.prefix, list(other.collect_params())) == \
        ('n', 'other_', ['a_weight', 'a_bias', 'b_weight', 'b_bias'])
    with pytest.raises(ValueError, match='build the model exactly as the saved one was built'):
        Dense().load('m')
