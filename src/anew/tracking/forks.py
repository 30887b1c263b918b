"""Going on in a copy of an experiment's folder: that is a fork of it, with an id of its own.

`cp -r runs/base runs/fork` makes two folders with one id. Whoever opens the copy to continue it means another experiment:
the records that were copied are its beginning, and the original stays as it is. In another root, where the original
is not, the same folder is the same experiment.
"""

from __future__ import annotations

import os

from ..journal.writer import LEAD
from ..record.plain import parse_json
from .documents import read_identity
from .identity import said_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..journal.layout import ExperimentLayout, RootLayout

__all__ = ["fork_id", "is_copy"]

_MOST_BYTES = 16 << 20
_COMMANDS = ("moved", "deleted", "restored", "purged")


def is_copy(root: RootLayout, prefix: str, experiment_id: str) -> bool:
    """Whether the experiment at a prefix is a copy of one that still lies where it is filed, or that was deleted.

    It is filed where readers show it: where a command moved it or put it back last, else where it was opened last.
    """
    layout = root.experiment(prefix)
    last = _last_command(root, experiment_id)
    if last.get("k") in ("deleted", "purged"):
        return True
    for home in (str(last.get("prefix") or ""), _opened_at(layout, experiment_id)):
        if home == prefix:
            return False
        if not home or any(part in ("", ".", "..") for part in home.split("/")):
            continue
        original = root.experiment(home)
        known = read_identity(original.metadata)
        if known is not None and known["experiment_id"] == experiment_id:
            return not os.path.samefile(original.folder, layout.folder)
    return False


def fork_id(layout: ExperimentLayout, experiment_id: str) -> str:
    """An id for the experiment that goes on in a copy; ranks that open it at the same moment derive the same."""
    import hashlib

    from ..record.ids import ID_LENGTH, id_from_bytes

    copied = [os.stat(layout.path("journal")), os.stat(layout.events(layout.writers()[0]))]
    text = "\0".join(["fork", experiment_id, layout.folder, *(str(one.st_ino) for one in copied)])
    return id_from_bytes(
        hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:ID_LENGTH]
    )


def _last_command(root: RootLayout, experiment_id: str) -> dict[str, Any]:
    """What a command did last to an experiment's folder, as the root's journal says; empty where none did anything."""
    said = [one for one in said_of(root, experiment_id) if one.get("k") in _COMMANDS]
    seen = {str(id_) for one in said for id_ in _items(one.get("after"))}
    return max(
        (one for one in said if str(one.get("id")) not in seen),
        key=lambda one: (_number(one.get("t")), str(one.get("id"))),
        default={},
    )


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e18 else 0.0


def _opened_at(layout: ExperimentLayout, experiment_id: str) -> str:
    """The prefix that the newest lead of an experiment was opened at; "" where none says so."""
    for writer in reversed([name for name in layout.writers() if LEAD in name]):
        try:
            with open(layout.events(writer), "rb") as file:
                line = parse_json(file.readline(_MOST_BYTES))
        except (OSError, ValueError):
            continue
        if isinstance(line, dict) and line.get("experiment_id") == experiment_id:
            return str(line.get("prefix") or "")
    return ""
