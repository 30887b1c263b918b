"""Experiments that the tests of the page of one experiment, of differences and of reproductions look at."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anew import Experiment, Histogram, Image, Store, Table, Text
from anew.reproduce.comparison import compare
from anew.reproduce.replay import keep_verdict

LINES = 3000
"""Messages of the experiment that has many."""
STEPS = 60
PARTS = 25
"""The step at which the second experiment parts from the first."""
HOSTILE = "<img src=http://evil.example/x.png onerror=alert(1)><script>alert(2)</script>"


@dataclass
class Recorded:
    """The root, and the ids of what is in it by name."""

    root: Path
    ids: dict[str, str] = field(default_factory=dict)


def record_pages(root: Path) -> Recorded:
    """One experiment with everything a page shows, two others to hold against it, and a run again that diverged."""
    logging.getLogger("anew").setLevel(logging.ERROR)
    told = Recorded(root)
    for name, rate in (("first", 0.1), ("second", 0.3), ("third", 0.1)):
        told.ids[name] = _train(root, name, rate)
    told.ids["again"] = _again(root, told.ids["first"])
    told.ids["hostile"] = _hostile(root)
    with Store(root) as store:
        a, b = store.get(told.ids["first"]), store.get(told.ids["again"])
        keep_verdict(store, compare(store, a, b))
    return told


def value(rate: float, step: int) -> float:
    """The loss of a training at a step."""
    return 1 / (step + 1) + (rate - 0.1 if step >= PARTS else 0.0)


def _train(root: Path, name: str, rate: float) -> str:
    exp = Experiment(
        f"lab/pages/{name}", root=str(root), quiet=True, system_metrics=0, tags={"kind": "page"},
        config={"optimizer": {"lr": rate, "name": "adam"}, "model": {"depth": 3, "width": 64}},
    )  # fmt: skip
    with exp:
        for step in range(STEPS):
            exp.log_metrics({"loss": value(rate, step), "acc": step / STEPS}, step=step)
        if name == "first":
            _rich(root, exp)
    return exp.id


def _rich(root: Path, exp: Experiment) -> None:
    for n in range(LINES):
        exp.log(f"\x1b[32mline {n}\x1b[0m" + (" the needle" if n in (10, 1500) else ""))
    exp.log("it failed\nbecause of this", level="error")
    for step in (0, 10, 20):
        exp.log_value("drawn", Image(np.full((8, 8), step * 10, np.uint8)), step=step)
        exp.log_value("mask", Image(np.full((8, 8), 255 - step, np.uint8)), step=step)
        exp.log_value("weights", Histogram(np.arange(50) * (step + 1)), step=step)
    exp.log_value("scores", Table(["name", "score"], [["a", 1], ["b", 2]]))
    table = root / "scores.csv"
    table.write_text("name,score\n" + "".join(f"n{n},{n}\n" for n in range(250)))
    exp.files("tables").save(table)
    exp.set_notes("# What was tried\n\n- [x] a **small** rate\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")


def _again(root: Path, parent: str) -> str:
    exp = Experiment(
        "lab/pages/first-again-1", root=str(root), quiet=True, system_metrics=0, parent=parent, relation="reproduces",
        config={"optimizer": {"lr": 0.1, "name": "adam"}, "model": {"depth": 3, "width": 64}},
    )  # fmt: skip
    with exp:
        for step in range(STEPS):
            odd = 1e-6 if step >= 40 else 0.0
            exp.log_metrics({"loss": value(0.1, step) + odd, "acc": step / STEPS}, step=step)
    return exp.id


def _hostile(root: Path) -> str:
    """Names, texts, notes and files that would run something in a page that let them."""
    folder = root / "hostile"
    folder.mkdir()
    (folder / "drawn.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(3)"><script>alert(4)</script></svg>'
    )
    (folder / "page.html").write_text("<script>alert(5)</script>")
    exp = Experiment(
        "lab/pages/hostile", root=str(root), quiet=True, system_metrics=0, description=HOSTILE,
        config={HOSTILE: HOSTILE, "__proto__": {"polluted": True}}, tags={"odd": HOSTILE},
    )  # fmt: skip
    with exp:
        exp.log(HOSTILE)
        exp.log_metrics({HOSTILE: 1.0}, step=2**60)
        exp.log_value(HOSTILE, Text(HOSTILE))
        exp.log_value("table", Table([HOSTILE], [[HOSTILE]]))
        for path in folder.iterdir():
            exp.files(f"a{HOSTILE[:4]}").save(path)
        exp.set_notes(
            f"{HOSTILE}\n\n[a](javascript:alert(6)) [b](http://evil.example/) ![c](http://evil.example/c.png)\n\n"
            "<iframe src='http://evil.example'></iframe><style>*{display:none}</style><svg onload=alert(7)>"
        )
    return exp.id
