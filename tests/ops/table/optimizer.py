"""Rows of the update operators: formulas of the papers, as MXNet documents them."""

import numpy as np

from . import Row, Wrong, fixed

EXACT = "tests/optimizer/updates.json has MXNet's numbers to the last bit"
COMMON = {"lr": 0.1, "wd": 0.03, "rescale_grad": 0.5}
CLIPPED = {**COMMON, "clip_gradient": 0.2}
HALF = {"float16": 2e-3, "float32": 2e-3}
SIGNED, SQUARE = (-2.0, 2.0), (0.1, 2.0)
SHAPE = (2, 3)
WRONG = [Wrong(attrs={"lr": ...}, says="lr"), Wrong(attrs={"lr": "fast"}, says="lr")]


def scaled(grad, attrs, weight=None):
    """clip(rescale_grad * grad + wd * weight)."""
    g = attrs["rescale_grad"] * grad + (0 if weight is None else attrs["wd"] * weight)
    bound = attrs.get("clip_gradient", attrs.get("clip_grad", -1))
    return np.clip(g, -bound, bound) if bound >= 0 else g


def sgd(attrs, w, g):
    return w - attrs["lr"] * (scaled(g, attrs) + attrs["wd"] * w), {}


def sgd_mom(attrs, w, g, mom):
    mom = attrs["momentum"] * mom - attrs["lr"] * (scaled(g, attrs) + attrs["wd"] * w)
    return w + mom, {2: mom}


def nag(attrs, w, g, mom):
    step = attrs["lr"] * (scaled(g, attrs) + attrs["wd"] * w)
    mom = attrs["momentum"] * mom - step
    return w + attrs["momentum"] * mom - step, {2: mom}


def nag_in_place(attrs, w, g, mom):
    """As `nag`, but the decay in the momentum comes from the weight after the update (MXNet 1.9.1, see blockscope/mxnet.py)."""
    after, states = nag(attrs, w, g, mom)
    return after, {2: states[2] - attrs["lr"] * attrs["wd"] * (after - w)}


def adam(attrs, w, g, mean, var):
    g = scaled(g, attrs, w)
    mean = attrs["beta1"] * mean + (1 - attrs["beta1"]) * g
    var = attrs["beta2"] * var + (1 - attrs["beta2"]) * g ** 2
    return w - attrs["lr"] * mean / (np.sqrt(var) + attrs["epsilon"]), {2: mean, 3: var}


def rmsprop(attrs, w, g, n):
    g = scaled(g, attrs, w)
    n = attrs["gamma1"] * n + (1 - attrs["gamma1"]) * g ** 2
    w = w - attrs["lr"] * g / np.sqrt(n + attrs["epsilon"])
    bound = attrs.get("clip_weights", np.inf)
    return np.clip(w, -bound, bound), {2: n}


def rmspropalex(attrs, w, g, n, mean, delta):
    g = scaled(g, attrs, w)
    keep = attrs["gamma1"]
    n, mean = keep * n + (1 - keep) * g ** 2, keep * mean + (1 - keep) * g
    delta = attrs["gamma2"] * delta - attrs["lr"] * g / np.sqrt(n - mean ** 2 + attrs["epsilon"])
    return w + delta, {2: n, 3: mean, 4: delta}


def ftrl(attrs, w, g, z, n):
    g = scaled(g, attrs)
    z = z + g - (np.sqrt(n + g ** 2) - np.sqrt(n)) * w / attrs["lr"]
    n = n + g ** 2
    w = (np.sign(z) * attrs["lamda1"] - z) / ((attrs["beta"] + np.sqrt(n)) / attrs["lr"] + attrs["wd"])
    return w * (np.abs(z) > attrs["lamda1"]), {2: z, 3: n}


def adagrad(attrs, w, g, history):
    g = scaled(g, attrs)
    history = history + g ** 2
    return w - attrs["lr"] * (g / np.sqrt(history + attrs["epsilon"]) + attrs["wd"] * w), {2: history}


