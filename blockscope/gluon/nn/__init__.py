"""Layers of neural networks."""
from ..block import *
from .activations import *
from .basic_layers import *
from .conv_layers import *
