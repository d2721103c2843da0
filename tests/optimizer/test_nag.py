"""NAG with weight decay: in place, MXNet 1.9.1 takes the decay in the momentum from the weight after the update."""
import numpy as np
import pytest

import blockscope as mx


@pytest.mark.parametrize("dtype, expected", [
    ("float32", [0.17499995231628418, -0.7153127193450928, -1.5913165807724]),  # MXNet 1.9.1
    ("float16", [0.175048828125, -0.71533203125, -1.591796875]),  # MXNet 1.9.1, multi_precision
])
def test_weight_decay_and_momentum(dtype, expected):
    weight = mx.nd.array([1], dtype=dtype)
    update = mx.optimizer.get_updater(mx.optimizer.create("nag", learning_rate=0.5, momentum=0.5, wd=0.1,
                                                          multi_precision=dtype == "float16"))
    found = []
    for _ in range(3):
        update(0, mx.nd.ones((1,), dtype=dtype), weight)
        found.append(float(weight.asscalar()))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_operator_in_place_and_out_of_place():
    def operands():
        return mx.nd.array([1]), mx.nd.ones((1,)), mx.nd.array([0.3])
    weight, grad, mom = operands()
    out = mx.nd.nag_mom_update(weight, grad, mom, lr=0.5, momentum=0.5, wd=0.1)
    np.testing.assert_allclose([out.asscalar(), mom.asscalar(), weight.asscalar()], [0.25, -0.4, 1], rtol=1e-6)  # MXNet 1.9.1
    weight, grad, mom = operands()
    mx.nd.nag_mom_update(weight, grad, mom, out=weight, lr=0.5, momentum=0.5, wd=0.1)
    np.testing.assert_allclose([weight.asscalar(), mom.asscalar()], [0.25, -0.3625], rtol=1e-6)  # MXNet 1.9.1
