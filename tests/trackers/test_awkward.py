"""What is awkward, tracker by tracker: each made by the real tracker, read by its own API and by Anew, and the same.

`NOT_THERE` says why a tracker has no store of a case; a case that is neither there nor explained fails.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from anew import Store
from anew.importing.importer import Imported
from anew.record.plain import flatten
from anew.trackers.importers import KINDS

from .awkward.stores import STORES, made, recorded
from .environments import Made, environment
from .holding import bring, contents

CASES = {
    "names": "names with slashes, spaces and letters of other scripts",
    "steps": "steps that repeat and go back",
    "numbers": "NaN, infinities, minus zero, the smallest and the largest number",
    "params": "nested and typed parameters",
    "deleted": "a run that was deleted",
    "killed": "a run that was killed",
    "half": "a file that was half written",
    "together": "two processes at once",
    "media": "media and files of each kind",
    "many": "100,000 points",
}
NOT_THERE = {
    ("aim", "half"): "of a log that was cut short, Aim itself reads steps beside the wrong values",
    ("clearml", "deleted"): "an offline session is deleted by deleting its folder",
    ("sacred", "deleted"): "a run is deleted by deleting its folder",
    ("swanlab", "deleted"): "a run is deleted by deleting its folder",
    ("tensorboard", "deleted"): "a run is deleted by deleting its folder",
    ("tensorboardx", "deleted"): "a run is deleted by deleting its folder",
    ("wandb", "deleted"): "an offline run is deleted by deleting its folder",
}
WITHOUT_STORES = {
    "anew": "its own stores, in tests/merging",
    "neptune": "the service is gone; tests/trackers/neptune/test_importer.py has the exporter's format",
    "table": "no tracker's; tests/trackers/table/test_importer.py",
}
MADE_IN_A_MOMENT = {"dvclive", "ml-dash", "sacred", "tensorboard", "tensorboardx"}


class Brought(NamedTuple):
    made: Made
    imported: Imported
    store: Store


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The import of a store: as it was recorded, or made now by the tracker, of all cases or the long one."""
    known: dict[tuple[str, ...], Brought] = {}
    opened: list[Store] = []

    def found(name: str, how: str) -> Brought:
        if (name, how) not in known:
            folder: Path = tmp_path_factory.mktemp(name.replace("-", "_"))
            if how == "recorded":
                one = recorded(name, folder)
            else:
                environment(STORES[name].tracker)  # skips where there is none
                one = made(name, folder / "store", *(["many"] if how == "many" else []))
                _rest(one.folder)
            source, root = one.folder / STORES[name].source, tmp_path_factory.mktemp("root")
            before = contents(one.folder) if how != "many" else {}
            imported = bring(source, root)
            assert {run.state for run in bring(source, root).runs} == {"same"}
            assert how == "many" or contents(one.folder) == before
            opened.append(Store(root))
            known[name, how] = Brought(one, imported, opened[-1])
        return known[name, how]

    yield found
    for store in opened:
        store.close()


def _rest(folder: Path) -> None:
    """As if it had been written an hour ago: of what has just been written, trackers that say no end may go on."""
    then = time.time() - 3600
    for path in folder.rglob("*"):
        os.utime(path, (then, then), follow_symlinks=False)


def _when(name: str, how: str) -> pytest.MarkDecorator:
    """When a store is made: those that take a minute or more, and the long cases, in the soak alone."""
    return pytest.mark.slow if name in MADE_IN_A_MOMENT and how == "made" else pytest.mark.soak


def _each(hows: Callable[[str], list[str]]) -> list[Any]:
    return [
        pytest.param(name, case, how, marks=[] if how == "recorded" else [_when(name, how)])
        for name in STORES
        for case in CASES
        if (name, case) not in NOT_THERE
        for how in hows(case)
        if how != "recorded" or STORES[name].is_recorded
    ]


@pytest.mark.parametrize(
    ("name", "case", "how"),
    _each(lambda case: ["many"] if case == "many" else ["recorded", "made"]),
)
def test_what_the_tracker_reads_is_what_came(name, case, how, brought):
    found = brought(name, how)
    assert found.made.answers[case], f"the store of {name} has no case {case}: {CASES[case]}"
    for run in found.made.answers[case]:
        _holds(run, found, "/".join(part for part in (STORES[name].place, run["prefix"]) if part))


def _holds(run: dict[str, Any], found: Brought, prefix: str) -> None:
    views = {view.prefix: view for view in found.store.list()}
    if run.get("absent"):
        assert prefix not in views
        return
    view = views[prefix]
    if "points" in run:
        assert {name: _points(view.metrics[name]) for name in view.metrics} == {
            name: _told(rows, view.metrics[name]) for name, rows in run["points"].items()
        }
    if run.get("params"):
        ours, theirs = flatten(view.params), flatten(run["params"])
        assert {name: (type(one), one) for name, one in ours.items()} == {
            name: (type(one), one) for name, one in theirs.items()
        }
    assert {one.name: one.kind for one in view.values()} == (run.get("media") or {})
    files = {"/".join(part for part in (one.prefix, one.name) if part) for one in view.files}
    assert set(run.get("files", ())) <= files


def _points(metric: Any) -> list[list[Any]]:
    read = metric.read(order="written")
    rows = zip(read.steps.tolist(), read.times.tolist(), read.values.tolist(), strict=True)
    return [[step, at, repr(value)] for step, at, value in rows]


def _told(rows: list[list[Any]], ours: Any) -> list[list[Any]]:
    """What the tracker says; where it knows no step or time, ours is right."""
    here = _points(ours)
    return [
        [own if told is None else told for told, own in zip(row, mine, strict=True)]
        for row, mine in zip(rows, here + [[None] * 3] * len(rows), strict=False)
    ]


@pytest.mark.parametrize("name", STORES)
def test_each_case_is_there_or_explained(name):
    for case in CASES:
        assert ((name, case) in NOT_THERE) != (f"def {case}(" in _program(name)), (
            f"{name}: {case} is neither in its program nor explained, or both"
        )


def _program(name: str) -> str:
    from .awkward.stores import HERE

    return (HERE / f"{STORES[name].tracker.replace('-', '_')}.py").read_text()


def test_each_kind_of_source_has_stores_or_says_why_not():
    kinds = {store.kind or store.tracker for store in STORES.values()}
    assert kinds | set(WITHOUT_STORES) == set(KINDS)
    assert not kinds & set(WITHOUT_STORES)
    assert {(name, case) for name, case in NOT_THERE} <= {(n, c) for n in STORES for c in CASES}


LOST = {"mlflow-files": {"half"}, "sacred": {"half"}}
"""The cases of which something is said to be missing."""


@pytest.mark.parametrize("name", [name for name in STORES if STORES[name].is_recorded])
def test_nothing_is_said_to_be_missing_but_what_was_half_written(name, brought):
    found = brought(name, "recorded")
    keys = {view.captured["imported"]["key"]: view.prefix for view in found.store.list()}
    of = {
        "/".join(part for part in (STORES[name].place, run["prefix"]) if part): case
        for case, runs in found.made.answers.items()
        for run in runs
    }
    lost = {of[keys[one.run]] for one in found.imported.findings if one.lost}
    assert lost == LOST.get(name, set()), found.imported.findings
    assert not any(run.differs or run.why for run in found.imported.runs)
