"""The descriptor table: what every operator must do, one or several rows an operator.

A row says how to call an operator and what must come out; the runners in ``tests/ops/test_*.py`` turn each row into
tests of values, gradients, dtypes, memory layouts, ``out=``, wrong input, and the same on the fake device and on a
card.  Rows live in the other modules of this package, each with a list called ``ROWS``.  A table module imports
numpy, scipy and this module only, since the recorder runs it beside the real MXNet.

A first example::

    Row("broadcast_add", inputs=[(2, 3), (3,)], expect=lambda a, b: a + b,
        wrong=[Wrong(inputs=[(2, 3), (4,)])])
    Row("sum", inputs=[(2, 3, 4)], attrs={"axis": 1, "keepdims": True}, expect=lambda x: x.sum(1, keepdims=True),
        dtypes=FLOATS + ("int32",), wrong=[Wrong(attrs={"axis": 7}, says="axis 7")])
    Row("take", [(5, 2), np.array([0, 3, 9])], {"mode": "clip"}, expect=lambda x, i: x[[0, 3, 4]], gradient=(0,))
    Row("SoftmaxOutput", inputs=[(3, 4), np.array([0., 2, 1])], expect=lambda x, label: softmax(x, -1),
        gradient=lambda dy, x, label: (softmax(x, -1) - np.eye(4)[label.astype(int)], None))

Inputs
    One entry an array of the operator:

    * a shape: evenly spaced, all different values of the row's `domain` in random order, in the dtype under test.
      No value is 0 and no two inputs share one, so kinks and ties are not hit;
    * an ndarray: these values; a float array takes the dtype under test, any other array keeps its own;
    * ``fixed(array)``: these values in this dtype, always;
    * a function of a ``numpy.random.RandomState``, which returns an ndarray;
    * None: an optional array that isn't given.

    Keep arrays small (under about 30 elements): gradients are taken numerically, element by element.

Values
    `expect` gets the inputs as NumPy arrays (floats as float64) and returns the expected array, or a tuple for
    several visible outputs.  It must be independent of blockscope: write the formula with NumPy or SciPy.
    ``expect=MXNET`` takes the numbers that MXNet 1.9.1 gave instead (``tests/ops/recorded.jsonl``; make them with
    ``python tests/ops/record_mxnet.py --only NAME``, run with the python that has mxnet).  Every other row is
    compared with MXNet's numbers *too*, where they are recorded, and is recorded unless ``mxnet="why not"`` says
    that MXNet does something else, or doesn't have the operator. `check` instead of `expect`, for random operators:
    ``check(outputs, *inputs)`` asserts what must hold of a list of outputs.

Gradient
    * True: all inputs that take the dtype under test, compared with central differences in float64;
    * a tuple of positions: only these inputs (the others must get zeros or nothing);
    * "zero": the gradient of every input is zero;
    * False: the operator has no gradient, and backward says so by name;
    * a function ``(dy, *inputs) -> tuple`` (None for an input without one): for operators whose gradient is not the
      derivative (``dy`` is a list where there are several outputs);
    * MXNET: the gradient that MXNet gave.

    `second`: True if ``autograd.grad(create_graph=True)`` works and its gradient equals the numeric derivative of
    the first; False if it doesn't work and says so.  By default True where `gradient` is numeric ("zero" rows are
    not tried).
"""

import dataclasses
import importlib
import pathlib
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

MODULES = tuple(sorted(path.stem for path in pathlib.Path(__file__).parent.glob("[a-z]*.py")))
FLOATS = ("float32", "float64", "float16")
NUMBERS = (*FLOATS, "int32", "int64")
MXNET = "mxnet"


class fixed:
    """An input whose dtype stays as it is, whatever dtype is under test."""

    def __init__(self, array):
        self.array = np.asarray(array)


