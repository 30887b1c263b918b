"""Stores of each kind in which every name that a record may give leads elsewhere."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

from anew import Experiment
from tests.trackers.environments import recorded, unpacked
from tests.trackers.ml_dash.test_importer import put as ml_dash_run
from tests.trackers.sacred.test_importer import metric
from tests.trackers.sacred.test_importer import put as sacred_run
from tests.trackers.swanlab.test_importer import START, at, field, log_of, media, scalar
from tests.trackers.swanlab.test_importer import put as swanlab_run

__all__ = ["EVIL"]

AWKWARD = Path(__file__).with_name("awkward")
Names = list[str]


def _anew(base: Path, names: Names) -> Path:
    with Experiment("p/x", root=base / "store", quiet=True, system_metrics=0) as exp:
        exp.log({"loss": 1.0}, step=0)
        (base / "own.bin").write_bytes(b"own")
        exp.files("out").save(str(base / "own.bin"))
    (journal,) = (base / "store" / "p" / "x" / "journal").glob("*.jsonl")
    lines = journal.read_text().splitlines()
    (event,) = (json.loads(line) for line in lines if '"k":"file"' in line)
    for name in names:
        changed = {**event, "path": name, "name": name, "prefix": name, "file_id": f"f{len(lines)}"}
        lines.insert(-1, json.dumps(changed))
    journal.write_text("\n".join(lines) + "\n")
    return base / "store"


def _mlflow(base: Path, names: Names) -> Path:
    path = unpacked(AWKWARD / "mlflow.zip", base).folder / "mlflow.db"
    with sqlite3.connect(path) as tables:
        runs = [one for (one,) in tables.execute("SELECT run_uuid FROM runs ORDER BY run_uuid")]
        for number, run in enumerate(runs):
            name = names[number % len(names)]
            tables.execute("UPDATE runs SET name = ?, artifact_uri = ?, user_id = ? WHERE run_uuid = ?", (name, name, name, run))  # fmt: skip
            tables.execute("UPDATE metrics SET key = ? || key WHERE run_uuid = ?", (name, run))
            tables.execute("UPDATE params SET key = ? || key WHERE run_uuid = ?", (name, run))
            tables.execute("UPDATE tags SET key = ? || key WHERE run_uuid = ?", (name, run))
        tables.execute("UPDATE experiments SET name = ? || experiment_id", (names[0],))
        for number, name in enumerate(names):
            tables.execute("INSERT INTO registered_models (name) VALUES (?)", (name,))
            tables.execute(
                "INSERT INTO model_versions (name, version, source, run_id, current_stage) VALUES (?, ?, ?, ?, 'None')",
                (name, number + 1, f"runs:/{runs[0]}/{name}", runs[0]),
            )
    tables.close()
    return path


def _trackio(base: Path, names: Names) -> Path:
    folder = recorded("trackio", base).folder
    with sqlite3.connect(folder / "visionlab.db") as tables:
        for name in names:
            logged = {name: 1.0, f"x{name}": {"_type": "trackio.image", "file_path": name}}
            tables.execute(
                "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?, '2026-01-01T00:00:00', ?, 1, ?)",
                (name, name, json.dumps(logged)),
            )
            tables.execute(
                "INSERT INTO artifacts (name, type, created_at) VALUES (?, 'x', 'x')", (name,)
            )
        manifest = [{"path": name, "digest": name, "size": 4} for name in names]
        tables.execute("UPDATE artifact_versions SET manifest = ?", (json.dumps(manifest),))
    tables.close()
    return folder


def _clearml(base: Path, names: Names) -> Path:
    folder = recorded("clearml", base).folder / "killed"
    task = json.loads((folder / "task.json").read_text())
    task |= {"name": names[0], "project_name": names[1], "parent": names[0], "tags": names}
    task["execution"] = {"artifacts": [{"key": name, "uri": name, "type": "x"} for name in names]}
    task["offline_folder"] = "/"
    task["offline_output_models"] = [{"weights": {"weights_filename": name}} for name in names]
    task["hyperparams"] = {name: {name: {"value": "1", "type": "int"}} for name in names}
    task["script"] = {"requirements": dict.fromkeys(names, "x")}
    (folder / "task.json").write_text(json.dumps(task))
    with (folder / "metrics.jsonl").open("a") as file:
        for name in names:
            plain = {"metric": name, "variant": name, "iter": 1, "timestamp": 1.7e12}
            number = plain | {"type": "training_stats_scalar", "value": 1.0}
            image = plain | {"type": "training_debug_image", "url": f"file://{name}"}
            file.write(json.dumps([number, image]) + "\n")
    return folder


def _dvclive(base: Path, names: Names) -> Path:
    folder = recorded("dvclive", base).folder / "twice" / "dvclive"
    (folder / "params.yaml").write_text(json.dumps(dict.fromkeys(names, 1)))
    (folder / "metrics.json").write_text(json.dumps({**dict.fromkeys(names, 1.0), "step": 0}))
    (folder.parent / "dvc.yaml").write_text(json.dumps({"artifacts": {n: {"path": n} for n in names}}))  # fmt: skip
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "x.dvc").write_text(json.dumps({"outs": [{"path": n} for n in names]}))
    return folder


def _wandb(base: Path, names: Names) -> Path:
    folder = base / "wandb" / "offline-run-20260101_000000-x"
    (folder / "files").mkdir(parents=True)
    records = [field(17, field(1, names[0]) + field(3, names[1]) + field(8, names[0]) + b"".join(field(10, name) for name in names))]  # fmt: skip
    entries = b""
    for name in names:
        logged = {name: "1.0", f"x{name}": json.dumps({"_type": "image-file", "path": name})}
        item = b"".join(field(1, field(1, key) + field(16, value)) for key, value in logged.items())
        records.append(field(2, item))
        entries += field(4, field(1, name) + field(2, "AAAAAAAAAAAAAAAAAAAAAA==") + field(6, name))
    for name in names:
        records.append(field(8, field(4, name) + field(5, name) + field(6, name) + field(12, entries)))  # fmt: skip
    (folder / "run-x.wandb").write_bytes(b":W&B" + struct.pack("<HB", 0xBEE1, 0) + log_of(records)[7:])  # fmt: skip
    return base / "wandb"


def _ml_dash(base: Path, names: Names) -> Path:
    for number, name in enumerate(names):
        folder = ml_dash_run(base, f"me/p/{number}", [{name: 1.0, "step": 0}])
        about = json.loads((folder / "experiment.json").read_text())
        (folder / "experiment.json").write_text(json.dumps({**about, "prefix": name, "name": name}))  # fmt: skip
        listed = [{"id": one, "path": two, "filename": one} for one in names for two in names]
        (folder / "files" / ".files_metadata.json").write_text(json.dumps({"files": listed}))
        (folder / "tracks/robot_pos/metadata.json").write_text(json.dumps({"topic": name}))
        (folder / "parameters.json").write_text(json.dumps({"data": dict.fromkeys(names, 1)}))
    return base / ".dash"


def _neptune(base: Path, names: Names) -> Path:
    from tests.trackers.neptune.test_importer import one, put

    rows = [one("sys/custom_run_id", "string", names[0])]
    for name in names:
        rows += [one(name, "float_series", 1.0, 1), one(f"p/{name}", "float", 1.0)]
        rows += [one(f"f/{name}", "file", {"path": name}), one(name, "file", {"path": name})]
    put(base, [{**row, "project_id": names[1], "run_id": names[0]} for row in rows])
    return base


def _sacred(base: Path, names: Names) -> Path:
    pairs = [[one, two] for one in names for two in names]
    folder = sacred_run(
        base / "runs", "1", {name: metric((1.0, 1, "2023-11-14T22:13:21")) for name in names},
        experiment={"name": names[0], "sources": pairs, "base_dir": names[0]}, resources=pairs, artifacts=names,
    )  # fmt: skip
    (folder / "config.json").write_text(json.dumps(dict.fromkeys(names, 1)))
    return base / "runs"


def _swanlab(base: Path, names: Names) -> Path:
    start = field(10, field(1, names[1]) + field(4, names[0]) + field(10, names[0]) + field(12, at(0)))  # fmt: skip
    records = [start]
    for name in names:
        records += [scalar(name, 1, 1.0, 1), *(media(kind, name) for kind in (2, 3, 4, 5, 7, 9))]
    swanlab_run(base, records)
    swanlab_run(base, [START], "run-20260101_000001-other")
    return base / "swanlog"


def _tensorboard(base: Path, names: Names) -> Path:
    from tensorboard.compat.proto.summary_pb2 import Summary

    from anew.trackers.tensorboard.translate.summaries import encoded, scalar

    data = encoded([], 0, 1.7e9)
    for name in names:
        data += encoded([scalar(name, 1.0)], 1, 1.7e9)
        plugin = field(1, name) + field(9, field(1, field(1, "evil"))) + field(8, field(1, 7))
        data += encoded([Summary.Value.FromString(plugin)], 1, 1.7e9)
    (base / "runs").mkdir()
    (base / "runs" / "events.out.tfevents.1.x.1").write_bytes(data)
    return base / "runs"


def _table(base: Path, names: Names) -> Path:
    lines = [json.dumps({"run": name, "project": name, "step": 1, name: 1.0, "tags": names, f"params.{name}": 1}) for name in names]  # fmt: skip
    (base / "t.jsonl").write_text("\n".join(lines) + "\n")
    return base / "t.jsonl"


EVIL: dict[str, Callable[[Path, Names], Path]] = {
    "anew": _anew, "mlflow": _mlflow, "trackio": _trackio, "clearml": _clearml, "wandb": _wandb, "dvclive": _dvclive, "ml-dash": _ml_dash,
    "neptune": _neptune, "sacred": _sacred, "swanlab": _swanlab, "tensorboard": _tensorboard, "table": _table,
}  # fmt: skip
