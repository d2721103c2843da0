"""Blocks (MXNet's `mxnet.gluon.block`)."""
from ._block import Block
from ._block_scope import _BlockScope
from ._calls import _flatten, _regroup
from ._hybrid_block import HybridBlock
from ._symbol_block import SymbolBlock

__all__ = ['Block', 'HybridBlock', 'SymbolBlock', '_BlockScope', '_flatten', '_regroup']

for _class in (Block, HybridBlock, SymbolBlock, _BlockScope):
    _class.__module__ = __name__  # messages and pickles name the public home
