"""Recurrent layers of one direction, over any array module: all time steps forward, and back through time.

The input's part of all steps is one large matrix product; only the recurrent part is a loop.  Backward, everything that
doesn't depend on the gradient is computed for all steps at once, so that the loop is a few products a step, and the
weights' gradients are again one large product each.

Arrays run time first: data ``(time, batch, input)``, gates ``(time, batch, gates * hidden)``, states ``(batch,
hidden)``.  Gates are ordered as in cuDNN: input, forget, cell, output of an LSTM; reset, update, new of a GRU.

References
----------
Appleyard, Kočiský, Blunsom, "Optimizing performance of recurrent neural networks on GPUs" (2016).
"""

import dataclasses
from typing import Any, NamedTuple

GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}


class Weights(NamedTuple):
    """Parameters of one direction of one layer, or their gradients; `h2r` projects the hidden state, or is None."""

    i2h: Any
    h2h: Any
    h2r: Any
    i2h_bias: Any
    h2h_bias: Any


@dataclasses.dataclass(frozen=True)
class Direction:
    """How to walk through a sequence.

    Parameters
    ----------
    xp : module
        Array module.
    mode : str
        A key of `GATES`.
    reverse : bool
        Whether to begin at the last step.
    valid : array of bool, optional
        ``(time, batch, 1)``: which steps belong to the sequence. At others, outputs are 0 and states stay as they are.
    clip : tuple, optional
        ``(low, high, nan)``: range of an LSTM's cell state; with `nan`, a NaN becomes `low`.
    """

    xp: Any
    mode: str
    reverse: bool = False
    valid: Any = None
    clip: tuple | None = None

    def steps(self, count):
        """Return the steps in the order of computation."""
        return range(count - 1, -1, -1) if self.reverse else range(count)

    def previous(self, values, first):
        """Return what each step found as its state: `first`, then `values` of the step before."""
        xp = self.xp
        if not self.reverse:
            return xp.concatenate([first[None], values[:-1]])
        shifted = xp.concatenate([values[1:], first[None]])
        if self.valid is None:
            return shifted
        after = xp.concatenate([self.valid[1:], xp.zeros_like(self.valid[:1])])
        return xp.where(after, shifted, first[None])

    def commit(self, t, out, new, old):
        """Write a step's output; return its state."""
        if self.valid is None:
            out[t] = new
            return new
        keep = self.valid[t]
        out[t] = self.xp.where(keep, new, 0)
        return self.xp.where(keep, new, old)

    def masked(self, array, otherwise=0):
        """Return the array with all steps past the end of a sequence replaced."""
        return array if self.valid is None else self.xp.where(self.valid, array, otherwise)

    def held(self, t, gradient):
        """Return the part of a state's gradient that goes past a step outside of its sequence."""
        return self.xp.where(self.valid[t], 0, gradient)


def forward(way, x, weights, h, c, out, gates, extra):
    """Run one direction of one layer.

    Parameters
    ----------
    way : Direction
    x : array
        Input, ``(time, batch, input)``.
    weights : Weights
    h, c : array
        First states, ``(batch, hidden)`` (`h` of the projected size where there is a projection; `c` for LSTM only).
    out : array
        Where to write the outputs, ``(time, batch, hidden)``.
    gates, extra : array
        Where to leave what `backward` needs: ``(time, batch, gates * hidden)`` and ``(time, batch, hidden)``.

    Returns
    -------
    (array, array or None)
        Last states.
    """
    xp = way.xp
    scale = _gate_scale(way, gates)
    bias = weights.i2h_bias + weights.h2h_bias
    if way.mode == "gru":  # the recurrent bias of the new gate is inside of the product with the reset gate
        hidden = extra.shape[2]
        bias[2 * hidden:] = weights.i2h_bias[2 * hidden:]
    i2h, h2h = weights.i2h, weights.h2h
    if scale is not None:
        i2h, h2h, bias = i2h * scale[:, None], h2h * scale[:, None], bias * scale
    rows = gates.reshape(-1, gates.shape[2])
    xp.dot(x.reshape(-1, x.shape[2]), i2h.T, out=rows)
    rows += bias
    if way.mode == "lstm":
        return _lstm_forward(way, gates, extra, h, c, h2h.T, weights.h2r, scale, out)
    if way.mode == "gru":
        return _gru_forward(way, gates, extra, h, h2h.T, weights.h2h_bias[2 * hidden:], out), None
    return _elman_forward(way, gates, h, h2h.T, out), None


