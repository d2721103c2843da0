"""The fused recurrent operator with MXNet's packed parameters; the computation itself is `backend.recurrent`."""

import functools
from math import prod

from ..backend.recurrent import GATES, Direction, Weights, backward, forward
from .attributes import Literal
from .inference import one_type
from .joining import concatenated
from .registry import operator

_Mode = Literal["gru", "lstm", "rnn_relu", "rnn_tanh"]


def parameter_shapes(mode, num_layers, bidirectional, state_size, projection_size, input_size):
    """Return the shapes of all parameters in the order in which the operator packs them.

    All weights come first (by layer, then direction: input, recurrent, projection), then all biases (input, recurrent).

    Examples
    --------
    >>> parameter_shapes("rnn_tanh", 1, False, 4, None, 3)
    [(4, 3), (4, 4), (4,), (4,)]
    """
    rows, directions = GATES[mode] * state_size, 1 + bidirectional
    width = projection_size or state_size
    weights = []
    for layer in range(num_layers):
        count = input_size if layer == 0 else directions * width
        one = [(rows, count), (rows, width)] + ([(projection_size, state_size)] if projection_size else [])
        weights += one * directions
    return weights + [(rows,)] * (2 * num_layers * directions)


def _carve(flat, shapes):
    """Return consecutive pieces of a vector as arrays of the given shapes, sharing its memory."""
    pieces, start = [], 0
    for shape in shapes:
        stop = start + prod(shape)
        pieces.append(flat[start:stop].reshape(shape))
        start = stop
    return pieces


class _Network:
    """The layers of one call: sizes, and how parameters and saved values lie in their vectors."""

    def __init__(self, env, data, attrs, sequence_length):
        self.xp = env.xp
        self.mode = attrs["mode"]
        self.layers = attrs["num_layers"]
        self.directions = 1 + attrs["bidirectional"]
        self.hidden = attrs["state_size"]
        self.projection = attrs["projection_size"]
        self.width = self.projection or self.hidden
        self.time, self.batch, self.inputs = data.shape
        clip = (attrs["lstm_state_clip_min"], attrs["lstm_state_clip_max"], attrs["lstm_state_clip_nan"])
        self.clip = clip if self.mode == "lstm" and clip[0] is not None else None
        self.valid = None
        if attrs["use_sequence_length"]:
            steps = self.xp.arange(self.time, dtype="int32")
            self.valid = (steps[:, None] < sequence_length[None])[:, :, None]

    def weights(self, parameters):
        """Return a `Weights` for each direction of each layer, in order."""
        shapes = parameter_shapes(self.mode, self.layers, self.directions == 2, self.hidden, self.projection,
                                  self.inputs)
        pieces = _carve(parameters, shapes)
        count, each = self.layers * self.directions, 3 if self.projection else 2
        biases = pieces[each * count:]
        return [Weights(*pieces[each * k:each * k + 2], pieces[each * k + 2] if self.projection else None,
                        *biases[2 * k:2 * k + 2]) for k in range(count)]

    def saved_shapes(self):
        """Return the shapes of what the gradient needs: gates and extra of each direction, outputs between layers."""
        one = [(self.time, self.batch, GATES[self.mode] * self.hidden),
               (self.time, self.batch, 0 if self.mode.startswith("rnn") else self.hidden)]
        between = (self.time, self.batch, self.directions * self.width)
        return one * (self.layers * self.directions) + [between] * (self.layers - 1)

    def saved(self, reserve):
        """Return the pieces of the saved values: ``(gates, extra)`` of each direction, and outputs between layers."""
        pieces, count = _carve(reserve, self.saved_shapes()), 2 * self.layers * self.directions
        return list(zip(pieces[0:count:2], pieces[1:count:2])), pieces[count:]

    def way(self, direction):
        """Return how to walk through the sequence."""
        return Direction(self.xp, self.mode, direction == 1, self.valid, self.clip)

    def part(self, array, direction):
        """Return one direction's part of a layer's output or its gradient."""
        return array[:, :, direction * self.width:(direction + 1) * self.width]

    def first_input(self, data):
        """Return the data as the first layer sees them: whatever fills up short sequences doesn't count."""
        return data if self.valid is None else self.xp.where(self.valid, data, 0)

    def run(self, data, parameters, h, c, output, reserve, masks):
        """Compute all layers into `output` and `reserve`; return lists of last states."""
        saved, between = self.saved(reserve)
        weights, x, last_h, last_c = self.weights(parameters), self.first_input(data), [], []
        for layer, out in enumerate([*between, output]):
            if layer and masks.size:
                x = x * masks[layer - 1]
            for direction in range(self.directions):
                k = layer * self.directions + direction
                h_k, c_k = forward(self.way(direction), x, weights[k], h[k], None if c is None else c[k],
                                   self.part(out, direction), *saved[k])
                last_h.append(h_k)
                last_c.append(c_k)
            x = out
        return last_h, last_c

    def walk_back(self, data, parameters, h, c, output, reserve, masks, dy, dh, dc):
        """Return gradients of data, parameters and first states; states that nobody saw have no gradient (None)."""
        xp = self.xp
        dh = xp.zeros_like(h) if dh is None else dh
        dc = xp.zeros_like(c) if dc is None and c is not None else dc
        saved, between = self.saved(reserve)
        d_parameters, d_h, d_c = xp.empty_like(parameters), xp.empty_like(h), None if c is None else xp.empty_like(c)
        weights, grads = self.weights(parameters), self.weights(d_parameters)
        for layer in reversed(range(self.layers)):
            x = self.first_input(data) if layer == 0 else between[layer - 1]
            if layer and masks.size:
                x = x * masks[layer - 1]
            out, dx = output if layer == self.layers - 1 else between[layer], None
            for direction in range(self.directions):
                k = layer * self.directions + direction
                dx_k, d_h[k], dc_k = backward(self.way(direction), x, weights[k], h[k], None if c is None else c[k],
                                              self.part(out, direction), *saved[k], self.part(dy, direction), dh[k],
                                              None if c is None else dc[k], grads[k])
                if c is not None:
                    d_c[k] = dc_k
                dx = dx_k if dx is None else dx + dx_k
            dy = dx * masks[layer - 1] if layer and masks.size else dx
        return dy, d_parameters, d_h, d_c


