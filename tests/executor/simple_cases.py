"""More programs: `simple_bind`, shared memory, `reshape`, groups of contexts, monitors. See `cases`."""
from tests.executor.cases import ERRORS, _bound, _classifier, _filled, case, error


def _shapes(arrays):
    return {name: list(x.shape) for name, x in arrays.items()}


@case
def simple(mx):
    ex = _filled(_classifier(mx).simple_bind(mx.cpu(), data=(2, 4)), mx)
    outs = ex.forward(is_train=True)
    ex.backward()
    return [outs, ex.arg_dict, ex.grad_dict]


@case
def simple_is_zero(mx):
    ex = mx.sym.BatchNorm(_classifier(mx), name='bn').simple_bind(mx.cpu(), data=(2, 4))
    return [ex.arg_dict, ex.grad_dict, ex.aux_dict]


@case
def simple_in_a_list(mx):
    return _classifier(mx).simple_bind(mx.cpu(), grad_req=['null', 'write', 'add', 'null'], data=(2, 4)).grad_arrays


@case
def simple_by_name(mx):
    return _classifier(mx).simple_bind(mx.cpu(), grad_req={'fc_weight': 'write', 'other': 'add'}, data=(2, 4)).grad_arrays


@case
def simple_without_gradients(mx):
    return _classifier(mx).simple_bind(mx.cpu(), grad_req='null', data=(2, 4)).grad_arrays


@case
def simple_of_half_precision(mx):
    net = mx.sym.BatchNorm(mx.sym.var('data') * 2, name='bn') + mx.sym.var('other')  # MXNet has no dense layer of half precision
    ex = net.simple_bind(mx.cpu(), type_dict={'data': 'float16'}, data=(2, 4))
    return [ex.arg_dict, ex.grad_dict, ex.aux_dict, ex.outputs[0].dtype.__name__]


@case
def simple_adds(mx):
    ex = _filled(_classifier(mx).simple_bind(mx.cpu(), grad_req='add', data=(2, 4)), mx)
    for _ in range(3):
        ex.forward(is_train=True)
        ex.backward()
    return ex.grad_dict


@case
def unknown_names_are_passed_over(mx):
    return _shapes(_classifier(mx).simple_bind(mx.cpu(), data=(2, 4), other=(1,)).arg_dict)


def _simple_error(name, **kwargs):
    def program(mx):
        _classifier(mx).simple_bind(mx.cpu(), **kwargs)
    ERRORS[name] = program


_simple_error('simple_without_shapes')
_simple_error('simple_shape_in_list', data=[2, 4])
_simple_error('simple_shapes_differ', data=(2, 4), fc_weight=(1, 2))
_simple_error('simple_request_unknown', data=(2, 4), grad_req='foo')
_simple_error('simple_requests_too_few', data=(2, 4), grad_req=['null', 'write'])
_simple_error('simple_requests_empty', data=(2, 4), grad_req=[])
_simple_error('simple_requests_empty_by_name', data=(2, 4), grad_req={})
_simple_error('simple_type_unknown', data=(2, 4), type_dict={'data': 'complex64'})
_simple_error('simple_shared_names_in_tuple', data=(2, 4), shared_arg_names=('fc_weight',))
_simple_error('simple_shared_buffer_in_list', data=(2, 4), shared_buffer=[])


@error
def simple_length_unknown(mx):
    (mx.sym.var('u') + mx.sym.var('v')).simple_bind(mx.cpu(), u=(0, 2))


# ---- shared memory ---------------------------------------------------------------------------------------------------------

@case
def shared_buffer(mx):
    buffer, net = {}, _classifier(mx)
    first = net.simple_bind(mx.cpu(), shared_buffer=buffer, data=(4, 4))
    names = sorted(buffer)
    second = net.simple_bind(mx.cpu(), shared_exec=first, shared_arg_names=['fc_weight', 'fc_bias'], shared_buffer=buffer, data=(2, 4))
    first.arg_dict['fc_weight'][:] = 3
    first.arg_dict['data'][:] = 9
    first.grad_dict['fc_bias'][:] = 8
    net.simple_bind(mx.cpu(), shared_exec=first, shared_arg_names=['fc_weight', 'fc_bias'], shared_buffer=buffer, data=(8, 4))
    return [names, second.arg_dict, second.grad_dict, _shapes(buffer)]


@case
def shared_states(mx):
    net, buffer = mx.sym.BatchNorm(mx.sym.var('x'), name='bn'), {}
    first = net.simple_bind(mx.cpu(), shared_buffer=buffer, x=(4, 2))
    second = net.simple_bind(mx.cpu(), shared_exec=first, shared_arg_names=['bn_gamma'], shared_buffer=buffer, x=(2, 2))
    alone = net.simple_bind(mx.cpu(), shared_exec=first, x=(2, 2))
    first.aux_dict['bn_moving_mean'][:] = 5
    return [second.aux_dict, alone.aux_dict]


