"""Random networks give the same numbers, bit for bit, eager and hybridized: outputs, gradients, statistics, several steps."""
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import blockscope as mx
from blockscope import autograd
from blockscope.executor import plan
from tests.executor.random_nets import LOOPS, Net, arguments, flat, recipes


# Numbers of some networks grow beyond all bounds, for both in the same way.
pytestmark = [pytest.mark.filterwarnings('ignore:.*not used by any computation'), pytest.mark.filterwarnings('ignore::RuntimeWarning')]


def results(recipe, requests, hybridize, steps=3, used=None, ctx=None):
    """Return everything that can be seen of some training steps, as NumPy arrays by name."""
    mx.random.seed(7)
    np.random.seed(7)
    with mx.name.NameManager():
        net = Net(recipe, prefix='net_')
    ctx = ctx or mx.cpu()
    net.initialize(mx.init.Uniform(0.9), ctx=ctx)
    if hybridize is not None:
        flags = {key: value for key, value in hybridize.items() if key != 'children'}
        if hybridize.get('children'):
            for child in list(net._children.values())[::2]:
                child.hybridize(**flags)
        else:
            net.hybridize(**flags)
    random = np.random.RandomState(3)
    arrays = []
    for (shape, index), request in zip(recipe['inputs'], requests):
        x = mx.nd.array(random.randint(0, 5, shape) if index else random.uniform(-1, 1, shape), ctx=ctx)
        x.attach_grad(request)
        arrays.append(x)
    args = arguments(recipe, arrays)
    net(*args)
    # Deferred parameters draw their first values in the order of their use: in a graph, from its outputs back (so does MXNet).
    params = net.collect_params()
    for param in params.values():
        if param.grad_req != 'null':
            param.set_data(mx.nd.array(random.uniform(-0.9, 0.9, param.shape), ctx=ctx))
    mx.random.seed(8)
    seen = {'outside': [x.asnumpy() for x in flat(net(*args))]}
    for param, request in zip((p for p in params.values() if p.grad_req != 'null'), requests * 20):
        param.grad_req = request
    optimizer = mx.gluon.Trainer(params, 'sgd', {'learning_rate': 0.01, 'momentum': 0.9}) if params else None
    for step in range(steps):
        with autograd.record():
            outs = flat(net(*args))
            chosen = [x for i, x in enumerate(outs) if used is None or i in used] or outs
            heads = [mx.nd.array(random.uniform(-1, 1, x.shape), ctx=ctx) for x in chosen]
        if any(x._node is not None for x in chosen):
            chosen, heads = zip(*[(x, h) for x, h in zip(chosen, heads) if x._node is not None])
            autograd.backward(list(chosen), list(heads))
        seen[f'outputs {step}'] = [x.asnumpy() for x in outs]
        seen[f'gradients {step}'] = [x.grad.asnumpy() for x in arrays if x.grad is not None]
        seen[f'parameter gradients {step}'] = [p.grad().asnumpy() for p in params.values() if p.grad_req != 'null']
        if optimizer is not None and step:
            optimizer.step(2, ignore_stale_grad=True)
        seen[f'parameters {step}'] = [p.data().asnumpy() for p in params.values()]
    seen['after'] = [x.asnumpy() for x in flat(net(*args))]
    return seen


ALL_FLAGS = {}, {'static_alloc': True}, {'children': True, 'static_alloc': True}


def compare(recipe, requests, used=None, ctx=None, all_flags=ALL_FLAGS):
    """Compare eager with hybridized.

    Bit for bit, unless there are loops or branches: eager ones are many steps on the tape, whose gradients are added one by one to what
    an array has got from elsewhere, while the node of a graph adds up its own first. So does a hybridized child.
    """
    loops = not LOOPS.isdisjoint(kind for kind, _, _ in recipe['steps'])
    want = results(recipe, requests, None, used=used, ctx=ctx)
    for flags in all_flags:
        with mock.patch.object(plan, '_LARGE', 0):  # arrays as small as these get buffers too, and are dropped early
            got = results(recipe, requests, flags, used=used, ctx=ctx)
        exact = not loops and 'children' not in flags
        for name, arrays in want.items():
            assert len(arrays) == len(got[name]), name
            for number, (a, b) in enumerate(zip(arrays, got[name])):
                where = f'{name} {number} with {flags}'
                if exact:
                    np.testing.assert_array_equal(b, a, err_msg=where, strict=True)
                else:
                    largest = np.abs(a).max(initial=1)
                    np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5 * largest, err_msg=where, strict=True)


REQUESTS = st.lists(st.sampled_from(['write', 'write', 'add', 'null']), min_size=4, max_size=4)


STRATEGIES = recipes(), REQUESTS, st.none() | st.sets(st.integers(0, 2), min_size=1)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(*STRATEGIES)
def test_random_networks(recipe, requests, used):
    compare(recipe, requests, used)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(recipes(), REQUESTS)
def test_random_networks_on_devices(device, recipe, requests):
    compare(recipe, requests, ctx=device, all_flags=ALL_FLAGS[1:2])


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(recipes(15), *STRATEGIES[1:])
def test_many_random_networks(recipe, requests, used):
    compare(recipe, requests, used)
