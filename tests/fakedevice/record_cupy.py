"""Write ``cupy14.txt``: what CuPy 14 has, and which arguments it takes.

Run with a python that has cupy (no card is needed): ``python tests/fakedevice/record_cupy.py >
tests/fakedevice/cupy14.txt``. Each line is a kind (ufunc, function, method, property, value, linalg, special,
slinalg, stride_tricks), a name, and for callables the names of the parameters, where CuPy tells them ("..." where it
doesn't).
"""

import ast
import inspect
import pathlib
import re
import sys

sys.path.pop(0)  # this folder, whose array.py would hide Python's module of that name

import cupy  # noqa: E402
import cupyx  # noqa: E402
import cupyx.scipy.special  # noqa: E402
import numpy  # noqa: E402


def parameters(function):
    """Return the parameter names of a callable as one text."""
    try:
        return " ".join(
            str(p) if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) else p.name
            for p in inspect.signature(function).parameters.values()
        )
    except ValueError:
        return "..."


def method_parameters(method):
    """Return the parameter names from the first line of a compiled method's docstring."""
    found = re.match(r"[\w.]+\(([^)]*)\)", method.__doc__ or "")
    if not found:
        return "..."
    return " ".join(part.split("=")[0].split()[-1] for part in found[1].split(",") if part.split("=")[0].strip())


def rows():
    """Yield the lines."""
    yield f"# CuPy {cupy.__version__}: kind, name, parameters; written by record_cupy.py"
    for name in dir(cupy):
        item = getattr(cupy, name)
        if name.startswith("_") or not hasattr(numpy, name):
            continue
        if isinstance(item, cupy.ufunc):
            yield f"ufunc {name}"
        elif (
            isinstance(item, type)
            and issubclass(item, (numpy.generic, numpy.dtype))
            or isinstance(item, float)
            or item is None
        ):
            yield f"value {name}"
        elif callable(item):
            yield f"function {name} {parameters(item)}"
    for name in dir(cupy.ndarray):
        item = getattr(cupy.ndarray, name)
        if not name.startswith("_") and hasattr(numpy.ndarray, name):
            yield f"method {name} {method_parameters(item)}" if callable(item) else f"property {name}"
    for kind, module in (
        ("linalg", cupy.linalg),
        ("special", cupyx.scipy.special),
        ("stride_tricks", cupy.lib.stride_tricks),
    ):
        for name in dir(module):
            if (
                not name.startswith("_")
                and callable(getattr(module, name))
                and not inspect.isclass(getattr(module, name))
            ):
                yield f"{kind} {name} " + (parameters(getattr(module, name)))
    # cupyx.scipy.linalg can't be imported without CUDA's libraries; its names can be read.
    source = (pathlib.Path(cupyx.__file__).parent / "scipy" / "linalg" / "__init__.py").read_text()
    names = {alias.name for node in ast.parse(source).body if isinstance(node, ast.ImportFrom) for alias in node.names}
    for name in sorted(names - {"annotations"}):
        if not name.startswith("_"):
            yield f"slinalg {name} ..."


if __name__ == "__main__":
    print("\n".join(rows()))
