"""Which fields tell most, where there are very many."""

from __future__ import annotations

from pathlib import Path

from anew import Experiment, Store
from anew.query.question import ask
from anew.reading.telling import telling


def test_of_very_many_metrics_those_that_tell_most_are_told_and_all_are_counted(
    tmp_path: Path,
) -> None:
    names = [f"layer{n}/weight" for n in range(500)]
    with Experiment("lab/x/a", root=str(tmp_path), quiet=True, system_metrics=0) as exp:
        exp.log_metrics(dict.fromkeys(names, 1.0), step=0)
        exp.log_metrics({"val/loss": 0.5}, step=0)
    with Store(tmp_path) as store:
        told = telling(store.backend, ask(now=0.0))
    assert told.metrics == 501
    metrics = [one.name for one in told.fields if one.section == "metrics"]
    assert metrics[0] == told.headline == "val/loss"
    assert len(metrics) == 200
    assert set(metrics) <= {*names, "val/loss"}
