"""Containers, fully connected layers, dropout, embedding, and layers made from a function.

The normalization layers live in `norm_layers` and are found here too, as in MXNet.
"""
import warnings

from ... import ndarray as nd
from ...errors import public_class
from .._text import owned_by
from ..block import Block, HybridBlock
from ..utils import _indent
from .activations import Activation
from .norm_layers import BatchNorm, BatchNormReLU, GroupNorm, InstanceNorm, LayerNorm, _BatchNorm

__all__ = ['Sequential', 'HybridSequential', 'Dense', 'Dropout', 'Embedding', 'BatchNorm', 'BatchNormReLU', 'InstanceNorm',
           'LayerNorm', 'GroupNorm', 'Flatten', 'Lambda', 'HybridLambda']

for _class in (_BatchNorm, BatchNorm, BatchNormReLU, InstanceNorm, LayerNorm, GroupNorm):
    _class.__module__ = __name__  # messages and pickles name the public home


class _Stack:
    """What both containers share: children in a row that can be counted, indexed and sliced."""

    _is_sequential = True  # `summary` gives no row to containers

    def add(self, *blocks):
        """Add blocks at the end.

        Parameters
        ----------
        *blocks : Block
        """
        for block in blocks:
            self.register_child(block)

    def __repr__(self):
        children = '\n'.join(f'  ({key}): {_indent(repr(block), 2)}' for key, block in self._children.items())
        return f'{type(self).__name__}(\n{children}\n)'

    def __getitem__(self, key):
        layers = list(self._children.values())[key]
        if not isinstance(layers, list):
            return layers
        net = type(self)(prefix=self._prefix)
        with net.name_scope():
            net.add(*layers)
        return net

    def __len__(self):
        return len(self._children)


class Sequential(_Stack, Block):
    """Blocks called one after the other.

    Parameters
    ----------
    prefix, params
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.gluon.nn.Sequential(prefix='net_')
    >>> with net.name_scope():
    ...     net.add(mx.gluon.nn.Dense(3, in_units=2), mx.gluon.nn.Dense(1, in_units=3))
    >>> net[1].weight.name
    'net_dense1_weight'
    """

    add = owned_by('Sequential', _Stack.add)

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def forward(self, x):
        """Call the children in order."""
        for block in self._children.values():
            x = block(x)
        return x

    def hybridize(self, active=True, **kwargs):
        """Turn compilation on or off for all children."""
        if self._children and all(isinstance(c, HybridBlock) for c in self._children.values()):
            warnings.warn(f"All children of this Sequential layer '{self.prefix}' are HybridBlocks. Consider using HybridSequential "
                          'for the best performance.', stacklevel=2)
        super().hybridize(active, **kwargs)


class HybridSequential(_Stack, HybridBlock):
    """HybridBlocks called one after the other.

    Parameters
    ----------
    prefix, params
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> net = mx.gluon.nn.HybridSequential()
    >>> net.add(mx.gluon.nn.Dense(3), mx.gluon.nn.Dense(1))
    >>> net.initialize()
    >>> net(mx.nd.ones((4, 2))).shape
    (4, 1)
    """

    add = owned_by('HybridSequential', _Stack.add)

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def hybrid_forward(self, F, x):
        """Call the children in order."""
        for block in self._children.values():
            x = block(x)
        return x


class Dense(HybridBlock):
    """Compute ``activation(x @ weight.T + bias)``.

    Parameters
    ----------
    units : int
        Size of the output.
    activation : str, optional
        See `Activation`; none by default.
    use_bias : bool, default True
    flatten : bool, default True
        Take all axes of x but the first as one; otherwise only the last axis is transformed.
    dtype : str, default 'float32'
    weight_initializer : str or Initializer, optional
        That of `initialize` by default.
    bias_initializer : str or Initializer, default 'zeros'
    in_units : int, default 0
        Size of the input; 0 takes it from the first batch.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.Dense(3, activation='relu', in_units=2)
    Dense(2 -> 3, Activation(relu))
    """

    def __init__(self, units, activation=None, use_bias=True, flatten=True, dtype='float32', weight_initializer=None,
                 bias_initializer='zeros', in_units=0, **kwargs):
        super().__init__(**kwargs)
        params = self._params
        weight = params.get('weight', shape=(units, in_units), init=weight_initializer, dtype=dtype, allow_deferred_init=True)
        bias = params.get('bias', shape=(units,), init=bias_initializer, dtype=dtype,
                          allow_deferred_init=True) if use_bias else None
        # What __setattr__ would do, at once: a net makes thousands of these.
        self._reg_params['weight'] = weight
        if use_bias:
            self._reg_params['bias'] = bias
        self.__dict__.update(_flatten=flatten, _units=units, _in_units=in_units, weight=weight, bias=bias, act=None)
        if activation is not None:
            with self.name_scope():  # only children need it, and entering it takes as long as making a parameter
                self.act = Activation(activation, prefix=activation + '_')

    def hybrid_forward(self, F, x, weight, bias=None):
        """Return the output, (batch, units) or with flatten=False (..., units)."""
        act = self.act
        if act is not None and F is nd and bias is not None and act._is_plain():
            return F._internal._dense_activation(x, weight, bias, num_hidden=self._units, act_type=act._act_type,
                                                 flatten=self._flatten)
        y = F.FullyConnected(x, weight, bias, no_bias=bias is None, num_hidden=self._units, flatten=self._flatten, name='fwd')
        return y if act is None else act(y)

    def __repr__(self):
        shape = self.weight.shape
        return f'{type(self).__name__}({shape[1] or None} -> {shape[0]}, {self.act or "linear"})'