def _expected_shapes(data, attrs):
    """Return the shapes of data, parameters and states that follow from the shape of the data."""
    bidirectional, hidden, projection = attrs["bidirectional"], attrs["state_size"], attrs["projection_size"]
    shapes = parameter_shapes(attrs["mode"], attrs["num_layers"], bidirectional, hidden, projection, data[2])
    layers = attrs["num_layers"] * (1 + bidirectional)
    total = sum(map(prod, shapes)) if data[2] else 0
    return [data, (total,), (layers, data[1], projection or hidden), (layers, data[1], hidden)]


def _rnn_shapes(shapes, attrs):
    """Fill in the shapes of parameters and states."""
    if not shapes[0] or len(shapes[0]) != 3:
        return shapes
    expected = _expected_shapes(shapes[0], attrs)[:4 if attrs["mode"] == "lstm" else 3]
    return [known or found for known, found in zip(shapes, expected)] + shapes[len(expected):]


def _check_attributes(attrs, state_cell, sequence_length):
    """Raise ValueError unless the attributes, and the arrays that are there, fit together."""
    for name in ("state_size", "num_layers"):
        if attrs[name] < 1:
            raise ValueError(f"{name} must be at least 1, but is {attrs[name]}")
    if not 0 <= attrs["p"] <= 1:
        raise ValueError(f"value {attrs['p']} for Parameter p exceed bound [0,1]: it is the rate of dropout")
    if attrs["projection_size"] is not None and attrs["mode"] != "lstm":
        raise ValueError("projection_size is for mode 'lstm' only")
    if (attrs["lstm_state_clip_min"] is None) != (attrs["lstm_state_clip_max"] is None):
        raise ValueError("lstm_state_clip_min and lstm_state_clip_max must be given together")
    for name, array, wanted in (("state_cell", state_cell, attrs["mode"] == "lstm"),
                                ("sequence_length", sequence_length, attrs["use_sequence_length"])):
        if (array is not None) != wanted:
            raise ValueError(f"the array {name} {'is missing' if wanted else 'was given'}, with mode={attrs['mode']!r} "
                             f"and use_sequence_length={attrs['use_sequence_length']}")


