"""What Anew's forwarder has to write otherwise for W&B, read as what it was."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from ....importing.documents import read_json
from ....importing.folders import plain_file
from ....importing.foreign import names_in
from ....importing.source import Message, Outcome

__all__ = ["FILES", "captured_in", "end_of", "forwarded", "is_captured", "message_of", "tags_of"]

FILES = "files/"
"""The folder, among a run's files, of what was logged as files."""
_CAPTURED, _JSON, _OF_AN_IMPORT = "captured", ".json", "imported.json"
_ABOUT, _SENT = "anew", "anew_sent"
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([A-Z]+) (.*)", re.DOTALL)


def forwarded(config: dict[str, Any]) -> dict[str, Any] | None:
    """What the forwarder says of the experiment, taken out of a run's configuration; None for a run of another program."""
    about = config.get(_ABOUT)
    if not isinstance(about, dict) or not isinstance(about.get("experiment_id"), str):
        return None
    config.pop(_SENT, None)
    del config[_ABOUT]
    return about


def end_of(
    about: dict[str, Any], status: Outcome, reason: str | None
) -> tuple[Outcome, str | None]:
    """How the experiment ended, and why, where the forwarder has said it; else what W&B knows."""
    said = about.get("status")
    if said not in ("completed", "failed", "cancelled"):
        return status, reason
    return cast("Outcome", said), str(about.get("reason") or "") or None


def captured_in(folder: str) -> dict[str, dict[str, Any]]:
    """What was captured of how it was run, out of the folder of a run's files, but for an earlier import."""
    found: dict[str, dict[str, Any]] = {}
    try:
        names = names_in(os.path.join(folder, _CAPTURED))
    except OSError:
        return found
    for name in names:
        path = plain_file(folder, f"{_CAPTURED}/{name}")
        if path is None or not is_captured(f"{_CAPTURED}/{name}") or name == _OF_AN_IMPORT:
            continue
        try:
            data = read_json(path)
        except (OSError, ValueError):
            continue
        if isinstance(data, dict):
            found[name.removesuffix(_JSON)] = data
    return found


def is_captured(name: str) -> bool:
    """Whether a file of a run says what was captured."""
    folder, _, end = name.rpartition("/")
    return folder == _CAPTURED and end.endswith(_JSON)


def tags_of(tags: Iterable[str]) -> dict[str, str | None]:
    """Tags, of which W&B has the name and the value in one text."""
    parts = (tag.partition(":") for tag in tags)
    return {name: value if colon else None for name, colon, value in parts}


def message_of(line: str, at: float) -> Message:
    """A message; one without a time, such as a traceback, has that of what was logged before."""
    found = _LINE.fullmatch(line.rstrip("\n"))
    if found is None:
        return Message(at, "info", line.rstrip("\n"))
    try:
        when = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        when = at
    return Message(when, found[2].lower(), found[3])
