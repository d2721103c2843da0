"""Symbol files as graphs. files/symbol_cases.json holds what MXNet 1.9.1 does (files/make_symbol_cases.py recorded it)."""
import importlib.util
import json
import pathlib
import pickle
import re
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import blockscope as mx
from blockscope.errors import FormatError, MXNetError
from blockscope.executor.graph import Graph
from blockscope.executor.plan import interpret
from blockscope.symbol import Symbol, files
from blockscope.symbol.node import Node, walk

HERE = pathlib.Path(__file__).parent / 'files'
NETWORKS = pathlib.Path(__file__).parents[1] / 'formats' / 'symbols'


def script(name):
    """Return a script of files/ as a module."""
    spec = importlib.util.spec_from_file_location(name, HERE / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cases, zoo = script('make_symbol_cases'), script('make_zoo_digests')
MXNET = json.loads((HERE / 'symbol_cases.json').read_text(encoding='utf-8'))
UNIQUE = json.loads((HERE / 'unique_texts.json').read_text(encoding='utf-8'))
# The np operators come with the np front end.
READABLE = sorted(path.name for path in NETWORKS.glob('*-symbol.json') if path.name != 'numpy_mode-symbol.json')
CHAIN = 60_000


def from_text(text):
    return files.from_text(text, Symbol)


def as_text(nodes, heads):
    """A file of nodes (operator, name, attributes, inputs)."""
    return json.dumps({
        'nodes': [{'op': op, 'name': name, 'attrs': attrs, 'inputs': [[i, 0, 0] for i in inputs]} for op, name, attrs, inputs in nodes],
        'arg_nodes': [i for i, node in enumerate(nodes) if node[0] == 'null'], 'heads': [[i, 0, 0] for i in heads],
        'attrs': {'mxnet_version': ['int', 10901]}}, ensure_ascii=False)


@pytest.mark.parametrize('name', READABLE)
def test_files_of_mxnet_stay_the_same(name, tmp_path):
    text = (NETWORKS / name).read_text(encoding='utf-8')
    net = mx.sym.load(str(NETWORKS / name))
    assert net.tojson() == text
    assert files.to_text(net._entries, unique_names=True) == text
    net.save(str(tmp_path / 'again.json'))
    assert (tmp_path / 'again.json').read_text(encoding='utf-8') == text
    assert mx.sym.load_json(text).tojson(remove_amp_cast=False) == text
    assert pickle.loads(pickle.dumps(net)).tojson() == text


@pytest.mark.parametrize('name', sorted(json.loads((NETWORKS / 'upgraded.json').read_text(encoding='utf-8'))))
def test_old_files_become_what_mxnet_makes_of_them(name):
    expected = json.loads((NETWORKS / 'upgraded.json').read_text(encoding='utf-8'))[name]
    assert mx.sym.load(str(NETWORKS / name)).tojson() == expected
    assert mx.sym.load_json(expected).tojson() == expected


def read(text, recorded, np_shape=False):
    if 'error' in recorded:
        with pytest.raises(MXNetError):
            cases.read(mx, text, np_shape)
    else:
        assert cases.read(mx, text, np_shape) == recorded['result']


@pytest.mark.parametrize('name', list(cases.TEXTS))
def test_texts_are_read_as_mxnet_reads_them(name):
    read(cases.TEXTS[name], MXNET['texts'][name])


@pytest.mark.parametrize('name', list(cases.NP_TEXTS))
def test_texts_are_read_as_mxnet_reads_them_under_np_shape(name):
    read(cases.NP_TEXTS[name], MXNET['np_texts'][name], np_shape=True)


def written(program):
    """Return the text of a program's symbol. Loops are numbered in the whole process; MXNet had a process for each program."""
    return re.sub('"foreach[0-9]+"', '"foreach0"', cases.build(mx, program))


@pytest.mark.parametrize('name', list(cases.named('program_')))
def test_symbols_are_written_as_mxnet_writes_them(name):
    assert written(cases.named('program_')[name]) == MXNET['programs'][name]['result']


@pytest.mark.parametrize('name', list(cases.named('unique_')))
def test_duplicates_are_written_as_mxnet_writes_them(name):
    assert written(cases.named('unique_')[name]) == MXNET['duplicates'][name]['result']


def test_networks_of_the_zoo_are_written_as_mxnet_writes_them():
    assert zoo.digests(mx) == json.loads((HERE / 'zoo_digests.json').read_text(encoding='utf-8'))


def test_casts_of_mixed_precision_are_left_out():
    assert cases.build(mx, cases.program_amp, True) == MXNET['without_amp_cast']['result']
    net = cases.program_amp(mx)
    before = net.tojson(remove_amp_cast=False)
    net.tojson()
    assert net.tojson(remove_amp_cast=False) == before


# ---- names of one's own --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', sorted(UNIQUE))
def test_names_are_made_unique(name):
    """These are the texts that MXNet read in the next test; files/make_unique_texts.py writes them."""
    net = mx.sym.load_json(MXNET['duplicates'][name]['result'])
    assert files.to_text(net._entries, unique_names=True) == UNIQUE[name]
    assert net.tojson() == MXNET['duplicates'][name]['result']  # and the graph is as before
    again = mx.sym.load_json(UNIQUE[name])
    assert files.to_text(again._entries, unique_names=True) == UNIQUE[name]


@pytest.mark.parametrize('name', sorted(UNIQUE))
def test_mxnet_reads_unique_names(name):
    """MXNet found every output by name, bound the graph and computed what is computed here from the graph with duplicates."""
    recorded = MXNET['unique_in_use'][name]['result']
    assert len(set(recorded['internals'])) == len(recorded['internals'])
    assert mx.sym.load_json(UNIQUE[name]).get_internals().list_outputs() == recorded['internals']
    net = mx.sym.load_json(MXNET['duplicates'][name]['result'])
    shapes, _, aux = net.infer_shape(**{key: shape for key, shape in cases.INPUTS.items() if key in net.list_inputs()})
    arrays = cases.values(mx, dict(zip(net.list_arguments(), shapes)), 0)
    arrays.update((key, array.abs()) for key, array in cases.values(mx, dict(zip(net.list_auxiliary_states(), aux)), 1).items())
    outputs = interpret(Graph(net._entries), [arrays[key] for key in net.list_inputs()], mx.cpu())
    for output, expected in zip(outputs, recorded['outputs'], strict=True):
        np.testing.assert_allclose(output.asnumpy(), expected, rtol=2e-4, atol=1e-6)


def test_what_mxnet_cannot_do_with_duplicates():
    """The recorded reason for unique names: nothing is found by name, and two variables of one name are not bound."""
    errors = {name: found['error'] for name, found in MXNET['duplicates_in_use'].items() if 'error' in found}
    assert set(errors) == set(UNIQUE) - {'in_loop'}
    assert all('There are multiple outputs with name' in error for error in errors.values())


def test_unique_names_in_bodies_of_loops():
    body = json.loads(UNIQUE['in_loop'])['nodes'][-1]['subgraphs'][0]
    assert [node['name'] for node in body['nodes'] if node['op'] == 'FullyConnected'] == ['d_fwd', 'd_fwd_1']


def test_export_makes_names_unique(tmp_path):
    class Twice(mx.gluon.nn.HybridBlock):
        def __init__(self):
            super().__init__(prefix='net_')
            with self.name_scope():
                self.layer = mx.gluon.nn.Dense(3, in_units=3)

        def hybrid_forward(self, F, x):
            return self.layer(self.layer(x))

    net = Twice()
    net.initialize()
    net.hybridize()
    x = mx.nd.array([[1, 2, 3]])
    expected = net(x).asnumpy()
    net.export(str(tmp_path / 'net'))
    graph = mx.sym.load(str(tmp_path / 'net-symbol.json'))
    assert [node.name for node in walk(graph._entries) if node.op] == ['net_dense0_fwd', 'net_dense0_fwd_1']
    assert graph.get_internals()['net_dense0_fwd_output'].list_outputs() == ['net_dense0_fwd_output']
    again = mx.gluon.SymbolBlock.imports(str(tmp_path / 'net-symbol.json'), ['data'], str(tmp_path / 'net-0000.params'))
    assert (again(x).asnumpy() == expected).all()


NAMES = st.sampled_from(['n', 'n_1', 'n_output', 'n_output0', 'm', ''])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(['null', 'tanh', 'SliceChannel', 'elemwise_add']), NAMES, st.integers(0, 99)), max_size=12))
def test_unique_names_are_unique(drawn):
    nodes = [('null', 'x', {}, [])]
    for op, name, source in drawn:
        source %= len(nodes)
        inputs = {'null': [], 'elemwise_add': [source, len(nodes) - 1]}.get(op, [source])
        nodes.append((op, name, {'num_outputs': '2'} if op == 'SliceChannel' else {}, inputs))
    text = as_text(nodes, range(len(nodes)))
    unique = mx.sym.load_json(files.to_text(from_text(text), unique_names=True))
    names = [node.name for node in walk(unique._entries) if node.op is not None]
    outputs = unique.get_internals().list_outputs()
    assert len(set(names)) == len(names) and len(set(outputs)) == len(outputs)
    assert set(unique.list_arguments()) == {name for op, name, _, _ in nodes if op == 'null'}
    assert [node.op.name for node in walk(unique._entries) if node.op] == [op for op, *_ in nodes if op != 'null']


