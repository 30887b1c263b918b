"""`history`: metrics side by side."""

import csv

import anew

from .conftest import call


def test_a_row_for_each_step_and_a_column_for_each_metric(tmp_path):
    root = tmp_path / "store"
    with anew.Experiment("a/b/c", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 0.5, "tokens": 30}, step=2**53 + 1)
        exp.log_metrics({"loss": 0.25}, step=2**53 + 3)
        exp.log_metrics({"acc": float("nan"), "tokens": 10}, step=7)
    at = ("--root", root)
    header, *rows = (line.split() for line in call("history", "c", *at).lines)
    assert header == ["step", "acc", "loss", "tokens"]
    assert rows == [
        ["7", "NaN", "10"], ["9007199254740993", "0.5", "30"], ["9007199254740995", "0.25"],
    ]  # fmt: skip
    on = call("history", "c", "-m", "loss", "--on", "tokens", "--json", *at).json
    assert (on["on"], on["metrics"]) == ("tokens", ["loss"])
    (one,) = on["experiments"]
    assert (one["at"], one["step"], one["values"]) == (
        [10.0, 30.0], [7, 2**53 + 1], {"loss": [None, 0.5]},
    )  # fmt: skip
    rows = list(csv.DictReader(call("history", "c", "--on", "time", "--csv", *at).lines))
    assert rows[0]["time"].endswith("+00:00")
    assert [row["loss"] for row in rows if row["loss"]][-1] == "0.25"


def test_what_cannot_be_is_refused(tmp_path):
    root = tmp_path / "store"
    with anew.Experiment("a", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 0.5}, step=1)
    assert call("history", "--root", root).code == 2
    assert call("history", "a", "-m", "nope", "--root", root).code == 3
    assert call("history", "a", "-m", "loss", "--on", "nope", "--root", root).code == 3
