"""Small weights are updated side by side in memory: same numbers, and nobody sees that the memory moved."""
import numpy as np
import pytest

import blockscope as mx
from blockscope import autograd, gluon, nd


def layers(count=3, units=4):
    net = gluon.nn.HybridSequential()
    for _ in range(count):
        net.add(gluon.nn.Dense(units, in_units=units))
    mx.random.seed(1)
    net.initialize(mx.init.Uniform(1))
    return net


def train(net, trainer, steps=3, x=None):
    x = nd.array(np.linspace(-1, 1, 8).reshape(2, 4)) if x is None else x
    for _ in range(steps):
        with autograd.record():
            loss = (net(x) ** 2).sum()
        loss.backward()
        trainer.step(2)


def values(net):
    return [p.data().asnumpy() for p in net.collect_params().values()]


def is_packed(net):
    bases = {id(p.data()._raw.base) for p in net.collect_params().values()}
    return len(bases) == 1 and bases != {id(None)}


@pytest.mark.parametrize('options', [{'momentum': 0.9, 'wd': 0.01}, {}, {'momentum': 0.5, 'clip_gradient': 0.1}])
def test_same_numbers_as_one_by_one(options):
    # By hand: the rule of SGD with momentum, weight by weight, in float32.
    net, plain = layers(), layers()
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1, **options})
    optimizer = mx.optimizer.SGD(learning_rate=0.1, rescale_grad=0.5, **options)
    states = [optimizer.create_state(i, p.data()) for i, p in enumerate(plain.collect_params().values())]
    train(net, trainer)
    x = nd.array(np.linspace(-1, 1, 8).reshape(2, 4))
    for _ in range(3):
        with autograd.record():
            loss = (plain(x) ** 2).sum()
        loss.backward()
        for i, (p, state) in enumerate(zip(plain.collect_params().values(), states)):
            optimizer.update(i, p.data(), p.grad(), state)
    assert is_packed(net)
    assert not is_packed(plain)
    for a, b in zip(values(net), values(plain)):
        np.testing.assert_array_equal(a, b)


def test_arrays_stay_the_same_objects():
    net = layers()
    held = [(p.data(), p.grad()) for p in net.collect_params().values()]
    train(net, gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1, 'momentum': 0.9}))
    for (data, grad), p in zip(held, net.collect_params().values()):
        assert p.data() is data
        assert p.grad() is grad
        np.testing.assert_array_equal(data.asnumpy(), p.data().asnumpy())


def test_memory_that_somebody_views_does_not_move():
    net = layers()
    weight = net[0].weight.data()
    row = weight[0]
    train(net, gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1}))
    np.testing.assert_array_equal(row.asnumpy(), weight.asnumpy()[0])
    row[:] = 7
    assert (weight.asnumpy()[0] == 7).all()


def test_a_copy_on_write_alias_keeps_the_old_values():
    net = layers()
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1})
    train(net, trainer)
    before = net[0].weight.data().asnumpy()
    turned = net[0].weight.data().T
    train(net, trainer, 1)
    np.testing.assert_array_equal(turned.asnumpy(), before.T)
    assert (net[0].weight.data().asnumpy() != before).any()


def test_rates_multipliers_and_counts_are_looked_at_in_every_step():
    net = layers(1)
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1})
    train(net, trainer)
    before = values(net)
    net[0].bias.lr_mult = 0
    trainer.set_learning_rate(0.5)
    train(net, trainer, 1)
    gradient = net[0].weight.grad().asnumpy()
    np.testing.assert_allclose(values(net)[0], before[0] - 0.5 * gradient / 2, rtol=1e-6)
    np.testing.assert_array_equal(values(net)[1], before[1])
    assert trainer._optimizer.num_update == 4


def test_schedule():
    net = layers(2)
    schedule = mx.lr_scheduler.FactorScheduler(step=1, factor=0.5, base_lr=1.0)
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 1.0, 'lr_scheduler': schedule})
    rates = []
    for _ in range(4):
        before = values(net)[1]
        train(net, trainer, 1)
        gradient = net[0].bias.grad().asnumpy() / 2
        rates.append(float(np.median((before - values(net)[1]) / gradient)))
    np.testing.assert_allclose(rates, [1, 0.5, 0.25, 0.125], rtol=1e-3)


def test_after_loading_casting_and_new_arrays(tmp_path):
    net = layers()
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1, 'momentum': 0.9})
    train(net, trainer)
    net.save_parameters(str(tmp_path / 'a'))
    trainer.save_states(str(tmp_path / 's'))
    train(net, trainer)
    after = values(net)
    net.load_parameters(str(tmp_path / 'a'))
    trainer.load_states(str(tmp_path / 's'))
    train(net, trainer)
    for a, b in zip(after, values(net)):
        np.testing.assert_array_equal(a, b)
    net.cast('float64')
    assert not is_packed(net)
    train(layers(), trainer, 0)


def test_two_trainers_in_turn():
    net, alone = layers(), layers()
    first, second = (gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': rate}) for rate in (0.1, 0.2))
    train(net, first, 1)
    train(net, second, 1)
    train(net, first, 1)
    single = gluon.Trainer(alone.collect_params(), 'sgd', {'learning_rate': 0.1})
    for rate in (0.1, 0.2, 0.1):
        single.set_learning_rate(rate)
        train(alone, single, 1)
    for a, b in zip(values(net), values(alone)):
        np.testing.assert_array_equal(a, b)


def test_an_update_still_makes_old_graphs_stale():
    net = layers(2)
    x = nd.ones((2, 4))
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1})
    train(net, trainer, 2)
    with autograd.record():
        loss = (net(x) ** 2).sum()
    loss.backward(retain_graph=True)
    trainer.step(1)
    with pytest.raises(mx.MXNetError, match='stale graph'):
        loss.backward()
