"""The sampler that MXNet keeps here; it is written beside the others, in `gluon.data.sampler`."""
from ...data.sampler import IntervalSampler

__all__ = ['IntervalSampler']
