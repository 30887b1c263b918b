"""Identifying the experiment that a journal belongs to, or the experiments whose records lie in one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..record.decode import decode_events
from ..record.events import Opened
from ..record.plain import parse_json
from .storage import Storage

__all__ = ["Tenant", "identify", "tenants"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LEAD = "-main"
_FIRST_BYTES = 4 << 10
_MOST_BYTES = (
    16 << 20
)  # of an opening that names ten thousand writers; what has no line end by then is no opening


class Tenant(NamedTuple):
    """One of the experiments whose records lie in one folder.

    Attributes:
        writers: The names of its writers. The first tenant of a folder also has those that nobody claims.
        first, last: When it was first and last opened.
        filed: The prefixes at which it was opened; "" where that is not recorded.
    """

    experiment_id: str
    writers: frozenset[str]
    first: float
    last: float
    filed: frozenset[str]


def identify(storage: Storage) -> str | None:
    """The id of the experiment with these files, as its journal says; None if there is none.

    Raises:
        OSError: They are there and cannot be read.
    """
    for tenant in tenants(storage):
        return tenant.experiment_id
    if not storage.list("journal"):
        return None
    try:  # no opening can be read; the document for people repeats the id
        return _checked(parse_json(storage.read("metadata.json", 0, _MOST_BYTES))["experiment_id"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def tenants(storage: Storage, home: str = "") -> list[Tenant]:
    """The experiments whose records lie together: usually one, several where folders were copied onto each other.

    Those that were opened at `home` come first, the earliest of them before the others. An experiment that goes on from
    a copy of another has the other's records that it had seen.

    Args:
        home: The prefix of their folder.

    Raises:
        OSError: They are there and cannot be read.
    """
    writers = [b.name[:-6] for b in storage.list("journal") if b.name.endswith(".jsonl")]
    leads = _openings(storage, [w for w in writers if _LEAD in w] or writers[:1])
    if len({opened.experiment_id for opened in leads.values()}) < 2:
        found = leads or _openings(storage, writers)  # a rank was here before its lead
    else:
        found = _openings(storage, writers)
    by_id: dict[str, dict[str, Opened]] = {}
    for writer, opened in found.items():
        by_id.setdefault(opened.experiment_id, {})[writer] = opened
    edits = {w: w.split("-")[1] for w in writers if w.startswith("edit-")}
    owned = {i: {*mine, *(w for w, of in edits.items() if of == i)} for i, mine in by_id.items()}
    for experiment_id, mine in by_id.items():
        for opened in mine.values():
            copied = owned.get(opened.fork_of, set()) & set(opened.after or ())
            if opened.fork_of != experiment_id:
                owned.get(opened.fork_of, set()).difference_update(copied)
                owned[experiment_id] |= copied
    made = []
    for experiment_id, mine in by_id.items():
        left = [one for writer, one in mine.items() if writer in owned[experiment_id]]
        if left:
            times = [one.t for one in left]
            filed = frozenset(one.prefix for one in left)
            writers_of = frozenset(owned[experiment_id])
            made.append(Tenant(experiment_id, writers_of, min(times), max(times), filed))

    def place(tenant: Tenant) -> tuple[bool, float, str]:
        stranger = bool(home) and not tenant.filed & {"", home}
        return stranger, tenant.first, tenant.experiment_id

    return sorted(made, key=place)


def _openings(storage: Storage, writers: Iterable[str]) -> dict[str, Opened]:
    """What these writers said when they began, by writer; what is no opening, or names no id, is passed over."""
    found = {}
    for writer in writers:
        events, _ = decode_events(_first_line(storage, f"journal/{writer}.jsonl"))
        if events and isinstance(events[0][1], Opened) and _checked(events[0][1].experiment_id):
            found[writer] = events[0][1]
    return found


def _first_line(storage: Storage, path: str) -> bytes:
    want = _FIRST_BYTES
    while want <= _MOST_BYTES:
        try:
            data = storage.read(path, 0, want)
        except FileNotFoundError:
            return b""
        end = data.find(b"\n") + 1
        if end or len(data) < want:
            return data[:end]
        want *= 8
    return b""


def _checked(experiment_id: object) -> str | None:
    """The id, if it is one: it becomes the name of a folder."""
    if isinstance(experiment_id, str) and _ID.fullmatch(experiment_id):
        return experiment_id
    return None
