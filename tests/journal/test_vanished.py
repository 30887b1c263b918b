"""Which writers are taken to have vanished."""

from __future__ import annotations

import pytest

from anew.journal.follow import read_events
from anew.journal.storage import MemoryStorage
from anew.journal.vanished import gone_writers
from anew.record.fold import fold
from anew.testing.lines import event_line

NOW = 1_700_000_000.0


@pytest.mark.parametrize("ahead", [-1e6, 0.0, 1e6])
@pytest.mark.parametrize(("silent", "gone"), [(10.0, False), (300.0, True)])
def test_the_clock_of_a_writer_elsewhere_does_not_matter(ahead: float, silent: float, gone: bool):
    storage = MemoryStorage()
    opened = event_line(
        "opened", NOW + ahead - 1000, version=1, experiment_id="bcdf23456789", name="a", host="elsewhere", heartbeat=10.0
    )  # fmt: skip
    storage.append("journal/0001-main-aaaa.jsonl", opened)
    storage.changed_at["journal/0001-main-aaaa.jsonl"] = NOW - silent
    found = gone_writers(storage, fold(read_events(storage)), NOW)
    assert bool(found) is gone
