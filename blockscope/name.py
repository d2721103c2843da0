"""Automatic naming of symbols (MXNet's `mxnet.name`)."""
from .naming.name_manager import NameManager, Prefix

__all__ = ['NameManager', 'Prefix']

for _class in (NameManager, Prefix):
    _class.__module__ = __name__  # messages and pickles name the public home
