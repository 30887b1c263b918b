"""The experiment of a logger or callback that lives longer than one training."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from anew import Experiment, Status, Store, session
from anew.errors import NotRunning
from anew.integrations.opening import Opening


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


def test_nothing_is_opened_before_the_first_use(root):
    Opening("net", {"tags": ["x"]})
    assert not root.exists()


def test_one_that_was_opened_here_is_ended_and_continued_as_the_same(root):
    opening = Opening("net", {})
    first = opening._open()
    first.log_metric("loss", 1.0, step=0)
    opening._trained()
    assert Store(str(root))["net"].status is Status.COMPLETED
    assert opening.experiment is first, "looking at it continues nothing"
    opening._open().log_metric("loss", 0.5, step=1)
    assert opening.experiment.id == first.id
    opening.finish(ValueError("too small"))
    (view,) = Store(str(root))
    assert (view.status, view.reason) == (Status.FAILED, "ValueError: too small")
    assert [row["value"] for row in view.metrics["loss"].rows()] == [1.0, 0.5]


def test_one_that_is_found_is_left_running_and_looked_for_again():
    opening = Opening(None, {})
    for name in ("one", "two"):
        with Experiment(name) as exp:
            assert opening._open() is exp
            opening._trained()
            opening.finish()
            assert exp.status is Status.RUNNING


def test_one_handed_over_that_has_ended_is_told():
    with Experiment("given") as exp:
        opening = Opening(exp, {})
        assert opening.experiment is exp
    with pytest.raises(NotRunning):
        opening._open()
    with pytest.raises(TypeError, match="tags"):
        Opening(Experiment("other"), {"tags": ["x"]})


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "completed"), (ValueError("no"), "failed"), (KeyboardInterrupt(), "cancelled")],
)
def test_a_with_block_ends_it_as_a_block_of_the_experiment_would(root, error, status):
    try:
        with Opening("net", {}) as opening:
            opening._open().log_metric("loss", 1.0)
            opening._trained()
            assert opening.experiment.status is Status.RUNNING
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    (view,) = Store(str(root))
    assert view.status == status


def test_a_disabled_one_records_nothing_however_often_it_is_continued(root):
    opening = Opening("net", {"mode": "disabled"})
    for _ in range(2):
        opening._open().log_metric("loss", 1.0)
        opening._trained()
    assert not root.exists()


def test_a_copy_for_a_spawned_process_opens_the_same_one(root):
    opening = Opening(None, {})
    with Experiment("a/net", root=root) as exp:
        opening._open()
        copy = pickle.loads(pickle.dumps(opening))  # noqa: S301  (what multiprocessing does)
    assert copy._open().id == exp.id
    copy.finish()
