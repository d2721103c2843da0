"""Compare the peak memory of a ResNet-18 training step: ``python -m benchmarks.memory --peer torch=PYTHON``.

Batch 8, 224x224, 1000 classes, momentum SGD; blockscope hybridized with ``static_alloc=True``. Each system runs in a process
of its own. What counts is the highest resident memory while the net is made and trained for a few steps, above what the process
held before (importing the library, one small convolution); beside it the same for one more step, when everything that is kept has
its place. Needs Linux: the peak is read from /proc and reset there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.processes import REPOSITORY, System, blockscope_system

BATCH, SIZE, CLASSES, STEPS = 8, 224, 1000, 3
CHILD = "--child"
STAGES = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))


def blockscope_step() -> Callable[[], Callable[[], object]]:
    """Import blockscope; return what makes a training step of the zoo's ResNet-18."""
    import blockscope as mx

    mx.nd.Convolution(mx.nd.ones((1, 3, 8, 8)), mx.nd.ones((4, 3, 3, 3)), num_filter=4, kernel=(3, 3), no_bias=True).wait_to_read()

    def make() -> Callable[[], object]:
        net = mx.gluon.model_zoo.vision.resnet18_v1()
        net.initialize()
        net.hybridize(static_alloc=True)
        loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
        trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9})
        data = mx.nd.random.uniform(-1, 1, shape=(BATCH, 3, SIZE, SIZE))
        label = mx.nd.array(list(range(BATCH)))

        def step() -> object:
            with mx.autograd.record():
                loss = loss_of(net(data), label)
            loss.backward()
            trainer.step(BATCH)
            return loss.asnumpy()

        return step

    return make


def torch_step() -> Callable[[], Callable[[], object]]:
    """Import PyTorch; return what makes a training step of the same net."""
    import torch
    from torch import nn

    torch.nn.functional.conv2d(torch.ones(1, 3, 8, 8), torch.ones(4, 3, 3, 3))

    def convolution(inputs: int, outputs: int, kernel: int, stride: int, pad: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs))

    class Residual(nn.Module):
        """Two 3x3 convolutions beside the identity, or beside a 1x1 convolution where the shape changes."""

        def __init__(self, inputs: int, outputs: int, stride: int):
            super().__init__()
            relu = nn.ReLU(inplace=True)
            self.body = nn.Sequential(convolution(inputs, outputs, 3, stride, 1), relu, convolution(outputs, outputs, 3, 1, 1))
            self.beside = convolution(inputs, outputs, 1, stride, 0) if stride != 1 or inputs != outputs else nn.Identity()
            self.relu = relu

        def forward(self, x):
            return self.relu(self.body(x) + self.beside(x))

    def make() -> Callable[[], object]:
        layers = [convolution(3, 64, 7, 2, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
        inputs = 64
        for outputs, stride in STAGES:
            layers.append(Residual(inputs, outputs, stride))
            inputs = outputs
        net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, CLASSES))
        loss_of, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        data, label = torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1, torch.arange(BATCH)

        def step() -> object:
            optimizer.zero_grad()
            loss = loss_of(net(data), label)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    return make


SYSTEMS = {"blockscope": blockscope_step, "torch": torch_step}


def status(key: str) -> float:
    """Return a line of /proc/self/status in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {key}")


def reset_peak() -> None:
    """Let the peak start again at what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(name: str) -> dict[str, float]:
    """Run the steps in this process; return MiB: the peak from the start, and of one more step."""
    make = SYSTEMS[name]()
    reset_peak()
    before = status("VmRSS")
    step = make()
    for _ in range(STEPS):
        step()
    peak = status("VmHWM") - before
    reset_peak()
    step()
    return {"peak": peak, "steady": status("VmHWM") - before}


def run(system: System, threads: int) -> dict[str, float]:
    """Measure one system in a process of its own."""
    environment = {**system.environment(threads), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([system.python, "-m", "benchmarks.memory", CHILD, system.library], env=environment, cwd=REPOSITORY,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{system.name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == [CHILD]:
        print(json.dumps(measure(given[1])))
        return
    from benchmarks.__main__ import peer, positive

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=peer, action="append", default=[], metavar="torch=PYTHON")
    parser.add_argument("--threads", type=positive, default=2)
    chosen = parser.parse_args(given)
    unknown = [system.library for system in chosen.peer if system.library not in SYSTEMS]
    if unknown:
        parser.error(f"only torch is a peer here, not {', '.join(unknown)}")
    ours = run(blockscope_system(sys.executable), chosen.threads)
    print(f"{'system':<12}{'peak MiB':>10}{'steady MiB':>12}{'ratio':>8}")
    print(f"{'blockscope':<12}{ours['peak']:>10.0f}{ours['steady']:>12.0f}")
    for system in chosen.peer:
        theirs = run(system, chosen.threads)
        print(f"{system.name:<12}{theirs['peak']:>10.0f}{theirs['steady']:>12.0f}{ours['peak'] / theirs['peak']:>8.2f}")


if __name__ == "__main__":
    main()
