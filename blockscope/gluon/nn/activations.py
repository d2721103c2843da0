"""Activation layers."""
from ... import initializer
from ..block import HybridBlock

__all__ = ['Activation', 'LeakyReLU', 'PReLU', 'ELU', 'SELU', 'Swish', 'GELU']

_SLOPE = initializer.Constant(0.25)


class Activation(HybridBlock):
    """Apply an activation function.

    Parameters
    ----------
    activation : {'relu', 'sigmoid', 'softrelu', 'softsign', 'tanh'}

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.Activation('relu')(mx.nd.array([-1, 2])).asnumpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, activation, **kwargs):
        self._act_type = activation
        super().__init__(**kwargs)

    def _alias(self):
        return self._act_type

    def _is_plain(self):
        """Return whether calling this block does nothing but the function: it is no subclass and has no hooks."""
        return self.__class__ is Activation and not self._own_forward_hooks and not self._own_forward_pre_hooks

    def hybrid_forward(self, F, x):
        """Apply the function to every element."""
        return F.Activation(x, act_type=self._act_type, name='fwd')

    def __repr__(self):
        return f'{type(self).__name__}({self._act_type})'


class LeakyReLU(HybridBlock):
    """Multiply negative values by a small slope.

    Parameters
    ----------
    alpha : float
        Slope, not negative.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.LeakyReLU(0.5)(mx.nd.array([-1, 2])).asnumpy()
    array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, alpha, **kwargs):
        if not alpha >= 0:
            raise AssertionError('Slope coefficient for LeakyReLU must be no less than 0.')
        super().__init__(**kwargs)
        self._alpha = alpha

    def hybrid_forward(self, F, x):
        """Return x where positive, and ``alpha * x`` elsewhere."""
        return F.LeakyReLU(x, act_type='leaky', slope=self._alpha, name='fwd')

    def __repr__(self):
        return f'{type(self).__name__}({self._alpha})'


class PReLU(HybridBlock):
    """Multiply negative values by learned slopes.

    Parameters
    ----------
    alpha_initializer : Initializer, default Constant(0.25)
    in_channels : int, default 1
        Number of slopes: one for all, or one a channel (axis 1).

    References
    ----------
    He et al., "Delving Deep into Rectifiers", 2015.

    Examples
    --------
    >>> import blockscope as mx
    >>> layer = mx.gluon.nn.PReLU()
    >>> layer.initialize()
    >>> layer(mx.nd.array([-1, 2])).asnumpy()
    array([-0.25,  2.  ], dtype=float32)
    """

    def __init__(self, alpha_initializer=_SLOPE, in_channels=1, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.alpha = self.params.get('alpha', shape=(in_channels,), init=alpha_initializer)

    def hybrid_forward(self, F, x, alpha):
        """Return x where positive, and ``alpha * x`` elsewhere."""
        return F.LeakyReLU(x, gamma=alpha, act_type='prelu', name='fwd')


class ELU(HybridBlock):
    """Let negative values saturate exponentially: ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float, default 1.0

    References
    ----------
    Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2016.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.ELU()(mx.nd.array([0, 2])).asnumpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self._alpha = alpha

    def hybrid_forward(self, F, x):
        """Return x where positive, and ``alpha * (exp(x) - 1)`` elsewhere."""
        return F.LeakyReLU(x, act_type='elu', slope=self._alpha)


class SELU(HybridBlock):
    """Apply the self-normalizing exponential linear unit.

    References
    ----------
    Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.SELU()(mx.nd.array([0, 1])).asnumpy()
    array([0.      , 1.050701], dtype=float32)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def hybrid_forward(self, F, x):
        """Return ``scale * x`` where positive, and ``scale * alpha * (exp(x) - 1)`` elsewhere."""
        return F.LeakyReLU(x, act_type='selu', name='fwd')


class GELU(HybridBlock):
    """Multiply by the normal distribution's probability of a smaller value.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.GELU()(mx.nd.array([0, 1])).asnumpy()
    array([0.        , 0.84134...], dtype=float32)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def hybrid_forward(self, F, x):
        """Return ``x / 2 * (1 + erf(x / sqrt(2)))``."""
        return F.LeakyReLU(x, act_type='gelu', name='fwd')


class Swish(HybridBlock):
    """Multiply by the sigmoid of ``beta * x``.

    Parameters
    ----------
    beta : float, default 1.0

    References
    ----------
    Ramachandran et al., "Searching for Activation Functions", 2017.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.gluon.nn.Swish()(mx.nd.array([0])).asnumpy()
    array([0.], dtype=float32)
    """

    def __init__(self, beta=1.0, **kwargs):
        super().__init__(**kwargs)
        self._beta = beta

    def hybrid_forward(self, F, x):
        """Return ``x * sigmoid(beta * x)``."""
        return x * F.sigmoid(self._beta * x, name='fwd')
