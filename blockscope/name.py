"""Automatic naming of symbols (MXNet's `mxnet.name`)."""
from .naming.name_manager import NameManager, Prefix

__all__ = ['NameManager', 'Prefix']
