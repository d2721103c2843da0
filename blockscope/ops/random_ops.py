"""Random numbers: from given parameters, one draw a parameter array element (``_sample_*``), and in the shape of an array.

Every distribution is one function ``draw(random, parameters, shape, dtype)``; parameters are numbers or arrays that broadcast
to the shape.
"""

from functools import partial
from math import prod

from . import registry
from .attributes import DType, Shape, as_dtype
from .inference import first, one_type, type_attribute, unite

operator = partial(registry.operator, random=True)
_FLOAT32 = as_dtype("float32")


# ---- distributions -------------------------------------------------------------------------------------------------------

def _uniform(random, low, high, shape, dtype):
    if hasattr(low, "shape"):
        return low + (high - low) * random.uniform(0.0, 1.0, shape, dtype)
    return random.uniform(low, high, shape, dtype)


def _normal(random, loc, scale, shape, dtype):
    if hasattr(loc, "shape"):
        return loc + scale * random.normal(0.0, 1.0, shape, dtype)
    if scale <= 0:
        raise ValueError("scale parameter in gaussian has to be positive")
    return random.normal(loc, scale, shape, dtype)


def _exponential(random, lam, shape, dtype):
    """Draw with rate `lam`."""
    if hasattr(lam, "shape"):
        return random.exponential(1.0, shape, dtype) / lam
    if lam <= 0:
        raise ValueError("lambda parameter in exponential distribution has to be positive")
    return random.exponential(1.0 / lam, shape, dtype)


def _gamma(random, alpha, beta, shape, dtype):
    """Draw with shape `alpha` and scale `beta`."""
    if not hasattr(alpha, "shape") and (alpha <= 0 or beta <= 0):
        raise ValueError("alpha and beta parameter in gamma distribution have to be positive")
    return random.gamma(alpha, beta, shape, dtype)


def _poisson(random, lam, shape, dtype):
    if not hasattr(lam, "shape") and lam < 0:
        raise ValueError("lambda parameter in poisson distribution has to be non-negative")
    return random.poisson(lam, shape, dtype)


def _negative_binomial(random, k, p, shape, dtype):
    """Draw the number of failures before `k` successes of probability `p`."""
    if not hasattr(k, "shape") and (k < 0 or not 0 <= p <= 1):
        raise ValueError("negative binomial takes k >= 0 and p in [0, 1]")
    return random.poisson(random.gamma(k, 1.0, shape, "float64") * ((1 - p) / p), shape, dtype)


def _generalized_negative_binomial(random, mu, alpha, shape, dtype):
    """Draw with mean `mu` and dispersion `alpha`: a Poisson whose mean is gamma distributed."""
    if hasattr(mu, "shape"):
        spread = alpha + (alpha == 0) * 1e-30
        return random.poisson(random.gamma(1.0 / spread, spread * mu, shape, "float64") * (alpha > 0) + mu * (alpha == 0),
                              shape, dtype)
    if mu < 0 or alpha < 0:
        raise ValueError("generalized negative binomial takes mu >= 0 and alpha >= 0")
    if alpha == 0:
        return random.poisson(mu, shape, dtype)
    return random.poisson(random.gamma(1.0 / alpha, alpha * mu, shape, "float64"), shape, dtype)


def _float_type(dtype):
    if dtype is None:
        return _FLOAT32
    if dtype.kind != "f":
        raise ValueError(f"Invalid Input: '{dtype}', valid values are: {{'None', 'float16', 'float32', 'float64'}}")
    return dtype


# ---- from numbers --------------------------------------------------------------------------------------------------------

def _drawn_shape(_ins, _outs, attrs):
    return (), [attrs["shape"] or (1,)]


def _sampled_shape(ins, outs, attrs):
    shape = None
    drawn = tuple(attrs["shape"])
    for other in [*ins, outs[0] and outs[0][:len(outs[0]) - len(drawn)]]:
        shape = unite(shape, other)
    return [shape] * len(ins), [shape and shape + drawn]


def _sampled_types(ins, outs, attrs):
    return one_type(ins, [], attrs)[0], [_FLOAT32 if attrs["dtype"] is None else attrs["dtype"]]


def _multinomial_shapes(ins, outs, attrs):
    data = ins[0]
    return (), [data and (data[:-1] + tuple(attrs["shape"]) or (1,))] * len(outs)


