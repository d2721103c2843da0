"""Rows of the random operators."""

ROWS: list = []
