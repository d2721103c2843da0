"""Parameters of blocks (MXNet's `mxnet.gluon.parameter`)."""
from ..ndarray import NDArray
from ..symbol import Symbol
from ._parameter import Constant, Parameter
from ._parameter_dict import ParameterDict
from ._replicas import DeferredInitializationError

__all__ = ['Constant', 'DeferredInitializationError', 'Parameter', 'ParameterDict', 'tensor_types']

tensor_types = (Symbol, NDArray)

for _class in (Constant, DeferredInitializationError, Parameter, ParameterDict):
    _class.__module__ = __name__  # messages and pickles name the public home
