"""Having what a continuation needs fetched from a server, by a process that may load what talks to one."""

from __future__ import annotations

import os
import sys

from ..record.encode import encode_line
from ..record.plain import parse_json
from .launch import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .outbox import Outbox

__all__ = ["Answer", "fetch", "fetch_weights"]

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
    when = "interrupted" if interrupted else "any"
    request = {"root": outbox.root.root, "to": outbox.server, "ref": ref, "when": when, "patience": patience}  # fmt: skip
    found = _asked("fetching", request, patience + _MARGIN)
    if "error" in found:
        return Answer(error=str(found["error"]))
    return Answer(str(found.get("id", "")), str(found.get("prefix", "")))


def fetch_weights(outbox: Outbox, experiment_id: str, *, patience: float) -> str:
    """Have an experiment's weights fetched into the root, however long they take; why that did not work, or "".

    Args:
        patience: Seconds to try a server that does not answer.
    """
    request = {"root": outbox.root.root, "to": outbox.server, "id": experiment_id, "patience": patience}  # fmt: skip
    return str(_asked("fetching_weights", request, None).get("error", ""))


def _asked(program: str, request: dict[str, Any], seconds: float | None) -> dict[str, Any]:
    """What a program of the room that talks to servers answers; "error" says why it did not."""
    import subprocess

    command = [
        sys.executable, "-P", "-m", f"{PROGRAM}.{program}", encode_line(request).decode().strip(),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            return {"error": f"the process that asks failed: {last}"}
        found = parse_json(done.stdout)
        return found if isinstance(found, dict) else {"error": "the answer cannot be read"}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
