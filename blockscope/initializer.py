"""Initial values of parameters (``mx.init``, ``mx.initializer``).

An initializer is called with a description of the parameter (its name, `InitDesc`) and the array to fill.  Gluon always asks for
the *weight* rule, whatever the name ends with: what a bias or a running mean starts from is its own initializer.  Symbols choose
the rule by the end of the name.  Random numbers come from the random state of the array's context.
"""
import json
import logging
import math
import re
import warnings

import numpy as np

from . import registry
from .errors import MXNetError
from .ndarray import NDArray, load

__all__ = ["Bilinear", "Constant", "FusedRNN", "InitDesc", "Initializer", "LSTMBias", "Load", "MSRAPrelu", "Mixed", "Normal",
           "One", "Orthogonal", "Uniform", "Xavier", "Zero", "alias", "create", "register"]


class InitDesc(str):
    """Name of a parameter to initialize, with its attributes.

    Parameters
    ----------
    name : str
        Name of the parameter.
    attrs : dict of str to str, optional
        Attributes; ``attrs['__init__']`` is the parameter's own initializer, whose weight rule is then used.
    global_init : Initializer, optional
        What to fall back to.
    """

    def __new__(cls, name, attrs=None, global_init=None):
        made = str.__new__(cls, name)
        made.attrs = attrs or {}
        made.global_init = global_init
        return made


# Which rule a name selects, first match wins.
_BY_SUFFIX = (("weight", "_init_weight"), ("bias", "_init_bias"), ("gamma", "_init_gamma"), ("beta", "_init_beta"),
              ("min", "_init_zero"), ("max", "_init_one"), ("weight_quantize", "_init_quantized_weight"),
              ("bias_quantize", "_init_quantized_bias"))
_BY_LEGACY_SUFFIX = (("bias", "_init_bias"), ("gamma", "_init_gamma"), ("beta", "_init_beta"), ("weight", "_init_weight"),
                     ("moving_mean", "_init_zero"), ("moving_var", "_init_one"), ("moving_inv_var", "_init_zero"),
                     ("moving_avg", "_init_zero"), ("min", "_init_zero"), ("max", "_init_one"))


class Initializer:
    """Base class: a subclass defines `_init_weight`, and passes its arguments to ``super().__init__`` for `dumps`.

    Parameters
    ----------
    **kwargs
        Arguments that make an equal initializer.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Twos(mx.init.Initializer):
    ...     def _init_weight(self, name, arr):
    ...         arr[:] = 2
    >>> p = mx.gluon.Parameter('w', shape=(2,), init=Twos())
    >>> p.initialize()
    >>> p.data().asnumpy()
    array([2., 2.], dtype=float32)
    """

    _verbose = False
    _print_func = None

    def __init__(self, **kwargs):
        self._kwargs = kwargs

    def set_verbosity(self, verbose=False, print_func=None):
        """Log every array that is initialized, with a number that `print_func` makes of it.

        Parameters
        ----------
        verbose : bool
            Whether to log.
        print_func : callable, optional
            From an NDArray to text; its root mean square by default.
        """
        self._verbose = verbose
        self._print_func = _root_mean_square if print_func is None else print_func
        return self

    def _verbose_print(self, desc, init, arr):
        if self._verbose and self._print_func:
            logging.info("Initialized %s as %s: %s", desc, init, self._print_func(arr))

    def dumps(self):
        """Return JSON text that `create` makes an equal initializer of.

        Examples
        --------
        >>> import blockscope as mx
        >>> mx.init.Normal(0.5).dumps()
        '["normal", {"sigma": 0.5}]'
        """
        return json.dumps([self.__class__.__name__.lower(), self._kwargs])

    def __call__(self, desc, arr):
        """Fill an array.

        Parameters
        ----------
        desc : InitDesc
            Name and attributes of the parameter.
        arr : NDArray
            What to fill.

        Raises
        ------
        ValueError
            If neither an own initializer nor the end of the name says which rule to use.
        """
        if not isinstance(desc, InitDesc):
            self._legacy_init(desc, arr)
            return
        if desc.global_init is None:
            desc.global_init = self
        init = desc.attrs.get("__init__")
        if init:
            if not isinstance(init, Initializer):
                init = create(init)
            init._init_weight(desc, arr)
            if self._verbose:
                self._verbose_print(desc, desc.attrs["__init__"], arr)
            return
        for suffix, rule in _BY_SUFFIX:
            if desc.endswith(suffix):
                getattr(self, rule)(desc, arr)
                self._verbose_print(desc, suffix, arr)
                return
        self._init_default(desc, arr)

    def _legacy_init(self, name, arr):
        warnings.warn("\033[91mCalling initializer with init(str, NDArray) has been deprecated."
                      "please use init(mx.init.InitDesc(...), NDArray) instead.\033[0m", DeprecationWarning, stacklevel=3)
        if not isinstance(name, str):
            raise TypeError("name must be string")
        if not isinstance(arr, NDArray):
            raise TypeError("arr must be NDArray")
        if name.startswith("upsampling"):
            self._init_bilinear(name, arr)
        elif name.startswith("stn_loc") and name.endswith("weight"):
            self._init_zero(name, arr)
        elif name.startswith("stn_loc") and name.endswith("bias"):
            self._init_loc_bias(name, arr)
        else:
            rule = next((rule for suffix, rule in _BY_LEGACY_SUFFIX if name.endswith(suffix)), "_init_default")
            getattr(self, rule)(name, arr)

    def _init_bilinear(self, name, arr):
        _put(arr, _bilinear(name, arr.shape))

    def _init_loc_bias(self, name, arr):
        if arr.shape[0] != 6:
            raise AssertionError(f"{name}: the bias of a localisation network has 6 elements, not shape {arr.shape}")
        _put(arr, [1.0, 0, 0, 0, 1.0, 0])

    def _init_zero(self, _, arr):
        _put(arr, 0)

    def _init_one(self, _, arr):
        _put(arr, 1)

    def _init_bias(self, _, arr):
        _put(arr, 0)

    def _init_quantized_bias(self, _, arr):
        _put(arr, 0)

    def _init_gamma(self, _, arr):
        _put(arr, 1)

    def _init_beta(self, _, arr):
        _put(arr, 0)

    def _init_weight(self, name, arr):
        """Fill a weight: every initializer defines this."""
        raise NotImplementedError("Must override it")

    def _init_quantized_weight(self, _, arr):
        _put_raw(arr, _random(arr).integers(-127, 127, arr.shape, "int8"))

    def _init_default(self, name, _):
        raise ValueError(
            f'Unknown initialization pattern for {name}. Default initialization is now limited to "weight", "bias", "gamma" (1.0), '
            'and "beta" (0.0).Please use mx.sym.Variable(init=mx.init.*) to set initialization pattern')

    def __eq__(self, other):
        if not isinstance(other, Initializer):
            return NotImplemented
        return type(self) is type(other) and self._kwargs == other._kwargs

    __hash__ = None


