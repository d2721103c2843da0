"""Exported networks: what MXNet 1.9.1 computes with our files, and what we compute with them and with MXNet's files."""
import json
import pathlib

import numpy as np
import pytest

import blockscope as mx
from blockscope import MXNetError, autograd
from blockscope import ndarray as nd
from blockscope.gluon import HybridBlock, SymbolBlock, nn
from tests.gluon.export_cases import CASES, flat, inputs_of, made
from tests.gluon.record_exports import RECORDED as EXPORTS
from tests.gluon.record_exports import digest

FILES = pathlib.Path(__file__).with_name('files')
SYMBOLS = pathlib.Path(__file__).parents[1] / 'formats' / 'symbols'

with np.load(EXPORTS) as _file:
    RECORDED = {key: _file[key] for key in _file.files}


def close(got, want, tolerance=1e-5):
    """Check arrays to a tolerance relative to the largest number."""
    got = got.asnumpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max(initial=1e-6))


def types_of(net):
    return {key: np.dtype(param.dtype) for key, param in net.collect_params().items()}


def recorded(name):
    return [RECORDED[f'{name}/{i}'] for i in range(sum(key.startswith(f'{name}/') for key in RECORDED) - 1)]


# ---- our files -------------------------------------------------------------------------------------------------------------------

def test_every_case_is_recorded():
    assert set(CASES) == {key.split('/')[0] for key in RECORDED}


@pytest.mark.parametrize('name', CASES)
def test_mxnet_computes_the_same_with_our_files(name, tmp_path):
    """`record_exports.py` says how MXNet's outputs were recorded; they belong to files of these bytes."""
    net, outs = made(name)
    net.export(str(tmp_path / name))
    is_known = digest(tmp_path, name) == str(RECORDED[f'{name}/digest'])
    assert is_known, 'these are not the files that MXNet has read: see record_exports.py'
    for out, want in zip(outs, recorded(name), strict=True):
        close(out, want, 2e-3 if name == 'half' else 1e-5)


@pytest.mark.parametrize('hybridize', [False, True])
@pytest.mark.parametrize('name', CASES)
def test_imported_networks_give_the_same(name, hybridize, tmp_path):
    net, outs = made(name)
    net.export(str(tmp_path / 'n'), epoch=3)
    arrays = [nd.array(x, dtype=x.dtype) for x in inputs_of(name)]
    names = ['data'] if len(arrays) == 1 else [f'data{i}' for i in range(len(arrays))]
    for given in (names, None):
        new = SymbolBlock.imports(str(tmp_path / 'n-symbol.json'), given, str(tmp_path / 'n-0003.params'))
        if given is None and name == 'control':
            arrays = arrays[::-1]  # inputs that are not named come in the order of the graph
        if hybridize:
            new.hybridize()
        assert types_of(new) == types_of(net)
        for got, want in zip(flat(new(*arrays)), outs, strict=True):
            np.testing.assert_array_equal(got.asnumpy(), want.asnumpy(), strict=True)


@pytest.mark.parametrize('name', [name for name in CASES if name not in ('half', 'control')])
def test_imported_networks_train_alike(name, tmp_path):
    """The layer called twice has operators of other names in the file, but the same gradients."""
    net, _ = made(name)
    net.export(str(tmp_path / 'n'))
    names = ['data'] if len(CASES[name][1]) == 1 else [f'data{i}' for i in range(len(CASES[name][1]))]
    new = SymbolBlock.imports(str(tmp_path / 'n-symbol.json'), names, str(tmp_path / 'n-0000.params'))
    arrays = [nd.array(x, dtype=x.dtype) for x in inputs_of(name)]
    for block in (net, new):
        mx.random.seed(3)
        with autograd.record():
            outs = flat(block(*arrays))
        autograd.backward([x for x in outs if x._node is not None])
    theirs = new.collect_params()
    for key, param in net.collect_params().items():
        if param.grad_req != 'null':
            np.testing.assert_allclose(theirs[key].grad().asnumpy(), param.grad().asnumpy(), rtol=1e-5, atol=1e-6)
        if key.endswith('running_mean'):
            np.testing.assert_array_equal(theirs[key].data().asnumpy(), param.data().asnumpy())


def test_names_of_files_and_keys(tmp_path):
    net, _ = made('convolutional')
    net.export(str(tmp_path / 'a'), epoch=12)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a-0012.params', 'a-symbol.json']
    saved = nd.load(str(tmp_path / 'a-0012.params'))
    kinds = {key.split(':')[0]: [] for key in saved}
    for key in saved:
        kinds[key.split(':')[0]].append(key.split(':')[1])
    graph = mx.sym.load(str(tmp_path / 'a-symbol.json'))
    assert set(kinds['arg']) == set(graph.list_arguments()) - {'data'}
    assert set(kinds['aux']) == set(graph.list_auxiliary_states())


