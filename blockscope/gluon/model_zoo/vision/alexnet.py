"""AlexNet, in the version with one column.

References
----------
Krizhevsky, One weird trick for parallelizing convolutional neural networks, https://arxiv.org/abs/1404.5997
"""
from ....context import cpu
from ... import nn
from ._pieces import Classifier, in_row, load_pretrained

__all__ = ['AlexNet', 'alexnet']


class AlexNet(Classifier):
    """Five convolutions and three fully connected layers.

    Parameters
    ----------
    classes : int, default 1000
    **kwargs
        See `Block`.

    Examples
    --------
    >>> AlexNet(classes=10).output
    Dense(None -> 10, linear)
    """

    def __init__(self, classes=1000, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = in_row(
                nn.Conv2D(64, 11, strides=4, padding=2, activation='relu'),
                nn.MaxPool2D(3, 2),
                nn.Conv2D(192, 5, padding=2, activation='relu'),
                nn.MaxPool2D(3, 2),
                nn.Conv2D(384, 3, padding=1, activation='relu'),
                nn.Conv2D(256, 3, padding=1, activation='relu'),
                nn.Conv2D(256, 3, padding=1, activation='relu'),
                nn.MaxPool2D(3, 2),
                nn.Flatten(),
                nn.Dense(4096, activation='relu'),
                nn.Dropout(0.5),
                nn.Dense(4096, activation='relu'),
                nn.Dropout(0.5))
            self.output = nn.Dense(classes)


def alexnet(pretrained=False, ctx=cpu(), root=None, **kwargs):
    """Return AlexNet.

    Parameters
    ----------
    pretrained : bool, default False
        Whether to load the published parameters.
    ctx : Context or list of Context, default cpu()
        Where they go.
    root : str, optional
        The folder of their file; ``$MXNET_HOME/models`` by default.
    **kwargs
        See `AlexNet`.

    Examples
    --------
    >>> len(alexnet().features)
    13
    """
    return load_pretrained(AlexNet(**kwargs), 'alexnet', pretrained, ctx, root)
