"""nd.Custom: what the user's class is handed, and the gradient it returns. Checked against MXNet 1.9.1 (same prints)."""
import numpy as np
import pytest

import blockscope as mx

SEEN = []


class Sigmoid(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        SEEN.append((is_train, list(req), len(in_data), list(aux)))
        self.assign(out_data[0], req[0], 1 / (1 + mx.nd.exp(-in_data[0])))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        y = out_data[0]
        self.assign(in_grad[0], req[0], out_grad[0] * y * (1 - y))


@mx.operator.register("test_sigmoid")
class SigmoidProp(mx.operator.CustomOpProp):
    def __init__(self, k="3"):
        super().__init__(need_top_grad=True)
        SEEN.append(k)

    def create_operator(self, ctx, in_shapes, in_dtypes):
        SEEN.append((str(ctx), in_shapes))
        return Sigmoid()


def test_custom_operator_computes_and_differentiates():
    SEEN.clear()
    x = mx.nd.array([[1, 2]])
    x.attach_grad()
    with mx.autograd.record():
        y = mx.nd.Custom(x, op_type="test_sigmoid", k=5, name="q")
    y.backward()
    assert SEEN == ["5", ("cpu(0)", [[1, 2]]), (1, ["write"], 1, [])]
    np.testing.assert_allclose(y.asnumpy(), [[0.7310586, 0.880797]], rtol=1e-6)  # MXNet 1.9.1
    np.testing.assert_allclose(x.grad.asnumpy(), [[0.19661193, 0.10499363]], rtol=1e-6)  # MXNet 1.9.1


def test_custom_operator_writes_into_out():
    out = mx.nd.zeros((1,))
    assert mx.nd.Custom(data=mx.nd.zeros((1,)), op_type="test_sigmoid", out=out) is out
    assert out.asscalar() == 0.5


@pytest.mark.parametrize("call, why", [
    (lambda x: mx.nd.Custom(x, op_type="nosuch"), "Cannot find custom operator nosuch"),
    (lambda x: mx.nd.Custom(x), "Required argument `op_type` is missing"),
    (lambda x: mx.nd.Custom(x, x, op_type="test_sigmoid"), "expects 1 inputs \\(data\\), but got 2"),
])
def test_wrong_calls_say_what_is_wrong(call, why):
    with pytest.raises(mx.MXNetError, match=why):
        call(mx.nd.zeros((1,)))


def test_assign_adds_or_skips():
    target = mx.nd.ones((2,))
    op = mx.operator.CustomOp()
    op.assign(target, "add", mx.nd.ones((2,)))
    op.assign(target, "null", mx.nd.zeros((2,)))
    assert target.asnumpy().tolist() == [2, 2]
    with pytest.raises(ValueError, match="req must be"):
        op.assign(target, "overwrite", target)
