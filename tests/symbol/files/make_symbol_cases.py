"""Record what MXNet 1.9.1 makes of symbol files: run with the oracle's python; writes symbol_cases.json and reads unique_texts.json.

    PYTHON_OF_MXNET tests/symbol/files/make_symbol_cases.py

Each text is read in a child process under a memory limit: some kill MXNet. `texts` holds what MXNet writes after reading a text, or the
error. `programs` holds what it writes for symbols that the functions below make; the tests run the same functions. `unique` holds what
it does with the texts of unique_texts.json, which blockscope wrote for programs with duplicate names (the tests compare that too).
"""
import json
import os
import pathlib
import resource
import signal
import sys

HERE = pathlib.Path(__file__).parent
CURRENT = ',"attrs":{"mxnet_version":["int",10901]}'
A = '{"op":"null","name":"a","inputs":[]}'
FIVE = ','.join('{"op":"null","name":"%s","inputs":[]}' % name for name in 'agbmv')
NORM = ',{"op":"BatchNorm","name":"%s","inputs":[[%d,0,0],[1,0,0],[2,0,0],[3,0,%d],[4,0,%d]]}'


def graph(nodes, arg_nodes='0', heads='[0,0,0]', rest=CURRENT):
    return '{"nodes":[%s],"arg_nodes":[%s],"heads":[%s]%s}' % (nodes, arg_nodes, heads, rest)


def saved_by(version):
    return ',"attrs":{"mxnet_version":["int",%d]}' % version


def one(op, attrs='', inputs='[0,0,0]', version=10901, name='n'):
    attrs = '"attrs":{%s},' % attrs if attrs else ''
    return graph(A + ',{"op":"%s","name":"%s",%s"inputs":[%s]}' % (op, name, attrs, inputs), heads='[1,0,0]', rest=saved_by(version))


def relu(attr, version=10901):
    return one('Activation', '"act_type":"relu","%s":"x"' % attr, version=version)


def variable(fields, rest=CURRENT):
    return graph('{"op":"null","name":"a",%s}' % fields, rest=rest)


def loop(op, attrs='', inputs='[0,0,0],[1,0,0]', rest='', version=10901):
    body = ('{"nodes":[{"op":"null","name":"x","inputs":[]},{"op":"null","name":"s","inputs":[]},{"op":"%s","name":"y","attrs":{%s},'
            '"inputs":[%s]}],"arg_nodes":[0,1],"heads":[[2,0,0],[2,0,0]]%s}' % (op, attrs, inputs, rest))
    return graph('{"op":"null","name":"x","inputs":[]},{"op":"null","name":"s","inputs":[]},{"op":"_foreach","name":"f","attrs":'
                 '{"in_data_locs":"[0]","in_state_locs":"[1]","num_args":"3","num_out_data":"1","num_outputs":"2","remain_locs":"[]"},'
                 '"inputs":[[0,0,0],[1,0,0]],"subgraphs":[%s]}' % body, '0,1', '[2,0,0]', saved_by(version))


