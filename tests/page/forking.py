"""Starts `anew` commands, each in a process of its own that is a fork of this one.

This process has loaded the command line and the server, so that a start takes milliseconds, and not the second that Python needs
to load them. It reads a line of JSON for each command (its arguments, its variables, a named pipe for its output) and
answers with the number of the process.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys

LOADED = (
    "anew.cli.main", "anew.cli.ui", "anew.cli.server", "anew.server.ui", "anew.server.comparing", "uvicorn.protocols.http.h11_impl",
    "uvicorn.lifespan.on", "anew.reading.remote.opening",
)  # fmt: skip
"""What commands load first. Nothing of it begins a thread, which a fork would not have."""


def main() -> None:
    for name in LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(asked["output"], os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if asked["powerless"]:
            give_up_powers()
        os.environ.clear()
        os.environ.update(asked["environ"])
        sys.argv = ["anew", *asked["arguments"]]
        from anew.cli.main import main as anew

        anew()
        return


def give_up_powers() -> None:
    """Have the rights of files hold for this process: to root they mean nothing otherwise."""
    if os.geteuid() != 0:
        return
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset((ctypes.c_uint32 * 2)(0x20080522, 0), none) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot give up its capabilities")


if __name__ == "__main__":
    main()