def test_export_needs_a_call(tmp_path):
    net = nn.Dense(2)
    for prepare in (lambda: None, net.initialize, net.hybridize):
        prepare()
        with pytest.raises(RuntimeError, match=r'Please first call block.hybridize\(\) and then run forward with this block at least once'):
            net.export(str(tmp_path / 'a'))
    net(nd.ones((1, 2)))
    net.export(str(tmp_path / 'a'))
    assert len(list(tmp_path.iterdir())) == 2


def test_exported_values_are_those_of_now(tmp_path):
    net, _ = made('mlp')
    net[0].weight.set_data(nd.ones(net[0].weight.shape) * 7)
    net.export(str(tmp_path / 'a'))
    assert (nd.load(str(tmp_path / 'a-0000.params'))['arg:net_dense0_weight'].asnumpy() == 7).all()


def test_a_layer_called_twice_gets_names_of_its_own(tmp_path):
    net, _ = made('twice')
    net.export(str(tmp_path / 'a'))
    names = [node['name'] for node in json.loads((tmp_path / 'a-symbol.json').read_text())['nodes']]
    assert len(set(names)) == len(names)
    assert sum(name.startswith('net_dense0') and 'fwd' in name and 'tanh' not in name for name in names) == 3


def test_imported_networks_are_exported_again(tmp_path):
    made('convolutional')[0].export(str(tmp_path / 'a'))
    new = SymbolBlock.imports(str(tmp_path / 'a-symbol.json'), 'data', str(tmp_path / 'a-0000.params'))
    new.hybridize()
    new(nd.array(inputs_of('convolutional')[0]))
    new.export(str(tmp_path / 'b'))
    first, second = (nd.load(str(tmp_path / f'{name}-0000.params')) for name in 'ab')
    assert set(first) == set(second)
    for key in first:
        np.testing.assert_array_equal(second[key].asnumpy(), first[key].asnumpy())
    again = SymbolBlock.imports(str(tmp_path / 'b-symbol.json'), 'data', str(tmp_path / 'b-0000.params'))
    for got, want in zip(flat(again(nd.array(inputs_of('convolutional')[0]))), recorded('convolutional')):
        close(got, want)


def test_an_imported_network_in_a_larger_one(tmp_path):
    made('mlp')[0].export(str(tmp_path / 'a'))

    class Around(HybridBlock):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.first = SymbolBlock.imports(str(tmp_path / 'a-symbol.json'), 'data', str(tmp_path / 'a-0000.params'))
                self.last = nn.Dense(2)

        def hybrid_forward(self, F, x):
            return self.last(self.first(x))
    net = Around()
    net.last.initialize()
    x = nd.array(inputs_of('mlp')[0])
    want = net(x).asnumpy()
    net.hybridize()
    with autograd.record(train_mode=False):
        y = net(x)
    y.backward()
    np.testing.assert_array_equal(y.asnumpy(), want)
    assert net.first.collect_params()['net_dense0_weight'].grad().asnumpy().any()


# ---- MXNet's files ---------------------------------------------------------------------------------------------------------------

# Inputs by name, of which `module` has a label too. All files are MXNet 1.9.1's, and so are the outputs in *-io.npz.
NETWORKS = {'mlp': ['data'], 'lenet': ['data'], 'resnet_small': ['data'], 'lstm': ['data'], 'foreach': ['data0', 'data1'],
            'constants': ['data'], 'control': ['data0', 'data1'], 'double': ['data'], 'half': ['data'], 'module': ['data', 'softmax_label']}


def _recorded_files(name):
    with np.load(FILES / f'{name}-io.npz') as file:
        inputs = [nd.array(file[key], dtype=file[key].dtype) for key in file.files if key.startswith('in')]
        outs = [file[f'out{i}'] for i in range(sum(key.startswith('out') for key in file.files))]
    params = FILES / f'{name}-{"0007" if name == "module" else "0000"}.params'
    if name == 'module':
        inputs.append(nd.zeros((len(inputs[0]),)))
    return SYMBOLS / f'{name}-symbol.json', params if params.stat().st_size > 32 else None, inputs, outs


@pytest.mark.parametrize('hybridize', [False, True])
@pytest.mark.parametrize('name', NETWORKS)
def test_networks_of_mxnet(name, hybridize):
    graph, params, inputs, outs = _recorded_files(name)
    net = SymbolBlock.imports(str(graph), NETWORKS[name], params and str(params))
    if hybridize:
        net.hybridize(static_alloc=True)
    for _ in range(2):
        for got, want in zip(flat(net(*inputs)), outs, strict=True):
            close(got, want, 2e-3 if name == 'half' else 1e-5)


@pytest.mark.parametrize('name', NETWORKS)
def test_inputs_are_what_the_parameter_file_lacks(name):
    graph, params, inputs, outs = _recorded_files(name)
    net = SymbolBlock.imports(str(graph), param_file=params and str(params))
    assert sorted(x.name for x in net._cached_graph[0]) == sorted(NETWORKS[name])
    if name != 'control':
        close(flat(net(*inputs))[0], outs[0], 2e-3 if name == 'half' else 1e-5)


