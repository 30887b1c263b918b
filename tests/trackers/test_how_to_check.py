"""How to check an import, as the guide says it: run as it stands, by each tracker, and the same as ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from anew import Experiment, Store
from anew.cli.main import cli

from .aim.repository import made_by_aim
from .awkward.stores import STORES, recorded
from .environments import environment
from .holding import bring

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "import.md"
OURS = "from anew import Store"
_SHOWN = re.compile(r"```text\n((?:>>> .*\n)+)```")


def checks() -> dict[str, tuple[list[str], list[str]]]:
    """What the guide says, by its headings: the lines for the tracker, and those for us."""
    found = {}
    for part in GUIDE.read_text().split("\n## ")[1:]:
        shown = _SHOWN.findall(part)
        if shown:
            (text,) = shown
            lines = [line.removeprefix(">>> ") for line in text.splitlines()]
            found[part.partition("\n")[0]] = (lines[: lines.index(OURS)], lines[lines.index(OURS) :])  # fmt: skip
    return found


class Check(NamedTuple):
    """What a check is run with.

    Attributes:
        store: The store of the tracker's own making, by its name in `awkward.stores`.
        case: Which of its cases.
        instead: What stands in the store for what stands in the guide, given the tracker's key of the run and its name there.
        metric: The metric's name here.
        where: In whose environment it is run; "" for this process, and "." for a process beside it.
        setting: What has to be set before the tracker is loaded.
    """

    store: str
    case: str
    instead: Callable[[str, str], Mapping[str, str]]
    metric: str = "loss"
    where: str = ""
    setting: str = ""


def _first(pattern: str) -> str:
    return f'next(__import__("glob").iglob("{pattern}"))'


INDEXED = """
import aim
from aim.sdk.index_manager import RepoIndexManager

manager = RepoIndexManager(aim.Repo("."))
for key in os.listdir(".aim/meta/chunks"):
    manager.index(key)
