"""Who else on this machine uses a folder?

A lock of the kernel (``flock``) on a file that holds its owner's pid: it is gone with its owner, however
that ended, so a lock file left behind by a crash holds nobody up. It does not work across machines (NFS).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from streams.local.errors import LocalError


class LockHeld(LocalError):
    """Another process holds the lock.

    Attributes:
        path: The lock file.
        pid: Its owner's process id; None when the owner has not written it (yet).
    """

    def __init__(self, path: Path, pid: int | None) -> None:
        owner = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"{path} is locked by {owner}.")
        self.path = path
        self.pid = pid


class FileLock:
    """An exclusive lock on a path, usable as a context manager (which waits).

    The file stays after release: removing it would let two owners in, one on the old file and one on a
    new file of the same name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, *, wait: bool) -> None:
        """Take the lock and write this process's pid into the file.

        Args:
            wait: Wait for the owner to release it, instead of raising.

        Raises:
            LockHeld: It is held elsewhere and ``wait`` is false.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Not inherited by children (PEP 446): the lock is this process's alone.
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            os.close(fd)
            raise LockHeld(self.path, int(owner) if owner.isdigit() else None) from None
        except BaseException:
            os.close(fd)
            raise
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> FileLock:
        self.acquire(wait=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
