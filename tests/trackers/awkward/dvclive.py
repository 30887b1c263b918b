"""Awkward things in folders of DVCLive's. Run in an environment of DVCLive's."""

import glob
import os
import shutil

import numpy as np
from dvc.repo import Repo
from dvclive import Live
from dvclive.utils import parse_metrics
from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, cut, die, main, point


def begin(name, **more):
    return Live(os.path.join(name, "dvclive"), save_dvc_exp=False, dvcyaml=False, **more)


def log(run, name, steps, values):
    for step, value in zip(steps, values, strict=True):
        run.step = step
        run.log_metric(name, value, timestamp=True)


def names():
    run = begin("names")
    for name in NAMES:
        log(run, name, range(3), [1, 2, 3])
    run.end()


def steps():
    run = begin("steps")
    log(run, "loss", STEPS, range(len(STEPS)))
    run.end()


def numbers():
    run = begin("numbers")
    log(run, "odd", range(len(NUMBERS)), NUMBERS)
    run.end()


def params():
    run = begin("params")
    run.log_params(PARAMS)
    run.log_metric("loss", 1.0)
    run.end()


def deleted():
    """DVCLive itself takes away what lies in a folder before the next run of it."""
    run = begin("deleted")
    log(run, "gone", range(FEW), range(FEW))
    run.end()
    run = begin("deleted")
    run.log_metric("loss", 1.0, timestamp=True)
    run.end()


def killed():
    run = begin("killed")
    log(run, "loss", range(FEW), range(FEW))
    run.make_summary()
    die()


def half():
    run = begin("half")
    log(run, "loss", range(FEW), range(FEW))
    run.end()
    (path,) = glob.glob("half/dvclive/plots/metrics/*.tsv")
    cut(path, 3)


def together(name):
    run = begin(f"together {name}")
    log(run, "loss", range(FEW), range(FEW))
    run.end()


def media():
    """DVCLive takes artifacts only where DVC is at home."""
    os.makedirs("media")
    os.chdir("media")
    Repo.init(no_scm=True).close()
    run = Live("dvclive", save_dvc_exp=False, dvcyaml="dvc.yaml")
    pixels = np.zeros((4, 4, 3), np.uint8)
    run.log_image("picture.png", pixels)
    for step in range(2):
        run.log_image(f"pictures/{step}.png", pixels + step)
    run.log_plot("curve", [{"x": 1, "y": 2.5}, {"x": 2, "y": 3}], x="x", y="y")
    run.log_sklearn_plot("confusion_matrix", [0, 1, 1], [0, 1, 0])
    with open("model.bin", "wb") as file:
        file.write(b"m" * 100)
    run.log_artifact("model.bin", type="model", copy=True)
    run.log_metric("said", "good")
    run.end()
    os.remove("model.bin")


def many():
    run = begin("many")
    for step in range(POINTS // 10):
        for at in range(10):
            run.log_metric(f"metric {at}", step / (at + 3), timestamp=True)
        run._step = step + 1  # what next_step does, without the summary that it writes each time
    run.end()


def read(case):
    said = []
    for path in sorted(glob.glob(f"{case}*/dvclive")):
        # DVCLive makes the folder anew where it is not told to go on with it, and writes even then.
        copy = path + ".read"
        shutil.copytree(path, copy)
        history, _ = parse_metrics(Live(copy, resume=True, save_dvc_exp=False, dvcyaml=False))
        base = os.path.join(copy, "plots", "metrics")
        points = {}
        for file, rows in history.items():
            name = os.path.relpath(file, base).removesuffix(".tsv")
            if name == "said":
                continue
            value = os.path.basename(name)
            points[name] = [
                point(
                    row["step"],
                    int(row["timestamp"]) / 1000 if "timestamp" in row else None,
                    row[value],
                )
                for row in rows
                if row.get(value) not in (None, "")
            ]
        shutil.rmtree(copy)
        one = {"prefix": os.path.dirname(path), "points": points}
        if case == "params":
            one["params"] = PARAMS
            del one["points"]
        if case == "media":
            one["media"] = {
                "picture.png": "image", "pictures": "image", "custom/curve": "table", "sklearn/confusion_matrix": "table", "said": "text",
            }  # fmt: skip
            one["files"] = ["dvclive/artifacts/model.bin"]
        said.append(one)
    return said


main({one.__name__: one for one in (names, steps, numbers, params, deleted, killed, half, together, media, many)}, read)  # fmt: skip
