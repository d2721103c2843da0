"""Every layer, loss and recurrent layer on the strict fake device (and on a card): the host's outputs, gradients and statistics.

One training pass each, with the host's parameters; nothing may be copied to the host or wait for the device meanwhile.
"""
import inspect

import numpy as np
import pytest

import blockscope as mx
from blockscope.gluon import loss, nn, rnn
from tests.fakedevice import counts

IMAGE, VOLUME, SERIES, TABLE = (2, 4, 6, 6), (2, 4, 5, 5, 5), (2, 4, 7), (5, 4)

LAYERS = {
    "Activation": (lambda: nn.Activation("softsign"), TABLE),
    "AvgPool1D": (lambda: nn.AvgPool1D(3, 2, 1), SERIES),
    "AvgPool2D": (lambda: nn.AvgPool2D(3, 2, 1, ceil_mode=True, count_include_pad=False), IMAGE),
    "AvgPool3D": (lambda: nn.AvgPool3D(2), VOLUME),
    "BatchNorm": (lambda: nn.BatchNorm(), IMAGE),
    "BatchNormReLU": (lambda: nn.BatchNormReLU(), IMAGE),
    "Conv1D": (lambda: nn.Conv1D(3, 3, activation="relu"), SERIES),
    "Conv1DTranspose": (lambda: nn.Conv1DTranspose(3, 3, strides=2), SERIES),
    "Conv2D": (lambda: nn.Conv2D(6, 3, strides=2, padding=1, groups=2), IMAGE),
    "Conv2DTranspose": (lambda: nn.Conv2DTranspose(3, 3, strides=2, output_padding=1), IMAGE),
    "Conv3D": (lambda: nn.Conv3D(3, 2, dilation=2), VOLUME),
    "Conv3DTranspose": (lambda: nn.Conv3DTranspose(2, 2, padding=1), VOLUME),
    "Dense": (lambda: nn.Dense(3, activation="sigmoid", flatten=False), SERIES),
    "Dropout": (lambda: nn.Dropout(0), TABLE),
    "ELU": (lambda: nn.ELU(0.5), TABLE),
    "Embedding": (lambda: nn.Embedding(4, 3), "index"),
    "Flatten": (lambda: nn.Flatten(), IMAGE),
    "GELU": (lambda: nn.GELU(), TABLE),
    "GlobalAvgPool1D": (lambda: nn.GlobalAvgPool1D(), SERIES),
    "GlobalAvgPool2D": (lambda: nn.GlobalAvgPool2D(), IMAGE),
    "GlobalAvgPool3D": (lambda: nn.GlobalAvgPool3D(), VOLUME),
    "GlobalMaxPool1D": (lambda: nn.GlobalMaxPool1D(), SERIES),
    "GlobalMaxPool2D": (lambda: nn.GlobalMaxPool2D(), IMAGE),
    "GlobalMaxPool3D": (lambda: nn.GlobalMaxPool3D(), VOLUME),
    "GroupNorm": (lambda: nn.GroupNorm(2), IMAGE),
    "HybridLambda": (lambda: nn.HybridLambda(lambda F, x: F.square(x)), TABLE),
    "HybridSequential": (lambda: _stack(nn.HybridSequential()), TABLE),
    "InstanceNorm": (lambda: nn.InstanceNorm(scale=True), IMAGE),
    "Lambda": (lambda: nn.Lambda("tanh"), TABLE),
    "LayerNorm": (lambda: nn.LayerNorm(), TABLE),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.2), TABLE),
    "MaxPool1D": (lambda: nn.MaxPool1D(3, 2), SERIES),
    "MaxPool2D": (lambda: nn.MaxPool2D(3, 2, 1), IMAGE),
    "MaxPool3D": (lambda: nn.MaxPool3D(2), VOLUME),
    "PReLU": (lambda: nn.PReLU(), TABLE),
    "ReflectionPad2D": (lambda: nn.ReflectionPad2D(1), IMAGE),
    "SELU": (lambda: nn.SELU(), TABLE),
    "Sequential": (lambda: _stack(nn.Sequential()), TABLE),
    "Swish": (lambda: nn.Swish(), TABLE),
    "rnn.RNN": (lambda: rnn.RNN(3, 2), (5, 2, 4)),
    "rnn.LSTM": (lambda: rnn.LSTM(3, bidirectional=True, layout="NTC"), (2, 5, 4)),
    "rnn.GRU": (lambda: rnn.GRU(3), (5, 2, 4)),
}

