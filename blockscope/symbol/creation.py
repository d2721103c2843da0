"""Symbols made of nothing: variables, groups, constant arrays, and graphs read from files."""
from ..formats.params import DTYPE_FLAGS, STYPE_FLAGS
from ..naming.attr_scope import AttrScope
from ..ops.attributes import as_dtype
from . import files
from .compose import hidden_key
from .functions import function
from .node import Node
from .symbol import Symbol

__all__ = ['Group', 'Variable', 'arange', 'eye', 'fromjson', 'full', 'linspace', 'load', 'load_json', 'ones', 'var', 'zeros']


def var(name, attr=None, shape=None, lr_mult=None, wd_mult=None, dtype=None, init=None, stype=None, **kwargs):
    """Return a variable.

    Parameters
    ----------
    name : str
        Its name; name managers don't touch it.
    attr : dict of str to str, optional
        Annotations.
    shape : tuple of int, optional
        0 stands for an unknown length.
    lr_mult, wd_mult : float, optional
        Multipliers for the trainer.
    dtype : str or numpy.dtype, optional
    init : Initializer or str, optional
    stype : str, optional
        'default', 'row_sparse' or 'csr'.
    **kwargs
        Further annotations, `__like_this__`.

    Examples
    --------
    >>> var('w', shape=(2, 0), lr_mult=.5).list_attr()
    {'__shape__': '(2, 0)', '__lr_mult__': '0.5', 'lr_mult': '0.5'}
    """
    if not isinstance(name, str):
        raise TypeError('Expect a string for variable `name`')
    attrs = dict(AttrScope._current.value.get(attr))
    if shape is not None:
        attrs['__shape__'] = str(shape)
    if lr_mult is not None:
        attrs['__lr_mult__'] = str(lr_mult)
    if wd_mult is not None:
        attrs['__wd_mult__'] = str(wd_mult)
    if dtype is not None:
        attrs['__dtype__'] = str(DTYPE_FLAGS[as_dtype(dtype)])
    if init is not None:
        attrs['__init__'] = init if isinstance(init, str) else init.dumps()
    if stype is not None:
        if stype not in STYPE_FLAGS:
            raise ValueError(f'stype must be one of {list(STYPE_FLAGS)}, but got {stype!r}')
        attrs['__storage_type__'] = str(STYPE_FLAGS[stype])
    for key, value in kwargs.items():
        if not (key.startswith('__') and key.endswith('__')):
            raise ValueError(f'Attribute name={key} is not supported. Additional attributes must start and end with double underscores, '
                             'e.g, __yourattr__')
        attrs[key] = str(value)
    for key, value in attrs.items():
        if not isinstance(value, str):
            raise ValueError('Set Attr only accepts string values')
    return Symbol([(Node(None, name, {hidden_key(key): value for key, value in attrs.items()}), 0)])


Variable = var


def Group(symbols, create_fn=Symbol):
    """Return a symbol whose outputs are those of several symbols.

    Examples
    --------
    >>> Group([var('a'), var('b')]).list_outputs()
    ['a', 'b']
    """
    symbols = symbols if symbols is None or isinstance(symbols, Symbol) else [*symbols]
    if not symbols or any(not isinstance(symbol, Symbol) for symbol in symbols):
        raise TypeError('Expected a list of symbols as input')
    return create_fn([entry for symbol in symbols for entry in symbol._entries])


def load(fname):
    """Read a graph from a file that `Symbol.save`, `export` or MXNet wrote."""
    if not isinstance(fname, str):
        raise TypeError('fname need to be string')
    return Symbol(files.load(fname, Symbol))


def load_json(json_str):
    """Read a graph from the text of a symbol file.

    Examples
    --------
    >>> load_json(function('relu')(var('a'), name='r').tojson()).list_outputs()
    ['r_output']
    """
    if not isinstance(json_str, str):
        raise TypeError('fname required to be string')
    return Symbol(files.from_text(json_str, Symbol))


fromjson = load_json


def _filled(name, dtype, kwargs, **attrs):
    return function(name)(**attrs, dtype='float32' if dtype is None else dtype, **kwargs)


def zeros(shape, dtype=None, **kwargs):
    """Return a symbol of zeros."""
    return _filled('_zeros', dtype, kwargs, shape=shape)


def ones(shape, dtype=None, **kwargs):
    """Return a symbol of ones."""
    return _filled('_ones', dtype, kwargs, shape=shape)


def full(shape, val, dtype=None, **kwargs):
    """Return a symbol of one value."""
    return _filled('_full', dtype, kwargs, shape=shape, value=float(val))


def eye(N, M=0, k=0, dtype=None, **kwargs):
    """Return a symbol of a matrix with ones on a diagonal."""
    return _filled('_eye', dtype, kwargs, N=N, M=M, k=k)


def arange(start, stop=None, step=1.0, repeat=1, infer_range=False, name=None, dtype=None):
    """Return a symbol of evenly spaced values, each `repeat` times; with ``infer_range`` the length follows from its use."""
    return _filled('_arange', dtype, {'name': name}, start=start, stop=stop, step=step, repeat=repeat, infer_range=infer_range)


def linspace(start, stop, num, endpoint=True, name=None, dtype=None):
    """Return a symbol of `num` evenly spaced values from start to stop."""
    return _filled('_linspace', dtype, {'name': name}, start=start, stop=stop, num=num, endpoint=endpoint)
