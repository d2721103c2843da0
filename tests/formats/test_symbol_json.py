"""Symbol files as plain data. The files in symbols/ are from MXNet 1.9.1 (symbols/make_upgraded.py says which how)."""
import json
import pathlib
import string
import time

import pytest
from hypothesis import given, settings, strategies as st

from blockscope.errors import FormatError
from blockscope.formats import symbol_json
from blockscope.formats.symbol_json import GraphData, NodeData, dumps, loads

FILES = pathlib.Path(__file__).parent / 'symbols'
NETWORKS = sorted(path.name for path in FILES.glob('*-symbol.json'))
A = '{"op":"null","name":"a","inputs":[]}'
VALID = f'{{"nodes":[{A}],"arg_nodes":[0],"heads":[[0,0,0]]}}'


def graph(nodes=A, arg_nodes='0', heads='[0,0,0]', rest=''):
    return f'{{"nodes":[{nodes}],"arg_nodes":[{arg_nodes}],"heads":[{heads}]{rest}}}'


def variable(fields):
    return graph(f'{{"op":"null","name":"a",{fields}}}')


def nested(depth):
    """A graph in a variable of a graph, and so on: `depth` graphs in one."""
    start, end = '{"nodes":[{"op":"null","name":"a","inputs":[],"subgraphs":[', ']}],"arg_nodes":[0],"heads":[[0,0,0]]}'
    return start * depth + VALID + end * depth


@pytest.mark.parametrize('name', NETWORKS)
def test_files_of_mxnet_stay_the_same(name):
    text = (FILES / name).read_text(encoding='utf-8')
    assert dumps(loads(text)) == text
    assert symbol_json.load(FILES / name) == loads(text.encode())


def test_nodes_of_a_file():
    data = symbol_json.load(FILES / 'foreach-symbol.json')  # read off the file
    assert [node.op for node in data.nodes] == ['null', 'null', '_mul_scalar', 'null', 'null', 'null', '_foreach']
    assert data.nodes[2].attrs == {'scalar': '0.5'} and data.nodes[2].inputs == [(1, 0, 0)]
    assert data.heads == [(6, 0, 0), (6, 1, 0), (6, 2, 0)] and data.arg_nodes == [0, 1, 3, 4, 5]
    assert data.attrs == {'mxnet_version': ('int', 10901)} and data.node_row_ptr == [0, 1, 2, 3, 4, 5, 6, 9]
    body, = data.nodes[6].subgraphs
    assert body.nodes[0].name == 'data0-0' and body.heads == [(11, 0, 0), (10, 0, 0), (12, 0, 0)] and body.attrs == {}


def test_keys_of_old_versions_are_joined():
    data = symbol_json.load(FILES / 'save_000800.json')
    assert data.nodes[3].attrs == {'no_bias': 'False', 'num_hidden': '128', 'ctx_group': 'stage1', 'wd_mult': '0.3',
                                   'weight_lr_mult': '1.2'}
    assert data.nodes[3].inputs == [(0, 0, 0), (1, 0, 0), (2, 0, 0)] and data.attrs == {}


@pytest.mark.parametrize(['fields', 'attrs'], [
    # what MXNet 1.9.1 makes of them: tests/symbol/files/symbol_cases.json
    ('"attrs":{"k":"1","k":"2"},"inputs":[]', {'k': '2'}),
    ('"attrs":{"k":"1"},"attrs":{"j":"2"},"inputs":[]', {'j': '2'}),
    ('"attrs":{"k":"1"},"param":{"k":"9","p":"1"},"attr":{"j":"2"},"inputs":[]', {'j': '2', 'k': '9', 'p': '1'}),
    ('"attr":{"j":"2"},"param":{"j":"9","p":"1"},"attrs":{"k":"1"},"inputs":[]', {'j': '9', 'k': '1', 'p': '1'}),
    ('"attrs":{"k":"1"},"attr":{"j":"2"},"attrs":{"i":"3"},"inputs":[]', {'i': '3'}),
    ('"param":{"k":"9","p":"1"},"attr":{"k":"2"},"inputs":[]', {'k': '2', 'p': '1'}),
])
def test_which_attributes_count(fields, attrs):
    assert loads(variable(fields)).nodes[0].attrs == attrs


