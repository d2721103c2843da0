"""The benchmark runner works on tiny settings and without peers; no test here judges a time."""

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command_line
from benchmarks import profile, report, stats
from benchmarks.cases import CASES, IMPORT, Case
from benchmarks.processes import REPOSITORY, System, WorkerError, WorkerProcess, time_import
from benchmarks.runner import Runner, Settings
from benchmarks.stats import CaseResult, compare
from benchmarks.systems import gluon_cases

TINY = Settings(rounds=3, sample_seconds=0.0, threads=1)
WORK = Case("work", "a bit of work", {"second": 1e9})

# A cases file that needs the standard library only. It writes who worked into the file WORKED beside it.
CASES_FILE = """
import os, pathlib, sys

def open_system(library, threads):
    print("noise on standard output", flush=True)
    worked = pathlib.Path(__file__).with_name("WORKED")
    def call():
        with worked.open("a") as file:
            file.write(library + "\\n")
    def fresh_call(subject):
        assert subject.pop() == 1
        call()
    def broken():
        raise KeyError("no such weight")
    def dying():
        os._exit(3)
    cases = {
        "work": lambda: call,
        "fresh": lambda: (fresh_call, lambda: [1]),
        "variants@one": lambda: call,
        "variants@two": lambda: call,
    }
    if library == "second":
        cases["broken"] = lambda: broken
        cases["dying"] = lambda: dying
    else:
        cases["broken"] = cases["dying"] = lambda: call
    return {"version": "1.0", "wait": lambda result: None, "cases": cases}
"""


@pytest.fixture
def systems(tmp_path):
    """Two systems that run on this python, the second of which fails in some cases."""
    path = tmp_path / "fake_cases.py"
    path.write_text(CASES_FILE, encoding="utf-8")
    return [System(name, sys.executable, path, name) for name in ("first", "second")]


def run(systems, case):
    with Runner(systems, TINY, lambda line: None).started() as runner:
        return runner.run(case), runner


