"""A real server process, and programs that record for it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from anew import Store
from anew.journal.layout import RootLayout
from anew.syncing.outbox import Outbox

PATIENCE = 400.0


class Lab:
    """`anew server` on a port of this machine; it can be ended and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Lab:
        command = [sys.executable, "-m", "anew", "server", str(self.folder), "--port", str(self.port), "-q"]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline()
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def store(self) -> Store:
        return Store(self.url)


class Machine:
    """A folder that programs record in, as one machine has it."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self.root = folder / "experiments"
        folder.mkdir(exist_ok=True)
        self.server = server
        self.outbox = Outbox(RootLayout(str(self.root)), server)

    @property
    def environ(self) -> dict[str, str]:
        # The stem of an outbox's files has the user in it, and nothing else of the environment.
        return {
            **os.environ, "ANEW_ROOT": self.server, "ANEW_LOCAL": str(self.root), "ANEW_CAPTURE": "off",
            "ANEW_SYSTEM_METRICS": "0", "ANEW_SYNC_WAIT": "60", "ANEW_HEARTBEAT": "0.2",
        }  # fmt: skip

    def begin(self, code: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", f"from anew import Experiment\n{code}", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environ | environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, code: str, *arguments: str, **environ: str) -> str:
        """Run a program to its end; what it printed."""
        with self.begin(code, *arguments, **environ) as process:
            out, err = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, err
        return out.strip()

    def anew(self, *arguments: str, code: int = 0, stdin: str = "", **environ: str) -> str:
        """Run a command; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "anew", *arguments], cwd=self.folder, env=self.environ | environ,
            input=stdin, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    def end(self) -> None:
        """End the process that pushes."""
        state = self.outbox.state() if self.root.exists() else None
        if state is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGTERM)


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` returns once it is true."""
    until = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def machines(folder: Path, server: str, *names: str) -> Iterator[list[Machine]]:
    found = [Machine(folder / name, server) for name in names]
    try:
        yield found
    finally:
        for one in found:
            one.end()
