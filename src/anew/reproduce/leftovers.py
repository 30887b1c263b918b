"""The processes that a program has left behind: found though they left its session, and ended."""

from __future__ import annotations

import os
import signal
import sys
import time

import psutil

__all__ = ["Leftovers"]

_SET, _GET = 36, 37
"""PR_SET_CHILD_SUBREAPER and PR_GET_CHILD_SUBREAPER of linux/prctl.h."""
_ROUNDS, _PAUSE = 40, 0.05


class Leftovers:
    """Finds what a program leaves behind; made before it starts.

    While it is open, a process whose parent ends becomes a child of this one (on Linux), so that one which has left its
    session and cleared its environment is found as well.
    """

    def __init__(self) -> None:
        self._before: set[int] = set()
        self._adopted = False

    def __enter__(self) -> Leftovers:
        self._before = {one.pid for one in _children()}
        self._adopted = _is_adopting()
        _adopt(True)
        return self

    def __exit__(self, *_: object) -> None:
        _adopt(self._adopted)

    def end(self, session: int, token: str | None) -> None:
        """End all of them.

        Args:
            session: The session of the program.
            token: What its variable `ANEW_JOIN` is.
        """
        for one in psutil.process_iter():
            try:
                ours = os.getsid(one.pid) == session or (
                    token is not None and one.environ().get("ANEW_JOIN") == token
                )
                if ours and one.pid != os.getpid():
                    one.kill()
            except (psutil.Error, OSError):
                pass
        for _ in range(_ROUNDS):  # what one of them has started is seen when it is gone
            if not self._end_adopted():
                return
            time.sleep(_PAUSE)

    def _end_adopted(self) -> bool:
        """End the children that this process did not have before; whether there were any."""
        found = False
        for one in _children():
            if one.pid in self._before or not _is_adopting():
                continue
            try:
                if one.status() != psutil.STATUS_ZOMBIE:
                    if "anew." in " ".join(one.cmdline()[1:3]):  # it sends what we record
                        continue
                    os.kill(one.pid, signal.SIGKILL)
                if one.ppid() == os.getpid():
                    os.waitpid(one.pid, os.WNOHANG)
            except (psutil.Error, OSError):
                continue
            found = True
        return found


def _children() -> list[psutil.Process]:
    try:
        return list(psutil.Process().children(recursive=True))
    except psutil.Error:
        return []


def _is_adopting() -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    found = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(_GET, ctypes.byref(found), 0, 0, 0)
    return bool(found.value)


def _adopt(wanted: bool) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET, int(wanted), 0, 0, 0)
