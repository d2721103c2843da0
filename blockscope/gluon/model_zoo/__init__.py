"""Networks with names, and files of their trained parameters (MXNet's `mxnet.gluon.model_zoo`)."""
from . import model_store, vision

__all__ = ['model_store', 'vision']
