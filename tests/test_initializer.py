"""Initializers: values, distributions, which rule a name selects, names and texts."""
import logging

import numpy as np
import pytest

import blockscope as mx
from blockscope import initializer as init
from tests.fakedevice import installed


def filled(initializer, *shape, name="w_weight", dtype="float32"):
    mx.cpu()._seed(3)
    array = mx.nd.zeros(shape, dtype=dtype)
    initializer(init.InitDesc(name), array)
    return array.asnumpy()


@pytest.mark.parametrize("initializer, shape, bound, deviation", [
    (init.Uniform(), (400, 300), 0.07, 0.07 / 3 ** .5), (init.Uniform(2.0), (400, 300), 2.0, 2.0 / 3 ** .5),
    (init.Normal(), (400, 300), None, 0.01), (init.Normal(0.5), (400, 300), None, 0.5),
    # Formula of the papers: fan in 300, fan out 400; a kernel of 25.
    (init.Xavier(), (400, 300), (6 / 700) ** .5, (2 / 700) ** .5),
    (init.Xavier("gaussian", "in", 2), (400, 300), None, (2 / 300) ** .5),
    (init.Xavier("uniform", "out", 3), (64, 32, 5, 5), (3 / (64 * 25)) ** .5, (1 / (64 * 25)) ** .5),
    (init.MSRAPrelu(), (400, 300), None, (2 / 1.0625 / 350) ** .5), (init.MSRAPrelu("in", 0), (400, 300), None, (2 / 300) ** .5),
])
def test_distributions(initializer, shape, bound, deviation):
    values = filled(initializer, *shape)
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert abs(values.mean()) < 5 * deviation / values.size ** .5
    if bound is not None:
        assert 0.99 * bound < np.abs(values).max() <= bound * 1.0001


@pytest.mark.parametrize("rand_type", ["uniform", "normal"])
@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (8, 3, 2)])
def test_orthogonal_rows_or_columns(shape, rand_type):
    matrix = filled(init.Orthogonal(1.5, rand_type), *shape).reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(len(product)) * 1.5 ** 2, atol=1e-5)


def test_constants():
    assert (filled(init.Zero(), 2, 3) == 0).all() and (filled(init.One(), 2, 3) == 1).all()
    assert (filled(init.Constant(2.5), 2, 3) == 2.5).all()
    values = np.arange(6.).reshape(2, 3)
    for given in (values, mx.nd.array(values), values.tolist()):
        assert np.array_equal(filled(init.Constant(given), 2, 3), values)
    assert (filled(init.Constant(np.float64(3)), 2, 3) == 3).all()


def test_bilinear_equals_mxnet():
    # Golden values: MXNet 1.9.1, where the width sets the spread of both axes.
    values = filled(init.Bilinear(), 1, 2, 3, 5)
    wanted = np.outer([1 / 3, 2 / 3, 1], [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])
    np.testing.assert_allclose(values, [[wanted, wanted]], rtol=1e-6)
    square = filled(init.Bilinear(), 1, 1, 4, 4)[0, 0]
    np.testing.assert_allclose(square[0], [0.0625, 0.1875, 0.1875, 0.0625])
    with pytest.raises(ValueError, match=r"w_weight has \(2, 3\)"):
        filled(init.Bilinear(), 2, 3)


def test_lstm_bias_sets_the_second_quarter():
    assert filled(init.LSTMBias(2.0), 8).tolist() == [0, 0, 2, 2, 0, 0, 0, 0]
    assert filled(init.LSTMBias(2.0), 8, name="a_bias").tolist() == [0] * 8


@pytest.mark.parametrize("name, wanted", [("a_weight", 7), ("a_bias", 0), ("a_gamma", 1), ("a_beta", 0), ("a_min", 0), ("a_max", 1),
                                          ("a_bias_quantize", 0)])
def test_the_end_of_a_name_selects_the_rule(name, wanted):
    assert filled(init.Constant(7), 2, name=name).tolist() == [wanted] * 2


def test_a_name_of_no_rule_is_refused():
    # Text of MXNet 1.9.1.
    text = ('Unknown initialization pattern for a_foo. Default initialization is now limited to "weight", "bias", "gamma" '
            r'\(1.0\), and "beta" \(0.0\).Please use mx.sym.Variable\(init=mx.init.\*\) to set initialization pattern')
    with pytest.raises(ValueError, match=text):
        filled(init.One(), 2, name="a_foo")


def test_a_parameters_own_initializer_uses_its_weight_rule_for_every_name():
    array = mx.nd.zeros((2,))
    for own in (init.Constant(5), '["constant", {"value": 5}]'):
        array[:] = 0
        desc = init.InitDesc("a_bias", {"__init__": own})
        init.One()(desc, array)
        assert array.asnumpy().tolist() == [5, 5]
    assert desc.global_init == init.One()


@pytest.mark.parametrize("name, wanted", [("upsampling_w", 1), ("stn_loc_weight", 0), ("a_moving_mean", 0), ("a_moving_var", 1),
                                          ("a_moving_inv_var", 0), ("a_moving_avg", 0), ("a_weight", 7), ("a_bias", 0)])
def test_a_plain_text_as_name_is_deprecated(name, wanted):
    array = mx.nd.full((1, 1, 1, 1), 9)
    with pytest.warns(DeprecationWarning, match="has been deprecated"):
        init.Constant(7)(name, array)
    assert array.asscalar() == wanted
    localisation = mx.nd.zeros((6,))
    with pytest.warns(DeprecationWarning):
        init.One()("stn_loc_bias", localisation)
    assert localisation.asnumpy().tolist() == [1, 0, 0, 0, 1, 0]