def signsgd(attrs, w, g):
    return (1 - attrs["lr"] * attrs["wd"]) * w - attrs["lr"] * np.sign(g), {}


def signum(attrs, w, g, mom):
    mom = attrs["momentum"] * mom - (1 - attrs["momentum"]) * (scaled(g, attrs) + attrs["wd"] * w)
    return (1 - attrs["lr"] * attrs["wd_lh"]) * w + attrs["lr"] * np.sign(mom), {2: mom}


def ftml(attrs, w, g, d, v, z):
    g = scaled(g, attrs, w)
    b1, b2, t = attrs["beta1"], attrs["beta2"], attrs["t"]
    v = b2 * v + (1 - b2) * g ** 2
    now = (1 - b1 ** t) / attrs["lr"] * (np.sqrt(v / (1 - b2 ** t)) + attrs["epsilon"])
    z = b1 * z + (1 - b1) * g - (now - b1 * d) * w
    return -z / now, {2: now, 3: v, 4: z}


def lamb1(attrs, w, g, mean, var):
    g = scaled(g, attrs)
    b1, b2, t = attrs["beta1"], attrs["beta2"], attrs["t"]
    mean, var = b1 * mean + (1 - b1) * g, b2 * var + (1 - b2) * g ** 2
    fair = (mean / (1 - b1 ** t), var / (1 - b2 ** t)) if attrs["bias_correction"] else (mean, var)
    return fair[0] / (np.sqrt(fair[1]) + attrs["epsilon"]) + attrs["wd"] * w, {2: mean, 3: var}


def lamb2(attrs, w, g, r1, r2):
    norm = np.clip(r1, attrs.get("lower_bound", 0), attrs.get("upper_bound", np.inf))
    ratio = norm / r2 if norm[0] and r2[0] else 1.0
    return w - attrs["lr"] * ratio * g, {}


def row(name, formula, attrs, states=(), **more):
    """A row of one operator: `states` are the domains of its states."""
    def expect(*arrays):
        return formula(attrs, *arrays)[0]

    def mutated(*arrays):
        return formula(attrs, *arrays)[1]
    return Row(name, [SHAPE] * (2 + len(states)), attrs, expect=expect, mutated=mutated, gradient=False,
               domain=[SIGNED, SIGNED, *states], dtypes=("float32", "float64"), mxnet=EXACT,
               wrong=[*WRONG, Wrong(inputs=[SHAPE, (3, 2), *[SHAPE] * len(states)], says="(3, 2)")], **more)


def mixed_row(name, formula, attrs, states, updates_copy=True):
    """A row of an operator for float16 weights, whose float32 copy is its last array."""
    half, copy = np.linspace(-1, 1, 6).reshape(SHAPE).astype("float16"), np.linspace(-1, 1, 6).reshape(SHAPE).astype("float32")
    grad = np.linspace(2, -1, 6).reshape(SHAPE).astype("float16")
    kept = [np.full(SHAPE, 0.25, "float32") for _ in range(states)]

    def result(half, grad, *rest):
        return formula(attrs, rest[-1], grad.astype("float64"), *rest[:-1])
    return Row(name, [fixed(half), fixed(grad), *map(fixed, kept), fixed(copy)], attrs,
               expect=lambda *arrays: result(*arrays)[0],
               mutated=lambda *arrays: {**result(*arrays)[1], **({2 + states: result(*arrays)[0]} if updates_copy else {})},
               gradient=False, dtypes=(), result="float16" if updates_copy else "float32", tolerance=HALF, mxnet=EXACT,
               wrong=WRONG if updates_copy else [Wrong(attrs={"t": ...}, says="t")])


def lamb_row(name, formula, attrs, inputs):
    """A row of one of LAMB's two phases."""
    needed = "t" if "t" in attrs else "lr"
    return Row(name, inputs, attrs, expect=lambda *arrays: formula(attrs, *arrays)[0], mutated=lambda *arrays: formula(attrs, *arrays)[1],
               gradient=False, domain=[SIGNED, SIGNED, SIGNED, SQUARE], dtypes=("float32", "float64"), mxnet=LAMB_ONLY,
               wrong=[Wrong(attrs={needed: ...}, says=needed)])


