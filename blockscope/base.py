"""Names that users import from MXNet's ``base`` module."""
import os
from numbers import Number

import numpy as np

from .errors import MXNetError, NotImplementedForSymbol

__all__ = ["MXNetError", "NotImplementedForSymbol", "data_dir", "integer_types", "numeric_types", "py_str", "string_types"]

numeric_types = (Number, np.generic)
integer_types = (int, np.integer)
string_types = (str,)
mx_real_t = np.float32

for _class in (MXNetError, NotImplementedForSymbol):
    _class.__module__ = __name__  # messages and pickles name the public home


def py_str(x):
    """Return the text of a name. Names are text here already; MXNet's come from C as bytes.

    Examples
    --------
    >>> py_str(b"fc_output"), py_str("fc_output")
    ('fc_output', 'fc_output')
    """
    return x.decode("utf-8") if isinstance(x, bytes) else x


def data_dir_default():
    """Return the folder for data sets and models where `MXNET_HOME` names none: ``~/.mxnet``, and ``%APPDATA%\\mxnet`` on Windows."""
    if os.name == "nt" and "APPDATA" in os.environ:
        return os.path.join(os.environ["APPDATA"], "mxnet")
    return os.path.join(os.path.expanduser("~"), ".mxnet")


def data_dir():
    """Return the folder for data sets and models: `MXNET_HOME`, if that is set."""
    return os.environ.get("MXNET_HOME", data_dir_default())
