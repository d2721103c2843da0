"""Train a small convolutional net on real handwritten digits, save it, load it into a second net, and compare.

``python -m blockscope train`` runs this.  Everything here is plain Gluon: with ``import mxnet as mx`` in place of
``import blockscope as mx`` the net and the loop run on MXNet 1.9.1.
"""
import os

import numpy as np

import blockscope as mx
from blockscope import autograd, gluon
from blockscope.examples.digits_data import load_digits
from blockscope.gluon import nn


class DigitsNet(gluon.HybridBlock):
    """Two convolutions and two dense layers with dropout; input ``(batch, 1, 8, 8)``, output ``(batch, classes)`` scores.

    Parameters
    ----------
    classes : int
        Number of classes.

    Examples
    --------
    >>> net = DigitsNet(prefix='digits_')
    >>> net.initialize()
    >>> net(mx.nd.zeros((2, 1, 8, 8))).shape
    (2, 10)
    >>> net.features[0].weight.name
    'digits_conv0_weight'
    """

    def __init__(self, classes=10, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = nn.HybridSequential(prefix='')
            self.features.add(
                nn.Conv2D(16, kernel_size=3, padding=1, activation='relu'),
                nn.Conv2D(32, kernel_size=3, padding=1, activation='relu'),
                nn.MaxPool2D(pool_size=2, strides=2),
                nn.Dropout(0.25),
                nn.Dense(64, activation='relu'),
                nn.Dropout(0.25))
            self.output = nn.Dense(classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


def load_data(seed):
    """Return the digits as ``(train, held_out)`` datasets; a quarter, drawn by `seed`, is held out.

    Images are float32 of shape ``(1, 8, 8)`` between 0 and 1, labels are float32 numbers.
    """
    images, labels = load_digits()
    images = (images[:, None] / 16).astype('float32')
    order = np.random.RandomState(seed).permutation(len(images))
    held_out, train = np.split(order, [len(order) // 4])
    return [gluon.data.ArrayDataset(images[part], labels[part].astype('float32')) for part in (train, held_out)]


def accuracy(net, dataset, batch_size, ctx):
    """Return the share of a dataset's images that the net names rightly."""
    metric = mx.metric.Accuracy()
    for images, labels in gluon.data.DataLoader(dataset, batch_size):
        metric.update([labels.as_in_context(ctx)], [net(images.as_in_context(ctx))])
    return metric.get()[1]


def train(net, dataset, held_out, *, epochs=15, batch_size=32, lr=0.003, optimizer='adam', ctx=None, progress=iter,
          report=print):
    """Train a net with softmax cross-entropy; `report` gets a line after every epoch.

    Parameters
    ----------
    net : HybridBlock
        An initialised net.
    dataset, held_out : Dataset
        What to learn, and what to measure the accuracy on.
    epochs, batch_size : int
        Passes over the data, and images a step.
    lr : float
        Learning rate at the start; it falls to a fiftieth along a cosine.
    optimizer : str
        Name of an optimizer.
    ctx : Context
        Where to compute.
    progress : callable
        Wraps the loader of an epoch (a progress bar, for instance).
    report : callable
        Takes a line of text.

    Returns
    -------
    float
        Accuracy on `held_out` after the last epoch.
    """
    ctx = ctx or mx.cpu()
    loader = gluon.data.DataLoader(dataset, batch_size, shuffle=True, last_batch='rollover')
    schedule = mx.lr_scheduler.CosineScheduler(max_update=epochs * len(loader), base_lr=lr, final_lr=lr / 50)
    trainer = gluon.Trainer(net.collect_params(), optimizer, {'learning_rate': lr, 'lr_scheduler': schedule})
    loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
    score = 0.0
    for epoch in range(epochs):
        loss_metric = mx.metric.Loss()
        for images, labels in progress(loader):
            images, labels = images.as_in_context(ctx), labels.as_in_context(ctx)
            with autograd.record():
                loss = loss_function(net(images), labels)
            loss.backward()
            trainer.step(len(images))
            loss_metric.update(None, loss)
        score = accuracy(net, held_out, batch_size, ctx)
        report(f'epoch {epoch + 1:2d}: loss {loss_metric.get()[1]:.4f}, held-out accuracy {score:.4f}')
    return score


def names_table(net):
    """Return lines that show every parameter: attribute path, prefix name, shape, contexts.

    Examples
    --------
    >>> net = nn.HybridSequential(prefix='net_')
    >>> with net.name_scope():
    ...     net.add(nn.Dense(2, in_units=3, use_bias=False))
    >>> net.initialize()
    >>> print(*names_table(net), sep='\\n')
    path      name               shape   context
    0.weight  net_dense0_weight  (2, 3)  cpu(0)
    """
    rows = [('path', 'name', 'shape', 'context')]
    for path, parameter in net._collect_params_with_prefix().items():
        contexts = ', '.join(str(ctx) for ctx in parameter.list_ctx())
        rows.append((path, parameter.name, str(tuple(parameter.shape)), contexts))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return ['  '.join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]) for row in rows]


def same_predictions(net, saved, dataset, ctx):
    """Load saved parameters into a second, freshly built net; return how many of its predictions agree, and their number."""
    second = DigitsNet()
    second.load_parameters(saved, ctx=ctx)
    images = mx.nd.array(dataset[:][0], ctx=ctx)
    first_says, second_says = (n(images).argmax(axis=1).asnumpy() for n in (net, second))
    return int((first_says == second_says).sum()), len(first_says)


def main(*, epochs=15, batch_size=32, lr=0.003, optimizer='adam', seed=0, ctx=None, out='.', progress=iter):
    """Run the whole example and print what it does; `out` is the folder that gets ``digits.params``."""
    ctx = ctx or mx.cpu()
    mx.random.seed(seed)
    np.random.seed(seed)
    train_set, held_out = load_data(seed)
    net = DigitsNet()
    net.initialize(mx.init.Xavier(), ctx=ctx)
    print(f'{len(train_set)} handwritten digits to learn from, {len(held_out)} held out, on {ctx}')
    score = train(net, train_set, held_out, epochs=epochs, batch_size=batch_size, lr=lr, optimizer=optimizer, ctx=ctx,
                  progress=progress)
    print(*names_table(net), sep='\n')
    print(f'held-out accuracy: {score:.4f}')
    saved = os.path.join(out, 'digits.params')
    net.save_parameters(saved)
    agree, total = same_predictions(net, saved, held_out, ctx)
    print(f'saved {saved}; a second net that loaded it agrees on {agree} of {total} predictions')
    return score
