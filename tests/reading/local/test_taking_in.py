"""Answers while what was written is still being taken in."""

from __future__ import annotations

import threading
import time

import pytest

from anew import Experiment, Store
from anew.query.changes import ChangesQuestion
from anew.query.question import Question
from anew.query.references import ResolveQuestion
from anew.reading.local.opening import open_folder
from anew.reading.local.taking_in import TakingIn


def recorded(root, number: int) -> str:
    with Experiment(f"lab/run-{number}", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    return exp.id


def test_answers_tell_what_is_known_while_a_long_look_goes_on(tmp_path, monkeypatch):
    first = recorded(tmp_path, 1)
    with Store(tmp_path) as store:
        assert len(store.list()) == 1
    opened = open_folder(str(tmp_path), patience=0.01)
    begun, may_end = threading.Event(), threading.Event()
    look = opened.root.index.refresh

    def long_look(progress=None):
        begun.set()
        assert may_end.wait(300)
        return look(progress)

    monkeypatch.setattr(opened.root.index, "refresh", long_look)
    second = recorded(tmp_path, 2)
    ask = opened.backend
    assert ask.select(Question(now=time.time())).ids == [first]
    assert begun.is_set()
    assert ask.changes(ChangesQuestion(None)).cursor
    assert ask.resolve(ResolveQuestion((first,)))[0].id == first
    may_end.set()
    assert opened.root.refresh() is not None
    assert set(ask.select(Question(now=time.time())).ids) == {first, second}
    opened.close()


def test_the_first_look_is_waited_for(tmp_path, monkeypatch):
    known = recorded(tmp_path, 1)
    opened = open_folder(str(tmp_path), patience=0.0)
    assert opened.backend.select(Question(now=time.time())).ids == [known]
    opened.close()


def test_who_asks_while_it_is_done_is_told_of_what_comes_after():
    done: list[int] = []
    going, may_end = threading.Event(), threading.Event()

    def work() -> None:
        going.set()
        assert may_end.wait(300)
        done.append(1)

    beside = TakingIn(work)
    assert not beside.done_within(0)
    assert going.wait(300)
    assert not beside.done_within(0)
    assert not beside.done_within(0)
    may_end.set()
    assert beside.done_within(None)
    assert len(done) in (2, 3)  # the two that waited were one, and may be over before the last asks
    beside.close()


def test_what_goes_wrong_is_told_to_who_waits():
    def work() -> None:
        raise OSError("the disk is gone")

    beside = TakingIn(work)
    with pytest.raises(OSError, match="the disk is gone"):
        beside.done_within(None)
    with pytest.raises(OSError, match="the disk is gone"):
        beside.done_within(None)
    beside.close()


def test_what_somebody_names_is_not_said_to_be_missing_before_all_was_looked_at(
    tmp_path, monkeypatch
):
    recorded(tmp_path, 1)
    opened = open_folder(str(tmp_path), patience=0.01)
    ask = opened.backend
    assert len(ask.select(Question(now=time.time())).ids) == 1
    begun, may_end = threading.Event(), threading.Event()
    look = opened.root.index.refresh

    def long_look(progress=None):
        begun.set()
        assert may_end.wait(300)
        return look(progress)

    monkeypatch.setattr(opened.root.index, "refresh", long_look)
    second = recorded(tmp_path, 2)
    assert len(ask.select(Question(now=time.time())).ids) == 1
    assert begun.is_set()
    threading.Timer(0.2, may_end.set).start()
    assert ask.resolve(ResolveQuestion((second,)))[0].id == second
    opened.close()