def _check_arrays(attrs, data, parameters, state, state_cell, sequence_length):
    """Raise ValueError unless shapes and types fit together."""
    if data.ndim != 3:
        raise ValueError("Input data should be rank-3 tensor of dim [sequence length, batch size, input size]")
    arrays = {"data": data, "parameters": parameters, "state": state, "state_cell": state_cell}
    for (name, array), shape in zip(arrays.items(), _expected_shapes(data.shape, attrs)):
        if array is not None and array.shape != shape:
            raise ValueError(f"Shape inconsistent, Provided = {list(array.shape)}, inferred shape={list(shape)}: "
                             f"argument {name}")
        if array is not None and array.dtype != data.dtype:
            raise ValueError(f"This layer requires uniform type. Expected '{data.dtype}' v.s. given '{array.dtype}' "
                             f"at '{name}'")
    if sequence_length is not None and sequence_length.shape != data.shape[1:2]:
        raise ValueError(f"sequence_length must have shape {data.shape[1:2]}, one for each sequence")


def _optional(attrs, state_cell, sequence_length):
    """Sort the optional arrays: without a cell state, the sequence lengths come in its place."""
    if attrs["mode"] != "lstm" and attrs["use_sequence_length"] and sequence_length is None:
        return None, state_cell
    return state_cell, sequence_length


def _wide(env, array):
    """Return float16 of the host as float32, for which there is a matrix product."""
    narrow = array is not None and env.backend.name == "cpu" and array.dtype.char == "e"
    return array.astype("float32") if narrow else array


def _dropout_masks(env, network, p, dtype):
    """Return a mask for the input of each layer but the first; empty where nothing is dropped."""
    if not env.training or p == 0 or network.layers == 1:
        return env.xp.empty((0,), dtype)
    shape = (network.layers - 1, network.time, network.batch, network.directions * network.width)
    return env.random.keep_mask(1 - p, shape, dtype)


def _count_outputs(mode, **_attrs):
    return 5 if mode == "lstm" else 4


def _count_visible(mode, state_outputs, **_attrs):
    return (3 if mode == "lstm" else 2) if state_outputs else 1


def _arguments(mode, use_sequence_length, **_attrs):
    return ("data", "parameters", "state", *("state_cell",) * (mode == "lstm"), *("sequence_length",) * use_sequence_length)


def _rnn_rule(ins, outs, attrs):
    data = ins[0]
    if data is None:
        return (), ()
    if len(data) != 3:
        raise ValueError(f"Input data should be rank-3 tensor of dim [sequence length, batch size, input size], but it is {data}")
    _, parameters, state, cell = _expected_shapes(data, attrs)
    output = (*data[:2], (1 + attrs["bidirectional"]) * state[2])
    cells = [cell] if attrs["mode"] == "lstm" else []
    return [data, parameters, state, *cells, *[data[1:2]] * attrs["use_sequence_length"]], [output, state, cell][:len(outs)]


def _rnn_types(ins, outs, attrs):
    count = len(ins) - attrs["use_sequence_length"]
    found, outs = one_type(ins[:count], outs, attrs)
    return found + [found[0] if other is None else other for other in ins[count:]], outs


@operator("RNN", random=True, outputs=_count_outputs, visible=_count_visible, shapes=_rnn_shapes, arguments=_arguments,
          graph_outputs=_count_visible, output_names=("output", "state_output", "statecell_output"),
          shape_rule=_rnn_rule, type_rule=_rnn_types)
def rnn(env, data, parameters, state, state_cell=None, sequence_length=None, *, state_size: int, num_layers: int,
        mode: _Mode, bidirectional: bool = False, p: float = 0.0, state_outputs: bool = False,
        projection_size: int | None = None, lstm_state_clip_min: float | None = None,
        lstm_state_clip_max: float | None = None, lstm_state_clip_nan: bool = False, use_sequence_length: bool = False):
    """Run a recurrent network of one or several layers over sequences.

    Data are ``(time, batch, input)``, states ``(layers * directions, batch, state)``; all parameters come in one
    vector, see `parameter_shapes`. With `use_sequence_length`, outputs past the length of a sequence are 0, the last
    states are those of its last step, and the backward direction begins there. `lstm_state_clip_min` and
    `lstm_state_clip_max` bound an LSTM's cell state after each step (no gradient flows where it is cut off); with
    `lstm_state_clip_nan`, a NaN becomes the lower bound.

    Returns the outputs ``(time, batch, directions * state)``, with `state_outputs` the last states too.
    """
    attrs = {"state_size": state_size, "num_layers": num_layers, "mode": mode, "bidirectional": bidirectional, "p": p,
             "projection_size": projection_size, "lstm_state_clip_min": lstm_state_clip_min,
             "lstm_state_clip_max": lstm_state_clip_max, "lstm_state_clip_nan": lstm_state_clip_nan,
             "use_sequence_length": use_sequence_length}
    state_cell, sequence_length = _optional(attrs, state_cell, sequence_length)
    _check_attributes(attrs, state_cell, sequence_length)
    _check_arrays(attrs, data, parameters, state, state_cell, sequence_length)
    xp, dtype = env.xp, data.dtype
    network = _Network(env, data, attrs, sequence_length)
    data, parameters, state, state_cell = (_wide(env, a) for a in (data, parameters, state, state_cell))
    masks = _dropout_masks(env, network, p, data.dtype)
    reserve = xp.empty((sum(map(prod, network.saved_shapes())),), data.dtype)
    output = xp.empty((network.time, network.batch, network.directions * network.width), data.dtype)
    last_h, last_c = network.run(data, parameters, state, state_cell, output, reserve, masks)
    visible = [output, xp.stack(last_h)] + ([xp.stack(last_c)] if mode == "lstm" else [])
    return tuple(a.astype(dtype, copy=False) for a in visible) + (reserve, masks)


