"""What can keep the local servers from starting, as errors a person can act on.

Raised by every module of ``streams.local``; the command line prints the message alone, without a
traceback. A bug is never one of these.
"""

from __future__ import annotations


class LocalError(RuntimeError):
    """A local server cannot start or go on; the message names the cause and says what to do."""
