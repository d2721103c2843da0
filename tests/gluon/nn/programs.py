"""Layers and losses to make, as text: evaluated with `nn` and `loss` here and by `record_mxnet.py` with the real MXNet."""

PROGRAMS = """
nn.Dense(3)
nn.Dense(3, activation='relu', in_units=2)
nn.Dense(3, use_bias=False, flatten=False, dtype='float64')
nn.Dropout(.5)
nn.Dropout(.5, axes=(1,))
nn.BatchNorm()
nn.BatchNorm(in_channels=3, scale=False, epsilon=1e-3)
nn.BatchNorm(in_channels=3, center=False, axis=3, use_global_stats=True)
nn.BatchNormReLU(in_channels=2)
nn.Embedding(3, 4)
nn.Embedding(3, 4, dtype='float64')
nn.Flatten()
nn.InstanceNorm()
nn.InstanceNorm(in_channels=4, scale=True)
nn.LayerNorm()
nn.LayerNorm(in_channels=4, axis=1)
nn.GroupNorm(2)
nn.Lambda('relu')
nn.Lambda(lambda x: x)
nn.HybridLambda('relu')
nn.HybridLambda(lambda F, x: x)
nn.Lambda('nope')
nn.HybridLambda('nope')
nn.Lambda(3)
nn.HybridLambda(3)
nn.Activation('relu')
nn.LeakyReLU(.1)
nn.LeakyReLU(-1)
nn.PReLU()
nn.ELU()
nn.SELU()
nn.GELU()
nn.Swish()
nn.Conv1D(3, 2)
nn.Conv2D(3, 2, padding=1, dilation=2, groups=3, use_bias=False, activation='tanh', in_channels=6)
nn.Conv2D(3, (2, 3), strides=(1, 2), padding=(0, 1))
nn.Conv3D(3, 2, layout='NDHWC')
nn.Conv2D(3, 2, layout='NHWC', in_channels=5)
nn.Conv1DTranspose(3, 2, output_padding=1, strides=2)
nn.Conv2DTranspose(3, 2, output_padding=1, strides=2, in_channels=4)
nn.Conv3DTranspose(3, 2)
nn.Conv2D(3, (1, 2, 3))
nn.Conv2D(3, 2, layout='CHWN')
nn.Conv1D(3, 2, layout='NWC')
nn.Conv2DTranspose(3, 2, output_padding=(1,))
nn.MaxPool1D()
nn.MaxPool2D(3, 2, 1)
nn.MaxPool3D()
nn.AvgPool1D()
nn.AvgPool2D(ceil_mode=True, count_include_pad=False)
nn.AvgPool3D()
nn.GlobalMaxPool1D()
nn.GlobalMaxPool2D()
nn.GlobalMaxPool3D()
nn.GlobalAvgPool1D()
nn.GlobalAvgPool2D(layout='NHWC')
nn.GlobalAvgPool3D()
nn.MaxPool2D(layout='CHWN')
nn.MaxPool2D((1, 2, 3))
nn.ReflectionPad2D(2)
loss.L1Loss()
loss.L2Loss()
loss.SigmoidBCELoss()
loss.SoftmaxCELoss(weight=2.)
loss.KLDivLoss(batch_axis=1)
loss.CTCLoss()
loss.CTCLoss('NTX')
loss.CTCLoss(label_layout='X')
loss.HuberLoss()
loss.HingeLoss()
loss.SquaredHingeLoss()
loss.LogisticLoss(label_format='x')
loss.LogisticLoss()
loss.TripletLoss()
loss.PoissonNLLLoss()
loss.CosineEmbeddingLoss()
loss.SDMLLoss()
""".strip().splitlines()


def describe(program, nn, loss):
    """Return what can be seen of a new layer: its text, name and parameters, or its exception."""
    try:
        block = eval(program, {"nn": nn, "loss": loss})
    except Exception as error:
        return {"raises": type(error).__name__, "says": str(error)}
    prefix = block.prefix
    parameters = [[name[len(prefix):], list(p.shape), p.grad_req, getattr(p.dtype, "__name__", str(p.dtype))]
                  for name, p in block.collect_params().items()]
    return {"repr": repr(block), "hint": prefix.rstrip("_").rstrip("0123456789"), "parameters": parameters}


def signatures(nn, loss, inspect):
    """Return the parameters of every public class's constructor, as text."""
    found = {}
    for module in (nn, loss):
        for name in dir(module):
            value = getattr(module, name)
            if inspect.isclass(value) and not name.startswith("_") and ".gluon." in value.__module__ \
                    and value.__module__.rsplit(".", 1)[1] not in ("block", "_block", "_hybrid_block", "_symbol_block"):
                parameters = inspect.signature(value.__init__).parameters.values()
                found[name] = [f"{p.kind.name} {p.name}" + ("" if p.default is p.empty else f"={_default(p.default)}") for p in parameters]
    return found


def _default(value):
    return repr(value) if isinstance(value, (str, int, float, tuple, type(None))) else type(value).__name__
