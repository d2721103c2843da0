"""Checks of symbols: they accept what is right, by formula or finite differences, and reject what is wrong."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import test_utils as utils

A, B = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]), np.array([[2.0, 1.0, -1.0], [3.0, 0.25, 5.0]])
HEAD = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.fixture
def product():
    return mx.sym.elemwise_mul(mx.sym.var("a"), mx.sym.var("b"), name="product")


@pytest.fixture
def batch_norm():
    return mx.sym.BatchNorm(mx.sym.var("a"), fix_gamma=False, eps=0.5, name="bn")


@mx.operator.register("test_utils_wrong_square")
class WrongSquareProp(mx.operator.CustomOpProp):
    """x ** 2 with the gradient of x ** 3."""

    def create_operator(self, ctx, shapes, dtypes):
        return WrongSquare()


class WrongSquare(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], in_data[0] ** 2)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], out_grad[0] * 3 * in_data[0] ** 2)


# ---- forward -----------------------------------------------------------------------------------------------------------


def test_simple_forward(product, batch_norm):
    np.testing.assert_array_equal(utils.simple_forward(product, a=A, b=B), (A * B).astype("float32"))
    outputs = utils.simple_forward(mx.sym.Group([product, mx.sym.sum(product)]), a=A, b=B)
    assert [output.shape for output in outputs] == [(2, 3), (1,)]
    states = {"bn_gamma": [1, 1, 1], "bn_beta": [1, 2, 3], "bn_moving_mean": [1, 0, 0], "bn_moving_var": [0.5, 0.5, 3.5]}
    found = utils.simple_forward(batch_norm, a=A, **states)
    np.testing.assert_allclose(found, (A - [1, 0, 0]) / np.sqrt([1, 1, 4]) + [1, 2, 3], rtol=1e-6)
    trained = utils.simple_forward(batch_norm, is_train=True, a=A, **states)
    np.testing.assert_allclose(trained, (A - A.mean(0)) / np.sqrt(A.var(0) + 0.5) + [1, 2, 3], rtol=1e-5)


def test_forward_where_it_is_asked(product):
    executor_at = utils.check_symbolic_forward(product, [A, B], [A * B], ctx=mx.cpu(1))
    assert [output.context for output in executor_at] == [mx.cpu(1)]
    with mx.cpu(2):
        assert utils.check_symbolic_forward(product, [A, B], [A * B])[0].context == mx.cpu(2)


@pytest.mark.parametrize("dtype, found", [(np.float32, np.float32), (np.float64, np.float64), ("asnumpy", np.float64)])
def test_right_forward(product, dtype, found):
    for location in ([A, B], {"b": B, "a": A}, (mx.nd.array(A, dtype=found), B)):
        for expected in ([A * B], {"product_output": A * B}):
            (output,) = utils.check_symbolic_forward(product, location, expected, dtype=dtype)
            assert output.dtype == found


def test_wrong_forward(product):
    with pytest.raises(AssertionError, match=r"\(1, 2\), EXPECTED_product_output=-4.75000000, FORWARD_product_output=-5.0{8}"):
        utils.check_symbolic_forward(product, [A, B], [A * B + np.array([0, 0, 0.25]) * [[0], [1]]])
    utils.check_symbolic_forward(product, [A, B], [A * B + 0.25], atol=0.3)
    with pytest.raises(AssertionError):
        utils.check_symbolic_forward(product, [A * np.nan, B], [A * np.nan])
    utils.check_symbolic_forward(product, [A * np.nan, B], [A * np.nan], equal_nan=True)


def test_forward_with_auxiliary_states(batch_norm):
    arguments, mean, var = [A, np.ones(3), np.zeros(3)], np.array([1.0, 0, 0]), np.array([0.5, 0.5, 3.5])
    expected = [(A - mean) / np.sqrt([1, 1, 4])]
    for states in ([mean, var], {"bn_moving_var": var, "bn_moving_mean": mean}):
        utils.check_symbolic_forward(batch_norm, arguments, expected, aux_states=states)
    with pytest.raises(AssertionError):
        utils.check_symbolic_forward(batch_norm, arguments, expected, aux_states=[mean, var + 1])


def test_values_for_other_names(product, batch_norm):
    with pytest.raises(ValueError, match="^Symbol arguments and keys of the given location do not match.symbol args:{'[ab]', '[ab]'}, "
                                         "location.keys.*: *{'a'}"):
        utils.check_symbolic_forward(product, {"a": A}, [A * B])
    with pytest.raises(ValueError, match="^Symbol aux_states names and given aux_states do not match.symbol aux_names:{'bn_.*aux_st"):
        utils.check_symbolic_forward(batch_norm, [A, np.ones(3), np.ones(3)], [A], aux_states={"bn_moving_mean": np.ones(3)})
    with pytest.raises(ValueError, match=r"1 values were given for 2 names: \['a', 'b'\]"):
        utils.check_symbolic_forward(product, [A], [A * B])
    with pytest.raises(AssertionError, match="dtype must be one of 'asnumpy', float16, float32, float64, but is 'int8'"):
        utils.check_symbolic_forward(product, [A, B], [A * B], dtype="int8")
    with pytest.raises(AssertionError, match="must be a dict, list or tuple, but are str"):
        utils.check_symbolic_forward(product, "ab", [A * B])


# ---- backward ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grad_req", ["write", "add", "null", ["add", "null"], {"a": "null", "b": "write"}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, "asnumpy"])
def test_right_backward(product, grad_req, dtype):
    # d(sum HEAD * a * b) / da = HEAD * b
    for heads in ([HEAD], {"product_output": HEAD}, [mx.nd.array(HEAD, dtype="float32" if dtype == np.float32 else "float64")]):
        gradients = utils.check_symbolic_backward(product, [A, B], heads, [HEAD * B, HEAD * A], grad_req=grad_req, dtype=dtype)
        assert set(gradients) == {"a", "b"}
    assert gradients["a"].dtype == (np.float32 if dtype == np.float32 else np.float64)
    utils.check_symbolic_backward(product, {"a": A, "b": B}, [HEAD], {"b": HEAD * A}, grad_req=grad_req, dtype=dtype)


@pytest.mark.parametrize("grad_req", ["write", "add", ["null", "write"]])
def test_wrong_backward(product, grad_req):
    with pytest.raises(AssertionError, match="EXPECTED_b=.*, BACKWARD_b="):
        utils.check_symbolic_backward(product, [A, B], [HEAD], [HEAD * B, HEAD * A + 0.01], grad_req=grad_req)


def test_backward_of_a_loss():
    loss = mx.sym.make_loss(mx.sym.var("a") ** 2)
    utils.check_symbolic_backward(loss, [A], None, [2 * A])
    with pytest.raises(AssertionError):
        utils.check_symbolic_backward(loss, [A], None, [3 * A])


def test_gradients_that_backward_refuses(product):
    with pytest.raises(KeyError, match="never"):
        utils.check_symbolic_backward(product, [A, B], [HEAD], [HEAD * B, HEAD * A], grad_req="never")
    with pytest.raises(mx.MXNetError, match="sparse arrays"):
        utils.check_symbolic_backward(product, [A, B], [HEAD], [HEAD * B, HEAD * A], grad_stypes={"a": "csr"})
    utils.check_symbolic_backward(product, [A, B], [HEAD], [HEAD * B, HEAD * A], grad_stypes={"a": "default", "b": None})


# ---- finite differences ------------------------------------------------------------------------------------------------


def test_numeric_grad(product):
    arrays = {"a": mx.nd.array(A), "b": mx.nd.array(B)}
    executor = product.bind(mx.cpu(), arrays)
    found = utils.numeric_grad(executor, {"a": A, "b": B}, eps=2 ** -6)
    np.testing.assert_allclose(found["a"], B, rtol=1e-4)
    np.testing.assert_allclose(found["b"], A, rtol=1e-4)
    np.testing.assert_array_equal(executor.arg_dict["a"].asnumpy(), A.astype("float32"))
    listed = utils.numeric_grad(executor, [A, B], eps=2 ** -6, dtype=np.float64)
    assert list(listed) == ["a", "b"] and listed["a"].dtype == np.float64
    np.testing.assert_array_equal(utils.numeric_grad(executor, {"a": A.astype("int32")})["a"], np.zeros((2, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_right_gradients(product, dtype):
    dense = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, name="fc")
    location = [np.random.randn(*shape) for shape in ((2, 3), (4, 3), (4,))]
    utils.check_numeric_gradient(dense, location, dtype=dtype, rtol=1e-2)
    utils.check_numeric_gradient(product, {"b": B, "a": A}, grad_nodes=["b"], dtype=dtype)
    utils.check_numeric_gradient(product, [A, B], grad_nodes={"a": "add", "b": "null"}, dtype=dtype, numeric_eps=1e-2)


def test_right_gradients_with_auxiliary_states(batch_norm):
    location, states = {"a": np.random.randn(8, 3), "bn_gamma": np.array([1.0, 2, 3]), "bn_beta": np.zeros(3)}, [np.zeros(3), np.ones(3)]
    utils.check_numeric_gradient(batch_norm, location, aux_states=states, dtype=np.float64, rtol=1e-3)
    # Training normalizes by the batch and prediction by the states: differences of prediction give other gradients.
    with pytest.raises(AssertionError, match="NUMERICAL_a=.*, BACKWARD_a="):
        utils.check_numeric_gradient(batch_norm, location, aux_states=states, dtype=np.float64, rtol=1e-3, use_forward_train=False)


@pytest.mark.parametrize("grad_nodes", [None, ["x"], {"x": "add"}])
def test_wrong_gradients(grad_nodes):
    wrong = mx.sym.Custom(mx.sym.var("x"), op_type="test_utils_wrong_square")
    utils.check_symbolic_forward(wrong, [A], [A ** 2])
    with pytest.raises(AssertionError, match="Location of maximum error: .*NUMERICAL_x=.*, BACKWARD_x="):
        utils.check_numeric_gradient(wrong, [A], grad_nodes=grad_nodes)
    with pytest.raises(AssertionError, match="NUMERICAL_a="):
        utils.check_numeric_gradient(mx.sym.BlockGrad(mx.sym.var("a")), [A])


def test_what_finite_differences_refuse(product):
    with pytest.raises(AssertionError, match="a step of 1e-06 vanishes in the rounding of float32"):
        utils.check_numeric_gradient(product, [A, B], numeric_eps=1e-6)
    utils.check_numeric_gradient(product, [A, B], numeric_eps=1e-6, dtype=np.float64, rtol=1e-4)
    with pytest.raises(AssertionError, match="dtype must be one of float16, float32, float64"):
        utils.check_numeric_gradient(product, [A, B], dtype="asnumpy")
    with pytest.raises(ValueError, match="grad_nodes must be a list of names or a dict of requests by name, but is str"):
        utils.check_numeric_gradient(product, [A, B], grad_nodes="a")
    with pytest.raises(mx.MXNetError, match="sparse arrays"):
        utils.check_numeric_gradient(product, [A, B], grad_stype_dict={"a": "row_sparse"})


def test_checks_on_every_device(product, device):
    utils.check_symbolic_forward(product, [A, B], [A * B], ctx=device)
    utils.check_symbolic_backward(product, [A, B], [HEAD], [HEAD * B, HEAD * A], ctx=device)
    utils.check_numeric_gradient(product, [A, B], ctx=device)


# ---- speed and structure -----------------------------------------------------------------------------------------------


def test_check_speed(product):
    assert 0 < utils.check_speed(product, N=2, a=(2, 3), b=(2, 3)) < 1
    assert 0 < utils.check_speed(product, {"a": A, "b": B}, N=2, typ="forward", grad_req="null", type_dict={"a": "float64"}) < 1
    with pytest.raises(ValueError, match='^typ can only be "whole" or "forward".$'):
        utils.check_speed(product, typ="half", a=(2, 3))
    with pytest.raises(AssertionError, match='Expect dict, get "location"='):
        utils.check_speed(product, [A, B])


def test_same_symbol_structure(product):
    a, b = mx.sym.var("a"), mx.sym.var("b")
    assert utils.same_symbol_structure(product, mx.sym.elemwise_mul(b, mx.sym.var("c")))
    assert not utils.same_symbol_structure(product, a + b)
    assert not utils.same_symbol_structure(product, mx.sym.relu(product))  # MXNet: the same as far as the shorter one goes
    assert not utils.same_symbol_structure(mx.sym.relu(product), product)
