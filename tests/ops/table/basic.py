"""Rows of the basic operators."""

ROWS: list = []
