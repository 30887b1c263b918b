"""What a process has captured already, so that its later experiments need not look again."""

from __future__ import annotations

import _thread
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Known", "process"]


class Known:
    """What this process has captured already and may use again."""

    def __init__(self) -> None:
        self.lock = _thread.allocate_lock()
        self.hardware: dict[str, Any] | None = None
        self.packages_key: Any = None
        self.environment: tuple[dict[str, Any], bytes, bytes | None] | None = None
        self.code_key: Any = None
        self.code_at = 0.0
        self.code: tuple[dict[str, Any], dict[str, bytes]] | None = None
        self.warned: set[str] = set()
        self.variables: tuple[dict[str, str], str, dict[str, dict[str, str]]] | None = None
        self.script: tuple[Any, bytes] | None = None
        self.times: Any = None
        self.looking: Any = None


_known = Known()


def process() -> Known:
    """What is known in this process; a forked child begins with nothing."""
    return _known


def _after_fork_in_child() -> None:
    global _known
    _known = Known()


# The fork itself waits for the background's work, which this is, to come to a good place (`monitor.ticker`).
os.register_at_fork(after_in_child=_after_fork_in_child)
