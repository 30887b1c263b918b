"""Starting the process that pushes: one for each machine, user, root and server, whoever begins it."""

from __future__ import annotations

import os
import sys

from ..journal.lock import locked
from ..record.encode import encode_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .outbox import Outbox

__all__ = ["PROGRAM", "ensure", "is_running"]

# The package that is run: it loads what pushes, which no training process does.
PROGRAM = f"{__package__.rpartition('.')[0]}.syncer"
# The shell leaves at once, so that the program around has no child that it does not know of.
_SHELL = 'exec </dev/null >/dev/null; "$@" 2>>"$LOG" &'


def is_running(outbox: Outbox) -> bool:
    """Whether a process pushes what is in an outbox.

    Raises:
        OSError: The lock cannot be looked at.
    """
    with locked(outbox.lock, 0.0) as free:
        return not free


def ensure(outbox: Outbox) -> None:
    """Start the process that pushes, unless there is one: it takes in what is registered until it ends.

    Raises:
        OSError: It cannot be started.
    """
    if not is_running(outbox):
        _start(outbox)


def _start(outbox: Outbox) -> None:
    request = encode_line({"root": outbox.root.root, "to": outbox.server}).decode().strip()
    command = [
        sys.executable,
        "-P",
        "-m",
        PROGRAM,
        request,
    ]  # -P: no module of the program's folder
    environ = {**os.environ, "LOG": outbox.log, "OMP_NUM_THREADS": "1"}
    if not hasattr(os, "posix_spawn"):  # Windows
        import subprocess

        detached = getattr(subprocess, "DETACHED_PROCESS", 0)
        null = subprocess.DEVNULL
        subprocess.Popen(
            command, stdin=null, stdout=null, stderr=null, env=environ, creationflags=detached
        )
        return
    arguments = ["sh", "-c", _SHELL, "sh", *command]
    try:
        pid = os.posix_spawn("/bin/sh", arguments, environ, setsid=True)
    except NotImplementedError:  # a libc without it
        pid = os.posix_spawn("/bin/sh", arguments, environ, setpgroup=0)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:  # the program waits for every child itself
        pass
