"""`Block`: a named layer or model with parameters and children."""
import collections
import re
import warnings

from .. import ndarray
from ..errors import public_class
from ..formats.atomic import open_atomic
from ..ndarray import NDArray
from ._block_scope import ScopeOf, _BlockScope
from ._calls import as_ndarray
from ._first_pass import end_of_call, outermost, pending
from ._hooks import HookHandle
from ._model_files import apply_structure, read_structure, structure_text
from ._parameter import Parameter
from ._parameter_dict import ParameterDict, load_all, name_clash
from ._site import creation_site
from ._summary import Summary
from ._text import brief_list, indent

__all__ = ['Block']

_set = object.__setattr__
_PLAIN = frozenset((bool, int, float, str, type(None)))  # what layers mostly keep: nothing to register


class Block:
    """Base class of layers and models.

    Blocks that are assigned to attributes become children; `collect_params` gathers the parameters of all of them.

    Parameters
    ----------
    prefix : str, optional
        What the names of its parameters and children start with. Default: class name and a number. With '' the block does not
        take part in naming: its children are named by whatever scope is current.
    params : ParameterDict, optional
        Parameters to share: names found there are used instead of new parameters.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Net(mx.gluon.Block):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         with self.name_scope():
    ...             self.weight = self.params.get('weight', shape=(2, 2), init='ones')
    ...     def forward(self, x):
    ...         return mx.nd.dot(x, self.weight.data())
    >>> net = Net(prefix='net_')
    >>> net.initialize()
    >>> list(net.collect_params()), net(mx.nd.ones((1, 2))).shape
    (['net_weight'], (1, 2))
    """

    # Made when first asked for: most blocks never have hooks or a scope of their own.
    _own_scope = None
    _child_counter = None
    _own_forward_hooks = None
    _own_forward_pre_hooks = None
    _may_hide_blocks = False
    _is_sequential = False

    def __init__(self, prefix=None, params=None):
        own = self.__dict__  # past __setattr__, which is for what users assign
        own['_empty_prefix'] = prefix == ''
        prefix, params = _BlockScope.create(prefix, params, self._alias())
        params._site = creation_site()
        own['_prefix'] = prefix
        own['_params'] = params
        own['_name'] = prefix[:-1] if prefix.endswith('_') else prefix  # noqa: FURB188 (the error for a prefix that is no text)
        own['_children'] = collections.OrderedDict()
        own['_reg_params'] = {}

    def __repr__(self):
        lines = [f'  ({key}): {indent(repr(block), 2)}' for key, block in self.__dict__.items() if isinstance(block, Block)]
        return '{}(\n{}\n)'.format(type(self).__name__, '\n'.join(lines))

    def __setattr__(self, name, value):
        """Register blocks as children and parameters under their attribute's name."""
        own = self.__dict__
        existing = own.get(name)
        if existing is None and value.__class__ is Parameter and name not in self._reg_params:
            self._reg_params[name] = value
            _set(self, name, value)
            return
        if value.__class__ in _PLAIN and existing.__class__ in _PLAIN:
            _set(self, name, value)
            return
        if existing is not None and isinstance(existing, (Parameter, Block)) and not isinstance(value, type(existing)):
            raise TypeError(f'Changing attribute type for {name} from {public_class(type(existing))} to {public_class(type(value))} '
                            'is not allowed.')
        if isinstance(value, Block):
            self.register_child(value, name)
        elif isinstance(value, Parameter):
            if name in self._reg_params:
                raise AssertionError(f'Overriding Parameter attribute {name} is not allowed. If you want to share parameters '
                                     "between blocks, please set 'params' at Block construction instead.")
            self._reg_params[name] = value
        elif isinstance(value, (list, tuple, dict)):
            own['_may_hide_blocks'] = True
        _set(self, name, value)

    def _check_container_with_block(self):
        """Warn of blocks in lists, tuples and dictionaries, which are no children."""
        if not self._may_hide_blocks:
            return
        children = set(self._children.values())
        for key, value in self.__dict__.items():
            if (isinstance(value, (list, tuple, dict)) and key not in ('_children', '_reg_params', '_traced_blocks')
                    and not key.startswith('__') and _holds_unregistered_block(value, children)):
                warnings.warn(f'"{type(self).__name__}.{key}" is an unregistered container with Blocks. Note that Blocks inside the '
                              'list, tuple or dict will not be registered automatically. Make sure to register them using '
                              'register_child() or switching to nn.Sequential/nn.HybridSequential instead. ', stacklevel=3)

    def _alias(self):
        """Return the hint for automatic names: the class name in lower case."""
        return self.__class__.__name__.lower()

    @property
    def prefix(self):
        """What the names of parameters and children start with."""
        return self._prefix

    @property
    def name(self):
        """The prefix without a trailing underscore."""
        return self._name

    @property
    def _scope(self):
        if self._own_scope is None:
            if '_params' not in self.__dict__:
                raise AttributeError(f'{type(self).__name__!r} object has no attribute \'_scope\'')  # super().__init__() comes first
            self.__dict__['_own_scope'] = ScopeOf()
        return self._own_scope.get(self)

    def name_scope(self):
        """Return the scope that names children: `with self.name_scope(): self.fc = nn.Dense(10)`."""
        return self._scope

    @property
    def params(self):
        """The block's own parameters, those of children not included."""
        return self._params

    def collect_params(self, select=None):
        """Return the parameters of this block and all its children, own ones first.

        Parameters
        ----------
        select : str, optional
            Regular expression; only parameters whose names match it from their start are returned.

        Returns
        -------
        ParameterDict

        Raises
        ------
        AssertionError
            Two different parameters have the same name.
        """
        found = collections.OrderedDict()
        self._collect_into(found, select, re.compile(select) if select else None)
        collected = ParameterDict(self._params.prefix)
        collected._params = found
        return collected

    def _collect_into(self, found, select, pattern):
        self._check_container_with_block()
        children = self._children.values()
        _add_params(found, self.params, pattern)
        for child in children:
            if isinstance(child, Block) and type(child).collect_params is Block.collect_params:
                child._collect_into(found, select, pattern)
            else:
                _add_params(found, child.collect_params(select=select), None)

    def _collect_params_with_prefix(self, prefix=''):
        """Return parameters by structure: attribute names and child names joined by dots."""
        if prefix:
            prefix += '.'
        found = {prefix + key: param for key, param in self._reg_params.items()}
        for name, child in self._children.items():
            found.update(child._collect_params_with_prefix(prefix + name))
        return found

    def save_parameters(self, filename, deduplicate=False):
        """Write all parameters to a file, by structure (`features.0.weight`), not by name.

        Parameters
        ----------
        filename : str
        deduplicate : bool, default False
            Whether a shared parameter is written once only (under the last of its keys).
        """
        params = self._collect_params_with_prefix()
        if deduplicate:
            last_key = {param: key for key, param in params.items()}
            params = {key: param for param, key in last_key.items()}
        ndarray.save(filename, {key: param._reduce() for key, param in params.items()})

    def save_params(self, filename):
        """Write all parameters by name, without this block's prefix. Deprecated: use `save_parameters`."""
        warnings.warn('save_params is deprecated. Please use save_parameters. Note that if you want load from SymbolBlock later, '
                      'please use export instead. For details, see '
                      'https://mxnet.apache.org/tutorials/gluon/save_load_params.html', stacklevel=2)
        try:
            self.collect_params().save(filename, strip_prefix=self.prefix)
        except ValueError as error:
            raise ValueError(f'{error}\nsave_params is deprecated. Using save_parameters may resolve this error.') from error

    def load_parameters(self, filename, ctx=None, allow_missing=False, ignore_extra=False, cast_dtype=False,
                        dtype_source='current'):
        """Read parameters that `save_parameters` wrote (or `save_params`, or `ParameterDict.save`). All are loaded or none.

        Parameters
        ----------
        filename : str
        ctx : Context or list of Context, optional
            Where to keep replicas; by default where they are, or `cpu(0)`.
        allow_missing : bool, default False
            Whether parameters may be absent from the file.
        ignore_extra : bool, default False
            Whether the file may hold other parameters.
        cast_dtype : bool, default False
            Whether data types may differ; `dtype_source` ('current' or 'saved') tells which one stays.

        Raises
        ------
        AssertionError, ValueError
            A parameter is missing, is not known, or differs in shape or data type.
        """
        loaded = ndarray.load(filename)
        params = self._collect_params_with_prefix()
        if not loaded and not params:
            return
        if not isinstance(loaded, dict):
            raise ValueError(f"File '{filename}' holds a list of arrays without names, but load_parameters needs names. Write it "
                             'with save_parameters.')
        if not any('.' in key for key in loaded):
            self.collect_params().load(filename, ctx, allow_missing, ignore_extra, self.prefix, cast_dtype=cast_dtype,
                                       dtype_source=dtype_source)
            return
        present = {params[key] for key in loaded if key in params}
        for name, param in () if allow_missing else params.items():
            if param not in present:
                raise AssertionError(f"Parameter '{name}' is missing in file '{filename}', which contains parameters: "
                                     f'{brief_list(loaded)}. Set allow_missing=True to ignore missing parameters.')
        for name in () if ignore_extra else loaded:
            if name not in params:
                raise ValueError(f"Parameter '{name}' loaded from file '{filename}' is not present in ParameterDict, which contains "
                                 f'parameters {brief_list(params)}. Set ignore_extra=True to ignore. ')
        load_all([(params[name], value) for name, value in loaded.items() if name in params], ctx, cast_dtype, dtype_source)

    def load_params(self, filename, ctx=None, allow_missing=False, ignore_extra=False):
        """Read parameters from a file. Deprecated: use `load_parameters`."""
        warnings.warn('load_params is deprecated. Please use load_parameters.', stacklevel=2)
        self.load_parameters(filename, ctx, allow_missing, ignore_extra)

    def save(self, prefix):
        """Write structure and parameters to `<prefix>-model.json` and `<prefix>-model.params`."""
        with open_atomic(prefix + '-model.json') as file:
            file.write(structure_text(self).encode())
        self.save_parameters(prefix + '-model.params')

    def load(self, prefix):
        """Read what `save` wrote into a block that is built exactly like the saved one; names become the saved ones."""
        apply_structure(self, read_structure(prefix + '-model.json'))
        self.load_parameters(prefix + '-model.params')

    def register_child(self, block, name=None):
        """Add a child under a name (by default the number of children so far)."""
        if name is None:
            name = str(len(self._children))
        self._children[name] = block

    @property
    def _forward_hooks(self):
        return self.__dict__.setdefault('_own_forward_hooks', collections.OrderedDict())

    @property
    def _forward_pre_hooks(self):
        return self.__dict__.setdefault('_own_forward_pre_hooks', collections.OrderedDict())

    def register_forward_pre_hook(self, hook):
        """Call `hook(block, inputs)` before every forward pass; return a handle whose `detach` removes the hook."""
        handle = HookHandle()
        handle.attach(self._forward_pre_hooks, hook)
        return handle

    def register_forward_hook(self, hook):
        """Call `hook(block, inputs, outputs)` after every forward pass; return a handle whose `detach` removes the hook."""
        handle = HookHandle()
        handle.attach(self._forward_hooks, hook)
        return handle

    def register_op_hook(self, callback, monitor_all=False):
        """Call `callback(name, operator, array)` for the output of every operator of hybridized children; see `HybridBlock`."""
        for child in self._children.values():
            child.register_op_hook(callback, monitor_all)

    def apply(self, fn):
        """Call `fn(block)` for every child, then for this block; return this block."""
        for child in self._children.values():
            child.apply(fn)
        fn(self)
        return self

    def initialize(self, init=None, ctx=None, verbose=False, force_reinit=False):
        """Make value and gradient arrays of all parameters.

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
        self.collect_params().initialize(init, ctx, verbose, force_reinit)

    def hybridize(self, active=True, **kwargs):
        """Compile all children that can be; see `HybridBlock.hybridize`."""
        for child in self._children.values():
            child.hybridize(active, **kwargs)

    def cast(self, dtype):
        """Convert all parameters to another data type."""
        for child in self._children.values():
            child.cast(dtype)
        for param in self.params.values():
            param.cast(dtype)

    @outermost
    def __call__(self, *args):
        """Run the block on NDArrays, or on NumPy or CuPy arrays (used without a copy). Positional arguments only."""
        for arg in args:
            if arg.__class__ is not NDArray:
                args = tuple([as_ndarray(arg) for arg in args])
                break
        try:
            if self._own_forward_pre_hooks:
                for hook in list(self._own_forward_pre_hooks.values()):
                    hook(self, args)
            out = self.forward(*args)
            if self._own_forward_hooks:
                for hook in list(self._own_forward_hooks.values()):
                    hook(self, args, out)
        except BaseException:
            if pending:
                end_of_call(failed=True)
            raise
        if pending:
            end_of_call(failed=False)
        return out

    def forward(self, *args):
        """Compute the output; subclasses define this.

        Parameters
        ----------
        *args : NDArray
        """
        raise NotImplementedError

    def summary(self, *inputs):
        """Print a table of layers, output shapes and parameter counts for these inputs.

        Raises
        ------
        AssertionError
            The block is hybridized.
        """
        table, handles = Summary(inputs), []

        def watch(block):
            if getattr(block, '_active', False):
                raise AssertionError(f'"{block.name}" must not be hybridized to print summary.')
            if not block._is_sequential:
                handles.append(block.register_forward_hook(table.hook()))
        try:
            self.apply(watch)
            self(*inputs)
            print(table.text())
        finally:
            for handle in handles:
                handle.detach()


def _add_params(found, params, pattern):
    for name, param in params.items():
        if (pattern is None or pattern.match(name)) and found.setdefault(name, param) is not param:
            raise name_clash(name, found[name], param)


def _holds_unregistered_block(value, children):
    if isinstance(value, Block):
        return value not in children
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    return any(_holds_unregistered_block(item, children) for item in value)
