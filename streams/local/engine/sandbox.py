"""How is the process kept to its own folder, whatever SQL it runs?

By Landlock, which Linux has since 5.13: after `confine` the process and all threads it starts later read
Python, the system's libraries and the kernel's own files, write their folder alone, start no program and
(from ABI 4) open no TCP connection. It must run before the engine's threads start, because it binds the
calling thread and its children only. It drops no user id: that is the business of whoever starts the
process.
"""

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

# linux/landlock.h; the numbers of the system calls are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH, _CREATE_RULESET_VERSION = 1, 1
_PR_SET_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REFER, _TRUNCATE, _IOCTL_DEV = 0, 1, 2, 3, 13, 14, 15
_FILE_RIGHTS_BY_ABI = ((1, 12), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
_READ = 1 << _READ_FILE | 1 << _READ_DIR
_OF_A_FILE = 1 << _EXECUTE | 1 << _WRITE_FILE | 1 << _READ_FILE | 1 << _TRUNCATE | 1 << _IOCTL_DEV
_NET_CONNECT_TCP = 1 << 1
_SCOPE_SOCKETS_AND_SIGNALS = 0b11

# What the C library, Python and the engine read: libraries, time zones, the machine's memory and processors.
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/proc", "/sys", "/etc/localtime", "/etc/timezone", "/etc/ld.so.cache",
    "/etc/nsswitch.conf", "/etc/hosts",
)  # fmt: skip
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(folder: Path) -> str | None:
    """Confines this thread and all it starts to a folder; there is no way back.

    Args:
        folder: The only folder that stays writable; it must exist.

    Returns:
        None when confined, else why the kernel cannot (macOS, Linux before 5.13, Landlock switched off).

    Raises:
        OSError: The kernel has Landlock and refused the rules.
    """
    if sys.platform != "linux":
        return f"{sys.platform} has no Landlock"
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    if abi < 1:
        return f"the kernel has no Landlock ({os.strerror(ctypes.get_errno())})"
    rights = _file_rights(abi)
    rules = _Ruleset(
        rights, _NET_CONNECT_TCP if abi >= 4 else 0, _SCOPE_SOCKETS_AND_SIGNALS if abi >= 6 else 0
    )
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    try:
        _allow(libc, ruleset, [folder], rights & ~(1 << _EXECUTE))
        _allow(libc, ruleset, readable(), rights & _READ)
        _allow(libc, ruleset, map(Path, _DEVICES), rights & (1 << _READ_FILE | 1 << _WRITE_FILE))
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return None


def readable() -> list[Path]:
    """Folders and files that the process goes on reading: Python, its packages, the system's libraries."""
    own = Path(__file__).resolve().parents[3] / "streams"
    # sys.path as a whole may hold the folder where the process was started: a home, for instance.
    packages = [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    python = [sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), *packages]
    return [own, *(Path(p) for p in (*python, *_SYSTEM))]


def _file_rights(abi: int) -> int:
    """All file rights that an ABI knows, so that none stays open by omission."""
    rights = 0
    for since, last in _FILE_RIGHTS_BY_ABI:
        if abi >= since:
            rights |= (1 << (last + 1)) - 1
    return rights


def _allow(libc: ctypes.CDLL, ruleset: int, paths: Iterable[Path], rights: int) -> None:
    for path in paths:
        if not path.exists():
            continue
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _PathBeneath(rights if path.is_dir() else rights & _OF_A_FILE, fd)
            _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
        finally:
            os.close(fd)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