def _multinomial_types(ins, outs, attrs):
    return (), [attrs["dtype"], ins[0]][:len(outs)]


@operator("_random_uniform", "uniform", "random_uniform", shape_rule=_drawn_shape, type_rule=type_attribute(default="float32"))
def random_uniform(env, *, low: float = 0.0, high: float = 1.0, shape: Shape | None = None, ctx: str = "",
                   dtype: DType | None = None):
    """Draw from ``[low, high)``."""
    return _uniform(env.random, low, high, shape or (1,), _float_type(dtype))


@operator("_random_normal", "normal", "random_normal", shape_rule=_drawn_shape, type_rule=type_attribute(default="float32"))
def random_normal(env, *, loc: float = 0.0, scale: float = 1.0, shape: Shape | None = None, ctx: str = "",
                  dtype: DType | None = None):
    """Draw from a normal distribution with mean `loc` and standard deviation `scale`."""
    return _normal(env.random, loc, scale, shape or (1,), _float_type(dtype))


@operator("_random_exponential", "random_exponential", shape_rule=_drawn_shape, type_rule=type_attribute(default="float32"))
def random_exponential(env, *, lam: float = 1.0, shape: Shape | None = None, ctx: str = "", dtype: DType | None = None):
    """Draw from an exponential distribution of rate `lam`."""
    return _exponential(env.random, lam, shape or (1,), _float_type(dtype))


@operator("_random_gamma", "random_gamma", shape_rule=_drawn_shape, type_rule=type_attribute(default="float32"))
def random_gamma(env, *, alpha: float = 1.0, beta: float = 1.0, shape: Shape | None = None, ctx: str = "",
                 dtype: DType | None = None):
    """Draw from a gamma distribution of shape `alpha` and scale `beta`."""
    return _gamma(env.random, alpha, beta, shape or (1,), _float_type(dtype))


@operator("_random_poisson", "random_poisson", shape_rule=_drawn_shape, type_rule=type_attribute(default="float32"))
def random_poisson(env, *, lam: float = 1.0, shape: Shape | None = None, ctx: str = "", dtype: DType | None = None):
    """Draw from a Poisson distribution of mean `lam`."""
    return _poisson(env.random, lam, shape or (1,), _float_type(dtype))


@operator("_random_negative_binomial", "random_negative_binomial", shape_rule=_drawn_shape, type_rule=type_attribute(default="float32"))
def random_negative_binomial(env, *, k: int = 1, p: float = 1.0, shape: Shape | None = None, ctx: str = "",
                             dtype: DType | None = None):
    """Draw the number of failures before `k` successes of probability `p`."""
    return _negative_binomial(env.random, k, p, shape or (1,), _float_type(dtype))


@operator("_random_generalized_negative_binomial", "random_generalized_negative_binomial",
          shape_rule=_drawn_shape, type_rule=type_attribute(default="float32"))
def random_generalized_negative_binomial(env, *, mu: float = 1.0, alpha: float = 1.0, shape: Shape | None = None, ctx: str = "",
                                         dtype: DType | None = None):
    """Draw from a negative binomial distribution of mean `mu` and dispersion `alpha`."""
    return _generalized_negative_binomial(env.random, mu, alpha, shape or (1,), _float_type(dtype))


@operator("_random_randint", "random_randint", shape_rule=_drawn_shape, type_rule=type_attribute(default="int32"))
def random_randint(env, *, low: int, high: int, shape: Shape | None = None, ctx: str = "", dtype: DType | None = None):
    """Draw integers from ``[low, high)``."""
    if dtype is not None and dtype.name not in ("int32", "int64"):
        raise ValueError(f"Invalid Input: '{dtype}', valid values are: {{'None', 'int32', 'int64'}}")
    return env.random.integers(low, high, shape or (1,), dtype or "int32")


# ---- from arrays of parameters ---------------------------------------------------------------------------------------------

def _over(parameters, shape, dtype):
    """Return parameters with axes for the draws of each, the shape of the result, and its dtype."""
    first = parameters[0]
    for other in parameters[1:]:
        if other.shape != first.shape:
            raise ValueError(f"parameter arrays must have one shape, but got {first.shape} and {other.shape}")
    kind = dtype if dtype is not None else first.dtype if first.dtype.kind == "f" else _FLOAT32
    kind = _float_type(kind)
    spread = [p.reshape(p.shape + (1,) * len(shape)).astype(kind) for p in parameters]
    return spread, first.shape + shape, kind


