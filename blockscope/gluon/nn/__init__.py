"""Layers of neural networks."""
from .._text import absent as _absent
from ..block import *
from .activations import *
from .basic_layers import *
from .conv_layers import *


def __getattr__(name):
    raise _absent(__name__, name)
