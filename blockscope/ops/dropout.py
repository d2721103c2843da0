"""Dropout."""

from typing import Literal

from .attributes import Shape
from .inference import first
from .registry import operator


@operator("Dropout", random=True, outputs=2, visible=1, aliasing=True, output_names=("output", "mask"), shape_rule=first)
def dropout(env, data, *, p: float = 0.5, mode: Literal["always", "training"] = "training", axes: Shape = (),
            cudnn_off: bool | None = False):
    """Zero every element with probability `p` and scale the others by ``1 / (1 - p)``, in training (or always).

    Elements along `axes` share their fate. The hidden second output is the mask; when nothing is dropped there is none.
    `cudnn_off` chooses among MXNet's kernels and changes no result.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"value {p} for Parameter p exceed bound [0,1]\np: Fraction of the input that gets dropped out during "
                         "training time., in operator Dropout")
    if p == 0 or not (env.training or mode == "always"):
        return data
    axes = {a % data.ndim for a in axes}
    shape = tuple(1 if i in axes else n for i, n in enumerate(data.shape))
    mask = env.random.keep_mask(1.0 - p, shape, data.dtype)
    return data * mask, mask


@dropout.gradient
def _(F, dy, y, _data, **_attrs):
    if y.__class__ is not tuple:
        return (lambda: dy,)
    return (lambda: dy[0] * y[1],)
