"""What one log call gave is one row when it is read, whatever lies between and wherever it is kept."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from anew import Experiment, Store


def test_each_call_is_a_row_also_when_calls_have_different_keys(root: Path):
    with Experiment("alice/rows/one", root=root, system_metrics=0) as exp:
        train = exp.metrics("train")
        train.log(loss=0.5)
        train.log(acc=0.1)
        exp.log_metric("other", 1.0)
        exp.metrics("train/inner").log(loss=9.0)
        train.log(loss=math.nan, acc=0.2, step=7, metadata={"batch": 3})
        running = Store(root).get("alice/rows/one").metrics.rows("train")
    store = Store(root)
    for rows in (running, store.get("alice/rows/one").metrics.rows("train")):
        assert len(rows) == 3
        assert [row["values"] for row in rows[:2]] == [{"loss": 0.5}, {"acc": 0.1}]
        last = rows[-1]
        assert (last["index"], last["step"], last["metadata"]) == (2, 7, {"batch": 3})
        assert math.isnan(last["values"]["loss"])
        assert rows[0]["step"] is None
    everything = store.get("alice/rows/one").metrics.rows()
    assert [set(row["values"]) for row in everything] == [
        {"train/loss"},
        {"train/acc"},
        {"other"},
        {"train/inner/loss"},
        {"train/loss", "train/acc"},
    ]


def test_rows_of_later_openings_follow_those_of_earlier_ones_and_survive_sealing(root: Path):
    for opening in range(3):
        with Experiment("alice/rows/again", root=root, system_metrics=0, resume="allow") as exp:
            for at in range(5):
                exp.metrics("train").log(loss=opening * 5 + at)
    store = Store(root)
    store.seal("alice/rows/again")
    rows = store.get("alice/rows/again").metrics.rows("train")
    assert [row["values"]["loss"] for row in rows] == list(range(15))
    assert [row["index"] for row in rows[4:7]] == [4, 5, 6]


def test_a_group_that_was_never_logged_has_no_rows(root: Path):
    with Experiment("alice/rows/none", root=root, system_metrics=0):
        pass
    rows = Store(root).get("alice/rows/none").metrics.rows("train")
    assert len(rows) == 0
    assert list(rows) == []
    with pytest.raises(IndexError):
        rows[0]
