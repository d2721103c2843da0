"""Contributed samplers (MXNet's `mxnet.gluon.contrib.data`)."""
from . import sampler
from .sampler import IntervalSampler

__all__ = sampler.__all__
