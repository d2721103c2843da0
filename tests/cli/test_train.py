"""The command ``python -m blockscope train``: what it prints, what it saves, and how it refuses."""
import re
import subprocess
import sys

import pytest

from blockscope import cli, nd


def run(capsys, *arguments):
    """Return exit status, standard output and standard error of a command."""
    try:
        status = cli.main(["train", *arguments])
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_one_epoch_prints_names_and_accuracy_and_saves(capsys, tmp_path):
    status, out, _ = run(capsys, "--epochs", "1", "--seed", "3", "--out", str(tmp_path / "new"))
    assert status == 0
    assert re.search(r"^epoch  1: loss \d\.\d{4}, held-out accuracy 0\.\d{4}$", out, re.M)
    assert len(re.findall(r"^held-out accuracy: 0\.\d+$", out, re.M)) == 1
    # Names as MXNet 1.9.1 gives them for this net: hint, counter, parameter.
    assert re.search(r"^features\.0\.weight +digitsnet\d+_conv0_weight +\(16, 1, 3, 3\) +cpu\(0\)$", out, re.M)
    assert re.search(r"^output\.bias +digitsnet\d+_dense1_bias +\(10,\) +cpu\(0\)$", out, re.M)
    assert "agrees on 449 of 449 predictions" in out
    saved = nd.load(str(tmp_path / "new" / "digits.params"))
    assert set(saved) == {f"features.{i}.{p}" for i in (0, 1, 4) for p in ("weight", "bias")} | {"output.weight", "output.bias"}


@pytest.mark.parametrize("arguments, why", [
    (["--epochs", "0"], "0 is too small"),
    (["--epochs", "many"], "'many' is not a whole number"),
    (["--batch-size", "-3"], "-3 is too small"),
    (["--lr", "nan"], "nan is not a positive number"),
    (["--lr", "fast"], "'fast' is not a number"),
    (["--seed", "4294967296"], "too large"),
    (["--optimizer", "sdg"], "there is no optimizer 'sdg': choose one of"),
    (["--ctx", "tpu"], "invalid choice: 'tpu'"),
    (["--out", "/proc/none/of/this"], "--out /proc/none/of/this:"),
    (["--colour", "red"], "unrecognized arguments"),
])
def test_a_bad_value_gets_one_line_and_status_2(capsys, arguments, why):
    status, out, err = run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert why in err and err.count("\n") == 1


def test_gpu_without_a_card_is_refused_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr("blockscope.num_gpus", lambda: 0)
    status, out, err = run(capsys, "--ctx", "gpu")
    assert (status, out) == (2, "")
    assert "no GPU can be used here" in err and err.count("\n") == 1


def test_module_runs_and_names_its_commands():
    done = subprocess.run([sys.executable, "-m", "blockscope", "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "train" in done.stdout
    done = subprocess.run([sys.executable, "-m", "blockscope", "fly"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
