"""Recurrent layers and cells (MXNet's `mxnet.gluon.rnn`)."""
from . import rnn_cell, rnn_layer
from .rnn_cell import (BidirectionalCell, DropoutCell, GRUCell, HybridRecurrentCell, HybridSequentialRNNCell, LSTMCell,
                       ModifierCell, RecurrentCell, ResidualCell, RNNCell, SequentialRNNCell, ZoneoutCell)
from .rnn_layer import GRU, LSTM, RNN

__all__ = [*rnn_cell.__all__, *rnn_layer.__all__]
