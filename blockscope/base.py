"""Names that users import from MXNet's ``base`` module."""
from numbers import Number

import numpy as np

from .errors import MXNetError, NotImplementedForSymbol

__all__ = ["MXNetError", "NotImplementedForSymbol", "integer_types", "numeric_types", "string_types"]

numeric_types = (Number, np.generic)
integer_types = (int, np.integer)
string_types = (str,)
mx_real_t = np.float32

for _class in (MXNetError, NotImplementedForSymbol):
    _class.__module__ = __name__  # messages and pickles name the public home
