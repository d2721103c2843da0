"""Symbols: graphs of operators, what users know as `mx.sym`."""
