"""How far the index is behind what has arrived."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from anew.reading.local.root import OpenRoot
from anew.server.intake.filing import Home
from anew.server.intake.following import Following


def test_the_lag_is_the_age_of_the_oldest_arrival_that_readers_do_not_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = [100.0]
    monkeypatch.setattr("anew.server.intake.following.time.monotonic", lambda: now[0])
    root = OpenRoot(str(tmp_path))
    refresh, looking, go_on = root.refresh, threading.Event(), threading.Event()

    def slow() -> object:
        looking.set()
        assert go_on.wait(300)
        return refresh()

    monkeypatch.setattr(root, "refresh", slow)
    following = Following(root)
    try:
        assert following.lag() == 0.0
        following.arrived([Home("id1", "lab/x/a", str(tmp_path / "lab/x/a"), "")])
        assert looking.wait(300)
        now[0] += 3.0
        assert following.lag() == 3.0
        go_on.set()
        following.close()
        assert following.lag() == 0.0
    finally:
        go_on.set()
        following.close()
        root.close()
