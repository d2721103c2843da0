"""Rows of ops/arithmetic.py: functions of two operands (broadcasting, of equal shapes, with a number right or left)."""

import numpy as np

from . import FLOATS, NUMBERS, Row, Wrong

POSITIVE = (0.4, 2.2)


def as_float(function):
    """Return a comparison whose result has the operands' dtype."""
    return lambda a, b: function(a, b).astype(np.result_type(a))


def divide(a, b):
    """Divide; integers as in C, towards zero."""
    quotient = np.true_divide(a, b)
    return quotient if np.asarray(a + b).dtype.kind == "f" else np.trunc(quotient).astype(np.asarray(a + b).dtype)


def _family(
    function,
    broadcast,
    same,
    scalar,
    reflected=None,
    *,
    dtypes=NUMBERS,
    domain=(-2.0, 2.0),
    gradient=True,
    number=1.7,
    **more,
):
    """Return the rows of one function: every kind of operator, and broadcasting on either side."""
    common = dict(dtypes=dtypes, domain=domain, gradient=gradient, **more)
    wrong = [Wrong(inputs=[(2, 3), (4,)]), Wrong(inputs=[(2, 3), np.ones((2, 3), "int8")], says=("int8",))]
    rows = [
        Row(broadcast, [(2, 3), (2, 3)], expect=function, wrong=wrong, **common),
        Row(broadcast, [(2, 3), (3,)], expect=function, **common),
        Row(broadcast, [(2, 1, 3), (1, 2, 1)], expect=function, **common),
        Row(same, [(2, 3), (2, 3)], expect=function, wrong=[Wrong(inputs=[(2, 3), (2, 1)])], **common),
        Row(
            scalar,
            [(2, 3)],
            {"scalar": number},
            expect=lambda a: function(a, _number(a, number)),
            wrong=[Wrong(attrs={"scalar": "much"}, says="scalar")],
            **common,
        ),
    ]
    if reflected is not None:
        rows.append(
            Row(reflected, [(2, 3)], {"scalar": number}, expect=lambda b: function(_number(b, number), b), **common)
        )
    return rows


def _number(array, number):
    """Return a number as the array's kind: integer arrays truncate it, as MXNet does."""
    return np.asarray(number, array.dtype) if array.dtype.kind == "f" else np.asarray(int(number), array.dtype)


ROWS = [
    *_family(np.add, "broadcast_add", "elemwise_add", "_plus_scalar"),
    *_family(np.subtract, "broadcast_sub", "elemwise_sub", "_minus_scalar", "_rminus_scalar"),
    *_family(np.multiply, "broadcast_mul", "elemwise_mul", "_mul_scalar"),
    *_family(divide, "broadcast_div", "elemwise_div", "_div_scalar", "_rdiv_scalar", domain=POSITIVE),
    *_family(
        np.mod,
        "broadcast_mod",
        "_mod",
        "_mod_scalar",
        "_rmod_scalar",
        domain=[(-4.0, 4.0), (0.6, 1.9)],
        dtypes=FLOATS,
        number=1.3,
        second=None,
    ),
    *_family(
        np.power,
        "broadcast_power",
        "_power",
        "_power_scalar",
        "_rpower_scalar",
        domain=POSITIVE,
        dtypes=FLOATS,
        tolerance={"float16": 1e-2},
    ),
    *_family(np.maximum, "broadcast_maximum", "_maximum", "_maximum_scalar", number=0.3),
    *_family(np.minimum, "broadcast_minimum", "_minimum", "_minimum_scalar", number=0.3),
    *_family(np.hypot, "broadcast_hypot", "_hypot", "_hypot_scalar", dtypes=FLOATS),
]


def _comparison(function, name, number=1.0):
    """Return the rows of a comparison, on values of which some are equal."""
    left, right = np.array([[1.0, 2, 0], [0, -1, 3]]), np.array([[1.0, 1, 0], [2, 0, 3]])
    compare = as_float(function)
    kept = dict(dtypes=NUMBERS, gradient="zero")
    short = name.removeprefix("broadcast_")
    return [
        Row(name, [left, right], expect=compare, wrong=[Wrong(inputs=[(2, 3), (4,)])], **kept),
        Row(name, [left, right[:1]], expect=compare, **kept),
        Row(f"_{short}", [left, right], expect=compare, wrong=[Wrong(inputs=[(2, 3), (2, 1)])], **kept),
        Row(
            f"_{short}_scalar",
            [left],
            {"scalar": number},
            expect=lambda a: compare(a, np.asarray(number, a.dtype)),
            **kept,
        ),
    ]


for _function, _name in (
    (np.equal, "broadcast_equal"),
    (np.not_equal, "broadcast_not_equal"),
    (np.greater, "broadcast_greater"),
    (np.greater_equal, "broadcast_greater_equal"),
    (np.less, "broadcast_lesser"),
    (np.less_equal, "broadcast_lesser_equal"),
    (np.logical_and, "broadcast_logical_and"),
    (np.logical_or, "broadcast_logical_or"),
    (np.logical_xor, "broadcast_logical_xor"),
):
    ROWS += _comparison(_function, _name)
