"""What a forwarder wrote to a tracker is imported again and equal; what a tracker cannot hold is listed in the guide, which is read here."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anew import Experiment, Histogram, Image, Store, Table, Text
from anew.forwarders.following import Life, follow_to_the_end
from anew.forwarding.address import Aim, ClearML, Destination, MLflow, TensorBoard, WandB
from anew.record.plain import flatten
from anew.values import load
from tests.trackers.aim.repository import made_by_aim
from tests.trackers.awkward.stores import STORES, recorded
from tests.trackers.holding import bring

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload``"),
    pytest.mark.filterwarnings("ignore:The filesystem tracking backend"),
]

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "import.md"
EQUAL = "equal"
ODD, LIMIT = "odd/numbers", "limit"


@cache
def table() -> dict[str, dict[str, str]]:
    """The table of the guide: for each tracker, what becomes of each thing."""
    text = GUIDE.read_text().partition("## Round trips\n")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    heads = rows[0][1:]
    return {
        head: {row[0]: row[at + 1] for row in rows[2 : 2 + len(ASPECTS)]}
        for at, head in enumerate(heads)
    }


def _mlflow_files(where: Path) -> tuple[Destination, Path]:
    return MLflow(f"file://{where / 'mlruns'}"), where / "mlruns"


def _mlflow_sqlite(where: Path) -> tuple[Destination, Path]:
    return MLflow(f"sqlite:///{where / 'mlflow.db'}"), where / "mlflow.db"


def _wandb(where: Path) -> tuple[Destination, Path]:
    return WandB(mode="offline", dir=str(where)), where


def _tensorboard(where: Path) -> tuple[Destination, Path]:
    return TensorBoard(str(where)), where


def _clearml(where: Path) -> tuple[Destination, Path]:
    return ClearML(mode="offline", dir=str(where)), where


def _aim(where: Path) -> tuple[Destination, Path]:
    pytest.importorskip("aimrocks")
    return Aim(str(where)), where


TRACKERS: dict[str, Callable[[Path], tuple[Destination, Path]]] = {
    "MLflow, files": _mlflow_files,
    "MLflow, SQLite": _mlflow_sqlite,
    "W&B": _wandb,
    "TensorBoard": _tensorboard,
    "ClearML": _clearml,
    "Aim": _aim,
}
SLOW = [
    name if name in ("TensorBoard", "ClearML") else pytest.param(name, marks=pytest.mark.slow)
    for name in TRACKERS
]


class Kept:
    """All that a root has of one experiment, which is its only one if no prefix is given."""

    def __init__(self, root: Path, prefix: str = "") -> None:
        with Store(root) as store:
            (view,) = (one for one in store.list() if prefix in ("", one.prefix))
            self.points: dict[str, list[tuple[int | None, float, float]]] = {}
            for name in view.metrics:
                read = view.metrics[name].read(order="written")
                columns = (read.steps.tolist(), read.times.tolist(), read.values.tolist())
                self.points[name] = list(zip(*columns, strict=True))
            self.params = dict(view.params)
            self.config = dict(view.config or {})
            self.tags, self.status, self.reason = dict(view.tags), str(view.status), view.reason
            texts = (view.description, view.notes)
            self.about = "\n\n".join(text for text in texts if text)
            self.span = (view.started_at, view.ended_at)
            self.prefix = view.prefix
            self.captured = {
                name: dict(data)
                for name, data in view.captured.items()
                if name not in ("imported", "mlflow")
            }
            self.files = sorted(
                ("/".join(part for part in (one.prefix, one.name) if part), one.hash)
                for one in view.files
            )
            self.messages = [(one.level, one.message, one.fields) for one in view.logs()]
            self.values = [
                (one.kind, one.name, one.step, _content(one))
                for one in sorted(view.values(), key=lambda one: (one.kind, one.name))
            ]

    def each(self, kind: str, name: str) -> list[Any]:
        return [one for one in self.values if one[:2] == (kind, name)]

    def usual(self) -> dict[str, list[tuple[int | None, float, float]]]:
        """The metrics without special numbers."""
        return {name: points for name, points in self.points.items() if name != ODD}

    def odd(self, wanted: Callable[[float], bool]) -> list[tuple[int | None, str]]:
        """Those of the special numbers that are wanted, each with its step."""
        points = self.points.get(ODD, [])
        return sorted((step, repr(value)) for step, _, value in points if wanted(value))


def _content(value: Any) -> str:
    loaded = load(value.kind, value.data, value.path and str(value.path))
    if value.kind == "table":
        return repr((loaded.columns, loaded.rows))
    if value.kind == "histogram":
        return repr((loaded.counts.tolist(), loaded.edges.tolist()))
    return repr((str(loaded), value.metadata.get("format")))


def _params(kept: Kept) -> dict[str, Any]:
    return {name: one for name, one in flatten(kept.params | kept.config).items() if name != LIMIT}


ASPECTS: dict[str, Callable[[Kept], Any]] = {
    "metrics and steps": lambda kept: {
        name: sorted(step for step, *_ in points) for name, points in kept.usual().items()
    },
    "times, to the millisecond": lambda kept: {
        name: sorted((at, step) for step, at, _ in points) for name, points in kept.usual().items()
    },
    "order": lambda kept: {
        name: [step for step, *_ in points] for name, points in kept.usual().items()
    },
    "numbers": lambda kept: {
        name: sorted(repr(value) for *_, value in points) for name, points in kept.usual().items()
    },
    "the sign of zero": lambda kept: kept.odd(lambda value: value == 0),
    "NaN": lambda kept: kept.odd(math.isnan),
    "infinities": lambda kept: kept.odd(math.isinf),
    "names and texts of parameters": lambda kept: {
        name: str(one) for name, one in _params(kept).items()
    },
    "types of parameters": lambda kept: sorted(map(repr, _params(kept).values())),
    "infinities among parameters": lambda kept: kept.params.get(LIMIT),
    "configuration apart from parameters": lambda kept: set(kept.config),
    "tags": lambda kept: kept.tags,
    "description, notes": lambda kept: kept.about,
    "texts": lambda kept: kept.each("text", "said"),
    "tables": lambda kept: kept.each("table", "rows"),
    "histograms": lambda kept: kept.each("histogram", "weights"),
    "images": lambda kept: kept.each("image", "picture"),
    "files": lambda kept: kept.files,
    "messages": lambda kept: [one for one in kept.messages if "again" in one[1]],
    "fields of messages": lambda kept: [one for one in kept.messages if "hello" in one[1]],
    "what was captured": lambda kept: kept.captured,
    "status, and the reason": lambda kept: (kept.status, kept.reason),
    "begin and end": lambda kept: tuple(round(at, 3) for at in kept.span),
}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A root with an experiment that has awkward things in it; the experiment's folder and prefix."""
    where = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        patch.setenv("ANEW_KEEP_COMMITS", "off")
        (where / "model.bin").write_bytes(b"m" * 1000)
        with Experiment(
            "vision/net",
            root=where / "root",
            config={"model": {"depth": 3}},
            tags={"plain": None, "team": "x y"},
            quiet=True,
            system_metrics=0,
        ) as exp:
            exp.params.set(lr=1e-05, layers=[1, {"size": 3}], none=None, flag=True, limit=math.inf, deep={"a/b": "é", "n": 7})  # fmt: skip
            exp.set_description("what it is")
            exp.set_notes("a *note*")
            for step, value in zip(
                (5, 4, 2, 7, 5, 5), (0.1, 1e-300, 5e-324, 7, 2, 1.5), strict=True
            ):
                exp.log({"loss/train": value, "acc % ü": step}, step=step)
            for step, value in enumerate((math.nan, -0.0, math.inf, -math.inf)):
                exp.log({ODD: value}, step=step)
            exp.log({"step": 3.0}, step=8)
            exp.log("hello", level="warning", a=1)
            exp.log("and again")
            exp.log_value("said", Text("hello *x*"), step=3)
            exp.log_value("picture", Image(np.zeros((4, 4, 3), np.uint8)), step=3)
            exp.log_value("rows", Table(columns=["a", "b"], data=[[1, "x"]]), step=3)
            counts = (np.array([1.0, 2.0]), np.array([0.0, 1.0, 2.0]))
            exp.log_value("weights", Histogram(counts), step=3)
            exp.files("models/best").save(str(where / "model.bin"))
    return where / "root", str(exp.folder), exp.prefix