# ---- files that are wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(['text', 'kind', 'message'], [
    (cases.TEXTS['unknown operator'], MXNetError, r'Failed loading Op n of type nosuch: Operator nosuch is not registered.*f.json'),
    (cases.TEXTS['unknown attribute'], MXNetError,
     "(?s)Cannot find argument 'zzz', Possible Arguments.*operator Activation.*node n.*f.json"),
    (cases.TEXTS['wrong value'], MXNetError, "Invalid value 'zz' for parameter act_type of operator Activation.*node n.*f.json"),
    (cases.TEXTS['missing attribute'], MXNetError, 'Required parameter act_type.*operator Activation.*node n.*f.json'),
    (cases.TEXTS['loop with an unknown operator'], MXNetError, 'Failed loading Op y of type nosuch'),
    (cases.relu('act_type_lr_mult', 800), MXNetError, "(?s)Cannot find argument 'act_type_lr_mult'.*node n.*f.json"),
    (cases.TEXTS['version as text'], FormatError, 'f.json: Invalid symbol file: mxnet_version should be of type int, not str'),
    # MXNet reads these and then dies, or loses a part of the graph
    (cases.graph(cases.A, heads='[0,3,0]'), FormatError, r'output 3 of node a does not exist: it has 1 \(in heads\)'),
    (cases.one('tanh', inputs='[0,1,0]'), FormatError, r'output 1 of node a does not exist: it has 1 \(in node n\)'),
    (cases.one('FullyConnected', '"num_hidden":"2","weight_lr_mult":"2"', version=900), MXNetError,
     "Cannot find argument 'weight_lr_mult'"),
    (cases.graph(cases.A)[:-1], FormatError, 'the text ends'),
    (cases.graph('{"op":"tanh","name":"n","inputs":[[0,0,0]]}', ''), FormatError, 'names node 0'),
])
def test_bad_files(text, kind, message, tmp_path):
    (tmp_path / 'f.json').write_text(text, encoding='utf-8')
    with pytest.raises(kind, match=message):
        files.load(tmp_path / 'f.json', Symbol)
    with pytest.raises(kind):
        from_text(text)


