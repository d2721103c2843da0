"""Files of trained parameters: found, fetched, checked, refused. Nothing here leaves this machine."""
import hashlib
import os
import zipfile

import pytest

import blockscope as mx
from blockscope import nd
from blockscope.gluon.model_zoo import model_store, vision

NOWHERE = 'http://127.0.0.1:9'  # the discard port, where nothing listens


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Publish parameters of a small SqueezeNet 1.1 in a folder that plays the server; return network and file name."""
    net = vision.squeezenet1_1(classes=3)
    net.initialize()
    net(nd.ones((1, 3, 224, 224)))
    params = tmp_path / 'new.params'
    net.save_parameters(str(params))
    content = params.read_bytes()
    params.unlink()
    monkeypatch.setitem(model_store._model_sha1, 'squeezenet1.1', hashlib.sha1(content).hexdigest())
    stem = 'squeezenet1.1-' + model_store.short_hash('squeezenet1.1')
    (tmp_path / 'server/gluon/models').mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / 'server/gluon/models' / f'{stem}.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('../escaped.params', b'not this one')
        archive.writestr(f'{stem}.params', content)
    monkeypatch.setenv('MXNET_GLUON_REPO', (tmp_path / 'server').as_uri())
    monkeypatch.setenv('MXNET_HOME', str(tmp_path / 'home'))
    return net, f'{stem}.params'


def test_pretrained_is_fetched_once(published, tmp_path, monkeypatch):
    net, file = published
    again = vision.squeezenet1_1(pretrained=True, classes=3)
    assert (again.output[0].weight.data() == net.output[0].weight.data()).asnumpy().all()
    assert os.listdir(tmp_path / 'home/models') == [file]
    monkeypatch.setenv('MXNET_GLUON_REPO', NOWHERE)
    assert model_store.get_model_file('squeezenet1.1') == str(tmp_path / 'home/models' / file)


def test_a_damaged_file_is_replaced(published, tmp_path, caplog):
    _, file = published
    root = tmp_path / 'given'
    root.mkdir()
    (root / file).write_bytes(b'damaged')
    assert model_store.get_model_file('squeezenet1.1', root=str(root)) == str(root / file)
    assert 'Mismatch in the content of model file detected. Downloading again.' in caplog.messages
    assert os.listdir(root) == [file] and (root / file).stat().st_size > 1000


def test_other_content_is_refused_and_leaves_nothing(published, tmp_path, monkeypatch):
    _, file = published
    monkeypatch.setitem(model_store._model_sha1, 'squeezenet1.1', model_store._model_sha1['squeezenet1.1'][:-1] + 'x')
    with pytest.raises(ValueError, match='Downloaded file has different hash. Please try again.'):
        model_store.get_model_file('squeezenet1.1')
    assert os.listdir(tmp_path / 'home/models') == []


@pytest.mark.parametrize('damage', ['no archive', 'another file'])
def test_a_damaged_archive_is_refused(published, tmp_path, damage):
    _, file = published
    archive = tmp_path / 'server/gluon/models' / file.replace('.params', '.zip')
    archive.write_bytes(b'no archive')
    if damage == 'another file':
        with zipfile.ZipFile(archive, 'w') as content:
            content.writestr('other.params', b'')
    with pytest.raises(ValueError, match=f'The server gave an archive without {file}'):
        model_store.get_model_file('squeezenet1.1')
    assert os.listdir(tmp_path / 'home/models') == []


def test_without_network_one_error_says_all(tmp_path, monkeypatch):
    monkeypatch.setenv('MXNET_GLUON_REPO', NOWHERE)
    root = tmp_path / 'models'
    with pytest.raises(ConnectionError) as caught:
        vision.alexnet(pretrained=True, root=str(root))
    text = str(caught.value)
    for part in (f'no file {root}/alexnet-44335d1f.params', f'{NOWHERE}/gluon/models/alexnet-44335d1f.zip', 'Connection refused',
                 f'Put alexnet-44335d1f.params into {root}', 'MXNET_GLUON_REPO'):
        assert part in text
    assert not isinstance(caught.value.__cause__, ConnectionError) or 'put it at' not in str(caught.value.__cause__)
    assert os.listdir(root) == []


@pytest.mark.parametrize('name', ['resnet', 'mobilenet0.3'])
def test_what_was_never_published(name):
    """The message is that of MXNet 1.9.1."""
    with pytest.raises(ValueError) as caught:
        model_store.get_model_file(name)
    assert str(caught.value) == f'Pretrained model for {name} is not available.'


def test_every_network_has_a_hash_and_asks_for_its_own(monkeypatch):
    asked = []

    def note(name, root):
        asked.append((name, root))
        raise LookupError

    monkeypatch.setattr(model_store, 'get_model_file', note)
    for name in vision._MODELS:
        with pytest.raises(LookupError):
            vision.get_model(name, pretrained=True, root='here')
    assert asked == [(name, 'here') for name in vision._MODELS]
    assert sorted(vision._MODELS) == sorted(model_store._model_sha1)


def test_purge(tmp_path, monkeypatch):
    for name in ('a.params', 'b.params', 'notes.txt'):
        (tmp_path / name).write_bytes(b'')
    model_store.purge(tmp_path)
    assert os.listdir(tmp_path) == ['notes.txt']
    monkeypatch.setenv('MXNET_HOME', str(tmp_path / 'nowhere'))
    model_store.purge()  # nothing there is nothing to do


def test_the_folder(monkeypatch):
    monkeypatch.delenv('MXNET_HOME', raising=False)
    monkeypatch.setenv('HOME', '/home/somebody')
    assert mx.base.data_dir() == '/home/somebody/.mxnet'
    monkeypatch.setenv('MXNET_HOME', '/data')
    assert mx.base.data_dir() == '/data'
