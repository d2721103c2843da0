"""Tracing: running `hybrid_forward` once with symbols, which gives the graph that a hybridized block compiles."""
import contextlib
import linecache
import traceback

from .. import symbol
from ..errors import NotImplementedForSymbol
from ._calls import _flatten, _regroup

__all__ = ['Trace', 'traceable']

_PACKAGE = __name__.split('.', maxsplit=1)[0]
_WHY = ('While a hybridized block is traced its arrays are symbols, which have no values: use operators of F in their place (F.where, '
        'F.contrib.cond, F.shape_array, reshape with 0 and -1), or call hybridize(active=False) on this block.')


class Trace:
    """The graph of one block for one structure of arguments.

    Parameters
    ----------
    block : HybridBlock
    args : tuple
        Arguments of a call: arrays, None, or nested lists of them.

    Attributes
    ----------
    inputs : list of Symbol
        One variable an array: `data`, or `data0`, `data1`, ... where there are several.
    out : Symbol
        All outputs.
    in_format, out_format
        How arguments and outputs are nested; see `_flatten`.
    absent : list of int
        Which of the flattened outputs are None.
    """

    def __init__(self, block, args):
        flat, self.in_format = _flatten(args, 'input')
        count = sum(x is not None for x in flat)
        if not count:
            raise ValueError(f'All args are None and we do not support such a case. Received args={args}')
        self.inputs, variables = [], []
        for x in flat:
            if x is not None:
                name = f'data{len(self.inputs)}' if count > 1 else 'data'
                self.inputs.append(symbol.var(name))
            variables.append(None if x is None else self.inputs[-1])
        out = block._forward_symbolic(*_regroup(variables, self.in_format))
        flat_out, self.out_format = _flatten(out, 'output')
        given = [x for x in flat_out if x is not None]
        if not given:
            raise ValueError(f'{block.name}: hybrid_forward returned {out}: a graph needs at least one output')
        self.out = symbol.Group(given)
        self.absent = [i for i, x in enumerate(flat_out) if x is None]


@contextlib.contextmanager
def traceable(block):
    """Say in errors of a trace which block and line can't be traced, and what to write instead."""
    try:
        yield
    except (NotImplementedForSymbol, AttributeError, TypeError) as error:
        if not getattr(error, 'traced', False) and ('Symbol' in str(error) or isinstance(error, NotImplementedForSymbol)):
            error.traced = True
            text = f'\n{_place(error, block)}\n{_WHY}'
            if isinstance(error, NotImplementedForSymbol):
                error.where = text
            else:
                error.args = (f'{error}{text}', *error.args[1:])
        raise


def _place(error, block):
    """Return which line of which block an error came from: the last line that is not in this package."""
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)
              if frame.f_globals.get('__name__', '').split('.')[0] != _PACKAGE]
    if not frames:
        return f'in block {block.name} ({type(block).__name__})'
    frame, line = frames[-1]
    file = frame.f_code.co_filename
    source = linecache.getline(file, line).strip()
    return f'in block {block.name} ({type(block).__name__}), {file}:{line}' + (f': {source}' if source else '')
