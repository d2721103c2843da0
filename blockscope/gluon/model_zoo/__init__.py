"""Networks with names, and files of their trained parameters (MXNet's `mxnet.gluon.model_zoo`).

The networks in `vision` are ordinary blocks over `gluon.nn`: what makes their parameters, names and graphs those of MXNet is in the layers
and scopes that any block has. `model_store` knows files and servers and nothing of networks.
"""
from . import model_store, vision

__all__ = ['model_store', 'vision']