MOMENTUM = {"momentum": 0.9}
ADAM = {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}
RMS = {"gamma1": 0.9, "epsilon": 1e-3}
FTRL = {"lamda1": 0.4, "beta": 1.5}
FTML = {"beta1": 0.6, "beta2": 0.9, "epsilon": 1e-3, "t": 3}
LAMB = {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3, "t": 2, "wd": 0.03, "rescale_grad": 0.5}

LAMB_ONLY = "the trace optimizer/lamb_sched has MXNet's numbers"
_half = np.linspace(-1, 1, 6).reshape(SHAPE)
MP_LAMB2 = Row("mp_lamb_update_phase2", [fixed(_half.astype("float16")), fixed(np.full(SHAPE, 0.5, "float32")),
                                         fixed(np.array([3], "float32")), fixed(np.array([2], "float32")),
                                         fixed(_half.astype("float32"))], {"lr": 0.1},
               expect=lambda w, g, r1, r2, w32: w32 - 0.1 * r1 / r2 * g, mutated=lambda w, g, r1, r2, w32: {4: w32 - 0.1 * r1 / r2 * g},
               gradient=False, dtypes=(), result="float16", tolerance=HALF, mxnet=LAMB_ONLY, wrong=WRONG)

ROWS = [
    *[row("sgd_update", sgd, a) for a in (COMMON, CLIPPED)],
    *[row("sgd_mom_update", sgd_mom, {**a, **MOMENTUM}, [SIGNED]) for a in (COMMON, CLIPPED)],
    *[row("nag_mom_update", nag, {**a, **MOMENTUM}, [SIGNED]) for a in (COMMON, CLIPPED)],
    *[row("adam_update", adam, {**a, **ADAM}, [SIGNED, SQUARE]) for a in (COMMON, CLIPPED)],
    *[row("rmsprop_update", rmsprop, {**a, **RMS}, [SQUARE]) for a in (COMMON, {**CLIPPED, "clip_weights": 0.5})],
    *[row("rmspropalex_update", rmspropalex, {**a, **RMS, "gamma2": 0.7}, [(4.0, 5.0), SIGNED, SIGNED]) for a in (COMMON, CLIPPED)],
    *[row("ftrl_update", ftrl, {**a, **FTRL}, [SIGNED, SQUARE]) for a in (COMMON, CLIPPED)],
    row("_sparse_adagrad_update", adagrad, {**CLIPPED, "epsilon": 1e-3}, [SQUARE]),
    row("signsgd_update", signsgd, COMMON),
    row("signum_update", signum, {**CLIPPED, **MOMENTUM, "wd_lh": 0.2}, [SIGNED]),
    row("ftml_update", ftml, {**COMMON, **FTML, "clip_grad": 0.2}, [SQUARE, SQUARE, SIGNED]),
    mixed_row("mp_sgd_update", sgd, CLIPPED, 0),
    mixed_row("mp_sgd_mom_update", sgd_mom, {**COMMON, **MOMENTUM}, 1),
    mixed_row("mp_nag_mom_update", nag_in_place, {**COMMON, **MOMENTUM}, 1),
    *[lamb_row("lamb_update_phase1", lamb1, {**LAMB, "bias_correction": b}, [SHAPE] * 4) for b in (True, False)],
    *[lamb_row("lamb_update_phase2", lamb2, {"lr": 0.1, **a}, [SHAPE, SHAPE, np.array([norm]), np.array([2.])])
      for a, norm in (({}, 3.), ({}, 0.), ({"lower_bound": 4.}, 3.), ({"upper_bound": 1.}, 3.))],
    mixed_row("mp_lamb_update_phase1", lamb1, {**LAMB, "bias_correction": True}, 2, updates_copy=False),
    MP_LAMB2,
]
