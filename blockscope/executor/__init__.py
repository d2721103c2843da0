"""Trace, plan and run graphs."""