TEXTS = {
    'plain': graph(A),
    # operators and their attributes
    'unknown operator': one('nosuch'), 'unknown operator that nothing uses': graph(A + ',{"op":"nosuch","name":"n","inputs":[[0,0,0]]}'),
    'empty operator': graph('{"op":"","name":"a","inputs":[]}'), 'Null': graph('{"op":"Null","name":"a","inputs":[]}'),
    'unknown attribute': relu('zzz'), 'unknown attribute of an operator without any': one('tanh', '"zzz":"1"'),
    'wrong value': one('Activation', '"act_type":"zz"'), 'missing attribute': one('Activation'),
    'wrong value that nothing uses': graph(A + ',{"op":"Activation","name":"n","attrs":{"act_type":"zz"},"inputs":[[0,0,0]]}'),
    'alias': graph(A + ',{"op":"flatten","name":"n","inputs":[[0,0,0]]},{"op":"_Plus","name":"m","inputs":[[0,0,0],[1,0,0]]}',
                   heads='[2,0,0]'),
    # fields
    'no heads': '{"nodes":[%s],"arg_nodes":[0]}' % A, 'no arg_nodes': '{"nodes":[%s],"heads":[[0,0,0]]}' % A,
    'no nodes': '{"arg_nodes":[],"heads":[]}', 'nothing': '{"nodes":[],"arg_nodes":[],"heads":[]}',
    'empty heads': '{"nodes":[%s],"arg_nodes":[0],"heads":[]}' % A, 'braces': '{}', 'array': '[]',
    'arg_nodes short': graph(A, ''), 'arg_nodes of an operator': graph(A + ',{"op":"tanh","name":"n","inputs":[[0,0,0]]}', '1'),
    'arg_nodes out of range': graph(A, '5'), 'head out of range': graph(A, heads='[5,0,0]'),
    'no op': graph('{"name":"a","inputs":[]}'),
    'no name': graph('{"op":"null","inputs":[]}'), 'no inputs': graph('{"op":"null","name":"a"}'),
    'number for op': graph('{"op":3,"name":"a","inputs":[]}'), 'number for a value': variable('"attrs":{"k":3},"inputs":[]'),
    'empty name': graph('{"op":"null","name":"","inputs":[]}'),
    'entry of four': graph(A, heads='[0,0,0,0]'), 'entry of one': graph(A, heads='[0]'), 'entry of two': graph(A, heads='[0,0]'),
    'flat heads': '{"nodes":[%s],"arg_nodes":[0],"heads":[0,0,0]}' % A, 'float': graph(A, heads='[0.0,0,0]'),
    'plus': graph(A, heads='[+0,0,0]'), 'zeros': graph(A, heads='[000,0,0]'), 'too large': graph(A, heads='[0,0,99999999999]'),
    'unknown key of the graph': graph(A, rest=',"x":1'), 'unknown key of a node': variable('"inputs":[],"x":1'),
    'repeated key': '{"nodes":[],"nodes":[%s],"arg_nodes":[0],"heads":[[0,0,0]]}' % A,
    'wrong node_row_ptr': graph(A, rest=',"node_row_ptr":[9,9,9,9]'), 'text in node_row_ptr': graph(A, rest=',"node_row_ptr":["a"]'),
    'later control_deps': graph(A + ',{"op":"tanh","name":"n","inputs":[[0,0,0]],"control_deps":[2]},{"op":"tanh","name":"m","inputs":'
                                '[[1,0,0]]}', heads='[2,0,0]'),
    'unused node': graph(A + ',{"op":"null","name":"b","inputs":[]}', '0,1'),
    'backward_source_id': variable('"inputs":[],"backward_source_id":-7'), 'text in it': variable('"inputs":[],"backward_source_id":"x"'),
    'repeated attribute': variable('"attrs":{"k":"1","k":"2"},"inputs":[]'),
    'repeated attrs': variable('"attrs":{"k":"1"},"attrs":{"j":"2"},"inputs":[]'),
    'attrs, param, attr': variable('"attrs":{"k":"1"},"param":{"k":"9","p":"1"},"attr":{"j":"2"},"inputs":[]'),
    'attr, param, attrs': variable('"attr":{"j":"2"},"param":{"j":"9","p":"1"},"attrs":{"k":"1"},"inputs":[]'),
    'param, attr': variable('"param":{"k":"9","p":"1"},"attr":{"k":"2"},"inputs":[]'),
    'graph attribute of unknown type': graph(A, rest=',"attrs":{"x":["float",1]}'),
    'graph attributes': graph(A, rest=',"attrs":{"a":["str","1"],"b":["list_int",[1,2]],"c":["list_str",["1"]],'
                                      '"mxnet_version":["int",10901]}'),
    'version as text': graph(A, rest=',"attrs":{"mxnet_version":["str","10901"]}'), 'negative version': graph(A, rest=saved_by(-5)),
    'short graph attribute': graph(A, rest=',"attrs":{"x":["int"]}'), 'long graph attribute': graph(A, rest=',"attrs":{"x":["int",1,2]}'),
    # the dialect
    'trailing comma': graph(A + ','), 'text behind': graph(A) + ' garbage', 'space before': ' \n\t\v\f ' + graph(A),
    'byte order mark': '\ufeff' + graph(A), 'empty': '', 'raw line break': graph('{"op":"null","name":"a\nb","inputs":[]}'),
    'raw control characters': graph('{"op":"null","name":"a\x01\tb\x08\x0c\x7f","inputs":[]}'),
    'escape u': graph('{"op":"null","name":"a\\u00e9","inputs":[]}'), 'escape b': graph('{"op":"null","name":"a\\b","inputs":[]}'),
    'escape /': graph('{"op":"null","name":"a\\/","inputs":[]}'),
    'not ASCII': graph('{"op":"null","name":"a\u00e9\u2028\U0001f600","inputs":[]}'),
    'known escapes': variable('"attrs":{"":"","k k":"\\\\\\"\\n\\t\\r"},"inputs":[]'),
    # versions of old files
    'shape under new version': variable('"attrs":{"__shape__":"(2,0)"},"inputs":[]'),
    'too few inputs': one('elemwise_add', version=10901), 'too few inputs of 0.9': one('FullyConnected', '"num_hidden":"2"', version=900),
    'too few inputs of 0.8': one('elemwise_add', version=800), 'dense of 0.8': one('FullyConnected', '"num_hidden":"2"', version=800),
    'dense of 0.8 with annotations': one('FullyConnected', '"num_hidden":"2","__k__":"2","ctx_group":"c"', version=800),
    'dense of 0.8 without name': one('FullyConnected', '"num_hidden":"2","data_lr_mult":"2"', version=899, name=''),
    'dense of 0.8 without inputs':
        graph('{"op":"FullyConnected","name":"n","attrs":{"num_hidden":"2"},"inputs":[]}', '', rest=saved_by(800)),
    'concat of 0.8': one('Concat', '"num_args":"3"', version=800), 'prelu of 0.8': one('LeakyReLU', '"act_type":"prelu"', version=800),
    'argument of a variable number': one('Concat', '"num_args":"2","arg1_lr_mult":"2"', '[0,0,0],[0,0,0]', 10900),
    'both spellings': one('Activation', '"act_type":"relu","ctx_group":"x","__ctx_group__":"y"', version=10900),
    'norm of 0.8': graph(FIVE + ',{"op":"BatchNorm","name":"n","inputs":[[0,0],[1,0],[2,0]]}', '0,1,2,3,4', '[5,0]', ''),
    'norm of 0.9.3': graph(FIVE + NORM % ('n', 0, 0, 0), '0,1,2,3,4', '[5,0,0]', saved_by(903)),
    'norm of 0.9.4': graph(FIVE + NORM % ('n', 0, 1, 1), '0,1,2,3,4', '[5,0,0]', saved_by(904)),
    'norm of no variable': graph(FIVE + ',{"op":"tanh","name":"t","inputs":[[3,0,0]]},{"op":"BatchNorm","name":"n","inputs":[[0,0,0],'
                                 '[1,0,0],[2,0,0],[5,0,0],[4,0,0]]}', '0,1,2,3,4', '[6,0,0]', saved_by(903)),
    'argmax of 0.9.4': one('argmax', '"axis":"-1"', version=904), 'argmax of 0.9.5': one('argmax', '"axis":"-1"', version=905),
    'argmin of 0.9.4': one('argmin', '"axis":"-1","keepdims":"1"', version=904),
    'argmax with a space': one('argmax', '"axis":"-1 "', version=904),
    'version of entries': graph(FIVE + NORM % ('n', 0, 5, 0), '0,1,2,3,4', '[5,0,0],[3,0,4]'),
    'versions the other way round': graph(FIVE + NORM % ('n', 0, 2, 2) + NORM % ('n2', 5, 1, 1), '0,1,2,3,4', '[6,0,0],[3,0,0]'),
    # graphs in graphs
    'loop': loop('elemwise_add'), 'loop with graph attributes': loop('elemwise_add', rest=CURRENT),
    'loop with a wrong attribute': loop('FullyConnected', '"zzz":"1"'), 'loop with an unknown operator': loop('nosuch'),
    'old loop': loop('elemwise_add', '"ctx_group":"1"', version=10900),
    'old loop with attributes': loop('Activation', '"act_type":"relu","ctx_group":"1"', version=900),
    'loop with a version of its own': loop('elemwise_add', '"ctx_group":"1"', rest=saved_by(800)),
    'graph in a variable': variable('"inputs":[],"subgraphs":[%s]' % graph(A)),
    'graph in an operator': graph(A + ',{"op":"tanh","name":"n","inputs":[[0,0,0]],"subgraphs":[%s]}' % graph(A), heads='[1,0,0]'),
    # duplicates
    'two variables of one name': graph(A + ',' + A + ',{"op":"elemwise_add","name":"n","inputs":[[0,0,0],[1,0,0]]}', '0,1', '[2,0,0]'),
    'two operators of one name': graph(A + ',{"op":"tanh","name":"n","inputs":[[0,0,0]]},{"op":"tanh","name":"n","inputs":[[1,0,0]]}',
                                       heads='[2,0,0]'),
}
for _key in ('ctx_group lr_mult wd_mult force_mirroring mirror_stage profiler_scope lr_mult_x _lr_mult lr_multlr_mult data__lr_mult '
             'datalr_mult __lr_mult__ __lr_mult lr_mult__ weight_lr_mult').split():
    TEXTS['%s of an old operator' % _key] = relu(_key, 10900)
    TEXTS['%s of an operator' % _key] = relu(_key)
    TEXTS['%s of an old variable' % _key] = variable('"attrs":{"%s":"x"},"inputs":[]' % _key, saved_by(10900))

