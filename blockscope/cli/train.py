"""``python -m blockscope train``: the first example, on real data."""

import argparse
import math
import os

import blockscope as mx
from blockscope.errors import MXNetError
from blockscope.examples import digits

from .progress import bar

HELP = "Train a small convolutional net on real handwritten digits, save it and load it again."


class UsageError(Exception):
    """A command can't do what was asked for; the text is the line that the user sees."""


def _whole_number(least):
    def parse(text):
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too small: at least {least}")
        return value
    return parse


def _rate(text):
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _seed(text):
    value = _whole_number(0)(text)
    if value >= 2 ** 32:
        raise argparse.ArgumentTypeError(f"{value} is too large: less than 2**32")
    return value


def _optimizer(text):
    known = sorted(mx.optimizer.Optimizer.opt_registry)
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"there is no optimizer {text!r}: choose one of {', '.join(known)}")
    return text.lower()


def add_arguments(parser):
    """Declare the options of the command."""
    parser.add_argument("--epochs", type=_whole_number(1), default=15, help="passes over the data (default 15)")
    parser.add_argument("--batch-size", type=_whole_number(1), default=32, help="images a step (default 32)")
    parser.add_argument("--lr", type=_rate, default=0.003, help="learning rate at the start (default 0.003)")
    parser.add_argument("--optimizer", type=_optimizer, default="adam", help="name of an optimizer (default adam)")
    parser.add_argument("--seed", type=_seed, default=0, help="seed of the split and of the weights (default 0)")
    parser.add_argument("--ctx", choices=["cpu", "gpu"], default="cpu", help="where to compute (default cpu)")
    parser.add_argument("--out", default=".", help="folder for digits.params (default: the current one)")
    parser.set_defaults(run=run)


def run(options):
    """Train as the options say."""
    if options.ctx == "gpu" and mx.num_gpus() == 0:
        raise UsageError("--ctx gpu: no GPU can be used here (cupy and an NVIDIA driver are needed); use --ctx cpu")
    try:
        os.makedirs(options.out, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {options.out}: {error.strerror}") from error
    if not os.access(options.out, os.W_OK):
        raise UsageError(f"--out {options.out}: the folder can't be written to")
    try:
        digits.main(epochs=options.epochs, batch_size=options.batch_size, lr=options.lr, optimizer=options.optimizer,
                    seed=options.seed, ctx=mx.gpu() if options.ctx == "gpu" else mx.cpu(), out=options.out, progress=bar)
    except MXNetError as error:
        raise UsageError(str(error).splitlines()[0]) from error
    return 0
