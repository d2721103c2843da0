"""A net that was trained is freed when the last name of it goes, without the cycle collector."""
import gc
import weakref

import pytest

from blockscope import MXNetError, autograd, gluon
from blockscope import ndarray as nd
from blockscope.gluon import nn


def train(hybridize):
    net = nn.HybridSequential()
    with net.name_scope():
        net.add(nn.Dense(4, activation='relu'), nn.Dropout(.5), nn.Dense(2))
    net.initialize()
    if hybridize:
        net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': .1})
    for _ in range(2):
        with autograd.record():
            loss = net(nd.ones((3, 5))).sum()
        loss.backward()
        trainer.step(3)
    with pytest.raises(MXNetError):
        net(nd.ones((3, 9)))
    weight = net[0].weight
    return [weakref.ref(x) for x in (net, net[0], net[0].act, weight, weight.data(), weight.grad(), trainer)]


@pytest.mark.parametrize('hybridize', [False, True])
def test_everything_goes(hybridize):
    gc.collect()
    gc.disable()
    try:
        assert [reference() for reference in train(hybridize)] == [None] * 7
    finally:
        gc.enable()
