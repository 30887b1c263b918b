"""Fetching from a server what a program needs to continue an experiment that was recorded elsewhere.

`python -m anew.syncer.fetching REQUEST` prints one line of JSON. The request is JSON too: {"root", "to", "ref", "when",
"patience"}; "when" is "interrupted" or "any". What is fetched are the events of the experiment's writers: who they were, how
they ended, its configuration and parameters. Points and files stay where they are.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..credentials import token_for
from ..journal.identify import identify
from ..journal.layout import RootLayout, is_experiment
from ..journal.root import announce, make_root
from ..journal.storage import FolderStorage
from ..query.question import FactsQuestion
from ..query.references import ResolveQuestion
from ..reading.remote.calls import Calls
from ..reading.remote.connection import Connections
from ..reading.remote.opening import open_server
from ..record.facts import ExperimentFacts
from ..record.ids import is_like_id, new_id
from ..record.names import check_prefix, numbered, split_number
from ..record.status import Status
from ..sync.server import Server
from ..sync.wire import MOST_BYTES, Filing
from ..syncing.outbox import Outbox
from .answering import answer

__all__ = ["Fetched", "fetch"]

_MOST_SEGMENT = 256 << 20


class Fetched(NamedTuple):
    """What was fetched: an experiment, where it lies now, and the last step that was recorded; empty if there is none."""

    id: str = ""
    prefix: str = ""
    last_step: int | None = None


def fetch(outbox: Outbox, ref: str, *, interrupted: bool = False) -> Fetched:
    """Fetch the events of an experiment, unless it lies here already.

    Args:
        ref: Its id or prefix; a prefix means the newest.
        interrupted: Leave alone one that was completed, which is not continued.

    Raises:
        AnewError: The server refuses.
        OSError: It cannot be reached, or the root cannot be written.
    """
    opened = open_server(outbox.server, token=token_for(outbox.server))
    try:
        (found,) = opened.backend.resolve(ResolveQuestion((ref,)))
        if found.id is None or not (found.id == ref or "/" in ref):
            return Fetched()
        question = FactsQuestion(
            ids=(found.id,), parts=frozenset({"state", "metrics"}), now=time.time()
        )
        facts = opened.backend.facts(question)
    finally:
        opened.close()
    if not facts or (interrupted and facts[0].status is Status.COMPLETED):
        return Fetched()
    (one,) = facts
    steps = [m.last_step for m in (one.metrics or {}).values() if m.last_step is not None]
    last = max(steps, default=None)
    _copy(outbox, one)
    outbox.note_fetched(one.id, last)
    return Fetched(one.id, one.prefix, last)


def _copy(outbox: Outbox, one: ExperimentFacts) -> None:
    """Write the events of an experiment into its folder here, whole files only."""
    root = RootLayout(outbox.root.root)
    # What a server says becomes a path: it must be a prefix like any other.
    prefix = check_prefix(one.prefix)
    if not is_like_id(one.id):
        return
    start, number = split_number(prefix)
    number = max(number, 1)
    while is_experiment(root.experiment(prefix).folder):  # another one, under the same prefix
        if identify(FolderStorage(root.experiment(prefix).folder)) == one.id:
            return
        number += 1
        prefix = numbered(start, number)
    layout = root.experiment(prefix)
    calls = Calls(Connections(outbox.server), outbox.server, token=token_for(outbox.server))
    server = Server(calls)
    try:
        (filed,) = server.file(new_id(), [Filing(id=one.id, prefix=one.prefix)])
        names = [
            segment
            for segment in filed.segments
            if _is_events(segment.name) and segment.size <= _MOST_SEGMENT
        ]
        make_root(root)
        draft = os.path.join(layout.folder, f".fetching-{new_id()}")
        os.makedirs(draft)
        try:
            for segment in names:
                path = os.path.join(draft, os.path.basename(segment.name))
                with open(path, "xb") as file:
                    while (at := file.tell()) < segment.size:
                        data = server.read(
                            one.id, segment.name, at, min(MOST_BYTES, segment.size - at)
                        )
                        if not data:
                            break
                        file.write(data)
            journal = os.path.join(layout.folder, "journal")
            if names and not os.path.lexists(journal):
                os.rename(draft, journal)
        finally:
            if os.path.isdir(draft):
                for name in os.listdir(draft):
                    os.unlink(os.path.join(draft, name))
                os.rmdir(draft)
        announce(root, "opened", one.id, prefix)
    finally:
        server.close()


def _is_events(name: str) -> bool:
    """Whether a segment is one of events, by a name that leads nowhere else."""
    folder, slash, file = name.partition("/")
    return (
        folder == "journal"
        and bool(slash)
        and file.endswith(".jsonl")
        and "/" not in file
        and "\\" not in file
        and not file.startswith(".")
        and file.isprintable()
    )


def _fetched(outbox: Outbox, request: Mapping[str, Any]) -> dict[str, object]:
    found = fetch(outbox, request["ref"], interrupted=request["when"] == "interrupted")
    return {"id": found.id, "prefix": found.prefix}


def main() -> None:
    """Answer one request; see `answering.answer`."""
    answer(_fetched)


if __name__ == "__main__":
    main()
