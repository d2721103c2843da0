"""The house: a room imports only from rooms above it, nothing runs in circles, and optional libraries stay optional."""
import ast
import graphlib
import pathlib
import subprocess
import sys

import pytest

import blockscope

PACKAGE = pathlib.Path(blockscope.__file__).parent

# The rooms from top to bottom. A module belongs to the first part of its name that is listed; rooms of one line may use
# each other, as long as that makes no cycle of modules.
ROOMS = [
    ["errors"],
    ["naming"],
    ["formats"],
    ["backend"],
    ["ops"],
    ["_tape"],
    ["_methods", "_namespaces"],
    ["ndarray", "symbol"],
    ["autograd"],
    ["executor"],
    ["_download", "_initial_base", "_metric_base", "_metric_classes", "_metric_values", "_test_arrays", "_test_comparing",
     "_test_consistency", "_test_data", "_test_matrices", "_test_process", "_test_statistics", "_test_symbolic", "_test_tolerances",
     "attribute", "base", "context", "image", "initializer", "io", "kvstore", "lr_scheduler", "metric", "name", "np", "npx", "numpy",
     "numpy_extension", "operator", "optimizer", "profiler", "random", "recordio", "registry", "runtime", "test_utils", "util"],
    ["gluon"],
    ["tf1"],
    ["viz", "visualization"],
    ["module", "model", "callback", "monitor"],
    ["mxnet"],
    [""],  # blockscope/__init__.py, the front
    ["examples"],
    ["cli", "__main__"],
]
RANK = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}

# Optional libraries: one file (or, for cupy, one folder) knows each.
CUPY = {"cupy", "cupyx", "cupy_backends", "cudnn"}
OPTIONAL = CUPY | {"cv2", "graphviz", "matplotlib", "mpi4py", "onnx", "safetensors", "sklearn", "tensorboard", "torch",
                   "tqdm"}


def modules():
    """Return the modules by their dotted names below the package ('' is the package itself)."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room(module):
    return module.split(".")[0]


def imports(module, source=None):
    """Return what a module imports, wherever in it: (name below the package, or None and the name outside, line)."""
    path = MODULES[module]
    is_package = path.name == "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8") if source is None else source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from absolute(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                base = node.module
            else:
                package = module.split(".") if is_package else module.split(".")[:-1]
                package = package[:len(package) - (node.level - 1)] if node.level > 1 else package
                base = ".".join(["blockscope", *(part for part in package if part)]
                                + ([node.module] if node.module else []))
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                is_module = inner.removeprefix("blockscope.") in MODULES and inner.startswith("blockscope.")
                yield from absolute(inner if is_module else base, node.lineno)


def absolute(name, line):
    if name == "blockscope" or name.startswith("blockscope."):
        yield name.removeprefix("blockscope").removeprefix("."), None, line
    else:
        yield None, name.split(".")[0], line


def edges():
    return {module: {target for target, _, _ in imports(module) if target is not None and target != module}
            for module in MODULES}


def test_every_module_has_a_room():
    homeless = sorted({room(module) for module in MODULES} - set(RANK))
    assert not homeless, f"give {homeless} a place in ROOMS"


def upward(graph):
    return [f"{module or 'blockscope'} imports {target or 'blockscope'}" for module, targets in graph.items()
            for target in targets if RANK[room(target)] > RANK[room(module)]]


def test_no_room_imports_from_below():
    assert upward(edges()) == []


def test_no_modules_import_each_other_in_a_circle():
    try:
        list(graphlib.TopologicalSorter(edges()).static_order())
    except graphlib.CycleError as error:
        pytest.fail("a circle of imports: " + " -> ".join(name or "blockscope" for name in error.args[1]))


def test_cupy_is_known_in_backend_only():
    found = {module for module in MODULES for _, outside, _ in imports(module) if outside in CUPY}
    assert {room(module) for module in found} <= {"backend"}


def test_every_other_optional_library_is_known_in_one_file():
    users = {}
    for module in MODULES:
        for _, outside, _ in imports(module):
            if outside in OPTIONAL - CUPY:
                users.setdefault(outside, set()).add(module)
    assert {library: names for library, names in users.items() if len(names) > 1} == {}


def test_the_check_sees_upward_imports_and_every_spelling():
    source = ("from ..gluon import data\nfrom .. import ndarray\nimport blockscope.gluon.utils\n"
              "def f():\n    from . import atomic\n    import cupy.cuda\n")
    found = list(imports("formats.params", source))
    assert [(target, outside) for target, outside, _ in found] == [
        ("gluon.data", None), ("ndarray", None), ("gluon.utils", None), ("formats.atomic", None), (None, "cupy")]
    assert upward({"formats.params": {"gluon.data", "formats.atomic", "errors"}}) == [
        "formats.params imports gluon.data"]


def test_files_stay_small():
    long = {module: length for module, path in MODULES.items()
            if (length := len(path.read_text(encoding="utf-8").splitlines())) > 500}
    assert long == {}, "split these files"


def flaws(tree):
    """Yield what the package promises not to contain."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node.lineno, "assert, which python -O removes: raise an exception"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval"):
            yield node.lineno, f"{node.func.id}: no function is made from a string"
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                if isinstance(default, (ast.List, ast.Dict, ast.Set)):
                    yield node.lineno, "mutable default"


def test_no_module_does_what_the_style_forbids():
    found = [f"{path.relative_to(PACKAGE)}:{line}: {what}" for path in MODULES.values()
             for line, what in flaws(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == []


def test_the_style_check_can_fail():
    tree = ast.parse("def f(x=[]):\n    assert x\n    try:\n        exec('y')\n    except:\n        pass\n")
    assert sorted(flaws(tree)) == [(1, "mutable default"),
                                   (2, "assert, which python -O removes: raise an exception"),
                                   (4, "exec: no function is made from a string"), (5, "bare except")]


def test_importing_the_package_is_light():
    program = ("import sys, blockscope\n"
               "heavy = {'cupy', 'scipy', 'multiprocessing', 'asyncio', 'urllib.request', 'tqdm', 'json', 'http'}\n"
               "print(*sorted(heavy & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
