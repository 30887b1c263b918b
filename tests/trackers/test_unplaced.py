"""What Anew has no place for, put into a source of each kind, is kept as it is beside the experiment, and said."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from anew import Experiment, Store
from anew.importing.importer import bring_in
from anew.trackers.importers import KINDS, open_source

from .awkward.stores import HERE as AWKWARD
from .environments import recorded, unpacked
from .ml_dash.test_importer import put as ml_dash_run
from .sacred.test_importer import metric
from .sacred.test_importer import put as sacred_run
from .swanlab.test_importer import START, at, field, log_of, scalar
from .swanlab.test_importer import put as swanlab_run
from .test_damaged_sources import _age as age

STRANGE = "strange thing"


class Unplaced(NamedTuple):
    """A source with something in it that has no place.

    Attributes:
        source: What is imported.
        named: What of the thing's name the import says.
    """

    source: Path
    named: str


def _anew(base: Path) -> Unplaced:
    """Events of a later version come as they are, with their writer's file."""
    with Experiment("p/x", root=base / "store", quiet=True, system_metrics=0) as exp:
        exp.log({"loss": 1.0}, step=0)
    (journal,) = (base / "store" / "p" / "x" / "journal").glob("*.jsonl")
    lines = journal.read_text().splitlines()
    lines.insert(-1, json.dumps({"k": "from-the-future", "t": 1.7e9, "what": STRANGE}))
    journal.write_text("\n".join(lines) + "\n")
    return Unplaced(base / "store", "from-the-future")


def _mlflow(base: Path) -> Unplaced:
    path = unpacked(AWKWARD / "mlflow.zip", base).folder / "mlflow.db"
    with sqlite3.connect(path) as tables:
        (run,) = tables.execute("SELECT run_uuid FROM runs WHERE name = 'steps'").fetchone()
        tables.execute("CREATE TABLE run_moods (run_uuid TEXT, mood TEXT)")
        tables.execute("INSERT INTO run_moods VALUES (?, ?)", (run, STRANGE))
    tables.close()
    return Unplaced(path, "run_moods")


def _mlflow_column(base: Path) -> Unplaced:
    path = unpacked(AWKWARD / "mlflow.zip", base).folder / "mlflow.db"
    with sqlite3.connect(path) as tables:
        tables.execute("ALTER TABLE runs ADD COLUMN mood TEXT")
        tables.execute("UPDATE runs SET mood = ? WHERE name = 'steps'", (STRANGE,))
    tables.close()
    return Unplaced(path, "mood")


def _mlflow_files(base: Path) -> Unplaced:
    folder = base / "mlruns" / "7"
    (folder / "one" / "moods").mkdir(parents=True)
    (folder / "meta.yaml").write_text("name: vision\n")
    about = "run_id: one\nrun_name: one\nstatus: 3\nstart_time: 1700000000000\nend_time: 1700000001000\n"
    (folder / "one" / "meta.yaml").write_text(f"{about}mood: {STRANGE}\n")
    (folder / "one" / "moods" / "today").write_text(STRANGE)
    return Unplaced(base / "mlruns", "mood")


def _trackio(base: Path) -> Unplaced:
    folder = recorded("trackio", base).folder
    with sqlite3.connect(folder / "visionlab.db") as tables:
        tables.execute("ALTER TABLE alerts ADD COLUMN mood TEXT")
        (run,) = tables.execute("SELECT run_id FROM configs ORDER BY id LIMIT 1").fetchone()
        tables.execute("CREATE TABLE moods (run_id TEXT, mood TEXT)")
        tables.execute("INSERT INTO moods VALUES (?, ?)", (run, STRANGE))
    tables.close()
    return Unplaced(folder, "moods")


def _aim(base: Path) -> Unplaced:
    pytest.importorskip("aim")
    store = base / "store"
    store.mkdir()
    program = f"""
import aim
run = aim.Run(repo={str(store)!r}, system_tracking_interval=None)
run.track(1.0, name="loss", step=0)
run.meta_run_tree["mood"] = {STRANGE!r}
run.close()
"""
    around = {**os.environ, "HOME": str(base), "AIM_UI_TELEMETRY_ENABLED": "0"}
    subprocess.run([sys.executable, "-c", program], cwd=base, env=around, check=True, capture_output=True)  # fmt: skip
    return Unplaced(store, "mood")


def _clearml(base: Path) -> Unplaced:
    folder = recorded("clearml", base).folder / "killed"
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps([{"type": "moods", "metric": "m", "what": STRANGE}]) + "\n")
    return Unplaced(folder, "events.jsonl")


def _clearml_field(base: Path) -> Unplaced:
    folder = recorded("clearml", base).folder / "killed"
    task = json.loads((folder / "task.json").read_text())
    (folder / "task.json").write_text(json.dumps({**task, "mood": STRANGE}))
    return Unplaced(folder, "mood")


def _wandb(base: Path) -> Unplaced:
    folder = base / "wandb" / "offline-run-20260101_000000-x"
    (folder / "files").mkdir(parents=True)
    records = [field(17, field(1, "x") + field(3, "vision")), field(77, field(1, STRANGE))]
    (folder / "run-x.wandb").write_bytes(b":W&B\xe1\xbe\0" + log_of(records)[7:])
    return Unplaced(base / "wandb", "field 77")