def _root_mean_square(arr):
    values = arr.asnumpy()
    return str(np.linalg.norm(values.ravel()) / math.sqrt(values.size))


def _random(arr):
    return arr._ctx._random_state()


def _put(arr, value):
    """Overwrite an array by a number, or by host values of its shape."""
    if value.__class__ is int or value.__class__ is float:
        arr._assign(value)
    else:
        host = np.broadcast_to(np.asarray(value, dtype=arr.dtype), arr.shape)
        _put_raw(arr, arr._ctx._backend.from_host(host, arr._ctx.device_id))


def _put_raw(arr, raw):
    """Overwrite an array by a raw array of its device."""
    arr._assign(NDArray(raw, arr._ctx))


_register = registry.get_register_func(Initializer, "initializer")
alias = registry.get_alias_func(Initializer, "initializer")
create = registry.get_create_func(Initializer, "initializer")


def register(klass):
    """Register a subclass of `Initializer`, so that it can be named by its lower-case class name.

    Examples
    --------
    >>> import blockscope as mx
    >>> @mx.init.register
    ... class Threes(mx.init.Initializer):
    ...     def _init_weight(self, name, arr):
    ...         arr[:] = 3
    >>> p = mx.gluon.Parameter('w', shape=(2,))
    >>> p.initialize('threes')
    >>> p.data().asnumpy()
    array([3., 3.], dtype=float32)
    """
    return _register(klass)


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
            _put(arr, self.value)

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
        arr._assign(NDArray(arr._ctx._random_state().uniform(-self.scale, self.scale, raw.shape, raw.dtype), arr._ctx))


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
        arr._assign(NDArray(arr._ctx._random_state().normal(0, self.sigma, raw.shape, raw.dtype), arr._ctx))


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
            drawn = _random(arr).uniform(-1.0, 1.0, shape, "float32")
        elif self.rand_type == "normal":
            drawn = _random(arr).normal(0.0, 1.0, shape, "float32")
        else:
            raise ValueError(f"Unknown random type {self.rand_type!r} of the Orthogonal initializer: use 'uniform' or 'normal'")
        u, _, v = np.linalg.svd(arr._ctx._backend.to_host(drawn), full_matrices=False)
        _put(arr, self.scale * (u if u.shape == shape else v).reshape(arr.shape))


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
        _put_raw(arr, drawn)


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


def _bilinear(name, shape):
    """Return the kernel that interpolates bilinearly, the same for all channels."""
    if len(shape) != 4:
        raise ValueError(f"the Bilinear initializer needs a weight of shape (channels, channels, height, width); {name} has {shape}")
    # As in MXNet, the width sets the spread in both directions.
    half = math.ceil(shape[3] / 2.)
    centre = (2 * half - 1 - half % 2) / (2. * half)
    across = 1 - np.abs(np.arange(shape[3]) / half - centre)
    down = 1 - np.abs(np.arange(shape[2]) / half - centre)
    return np.broadcast_to(down[:, None] * across, shape)


@register
class Bilinear(Initializer):
    """Fill the kernel of a deconvolution so that it interpolates bilinearly."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, name, arr):
        _put(arr, _bilinear(name, arr.shape))


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
