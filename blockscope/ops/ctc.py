"""Connectionist temporal classification: the probability of a label sequence over all alignments.

Everything runs over the batch and the extended labels (a blank around every label) at once; only time is a loop. Lengths stay on
the device: examples shorter than the batch are masked, never branched on.
"""

from typing import Literal, NamedTuple

from .inference import partly, type_of_first
from .registry import operator


class _Problem(NamedTuple):
    """A batch ready for the recursions; T times, N examples, S = 2 labels + 1 states."""

    log_p: object       # (T, N, C)
    states: object      # (N, S): class of each state
    emitted: object     # (T, N, S): log_p of each state's class
    skips: object       # (N, S): whether a path may jump here from two states before
    lengths: object     # (N, 1): times that count
    last: object        # (N, 1): last state


def _shift(xp, a, by):
    """Move states by `by` places to the right (left if negative); impossible ones come in."""
    out = xp.full(a.shape, -xp.inf, a.dtype)
    if by > 0:
        out[:, by:] = a[:, :-by]
    else:
        out[:, :by] = a[:, -by:]
    return out


def _prepare(xp, data, label, data_lengths, label_lengths, blank_label):
    data = data.astype("float32") if data.dtype.char == "e" else data
    log_p = data - data.max(axis=2, keepdims=True)
    log_p = log_p - xp.log(xp.exp(log_p).sum(axis=2, keepdims=True))
    times, count, classes = data.shape
    blank, padding = (0, 0) if blank_label == "first" else (classes - 1, -1)
    label = label.astype("int64")
    if label_lengths is None:
        label_lengths = xp.cumprod((label != padding).astype("int64"), axis=1).sum(axis=1)
    label_lengths = label_lengths.astype("int64").reshape((-1, 1))
    inside = xp.arange(label.shape[1]) < label_lengths
    states = xp.full((count, 2 * label.shape[1] + 1), blank, "int64")
    states[:, 1::2] = xp.where(inside, xp.clip(label, 0, classes - 1), blank)
    skips = xp.zeros(states.shape, bool)
    skips[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    emitted = xp.take_along_axis(log_p, xp.broadcast_to(states, (times, *states.shape)), axis=2)
    if data_lengths is None:
        lengths = xp.full((count, 1), times, "int64")
    else:
        lengths = data_lengths.astype("int64").reshape((-1, 1))
    return _Problem(log_p, states, emitted, skips, lengths, 2 * label_lengths)


def _forward_scores(xp, problem):
    """Return the log probability of all paths into every state, (T, N, S); times past an example's length repeat its last."""
    emitted, index = problem.emitted, xp.arange(problem.states.shape[1])
    scores = xp.empty(emitted.shape, emitted.dtype)
    start = index <= xp.minimum(problem.last, 1)
    scores[0] = xp.where(start, emitted[0], -xp.inf)
    for t in range(1, emitted.shape[0]):
        a = scores[t - 1]
        paths = xp.logaddexp(xp.logaddexp(a, _shift(xp, a, 1)), xp.where(problem.skips, _shift(xp, a, 2), -xp.inf))
        scores[t] = xp.where(t < problem.lengths, paths + emitted[t], a)
    return scores


def _log_likelihood(xp, problem, scores):
    final = scores[-1]
    last = xp.take_along_axis(final, problem.last, axis=1)
    before = xp.take_along_axis(final, xp.maximum(problem.last - 1, 0), axis=1)
    return xp.logaddexp(last, xp.where(problem.last > 0, before, -xp.inf))


def _backward_scores(xp, problem):
    """Return the log probability of all paths from every state to the end, without the state's own emission."""
    emitted, index = problem.emitted, xp.arange(problem.states.shape[1])
    ends = (index == problem.last) | (index == problem.last - 1)
    end = xp.where(ends, emitted.dtype.type(0), emitted.dtype.type(-xp.inf))
    scores = xp.empty(emitted.shape, emitted.dtype)
    scores[-1] = end
    into = _shift(xp, problem.skips.astype(emitted.dtype), -2) > 0
    for t in range(emitted.shape[0] - 2, -1, -1):
        b = scores[t + 1] + emitted[t + 1]
        paths = xp.logaddexp(xp.logaddexp(b, _shift(xp, b, -1)), xp.where(into, _shift(xp, b, -2), -xp.inf))
        scores[t] = xp.where(t < problem.lengths - 1, paths, end)
    return scores


def _arguments(use_data_lengths, use_label_lengths, **_):
    return ("data", "label", *("data_lengths",) * use_data_lengths, *("label_lengths",) * use_label_lengths)


@operator("CTCLoss", "ctc_loss", "_contrib_CTCLoss", "_contrib_ctc_loss", arguments=_arguments, graph_outputs=2,
          shape_rule=partly(lambda data, *_, **_attrs: [data[1:2], data]), type_rule=type_of_first)
def ctc_loss(env, data, label, data_lengths=None, label_lengths=None, *, use_data_lengths: bool = False,
             use_label_lengths: bool = False, blank_label: Literal["first", "last"] = "first"):
    """Compute minus the log probability of label (batch, length) given activations data (time, batch, classes).

    The blank is class 0 (first), and labels end in 0; or it is the last class, and labels end in -1. data_lengths and
    label_lengths (batch,) say where examples end. A label that can't fit its example has loss 0 and no gradient.
    """
    if data.ndim != 3 or label.ndim != 2 or label.shape[0] != data.shape[1]:
        raise ValueError(f"CTCLoss takes data (time, batch, classes) and label (batch, length), but got {data.shape} and "
                         f"{label.shape}")
    if label.shape[1] > data.shape[0]:
        raise ValueError(f"The max number of labels cannot exceed the maximum sequence length of the data: {label.shape[1]} labels "
                         f"for {data.shape[0]} times")
    for name, lengths, used in (("data_lengths", data_lengths, use_data_lengths),
                                ("label_lengths", label_lengths, use_label_lengths)):
        if (lengths is None) == used:
            raise ValueError(f"CTCLoss takes {name} exactly with use_{name}=True")
        if lengths is not None and lengths.shape != label.shape[:1]:
            raise ValueError(f"CTCLoss takes one number of {name} an example, {label.shape[:1]}, but got {lengths.shape}")
    problem = _prepare(env.xp, data, label, data_lengths, label_lengths, blank_label)
    likelihood = _log_likelihood(env.xp, problem, _forward_scores(env.xp, problem)).reshape((-1,))
    return env.xp.where(env.xp.isfinite(likelihood), -likelihood, likelihood.dtype.type(0)).astype(data.dtype, copy=False)


@ctc_loss.gradient
def _(F, dy, _y, data, label, data_lengths=None, label_lengths=None, **attrs):
    return (lambda: F._backward_CTCLoss(dy, data, label, data_lengths, label_lengths, **attrs),
            lambda: F.zeros_like(label), lambda: F.zeros_like(data_lengths), lambda: F.zeros_like(label_lengths))


@operator("_backward_CTCLoss")
def _backward_ctc_loss(env, dy, data, label, data_lengths=None, label_lengths=None, *, use_data_lengths: bool,
                       use_label_lengths: bool, blank_label: str):
    """Compute the gradient of data: softmax minus the probability that the class is emitted there."""
    xp = env.xp
    problem = _prepare(xp, data, label, data_lengths, label_lengths, blank_label)
    scores = _forward_scores(xp, problem)
    likelihood = _log_likelihood(xp, problem, scores)
    possible = xp.isfinite(likelihood)
    posterior = xp.exp(scores + _backward_scores(xp, problem) - xp.where(possible, likelihood, 0))
    times, count, classes = data.shape
    flat = xp.zeros((times * count * classes,), posterior.dtype)
    place = (xp.arange(times * count) * classes).reshape((times, count, 1)) + problem.states
    env.add_at(flat, place.reshape((-1,)), posterior.reshape((-1,)))
    dx = xp.exp(problem.log_p) - flat.reshape(data.shape)
    counted = (xp.arange(times).reshape((-1, 1, 1)) < problem.lengths) & possible
    return xp.where(counted, dx * dy.reshape((1, -1, 1)), dx.dtype.type(0)).astype(data.dtype, copy=False)
