"""Initial values of parameters (``mx.init``, ``mx.initializer``).

An initializer is called with a description of the parameter (its name, `InitDesc`) and the array to fill.  Gluon always asks for
the *weight* rule, whatever the name ends with: what a bias or a running mean starts from is its own initializer.  Symbols choose
the rule by the end of the name.  Random numbers come from the random state of the array's context.
"""
import json
import logging
import math
import re

import numpy as np

from ._initial_base import InitDesc, Initializer, alias, bilinear, create, put, put_raw, random_of, register
from .errors import MXNetError
from .ndarray import NDArray, load

__all__ = ["Bilinear", "Constant", "FusedRNN", "InitDesc", "Initializer", "LSTMBias", "Load", "MSRAPrelu", "Mixed", "Normal",
           "One", "Orthogonal", "Uniform", "Xavier", "Zero", "alias", "create", "register"]


class Load(Initializer):
    """Take initial values from a file or a dictionary, by name.

    Parameters
    ----------
    param : str or dict of str to NDArray
        The file, or the arrays; a leading ``arg:`` or ``aux:`` of names is dropped.
    default_init : Initializer, optional
        For names that are not there.
    verbose : bool
        Log where each value came from.
    """

    def __init__(self, param, default_init=None, verbose=False):
        super().__init__()
        if isinstance(param, str):
            param = load(param)
        if not isinstance(param, dict):
            raise AssertionError("param must be a file of named arrays or a dict of str to NDArray")
        self.param = {name[4:] if name.startswith(("arg:", "aux:")) else name: arr for name, arr in param.items()}
        self.default_init = default_init
        self.verbose = verbose

    def __call__(self, name, arr):
        """Fill an array, by the rule for `name` where it is not among the loaded ones."""
        if not self._loaded(name, arr):
            self.default_init(name, arr)

    def _init_weight(self, name, arr):
        if not self._loaded(name, arr):
            create(self.default_init)._init_weight(name, arr)

    def _loaded(self, name, arr):
        source = self.param.get(name)
        if source is None and self.default_init is None:
            raise AssertionError(f"Cannot Initialize {name}. Not found in loaded param and no default Initializer is provided.")
        if source is not None:
            if arr.shape != source.shape:
                raise AssertionError(f"Parameter {name} cannot be initialized from loading. Shape mismatch, target {arr.shape} vs "
                                     f"loaded {source.shape}")
            arr[:] = source
        if self.verbose:
            logging.info("Initialized %s by %s", name, "default" if source is None else "loading")
        return source is not None

    def dumps(self):
        """Raise: arrays have no place in JSON text."""
        raise MXNetError("Load cannot be written as text: it holds arrays")


class Mixed(Initializer):
    """Choose among initializers by matching the parameter's name against patterns, in order.

    Parameters
    ----------
    patterns : list of str
        Regular expressions, which match from the start of a name.
    initializers : list of Initializer
        What to use for each.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.gluon.nn.Dense(2, in_units=2, bias_initializer=None)
    >>> net.initialize(mx.init.Mixed(['.*bias', '.*'], [mx.init.Constant(3), mx.init.One()]))
    >>> net.bias.data().asnumpy()
    array([3., 3.], dtype=float32)
    """

    def __init__(self, patterns, initializers):
        super().__init__()
        if len(patterns) != len(initializers):
            raise AssertionError(f"{len(patterns)} patterns cannot take {len(initializers)} initializers")
        self.map = [(re.compile(p), init) for p, init in zip(patterns, initializers)]

    def __call__(self, name, arr):
        """Fill an array by the initializer whose pattern matches first."""
        self._chosen(name)(name, arr)

    def _init_weight(self, name, arr):
        create(self._chosen(name))._init_weight(name, arr)

    def _chosen(self, name):
        for pattern, init in self.map:
            if pattern.match(name):
                return init
        raise ValueError(f'Parameter name {name} did not match any pattern. Consider adding a ".*" pattern at the end with default '
                         'Initializer.')

    def dumps(self):
        """Raise: MXNet has no text for it."""
        raise MXNetError("Mixed cannot be written as text: give each parameter its own initializer instead")