def _dvclive(base: Path) -> Unplaced:
    folder = recorded("dvclive", base).folder / "twice" / "dvclive"
    (folder / "moods.json").write_text(json.dumps(STRANGE))
    return Unplaced(folder, "moods.json")


def _dvclive_column(base: Path) -> Unplaced:
    folder = recorded("dvclive", base).folder / "twice" / "dvclive"
    (folder / "plots" / "metrics" / "loss.tsv").write_text(f"step\tmood\tloss\n0\t{STRANGE}\t0.5\n")
    return Unplaced(folder, "")


def _ml_dash(base: Path) -> Unplaced:
    folder = ml_dash_run(base, "me/p/x", [{"loss": 1.0, "step": 0}], mood=STRANGE)
    (folder / "moods.bin").write_text(STRANGE)
    return Unplaced(base / ".dash", "moods.bin")


def _neptune(base: Path) -> Unplaced:
    pytest.importorskip("pyarrow")
    from .neptune.test_importer import one, put

    strange = one("mood", "string", STRANGE) | {"attribute_type": "mood"}
    put(base, [one("loss", "float_series", 1.0, 0), strange])
    return Unplaced(base, "attributes of type mood")


def _sacred(base: Path) -> Unplaced:
    values = {"loss": {**metric((1.0, 0, "2023-11-14T22:13:21")), "moods": [STRANGE]}}
    sacred_run(base / "runs", "1", values, mood=STRANGE)
    return Unplaced(base / "runs", "mood")


def _swanlab(base: Path) -> Unplaced:
    swanlab_run(base, [START, scalar("loss", 1, 0.5, 1), field(77, field(1, STRANGE) + field(4, at(1)))])  # fmt: skip
    return Unplaced(base / "swanlog", "field 77")


def _tensorboard(base: Path) -> Unplaced:
    from tensorboard.compat.proto.summary_pb2 import Summary

    from anew.trackers.tensorboard.translate.summaries import encoded, scalar

    plugin = field(1, "m") + field(9, field(1, field(1, "moods") + field(2, STRANGE)))
    data = encoded([], 0, 1.7e9) + encoded([scalar("loss", 1.0)], 1, 1.7e9)
    data += encoded([Summary.Value.FromString(plugin + field(8, field(1, 7)))], 1, 1.7e9)
    (base / "runs").mkdir()
    (base / "runs" / "events.out.tfevents.1.x.1").write_bytes(data)
    return Unplaced(base / "runs", "moods")


def _tensorboard_event(base: Path) -> Unplaced:
    import io

    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    made = _tensorboard(base).source / "events.out.tfevents.1.x.1"
    buffer = io.BytesIO()
    event = Event(wall_time=1.7e9, step=1)
    event.log_message.message = STRANGE
    RecordWriter(buffer).write(event.SerializeToString())
    made.write_bytes(made.read_bytes() + buffer.getvalue())
    return Unplaced(made.parent, "field 6")


def _table(base: Path) -> Unplaced:
    """A cell that is no number stands beside the points of its row."""
    rows = [{"step": at, "loss": 0.5, "mood": [STRANGE, at]} for at in range(3)]
    (base / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Unplaced(base / "t.jsonl", "")


MAKERS: dict[str, Callable[[Path], Unplaced]] = {
    "anew": _anew, "mlflow": _mlflow, "mlflow column": _mlflow_column, "mlflow files": _mlflow_files, "trackio": _trackio, "aim": _aim,
    "clearml": _clearml, "clearml field": _clearml_field, "wandb": _wandb, "dvclive": _dvclive, "dvclive column": _dvclive_column,
    "ml-dash": _ml_dash, "neptune": _neptune, "sacred": _sacred, "swanlab": _swanlab, "tensorboard": _tensorboard,
    "tensorboard event": _tensorboard_event, "table": _table,
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one == "aim" else one for one in MAKERS]
)
def test_what_has_no_place_is_kept_and_said(name, tmp_path):
    made = MAKERS[name](tmp_path)
    age(made.source if made.source.is_dir() else made.source.parent)
    kind = name.partition(" ")[0]
    with closing(open_source(str(made.source), kind)) as source:
        found = bring_in(source, str(tmp_path / "root"))
    is_ours = name == "anew"  # a line that cannot be read may be damage: it comes, and that is said
    assert found.is_whole or is_ours, found
    said = [one for one in found.findings if made.named and made.named in f"{one.where} {one.what}"]
    assert (not made.named) == (not said), found.findings
    assert is_ours or not any(one.lost for one in said)
    assert _is_kept(tmp_path / "root")
    with closing(open_source(str(made.source), kind)) as source:
        again = bring_in(source, str(tmp_path / "root"))
    assert {run.state for run in again.runs} == {"same"}


def _is_kept(root: Path) -> bool:
    with Store(root) as store:
        for view in store.list():
            if STRANGE in json.dumps(view.captured.get("imported", {}).get("kept", {})):
                return True
            if any(STRANGE.encode() in Path(one.path).read_bytes() for one in view.files):
                return True
    journals = [*root.rglob("journal/*.jsonl"), *root.rglob("metrics/*.jsonl")]
    return any(STRANGE in path.read_text() for path in journals)


def test_every_kind_has_something_without_a_place():
    assert {name.partition(" ")[0] for name in MAKERS} == set(KINDS)
