"""Writing a compiled block: its graph and its parameters, in MXNet's two files."""
import warnings

from .. import ndarray
from ..symbol.files import save

__all__ = ['export']


def export(graph, params, path, epoch, remove_amp_cast):
    """Write `<path>-symbol.json` and `<path>-%04d.params`.

    Parameters
    ----------
    graph : Symbol
    params : list of Parameter
        In the order of their keys in the file.
    path : str
    epoch : int
    remove_amp_cast : bool
    """
    arguments, states = set(graph.list_arguments()), set(graph.list_auxiliary_states())
    arrays = {}
    for param in params:
        if param.name in arguments:
            arrays[f'arg:{param.name}'] = param._reduce()
        elif param.name in states:
            arrays[f'aux:{param.name}'] = param._reduce()
        else:
            warnings.warn(f'Parameter "{param.name}" is not found in the graph. ', stacklevel=3)
    # Names that occur twice, such as those of a layer that is called twice, are made unique, as otherwise nothing can be found by them.
    save(graph._entries, '%s-symbol.json' % path, remove_amp_cast, unique_names=True)
    ndarray.save('%s-%04d.params' % (path, epoch), arrays)