# Read under NumPy shape semantics.
NP_TEXTS = {'shape %s' % _shape: variable('"attrs":{"__shape__":"%s"},"inputs":[]' % _shape)
            for _shape in ('(2,0)', '[2, 0]', '(0,)', '()', 'None', '2', '0', '(2,3)', '(2,-1)', '(0L, 3)', 'x')}
NP_TEXTS['saved so'] = variable('"attrs":{"__shape__":"(2,0)"},"inputs":[]',
                                ',"attrs":{"mxnet_version":["int",10901],"is_np_shape":["int",1]}')
NP_TEXTS['saved not so'] = NP_TEXTS['saved so'].replace('["int",1]', '["int",0]')


def _five(mx):
    return [mx.sym.var(name) for name in 'dgbmv']


def program_shared_states(mx):
    """Versions count the operators that overwrite a variable."""
    d, g, b, m, v = _five(mx)
    before = m + 1
    first = mx.sym.BatchNorm(d, g, b, m, v, name='bn1')
    between = m * 2
    second = mx.sym.BatchNorm(first, g, b, m, v, name='bn2')
    return mx.sym.Group([second, before, between, v * 3])


def program_other_order(mx):
    """Versions follow the order of application, not that of the file."""
    d, g, b, m, v = _five(mx)
    first = mx.sym.BatchNorm(d, g, b, m, v, name='bn1')
    return mx.sym.BatchNorm(mx.sym.var('d2'), g, b, m, v, name='bn2') + first