def test_wrong_arguments():
    for initializer, text in ((init.Xavier("x"), "Unknown random type"), (init.Xavier(factor_type="x"), "Incorrect factor type"),
                              (init.Orthogonal(rand_type="x"), "Unknown random type 'x'")):
        with pytest.raises(ValueError, match=text):
            filled(initializer, 2, 3)
    with pytest.raises(ValueError, match="Xavier initializer cannot be applied to vector w_weight. It requires at least 2D."):
        filled(init.Xavier(), 2)
    with pytest.raises(NotImplementedError, match="Must override it"):
        filled(init.Initializer(), 2)
    with pytest.raises(mx.MXNetError, match="FusedRNN"):
        filled(init.FusedRNN("zeros", 2, 1, "lstm"), 2)


def test_texts_and_registry():
    # Texts: MXNet 1.9.1.
    assert init.Xavier().dumps() == '["xavier", {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3}]'
    assert init.MSRAPrelu().dumps() == '["msraprelu", {"factor_type": "avg", "slope": 0.25}]'
    assert init.Constant(mx.nd.ones((2,))).dumps() == '["constant", {"value": [1.0, 1.0]}]'
    names = "bilinear constant fusedrnn lstmbias msraprelu normal one ones orthogonal uniform xavier zero zeros".split()
    assert set(names) <= set(mx.registry.get_registry(init.Initializer))
    assert init.create("ones") == init.One() and init.create("Zeros") == init.Zero()
    assert init.create('{"initializer": "constant", "value": 3}').value == 3
    assert init.create("xavier", magnitude=2).magnitude == 2
    for given, text in (("foo", "foo is not registered. Please register with initializer.register first"),
                        (3, "initializer must be of string type")):
        with pytest.raises(AssertionError, match=text):
            init.create(given)
    with pytest.raises(AssertionError, match="initializer is already an instance. Additional arguments are invalid"):
        init.create(init.One(), 3)
    with pytest.raises(AssertionError, match="Can only register subclass of Initializer"):
        init.register(int)


def test_registering_over_a_name_warns():
    kept = mx.registry._REGISTRY[init.Initializer].copy()
    with pytest.warns(UserWarning, match="is overriding existing initializer"):
        @init.register
        class One(init.Initializer):
            pass
    mx.registry._REGISTRY[init.Initializer].update(kept)


def test_load_takes_values_by_name_and_falls_back():
    load = init.Load({"arg:x": mx.nd.array([1, 2]), "y": mx.nd.array([5.])}, default_init=init.Constant(8))
    array = mx.nd.zeros((2,))
    load("x", array)
    assert array.asnumpy().tolist() == [1, 2]
    load(init.InitDesc("z_weight"), array)
    assert array.asnumpy().tolist() == [8, 8]
    with pytest.raises(AssertionError, match=r"Parameter y cannot be initialized from loading. Shape mismatch, target \(2,\) vs"):
        load("y", array)
    with pytest.raises(AssertionError, match="Cannot Initialize q. Not found in loaded param and no default Initializer is provided."):
        init.Load({})("q", array)


def test_load_and_mixed_work_in_block_initialize():
    net = mx.gluon.nn.Dense(1, in_units=2, prefix="d_", bias_initializer=None)
    net.initialize(init.Load({"d_weight": mx.nd.array([[3., 4.]])}, default_init=init.Constant(8)))
    assert net.weight.data().asnumpy().tolist() == [[3, 4]] and net.bias.data().asscalar() == 8
    net.initialize(init.Mixed([".*bias", ".*"], [init.Constant(3), init.One()]), force_reinit=True)
    assert net.weight.data().asnumpy().tolist() == [[1, 1]] and net.bias.data().asscalar() == 3
    own = mx.gluon.nn.Dense(1, in_units=2, bias_initializer="zeros")
    own.initialize(init.Mixed([".*"], [init.Constant(3)]))
    assert own.bias.data().asscalar() == 0
    with pytest.raises(ValueError, match="Parameter name a did not match any pattern"):
        init.Mixed(["b"], [init.One()])("a", mx.nd.zeros((1,)))
    with pytest.raises(AssertionError, match="1 patterns cannot take 0 initializers"):
        init.Mixed(["b"], [])


def test_verbosity_logs_each_array(caplog):
    caplog.set_level(logging.INFO)
    filled(init.One().set_verbosity(True), 4)
    filled(init.One().set_verbosity(True, lambda x: f"shape {x.shape}"), 4)
    assert [r.getMessage() for r in caplog.records] == ["Initialized w_weight as weight: 1.0", "Initialized w_weight as weight: shape (4,)"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_types(dtype):
    for name in ("uniform", "normal", "xavier", "orthogonal", "ones"):
        assert filled(init.create(name), 3, 4, dtype=dtype).dtype == dtype


def test_every_initializer_fills_arrays_of_another_device():
    with installed() as fake:
        for initializer in (init.Uniform(), init.Normal(), init.Xavier(), init.MSRAPrelu(), init.Orthogonal(), init.One(), init.Zero(),
                            init.Constant(2), init.Constant([[1., 2.]]), init.Bilinear(), init.LSTMBias()):
            shape = (1, 1, 2, 2) if isinstance(initializer, init.Bilinear) else (4, 2)
            array = mx.nd.zeros(shape, ctx=fake()) - 5
            initializer(init.InitDesc("w_weight"), array)
            assert (array.asnumpy() > -5).all() and array.context is fake()
