"""Awkward things in a store of MLflow's; `--files` for a folder of files instead of an SQLite database. Run in an environment of MLflow's."""

import os
import sqlite3

os.environ |= {
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from shared import (
    FEW,
    NAMES,
    NUMBERS,
    OPTIONS,
    PARAMS,
    POINTS,
    STEPS,
    STORE,
    cut,
    die,
    main,
    point,
)

FILES = "--files" in OPTIONS
URI = f"file://{STORE}/mlruns" if FILES else f"sqlite:///{STORE}/mlflow.db"
PROJECT = "vision lab/ü"
AT = 1_700_000_000_123
client = MlflowClient(URI)


def begin(name):
    found = client.get_experiment_by_name(PROJECT)
    id_ = (
        found.experiment_id
        if found
        else client.create_experiment(PROJECT, artifact_location=f"file://{STORE}/mlruns/1")
    )
    return client.create_run(
        id_, run_name=name, start_time=AT, tags={"mlflow.user": "somebody"}
    ).info.run_id


def end(run):
    client.set_terminated(run, "FINISHED", AT + 10_000)


def log(run, name, steps, values):
    points = [
        Metric(name, float(value), AT + at, step)
        for at, (step, value) in enumerate(zip(steps, values, strict=True))
    ]
    for at in range(0, len(points), 1000):
        client.log_batch(run, metrics=points[at : at + 1000])


def names():
    run = begin("names")
    for name in NAMES:
        log(run, name, range(3), [1, 2, 3])
    client.log_batch(
        run,
        params=[Param("a b/ü", "x"), Param("dots.in it", "y")],
        tags=[RunTag("tag ü/x", "a value")],
    )
    end(run)


def steps():
    run = begin("steps")
    log(run, "loss", STEPS, range(len(STEPS)))
    end(run)


def numbers():
    run = begin("numbers")
    log(run, "odd", range(len(NUMBERS)), NUMBERS)
    end(run)


def params():
    run = begin("params")
    client.log_batch(run, params=[Param(name, str(value)) for name, value in PARAMS.items()])
    end(run)


def deleted():
    run = begin("deleted")
    log(run, "loss", range(FEW), range(FEW))
    client.delete_run(run)


def killed():
    run = begin("killed")
    log(run, "loss", range(FEW), range(FEW))
    die()


def half():
    run = begin("half")
    log(run, "loss", range(FEW), [at / 3 for at in range(FEW)])
    end(run)
    if FILES:
        (path,) = (
            os.path.join(at, "loss") for at, _, names in os.walk("mlruns") if "loss" in names and run in at
        )  # fmt: skip
        cut(path)


def half_committed():
    """A program that dies in the middle of its commit leaves a journal, and half of its rows in the database."""
    connection = sqlite3.connect("mlflow.db")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    row = "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) SELECT key, -1, timestamp, run_uuid, step + 1000, 0 FROM metrics"
    connection.execute(row)
    connection.execute("UPDATE params SET value = 'half'")


def together(name):
    run = begin(f"together {name}")
    for at in range(FEW):
        log(run, "loss", [at], [at])
    end(run)


def media():
    import numpy as np

    run = begin("media")
    client.log_image(run, np.zeros((4, 4, 3), np.uint8), key="picture", step=3)
    client.log_image(run, np.zeros((4, 4, 3), np.uint8), artifact_file="plain/picture.png")
    client.log_table(run, {"a": [1, 2], "b": ["x", "y"]}, "rows.json")
    client.log_text(run, "hello", "said ü.txt")
    client.log_dict(run, {"a": [1]}, "deep/facts.yaml")
    end(run)


def many():
    run = begin("many")
    log(run, "loss", range(POINTS), [at / 7 for at in range(POINTS)])
    end(run)


def _files(run, path=None):
    for one in client.list_artifacts(run, path):
        if one.is_dir:
            yield from _files(run, one.path)
        else:
            yield f"artifacts/{one.path}"


def read(case):
    experiment = client.get_experiment_by_name(PROJECT).experiment_id
    found, cut_short = [], FILES and case == "half"
    for run in client.search_runs([experiment], run_view_type=ViewType.ALL):
        name = run.info.run_name
        if name.split()[0] != case:
            continue
        said = {"prefix": name, "status": run.info.status}
        if run.info.lifecycle_stage == "deleted":
            found.append({**said, "absent": True})
            continue
        said["points"] = {
            metric: [
                point(one.step, one.timestamp / 1000, one.value)
                for one in client.get_metric_history(run.info.run_id, metric)
            ]
            for metric in (() if cut_short else run.data.metrics)
        }
        if cut_short:  # MLflow reads no line of such a file
            said["points"] = {
                "loss": [point(at, (AT + at) / 1000, at / 3) for at in range(FEW - 1)]
            }
        said["params"] = run.data.params
        said["files"] = sorted(_files(run.info.run_id))
        found.append(said)
    return found


main({one.__name__: one for one in (names, steps, numbers, params, deleted, killed, half, together, media, many)}, read, None if FILES else half_committed)  # fmt: skip