@error
def shared_of_other_shape(mx):
    net = _classifier(mx)
    first = net.simple_bind(mx.cpu(), data=(4, 4))
    net.simple_bind(mx.cpu(), shared_exec=first, shared_arg_names=['fc_weight'], shared_buffer={}, data=(4, 5))


# ---- reshape ---------------------------------------------------------------------------------------------------------------

def _reshaped(mx, **kwargs):
    first = _filled(_classifier(mx).simple_bind(mx.cpu(), data=(4, 4)), mx)
    return first, first.reshape(**kwargs)


@case
def reshape_smaller(mx):
    first, second = _reshaped(mx, data=(2, 4), softmax_label=(2,))
    first.arg_dict['fc_weight'][:] = 4
    first.arg_dict['data'][:] = 6
    second.forward(is_train=True)
    second.backward()
    return [second.arg_dict, second.grad_dict, second.outputs, first.grad_dict, first.outputs[0].shape]


@case
def reshape_partially(mx):
    return _shapes(_reshaped(mx, data=(2, 4), partial_shaping=True)[1].arg_dict)


@case
def reshape_larger(mx):
    return _shapes(_reshaped(mx, data=(9, 4), softmax_label=(9,), allow_up_sizing=True)[1].arg_dict)


@case
def reshape_weights(mx):
    return _shapes(_reshaped(mx, data=(2, 2), partial_shaping=True)[1].arg_dict)


@case
def reshape_without_gradients(mx):
    return _bound(mx).reshape(a=(1,), b=(1,)).forward()


@error
def reshape_of_unnamed(mx):
    _reshaped(mx, data=(2, 4))


@error
def reshape_larger_refused(mx):
    _reshaped(mx, data=(9, 4), softmax_label=(9,))


@error
def reshape_weights_refused(mx):
    _reshaped(mx, data=(2, 2), softmax_label=(2,))


@error
def reshape_contradiction(mx):
    _reshaped(mx, data=(2, 2), fc_weight=(7, 7), partial_shaping=True)


# ---- groups of contexts ----------------------------------------------------------------------------------------------------

def _grouped(mx):
    with mx.AttrScope(ctx_group='dev1'):
        net = mx.sym.FullyConnected(mx.sym.var('a'), num_hidden=2, name='f')
    with mx.AttrScope(ctx_group='dev2'):
        net = mx.sym.FullyConnected(net, num_hidden=2, name='g')
    return net * 2


@case
def groups(mx):
    ex = _grouped(mx).simple_bind(mx.cpu(2), group2ctx={'dev1': mx.cpu(0), 'dev2': mx.cpu(1)}, a=(1, 2))
    outs = _filled(ex, mx).forward(is_train=True)
    ex.backward(mx.nd.ones((1, 2), ctx=mx.cpu(1)))
    return [outs, ex.arg_dict, ex.grad_dict]


@case
def node_of_no_group_follows_its_first_input(mx):
    other = mx.sym.var('other', shape=(1, 2))
    places = []
    for net in (_grouped(mx) + other, other + _grouped(mx)):
        ex = net.simple_bind(mx.cpu(2), grad_req='null', group2ctx={'dev1': mx.cpu(0), 'dev2': mx.cpu(1)}, a=(1, 2))
        places.append([{name: x.context for name, x in ex.arg_dict.items()}, ex.outputs[0].context])
    return places


@case
def groups_without_contexts(mx):
    ex = _grouped(mx).simple_bind(mx.cpu(2), a=(1, 2))
    return [{name: x.context for name, x in ex.arg_dict.items()}, ex.outputs[0].context]


@error
def group_without_context(mx):
    _grouped(mx).simple_bind(mx.cpu(2), group2ctx={'dev1': mx.cpu(0)}, a=(1, 2))


# ---- monitors --------------------------------------------------------------------------------------------------------------

def _watched(mx, monitor_all):
    seen = []
    ex = _classifier(mx).simple_bind(mx.cpu(), data=(2, 4))
    ex.set_monitor_callback(lambda name, array: seen.append(name.decode() if isinstance(name, bytes) else name), monitor_all)
    ex.forward(is_train=False)
    mx.nd.waitall()
    return seen


@case
def monitor(mx):
    return _watched(mx, False)


@case
def monitor_of_inputs(mx):
    return _watched(mx, True)


@case
def copied_parameters(mx):
    ex = _classifier(mx).simple_bind(mx.cpu(), data=(2, 4))
    ex.copy_params_from({'fc_bias': mx.nd.array([1, 2, 3], dtype='float64'), 'other': mx.nd.zeros(1)}, {'other': mx.nd.zeros(1)},
                        allow_extra_params=True)
    return ex.arg_dict
