"""Random networks as plain data (recipes), for tests that compare two ways of running them.

A recipe is a list of steps; a step takes values by number and appends new ones. `draw_recipe` writes one, `Net` runs it.
"""
from hypothesis import strategies as st

from blockscope.gluon import HybridBlock, nn, rnn

BATCH = 2


class Value:
    """What is known of a value while a recipe is drawn: its shape, and whether it holds whole numbers for an embedding."""

    def __init__(self, shape, index=False):
        self.shape, self.index = tuple(shape), index


def _same(draw, shape):
    return (), [shape]


def _choice(*options):
    return lambda draw, shape: (draw(st.sampled_from(options)), [shape])


# ---- kinds of steps with one input: (ranks, draw(draw, shape) -> (options, shapes of results), make(options) -> child, apply) ----------

def _dense(draw, shape):
    units, act = draw(st.sampled_from([1, 3, 4])), draw(st.sampled_from([None, 'relu', 'tanh']))
    bias, flat = draw(st.booleans()), draw(st.booleans())
    return (units, act, bias, flat), [(shape[0], units) if flat else (*shape[:-1], units)]


def _conv(draw, shape):
    channels, pad, groups = draw(st.tuples(st.sampled_from([2, 4]), st.sampled_from([0, 1]), st.sampled_from([1, 2])))
    groups = groups if shape[1] % groups == 0 else 1
    kernel = 3 if min(shape[2:]) + 2 * pad >= 3 else 1
    return (channels, kernel, pad, groups), [(shape[0], channels, *[n + 2 * pad - kernel + 1 for n in shape[2:]])]