@operator("_sample_uniform", "sample_uniform", shape_rule=_sampled_shape, type_rule=_sampled_types)
def sample_uniform(env, low, high, *, shape: Shape = (), dtype: DType | None = None):
    """Draw from ``[low, high)`` for every pair of elements."""
    (low, high), target, dtype = _over((low, high), shape, dtype)
    return _uniform(env.random, low, high, target, dtype)


@operator("_sample_normal", "sample_normal", shape_rule=_sampled_shape, type_rule=_sampled_types)
def sample_normal(env, mu, sigma, *, shape: Shape = (), dtype: DType | None = None):
    """Draw from normal distributions."""
    (mu, sigma), target, dtype = _over((mu, sigma), shape, dtype)
    return _normal(env.random, mu, sigma, target, dtype)


@operator("_sample_exponential", "sample_exponential", shape_rule=_sampled_shape, type_rule=_sampled_types)
def sample_exponential(env, lam, *, shape: Shape = (), dtype: DType | None = None):
    """Draw from exponential distributions of rates `lam`."""
    (lam,), target, dtype = _over((lam,), shape, dtype)
    return _exponential(env.random, lam, target, dtype)


@operator("_sample_gamma", "sample_gamma", shape_rule=_sampled_shape, type_rule=_sampled_types)
def sample_gamma(env, alpha, beta, *, shape: Shape = (), dtype: DType | None = None):
    """Draw from gamma distributions."""
    (alpha, beta), target, dtype = _over((alpha, beta), shape, dtype)
    return _gamma(env.random, alpha, beta, target, dtype)


@operator("_sample_poisson", "sample_poisson", shape_rule=_sampled_shape, type_rule=_sampled_types)
def sample_poisson(env, lam, *, shape: Shape = (), dtype: DType | None = None):
    """Draw from Poisson distributions."""
    (lam,), target, dtype = _over((lam,), shape, dtype)
    return _poisson(env.random, lam, target, dtype)


@operator("_sample_negative_binomial", "sample_negative_binomial", shape_rule=_sampled_shape, type_rule=_sampled_types)
def sample_negative_binomial(env, k, p, *, shape: Shape = (), dtype: DType | None = None):
    """Draw from negative binomial distributions."""
    (k, p), target, dtype = _over((k, p), shape, dtype)
    return _negative_binomial(env.random, k, p, target, dtype)


@operator("_sample_generalized_negative_binomial", "sample_generalized_negative_binomial",
          shape_rule=_sampled_shape, type_rule=_sampled_types)
def sample_generalized_negative_binomial(env, mu, alpha, *, shape: Shape = (), dtype: DType | None = None):
    """Draw from negative binomial distributions of means `mu` and dispersions `alpha`."""
    (mu, alpha), target, dtype = _over((mu, alpha), shape, dtype)
    return _generalized_negative_binomial(env.random, mu, alpha, target, dtype)


@operator("_sample_multinomial", "sample_multinomial", outputs=lambda get_prob, **_: 2 if get_prob else 1,
          shape_rule=_multinomial_shapes, type_rule=_multinomial_types)
def sample_multinomial(env, data, *, shape: Shape = (), get_prob: bool = False,
                       dtype: DType = "int32"):
    """Draw indices with the probabilities in the last axis; with `get_prob` also the logarithm of their probability."""
    xp = env.xp
    rows = data.reshape((-1, data.shape[-1]))
    draws = prod(shape)
    ends = xp.cumsum(rows, axis=1, dtype="float64")
    points = env.random.uniform(0.0, 1.0, (rows.shape[0], draws), "float64") * ends[:, -1:]
    # One search over all rows: row r lies in [2r, 2r + 1].
    scaled = ends / ends[:, -1:] + 2.0 * xp.arange(rows.shape[0]).reshape((-1, 1))
    found = xp.searchsorted(scaled.reshape((-1,)), (points / ends[:, -1:] + scaled[:, -1:] - 1.0).reshape((-1,)), side="right")
    index = found.reshape((-1, draws)) - xp.arange(rows.shape[0]).reshape((-1, 1)) * rows.shape[1]
    index = xp.clip(index, 0, rows.shape[1] - 1)
    target = data.shape[:-1] + shape or (1,)
    sample = index.reshape(target).astype(dtype)
    if not get_prob:
        return sample
    return sample, xp.log(xp.take_along_axis(rows, index, 1)).reshape(target)


