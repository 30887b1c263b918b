"""The dialect beside the real wandb, offline: the same program leaves the same shapes."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import anew.dialects.wandb as dialect
from anew.trackers.wandb.translate.transactions import TransactionLog

pytestmark = pytest.mark.slow

_PROGRAM = '''
    import argparse, json, math, os, sys
    import numpy as np
    import IMPORT

    def told(value):
        """Any value as JSON has it."""
        if isinstance(value, float):
            return str(value) if not math.isfinite(value) else round(value, 9)
        if isinstance(value, (str, int, type(None))):
            return value
        if isinstance(value, (list, tuple)):
            return [told(v) for v in value]
        if isinstance(value, dict):
            return {str(k): told(v) for k, v in value.items()}
        if hasattr(value, "keys"):
            return {str(k): told(value[k]) for k in value.keys()}
        return told(value.item()) if hasattr(value, "item") else str(value)

    seen = {}

    def look(name, ask):
        try:
            seen[name] = told(ask())
        except Exception as error:
            kinds = [k for k in (TypeError, ValueError, KeyError, AttributeError) if isinstance(error, k)]
            seen[name] = "error: " + ",".join(k.__name__ for k in kinds)

    with open("f.txt", "w") as file:
        file.write("hi")
    look("log before", lambda: wandb.log({"a": 1}))
    for name, options in (("keyword", {"projct": "x"}), ("id", {"id": "a/b"}), ("project", {"project": "a/b"}),
                          ("resume", {"resume": "x"}), ("mode", {"mode": "x"})):
        look(f"init with a wrong {name}", lambda: wandb.init(**options))

    run = wandb.init(project="p", name="n", notes="why", tags=["x", "y"], group="g", job_type="j",
                     config={"a": 1, "b": {"c": 2, "d": [1, 2]}, "t": (1, 2), "np": np.float32(1.5)})
    for name in ("name", "project", "entity", "group", "job_type", "tags", "notes", "url", "step", "starting_step",
                 "resumed", "disabled", "offline", "sweep_id"):
        look(f"run.{name}", lambda: getattr(run, name))
    look("path", lambda: run.path.replace(run.id, "ID"))
    look("again", lambda: wandb.init(project="other") is run)
    run.tags += ("z",)
    look("tags", lambda: run.tags)
    look("foreign attribute of the run", lambda: getattr(run, "sumary"))

    config = wandb.config
    look("config", lambda: config.as_dict())
    look("a missing attribute", lambda: config.zz)
    look("a missing key", lambda: config["zz"])
    look("a change", lambda: config.update({"a": 2}))
    look("no mapping", lambda: config.update(None))
    config.update({"a": 2, "b": {"e": 1}}, allow_val_change=True)
    config.setdefaults({"a": 9, "new": 1})
    config.attr = 5
    config.update(argparse.Namespace(ns=1, nothing=None))
    config.update({"f": print, "dots.in": 1})
    look("config then", lambda: config.as_dict())
    look("config keys", lambda: list(config.keys()))
    look("config get", lambda: [config.get("a"), config.get("q"), config.get("q", 5), "a" in config])

    for name, summary in (("m1", "min"), ("m2", "max"), ("m3", "mean"), ("m4", "none"), ("m5", "copy"), ("m6", "last"),
                          ("m7", "min,max"), ("m8", "first"), ("v/*", "max"), ("d.a", "max"), ("m9", "min,last")):
        run.define_metric(name, summary=summary)
    look("wrong operation", lambda: run.define_metric("m", summary="maxx"))
    look("wrong pattern", lambda: run.define_metric("*x", summary="max"))
    look("no name", lambda: run.define_metric(""))

    steps = []
    for data, options in (
        ({"loss": 1.0}, {}), ({"acc": 0.5}, {"commit": False}), ({"z": 0.6}, {}), ({"loss": 2.0}, {"step": 10}),
        ({"acc": 2.0}, {"step": 10}), ({"loss": 4.0}, {"step": 11, "commit": True}), ({"loss": 5.0}, {}), ({}, {}),
    ):
        run.log(data, **options)
        steps.append(run.step)
    seen["steps"] = steps
    look("log no mapping", lambda: run.log(5))
    look("log no text", lambda: run.log({1: 2}))
    look("log half a step", lambda: run.log({"a": 1}, step=20.5))
    for value in (3, 1, 2):
        row = {f"m{n}": value for n in range(1, 10)}
        run.log({**row, "v/a": value, "d": {"a": value, "b": value / 2}, "n": {"x": {"y": value}}})
    run.log({"s": "text", "none": None, "t": True, "l": [1, 2, 3], "ls": ["a"], "np": np.float32(2.5),
             "arr": np.arange(5), "one": np.array([4]), "nan": math.nan, "inf": -math.inf, "tup": (1, 2), "empty": [],
             "hist": wandb.Histogram([1, 2, 3], num_bins=4), "big": 2**40})
    run.summary["best"] = 1.5
    run.summary.update({"u": 1, "deep": {"x": 1}})
    run.summary["gone"] = 1
    del run.summary["gone"]
    SETTLE
    summary = {k: run.summary[k] for k in run.summary.keys() if not k.startswith("_")}
    look("summary", lambda: dict(sorted(summary.items())))
    look("summary missing", lambda: run.summary["zzz"])
    look("summary get", lambda: run.summary.get("zzz", 4))
    look("_step", lambda: run.summary["_step"])
    look("alert level", lambda: run.alert("a", "b", level="LOUD"))
    look("levels", lambda: [level.name for level in wandb.AlertLevel])

    look("saved", lambda: [os.path.basename(path) for path in run.save("f.txt")])
    look("nothing saved", lambda: run.save("nothing*"))
    look("wrong policy", lambda: run.save("f.txt", policy="never"))

    table = wandb.Table(columns=["a", "b"])
    table.add_data(1, "x")
    table.add_data(2, "y")
    look("wrong row", lambda: table.add_data(1))
    table.add_column("c", [5, 6])
    table.add_computed_columns(lambda number, row: {"z": row["a"] * 2})
    look("table", lambda: [table.columns, table.data, table.get_column("a"), list(table.iterrows())])
    look("table defaults", lambda: wandb.Table().columns)
    look("histogram", lambda: [wandb.Histogram([1, 2, 5], num_bins=4).histogram, wandb.Histogram([1, 2, 5], num_bins=4).bins])
    look("too many bins", lambda: wandb.Histogram([1], num_bins=600))

    plot = wandb.plot
    probs = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]]
    def chart(c):
        spec = c.spec if isinstance(c.spec, dict) else {k: getattr(c.spec, k) for k in ("spec_name", "fields", "string_fields")}
        return [c.table.columns, c.table.data, spec]
    look("line", lambda: chart(plot.line(table, "a", "c", title="T")))
    look("scatter", lambda: chart(plot.scatter(table, "a", "c")))
    look("bar", lambda: chart(plot.bar(table, "b", "c")))
    look("histogram chart", lambda: chart(plot.histogram(table, "a")))
    look("series", lambda: chart(plot.line_series([0, 1], [[1, 2], [3, 4]], keys=["k", "l"], title="t", xname="e")))
    look("confusion", lambda: chart(plot.confusion_matrix(y_true=[0, 1, 1, 0], preds=[0, 1, 0, 0], class_names=["n", "p"])))
    look("confusion of probabilities", lambda: chart(plot.confusion_matrix(y_true=[0, 1, 1, 0], probs=probs)))
    look("roc", lambda: chart(plot.roc_curve([0, 1, 1, 0], probs, labels=["n", "p"])))
    look("pr", lambda: chart(plot.pr_curve([0, 1, 1, 0], probs, labels=["n", "p"], interp_size=5)))

    artifact = wandb.Artifact("model", "model", metadata={"a": 1})
    entry = artifact.add_file("f.txt")
    look("entry", lambda: [entry.path, entry.digest, entry.size, entry.ref])
    with artifact.new_file("deep/g.txt") as file:
        file.write("other")
    look("artifact", lambda: [artifact.name, artifact.type, artifact.digest, artifact.size, artifact.state, artifact.metadata])
    look("version of a draft", lambda: artifact.version)
    for name in ("a/b", "a:b"):
        look(f"artifact {name}", lambda: wandb.Artifact(name, "t"))
    look("artifact of a reserved type", lambda: wandb.Artifact("a", "job"))
    look("missing file", lambda: artifact.add_file("nope"))
    look("path outside", lambda: artifact.add_file("f.txt", name="../x"))
    look("reference", lambda: [e.digest for e in artifact.add_reference("file://" + os.path.abspath("f.txt"), name="r.txt")])
    look("paths", lambda: sorted(artifact.manifest.entries))
    run.log_artifact(artifact)
    look("change of a logged one", lambda: artifact.add_file("f.txt", name="h.txt"))

    folder = run.dir
    run.finish()
    look("log after the end", lambda: run.log({"a": 1}))
    look("config after the end", lambda: run.config["a"])
    look("wandb.run", lambda: wandb.run)
    with open("seen.json", "w") as file:
        json.dump({"seen": seen, "folder": folder, "id": run.id}, file)
'''


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The rows of the history that the real wandb wrote, with its dotted names."""
    (log,) = folder.glob("wandb/offline-run-*/*.wandb")
    return [
        {
            ".".join(item.nested_key) or item.key: json.loads(item.value_json)
            for item in record.history.item
        }
        for record in TransactionLog(str(log)).records()
        if record.WhichOneof("record_type") == "history"
    ]