def program_internals(mx):
    d, g, b, m, v = _five(mx)
    return mx.sym.BatchNorm(d, g, b, m, v, name='bn1').get_internals()


def program_reloaded(mx):
    d, g, b, m, v = _five(mx)
    net = mx.sym.load_json(mx.sym.BatchNorm(d, g, b, m, v, name='bn1').tojson())
    mean = net.get_internals()['m']
    second = mx.sym.BatchNorm(*[mx.sym.var(name) for name in ('d2', 'g2', 'b2')], mean, mx.sym.var('v2'), name='bn2')
    return mx.sym.Group([net, second, mean * 1])


def program_attributes(mx):
    with mx.AttrScope(ctx_group='dev1', __other__='1'):
        x = mx.sym.var('x', shape=(2, 0), dtype='float16', lr_mult=0.5, wd_mult=2, init=mx.init.Xavier())
        y = mx.sym.Convolution(x, kernel=(3, 3), num_filter=4, no_bias=True, name='c', attr={'__text__': 'tab\tline\nquote" \\ \u00e9'})
    return mx.sym.Group(list(mx.sym.split(y, num_outputs=3, axis=1)) + [mx.sym.topk(y, k=2, ret_typ='both')[1]])


def program_long_lists(mx):
    xs = [mx.sym.var('x%d' % i) for i in range(11)]
    return mx.sym.Group([mx.sym.Concat(*xs[:10], dim=0), mx.sym.Concat(*xs, dim=0)] + [x * 2 for x in xs])