def test_strings_hold_what_mxnet_reads():
    assert loads(variable('"inputs":[],"attrs":{"k\\"\\\\":"\\r\\n\\t\\"\\\\ \x01\x08\x0c\t/é😀"}')).nodes[0].attrs == {
        'k"\\': '\r\n\t"\\ \x01\x08\x0c\t/é😀'}


@pytest.mark.parametrize('text', [VALID + ' garbage', VALID + '\0', ' \n\t\v\f ' + VALID, VALID.replace('[[0,0,0]]', '[[ +0,\n00 , 0] ]')])
def test_what_else_is_read(text):
    assert loads(text) == loads(VALID)


BAD = [  # and what the message says
    # text that is no dmlc JSON
    ('', 'the text ends where a value should stand'), (VALID[:-1], "ends where ',' or '}' should stand"),
    ('{"nodes":[' + A, "ends where ',' or ']' should stand"), ('{"nodes":[],', 'ends where a key'), ('[1', "ends where ',' or ']'"),
    (graph(A + ','), "a value should stand where ']"), ('{"a" 1}', 'a key in quotes and a colon should stand'),
    (variable('"inputs":[],"x\\u00e9":1'), 'an escape other than'), (variable('"inputs":[],"attrs":{"a":"\\/"}'), 'an escape other than'),
    ('{"nodes":[{"op":"null","name":"a\nb', 'a line break'), (graph(heads='[0.0,0,0]'), "',' or ']' should stand where '.0"),
    (graph(heads='[true,0]'), 'a value should stand'), (graph(heads='[1 2]'), 'integers between commas'), (graph(heads='[0,]'), 'integers'),
    ('\ufeff' + VALID, 'a value should stand'), ('{]', 'a key in quotes'), ('{"a":1]', "',' or '}' should stand where ']'"),
    ('[' * 100_000, 'nested too deeply'), ('{"a":' * 100_000, 'nested too deeply'),
    # other things than a graph
    ('[]', 'a graph should be an object'), ('3', 'a graph should be an object'), ('{}', 'Missing field "nodes"'),
    (f'{{"nodes":[{A}],"arg_nodes":[0]}}', 'Missing field "heads"'), (f'{{"nodes":[{A}],"heads":[]}}', 'Missing field "arg_nodes"'),
    (graph(rest=',"x":1'), "Unknown field 'x' of a graph"), (variable('"inputs":[],"x":1'), "Unknown field 'x' of a node"),
    (graph('3'), r'a node should be an object in braces, not 3 \(in node 0\)'),
    (graph('{"op":"null","name":"a"}'), 'Missing field "inputs"'),
    (graph('{"op":3,"name":"a","inputs":[]}'), 'op should be a string, not 3'), (variable('"inputs":{}'), 'inputs should be an array'),
    (variable('"inputs":[],"attrs":{"k":3}'), r"the attribute 'k' should be a string, not 3 \(in node 0 'a'\)"),
    (variable('"inputs":[],"attrs":["k"]'), 'attrs should be an object'), (variable('"inputs":[],"param":3'), 'param should be an object'),
    (variable('"inputs":[],"backward_source_id":"x"'), 'backward_source_id'), (variable('"inputs":[],"subgraphs":{}'), 'subgraphs should'),
    # numbers
    (graph(arg_nodes='5'), 'arg_nodes names node 5, and there are 1 nodes'), (graph(heads='[5,0,0]'), 'heads names node 5'),
    (graph(A + ',{"op":"tanh","name":"n","inputs":[[0,0,0]]}', arg_nodes='1'), 'names node 1, which is no variable'),
    (graph(heads='[0,-1,0]'), 'numbers from 0 to 4294967295, not -1'), (graph(heads='[0,0,99999999999]'), 'not 99999999999'),
    (graph(heads='[0,0,' + '9' * 5000 + ']'), 'integers'), (graph(heads='[0]'), 'should be a node, an output and a version'),
    (graph(heads='[0,0,0,0]'), 'a node, an output and a version'), (graph(heads='0,0,0'), 'an entry of heads should be an array'),
    (graph(heads='["a",0]'), "not 'a'"), (graph(rest=',"node_row_ptr":["a"]'), 'node_row_ptr should hold numbers'),
    (graph('{"op":"tanh","name":"n","inputs":[[0,0,0]]}', ''), 'inputs names node 0, and there are 0 nodes before this one'),
    (graph('{"op":"tanh","name":"n","inputs":[[1,0,0]]},' + A, '1'), r"names node 1.*before this one \(in node 0 'n'\)"),
    (graph(A + ',{"op":"null","name":"b","inputs":[[0,0,0]]}'), 'a variable has inputs'),
    (graph(A + ',{"op":"tanh","name":"n","inputs":[[0,0,0]],"control_deps":[1]}'), 'control_deps names node 1'),
    # attributes of the graph
    (graph(rest=',"attrs":{"x":["float",1]}'), "unknown type 'float'"), (graph(rest=',"attrs":{"x":["int"]}'), 'a type name and a value'),
    (graph(rest=',"attrs":{"x":["int",1,2]}'), 'a type name and a value'), (graph(rest=',"attrs":{"x":["int","1"]}'), 'of type int'),
    (graph(rest=',"attrs":{"x":["str",1]}'), 'of type str'), (graph(rest=',"attrs":{"x":["list_int",["1"]]}'), 'of type list_int'),
    (graph(rest=',"attrs":{"x":["list_str",[1]]}'), 'of type list_str'), (graph(rest=',"attrs":{"x":["int",2147483648]}'), 'of type int'),
    (graph(rest=',"attrs":[]'), 'attrs of the graph should be an object'),
    # limits
    (nested(17), 'deep within each other'), (nested(20_000), 'nested too deeply'),
    (graph('{"op":"null","name":"%s","inputs":[]}' % ('a' * 65537)), 'name is longer than the limit of 65536 bytes'),
    (variable('"inputs":[],"attrs":{"k":"%s"}' % ('é' * 524289)), "the attribute 'k' is longer than the limit of 1048576 bytes"),
    (variable('"inputs":[],"attrs":{"k":"a\0b"}'), 'a zero byte'),
]


