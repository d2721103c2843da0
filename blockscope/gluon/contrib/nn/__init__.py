"""Contributed layers (MXNet's `mxnet.gluon.contrib.nn`)."""
from . import basic_layers
from .basic_layers import (Concurrent, HybridConcurrent, Identity, PixelShuffle1D, PixelShuffle2D, PixelShuffle3D,
                           SparseEmbedding, SyncBatchNorm)

__all__ = basic_layers.__all__