@rnn.gradient
def _(F, dy, y, data, parameters, state, state_cell=None, sequence_length=None, *, state_outputs, p, **attrs):
    state_cell, sequence_length = _optional(attrs, state_cell, sequence_length)
    lstm = attrs["mode"] == "lstm"

    @functools.cache
    def gradients():
        return F._backward_RNN(data, parameters, state, y[0], *y[-2:], dy[0], dy[1], dy[2] if lstm else None,
                               state_cell, sequence_length, **attrs)
    return [lambda i=i: gradients()[i] for i in range(4 if lstm else 3)] + [None] * (1 if lstm else 2)


@operator("_backward_RNN", outputs=lambda mode, **_: 4 if mode == "lstm" else 3)
def _backward_rnn(env, data, parameters, state, output, reserve, masks, dy, dh=None, dc=None, state_cell=None,
                  sequence_length=None, *, state_size: int, num_layers: int, mode: _Mode, bidirectional: bool = False,
                  projection_size: int | None = None, lstm_state_clip_min: float | None = None,
                  lstm_state_clip_max: float | None = None, lstm_state_clip_nan: bool = False,
                  use_sequence_length: bool = False):
    """Compute the gradients of RNN: of data, parameters, and first states."""
    attrs = {"state_size": state_size, "num_layers": num_layers, "mode": mode, "bidirectional": bidirectional,
             "projection_size": projection_size, "lstm_state_clip_min": lstm_state_clip_min,
             "lstm_state_clip_max": lstm_state_clip_max, "lstm_state_clip_nan": lstm_state_clip_nan,
             "use_sequence_length": use_sequence_length}
    network = _Network(env, data, attrs, sequence_length)
    output, dy, dh, dc = (_wide(env, a) for a in (output, dy, dh, dc))
    found = network.walk_back(_wide(env, data), _wide(env, parameters), _wide(env, state), _wide(env, state_cell),
                              output, reserve, masks, dy, dh, dc)
    return tuple(a.astype(data.dtype, copy=False) for a in found if a is not None)


def _packed(ins, outs, attrs):
    """Say what follows of joining parameters: those of unknown length (one a direction, of the first layer) are equally long."""
    open_ones = [i for i, shape in enumerate(ins) if shape is None or 0 in shape]
    if len(open_ones) > 1 and outs[0] is not None and 0 not in outs[0] and all(shape is None or len(shape) == 1 for shape in ins):
        rest = outs[0][0] - sum(shape[0] for i, shape in enumerate(ins) if i not in open_ones)
        if rest % len(open_ones) == 0:
            return [(rest // len(open_ones),) if i in open_ones else shape for i, shape in enumerate(ins)], outs
    return concatenated(ins, outs, attrs)


@operator("_rnn_param_concat", count_attribute="num_args", shape_rule=_packed)
def _rnn_param_concat(env, *data, dim: int = 1):
    """Join parameters along an axis."""
    return env.xp.concatenate(data, axis=dim)


@_rnn_param_concat.gradient
def _(F, dy, _y, *_data, dim):
    axis = dim % dy.ndim
    thunks, start = [], 0
    for array in _data:
        stop = start + array.shape[axis]
        index = (slice(None),) * axis + (slice(start, stop),)
        thunks.append(lambda index=index: dy[index])
        start = stop
    return thunks
