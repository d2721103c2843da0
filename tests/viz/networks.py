"""Graphs that MXNet and blockscope draw alike, and what they give: text of a table, lines of a picture."""
import contextlib
import io
import warnings

import numpy as np


def lenet(mx):
    net = mx.sym.var("data")
    for number, filters in ((1, 20), (2, 50)):
        net = mx.sym.Convolution(net, kernel=(5, 5), num_filter=filters, name=f"conv{number}")
        net = mx.sym.Activation(net, act_type="tanh", name=f"tanh{number}")
        net = mx.sym.Pooling(net, pool_type="max", kernel=(2, 2), stride=(2, 2), name=f"pool{number}")
    net = mx.sym.FullyConnected(mx.sym.Flatten(net, name="flatten"), num_hidden=500, name="fc1")
    net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="tanh", name="tanh3"), num_hidden=10, name="fc2")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def mlp(mx):
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=8, name="fc1", no_bias=True)
    net = mx.sym.Dropout(mx.sym.LeakyReLU(net, name="leaky"), p=0.5)
    net = mx.sym.LeakyReLU(mx.sym.FullyConnected(net, num_hidden=4), act_type="elu")
    return mx.sym.LinearRegressionOutput(net, mx.sym.var("target"), name="out")


def branches(mx):
    data = mx.sym.var("data")
    left = mx.sym.BatchNorm(mx.sym.Convolution(data, kernel=(3, 3), pad=(1, 1), num_filter=4, num_group=1, no_bias=True), fix_gamma=False)
    right = mx.sym.Convolution(data, kernel=(1, 1), stride=(1, 1), num_filter=4, name="a branch: \"right\"")
    joined = mx.sym.Concat(left, right, left + right, name="joined")
    net = mx.sym.Convolution(joined, kernel=(3, 3), num_filter=6, num_group=3, name="grouped")
    net = mx.sym.Pooling(net, global_pool=True, pool_type="avg", kernel=(1, 1))
    return mx.sym.Reshape(net, shape=(0, -1)) * 2


def split(mx):
    parts = mx.sym.SliceChannel(mx.sym.var("data"), num_outputs=3, axis=1, name="split")
    return mx.sym.elemwise_add(parts[0], parts[2]) - parts[1]


def words(mx):
    net = mx.sym.Embedding(mx.sym.var("data"), input_dim=50, output_dim=6, name="embed")
    return mx.sym.softmax(mx.sym.FullyConnected(net, num_hidden=3, flatten=False, name="decoder"), axis=-1)


def group(mx):
    data = mx.sym.var("data")
    return mx.sym.Group([mx.sym.relu(data, name="one"), mx.sym.sigmoid(mx.sym.var("other"), name="two")])


def second_output(mx):
    return mx.sym.SliceChannel(mx.sym.relu(mx.sym.relu(mx.sym.var("data"))), num_outputs=2, axis=1)[1] * mx.sym.var("scale")


def resized(mx):
    net = mx.sym.contrib.BilinearResize2D(mx.sym.var("data"), height=8, width=8, name="resize")
    return mx.sym.Deconvolution(net, kernel=(2, 2), num_filter=3, name="deconv")


def annotated(mx):
    with mx.AttrScope(__stage__="1"):
        weight = mx.sym.var("kernel", lr_mult=2.0)
        return mx.sym.FullyConnected(mx.sym.var("data"), weight=weight, num_hidden=2, name="fc", attr={"__note__": "x"})


def recurrent(mx):
    net = mx.sym.RNN(mx.sym.var("data"), mx.sym.var("weights"), mx.sym.var("state"), mx.sym.var("memory"), mode="lstm", state_size=4,
                     num_layers=1, state_outputs=True, name="rnn")
    return mx.sym.FullyConnected(net[0], num_hidden=2, name="fc")


def variable(mx):
    return mx.sym.var("data")


def mean_and_variance(mx):
    return mx.sym.BatchNorm(mx.sym.var("data"), output_mean_var=True, name="bn")[0]


def zoo(name):
    return lambda mx: mx.gluon.model_zoo.vision.get_model(name)(mx.sym.var("data"))


NETWORKS = {
    "lenet": (lenet, {"data": (64, 1, 28, 28)}), "mlp": (mlp, {"data": (2, 5)}), "branches": (branches, {"data": (2, 3, 8, 8)}),
    "split": (split, {"data": (2, 6, 4)}), "words": (words, {"data": (2, 7)}), "group": (group, {"data": (2, 3), "other": (4, 5)}),
    "second_output": (second_output, {"data": (2, 4), "scale": (2, 2)}), "resized": (resized, {"data": (1, 2, 4, 4)}),
    "annotated": (annotated, {"data": (3, 4)}), "recurrent": (recurrent, {"data": (5, 2, 3)}), "variable": (variable, {"data": (2, 3)}),
    "mean_and_variance": (mean_and_variance, {"data": (2, 3, 4)}),
    **{name: (zoo(name), {"data": (1, 3, 224, 224)}) for name in ("resnet18_v2", "squeezenet1.1", "mobilenetv2_0.25")},
}


def attempt(program):
    """Run a program and return what it gives, its warnings, or the class of its error and the last line of the message."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            given = program()
        except Exception as error:
            return [type(error).__name__]
    return [given, [[entry.category.__name__, str(entry.message)] for entry in seen if entry.category is not DeprecationWarning]]


def table(mx, *args, **kwargs):
    """Return what print_summary prints, line by line."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        mx.viz.print_summary(*args, **kwargs)
    return text.getvalue().split("\n")


def picture(mx, *args, **kwargs):
    """Return name, format and lines of a picture; versions of graphviz differ in the blanks around."""
    found = mx.viz.plot_network(*args, **kwargs)
    return [found.name, found.format, [line.strip() for line in found.body]]


def outcomes(mx, name):
    """Return what a network gives in all ways of showing it."""
    make, shape = NETWORKS[name]
    with mx.name.NameManager():
        net = make(mx)
    types = {key: np.float32 for key in shape}
    return {
        "table": attempt(lambda: table(mx, net, shape)),
        "table without shapes": attempt(lambda: table(mx, net)),
        "narrow table": attempt(lambda: table(mx, net, shape=shape, line_length=60, positions=[20, 34, 45, 60])),
        "picture": attempt(lambda: picture(mx, net)),
        "picture with shapes": attempt(lambda: picture(mx, net, title=f"{name} net", save_format="svg", shape=shape)),
        "picture with types": attempt(lambda: picture(mx, net, shape=shape, dtype=types)),
        "picture with weights": attempt(lambda: picture(mx, net, hide_weights=False, node_attrs={"shape": "oval", "fixedsize": "false"})),
    }
