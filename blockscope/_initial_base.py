"""`Initializer`, the rules it chooses from, and the registry; `initializer` is the public home."""
import json
import logging
import math
import warnings

import numpy as np

from . import registry
from .ndarray import NDArray

__all__ = ["InitDesc", "Initializer", "alias", "bilinear", "create", "put", "put_raw", "random_of", "register"]


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
_made: dict = {}


def _named(text):
    """Return the initializer of a name, made once: a net of thousands of biases asks for ``'zeros'`` each time."""
    found = _made.get(text) if text.__class__ is str else None
    if found is not None and registry.registered(Initializer, text) is found.__class__:
        return found
    found = create(text)
    if text.__class__ is str and text[:1] not in ("[", "{"):
        _made[text] = found
    return found


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
                init = _named(init)
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
        put(arr, bilinear(name, arr.shape))

    def _init_loc_bias(self, name, arr):
        if arr.shape[0] != 6:
            raise AssertionError(f"{name}: the bias of a localisation network has 6 elements, not shape {arr.shape}")
        put(arr, [1.0, 0, 0, 0, 1.0, 0])

    def _init_zero(self, _, arr):
        put(arr, 0)

    def _init_one(self, _, arr):
        put(arr, 1)

    def _init_bias(self, _, arr):
        put(arr, 0)

    def _init_quantized_bias(self, _, arr):
        put(arr, 0)

    def _init_gamma(self, _, arr):
        put(arr, 1)

    def _init_beta(self, _, arr):
        put(arr, 0)

    def _init_weight(self, name, arr):
        """Fill a weight: every initializer defines this."""
        raise NotImplementedError("Must override it")

    def _init_quantized_weight(self, _, arr):
        put_raw(arr, random_of(arr).integers(-127, 127, arr.shape, "int8"))

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


def random_of(arr):
    return arr._ctx._random_state()


def put(arr, value):
    """Overwrite an array by a number, or by host values of its shape."""
    if value.__class__ is int or value.__class__ is float:
        arr._assign(value)
    else:
        host = np.broadcast_to(np.asarray(value, dtype=arr.dtype), arr.shape)
        put_raw(arr, arr._ctx._backend.from_host(host, arr._ctx.device_id))


def put_raw(arr, raw):
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


def bilinear(name, shape):
    """Return the kernel that interpolates bilinearly, the same for all channels."""
    if len(shape) != 4:
        raise ValueError(f"the Bilinear initializer needs a weight of shape (channels, channels, height, width); {name} has {shape}")
    # As in MXNet, the width sets the spread in both directions.
    half = math.ceil(shape[3] / 2.)
    centre = (2 * half - 1 - half % 2) / (2. * half)
    across = 1 - np.abs(np.arange(shape[3]) / half - centre)
    down = 1 - np.abs(np.arange(shape[2]) / half - centre)
    return np.broadcast_to(down[:, None] * across, shape)
