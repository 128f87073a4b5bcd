"""Run a command that ends when the process that started it does, also when that was killed -9.

``processes.py`` runs this file by its path, so it imports nothing but the standard library:

    python -I -S launch.py MODE PARENT_PID GRACE_S COMMAND...

``kernel`` (Linux): ask the kernel to kill this process when the parent's starting thread ends, then become
the command; nothing stays behind. ``watch`` (elsewhere): stay beside the command, read standard input,
whose other end only the parent holds, and end the command when that end closes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

# prctl(2), <linux/prctl.h>.
PR_SET_PDEATHSIG = 1
LOST_PARENT = 70


def main(arguments: list[str]) -> int:
    """Run the command of ``arguments`` (mode, parent's pid, grace in seconds, command and its arguments).

    Returns:
        The command's exit code, negated signal number included as 128 + n; in mode ``kernel`` it returns
        only when the parent was gone before the kernel could be asked.
    """
    mode, parent, grace_s, command = arguments[0], int(arguments[1]), float(arguments[2]), arguments[3:]
    if mode == "kernel":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        # The parent may have ended before the request: then nobody will tell us.
        if os.getppid() != parent:
            return LOST_PARENT
        os.execvp(command[0], command)
    return _watch(command, grace_s)


def _watch(command: list[str], grace_s: float) -> int:
    # Signals go to the whole process group, so the command gets its own copy; this process only waits.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ignore)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_parent, args=(child, grace_s), daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _ignore(_number: int, _frame: object) -> None:
    # A handler, not SIG_IGN: the command would inherit SIG_IGN through exec and never hear SIGTERM.
    return


def _end_with_parent(child: subprocess.Popen[bytes], grace_s: float) -> None:
    while os.read(0, 1):
        pass
    child.terminate()
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
