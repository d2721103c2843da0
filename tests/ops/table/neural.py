"""Rows of the neural operators."""

ROWS: list = []
