"""The command line: ``python -m blockscope COMMAND``."""
from .main import main

__all__ = ["main"]
