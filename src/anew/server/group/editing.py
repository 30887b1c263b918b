"""Edits of a group's experiments: events of one segment for each experiment, which all servers append to in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from ...errors import NotFound
from ...record.encode import encode_line
from ...record.secrets import mask_event
from .database import Row
from .filing import arrived
from .segments import Append
from .truth import Truth

__all__ = ["append_edit", "edits_of"]


def edits_of(experiment_id: str) -> str:
    """The segment that edits of an experiment are in which were made on the servers of a group."""
    return f"journal/edit-{experiment_id}-group.jsonl"


def append_edit(
    truth: Truth,
    connection: Connection[Row],
    experiment_id: str,
    kind: str,
    fields: Mapping[str, Any],
    *,
    t: float | None = None,
) -> None:
    """Append one event to an experiment's edits, in a transaction; secrets in it are masked.

    Args:
        kind: The event's tag, such as "tags" or "closed".
        t: Its time; now if not given.

    Raises:
        NotFound: There is no such experiment.
    """
    known = truth.filings.find([experiment_id], connection).get(experiment_id)
    if known is None or known.state != "here":
        raise NotFound(f"The experiment {experiment_id!r} no longer exists.", name=experiment_id)
    mine = edits_of(experiment_id)
    connection.execute(
        "INSERT INTO segment (experiment, name) VALUES (%s, %s) ON CONFLICT DO NOTHING", (experiment_id, mine)
    )  # fmt: skip
    rows = connection.execute(
        "SELECT name, size FROM segment WHERE experiment = %s AND name LIKE 'journal/%%' ORDER BY name FOR UPDATE",
        (experiment_id,),
    )
    sizes: dict[str, int] = dict(rows.fetchall())
    seen = {name[8:-6]: size for name, size in sizes.items() if name != mine}
    if t is None:  # by the clock that all servers share
        ((t,),) = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
    line = encode_line({"k": kind, "t": t, "after": seen, **mask_event(kind, dict(fields))})
    truth.segments.append(
        connection, [Append(experiment_id, mine, sizes[mine], line)], lambda _: None
    )
    arrived(connection, [experiment_id])
