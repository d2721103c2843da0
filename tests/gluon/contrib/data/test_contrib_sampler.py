"""The sampler under its name in MXNet."""
import blockscope as mx


def test_interval_sampler():
    """Values of MXNet 1.9.1."""
    sampler = mx.gluon.contrib.data.IntervalSampler
    assert list(sampler(13, interval=3)) == [0, 3, 6, 9, 12, 1, 4, 7, 10, 2, 5, 8, 11]
    assert list(sampler(13, interval=3, rollover=False)) == [0, 3, 6, 9, 12]
    assert sampler is mx.gluon.contrib.data.sampler.IntervalSampler
