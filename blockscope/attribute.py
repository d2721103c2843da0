"""Attribute scopes for symbols (MXNet's `mxnet.attribute`)."""
from .naming.attr_scope import AttrScope

__all__ = ['AttrScope']

AttrScope.__module__ = __name__  # messages and pickles name the public home