@pytest.mark.parametrize(['text', 'message'], BAD, ids=range(len(BAD)))  # the texts are too long to be names of tests
def test_bad_texts(text, message):
    start = time.perf_counter()
    with pytest.raises(FormatError, match=message) as caught:
        loads(text, 'net-symbol.json')
    assert str(caught.value).startswith('net-symbol.json: ') and len(str(caught.value)) < 400
    assert time.perf_counter() - start < 2


def test_not_utf8():
    with pytest.raises(FormatError, match='f: Invalid symbol file: the text is not UTF-8'):
        loads(VALID.encode().replace(b'"a"', b'"\xff"'), 'f')


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        symbol_json.load(tmp_path / 'none.json')


def test_counts_are_limited_over_all_graphs(monkeypatch):
    monkeypatch.setattr(symbol_json, 'MAX_NODES', 5)
    assert len(loads(graph(','.join([A] * 5))).nodes) == 5
    assert loads(nested(4)).nodes
    for text in (graph(','.join([A] * 6)), nested(5)):
        with pytest.raises(FormatError, match='more than 5 nodes'):
            loads(text)
    monkeypatch.setattr(symbol_json, 'MAX_INPUTS', 2)
    with pytest.raises(FormatError, match='more than 2 inputs'):
        loads(graph(A + ',{"op":"tanh","name":"n","inputs":[[0,0],[0,0],[0,0]]}'))


def test_graphs_lie_sixteen_deep():
    data = loads(nested(16))
    assert loads(dumps(data)) == data


def test_graphs_that_lie_deeper_are_not_written():
    data = loads(VALID)
    for _ in range(17):
        data = GraphData([NodeData('null', 'a', subgraphs=[data])], [0], [(0, 0, 0)])
    with pytest.raises(FormatError, match='more than 16 deep'):
        dumps(data)


@pytest.mark.parametrize('key', ['a"b', 'a\\b', 'a\nb', 'a\rb', 'a\tb', 'a\0b', 'a\ud800'])
def test_keys_that_mxnet_cannot_read(key):
    with pytest.raises(FormatError, match='cannot be stored'):
        dumps(GraphData([NodeData('null', 'a', {key: '1'})], [0], [(0, 0, 0)]))


@pytest.mark.parametrize('text', ['a\0b', 'a\ud800'])
def test_texts_that_mxnet_cannot_read(text):
    for node in (NodeData('null', text), NodeData(text, 'a'), NodeData('null', 'a', {'k': text})):
        with pytest.raises(FormatError, match='cannot be stored'):
            dumps(GraphData([node], [0], [(0, 0, 0)]))


