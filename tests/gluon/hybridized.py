"""Comparing a block with the same one hybridized: outputs, gradients, parameters and running statistics after some calls."""
import numpy as np

import blockscope as mx
from blockscope import autograd

FLAGS = ({}, {'static_alloc': True, 'static_shape': True})


def flat(out):
    """Return the arrays of nested lists."""
    return [x for item in out for x in flat(item)] if isinstance(out, (list, tuple)) else [] if out is None else [out]


def passes(make, arrays, flags, steps=2, nest=lambda inputs: inputs, train_mode=True, optimizer=None, call=None):
    """Return by name what a block gives: its parameters' shapes, a call outside of training, training passes, a last call.

    Parameters
    ----------
    make : callable
        Makes the block.
    arrays : list of numpy.ndarray
        Its inputs; gradients are computed of those of floating point.
    flags : dict or None
        Arguments of `hybridize`; None for not hybridized.
    nest : callable
        Gives the arguments of a call, from a list of NDArrays.
    """
    with mx.name.NameManager():
        net = make()
    net.initialize(mx.init.Uniform(0.7))
    if flags is not None:
        net.hybridize(**flags)
    call = call or (lambda net, args: net(*args))
    inputs = [mx.nd.array(a, dtype=a.dtype) for a in arrays]
    wanted = [x for x in inputs if np.dtype(x.dtype).kind == 'f']
    for x in wanted:
        x.attach_grad()
    args = nest(inputs)
    call(net, args)  # tells the shapes
    random = np.random.RandomState(5)
    params = list(net.collect_params().values())
    for param in params:
        if param.grad_req != 'null' and not isinstance(param, mx.gluon.Constant):
            param.set_data(mx.nd.array(random.uniform(-0.7, 0.7, param.shape), dtype=param.dtype))
    trainer = mx.gluon.Trainer(net.collect_params(), optimizer, {'learning_rate': 0.05}) if optimizer else None
    mx.cpu()._seed(11)
    seen = {'shapes': [np.array(param.shape) for param in params], 'outside': [x.asnumpy() for x in flat(call(net, args))]}
    for step in range(steps):
        if hasattr(net, 'reset'):
            net.reset()
        with autograd.record(train_mode=train_mode):
            outs = [x for x in flat(call(net, args)) if x._node is not None]
            heads = [mx.nd.array(random.uniform(-1, 1, x.shape), dtype=x.dtype) for x in outs]
        if outs:
            autograd.backward(outs, heads)
        if trainer:
            trainer.step(1)
        seen[f'outputs {step}'] = [x.asnumpy() for x in outs]
        seen[f'gradients {step}'] = [x.grad.asnumpy() for x in wanted]
        seen[f'parameter gradients {step}'] = [p.grad().asnumpy() for p in params if p.grad_req != 'null']
        seen[f'parameters {step}'] = [p.data().asnumpy() for p in params]
    if hasattr(net, 'reset'):
        net.reset()
    seen['after'] = [x.asnumpy() for x in flat(call(net, args))]
    return seen


def assert_same(make, arrays, tolerance=0, **kwargs):
    """Check that a block gives the same numbers eager and hybridized; bit for bit without a tolerance."""
    want = passes(make, arrays, None, **kwargs)
    for flags in FLAGS:
        got = passes(make, arrays, flags, **kwargs)
        for name, expected in want.items():
            assert len(got[name]) == len(expected), name
            for number, (a, b) in enumerate(zip(got[name], expected)):
                where = f'{name} {number} with {flags}'
                if tolerance:
                    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=where, strict=True)
                else:
                    np.testing.assert_array_equal(a, b, err_msg=where, strict=True)
    return want