@dataclasses.dataclass(frozen=True)
class Wrong:
    """A call that must raise an error naming the operator, the shapes of the arrays, and each text of `says`.

    Parameters
    ----------
    inputs : list, optional
        In the form of `Row.inputs`; the row's own by default.
    attrs : dict
        Changes to the row's attributes; ``...`` (Ellipsis) as a value takes one away.
    says : str or tuple of str
        What the message must contain besides.
    shapes : bool
        Whether the message must show the shapes of all arrays (not for a wrong attribute, which is refused before).
    """

    inputs: list | None = None
    attrs: dict = dataclasses.field(default_factory=dict)
    says: str | tuple = ()
    shapes: bool | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One way to call an operator, and what must come out; see the module's docstring.

    Parameters
    ----------
    name : str
        Canonical operator name.
    inputs : list
        One entry an array.
    attrs : dict
        Attributes as a user writes them.
    expect : callable or MXNET, optional
        The values.
    check : callable, optional
        Assertions in place of `expect`.
    gradient : bool, tuple, str or callable
        The first-order gradient.
    second : bool, optional
        The second-order gradient.
    dtypes : tuple of str
        Types to run it with; the first one is used where one is enough.  An empty tuple: the operator's arrays don't
        vary.
    result : str or tuple, optional
        Dtype of the outputs; "same" (that under test) by default, a tuple for several outputs.
    domain : tuple or list of tuple
        Range ``(low, high)`` of values made from a shape; a list gives one for each input.
    tolerance : dict
        By dtype, a number that serves as relative and absolute tolerance; the rest is in `TOLERANCE`.
    gradient_tolerance : float
        Relative and absolute tolerance of numeric gradients.
    training : bool
        Run under ``autograd.train_mode`` (gradients are then those of training as well).
    random : bool
        The operator draws random numbers: the context is seeded before each call.
    mutated : callable, optional
        ``(*inputs) -> {position: values}`` of inputs that are overwritten.
    out : bool
        Whether ``out=`` is tested.
    strided : bool
        Whether transposed and strided input is tested.
    syncs : int
        Waits for the device that are allowed in the forward pass (the gradient may never wait).
    wrong : list of Wrong
        Calls that must fail.
    mxnet : bool or str
        True: compare with recorded MXNet.  A text: why not.
    mxnet_gradient : bool or str
        The same for the gradient alone.
    notes : str
        For readers.
    """

    name: str
    inputs: list = dataclasses.field(default_factory=list)
    attrs: dict = dataclasses.field(default_factory=dict)
    expect: Callable | str | None = None
    check: Callable | None = None
    gradient: Any = True
    second: bool | None = None
    dtypes: tuple = FLOATS
    result: str | tuple = "same"
    domain: Any = (-2.0, 2.0)
    tolerance: dict = dataclasses.field(default_factory=dict)
    gradient_tolerance: float = 1e-5
    training: bool = False
    random: bool = False
    mutated: Callable | None = None
    out: bool = True
    strided: bool = True
    syncs: int = 0
    wrong: list = dataclasses.field(default_factory=list)
    mxnet: bool | str = True
    mxnet_gradient: bool | str = True
    notes: str = ""

    def __post_init__(self):
        if (self.expect is None) == (self.check is None):
            raise ValueError(f"row of {self.name}: give expect or check")

    @property
    def key(self):
        """Text that names this row among the rows of its operator, made of what is called."""
        parts = []
        for entry in self.inputs:
            if entry is None:
                parts.append("None")
            elif callable(entry):
                parts.append("made")
            else:
                array = entry.array if isinstance(entry, fixed) else entry
                parts.append("x".join(map(str, array.shape if isinstance(array, np.ndarray) else array)) or "scalar")
        parts += [f"{k}={v}" for k, v in self.attrs.items()]
        parts += ["training"] * self.training
        return f"{self.name}({', '.join(parts)})"

    @property
    def numeric(self):
        """Whether the gradient is to equal the numeric derivative."""
        return bool(self.inputs) and (self.gradient is True or isinstance(self.gradient, tuple))

    @property
    def wants_second(self):
        """Whether the second-order gradient is to work (None: not tried)."""
        if self.second is not None:
            return self.second
        return True if self.numeric else None

    def arrays(self, dtype, entries=None):
        """Return the inputs as NumPy arrays of the dtype under test (None where an optional array is left out)."""
        entries = self.inputs if entries is None else entries
        random = np.random.RandomState(zlib.crc32(self.name.encode()) % 2**32)
        made = []
        for i, entry in enumerate(entries):
            low, high = self.domain[i] if isinstance(self.domain, list) else self.domain
            made.append(_array(entry, dtype, random, low, high, i))
        return made

    def varies(self):
        """Return for each input whether it takes the dtype under test."""
        return [
            a is not None and b is not None and a.dtype != b.dtype
            for a, b in zip(self.arrays("float32"), self.arrays("float64"))
        ]


def _array(entry, dtype, random, low, high, number):
    if entry is None:
        return None
    if isinstance(entry, fixed):
        return entry.array.copy()
    if callable(entry):
        entry = entry(random)
    if isinstance(entry, np.ndarray):
        return entry.astype(dtype) if entry.dtype.kind == "f" else entry.copy()
    count = int(np.prod(entry))
    if np.dtype(dtype).kind in "iu":
        low, high = int(np.floor(low)), int(np.ceil(high))
        spread = np.arange(count) % (high - low + 1) + low
        spread = np.where(spread == 0, high, spread)
    else:
        # The odd offsets keep values away from 0, from each other and from other inputs.
        spread = low + (high - low) * (np.arange(count) + (0.37, 0.61, 0.83, 0.29)[number % 4]) / max(count, 1)
    return random.permutation(spread).reshape(entry).astype(dtype)


TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-10}


def tolerance(row, dtype):
    """Return the tolerance of a row's values in a dtype."""
    return row.tolerance.get(str(dtype), TOLERANCE.get(str(dtype), 0.0))


def all_rows():
    """Return the rows of all table modules."""
    rows = []
    for name in MODULES:
        rows += importlib.import_module(f"{__name__}.{name}").ROWS
    return rows


def rows_of(name):
    """Return the rows of one operator."""
    return [row for row in all_rows() if row.name == name]
