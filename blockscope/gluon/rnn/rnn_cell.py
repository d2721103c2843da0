"""Recurrent cells, which compute one time step (MXNet's `mxnet.gluon.rnn.rnn_cell`)."""
from ._cell_base import HybridRecurrentCell, RecurrentCell
from ._cells import GRUCell, LSTMCell, RNNCell
from ._containers import BidirectionalCell, HybridSequentialRNNCell, SequentialRNNCell
from ._modifiers import DropoutCell, ModifierCell, ResidualCell, ZoneoutCell
from ._sequences import (_cells_begin_state, _cells_state_info, _format_sequence, _get_begin_state,  # noqa: F401
                         _mask_sequence_variable_length, _reverse_sequences)

__all__ = ['RecurrentCell', 'HybridRecurrentCell', 'RNNCell', 'LSTMCell', 'GRUCell', 'SequentialRNNCell',
           'HybridSequentialRNNCell', 'DropoutCell', 'ModifierCell', 'ZoneoutCell', 'ResidualCell', 'BidirectionalCell']

for _class in (RecurrentCell, HybridRecurrentCell, RNNCell, LSTMCell, GRUCell, SequentialRNNCell,
               HybridSequentialRNNCell, DropoutCell, ModifierCell, ZoneoutCell, ResidualCell, BidirectionalCell):
    _class.__module__ = __name__  # messages and pickles name the public home