def passed(name: str, folder: str, prefix: str, where: Path, root: Path) -> Kept:
    """What is left of an experiment that was forwarded and imported again."""
    where.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        patch.chdir(where)
        address, source = TRACKERS[name](where)
        follow_to_the_end(folder, address, prefix=prefix, patience=20)
    found = bring(source, root)
    assert {run.state for run in found.runs} == {"new"}
    assert all(not run.differs for run in found.runs)
    assert {run.state for run in bring(source, root).runs} == {"same"}
    return Kept(root)


def apart(aspect: str, one: Kept, other: Kept) -> object:
    """What differs in an aspect; of what has names, only those that differ."""
    return _apart(ASPECTS[aspect](one), ASPECTS[aspect](other))


def _apart(left: object, right: object) -> object:
    if not (isinstance(left, dict) and isinstance(right, dict)):
        return left, right
    names = [name for name in left | right if left.get(name) != right.get(name)]
    return {name: _apart(left.get(name), right.get(name)) for name in names}


@pytest.mark.parametrize("name", SLOW)
def test_what_was_forwarded_comes_back_as_it_was(one, name, tmp_path):
    root, folder, prefix = one
    before = Kept(root)
    first = passed(name, folder, prefix, tmp_path / "first", tmp_path / "root")
    told = {aspect for aspect, cell in table()[name].items() if cell != EQUAL}
    assert set(table()[name]) == set(ASPECTS)
    differs = {aspect for aspect, of in ASPECTS.items() if of(before) != of(first)}
    assert differs == told, {aspect: apart(aspect, before, first) for aspect in differs ^ told}
    # What came back fits the tracker: the way there and back changes nothing more.
    imported = tmp_path / "root" / first.prefix
    again = passed(name, str(imported), first.prefix, tmp_path / "second", tmp_path / "other")
    differs = {aspect for aspect, of in ASPECTS.items() if of(first) != of(again)}
    assert differs <= {"begin and end"}, {aspect: apart(aspect, first, again) for aspect in differs}


