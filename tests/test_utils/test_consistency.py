"""Comparing contexts, dtypes, optimizers and hybridized blocks: equal ones pass, and each way of being different is found."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import test_utils as utils


def dense(factor=1.0):
    return mx.sym.FullyConnected(mx.sym.var("data") * factor, num_hidden=2, name="fc")


def contexts(*kinds):
    return [{"ctx": mx.cpu(i), "data": (4, 3), "type_dict": {"data": kind}} for i, kind in enumerate(kinds)]


@pytest.mark.parametrize("grad_req", ["write", "add", "null", {"data": "write", "fc_weight": "null", "fc_bias": "add"}])
def test_consistent(grad_req):
    truth = utils.check_consistency(dense(), contexts("float32", "float64", "float32"), grad_req=grad_req, scale=2.0)
    assert set(truth) == {"fc_output"} | (set() if grad_req == "null" else {"data", "fc_weight", "fc_bias"})
    assert truth["fc_output"].dtype == np.float64 and truth["fc_output"].context == mx.cpu(1)


def test_values_given():
    values = {"data": np.arange(12.0).reshape(4, 3), "fc_weight": np.ones((2, 3)), "fc_bias": np.array([0.0, 1.0])}
    given = dict(values)
    truth = utils.check_consistency(dense(), contexts("float64", "float32"), arg_params=given, use_uniform=True)
    np.testing.assert_array_equal(truth["fc_output"].asnumpy(), values["data"].sum(1)[:, None] + [0, 1])
    np.testing.assert_allclose(truth["fc_bias"].asnumpy(), truth["fc_output"].asnumpy().sum(0))  # the head gradient is the output
    assert list(given) == list(values)
    del given["fc_bias"]
    utils.check_consistency(dense(), contexts("float64", "float32"), arg_params=given)
    assert "fc_bias" not in given  # MXNet adds it


def test_auxiliary_states():
    sym = mx.sym.BatchNorm(mx.sym.var("data"), name="bn", fix_gamma=False)
    settings = contexts("float32", "float32")
    states = {"bn_moving_mean": np.array([1.0, 2, 3]), "bn_moving_var": np.ones(3)}
    values = {"data": np.ones((4, 3)), "bn_gamma": np.ones(3), "bn_beta": np.zeros(3)}
    truth = utils.check_consistency(sym, settings, arg_params=values, aux_params=states, grad_req="null", atol=1e-2)
    np.testing.assert_allclose(truth["bn_output"].asnumpy(), np.tile([0, -1, -2], (4, 1)), atol=1e-2)


def test_inconsistent_symbols(capsys):
    symbols = [dense(), dense(1.5)]
    with pytest.raises(AssertionError, match="Error .* exceeds tolerance"):
        utils.check_consistency(symbols, contexts("float32", "float64"))
    assert "Predict Err: ctx 0 vs ctx 1 at fc_output" in capsys.readouterr().out
    utils.check_consistency(symbols, contexts("float32", "float64"), raise_on_err=False)
    assert "Train Err: float32 cpu(0) ctx 0 vs float64 cpu(1) ctx 1 at fc_weight" in capsys.readouterr().out
    utils.check_consistency(symbols, contexts("float32", "float64"), rtol=1e3, atol=1e3)


def test_inconsistent_gradients(capsys):
    # The same outputs; the second has no gradient for its input.
    symbols = [mx.sym.identity(mx.sym.var("data"), name="same"), mx.sym.BlockGrad(mx.sym.var("data"), name="same")]
    utils.check_consistency(symbols, contexts("float32", "float32"), grad_req="null")
    with pytest.raises(AssertionError):
        utils.check_consistency(symbols, contexts("float32", "float32"))
    assert "Train Err: float32 cpu(1) ctx 1 vs float32 cpu(0) ctx 0 at data" in capsys.readouterr().out


def test_ground_truth():
    values = {"data": np.ones((4, 3)), "fc_weight": np.ones((2, 3)), "fc_bias": np.zeros(2)}
    settings = contexts("float32", "float64")
    right, wrong = {"fc_output": mx.nd.full((4, 2), 3)}, {"fc_output": mx.nd.full((4, 2), 4)}
    assert utils.check_consistency(dense(), settings, arg_params=values, ground_truth=right) is right
    with pytest.raises(AssertionError):
        utils.check_consistency(dense(), settings, arg_params=values, ground_truth=wrong)
    # The most precise executor is compared too.
    with pytest.raises(AssertionError, match="a=3.00000000, b=3.2"):
        utils.check_consistency(dense(), contexts("float64", "float16"), arg_params=values, rtol={np.dtype("float16"): 9.0},
                                ground_truth={"fc_output": mx.nd.full((4, 2), 3.2, dtype="float64")}, grad_req="null")


def test_malformed_calls():
    with pytest.raises(AssertionError, match="two or more contexts and a symbol for each, but got 1 contexts and 1 symbols"):
        utils.check_consistency(dense(), contexts("float32"))
    with pytest.raises(AssertionError, match="but got 2 contexts and 3 symbols"):
        utils.check_consistency([dense()] * 3, contexts("float32", "float32"))
    with pytest.raises(AssertionError, match="must have the same outputs and arguments"):
        utils.check_consistency([dense(), mx.sym.relu(dense())], contexts("float32", "float32"))


# ---- blocks ------------------------------------------------------------------------------------------------------------


class Branching(mx.gluon.HybridBlock):
    """Computes something else when hybridized."""

    def hybrid_forward(self, F, x):
        return x * 2 if self._active else x * 3


def test_hybridized_blocks():
    def build(prefix):
        net = mx.gluon.nn.HybridSequential(prefix=prefix)
        with net.name_scope():
            net.add(mx.gluon.nn.Dense(3, activation="tanh", bias_initializer="ones"), mx.gluon.nn.Dense(2))
        return net

    data = mx.nd.array(np.random.randn(4, 5))
    utils.check_gluon_hybridize_consistency(build, [data])
    utils.check_gluon_hybridize_consistency(build, [data], test_grad=False)
    assert data.grad is None


def test_blocks_that_differ_from_numpy():
    utils.check_gluon_hybridize_consistency(lambda prefix: mx.gluon.nn.LeakyReLU(0.5, prefix=prefix), [mx.nd.array([-2, 4])],
                                            numpy_func=lambda x: np.where(x > 0, x, x / 2))
    with pytest.raises(AssertionError):
        utils.check_gluon_hybridize_consistency(lambda prefix: mx.gluon.nn.LeakyReLU(0.5, prefix=prefix), [mx.nd.array([-2, 4])],
                                                numpy_func=np.abs)


def test_blocks_that_differ_when_hybridized():
    with pytest.raises(AssertionError, match="a=4.00000000, b=6.00000000"):
        utils.check_gluon_hybridize_consistency(Branching, [mx.nd.array([2])])


# ---- optimizers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, ntensors", [((3, 4), 1), ([(3, 4), (2,)], 2), ([(3, 4)], 1)])
def test_optimizers(shape, ntensors):
    new = mx.optimizer.SGD
    utils.compare_optimizer(new(momentum=0.9, wd=0.1), new(momentum=0.9, wd=0.1), shape, "float32", ntensors=ntensors)
    utils.compare_optimizer(new(multi_precision=True), new(multi_precision=True), shape, "float16", ntensors=ntensors)
    for other in (new(learning_rate=0.1), new(wd=0.5)):
        with pytest.raises(AssertionError):
            utils.compare_optimizer(new(), other, shape, "float32", ntensors=ntensors)


def test_optimizers_that_differ_in_their_states():
    adam, other = mx.optimizer.Adam(learning_rate=0), mx.optimizer.Adam(learning_rate=0, beta1=0.5)
    with pytest.raises(AssertionError):
        utils.compare_optimizer(adam, other, (3, 4), "float32")
    utils.compare_optimizer(adam, other, (3, 4), "float32", compare_states=False)


def test_what_compare_optimizer_refuses():
    sgd = mx.optimizer.SGD()
    for kinds in ({"w_stype": "row_sparse"}, {"g_stype": "csr"}):
        with pytest.raises(mx.MXNetError, match="sparse arrays"):
            utils.compare_optimizer(sgd, sgd, (3, 4), "float32", **kinds)
    with pytest.raises(ValueError, match="storage type 'dense' is not supported"):
        utils.compare_optimizer(sgd, sgd, (3, 4), "float32", g_stype="dense")
    with pytest.raises(AssertionError, match="ntensors=2 does not fit to 1 shapes"):
        utils.compare_optimizer(sgd, sgd, (3, 4), "float32", ntensors=2)
