"""`ParameterDict`: parameters by name, made on request and shared with other blocks."""
import contextlib
import gc

from collections import OrderedDict

import numpy as np

from .. import initializer, ndarray
from ..ndarray import NDArray
from ._parameter import Constant, Parameter
from ._shape import merged
from ._site import describe_site
from ._text import brief_list, indent

__all__ = ['ParameterDict', 'name_clash']

_NAMING_PAGE = 'https://mxnet.io/api/python/docs/tutorials/packages/gluon/blocks/naming.html'
# Keywords of Parameter that are no public attribute; a second `get` must agree with them all the same.
_PRIVATE = {'allow_deferred_init': '_allow_deferred_init', 'differentiable': '_differentiable', 'stype': '_stype',
            'grad_stype': '_grad_stype'}
_PUBLIC = frozenset(('grad_req', 'shape', 'dtype', 'lr_mult', 'wd_mult', 'init'))
_UNIFORM = initializer.Uniform()


def name_clash(name, first, second):
    """Return the error for two parameters of one name, with the places where their blocks were made as a note."""
    error = AssertionError(f"Cannot update self with other because they have different Parameters with the same name '{name}'")
    if first._site is None and second._site is None:
        return error
    error.add_note(f'the first belongs to a block made at {describe_site(first._site)};\n'
                   f'the second belongs to a block made at {describe_site(second._site)}.\n'
                   'Give one of the blocks another prefix (make it inside `with self.name_scope():`), or share the parameters with '
                   '`params=`.')
    return error


@contextlib.contextmanager
def _no_collection(count):
    """Keep the cycle collector from walking thousands of new arrays again and again: all of them stay.

    Afterwards they count as old (that is what freezing and unfreezing does, in no time): the next collection of the young need not
    walk them either. It took 40 % of the time of initialising 10,000 parameters.
    """
    if count < 1000 or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() < 1000:  # (Python 3.12 starts with 375.) Else the program has frozen objects, which must stay so
            gc.freeze()
            gc.unfreeze()
        gc.enable()


