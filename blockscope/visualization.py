"""Tables and pictures of graphs, under MXNet's module name."""
from .viz import plot_network, print_summary

__all__ = ["plot_network", "print_summary"]
