"""Users' operators in graphs; names, texts and numbers of one that has everything are compared in test_control_flow_programs.py."""
import numpy as np
import pytest

import blockscope as mx
from blockscope.executor import CachedOp

sym = mx.sym
SEEN = []


class Shift(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        SEEN.append(('forward', is_train, list(req)))
        self.assign(out_data[0], req[0], in_data[0] + in_data[1])

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        SEEN.append(('backward', list(req)))
        self.assign(in_grad[0], req[0], out_grad[0])
        self.assign(in_grad[1], req[1], out_grad[0].sum())


class ShiftProp(mx.operator.CustomOpProp):
    def __init__(self, **attributes):
        super().__init__(need_top_grad=True)
        SEEN.append(attributes)

    def list_arguments(self):
        return ['data', 'by']

    def infer_shape(self, in_shape):
        return [in_shape[0], [1]], [in_shape[0]], []

    def create_operator(self, ctx, in_shapes, in_dtypes):
        SEEN.append((str(ctx), in_shapes, in_dtypes))
        return Shift()


@pytest.fixture(autouse=True)
def registered():
    mx.operator.register('test_shift')(ShiftProp)
    SEEN.clear()


def test_the_users_class_sees_texts_once_a_node_and_no_annotations():
    with mx.AttrScope(__mood__='calm', ctx_group='dev'):
        out = sym.Custom(sym.var('x'), op_type='test_shift', k=3, shape=(1, 2), lr_mult=2, none=None, name='s')
    assert SEEN == [{'k': '3', 'shape': '(1, 2)', 'none': 'None'}]
    assert out.list_arguments() == ['x', 's_by'] and out.list_outputs() == ['s_output']
    assert out.attr('__mood__') == 'calm' and out.attr('lr_mult') == '2'
    out.infer_shape(x=(2, 3))
    assert len(SEEN) == 1


def test_it_runs_and_gradients_follow():
    out = sym.Custom(sym.var('x') * 2, op_type='test_shift', name='s') * 3
    x, by = mx.nd.array([[1, 2]]), mx.nd.array([10])
    x.attach_grad()
    by.attach_grad()
    SEEN.clear()
    run = CachedOp(out)
    with mx.autograd.record():
        y, = run(x, by)
    y.backward()
    assert y.asnumpy().tolist() == [[36, 42]]
    assert (x.grad.asnumpy().tolist(), by.grad.asnumpy().tolist()) == ([[6, 6]], [6])
    assert SEEN == [('cpu(0)', [[1, 2], [1]], [np.float32, np.float32]), ('forward', 1, ['write']), ('backward', ['write', 'write'])]
    SEEN.clear()
    assert run(x, by)[0].asnumpy().tolist() == [[36, 42]]
    assert SEEN[1:] == [('forward', 0, ['write'])]


def test_it_can_be_in_a_body():
    out, state = sym.contrib.foreach(lambda d, q: (sym.Custom(d, q, op_type='test_shift'), q + 1), sym.var('x'), sym.var('s'))
    x, state = mx.nd.array([[1, 2], [3, 4]]), mx.nd.array([10])
    assert CachedOp(out)(x, state)[0].asnumpy().tolist() == [[11, 12], [14, 15]]


def test_shapes_and_types_come_from_the_users_class():
    out = sym.Custom(sym.var('x'), op_type='test_shift', name='s')
    assert out.infer_shape(x=(2, 3)) == ([(2, 3), (1,)], [(2, 3)], [])
    assert out.infer_type(x='float64', s_by='float64') == ([np.float64] * 2, [np.float64], [])
    assert out.infer_type_partial(x='float64') == ([np.float64, None], [np.float64], [])


class _Wrong(ShiftProp):
    def infer_shape(self, in_shape):
        return {'raises': lambda: in_shape[7], 'one list': lambda: [[1]], 'inputs': lambda: ([], [[1]]),
                'outputs': lambda: ([[1], [1]], [[1], [1]], []), 'states': lambda: ([[1], [1]], [[1]], [[1]])}[self.how]()


@pytest.mark.parametrize('how, why', [
    ('raises', 'IndexError: list index out of range'), ('one list', 'infer_shape must return 2 or 3 lists'),
    ('inputs', 'expecting 2 entries in returned input shapes, got 0'), ('outputs', 'expecting 1 entries in returned output shapes, got 2'),
    ('states', 'expecting 0 entries in returned aux state shapes, got 1')])
def test_what_the_users_class_does_wrong_is_said(how, why, capsys):
    mx.operator.register('test_wrong')(type('Wrong', (_Wrong,), {'how': how}))
    out = sym.Custom(sym.var('x'), op_type='test_wrong', name='s')
    with pytest.raises(mx.MXNetError, match=f'Error in operator s: Error in test_wrong.infer_shape: {why}'):
        out.infer_shape(x=(2, 3), s_by=(1,))


def test_an_error_of_the_users_own_stays_what_it_is():
    class Broken(ShiftProp):
        def list_outputs(self):
            raise KeyError('mine')
    mx.operator.register('test_broken')(Broken)
    with pytest.raises(KeyError, match='mine'):  # MXNet: an MXNetError without its text
        sym.Custom(sym.var('x'), op_type='test_broken')

    class Nameless(ShiftProp):
        def list_arguments(self):
            return [1, 2]
    mx.operator.register('test_nameless')(Nameless)
    with pytest.raises(mx.MXNetError, match='list_arguments of custom operator test_nameless must return a list of names'):
        sym.Custom(sym.var('x'), op_type='test_nameless')


def test_a_file_with_an_unknown_operator_says_which():
    text = sym.Custom(sym.var('x'), op_type='test_shift').tojson().replace('test_shift', 'test_never_registered')
    with pytest.raises(mx.MXNetError, match='Cannot find custom operator test_never_registered'):
        sym.load_json(text)


def test_the_record_of_the_name_is_not_run():
    assert mx.sym.op.Custom is sym.Custom
    with pytest.raises(mx.MXNetError, match='call nd.Custom or sym.Custom'):
        mx.nd._internal.Custom.operator.forward(None, op_type='test_shift')
