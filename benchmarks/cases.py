"""What is timed, and the limits set on it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """Describe one timed piece of work.

    Parameters
    ----------
    name : str
        The name in the cases files; a file may offer variants of it as ``name@variant``.
    title : str
        What the table calls it.
    limits : dict of str to float
        The largest accepted ratio of blockscope's time to each named peer's.
    limit_seconds : float, optional
        The largest accepted time of blockscope alone.
    operators : int, optional
        How many operators (or parameters, where the work is on those) one call goes through, for the profile's cost of
        one.
    """

    name: str
    title: str
    limits: dict[str, float] = field(default_factory=dict)
    limit_seconds: float | None = None
    operators: int = 1


IMPORT = "import"

CASES = (
    Case("dense_construct", "construct Dense(4, in_units=4)", {"mxnet": 0.4}),
    Case("collect_params", "collect_params, 10,000 parameters", {"mxnet": 0.25}, operators=10_000),
    Case("init_params", "initialise 10,000 small parameters", {"mxnet": 0.05}, operators=10_000),
    Case("add", "a + b on 4x4", {"mxnet": 0.1, "torch": 1.3}),
    # Operators: 5 in the layers, 4 in the loss, as many backward, 6 updates.
    Case("mlp_step", "eager MLP step, batch 32, SGD momentum", {"mxnet": 0.2, "torch": 0.7}, operators=24),
    Case("hybrid_mlp_step", "hybridized MLP step (PyTorch: eager)", {"mxnet": 0.2, "torch": 0.4}, operators=24),
    # One trace, one shape inference, one plan of 175 operators.
    Case("plan_resnet50", "trace and plan ResNet-50", limit_seconds=0.5, operators=175),
    Case(IMPORT, "import, less numpy's import", limit_seconds=0.150),
    Case("op_chain", "chain of 10 small eager operators", operators=10),
    # Operators: 11 in the layers (flattening included), 4 in the loss, as many backward.
    Case("lenet", "LeNet forward and backward, batch 32", operators=30),
    # Batch 8, forward and both gradients: layers of ResNet-18 and of MobileNet.
    Case("conv_3x3", "convolution 3x3, 64 to 64 channels, 56x56"),
    Case("conv_strided", "convolution 3x3 stride 2, 64 to 128 channels, 56x56"),
    Case("conv_pointwise", "convolution 1x1, 128 to 128 channels, 28x28"),
    Case("conv_depthwise", "depthwise convolution 3x3, 128 channels, 56x56"),
    Case("matmul", "1024x1024 matrix product"),
    Case("save_file", "save 10 MB of parameters", operators=40),
    Case("load_file", "load 10 MB of parameters", operators=40),
)
