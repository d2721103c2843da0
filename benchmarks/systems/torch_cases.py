"""The work in PyTorch, eager."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import torch
from torch import nn

BATCH = 32
SMALL_LAYERS = 5000


def dense_construct():
    """Construct one small layer (PyTorch has no name scope, and initialises at once)."""
    linear = nn.Linear
    return lambda: linear(4, 4)


def many_layers():
    """Return a net of 5,000 small layers, which hold 10,000 parameters."""
    return nn.Sequential(*[nn.Linear(4, 4) for _ in range(SMALL_LAYERS)])


def collect_params():
    """Collect the 10,000 named parameters of a net."""
    net = many_layers()
    return lambda: dict(net.named_parameters())


def init_params():
    """Initialise 10,000 small parameters in place, as Gluon's default does (no gradient arrays)."""
    layers = list(many_layers())

    def call():
        for layer in layers:
            nn.init.uniform_(layer.weight, -0.07, 0.07)
            nn.init.zeros_(layer.bias)

    return call


def add():
    """Add two 4x4 arrays."""
    a, b = torch.ones(4, 4), torch.ones(4, 4)
    return lambda: a + b


def op_chain():
    """Run ten small operators one after the other on (32, 64)."""
    x = torch.rand(32, 64) * 2 - 1
    weight = torch.rand(64, 64) * 0.2 - 0.1

    def call():
        y = torch.matmul(x, weight)
        y = torch.relu(y * 0.5 + 1.0)
        y = torch.tanh(y - x)
        y = torch.exp(y).reshape((64, 32))
        return torch.sum(torch.transpose(y, 0, 1), dim=1)

    return call


def mlp_step():
    """Train a 64-64-64-10 net for one step: forward, loss, backward, momentum SGD."""
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    data, label = torch.rand(BATCH, 64) * 2 - 1, torch.arange(BATCH) % 10
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def call():
        optimizer.zero_grad()
        loss = loss_of(net(data), label)
        loss.backward()
        optimizer.step()
        return loss

    return call


def hybrid_mlp_step():
    """Do what `mlp_step` does: the peer of the compiled step is the eager one."""
    return mlp_step()


def lenet():
    """Run forward and backward of a small convolutional net on 28x28 images."""
    net = nn.Sequential(
        *(nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2, 2)),
        *(nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2, 2)),
        *(nn.Flatten(), nn.Linear(800, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    data, label = torch.rand(BATCH, 1, 28, 28) * 2 - 1, torch.arange(BATCH) % 10
    loss_of = nn.CrossEntropyLoss()

    def call():
        net.zero_grad()
        loss = loss_of(net(data), label)
        loss.backward()
        return loss

    return call


def convolution(channels, size, filters, kernel, **attrs):
    """Run forward and backward of one convolution of a batch of 8."""
    x = (torch.rand(8, channels, size, size) * 2 - 1).requires_grad_()
    weight = (torch.rand(filters, channels // attrs.get("groups", 1), kernel, kernel) * 0.2 - 0.1).requires_grad_()
    top = torch.ones_like(nn.functional.conv2d(x, weight, **attrs))

    def call():
        x.grad = weight.grad = None
        nn.functional.conv2d(x, weight, **attrs).backward(top)
        return weight.grad

    return call


def conv_3x3():
    """Convolve with 3x3 kernels."""
    return convolution(64, 56, 64, 3, padding=1)


def conv_strided():
    """Convolve with 3x3 kernels at every second point."""
    return convolution(64, 56, 128, 3, stride=2, padding=1)


def conv_pointwise():
    """Mix channels."""
    return convolution(128, 28, 128, 1)


def conv_depthwise():
    """Convolve every channel with a kernel of its own."""
    return convolution(128, 56, 128, 3, padding=1, groups=128)


def matmul():
    """Multiply two 1024x1024 matrices."""
    a, b = torch.rand(1024, 1024) * 2 - 1, torch.rand(1024, 1024) * 2 - 1
    return lambda: torch.matmul(a, b)


class ParameterFile:
    """Own a temporary directory with a 10 MB parameter file, removed with this object."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "net.pt")
        self.arrays = {f"dense{i}_weight": torch.rand(256, 256) * 2 - 1 for i in range(40)}
        self.save()

    def save(self) -> None:
        """Write the file."""
        torch.save(self.arrays, self.path)

    def load(self) -> Any:
        """Read the file."""
        return torch.load(self.path)


def save_file():
    """Save 10 MB of parameters."""
    return ParameterFile().save


def load_file():
    """Load 10 MB of parameters."""
    return ParameterFile().load


CASES = {
    function.__name__: function
    for function in (
        dense_construct,
        collect_params,
        init_params,
        add,
        mlp_step,
        hybrid_mlp_step,
        op_chain,
        lenet,
        conv_3x3,
        conv_strided,
        conv_pointwise,
        conv_depthwise,
        matmul,
        save_file,
        load_file,
    )
}


def open_system(library: str, threads: int) -> dict[str, Any]:
    """Set the threads of the imported `library` and return what the worker needs."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(threads)
    torch.manual_seed(0)
    return {"version": torch.__version__, "wait": lambda result: None, "cases": CASES}