def program_amp(mx):
    x = mx.sym.var('x')
    cast = mx.sym.amp_cast(x, dtype='float16', name='c')
    many = mx.sym.amp_multicast(cast, x, num_outputs=2, name='mc')
    return mx.sym.Group([mx.sym.amp_cast(mx.sym.elemwise_add(many[0], many[1], name='y'), dtype='float32', name='z'), cast, many[1]])


def program_norm_in_loop(mx):
    """What a body overwrites, the loop overwrites."""
    layer = mx.gluon.nn.BatchNorm(in_channels=2, prefix='bn_')
    outputs, states = mx.sym.contrib.foreach(lambda x, s: (layer(x), s + 1), mx.sym.var('data'), mx.sym.var('state'))
    return mx.sym.Group([outputs, states])


def _twice(mx, layer, combine=lambda a, b: a + b):
    layer.initialize()
    x = mx.sym.var('data')
    return combine(layer(x), layer(x * 2))


def unique_dense_chain(mx):
    layer = mx.gluon.nn.Dense(3, in_units=3, prefix='d_', activation='relu')
    return layer(layer(layer(mx.sym.var('data'))))


def unique_norm_twice(mx):
    return _twice(mx, mx.gluon.nn.BatchNorm(in_channels=3, prefix='bn_'))


def unique_two_heads(mx):
    return _twice(mx, mx.gluon.nn.Dense(3, in_units=3, prefix='d_'), lambda a, b: mx.sym.Group([a, b]))


def unique_taken_suffix(mx):
    """The name with the first suffix is there already, later in the graph."""
    x = mx.sym.var('data')
    return mx.sym.tanh(mx.sym.tanh(mx.sym.tanh(x, name='t') * 2, name='t') * 3, name='t_1')


def unique_outputs_of_other_operators(mx):
    """Names of outputs are equal where names of nodes are not."""
    x = mx.sym.var('data')
    parts = mx.sym.split(x, num_outputs=3, axis=1, name='n')
    one = mx.sym.split(parts[0] * 2, num_outputs=1, axis=1, name='n_output0')
    return mx.sym.Concat(one, mx.sym.tanh(mx.sym.var('n_output') + parts[1], name='n'), mx.sym.sigmoid(parts[2], name='n_output0'), dim=1,
                         name='all')


def unique_variables(mx):
    """Two variables of one name, as a SymbolBlock called twice makes them."""
    w = [mx.sym.var('w', shape=(3, 3)) for _ in range(2)]
    x = mx.sym.var('data')
    return mx.sym.dot(mx.sym.dot(x, w[0], name='p'), w[1], name='p')


