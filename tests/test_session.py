"""The current experiment."""

from __future__ import annotations

from pathlib import Path

import pytest

import reenact
from reenact import session
from reenact.errors import NotRunning

from .tracking.reading import logs, points, state


@pytest.fixture(autouse=True)
def _no_current(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("REENACT_ROOT", str(root))
    monkeypatch.setenv("REENACT_CONSOLE", "off")


def test_start_log_finish() -> None:
    exp = reenact.start("a/b", tags=["x"])
    reenact.log_metric("loss", 0.5, step=1)
    reenact.log_metrics({"acc": 0.25})
    reenact.log("hello", who="world")
    assert reenact.current() is exp
    reenact.finish()
    assert [(n, v) for *_, n, v in points(exp.folder)] == [("loss", 0.5), ("acc", 0.25)]
    assert [m.message for m in logs(exp.folder)] == ["hello"]
    assert str(state(exp.folder).outcome()[0]) == "completed"


def test_a_second_start_completes_the_first() -> None:
    first = reenact.start("a/one")
    second = reenact.start("a/two")
    assert str(first.status) == "completed"
    assert reenact.current() is second


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_finish_with_a_status(status: str) -> None:
    exp = reenact.start("a/b")
    reenact.finish(status, "because")
    got, reason = state(exp.folder).outcome()
    assert (str(got), reason) == (status, "because")


def test_finish_refuses_a_status_that_is_no_end() -> None:
    reenact.start("a/b")
    with pytest.raises(ValueError, match="running"):
        reenact.finish("running")


def test_without_a_start_there_is_no_current_experiment() -> None:
    with pytest.raises(NotRunning, match=r"reenact\.start"):
        reenact.log_metric("x", 1.0)


def test_track_records_each_call_of_a_function() -> None:
    folders = []

    @reenact.track("a/b")
    def train(exp: reenact.Experiment) -> int:
        exp.log_metric("x", 1.0)
        folders.append(exp.folder)
        return 7

    assert train() == 7  # type: ignore[call-arg]
    assert train() == 7  # type: ignore[call-arg]
    assert len(points(folders[0])) == 2
