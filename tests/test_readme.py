"""Every Python block of the README runs, in order and in one new process, and prints what stands beside it."""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)

RUN = """
import doctest, json, sys

names = {"__name__": "__main__"}
for number, block in enumerate(json.load(sys.stdin)):
    if block.startswith(">>>"):
        test = doctest.DocTestParser().get_doctest(block, names, f"block {number}", "README.md", 0)
        if doctest.DocTestRunner(verbose=False).run(test).failed:
            sys.exit(1)
    else:
        exec(compile(block, f"block {number} of README.md", "exec"), names)
"""


def run(blocks, folder):
    """Run blocks as one program in a folder."""
    return subprocess.run([sys.executable, "-W", "error", "-c", RUN], input=json.dumps(blocks), capture_output=True, text=True,
                          timeout=120, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_the_blocks_run(tmp_path):
    # The picture needs an optional library and is tested in tests/viz.
    done = run([block for block in BLOCKS if "plot_network" not in block], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = re.findall(r"^# (.*)$", "".join(BLOCKS), re.MULTILINE)  # what a print shows, on a line of its own
    assert shown and all(line in done.stdout.splitlines() for line in shown)


def test_a_block_that_is_wrong_is_noticed(tmp_path):
    assert run([">>> 1 + 1\n3\n"], tmp_path).returncode == 1
    assert "NameError" in run(["nothing_of_this_name\n"], tmp_path).stderr
