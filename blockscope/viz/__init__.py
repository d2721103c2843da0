"""Tables and pictures of graphs (``mx.viz``).

`_graph` reads what both need out of the symbol's file, which is public and fixed, so that this room knows little of how graphs are kept.
`summary` prints a table and `network` draws a picture; graphviz is optional and imported there only. Texts and colours are MXNet's.
"""
from .network import plot_network
from .summary import print_summary

__all__ = ["plot_network", "print_summary"]
