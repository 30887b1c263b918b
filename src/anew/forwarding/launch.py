"""Starting the process that sends, and waiting for it: all that the program being recorded has to do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from ..errors import MissingDependency
from .address import Destination

__all__ = ["Sending", "missing", "start"]

_PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow", "aim": "aim", "clearml": "clearml"}  # fmt: skip
# Seconds that a target which fails is tried after the end of the experiment, by the process that stays behind.
PATIENCE = 120.0
# The package that is run: it loads what sends, which no training process does.
_PROGRAM = f"{__package__.rpartition('.')[0]}.forwarders"


# Processes that go on by themselves; those that have ended are taken note of when the next one is left.
_left: set[int] = set()


class Sending:
    """The process that sends one experiment to other trackers."""

    def __init__(self, process: subprocess.Popen[bytes], addresses: Sequence[Destination]) -> None:
        self.addresses = list(addresses)
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def finish(self) -> None:
        """Tell it that nothing more will come."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            try:
                stdin.close()
            except OSError:
                pass  # it has ended already

    def wait(self, seconds: float) -> bool:
        """Wait for it to end, at most so long; returns whether it has."""
        until = time.monotonic() + seconds
        while self._process.poll() is None:
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(0.02, left))
        return True

    def leave(self) -> None:
        """Let it go on by itself, also beyond the end of this process."""
        for pid in list(_left):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid
            if ended:
                _left.discard(pid)
        if self._process.poll() is None:
            _left.add(self._process.pid)
            self._process.returncode = 0  # Python would call it forgotten, and warn of it

    def stop(self) -> None:
        """End it; what was not sent can be sent later."""
        self.finish()
        if self._process.pid in _left:
            self._process.returncode = None
        self._process.terminate()
        if not self.wait(2.0):
            self._process.kill()
            self._process.wait()
        self.answers()

    def answers(self) -> list[dict[str, Any]]:
        """What it said of each place, once it has ended."""
        out = self._process.stdout
        if out is None or out.closed:
            return []
        with out:
            text = out.read()
        return [json.loads(line) for line in text.splitlines() if line.startswith(b"{")]


def missing(addresses: Sequence[Destination]) -> dict[str, MissingDependency]:
    """The errors for trackers whose packages are not installed, by their kinds."""
    return {
        address.kind: MissingDependency(
            f"Forwarding to {address.kind} needs a package that is not installed: pip install {_PACKAGES[address.kind]}."
        )
        for address in addresses
        if find_spec(_PACKAGES[address.kind]) is None
    }


def start(
    folder: str,
    prefix: str,
    addresses: Sequence[Destination],
    *,
    patience: float = PATIENCE,
    lock_wait: float | None = None,
    cwd: str | None = None,
    later: bool = False,
) -> Sending:
    """Start the process that sends an experiment to other trackers.

    Args:
        patience: Seconds without success after the experiment's end, after which it gives up.
        lock_wait: Seconds to wait for another process that sends to the same place; None waits on.
        cwd: Where relative paths in addresses start; the working directory if None.
        later: Send what there is and end, also if the experiment runs; `Sending.answers` tells how it went.

    Raises:
        OSError: It cannot be started.
    """
    request = {
        "folder": os.path.abspath(folder),
        "prefix": prefix,
        "to": [address.plain() for address in addresses],
        "patience": patience,
        "lock_wait": lock_wait,
        "once": later,
    }
    environ = {**os.environ, "ANEW_FORWARD_TO": "", "OMP_NUM_THREADS": "1"}
    environ.pop(
        "WANDB_SERVICE", None
    )  # the helper process of a W&B in this program is not for another one
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", _PROGRAM],  # -P: no module of the program's folder
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if later else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=cwd if cwd and os.path.isdir(cwd) else None,
        start_new_session=True,  # Ctrl-C on the terminal is for the program
        env=environ,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return Sending(process, addresses)