@pytest.mark.parametrize(['text', 'message'], [
    (cases.one('Convolution', '"num_filter":"1","kernel":"%s1"' % ('-' * 100_000)), 'operator Convolution.* nested too deeply, in node n'),
    (cases.one('Convolution', '"num_filter":"1","kernel":"%s1"' % ('1+' * 10_000)), 'operator Convolution.* nested too deeply, in node n'),
    (cases.one('Convolution', '"num_filter":"1","kernel":"%s"' % ('(' * 100_000)), 'Invalid value .*for parameter kernel'),
    (cases.one('Concat', '"num_args":"999999"', version=800), 'node n has 1 inputs, and should have 999999'),
    (cases.graph(cases.A + ',{"op":"Concat","name":"n","attrs":{"num_args":"999"},"inputs":[[0,0]]}' * 2000,
                 heads=','.join(f'[{i},0]' for i in range(1, 2001)), rest=''), 'operators lack more than'),
    (cases.one('SliceChannel', '"num_outputs":"-5"'), 'output 0 of node n does not exist: it has -5'),
], ids=range(6))
def test_hostile_attributes(text, message):
    start = time.perf_counter()
    with pytest.raises(MXNetError, match=f'(?s){message}') as caught:
        from_text(text)
    assert time.perf_counter() - start < 2 and len(str(caught.value)) < 4000