def test_block_save_of_mxnet():
    """MXNet's `Block.save` wrote these files from a net of the prefix bs_."""
    net = nn.HybridSequential(prefix='other_')
    with net.name_scope():
        net.add(nn.Dense(3), nn.Dense(2))
    net.load(str(FILES / 'blocksave'))
    assert list(nd.load(str(FILES / 'blocksave-model.params'))) == ['0.weight', '0.bias', '1.weight', '1.bias']
    x = nd.array([[1, 2]])
    weight, bias, weight2, bias2 = (p.asnumpy() for p in nd.load(str(FILES / 'blocksave-model.params')).values())
    np.testing.assert_allclose(net(x).asnumpy(), (np.array([[1, 2]]) @ weight.T + bias) @ weight2.T + bias2, rtol=1e-6)


def test_missing_and_extra_parameters(tmp_path):
    graph, params, inputs, outs = _recorded_files('mlp')
    arrays = nd.load(str(params))
    less, more = str(tmp_path / 'less.params'), str(tmp_path / 'more.params')
    nd.save(less, {key: x for key, x in arrays.items() if key != 'arg:mlp_dense1_bias'})
    nd.save(more, {**arrays, 'arg:other': nd.ones((1,))})
    with pytest.raises(AssertionError, match="Parameter 'mlp_dense1_bias' is missing in file"):
        SymbolBlock.imports(str(graph), 'data', less)
    with pytest.raises(AssertionError, match="Parameter 'other' loaded from file.* is not present"):
        SymbolBlock.imports(str(graph), 'data', more)
    close(SymbolBlock.imports(str(graph), 'data', more, ignore_extra=True)(*inputs), outs[0])
    net = SymbolBlock.imports(str(graph), 'data', less, allow_missing=True)
    net.collect_params()['mlp_dense1_bias'].initialize()
    net.collect_params()['mlp_dense1_bias'].set_data(arrays['arg:mlp_dense1_bias'])
    close(net(*inputs), outs[0])


def test_context_of_imported_parameters(fake):
    graph, params, inputs, outs = _recorded_files('lenet')
    net = SymbolBlock.imports(str(graph), 'data', str(params), ctx=[fake(0), fake(1)])
    for ctx in (fake(0), fake(1)):
        out = net(inputs[0].as_in_context(ctx))
        assert out.context == ctx
        close(out, outs[0])


def test_half_of_a_network_of_mxnet():
    """Internal outputs make a network of the first layers."""
    graph, params, inputs, _ = _recorded_files('lenet')
    internals = mx.sym.load(str(graph)).get_internals()
    net = SymbolBlock([internals['lenet_conv0_tanh_fwd_output'] if 'lenet_conv0_tanh_fwd_output' in internals.list_outputs()
                       else internals['lenet_conv0_fwd_output'], internals['lenet_dense0_fwd_output']], mx.sym.var('data'))
    net.collect_params().load(str(params), ignore_extra=True)
    shapes = [x.shape for x in net(*inputs)]
    assert shapes[0][0] == shapes[1][0] == 2
    assert len(shapes[0]) == 4


def test_a_float16_file_makes_a_float16_network():
    graph, params, _, _ = _recorded_files('half')
    net = SymbolBlock.imports(str(graph), 'data', str(params))
    types = {np.dtype(p.dtype).name for p in net.collect_params().values()}
    assert 'float16' in types


def test_damaged_files(tmp_path):
    graph, params, _, _ = _recorded_files('mlp')
    cut = tmp_path / 'cut.params'
    cut.write_bytes(params.read_bytes()[:200])
    with pytest.raises(MXNetError, match=r'cut\.params'):
        SymbolBlock.imports(str(graph), 'data', str(cut))
    broken = tmp_path / 'broken-symbol.json'
    broken.write_text(graph.read_text()[:500])
    with pytest.raises(MXNetError, match='broken-symbol.json'):
        SymbolBlock.imports(str(broken), 'data', str(params))


@pytest.mark.parametrize('hybridize', [False, True])
def test_save_and_load_of_blocks(hybridize, tmp_path):
    def make(prefix):
        net = nn.HybridSequential(prefix=prefix)
        with net.name_scope():
            net.add(nn.Conv2D(2, 3), nn.BatchNorm(), nn.Dense(3))
        return net
    net = make('first_')
    net.initialize()
    x = nd.array(np.random.RandomState(1).uniform(-1, 1, (2, 2, 6, 6)))
    with autograd.record():
        net(x)
    want = net(x).asnumpy()
    if hybridize:
        net.hybridize()
        net(x)
    net.save(str(tmp_path / 'm'))
    new = make('second_')
    new.load(str(tmp_path / 'm'))
    np.testing.assert_array_equal(new(x).asnumpy(), want)
    assert new._active == hybridize
    assert list(new.collect_params()) == list(net.collect_params())
    new.hybridize()
    np.testing.assert_array_equal(new(x).asnumpy(), want)