class ParameterDict:
    """Parameters by full name, in the order in which they were made.

    Parameters
    ----------
    prefix : str, default ''
        Put before every name that `get` is asked for.
    shared : ParameterDict, optional
        Where `get` looks for a parameter before it makes one. Only that dictionary is searched, not the one that it shares in turn.

    Examples
    --------
    >>> import blockscope as mx
    >>> params = mx.gluon.ParameterDict('fc_')
    >>> weight = params.get('weight', shape=(2, 0))
    >>> params.get('weight', shape=(0, 3)) is weight, weight.name, weight.shape
    (True, 'fc_weight', (2, 3))
    """

    __slots__ = ('__dict__', '__weakref__', '_params', '_prefix', '_shared', '_site')

    def __init__(self, prefix='', shared=None):
        self._prefix = prefix
        self._params = OrderedDict()  # as in MXNet, where programs print its views
        self._shared = shared
        self._site = None

    def __repr__(self):
        name = self._prefix + ' ' if self._prefix else ''
        content = '\n'.join([indent(f'  {param}', 2) for param in self.values()])
        return f'{name}(\n{content}\n)'

    def __getitem__(self, key):
        return self._params[key]

    def __iter__(self):
        return iter(self._params)

    def __len__(self):
        return len(self._params)

    def __bool__(self):
        return True  # MXNet's has no length, so that `if params:` is always true there

    def __contains__(self, key):
        return key in self._params

    def items(self):
        """Return (full name, parameter) pairs."""
        return self._params.items()

    def keys(self):
        """Return full names."""
        return self._params.keys()

    def values(self):
        """Return the parameters."""
        return self._params.values()

    @property
    def prefix(self):
        """What stands before every name that `get` is asked for."""
        return self._prefix

    def _get_impl(self, name):
        param = self._params.get(name)
        if param is None and self._shared is not None:
            shared = self._shared._params  # of a block, where a program passed `params=block`: a ParameterDict itself
            if name in shared:
                param = self._params[name] = shared[name]
        return param

    def get(self, name, **kwargs):
        """Return the parameter `prefix + name`: the dictionary's own, the shared one, or a new one.

        Parameters
        ----------
        name : str
        **kwargs
            What `Parameter` takes. Where the parameter exists already, they must agree with it; unknown sizes of the shape are
            filled in on both sides.

        Raises
        ------
        AssertionError
            The parameter exists and differs in a keyword.
        TypeError
            An unknown keyword.
        """
        name = self._prefix + name
        param = self._params.get(name)
        if param is None and self._shared is not None:
            param = self._get_impl(name)
        if param is None:
            param = Parameter(name, **kwargs)
            param._site = self._site
            self._params[name] = param
        else:
            for key, value in kwargs.items():
                _agree(param, name, key, value)
        return param

    def get_constant(self, name, value=None):
        """Return the constant `prefix + name`: the dictionary's own, the shared one, or a new one with this value.

        Raises
        ------
        KeyError
            There is none, and no value is given.
        AssertionError
            It exists and is no constant, or has another value.
        """
        name = self._prefix + name
        param = self._params.get(name)
        if param is None and self._shared is not None:
            param = self._get_impl(name)
        if param is None:
            if value is None:
                raise KeyError(f"No constant named '{name}'. Please specify value if you want to create a new constant.")
            param = Constant(name, value)
            param._site = self._site
            self._params[name] = param
        elif value is not None:
            if not isinstance(param, Constant):
                raise AssertionError(f"Parameter '{name}' already exists but it is not a constant.")
            value = value.asnumpy() if isinstance(value, NDArray) else np.asarray(value)
            if param.shape != value.shape or not (param.value.asnumpy() == value).all():
                raise AssertionError(f"Constant '{name}' already exists but it's value doesn't match new value")
        return param

    def update(self, other):
        """Take over all parameters of another dictionary; nothing changes where one of them clashes.

        Raises
        ------
        AssertionError
            There is a different parameter of the same name.
        """
        own = self._params
        for name, param in other.items():
            if own.get(name, param) is not param:
                raise name_clash(name, own[name], param)
        own.update(other.items())

    def initialize(self, init=None, ctx=None, verbose=False, force_reinit=False):
        """Make value and gradient arrays of all parameters; where one of them fails, none changes.

        Parameters
        ----------
        init : Initializer or str, default `Uniform()`
            For parameters without an own initializer.
        ctx : Context or list of Context, default the current context
        verbose : bool, default False
            Whether the initializer prints what it did.
        force_reinit : bool, default False
            Whether to start again where there is a value already.
        """
        if init is None:
            init = _UNIFORM
        elif isinstance(init, str):
            init = initializer.create(init)
        if verbose:
            init.set_verbosity(verbose=verbose)
        before = []
        try:
            with _no_collection(len(self._params)):
                for param in self._params.values():
                    before.append((param, param._state()))
                    param.initialize(None, ctx, init, force_reinit=force_reinit)
        except BaseException:
            for param, state in before:
                param._set_state(state)
            raise

    def zero_grad(self):
        """Set all gradients to 0."""
        for param in self._params.values():
            if param.grad_req != 'null':
                param.zero_grad()

    def reset_ctx(self, ctx):
        """Move all parameters to other contexts.

        Parameters
        ----------
        ctx : Context or list of Context, or None for the current context
        """
        for param in self._params.values():
            param.reset_ctx(ctx)

    def list_ctx(self):
        """Return all contexts on which a parameter is initialized."""
        return list(dict.fromkeys([ctx for param in self._params.values() for ctx in param.list_ctx()]))

    def setattr(self, name, value):
        """Set an attribute of all parameters, e.g. `setattr('grad_req', 'null')`."""
        for param in self._params.values():
            setattr(param, name, value)

    def save(self, filename, strip_prefix=''):
        """Write all parameters to a file by their full names.

        Parameters
        ----------
        filename : str
        strip_prefix : str, default ''
            Left out of the names in the file.

        Raises
        ------
        ValueError
            A name does not start with `strip_prefix`.
        """
        arrays = {}
        for param in self._params.values():
            value = param._reduce()
            if not param.name.startswith(strip_prefix):
                raise ValueError(
                    f"Prefix '{strip_prefix}' is to be striped before saving, but Parameter's name '{param.name}' does not start with "
                    f"'{strip_prefix}'. this may be due to your Block shares parameters from other Blocks or you forgot to use 'with "
                    f"name_scope()' when creating child blocks. For more info on naming, please see {_NAMING_PAGE}")
            arrays[param.name[len(strip_prefix):]] = value
        ndarray.save(filename, arrays)

    def load(self, filename, ctx=None, allow_missing=False, ignore_extra=False, restore_prefix='', cast_dtype=False,
             dtype_source='current'):
        """Read parameters from a file by their full names.

        Parameters
        ----------
        filename : str
        ctx : Context or list of Context, optional
            Where to keep replicas; by default where they are, or `cpu(0)`.
        allow_missing : bool, default False
            Whether parameters may be absent from the file.
        ignore_extra : bool, default False
            Whether the file may hold other parameters.
        restore_prefix : str, default ''
            Put before the names in the file.
        cast_dtype : bool, default False
            Whether data types may differ; `dtype_source` ('current' or 'saved') tells which one stays.

        Raises
        ------
        AssertionError
            A name is missing, is not known, or differs in shape or data type.
        """
        for name in self.keys() if restore_prefix else ():
            if not name.startswith(restore_prefix):
                raise AssertionError(f"restore_prefix is '{restore_prefix}' but Parameters name '{name}' does not start with "
                                     f"'{restore_prefix}'. For more info on naming, please see {_NAMING_PAGE}")
        self.load_dict(ndarray.load(filename), ctx, allow_missing, ignore_extra, restore_prefix, filename, cast_dtype, dtype_source)

    def load_dict(self, param_dict, ctx=None, allow_missing=False, ignore_extra=False, restore_prefix='', filename=None,
                  cast_dtype=False, dtype_source='current'):
        """Take parameters from a dictionary of arrays, whose names may start with `arg:` or `aux:`; see `load`."""
        origin = f'file: {filename}' if filename else 'param_dict'
        if isinstance(param_dict, dict):
            pairs = [(key[4:] if key.startswith(('arg:', 'aux:')) else key, value) for key, value in param_dict.items()]
        else:
            pairs = _named_pairs(param_dict, origin)
        arrays = {restore_prefix + key: value for key, value in pairs}
        skip = len(restore_prefix)
        hint = (f'Please make sure source and target networks have the same prefix.For more info on naming, please see {_NAMING_PAGE}')
        for name in () if allow_missing else self.keys():
            if name not in arrays:
                raise AssertionError(f"Parameter '{name[skip:]}' is missing in {origin}, which contains parameters: "
                                     f'{brief_list(arrays)}. {hint}')
        for name in () if ignore_extra else arrays:
            if name not in self._params:
                raise AssertionError(f"Parameter '{name[skip:]}' loaded from {origin} is not present in ParameterDict, choices are: "
                                     f'{brief_list(self._params)}. Set ignore_extra to True to ignore. {hint}')
        load_all([(self._params[name], value) for name, value in arrays.items() if name in self._params],
                 ctx, cast_dtype, dtype_source)


