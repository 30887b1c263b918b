"""What clients send of their root's journal is taken from those who may write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.journal.documents import RootJournal
from anew.journal.layout import RootLayout
from anew.server.callers import Caller, Grant, Role
from anew.server.intake.root_events import take_lines
from anew.sync.wire import RootEventsRequest


def sent(tmp_path: Path) -> RootEventsRequest:
    """A root's journal with a model of a project, a version of it and an alias."""
    mine = tmp_path / "mine"
    mine.mkdir()
    models = Store(str(mine)).models
    models.create("vit", project="lab")
    models.register("lab/vit", "s3://bucket/model")
    models.get("lab/vit").promote(1, "production")
    (file,) = Path(RootLayout(str(mine)).journal).glob("*.jsonl")
    return RootEventsRequest(author=file.stem, lines=file.read_bytes())


@pytest.mark.parametrize(
    ("role", "taken"), [(Role.READER, 0), (Role.REPORTER, 0), (Role.WRITER, 3)]
)
def test_models_are_promoted_by_those_who_may_write(
    tmp_path: Path, root: Path, role: Role, taken: int
) -> None:
    root.mkdir(exist_ok=True)
    layout = RootLayout(str(root))
    caller: Any = Caller.of("bob", [Grant("lab", role), Grant("own", Role.OWNER)])
    answer = take_lines(RootJournal(layout), layout, caller, sent(tmp_path))
    assert answer.taken == taken
    there = [one.name for one in Store(str(root)).models]
    assert there == (["vit"] if taken else [])
