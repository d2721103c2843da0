"""Rows of the internal operators."""

ROWS: list = []
