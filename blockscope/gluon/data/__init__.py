"""Datasets, samplers and the loader that makes mini-batches of them (MXNet's ``gluon.data``).

A batch is made in the calling thread, in worker threads, or in worker processes. Processes send their batches through
anonymous shared memory: nothing is copied in the receiving process, and nothing has a name that could be left behind.
"""
from .._text import absent as _absent
from .dataloader import DataLoader
from .dataset import ArrayDataset, Dataset, SimpleDataset
from .sampler import BatchSampler, FilterSampler, IntervalSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["ArrayDataset", "BatchSampler", "DataLoader", "Dataset", "FilterSampler", "IntervalSampler",
           "RandomSampler", "Sampler", "SequentialSampler", "SimpleDataset"]


def __getattr__(name):
    raise _absent(__name__, name)