@sample_multinomial.gradient
def _(F, dy, y, data, *, shape, get_prob, dtype):
    if not get_prob:
        return (lambda: F.zeros_like(data),)
    return (lambda: F._backward_sample_multinomial(dy[1], y[0], data),)


@operator("_backward_sample_multinomial")
def backward_sample_multinomial(env, head, sample, data):
    """Return the gradient of the probabilities from that of the logarithms of those that were drawn."""
    xp = env.xp
    rows = data.reshape((-1, data.shape[-1]))
    index = sample.reshape((rows.shape[0], -1)).astype("int64")
    total = xp.zeros(rows.shape, data.dtype)
    where = (xp.arange(rows.shape[0]).reshape((-1, 1)), index)
    env.add_at(total, where, head.reshape(index.shape) / rows[where])
    return total.reshape(data.shape)


# ---- in the shape of an array, and order ------------------------------------------------------------------------------------

@operator("_random_uniform_like", shape_rule=first)
def uniform_like(env, data, *, low: float = 0.0, high: float = 1.0):
    """Draw from ``[low, high)`` in the shape and type of data."""
    return _uniform(env.random, low, high, data.shape, _float_type(data.dtype))


@operator("_random_normal_like", shape_rule=first)
def normal_like(env, data, *, loc: float = 0.0, scale: float = 1.0):
    """Draw from a normal distribution in the shape and type of data."""
    return _normal(env.random, loc, scale, data.shape, _float_type(data.dtype))


@operator("_random_exponential_like", shape_rule=first)
def exponential_like(env, data, *, lam: float = 1.0):
    """Draw from an exponential distribution in the shape and type of data."""
    return _exponential(env.random, lam, data.shape, _float_type(data.dtype))


@operator("_random_gamma_like", shape_rule=first)
def gamma_like(env, data, *, alpha: float = 1.0, beta: float = 1.0):
    """Draw from a gamma distribution in the shape and type of data."""
    return _gamma(env.random, alpha, beta, data.shape, _float_type(data.dtype))


@operator("_random_poisson_like", shape_rule=first)
def poisson_like(env, data, *, lam: float = 1.0):
    """Draw from a Poisson distribution in the shape and type of data."""
    return _poisson(env.random, lam, data.shape, _float_type(data.dtype))


@operator("_random_negative_binomial_like", shape_rule=first)
def negative_binomial_like(env, data, *, k: int = 1, p: float = 1.0):
    """Draw from a negative binomial distribution in the shape and type of data."""
    return _negative_binomial(env.random, k, p, data.shape, _float_type(data.dtype))


@operator("_random_generalized_negative_binomial_like", shape_rule=first)
def generalized_negative_binomial_like(env, data, *, mu: float = 1.0, alpha: float = 1.0):
    """Draw from a generalized negative binomial distribution in the shape and type of data."""
    return _generalized_negative_binomial(env.random, mu, alpha, data.shape, _float_type(data.dtype))


@operator("_shuffle", "shuffle", shape_rule=first)
def shuffle(env, data):
    """Return the slices of axis 0 in random order."""
    return env.xp.take(data, env.random.permutation(data.shape[0]), axis=0)


def _stop(F, dy, _y, _data, **_attrs):
    return (lambda: F.zeros_like(dy),)


for _op in (uniform_like, normal_like, exponential_like, gamma_like, poisson_like, negative_binomial_like,
            generalized_negative_binomial_like):
    _op.gradient(_stop)


def _stop_one(F, dy, _y, _first, **_attrs):
    return (lambda: F.zeros_like(_first),)


def _stop_two(F, dy, _y, _first, _second, **_attrs):
    return (lambda: F.zeros_like(_first)), (lambda: F.zeros_like(_second))


# Draws don't pass gradients to the parameters: a reparameterised draw (mu + sigma * normal()) does.
for _op in (sample_exponential, sample_poisson):
    _op.gradient(_stop_one)
for _op in (sample_uniform, sample_normal, sample_gamma, sample_negative_binomial, sample_generalized_negative_binomial):
    _op.gradient(_stop_two)
