"""The progress bar, with and without tqdm."""
import sys

from blockscope.cli.progress import bar


def test_bar_gives_every_step(capsys):
    assert list(bar([3, 1, 2])) == [3, 1, 2]


def test_without_tqdm_a_plain_line_shows_the_end(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(bar("abc")) == ["a", "b", "c"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err
