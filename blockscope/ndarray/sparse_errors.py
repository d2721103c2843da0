"""What ``nd.sparse`` offers while there are no sparse arrays: errors that say so."""

from ..errors import MXNetError


def _refused(name, instead):
    def refuse(*args, **kwargs):
        raise MXNetError(f"nd.sparse.{name}: sparse arrays are not available in blockscope yet; {instead}")
    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Raise MXNetError: sparse arrays are not available; {instead}."
    return refuse


csr_matrix = _refused("csr_matrix", "use a dense array: nd.array(matrix.toarray())")
row_sparse_array = _refused("row_sparse_array", "use a dense array: nd.zeros(shape) and x[indices] = data")
array = _refused("array", "use nd.array with a dense source")