def load_all(pairs, ctx, cast_dtype, dtype_source):
    """Load arrays into parameters, all or none: everything is checked before the first parameter changes."""
    for param, value in pairs:
        param._check_load(value, ctx, cast_dtype, dtype_source)
    for param, value in pairs:
        param._load_init(value, ctx, cast_dtype=cast_dtype, dtype_source=dtype_source)


def _named_pairs(arrays, origin):
    pairs = list(arrays)
    if not all(isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
        raise ValueError(f'{origin} holds a list of arrays without names. Save parameters as a dictionary, e.g. with '
                         'ParameterDict.save or Block.save_parameters.')
    return pairs


def _agree(param, name, key, value):
    """Hold one keyword of a second `get` against the parameter that is there; fill in what one of both leaves open."""
    if key not in _PUBLIC and key not in _PRIVATE:
        raise TypeError(f"Parameter.__init__() got an unexpected keyword argument '{key}'")
    stored = getattr(param, _PRIVATE.get(key, key))
    if value is None or key == 'allow_deferred_init':
        if value:
            param._allow_deferred_init = True
        return
    if stored is None:
        setattr(param, key, (value,) if key == 'shape' and isinstance(value, int) else value)
        return
    if key == 'shape':
        value = (value,) if isinstance(value, int) else value
        shape = merged(value, stored) if len(value) == len(stored) else None
        if shape is not None:
            param._shape = shape
            return
    elif key == 'dtype' and np.dtype(value) == np.dtype(stored):
        return
    if value != stored:
        raise AssertionError(f"Cannot retrieve Parameter '{name}' because desired attribute does not match with stored for attribute "
                             f"'{key}': desired '{value}' vs stored '{stored}'.")