def test_hidden_outputs_exist():
    text = cases.graph(cases.FIVE + cases.NORM % ('n', 0, 1, 1), '0,1,2,3,4', '[5,2,0]')
    assert from_text(text)[0][1] == 2
    with pytest.raises(FormatError, match='output 3 of node n does not exist: it has 3'):
        from_text(text.replace('[5,2,0]', '[5,3,0]'))


def test_files_of_newer_versions_are_read_with_a_warning():
    with pytest.warns(UserWarning, match=r'MXNet 2\.1\.3 saved, which is newer'):
        assert from_text(cases.graph(cases.A, rest=cases.saved_by(20103)))


def test_paths(tmp_path):
    with pytest.raises(MXNetError, match='No such file'):
        mx.sym.load(str(tmp_path / 'none.json'))
    with pytest.raises(MXNetError, match='No such file'):
        mx.sym.var('a').save(str(tmp_path / 'folder' / 'a.json'))
    with pytest.raises(FormatError, match='UTF-8'):
        (tmp_path / 'a.json').write_bytes(b'\xff')
        mx.sym.load(str(tmp_path / 'a.json'))


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('old', encoding='utf-8')
    with pytest.raises(FormatError, match='cannot be stored'):
        mx.sym.var('a', attr={'__a"b__': '1'}).save(str(path))
    assert path.read_text(encoding='utf-8') == 'old' and list(tmp_path.iterdir()) == [path]


def test_a_control_dependency_is_read_and_left_out():
    text = cases.graph(cases.A + ',{"op":"null","name":"b","inputs":[]},{"op":"tanh","name":"n","inputs":[[0,0,0]],"control_deps":[1]}',
                       '0,1', '[2,0,0]')
    assert mx.sym.load_json(text).list_inputs() == ['a']


# ---- large graphs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('unique', [False, True])
def test_a_long_chain(unique):
    nodes = [('null', 'x', {}, [])] + [('tanh', 't', {}, [i]) for i in range(CHAIN)]
    start = time.perf_counter()
    entries = from_text(as_text(nodes, [CHAIN]))
    text = files.to_text(entries, remove_amp_cast=True, unique_names=unique)
    assert time.perf_counter() - start < 20
    assert text.count('"op": "tanh"') == CHAIN and text.count('"name": "t"') == (1 if unique else CHAIN)


def test_a_deep_diamond():
    """2 to the 60th paths, 61 nodes."""
    nodes = [('null', 'x', {}, [])] + [('elemwise_add', f'n{i}', {}, [i, i]) for i in range(60)]
    start = time.perf_counter()
    net = mx.sym.load_json(as_text(nodes, [60]))
    assert len(json.loads(net.tojson())['nodes']) == 61 and net.list_arguments() == ['x']
    assert time.perf_counter() - start < 2


def test_graphs_too_deep_in_graphs():
    entries = [(Node(None, 'a'), 0)]
    for _ in range(17):
        entries = [(Node(None, 'a', subgraphs=(Symbol(entries),)), 0)]
    with pytest.raises(MXNetError, match='more than 16 deep'):
        files.to_text(entries)


# ---- any graph -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(['null', 'tanh', 'elemwise_add', 'BatchNorm', 'Dropout', 'Concat']),
                          st.text('ab"\\\n\té', max_size=3),
                          st.dictionaries(st.sampled_from(['__lr_mult__', '__x__', '__a b__']), st.text('1"\\\n ', max_size=3)),
                          st.lists(st.integers(0, 99), min_size=5, max_size=5)), max_size=10))
def test_round_trip(drawn):
    nodes = [('null', f'v{i}', {}, []) for i in range(5)]
    for op, name, attrs, sources in drawn:
        count = {'null': 0, 'tanh': 1, 'elemwise_add': 2, 'BatchNorm': 5, 'Dropout': 1, 'Concat': 3}[op]
        inputs = [source % len(nodes) for source in sources[:count]]
        inputs[3:] = [source % 5 for source in inputs[3:]]  # only variables are overwritten
        nodes.append((op, name, {**attrs, 'num_args': '3'} if op == 'Concat' else attrs, inputs))
    text = files.to_text(from_text(as_text(nodes, [len(nodes) - 1, 0])))
    assert files.to_text(from_text(text)) == text
    assert files.to_text(from_text(text), remove_amp_cast=True) == text
    written = json.loads(text, strict=False)['nodes']
    assert all((node['op'], node['name'], node.get('attrs', {})) in [(op, name, attrs) for op, name, attrs, _ in nodes] for node in written)