@pytest.mark.parametrize("module", [stats, report, profile], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_hold(module):
    tried = doctest.testmod(module)
    assert tried.attempted > 0
    assert tried.failed == 0


def test_systems_take_turns_in_every_round(systems, tmp_path):
    result, _ = run(systems, WORK)
    worked = (tmp_path / "WORKED").read_text(encoding="utf-8").split()
    turns = [name for name, before in zip(worked, [None, *worked], strict=False) if name != before]
    # One turn each to prepare, then one each in three rounds.
    assert turns == ["first", "second"] * 4
    assert {name: len(samples) for name, samples in result.samples.items()} == {"first": 3, "second": 3}
    assert all(seconds > 0 for samples in result.samples.values() for seconds in samples)


def test_consumed_subjects_are_made_anew_for_each_call(systems):
    result, _ = run(systems, Case("fresh", "work on a fresh subject"))
    assert result.errors == {}
    assert len(result.samples["first"]) == 3


def test_each_variant_of_a_peer_is_a_contestant(systems):
    result, _ = run(systems, Case("variants", "work in two ways"))
    assert list(result.samples) == ["first one", "first two", "second one", "second two"]


@pytest.mark.parametrize(
    ("case", "message"),
    [("broken", "KeyError: 'no such weight'"), ("dying", "ended with status 3; last line of its error output: noise")],
)
def test_a_failing_system_drops_out_and_the_others_go_on(systems, case, message):
    result, _ = run(systems, Case(case, "work that fails"))
    assert len(result.samples["first"]) == 3
    assert list(result.samples) == ["first"]
    assert result.errors["second"].startswith(message)
    assert "failed" in report.terminal_table([result])


def test_a_closed_worker_says_so(systems):
    worker = WorkerProcess(systems[0], threads=1)
    worker.close()
    worker.close()
    with pytest.raises(WorkerError, match="has ended"):
        worker.ask("describe")


def test_a_system_that_does_not_start_is_reported(systems, tmp_path):
    path = tmp_path / "no_cases.py"
    path.write_text("import no_such_library\n", encoding="utf-8")
    _, runner = run([*systems, System("third", sys.executable, path, "third")], WORK)
    assert runner.failed == {"third": "ModuleNotFoundError: No module named 'no_such_library'"}
    assert runner.versions == {"first": "1.0", "second": "1.0"}


def test_a_python_that_cannot_be_run_is_reported(systems, tmp_path):
    with pytest.raises(WorkerError, match="no_python cannot be run: No such file or directory"):
        WorkerProcess(System("third", str(tmp_path / "no_python"), systems[0].cases, "third"), threads=1)


def test_import_times_come_from_fresh_interpreters(systems):
    assert time_import(systems[0], "json", threads=1) > 0
    with pytest.raises(WorkerError, match="No module named 'no_such_library'"):
        time_import(systems[0], "no_such_library", threads=1)


def test_comparison_of_one_round_has_no_spread():
    # By hand: 2/8.
    comparison = compare([2.0], [8.0], limit=0.25)
    assert (comparison.ratio, comparison.low, comparison.high, comparison.met) == (0.25, 0.25, 0.25, True)


def test_no_ratio_is_given_over_a_time_that_is_not_positive():
    assert str(compare([2.0], [0.0], limit=1.0).ratio) == "nan"
    assert compare([2.0], [0.0], limit=1.0).met is False


@pytest.fixture
def measured():
    """Two cases with times made up by hand: ratios of 0.5 against a limit of 0.4, and 0.2 s against 0.15 s."""
    ratio = CaseResult(Case("a", "first work", {"mxnet": 0.4}), "blockscope", {}, {"jax": "KeyError: 'x'"})
    ratio.samples.update({"blockscope": [1e-6, 2e-6, 3e-6], "mxnet": [4e-6, 4e-6, 4e-6], "torch": [1e-3, 1e-3, 1e-3]})
    alone = CaseResult(Case("b", "second work", limit_seconds=0.15), "blockscope", {"blockscope": [0.2]}, {})
    return [ratio, alone]


def test_markdown_table(measured):
    assert report.markdown_table(measured).splitlines()[2:] == [
        "| first work | 2.00 us (1.00 us) | MXNet | 4.00 us (4.00 us) | 0.50 | 0.38 to 0.62 | 0.25 | <= 0.4 | NO |",
        "| first work | 2.00 us (1.00 us) | PyTorch | 1.00 ms (1.00 ms) | 0.002 | 0.002 to 0.003 | 0.001 |  |  |",
        "| first work | 2.00 us (1.00 us) | JAX | failed |  |  |  |  |  |",
        "| second work | 200 ms (200 ms) |  |  |  |  |  | <= 150 ms | NO |",
    ]


def test_terminal_table_names_a_case_once(measured):
    table = report.terminal_table(measured)
    assert table.count("first work") == 1
    assert [line.split()[-1] for line in table.splitlines() if "<=" in line] == ["NO", "NO"]


def test_document_holds_samples_and_judgements(measured):
    machine = report.describe_machine()
    content = report.document(measured, TINY, machine, {"blockscope": "1"}, {"jax": "gone"})
    assert json.loads(json.dumps(content)) == content
    assert content["cases"][0]["systems"]["blockscope"] == {"median": 2e-6, "min": 1e-6, "samples": [1e-6, 2e-6, 3e-6]}
    assert content["cases"][0]["comparisons"]["mxnet"]["met"] is False
    assert content["cases"][1]["within_limit_seconds"] is False


def test_every_listed_case_has_gluon_work():
    assert {case.name for case in CASES} - {IMPORT} == set(gluon_cases.CASES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peer", "caffe=python"], "'caffe=python' is not NAME=PYTHON with NAME one of mxnet, torch, jax"),
        (["--peer", "torch"], "'torch' is not NAME=PYTHON"),
        (["--peer", "torch=/no/such/python"], "'/no/such/python' is no program that can be run"),
        (["--peer", f"jax={sys.executable}", "--peer", f"jax={sys.executable}"], "a peer is given twice"),
        (["--rounds", "0"], "'0' is no whole number of at least 1"),
        (["--sample-seconds", "-1"], "'-1' is no number of seconds"),
        (["--sample-seconds", "soon"], "'soon' is no number of seconds"),
        (["--json", "/no/such/folder/results.json"], "'/no/such/folder/results.json' cannot be written"),
        (["--only", "("], "'(' is no regular expression"),
        (["--only", "nothing"], "no case matches 'nothing'; there are dense_construct, "),
    ],
)
def test_bad_options_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_info:
        command_line.main(arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err


def python_module(*arguments):
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


def test_all_of_blockscopes_cases_run(tmp_path):
    path = tmp_path / "results.json"
    done = python_module("benchmarks", "--rounds", "1", "--sample-seconds", "0", "--markdown", "--json", str(path))
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["not_started"] == {}
    assert {case["name"]: case["errors"] for case in content["cases"]} == {case.name: {} for case in CASES}
    assert all(len(case["systems"]["blockscope"]["samples"]) == 1 for case in content["cases"])
    assert all(case.title in done.stdout for case in CASES)


def test_results_are_recorded_under_date_and_cpu(tmp_path, monkeypatch):
    monkeypatch.setattr(command_line, "RESULTS", tmp_path / "results")
    machine = {"date": "2020-01-02", "cpu": "Some (R) CPU @ 2.0GHz"}
    path = command_line.record("the table", "the caption", {"key": 1}, machine)
    assert path == tmp_path / "results" / "2020-01-02-some-r-cpu-2-0ghz.md"
    assert path.read_text(encoding="utf-8") == "the table\n\nthe caption\n"
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) == {"key": 1}


def test_profile_shows_time_of_an_operator_and_the_functions():
    done = python_module("benchmarks.profile", "add", "--seconds", "0", "--top", "3")
    lines = done.stdout.splitlines()
    assert lines[0] == "add: a + b on 4x4"
    assert lines[1].endswith("us per operator call")
    assert lines[4].split() == ["calls", "own", "us", "total", "us", "function"]
    assert len(lines) == 8


def test_profile_counts_calls_per_call_of_the_case():
    lines = profile.profile_calls(profile.Prepared(lambda: [len("ab"), len("c")], lambda result: None), calls=4)
    counts = {line.function: line.calls for line in lines}
    assert counts["<built-in method builtins.len>"] == 2.0


def test_profiled_functions_are_named_from_the_repository():
    path = str(REPOSITORY / "blockscope" / "module.py")
    assert profile.function_name(path, 3, "work") == f"{Path('blockscope', 'module.py')}:3 work"
