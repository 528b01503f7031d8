"""The command line: one file a verb, each a thin layer over the Python API."""

from inkloom.cli.main import main

__all__ = ["main"]