@register
@alias("zeros")
class Zero(Initializer):
    """Fill with zeros.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.init.create('zeros') == mx.init.Zero()
    True
    """

    def __init__(self):
        super().__init__()

    def _init_weight(self, _, arr):
        arr._assign(0)


@register
@alias("ones")
class One(Initializer):
    """Fill with ones."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, _, arr):
        arr._assign(1)


@register
class Constant(Initializer):
    """Fill with a number, or with the values of an array.

    Parameters
    ----------
    value : float, array_like or NDArray
        The number, or values that broadcast to the parameter's shape.
    """

    def __init__(self, value):
        super().__init__(value=value)
        self.value = value

    def _init_weight(self, _, arr):
        if isinstance(self.value, NDArray):
            arr[:] = self.value
        else:
            put(arr, self.value)

    def dumps(self):
        """Return JSON text; an array becomes nested lists."""
        value = self._kwargs["value"]
        return json.dumps([self.__class__.__name__.lower(), {"value": value.tolist() if hasattr(value, "tolist") else value}])


@register
class Uniform(Initializer):
    """Draw from the uniform distribution over ``[-scale, scale)``.

    Parameters
    ----------
    scale : float, default 0.07
        Bound of the values.
    """

    def __init__(self, scale=0.07):
        super().__init__(scale=scale)
        self.scale = scale

    def _init_weight(self, _, arr):
        raw = arr._raw
        arr._fill(arr._ctx._random_state().uniform(-self.scale, self.scale, raw.shape, raw.dtype))


@register
class Normal(Initializer):
    """Draw from the normal distribution of mean 0.

    Parameters
    ----------
    sigma : float, default 0.01
        Standard deviation.
    """

    def __init__(self, sigma=0.01):
        super().__init__(sigma=sigma)
        self.sigma = sigma

    def _init_weight(self, _, arr):
        raw = arr._raw
        arr._fill(arr._ctx._random_state().normal(0, self.sigma, raw.shape, raw.dtype))


@register
class Orthogonal(Initializer):
    """Make rows (or columns, whichever are fewer) orthogonal, each of length `scale`.

    Parameters
    ----------
    scale : float, default 1.414
        Length.
    rand_type : {'uniform', 'normal'}
        Distribution of the random matrix whose singular vectors are taken.

    References
    ----------
    Saxe, McClelland, Ganguli: Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, 2013.
    """

    def __init__(self, scale=1.414, rand_type="uniform"):
        super().__init__(scale=scale, rand_type=rand_type)
        self.scale = scale
        self.rand_type = rand_type

    def _init_weight(self, name, arr):
        shape = (arr.shape[0], math.prod(arr.shape[1:]))
        if self.rand_type == "uniform":
            drawn = random_of(arr).uniform(-1.0, 1.0, shape, "float32")
        elif self.rand_type == "normal":
            drawn = random_of(arr).normal(0.0, 1.0, shape, "float32")
        else:
            raise ValueError(f"Unknown random type {self.rand_type!r} of the Orthogonal initializer: use 'uniform' or 'normal'")
        u, _, v = np.linalg.svd(arr._ctx._backend.to_host(drawn), full_matrices=False)
        put(arr, self.scale * (u if u.shape == shape else v).reshape(arr.shape))


@register
class Xavier(Initializer):
    """Draw with a spread that keeps the size of values and gradients alike through layers.

    With ``c = sqrt(magnitude / factor)``, values are uniform over ``[-c, c)``, or normal with standard deviation c.

    Parameters
    ----------
    rnd_type : {'uniform', 'gaussian'}
        Distribution.
    factor_type : {'avg', 'in', 'out'}
        The factor: number of inputs, of outputs, or their mean (each counted over the whole kernel).
    magnitude : float, default 3
        Scale.

    References
    ----------
    Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010.
    """

    def __init__(self, rnd_type="uniform", factor_type="avg", magnitude=3):
        super().__init__(rnd_type=rnd_type, factor_type=factor_type, magnitude=magnitude)
        self.rnd_type = rnd_type
        self.factor_type = factor_type
        self.magnitude = float(magnitude)

    def _init_weight(self, name, arr):
        raw = arr._raw
        shape = raw.shape
        if len(shape) < 2:
            raise ValueError(f"Xavier initializer cannot be applied to vector {name}. It requires at least 2D.")
        kernel = math.prod(shape[2:])
        fan_in, fan_out = shape[1] * kernel, shape[0] * kernel
        factors = {"avg": (fan_in + fan_out) / 2.0, "in": fan_in, "out": fan_out}
        if self.factor_type not in factors:
            raise ValueError("Incorrect factor type")
        scale = math.sqrt(self.magnitude / factors[self.factor_type])
        random = arr._ctx._random_state()
        if self.rnd_type == "uniform":
            drawn = random.uniform(-scale, scale, shape, raw.dtype)
        elif self.rnd_type == "gaussian":
            drawn = random.normal(0, scale, shape, raw.dtype)
        else:
            raise ValueError("Unknown random type")
        put_raw(arr, drawn)


@register
class MSRAPrelu(Xavier):
    """Draw normal values with the spread that suits layers followed by a (leaky) rectifier.

    Parameters
    ----------
    factor_type : {'avg', 'in', 'out'}
        See `Xavier`.
    slope : float, default 0.25
        Slope of the rectifier for negative values.

    References
    ----------
    He, Zhang, Ren, Sun: Delving deep into rectifiers, 2015.
    """

    def __init__(self, factor_type="avg", slope=0.25):
        super().__init__("gaussian", factor_type, 2. / (1 + slope ** 2))
        self._kwargs = {"factor_type": factor_type, "slope": slope}


@register
class Bilinear(Initializer):
    """Fill the kernel of a deconvolution so that it interpolates bilinearly."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, name, arr):
        put(arr, bilinear(name, arr.shape))


