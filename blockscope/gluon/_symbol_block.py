"""`SymbolBlock`: a block made of a graph, such as one read from a file."""
import warnings

import numpy as np

from .. import ndarray, symbol
from ..errors import MXNetError, public_class
from ..formats.params import STYPE_FLAGS
from ..symbol import Symbol
from ..symbol.listing import all_variables
from ._calls import _flatten, _gather_contexts, _regroup, has_symbol
from ._hybrid_block import HybridBlock
from ._parameter_dict import ParameterDict

__all__ = ['SymbolBlock']

_NO_ARRAY = 'HybridBlock requires the first argument to forward be either Symbol or NDArray, but got '


class SymbolBlock(HybridBlock):
    """A block that runs a graph.

    Parameters
    ----------
    outputs : Symbol, or (nested) list of them
        What it computes.
    inputs : Symbol or list of Symbol
        The variables that are arguments of a call; all others become parameters.
    params : ParameterDict, optional
        Parameters to share, by name.

    Examples
    --------
    >>> import blockscope as mx
    >>> data = mx.sym.var('data')
    >>> net = mx.gluon.SymbolBlock(mx.sym.FullyConnected(data, num_hidden=2, name='fc'), data)
    >>> net.initialize()
    >>> net(mx.nd.ones((4, 3))).shape, list(net.collect_params())
    ((4, 2), ['fc_weight', 'fc_bias'])
    """

    def __init__(self, outputs, inputs, params=None):
        super().__init__(prefix=None, params=None)
        own = self.__dict__
        own['_prefix'] = ''
        site = self._params._site
        own['_params'] = ParameterDict('', params)
        own['_params']._site = site
        if isinstance(inputs, Symbol) and len(inputs) == 1:
            inputs = [inputs]
        if isinstance(outputs, (list, tuple)) and len(outputs) == 1:
            outputs = outputs[0]
        variables, own['_in_format'] = _flatten(inputs, 'input')
        flat, own['_out_format'] = _flatten(outputs, 'output')
        for x in variables:
            if len(x) != 1 or x._entries[0][0].op is not None:
                raise AssertionError(f'Input symbols must be variable, but {x} is an output of operators')
        out = symbol.Group(flat) if len(flat) > 1 else flat[0]
        for node in all_variables(out._entries):
            if node.attrs.get('__storage_type__') == str(STYPE_FLAGS['row_sparse']):
                raise AssertionError(f"SymbolBlock doesn't support Parameter '{node.name}' because its storage type is 'row_sparse'.")
        own['_cached_graph'] = variables, out
        self._make_parameters({x.name for x in variables})

    def _make_parameters(self, arguments):
        variables, out = self._cached_graph
        names, states = out.list_arguments(), out.list_auxiliary_states()
        types, state_types = _parameter_types(variables, out, names, states)
        for name, dtype in zip(names, types):
            if name not in arguments:
                self.params.get(name, allow_deferred_init=True, dtype=dtype)
        for name, dtype in zip(states, state_types):
            if name not in arguments:
                self.params.get(name, grad_req='null', allow_deferred_init=True, dtype=dtype)
        skip = len(_common_prefix(list(self._params.keys())))
        self.__dict__['_reg_params'] = {key[skip:]: param for key, param in self._params.items()}

    @staticmethod
    def imports(symbol_file, input_names=None, param_file=None, ctx=None, allow_missing=False, ignore_extra=False):
        """Read a block from the files that `HybridBlock.export` (or MXNet) wrote.

        Parameters
        ----------
        symbol_file : str
            The graph, `<path>-symbol.json`.
        input_names : str or list of str, optional
            Names of the arguments; by default the variables that the parameter file does not hold (without such a file: those whose
            names start with `data`).
        param_file : str, optional
            The parameters, `<path>-0000.params`.
        ctx : Context or list of Context, optional
            Where the parameters are to be.
        allow_missing : bool, default False
            Whether the file may lack parameters of the graph.
        ignore_extra : bool, default False
            Whether the file may hold other parameters.

        Returns
        -------
        SymbolBlock
        """
        graph = symbol.load(symbol_file)
        if input_names is None:
            input_names = _inferred_inputs(graph, symbol_file, param_file)
        if isinstance(input_names, str):
            input_names = [input_names]
        # Without parameters types start from float32; otherwise those of the file decide.
        dtype = 'float32' if param_file is None else None
        block = SymbolBlock(graph, [symbol.var(name, dtype=dtype) for name in input_names])
        if param_file is not None:
            block.collect_params().load(param_file, ctx, allow_missing, ignore_extra, cast_dtype=True, dtype_source='saved')
        return block

    def __repr__(self):
        variables, out = self._cached_graph
        return f'{type(self).__name__}(\n{out} : {len(variables)} -> {len(out)}\n)'

    def forward(self, x, *args):
        """Run the graph, or put symbols in the place of its inputs."""
        if _gather_contexts([x]):
            return self._forward_compiled(x, *args)
        if not has_symbol([x]):
            raise AssertionError(_NO_ARRAY + public_class(type(x)))
        flat, form = _flatten([x, *args], 'input')
        if form != self._in_format:
            raise AssertionError('Invalid input format' if isinstance(x, Symbol) else _NO_ARRAY + public_class(type(x)))
        variables, out = self._cached_graph
        composed = out(**{variable.name: value for variable, value in zip(variables, flat)})
        return _regroup(list(composed), self._out_format)

    def _clear_cached_op(self):
        graph = self.__dict__.get('_cached_graph')
        super()._clear_cached_op()
        if graph is not None:
            self.__dict__['_cached_graph'] = graph

    def cast(self, dtype):
        """Convert all parameters to another data type; batch normalization keeps its own in float32 where the type is float16."""
        super().cast(dtype)
        if np.dtype(dtype).name != 'float16':
            return
        names = set(self._cached_graph[1].list_inputs())
        for statistics in ('running', 'moving'):
            ending = f'{statistics}_var'
            for name in [name for name in names if name.endswith(ending)]:
                prefix = name[:-len(ending)]
                siblings = [prefix + part for part in (f'{statistics}_mean', 'gamma', 'beta')]
                if names.issuperset(siblings):
                    for part in (name, *siblings):
                        self.params.get(part).cast('float32')

    def reset_ctx(self, ctx):
        """Move all parameters to another context, or to several (given as a list)."""
        params = dict(self.collect_params().items())
        # A pass may have made parameters of its own.
        params.update((param.name, param) for is_arg, param in self._cached_op_args if not is_arg)
        for param in params.values():
            param.reset_ctx(ctx)

    def hybrid_forward(self, F, x, *args, **kwargs):
        """Raise an error: the graph is all there is."""
        raise NotImplementedError


def _inferred_inputs(graph, symbol_file, param_file):
    """Return the variables of a graph that are no parameters."""
    names = graph.list_inputs()
    if param_file is None:
        found = [name for name in names if name.startswith('data')]
    else:
        saved = {key.partition(':')[2] or key for key in ndarray.load(param_file)}
        found = [name for name in names if name not in saved]
    if not found:
        raise ValueError(f"cannot tell which of the variables of '{symbol_file}' are inputs: give input_names, a list of some of {names}")
    return found


def _common_prefix(names):
    """Return the longest text that all names start with.

    Examples
    --------
    >>> _common_prefix(['net_a', 'net_b'])
    'net_'
    """
    if not names:
        return ''
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), min(len(first), len(last)))
    return first[:length]


def _parameter_types(variables, out, names, states):
    """Return the types of arguments and auxiliary states as they follow from those that the inputs were declared with."""
    default = [np.float32] * len(names), [np.float32] * len(states)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        known = {}
        for x in variables:
            types = x.infer_type()[0]
            if not types:
                return default
            known[x.name] = types[0]
        try:
            types, _, state_types = out.infer_type(**known)
        except MXNetError:
            return default
    return default if types is None else (types, state_types)