def unique_empty_names(mx):
    x = mx.sym.var('data')
    return mx.sym.load_json(mx.sym.tanh(mx.sym.tanh(x, name='n1'), name='n2').tojson().replace('"n1"', '""').replace('"n2"', '""'))


def unique_in_loop(mx):
    layer = mx.gluon.nn.Dense(3, in_units=3, prefix='d_')
    data = mx.sym.reshape(mx.sym.var('data'), (2, 1, 3))
    outputs, states = mx.sym.contrib.foreach(lambda x, s: (layer(layer(x)), [s[0] + 1]), data, [mx.sym.var('state')])
    return mx.sym.Group([outputs, *states])


def named(prefix):
    return {name[len(prefix):]: value for name, value in globals().items() if name.startswith(prefix)}


def in_child(function, *arguments):
    """Return what a function returns, or what became of it, from a process of its own with at most 3 GiB of memory."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
        signal.alarm(60)
        try:
            result = {'result': function(*arguments)}
        except Exception as error:
            result = {'error': str(error).split('Stack trace')[0].replace('\n', ' ')[-160:]}
        with os.fdopen(writing, 'w') as file:
            json.dump(result, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {'error': 'the process died'}


def read(mx, text, np_shape=False):
    with mx.util.np_shape(np_shape):
        return mx.sym.load_json(text).tojson(remove_amp_cast=False)


def build(mx, program, remove_amp_cast=False):
    with mx.name.NameManager():
        return program(mx).tojson(remove_amp_cast=remove_amp_cast)


INPUTS = {'data': (2, 3), 'state': (1,)}


def values(mx, shapes, offset):
    """Arrays by name, the same on every system."""
    import numpy as np
    return {name: mx.nd.array(np.sin(np.arange(np.prod(shape)) * 0.7 + len(name) + offset).reshape(shape).astype('float32'))
            for name, shape in sorted(shapes.items())}


def use(mx, text):
    """Read a text, find all outputs of all nodes by name, bind it and compute the outputs."""
    net = mx.sym.load_json(text)
    internals = net.get_internals()
    names = internals.list_outputs()
    for name in names:
        assert len(internals[name].list_outputs()) == 1
    shapes, _, aux = net.infer_shape(**{name: shape for name, shape in INPUTS.items() if name in net.list_inputs()})
    arguments = values(mx, dict(zip(net.list_arguments(), shapes)), 0)
    states = {name: array.abs() for name, array in values(mx, dict(zip(net.list_auxiliary_states(), aux)), 1).items()}
    outputs = net.bind(mx.cpu(), arguments, aux_states=states).forward()
    return {'internals': names, 'list_outputs': net.list_outputs(), 'outputs': [output.asnumpy().tolist() for output in outputs]}


def main():
    os.environ['DMLC_LOG_STACK_TRACE_DEPTH'] = '0'
    import mxnet as mx
    found = {
        'mxnet': mx.__version__,
        'texts': {name: in_child(read, mx, text) for name, text in TEXTS.items()},
        'np_texts': {name: in_child(read, mx, text, True) for name, text in NP_TEXTS.items()},
        'programs': {name: in_child(build, mx, program) for name, program in named('program_').items()},
        'without_amp_cast': in_child(build, mx, program_amp, True),
        'duplicates': {name: in_child(build, mx, program) for name, program in named('unique_').items()},
    }
    found['duplicates_in_use'] = {name: in_child(use, mx, result['result']) for name, result in found['duplicates'].items()}
    ours = HERE / 'unique_texts.json'
    if ours.exists():
        found['unique_in_use'] = {name: in_child(use, mx, text) for name, text in json.loads(ours.read_text(encoding='utf-8')).items()}
    (HERE / 'symbol_cases.json').write_text(json.dumps(found, indent=1, sort_keys=True) + '\n', encoding='utf-8')


if __name__ == '__main__':
    sys.exit(main())
