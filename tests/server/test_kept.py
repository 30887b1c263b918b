"""Panels that are kept for who asks again."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np

from anew import Experiment
from anew.query.buckets import Filling
from anew.query.grid import Grid
from anew.query.panel import LeftOut, Panel, PanelPoints, PanelTotals
from anew.server.kept import KeptPanels
from anew.server.table import API
from serving import in_process


def panel(points: int) -> Panel:
    whole = np.zeros(0, np.int64)
    return Panel(
        None,
        (),
        Filling(0, Grid(0, 0, 1)).buckets(),
        PanelTotals(whole, whole, whole, whole, whole),
        exact=PanelPoints(whole, np.zeros(0), whole, np.zeros(points)),
    )


def test_those_that_were_not_asked_for_the_longest_give_way() -> None:
    kept = KeptPanels(most=25_000)
    first, second, third = panel(1000), panel(1000), panel(1500)
    kept.put("first", first)
    kept.put("second", second)
    assert kept.get("first") is first
    kept.put("third", third)
    assert kept.get("second") is None
    assert kept.get("first") is first
    assert kept.get("third") is third


def test_one_that_lacks_something_or_is_too_large_is_not_kept() -> None:
    kept = KeptPanels(most=10_000)
    kept.put("lacks", msgspec.structs.replace(panel(1), left_out=(LeftOut("a", None, "gone"),)))
    kept.put("large", panel(1000))
    assert kept.get("lacks") is None
    assert kept.get("large") is None


def test_a_kept_panel_is_not_shown_once_anything_was_logged(tmp_path: Path) -> None:
    with Experiment("lab/x/a", root=str(tmp_path), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"m": 1.0}, step=0)
        with in_process(str(tmp_path)) as server:

            def values() -> list[float]:
                question = json.dumps({"ids": [exp.id], "metrics": ["m"], "points": 10}).encode()
                headers = {"content-type": "application/json"}
                answer = server.send("POST", f"{API}/panel", headers, question)
                return json.loads(answer.body)["exact"]["value"]

            assert values() == [1.0]
            assert values() == [1.0]
            exp.log_metrics({"m": 2.0}, step=1)
            assert values() == [1.0, 2.0]
