"""`wakeline`: what can a person ask of the pipeline? Commands and options; the work is done elsewhere.

Each command imports what it needs when it runs: help and completion answer in a quarter of a second.
"""

from streams.cli.commands import main

__all__ = ["main"]