def test_layout_of_long_and_short_lists():
    # by the rules of dmlc's writer: more than ten items, and more than one pair, go on lines of their own
    nodes = [NodeData('null', f'x{i}') for i in range(11)]
    nodes.append(NodeData('tanh', 'n', {'b': '1', 'a': '2'}, [(0, 0, 0)] * 10, [0]))
    nodes.append(NodeData('tanh', 'm', {'b': '1'}, [(0, 0, 0)] * 11, list(range(11))))
    text = dumps(GraphData(nodes, list(range(11)), [(11, 0, 0)] * 11, {'z': ('str', 'a\nb'), 'a': ('list_int', [1, 2])}, [0] * 10))
    assert '"attrs": {\n        "a": "2", \n        "b": "1"\n      }, \n      "inputs": [[0, 0, 0], [0, 0, 0]' in text
    assert '"attrs": {"b": "1"}, \n      "inputs": [\n        [0, 0, 0], \n        [0, 0, 0]' in text
    assert '], \n      "control_deps": [0]\n    }' in text and '"control_deps": [\n        0, \n        1, ' in text
    assert '"arg_nodes": [\n    0, \n    1' in text and '"node_row_ptr": [0, 0, 0' in text and '"heads": [\n    [11, 0, 0], \n' in text
    assert text.endswith('\n  ], \n  "attrs": {\n    "a": ["list_int", [1, 2]], \n    "z": ["str", "a\\nb"]\n  }\n}')
    assert dumps(GraphData([], [], [], {}, [0])) == '{\n  "nodes": [], \n  "arg_nodes": [], \n  "node_row_ptr": [0], \n  "heads": []\n}'


characters = st.characters(exclude_categories=['Cs'], exclude_characters='\0')
keys = st.text(st.sampled_from(string.printable[:94] + 'é'), max_size=8).filter(lambda key: '"' not in key and '\\' not in key)


@st.composite
def graphs(draw, depth=2):
    nodes = []
    for number in range(draw(st.integers(1, 13 if depth == 2 else 3))):
        is_variable = number == 0 or draw(st.booleans())
        entry = st.tuples(st.integers(0, number - 1), st.integers(0, 2**32 - 1), st.integers(0, 3)) if number else st.nothing()
        nodes.append(NodeData('null' if is_variable else draw(st.text(characters, min_size=1, max_size=5).filter(lambda op: op != 'null')),
                              draw(st.text(characters, max_size=5)),
                              draw(st.dictionaries(keys, st.text(characters, max_size=5), max_size=3)),
                              [] if is_variable else draw(st.lists(entry, max_size=12)),
                              draw(st.lists(st.integers(0, number - 1), max_size=2)) if number else [],
                              draw(st.lists(graphs(depth - 1), max_size=1)) if depth else []))
    count = len(nodes)
    heads = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, 5), st.integers(0, 5)), max_size=12))
    value = st.one_of(st.tuples(st.just('int'), st.integers(-2**31, 2**31 - 1)), st.tuples(st.just('str'), st.text(characters)),
                      st.tuples(st.just('list_int'), st.lists(st.integers(-9, 9))), st.tuples(st.just('list_str'), st.lists(keys)))
    return GraphData(nodes, [i for i, node in enumerate(nodes) if node.op == 'null'], heads, draw(st.dictionaries(keys, value, max_size=2)),
                     draw(st.lists(st.integers(0, 99), max_size=12)))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_round_trip(data):
    text = dumps(data)
    assert loads(text) == data
    assert loads(text.encode()) == data


@settings(max_examples=30, deadline=None)
@given(graphs(1).filter(lambda data: all(char.isprintable() for node in data.nodes for char in node.name)))
def test_python_reads_the_same(data):
    """Where there are no escapes and control characters at stake, the text is JSON."""
    read = json.loads(dumps(data), strict=False)
    assert [node['name'] for node in read['nodes']] == [node.name for node in data.nodes]
    assert [tuple(entry) for entry in read['heads']] == data.heads


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_nothing_else(data):
    """A text with a piece cut out or put in is read, or is a FormatError."""
    text = (FILES / 'module-symbol.json').read_text(encoding='utf-8')
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    try:
        loads(text[:start] + data.draw(st.text(st.sampled_from('{}[]",:\\0-1 \na'), max_size=3)) + text[end:])
    except FormatError:
        pass
