"""Processes that must not outlive the one that started them.

`python -m drumscribe.service.lifeline PROGRAM [ARGUMENT …]` turns into a program that is none of ours.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Let the kernel kill this process when the thread that started it ends, however that ends. Only Linux can."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended while we asked
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_with_parent()  # holds for what this process becomes, too
    os.execvp(sys.argv[1], sys.argv[1:])
