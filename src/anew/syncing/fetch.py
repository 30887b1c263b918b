"""Having what a continuation needs fetched from a server, by a process that may load what talks to one."""

from __future__ import annotations

import os
import sys

from ..record.encode import encode_line
from ..record.plain import parse_json
from .launch import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .outbox import Outbox

__all__ = ["Answer", "fetch"]

_MARGIN = 60.0


class Answer:
    """What came of it: the experiment's id, "" if the server has none; or why it could not be asked."""

    __slots__ = ("error", "id", "prefix")

    def __init__(self, id: str = "", prefix: str = "", error: str = "") -> None:
        self.id = id
        self.prefix = prefix
        self.error = error


def fetch(outbox: Outbox, ref: str, *, interrupted: bool, patience: float) -> Answer:
    """Have an experiment's events fetched into the root, if the server has it.

    Args:
        ref: Its id or prefix.
        interrupted: Leave alone one that was completed.
        patience: Seconds to try a server that does not answer.
    """
    import subprocess

    when = "interrupted" if interrupted else "any"
    request = {"root": outbox.root.root, "to": outbox.server, "ref": ref, "when": when, "patience": patience}  # fmt: skip
    command = [
        sys.executable, "-P", "-m", f"{PROGRAM}.fetching", encode_line(request).decode().strip(),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience + _MARGIN,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            return Answer(error=f"the process that asks failed: {last}")
        found = parse_json(done.stdout)
        if "error" in found:
            return Answer(error=str(found["error"]))
        return Answer(str(found["id"]), str(found["prefix"]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        return Answer(error=f"{type(error).__name__}: {error}")
