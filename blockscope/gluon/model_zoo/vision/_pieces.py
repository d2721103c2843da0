"""What the networks are made of: layers in a row, layers side by side, features and output, parameters from a file."""
from .. import model_store
from ... import nn
from ...block import HybridBlock
from ...contrib.nn import HybridConcurrent

__all__ = ['Classifier', 'in_row', 'load_pretrained', 'scoped', 'side_by_side', 'variant']


class Classifier(HybridBlock):
    """A network of two parts, which subclasses make: `features`, and `output` with a number for every class.

    Parameters
    ----------
    **kwargs
        See `Block`.

    Examples
    --------
    >>> import blockscope as mx
    >>> class Small(Classifier):
    ...     def __init__(self, classes, **kwargs):
    ...         super().__init__(**kwargs)
    ...         with self.name_scope():
    ...             self.features = in_row(mx.gluon.nn.Conv2D(4, 3), mx.gluon.nn.GlobalAvgPool2D())
    ...             self.output = mx.gluon.nn.Dense(classes)
    >>> net = Small(10, prefix='small_')
    >>> net.initialize()
    >>> net(mx.nd.ones((2, 3, 8, 8))).shape, net.features[0].weight.name
    ((2, 10), 'small_conv0_weight')
    """

    def hybrid_forward(self, F, x):
        """Return the output of the features of images (batch, channel, height, width)."""
        return self.output(self.features(x))


def in_row(*blocks):
    """Return a block that calls others one after the other. It has no prefix of its own: names stay those of the scope around."""
    row = nn.HybridSequential(prefix='')
    row.add(*blocks)
    return row


def side_by_side(*blocks):
    """Return a block that gives its input to others and joins their channels, without a prefix of its own."""
    joined = HybridConcurrent(axis=1, prefix='')
    joined.add(*blocks)
    return joined


def scoped(container, blocks):
    """Fill a container with blocks that an iterator makes while the container's name scope is entered, and return it."""
    with container.name_scope():
        container.add(*blocks)
    return container


def variant(specs, key):
    """Return a row of a family's table.

    Raises
    ------
    KeyError
        There is none; the message lists those that exist.
    """
    if key not in specs:
        raise KeyError(f'Invalid number of layers: {key}. Options are {list(specs)}')
    return specs[key]


def load_pretrained(net, name, pretrained, ctx, root):
    """Return the network, with the published parameters where `pretrained` asks for them.

    Parameters
    ----------
    net : Block
    name : str
        Name of the file of parameters, see `model_store.get_model_file`.
    pretrained : bool
    ctx : Context or list of Context
        Where the parameters go.
    root : str, optional
        The folder of such files.
    """
    if pretrained:
        net.load_parameters(model_store.get_model_file(name, root=root), ctx=ctx)
    return net