manager.new_chunk_observer.stop()
manager.repo.container_pool.clear()
"""
"""What `aim up` does by itself: Aim reads runs only through its index."""

CHECKS = {
    "MLflow": Check("mlflow", "steps", lambda key, _: {"3c4f5a0c6e8d4c5bb1f0a7d1c2b3a4e5": key}, where="."),
    "TensorBoard": Check("tensorboardx", "steps", lambda *_: {"runs/first": "logs ü/steps"}, where="."),
    "Weights & Biases": Check(
        "wandb", "killed", lambda *_: {'"wandb/offline-run-20260102_030405-abc123/run-abc123.wandb"': _first("wandb/*/run-killed.wandb")},
        where="wandb-reader",
    ),
    "trackio": Check(
        "trackio", "steps", lambda *_: {'"vision", "brave-sunset-0"': '"vision lab", "steps"'}, where="trackio",
        setting='os.environ |= {"TRACKIO_DIR": os.getcwd(), "HF_HOME": os.environ["HOME"]}',
    ),
    "DVCLive": Check("dvclive", "steps", lambda *_: {"dvclive/plots": "steps/dvclive/plots"}, where="dvclive"),
    "ml-dash": Check(
        "ml-dash", "steps", lambda *_: {'"vision", "alice/vision/net"': '"vision ü", "alice/vision ü/steps"'}, "train/loss", "ml-dash",
    ),
    "Sacred": Check("sacred", "steps", lambda _, name: {"runs/1/": f"runs/{name}/"}),
    "SwanLab": Check(
        "swanlab", "steps",
        lambda key, _: {'"swanlog/run-20260102_030405-a1b2c3d4/run-a1b2c3d4.swanlab"': _first(f"swanlog/*/run-{key.rpartition('/')[2]}.swanlab")},
        where="swanlab",
    ),
    "ClearML": Check("clearml", "steps", lambda *_: {"resnet.zip": "steps.zip", '("loss", "train")': '("loss", "loss")'}),
    "Aim": Check(
        "aim", "other", lambda key, _: {"597cef358e794163a87251a9": key, '"loss"': '"val acc/ü"'}, "val acc/ü", ".", INDEXED,
    ),
}  # fmt: skip


def test_the_guide_says_for_each_tracker_how_to_check():
    assert set(checks()) == {*CHECKS, *OF_TABLES}


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # lines of the guide close no file
@pytest.mark.parametrize(
    "heading",
    [pytest.param(one, marks=[pytest.mark.slow] if CHECKS[one].where else []) for one in CHECKS],
)  # fmt: skip
def test_what_the_guide_says_to_compare_is_the_same(heading, tmp_path, monkeypatch):
    check = CHECKS[heading]
    folder, prefix, name = _store(check, tmp_path)
    with Store(tmp_path / "root") as opened:
        key = str(opened[prefix].captured["imported"]["key"])
    theirs, ours = checks()[heading]
    theirs = [_replaced(line, check.instead(key, name)) for line in theirs]
    found = (
        _apart(check, theirs, folder, tmp_path)
        if check.where
        else _here(theirs, folder, monkeypatch)
    )
    assert found
    assert found == _ours(ours, prefix, check.metric, tmp_path / "root")


def _store(check: Check, place: Path) -> tuple[Path, str, str]:
    """A store that was imported; the prefix of the run here, and its name there."""
    if check.store == "aim":  # too large to be recorded
        pytest.importorskip("aim")
        folder = made_by_aim(place).folder
        bring(folder, place / "root")
        with Store(place / "root") as opened:
            (prefix,) = (view.prefix for view in opened.list() if view.name == check.case)
        return folder, prefix, check.case
    store, there = STORES[check.store], recorded(check.store, place)
    bring(there.folder / store.source, place / "root")
    name = there.answers[check.case][0]["prefix"]
    return there.folder, "/".join(part for part in (store.place, name) if part), name


def _table(folder: Path) -> Path:
    rows = ["run,step,loss", *(f"{run},{at},{at / 3}" for at in range(5) for run in ("first", "second")), "first,5,"]  # fmt: skip
    (folder / "vision").mkdir()
    (folder / "vision" / "results.csv").write_text("\n".join([*rows, ""]))
    return folder / "vision" / "results.csv"


def _export(folder: Path) -> Path:
    pytest.importorskip("pyarrow")
    from .neptune.test_importer import one, put

    put(folder / "exports", [one("loss", "float_series", at / 3, at) for at in range(5)])
    return folder / "exports"


OF_TABLES = {"Tables: CSV, TSV and JSONL": (_table, "vision/first"), "Neptune": (_export, "lab/vision/VIS-1")}  # fmt: skip


@pytest.mark.parametrize("heading", OF_TABLES)
def test_what_the_guide_says_of_tables_is_the_same(heading, tmp_path, monkeypatch):
    make, prefix = OF_TABLES[heading]
    bring(make(tmp_path), tmp_path / "root")
    theirs, ours = checks()[heading]
    found = _here(theirs, tmp_path, monkeypatch)
    assert len(found) == 5
    assert found == _ours(ours, prefix, "loss", tmp_path / "root")


def test_the_tables_of_two_stores_are_the_same(tmp_path):
    text = GUIDE.read_text()
    commands = re.findall(r"^\$ anew (list .*) > (?:there|here)\.json$", text, re.MULTILINE)
    assert len(commands) == 2
    there, here = tmp_path / "there", tmp_path / "here"
    with Experiment("p/one", root=there, params={"lr": 0.1}, quiet=True, system_metrics=0) as exp:
        exp.log({"loss": 0.5}, step=0)
    bring(there, here)
    shown = []
    for command, root in zip(commands, (there, here), strict=True):
        words = command.replace("/mnt/backup/experiments", str(there)).split()
        done = CliRunner().invoke(cli, words, env={"ANEW_ROOT": str(root)})
        shown.append(json.loads(done.stdout))
    assert [[one.pop("path") for one in table["experiments"]] for table in shown]
    assert shown[0] == shown[1]


def _replaced(line: str, instead: Mapping[str, str]) -> str:
    for shown, real in instead.items():
        line = line.replace(shown, real)
    return line


def _apart(check: Check, lines: list[str], folder: Path, place: Path) -> list[str]:
    """What lines give in another process."""
    *before, last = lines
    text = ["import json, os, sys", check.setting, *before, f"found = {last}"]
    text.append("json.dump([repr(float(one)) for one in found], open(sys.argv[2], 'w'))")
    if check.where != ".":
        found: list[str] = environment(check.where).run("\n".join(text), folder)
        return found
    program, answers = place / "program.py", place / "answers.json"
    program.write_text("\n".join(text))
    quiet = {"AIM_UI_TELEMETRY_ENABLED": "0", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}  # fmt: skip
    command = [sys.executable, str(program), str(folder), str(answers)]
    around = {**os.environ, "HOME": str(place), **quiet}
    subprocess.run(command, cwd=folder, env=around, check=True, capture_output=True)
    return [str(one) for one in json.loads(answers.read_text())]


def _here(lines: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    *before, last = lines
    names: dict[str, Any] = {}
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        exec("\n".join([*before, f"found = {last}"]), names)
    return [repr(float(one)) for one in names["found"]]


def _ours(lines: list[str], prefix: str, metric: str, root: Path) -> list[str]:
    first, last = lines
    last, known = re.subn(r'Store\(\)\["[^"]+"\]\.metrics\["[^"]+"\]', f"store[{prefix!r}].metrics[{metric!r}]", last)  # fmt: skip
    assert (first, known) == (OURS, 1)
    with Store(root) as store:
        names: dict[str, Any] = {"store": store}
        exec(f"found = {last}", names)
    return [repr(float(one)) for one in names["found"]]