# Losses take a prediction and these other arrays.
LOSSES = {
    "CTCLoss": (lambda: loss.CTCLoss(), (2, 6, 4), [("labels", (2, 2))]),
    "CosineEmbeddingLoss": (lambda: loss.CosineEmbeddingLoss(), TABLE, [("value", TABLE), ("sign", (5,))]),
    "HingeLoss": (lambda: loss.HingeLoss(), TABLE, [("sign", TABLE)]),
    "HuberLoss": (lambda: loss.HuberLoss(), TABLE, [("value", TABLE)]),
    "KLDivLoss": (lambda: loss.KLDivLoss(from_logits=False), TABLE, [("positive", TABLE)]),
    "L1Loss": (lambda: loss.L1Loss(), TABLE, [("value", TABLE)]),
    "L2Loss": (lambda: loss.L2Loss(), TABLE, [("value", TABLE)]),
    "LogisticLoss": (lambda: loss.LogisticLoss(), TABLE, [("sign", TABLE)]),
    "PoissonNLLLoss": (lambda: loss.PoissonNLLLoss(), TABLE, [("positive", TABLE)]),
    "SDMLLoss": (lambda: loss.SDMLLoss(), TABLE, [("value", TABLE)]),
    "SigmoidBinaryCrossEntropyLoss": (lambda: loss.SigmoidBinaryCrossEntropyLoss(), TABLE, [("positive", TABLE)]),
    "SoftmaxCrossEntropyLoss": (lambda: loss.SoftmaxCrossEntropyLoss(), TABLE, [("labels", (5,))]),
    "SquaredHingeLoss": (lambda: loss.SquaredHingeLoss(), TABLE, [("sign", TABLE)]),
    "TripletLoss": (lambda: loss.TripletLoss(), TABLE, [("value", TABLE), ("value", TABLE)]),
}
LOSSES["SoftmaxCELoss"], LOSSES["SigmoidBCELoss"] = LOSSES["SoftmaxCrossEntropyLoss"], LOSSES["SigmoidBinaryCrossEntropyLoss"]


def _stack(block):
    with block.name_scope():
        block.add(nn.Dense(3, activation="relu"), nn.Dense(2))
    return block


def _values(kind, shape, random):
    if kind == "sign":
        return np.sign(random.randn(*shape)).astype("float32")
    if kind == "positive":
        return random.rand(*shape).astype("float32")
    if kind == "labels":
        return random.randint(0, 3, shape).astype("float32")
    return random.randn(*shape).astype("float32")


def _run(block, arrays, parameters, ctx):
    """Return outputs, gradient of the first input, gradients and values of parameters after one training pass on a context."""
    inputs = [mx.nd.array(a, ctx=ctx) for a in arrays]
    block.initialize(ctx=ctx)
    with mx.autograd.pause():
        block(*inputs)
    found = list(block.collect_params().values())
    for parameter, value in zip(found, parameters or [None] * len(found)):
        if value is not None:
            parameter.set_data(mx.nd.array(value, ctx=ctx))
    before = [p.data(ctx).asnumpy() for p in found]
    inputs[0].attach_grad()
    counts.reset()
    with mx.autograd.record():
        out = block(*inputs)
    out.backward()
    moved = (counts.syncs, counts.d2h, counts.h2d)
    results = [out, inputs[0].grad] + [p.grad(ctx) for p in found if p.grad_req != "null"] + [p.data(ctx) for p in found]
    return [r.asnumpy() for r in results], before, moved


def _classes(module):
    return {name for name in module.__all__} if hasattr(module, "__all__") else {
        name for name, item in vars(module).items()
        if inspect.isclass(item) and issubclass(item, mx.gluon.Block) and not name.startswith("_")}


def test_every_layer_and_loss_is_listed():
    abstract = {"Block", "HybridBlock", "SymbolBlock", "Loss"}
    assert {c for c in _classes(nn) if c[0].isupper()} - abstract == {n for n in LAYERS if not n.startswith("rnn.")}
    assert {c for c in _classes(loss) if c[0].isupper()} - abstract == set(LOSSES)


@pytest.mark.parametrize("name", [*LAYERS, *(f"loss.{n}" for n in LOSSES)])
def test_layer_gives_the_hosts_numbers(name, device):
    random = np.random.RandomState(3)
    if name.startswith("loss."):
        make, shape, others = LOSSES[name[5:]]
    else:
        (make, shape), others = LAYERS[name], []
    first = random.randint(0, 4, (3, 2)).astype("float32") if shape == "index" else random.randn(*shape).astype("float32")
    arrays = [first, *(_values(kind, s, random) for kind, s in others)]
    expected, parameters, _ = _run(make(), arrays, None, mx.cpu())
    got, _, moved = _run(make(), arrays, parameters, device)
    assert len(got) == len(expected)
    for value, host in zip(got, expected):
        np.testing.assert_allclose(value, host, rtol=2e-5, atol=2e-6)
    if device.device_type == "fake":
        assert moved[:2] == (0, 0), f"{name} waited for the device or copied to the host: {moved}"