REASON = "it *broke*: a|b <c> at 3_000"


@pytest.mark.parametrize("name", SLOW)
def test_how_it_ended_and_why_comes_back(name, tmp_path):
    root = tmp_path / "root"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANEW_KEEP_COMMITS", "off")
        ways: dict[str, Callable[[Experiment], object]] = {
            "failed": lambda exp: exp.run.fail(REASON),
            "cancelled": lambda exp: exp.run.cancel(REASON),
        }
        for status, end in ways.items():
            exp = Experiment(f"p/{status}", root=root, quiet=True, system_metrics=0)
            exp.run.start()
            exp.log({"loss": 1.0}, step=0)
            exp.log("hello")
            end(exp)
    assert table()[name]["status, and the reason"] == EQUAL
    for status in ways:
        before = Kept(root, f"p/{status}")
        folder, where = str(root / "p" / status), tmp_path / status
        first = passed(name, folder, before.prefix, where / "first", where / "root")
        assert (first.status, first.reason) == (before.status, before.reason) == (status, REASON)
        again = passed(name, str(where / "root" / first.prefix), first.prefix, where / "second", where / "other")  # fmt: skip
        assert (again.status, again.reason) == (status, REASON)
        assert len(again.messages) == len(first.messages) == len(before.messages)


# -- the reverse: what a tracker wrote, there and back --------------------------------------------------

REVERSE = {
    "MLflow, files": "mlflow-files", "MLflow, SQLite": "mlflow", "W&B": "wandb", "TensorBoard": "tensorboard", "ClearML": "clearml",
}  # fmt: skip
"""The awkward stores that each tracker made itself; Aim's is made now."""
NOT_AGAIN: dict[str, set[str]] = {
    "MLflow, files": {"tags"},
    "MLflow, SQLite": {"tags"},
}
"""What a tracker's own runs lose on the way there and back, beside what the table tells; the guide says what it is, below the table."""


def _of_the_tracker(name: str, where: Path) -> Path:
    if name in REVERSE:
        made = recorded(REVERSE[name], where)
        return made.folder / STORES[REVERSE[name]].source
    pytest.importorskip("aim")
    return made_by_aim(where).folder


@pytest.mark.parametrize("name", SLOW)
def test_what_a_tracker_wrote_goes_there_and_back_as_it_was(name, tmp_path):
    root = tmp_path / "root"
    bring(_of_the_tracker(name, tmp_path / "theirs"), root)
    with Store(root) as store:
        prefixes = [one.prefix for one in store.list()]
    # Of a run that was killed no end is written down: a forwarder would wait for one.
    prefixes = [one for one in prefixes if not Life(str(root / one), one).running]
    assert prefixes
    told = {aspect for aspect, cell in table()[name].items() if cell != EQUAL}
    for number, prefix in enumerate(prefixes):
        first = Kept(root, prefix)
        where, other = tmp_path / f"there {number}", tmp_path / f"root {number}"
        again = passed(name, str(root / prefix), prefix, where, other)
        if name == "W&B":
            # It has one file of a path, however often a run that was resumed kept it.
            first.files, again.files = sorted(set(first.files)), sorted(set(again.files))
        differs = {aspect for aspect, of in ASPECTS.items() if of(first) != of(again)}
        assert differs <= told | {"begin and end"} | NOT_AGAIN.get(name, set()), (
            prefix, {aspect: apart(aspect, first, again) for aspect in differs - told},
        )  # fmt: skip