def _gate_scale(way, gates):
    """Return 1/2 for sigmoid gates, 1 for the tanh gate: with sigmoid(x) = tanh(x/2)/2 + 1/2, all are one tanh."""
    if way.mode not in ("lstm", "gru"):
        return None
    count = gates.shape[2]
    hidden = count // GATES[way.mode]
    scale = way.xp.full(count, 0.5, gates.dtype)
    scale[2 * hidden:3 * hidden] = 1
    return scale


def _elman_forward(way, gates, h, h2h, out):
    xp = way.xp
    product = xp.empty(gates.shape[1:], gates.dtype)
    for t in way.steps(len(gates)):
        a = gates[t]
        xp.dot(h, h2h, out=product)
        a += product
        if way.mode == "rnn_relu":
            xp.maximum(a, 0, out=a)
        else:
            xp.tanh(a, out=a)
        h = way.commit(t, out, a, h)
    return h


def _lstm_forward(way, gates, cells, h, c, h2h, h2r, scale, out):
    xp, hidden = way.xp, cells.shape[2]
    product = xp.empty(gates.shape[1:], gates.dtype)
    offset = 1 - scale
    for t in way.steps(len(gates)):
        a = gates[t]
        xp.dot(h, h2h, out=product)
        a += product
        xp.tanh(a, out=a)
        a *= scale
        a += offset
        cell = cells[t]
        xp.multiply(a[:, hidden:2 * hidden], c, out=cell)
        cell += a[:, :hidden] * a[:, 2 * hidden:3 * hidden]
        if way.clip is not None:
            _clip(xp, cell, *way.clip)
        new = xp.tanh(cell)
        new *= a[:, 3 * hidden:]
        if h2r is not None:
            new = xp.dot(new, h2r.T)
        h = way.commit(t, out, new, h)
        if way.valid is not None:
            cell[...] = xp.where(way.valid[t], cell, c)
        c = cell
    return h, c


def _clip(xp, cell, low, high, nan):
    if nan:
        xp.fmax(cell, low, out=cell)
        xp.fmin(cell, high, out=cell)
    else:
        xp.maximum(cell, low, out=cell)
        xp.minimum(cell, high, out=cell)


def _gru_forward(way, gates, recurrent, h, h2h, bias, out):
    xp, hidden = way.xp, recurrent.shape[2]
    product = xp.empty(gates.shape[1:], gates.dtype)
    for t in way.steps(len(gates)):
        a = gates[t]
        xp.dot(h, h2h, out=product)
        switches, new, inner = a[:, :2 * hidden], a[:, 2 * hidden:], recurrent[t]
        switches += product[:, :2 * hidden]
        xp.tanh(switches, out=switches)
        switches *= 0.5
        switches += 0.5
        xp.add(product[:, 2 * hidden:], bias, out=inner)
        new += a[:, :hidden] * inner
        xp.tanh(new, out=new)
        mixed = h - new
        mixed *= a[:, hidden:2 * hidden]
        mixed += new
        h = way.commit(t, out, mixed, h)
    return h


def backward(way, x, weights, h, c, out, gates, extra, dy, dh, dc, grads):
    """Walk one direction of one layer back.

    Parameters
    ----------
    way, x, weights, h, c, out, gates, extra
        As `forward` had and left them.
    dy : array
        Gradient of `out`.
    dh, dc : array
        Gradients of the last states.
    grads : Weights
        Where to write the parameters' gradients.

    Returns
    -------
    (array, array, array or None)
        Gradients of `x` and of the first states.
    """
    xp, dy, before = way.xp, way.masked(dy), way.previous(out, h)
    if way.mode == "lstm":
        dx_gates, dh, dc = _lstm_backward(way, gates, extra, c, weights, dy, dh, dc, grads)
        dh_gates = dx_gates
    elif way.mode == "gru":
        dx_gates, dh_gates, dh = _gru_backward(way, gates, extra, before, weights, dy, dh)
    else:
        dx_gates, dh = _elman_backward(way, gates, weights, dy, dh)
        dh_gates = dx_gates
    gate_rows, count = dx_gates.reshape(-1, gates.shape[2]), x.shape[2]
    grads.i2h[...] = xp.dot(gate_rows.T, x.reshape(-1, count))
    grads.i2h_bias[...] = gate_rows.sum(0)
    dx = xp.dot(gate_rows, weights.i2h).reshape(x.shape)
    gate_rows = dh_gates.reshape(gate_rows.shape)
    grads.h2h[...] = xp.dot(gate_rows.T, before.reshape(-1, before.shape[2]))
    grads.h2h_bias[...] = grads.i2h_bias if dh_gates is dx_gates else gate_rows.sum(0)
    return dx, dh, dc