class Dropout(HybridBlock):
    """Zero a random part of the values in training, and scale the others up.

    Parameters
    ----------
    rate : float
        Probability of being zeroed.
    axes : tuple of int, default ()
        Axes along which values are zeroed together.
    **kwargs
        See `Block`.

    References
    ----------
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.Dropout(0.5)(mx.nd.ones((2,))).asnumpy()
    array([1., 1.], dtype=float32)
    """

    def __init__(self, rate, axes=(), **kwargs):
        super().__init__(**kwargs)
        self._rate = rate
        self._axes = axes

    def hybrid_forward(self, F, x):
        """Return x with values dropped."""
        if self._rate > 0:
            return F.Dropout(x, p=self._rate, axes=self._axes, name='fwd', cudnn_off=False)
        return F.identity(x)

    def __repr__(self):
        return f'{type(self).__name__}(p = {self._rate}, axes={self._axes})'


class Embedding(HybridBlock):
    """Turn whole numbers into rows of a matrix.

    Parameters
    ----------
    input_dim : int
        Number of rows.
    output_dim : int
        Length of a row.
    dtype : str, default 'float32'
    weight_initializer : str or Initializer, optional
    sparse_grad : bool, default False
        Whether the weight's gradient is stored as rows.
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.Embedding(10, 4)
    >>> layer.initialize()
    >>> layer(mx.nd.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(self, input_dim, output_dim, dtype='float32', weight_initializer=None, sparse_grad=False, **kwargs):
        super().__init__(**kwargs)
        self._kwargs = {'input_dim': input_dim, 'output_dim': output_dim, 'dtype': dtype, 'sparse_grad': sparse_grad}
        self.weight = self.params.get('weight', shape=(input_dim, output_dim), init=weight_initializer, dtype=dtype,
                                      allow_deferred_init=True, grad_stype='row_sparse' if sparse_grad else 'default')

    def hybrid_forward(self, F, x, weight):
        """Return x's shape with one more axis of length output_dim."""
        return F.Embedding(x, weight, name='fwd', **self._kwargs)

    def __repr__(self):
        return '{block_name}({input_dim} -> {output_dim}, {dtype})'.format(block_name=type(self).__name__, **self._kwargs)


class Flatten(HybridBlock):
    """Make a matrix: one row an example.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.Flatten()(mx.nd.ones((4, 2, 3))).shape
    (4, 6)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def hybrid_forward(self, F, x):
        """Return (batch, everything else)."""
        return F.flatten(x)

    def __repr__(self):
        return type(self).__name__


def _unrecognized(function):
    return ValueError(f'Unrecognized function in lambda: {function} of type {public_class(type(function))}')


class Lambda(Block):
    """A block that calls a function.

    Parameters
    ----------
    function : str or callable
        Name of a function of `mx.nd`, or a function of arrays.
    prefix : str, optional

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.Lambda('relu')
    Lambda(relu)
    """

    def __init__(self, function, prefix=None):
        super().__init__(prefix=prefix)
        if isinstance(function, str):
            if not hasattr(nd, function):
                raise AssertionError(f'Function name {function} is not found in ndarray.')
            self._func_impl = getattr(nd, function)
        elif callable(function):
            self._func_impl = function
        else:
            raise _unrecognized(function)

    def forward(self, *args):
        """Call the function."""
        return self._func_impl(*args)

    def __repr__(self):
        return f'{type(self).__name__}({self._func_impl.__name__})'


class HybridLambda(HybridBlock):
    """A hybrid block that calls a function.

    Parameters
    ----------
    function : str or callable
        Name of an operator, or a function of `F`, x and further arrays.
    prefix : str, optional

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.HybridLambda(lambda F, x: F.relu(x))(mx.nd.array([-1, 2])).asnumpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, function, prefix=None):
        super().__init__(prefix=prefix)
        if isinstance(function, str):
            if not hasattr(nd, function):
                raise AssertionError(f'Function name {function} is not found in symbol/ndarray.')
            self._func = lambda F, *args: getattr(F, function)(*args)
            self._func_name = function
        elif callable(function):
            self._func = function
            self._func_name = function.__name__
        else:
            raise _unrecognized(function)

    def hybrid_forward(self, F, x, *args):
        """Call the function."""
        return self._func(F, x, *args)

    def __repr__(self):
        return f'{type(self).__name__}({self._func_name})'