@register
class LSTMBias(Initializer):
    """Fill the bias of an LSTM with zeros, and with another value for the forget gate (the second quarter).

    Parameters
    ----------
    forget_bias : float, default 1.0
        Bias of the forget gate.
    """

    def __init__(self, forget_bias=1.0):
        super().__init__(forget_bias=forget_bias)
        self.forget_bias = forget_bias

    def _init_weight(self, _, arr):
        hidden = arr.shape[0] // 4
        arr[:] = 0.0
        arr[hidden:2 * hidden] = self.forget_bias


@register
class FusedRNN(Initializer):
    """Initialize the parameters of a fused recurrent layer of the older ``mx.rnn`` cells.

    Parameters
    ----------
    init : Initializer or str
        For the unpacked weights; None falls back to the global initializer.
    num_hidden, num_layers : int
        Sizes of the layer.
    mode : {'rnn_relu', 'rnn_tanh', 'lstm', 'gru'}
        Kind of layer.
    bidirectional : bool
        Whether it runs both ways.
    forget_bias : float
        Bias of the forget gate of an LSTM.
    """

    def __init__(self, init, num_hidden, num_layers, mode, bidirectional=False, forget_bias=1.0):
        if isinstance(init, str):
            init = create(init)
        super().__init__(init=init.dumps() if init is not None else None, num_hidden=num_hidden, num_layers=num_layers, mode=mode,
                         bidirectional=bidirectional, forget_bias=forget_bias)
        self._init = init
        self._num_hidden = num_hidden
        self._num_layers = num_layers
        self._mode = mode
        self._bidirectional = bidirectional
        self._forget_bias = forget_bias

    def _init_weight(self, name, arr):
        raise MXNetError(f"cannot initialize {name} with FusedRNN: it belongs to the symbolic cells of mx.rnn, which blockscope does "
                         "not have yet. Gluon's recurrent layers take i2h_weight_initializer and the like.")


for _class in (InitDesc, Initializer):
    _class.__module__ = __name__  # messages and pickles name the public home
