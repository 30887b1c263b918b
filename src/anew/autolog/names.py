"""Names for what a program reports: any text as a name that can be kept, and two writers' tags apart."""

from __future__ import annotations

import os
import unicodedata
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..tracking.experiment import Experiment

__all__ = ["Tags", "tidy"]

_LONGEST = 400
_HIDDEN = frozenset(["Cc", "Cs"])  # control characters, lone surrogates
_TURNED = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # reorder the text around them


def tidy(text: object) -> str:
    """A text as a name: on one line, without characters that cannot be shown; "" if nothing is left of it."""
    shown = "".join(
        " " if unicodedata.category(c) in _HIDDEN or c in _TURNED else c for c in str(text)
    )
    return shown.strip()[:_LONGEST].strip()


class Tags:
    """Which name a writer's tag has in an experiment.

    A tag is its own name. Where another writer, one of another folder, reports a tag that has an owner already, as with
    `SummaryWriter("runs/train")` and `SummaryWriter("runs/val")`, its folder's last part goes in front: `val/loss`.
    """

    def __init__(self) -> None:
        self._owners: weakref.WeakKeyDictionary[Experiment, dict[str, str]] = (
            weakref.WeakKeyDictionary()
        )

    def name(self, experiment: Experiment, folder: str, tag: str) -> str:
        """The name under which a tag of the writer of a folder is recorded."""
        owners = self._owners.setdefault(experiment, {})
        name = tag
        if owners.setdefault(name, folder) == folder:
            return name
        for part in reversed([p for p in os.path.normpath(folder).split(os.sep) if p]):
            name = f"{part}/{name}"
            if owners.setdefault(name, folder) == folder:
                break
        return name
