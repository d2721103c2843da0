"""Contributed layers, cells and samplers (MXNet's `mxnet.gluon.contrib`).

``data``, ``nn`` and ``rnn`` are imported when they are first named. ``cnn`` (deformable convolution) and ``estimator`` are not part
of blockscope yet: importing them is an error that says so.
"""
import importlib as _importlib

_SUBMODULES = ('data', 'nn', 'rnn')
_MISSING = {'cnn': 'deformable convolution', 'estimator': 'the training loop of Estimator'}
__all__ = [*_SUBMODULES]


def __getattr__(name):
    if name in _MISSING:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}: {_MISSING[name]} is not part of blockscope yet')
    if name not in _SUBMODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = found = _importlib.import_module(f'.{name}', __name__)
    return found


def __dir__():
    return sorted({*globals(), *__all__})