def _elman_backward(way, gates, weights, dy, dh):
    xp = way.xp
    slope = (gates > 0).astype(gates.dtype) if way.mode == "rnn_relu" else 1 - gates * gates
    steps = way.masked(slope)
    for t in reversed(way.steps(len(gates))):
        dh = dh + dy[t]
        step = steps[t]
        step *= dh
        back = xp.dot(step, weights.h2h)
        dh = back if way.valid is None else back + way.held(t, dh)
    return steps, dh


def _lstm_backward(way, gates, cells, c, weights, dy, dh, dc, grads):
    xp, (time, batch, hidden) = way.xp, cells.shape
    parts = gates.reshape(time, batch, 4, hidden)
    i, f, g, o = (parts[:, :, k] for k in range(4))
    tanh_cells = xp.tanh(cells)
    # Each gate's derivative; the loop multiplies it by the gradient of what the gate feeds.
    steps = xp.empty_like(parts)
    steps[:, :, 0] = g * i * (1 - i)
    steps[:, :, 1] = way.previous(cells, c) * f * (1 - f)
    steps[:, :, 2] = i * (1 - g * g)
    steps[:, :, 3] = tanh_cells * o * (1 - o)
    onward = f
    if way.clip is not None:
        inside = (cells > way.clip[0]) & (cells < way.clip[1])
        steps[:, :, :3] = xp.where(inside[:, :, None], steps[:, :, :3], 0)
        onward = xp.where(inside, f, 0)
    to_cell, onward = way.masked(o * (1 - tanh_cells * tanh_cells)), way.masked(onward, 1)
    if way.valid is not None:
        steps = xp.where(way.valid[..., None], steps, 0)
    outputs = None if weights.h2r is None else xp.empty_like(dy)
    for t in reversed(way.steps(time)):
        dh = dh + dy[t]
        d_output = dh
        if outputs is not None:
            outputs[t] = dh if way.valid is None else xp.where(way.valid[t], dh, 0)
            d_output = xp.dot(outputs[t], weights.h2r)
        dc = dc + d_output * to_cell[t]
        step = steps[t]
        step[:, :3] *= dc[:, None]
        step[:, 3] *= d_output
        back = xp.dot(step.reshape(batch, 4 * hidden), weights.h2h)
        dh = back if way.valid is None else back + way.held(t, dh)
        dc = dc * onward[t]
    if outputs is not None:
        grads.h2r[...] = xp.dot(outputs.reshape(time * batch, -1).T, (o * tanh_cells).reshape(time * batch, hidden))
    return steps, dh, dc


def _gru_backward(way, gates, recurrent, before, weights, dy, dh):
    xp, (time, batch, hidden) = way.xp, recurrent.shape
    parts = gates.reshape(time, batch, 3, hidden)
    r, z, n = (parts[:, :, k] for k in range(3))
    to_new = way.masked((1 - z) * (1 - n * n))
    steps = xp.empty_like(parts)
    steps[:, :, 0] = to_new * recurrent * r * (1 - r)
    steps[:, :, 1] = way.masked((before - n) * z * (1 - z))
    steps[:, :, 2] = to_new * r
    if way.valid is not None:
        steps = xp.where(way.valid[..., None], steps, 0)
    onward = way.masked(z, 1)
    totals = xp.empty((time, batch, hidden), gates.dtype)
    for t in reversed(way.steps(time)):
        dh = dh + dy[t]
        totals[t] = dh
        step = steps[t]
        step *= dh[:, None]
        dh = dh * onward[t] + xp.dot(step.reshape(batch, 3 * hidden), weights.h2h)
    of_input = steps.copy()
    of_input[:, :, 2] = totals * to_new
    return of_input, steps, dh