def _pool(draw, shape):
    kind = draw(st.sampled_from(['max', 'avg', 'global']))
    if kind != 'global' and min(shape[2:]) < 2:
        kind = 'global'
    return kind, [(*shape[:2], 1, 1) if kind == 'global' else (*shape[:2], *[(n - 2) // 2 + 1 for n in shape[2:]])]


def _pool_layer(kind):
    return {'max': lambda: nn.MaxPool2D(2), 'avg': lambda: nn.AvgPool2D(2), 'global': nn.GlobalAvgPool2D}[kind]()


def _split(draw, shape):
    parts = 2 if shape[1] % 2 == 0 else shape[1]
    return parts, [(shape[0], shape[1] // parts, *shape[2:])] * parts


def _apply_split(F, options, x):
    out = F.split(x, num_outputs=options, axis=1)
    return list(out) if options > 1 else [out]


def _flatten(draw, shape):
    size = 1
    for n in shape[1:]:
        size *= n
    return (), [(shape[0], size)]


def _reduce(draw, shape):
    kind, keep = draw(st.tuples(st.sampled_from(['sum', 'mean', 'max', 'min', 'norm']), st.booleans()))
    return (kind, keep), [(*shape[:-1], 1) if keep else shape[:-1]]


def _slice(draw, shape):
    axis = draw(st.integers(1, len(shape) - 1))
    begin = draw(st.integers(0, shape[axis] - 1))
    new = list(shape)
    new[axis] -= begin
    return (axis, begin), [tuple(new)]


def _transpose(draw, shape):
    axes = (0, *draw(st.permutations(range(1, len(shape)))))
    return axes, [tuple(shape[i] for i in axes)]


def _twice(draw, shape):
    return shape[-1], [shape]


class Twice(HybridBlock):
    """One layer, applied two times."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.fc = nn.Dense(units, flatten=False, activation='tanh')

    def hybrid_forward(self, F, x):
        return self.fc(self.fc(x))


class Scaled(HybridBlock):
    """A parameter and a constant of its own, and no prefix."""

    def __init__(self, number, **kwargs):
        super().__init__(prefix='', **kwargs)
        self.factor = self.params.get(f'factor{number}', shape=(1,), init='ones')
        self.shift = self.params.get_constant(f'shift{number}', [0.25])

    def hybrid_forward(self, F, x, factor, shift):
        return F.broadcast_add(F.broadcast_mul(x, factor), shift)


def _foreach(F, options, x):
    def step(row, states):
        total = states[0] + row
        return F.tanh(total) * 0.5, [total]
    out, last = F.contrib.foreach(step, x, [F.zeros_like(F.sum(x, axis=0))])
    return [F.broadcast_add(out, last[0].expand_dims(0))]


def _while(F, options, x):
    def step(i, total):
        return [], [i + 1, total * 0.5 + F.sin(total)]
    _, last = F.contrib.while_loop(lambda i, total: i < options, step, [F.zeros((1,)), x], max_iterations=options + 1)
    return [last[1]]


def _cond(F, options, x):
    return [F.contrib.cond(F.sum(x).reshape((1,)) > options, lambda: F.exp(F.clip(x, -2, 2)), lambda: x * x)]


ARITHMETIC = {
    'add': lambda x: x + 1.5, 'radd': lambda x: 2 + x, 'sub': lambda x: x - 0.5, 'rsub': lambda x: 1 - x, 'mul': lambda x: x * -2,
    'div': lambda x: x / 3, 'rdiv': lambda x: 1 / (x * x + 1), 'pow': lambda x: x ** 2, 'neg': lambda x: -x, 'abs': lambda x: x.abs(),
    'more': lambda x: x * (x > 0), 'mod': lambda x: x % 2, 'twice': lambda x: x + x, 'thrice': lambda x: x * x + x,
    'four': lambda x: x * x * x - x,
}
UNARY = ['relu', 'sigmoid', 'tanh', 'softsign', 'exp', 'sin', 'square', 'identity', 'BlockGrad', 'zeros_like', 'floor', 'erf', 'arctan',
         'softmax', 'log_softmax', 'rsqrt', 'ones_like', 'flip']


def _unary(F, options, x):
    if options == 'exp':
        x = F.clip(x, -3, 3)
    if options == 'rsqrt':
        x = F.square(x) + 1
    return [F.flip(x, axis=1) if options == 'flip' else getattr(F, options)(x)]


# kind -> (fewest and most axes, draw, make a child or None, apply)
KINDS = {
    'dense': (2, 4, _dense, lambda o: nn.Dense(o[0], o[1], use_bias=o[2], flatten=o[3]), None),
    'conv': (4, 4, _conv, lambda o: nn.Conv2D(o[0], o[1], padding=o[2], groups=o[3]), None),
    'pool': (4, 4, _pool, _pool_layer, None),
    'batch_norm': (2, 4, _choice({}, {'scale': False}, {'center': False}, {'use_global_stats': True}), lambda o: nn.BatchNorm(**o), None),
    'layer_norm': (2, 4, _same, lambda o: nn.LayerNorm(), None),
    'dropout': (1, 4, _choice(0.5, 0), nn.Dropout, None),
    'prelu': (2, 4, _same, lambda o: nn.PReLU(), None),
    'twice': (2, 4, _twice, Twice, None),
    'scaled': (1, 4, _same, None, None),
    'gru': (3, 3, lambda draw, shape: ((), [(*shape[:2], 3)]), lambda o: rnn.GRU(3), None),
    'unary': (2, 4, _choice(*UNARY), None, _unary),
    'arithmetic': (1, 4, _choice(*ARITHMETIC), None, lambda F, o, x: [ARITHMETIC[o](x)]),
    'reshape': (2, 4, _flatten, None, lambda F, o, x: [x.reshape((0, -1))]),
    'flatten': (2, 4, _flatten, None, lambda F, o, x: [F.Flatten(x)]),
    'expand': (1, 3, lambda draw, shape: ((), [(*shape, 1)]), None, lambda F, o, x: [x.expand_dims(-1)]),
    'transpose': (2, 4, _transpose, None, lambda F, o, x: [F.transpose(x, axes=o)]),
    'slice': (2, 4, _slice, None, lambda F, o, x: [F.slice_axis(x, axis=o[0], begin=o[1], end=None)]),
    'split': (2, 4, _split, None, _apply_split),
    'reduce': (2, 4, _reduce, None, lambda F, o, x: [getattr(F, o[0])(x, axis=-1, keepdims=o[1])]),
    'cast': (1, 4, _choice('float64', 'float32'), None, lambda F, o, x: [F.cast(F.square(F.cast(x, o)), 'float32')]),
    'random': (1, 4, _same, None, lambda F, o, x: [F.broadcast_add(x, F.random.uniform(shape=(1,)))]),
    'foreach': (2, 3, _same, None, _foreach),
    'while': (1, 4, _choice(0, 1, 3), None, _while),
    'cond': (1, 4, _choice(-100, 0.5, 100), None, _cond),
}
# kinds with two inputs of one shape
PAIRS = {
    'plus': lambda F, x, y: x + y, 'minus': lambda F, x, y: x - y, 'times': lambda F, x, y: x * y,
    'over': lambda F, x, y: x / (y * y + 1),
    'maximum': lambda F, x, y: F.maximum(x, y), 'where': lambda F, x, y: F.where(x > y, x, y),
    'concat': lambda F, x, y: F.concat(x, y, dim=1),
    'three': lambda F, x, y: F.add_n(x, y, x), 'stack': lambda F, x, y: F.stack(x, y).sum(axis=0),
}
LOOPS = {'foreach', 'while', 'cond'}


@st.composite
def recipes(draw, most=9):
    """Give recipes: shapes of the inputs, steps, and the numbers of the values that are outputs."""
    inputs = [Value(draw(st.sampled_from([(BATCH, 4), (BATCH, 3, 4), (BATCH, 2, 6, 6)]))) for _ in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()) and draw(st.booleans()):
        inputs.append(Value((BATCH, 3), index=True))
    values, steps = list(inputs), []
    for _ in range(draw(st.integers(1, most))):
        number = draw(st.integers(max(0, len(values) - 4), len(values) - 1))
        value = values[number]
        if value.index:
            steps.append(('embedding', (), (number,)))
            values.append(Value((*value.shape, 2)))
            continue
        partners = [i for i, other in enumerate(values) if other.shape == value.shape and not other.index]
        if len(value.shape) > 1 and len(partners) > 1 and draw(st.booleans()):
            kind = draw(st.sampled_from(list(PAIRS)))
            steps.append((kind, (), (number, draw(st.sampled_from(partners)))))
            shape = list(value.shape)
            shape[1] *= 2 if kind == 'concat' else 1
            values.append(Value(shape))
            continue
        kind = draw(st.sampled_from([k for k, row in KINDS.items() if row[0] <= len(value.shape) <= row[1]]))
        options, shapes = KINDS[kind][2](draw, value.shape)
        steps.append((kind, options, (number,)))
        values.extend(Value(shape) for shape in shapes)
    first = len(inputs)
    made = list(range(first, len(values)))
    # What nobody else reads is an output: a graph has no part without use, which the eager network would compute all the same.
    read = {i for _, _, taken in steps for i in taken}
    outputs = sorted({draw(st.sampled_from(made))} | {i for i in made if i not in read})
    return {'inputs': [(x.shape, x.index) for x in inputs], 'steps': steps, 'outputs': outputs,
            'nested': draw(st.booleans()), 'absent': draw(st.booleans())}


class Net(HybridBlock):
    """The network of a recipe."""

    def __init__(self, recipe, **kwargs):
        super().__init__(**kwargs)
        self.recipe = recipe
        self.children = {}
        with self.name_scope():
            for at, (kind, options, _) in enumerate(recipe['steps']):
                if kind in ('embedding', 'scaled'):
                    child = nn.Embedding(5, 2) if kind == 'embedding' else Scaled(at)
                else:
                    child = None if kind in PAIRS or KINDS[kind][3] is None else KINDS[kind][3](options)
                if child is not None:
                    self.register_child(child)
                    self.children[at] = child

    def hybrid_forward(self, F, x, *more):
        flat = [x]
        for item in more:
            flat.extend(item if isinstance(item, (list, tuple)) else () if item is None else [item])
        values = flat
        for at, (kind, options, taken) in enumerate(self.recipe['steps']):
            given = [values[i] for i in taken]
            if at in self.children:
                values.append(self.children[at](*given))
            elif kind in PAIRS:
                values.append(PAIRS[kind](F, *given))
            else:
                values.extend(KINDS[kind][4](F, options, *given))
        outs = [values[i] for i in self.recipe['outputs']]
        if len(outs) == 1:
            return outs[0]
        return [outs[0], outs[1:]] if self.recipe['nested'] else outs


def arguments(recipe, arrays):
    """Return the arguments of a call, nested as the recipe says."""
    first, *rest = arrays
    args = [first]
    if recipe['absent']:
        args.append(None)
    if rest:
        args.extend([rest] if recipe['nested'] else rest)
    return args


def flat(out):
    """Return the arrays of a nested list."""
    return [x for item in out for x in flat(item)] if isinstance(out, (list, tuple)) else [out]
