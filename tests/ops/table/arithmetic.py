"""Rows of the arithmetic operators."""

ROWS: list = []