def ran(folder: Path, text: str, **variables: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "program.py").write_text(textwrap.dedent(text))
    environ = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    environ |= {
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
        "ANEW_SYSTEM_METRICS": "0",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders in which the program ran with the real wandb and with the dialect."""
    folder = tmp_path_factory.mktemp("both")
    caches = {
        f"WANDB_{name}_DIR": str(folder / name) for name in ("CACHE", "CONFIG", "DATA", "ARTIFACT")
    }
    theirs = _PROGRAM.replace("IMPORT", "time, wandb").replace("SETTLE", "time.sleep(1)")
    ran(folder / "theirs", theirs, **caches)
    ours = _PROGRAM.replace("IMPORT", "anew.dialects.wandb as wandb").replace("SETTLE", "pass")
    ran(folder / "ours", ours)
    return folder / "theirs", folder / "ours"


def test_what_a_program_sees_is_the_same(both: tuple[Path, Path]):
    theirs, ours = (json.loads((folder / "seen.json").read_text())["seen"] for folder in both)
    # Their curves leave out points on a straight line.
    for name in ("roc", "pr"):
        assert [ours[name][0], ours[name][2]] == [theirs[name][0], theirs[name][2]], name
        del ours[name], theirs[name]
    for name, said in list(theirs.items()):
        if str(said).startswith(
            "error: "
        ):  # an error here is of more kinds: also the builtin of its meaning
            kinds = [
                set(one[name].removeprefix("error: ").split(",")) - {""} for one in (theirs, ours)
            ]
            assert kinds[0] <= kinds[1], name
            del theirs[name], ours[name]
    differing = {
        name: (theirs[name], ours.get(name)) for name in theirs if theirs[name] != ours.get(name)
    }
    assert differing == {}
    assert set(ours) == set(theirs)


def test_the_history_is_the_same(both: tuple[Path, Path]):
    rows = rows_of(both[0])
    said = json.loads((both[1] / "seen.json").read_text())
    found = list(
        dialect.Api(root=str(both[1] / "experiments")).run(f"p/{said['id']}").scan_history()
    )
    by_step = {row["_step"]: row for row in found}
    own = ("_runtime", "_timestamp", "hist")
    for row in rows:
        theirs = {k: v for k, v in row.items() if k.split(".")[0] not in own and v is not None}
        if set(theirs) == {"_step"}:
            continue  # a step at which nothing was logged
        ours = {k: v for k, v in by_step[row["_step"]].items() if k not in own}
        assert repr(ours.pop("nan", None)) == repr(theirs.pop("nan", None)).replace("'NaN'", "nan")
        assert str(ours.pop("inf", None)) == str(theirs.pop("inf", None)).replace(
            "-Infinity", "-inf"
        )
        assert ours == theirs
    assert len(by_step) == sum(len([k for k in r if not k.startswith("_")]) > 0 for r in rows)


def test_every_argument_of_wandb_is_taken():
    real = importlib.import_module("wandb")
    pairs = [
        *((name, getattr(real, name), getattr(dialect, name)) for name in (
            "init", "login", "sweep", "agent", "Image", "Audio", "Video", "Table", "Histogram", "Html", "Object3D",
            "Molecule", "Plotly", "Artifact", "Api",
        )),
        *((f"Run.{name}", getattr(real.Run, name), getattr(dialect.Run, name)) for name in (
            "log", "define_metric", "alert", "watch", "unwatch", "save", "restore", "log_artifact", "use_artifact",
            "log_code", "log_model", "use_model", "finish", "link_model", "link_artifact", "mark_preempting", "status",
        )),
        *((f"Artifact.{name}", getattr(real.Artifact, name), getattr(dialect.Artifact, name)) for name in (
            "add", "add_file", "add_dir", "add_reference", "new_file", "download", "file", "files", "get", "get_entry",
            "get_path", "logged_by", "used_by", "wait", "verify", "checkout", "remove", "save", "new_draft", "link", "delete",
        )),
        *((f"plot.{name}", getattr(real.plot, name), getattr(dialect.plot, name)) for name in (
            "line", "scatter", "bar", "histogram", "line_series", "confusion_matrix", "roc_curve", "pr_curve", "plot_table",
        )),
        *((f"Api.{name}", getattr(real.Api, name), getattr(dialect.Api, name)) for name in (
            "runs", "run", "artifact", "artifacts", "artifact_exists", "projects", "project", "sweep", "from_path", "flush",
        )),
        *((f"public.Run.{name}", getattr(importlib.import_module("wandb.apis.public").Run, name),
           getattr(importlib.import_module("anew.trackers.wandb.dialect.public_run").PublicRun, name)) for name in (
            "history", "scan_history", "files", "file", "logged_artifacts", "used_artifacts", "delete", "update", "load",
        )),
    ]  # fmt: skip
    missing: dict[str, Any] = {}
    for name, theirs, ours in pairs:
        wanted = inspect.signature(theirs).parameters
        given = inspect.signature(ours).parameters
        if any(p.kind is p.VAR_KEYWORD for p in given.values()) and name != "init":
            continue
        lacking = [
            p for p in wanted if p not in given and wanted[p].kind is not wanted[p].VAR_KEYWORD
        ]
        order = [p for p in wanted if p in given]
        if lacking or [p for p in given if p in order] != order:
            missing[name] = lacking or "another order"
    assert missing == {}


def test_all_that_a_run_has_is_there_or_named_as_unsupported():
    real = importlib.import_module("wandb")
    public = importlib.import_module("wandb.apis.public")
    ours_public = importlib.import_module("anew.trackers.wandb.dialect.public_run").PublicRun
    # Of wandb's server or its notebooks.
    server = {"display", "to_html", "pin_config_keys", "load_full_data", "snake_to_camel", "stop", "upload_file",
              "update_state", "log_artifact", "use_artifact", "console_logs", "create", "download_history_exports"}  # fmt: skip
    for theirs, ours, but in (
        (real.Run, dialect.Run, {"display", "to_html", "pin_config_keys"}),
        (public.Run, ours_public, server),
        (real.Table, dialect.Table, {
            "bind_to_run", "captions", "file_is_set", "get_media_subdir", "has_been_logged", "index_ref", "init_from_json",
            "is_bound", "path_is_reference", "set_fk", "set_pk", "to_data_array", "type_mapping", "artifact_type", "with_suffix",
        }),
    ):  # fmt: skip
        names = {name for name in dir(theirs) if not name.startswith("_")}
        lacking = {name for name in names - but if not hasattr(ours, name)}
        assert lacking == set(), theirs
