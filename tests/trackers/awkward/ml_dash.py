"""Awkward things in the folders that ml-dash records to. Run in an environment of ml-dash's."""

import glob
import os
import time
from pathlib import Path

from ml_dash import Experiment
from ml_dash.storage import LocalStorage
from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, STORE, cut, die, main, point, wav

OWNER, PROJECT = "alice", "vision ü"


def begin(name):
    return Experiment(prefix=f"{OWNER}/{PROJECT}/{name}", dash_url=None, dash_root=f"{STORE}/.dash", tags=["a", "b c"]).run  # fmt: skip


def _log(exp, name, steps, values):
    for step, value in zip(steps, values, strict=True):
        exp.metrics(name).log(loss=value, step=step)
    exp.metrics.flush()


def names():
    with begin("names") as exp:
        for at in (1, 2, 3):
            exp.metrics("train set ü").log(**dict.fromkeys(NAMES, at), step=at)
        exp.metrics.flush()


def steps():
    with begin("steps") as exp:
        _log(exp, "train", STEPS, range(len(STEPS)))


def numbers():
    with begin("numbers") as exp:
        _log(exp, "train", range(len(NUMBERS)), NUMBERS)


def params():
    with begin("params") as exp:
        exp.params.set(**PARAMS)


def deleted():
    """ml-dash deletes files; of runs it knows no deletion."""
    with begin("deleted") as exp:
        wav("sound.wav")
        exp.files("models").save(f"{STORE}/sound.wav")
    os.remove("sound.wav")
    with begin("deleted") as exp:
        (kept,) = exp.files("models").list()
        exp.files(file_id=kept["id"]).delete()


def killed():
    with begin("killed") as exp:
        _log(exp, "train", range(FEW), range(FEW))
        time.sleep(8)  # ml-dash writes from a thread
        die()


def half():
    with begin("half") as exp:
        _log(exp, "train", range(FEW), range(FEW))
    (path,) = glob.glob(".dash/*/*/half/metrics/train/data.jsonl")
    cut(path)


def together(name):
    with begin("together") as exp:
        _log(exp, name, range(FEW), range(FEW))


def media():
    with begin("media") as exp:
        wav("sound.wav")
        exp.files("sounds ü").save(f"{STORE}/sound.wav", description="short", tags=["a"])
        exp.tracks("robot/pos").append(q=[1, 2], z=0.5, _ts=1.5)
        exp.log("a message", level="warn", extra=1)
    os.remove("sound.wav")  # ml-dash copies it in the end


def many():
    with begin("many") as exp:
        for step in range(POINTS // 10):
            exp.metrics("train").log(**{f"metric {at}": step / (at + 3) for at in range(10)}, step=step)  # fmt: skip
        exp.metrics.flush()


def read(case):
    storage = LocalStorage(Path(STORE) / ".dash")
    prefix = f"{OWNER}/{PROJECT}/{case}"
    points = {}
    for path in sorted(glob.glob(glob.escape(f".dash/{prefix}") + "/metrics/*")):
        metric = os.path.basename(path)
        name = "train set ü" if case == "names" else metric
        if case == "half":  # of which ml-dash reads nothing
            with open(os.path.join(path, "data.jsonl"), "r+") as file:
                torn = file.read()
                file.truncate(torn.rindex("\n") + 1)
        found = storage.read_metric_data(OWNER, PROJECT, prefix, name, limit=POINTS)["data"]
        if case == "half":
            with open(os.path.join(path, "data.jsonl"), "w") as file:
                file.write(torn)
        for row in found:
            at, data = row["data"].pop("_ts"), row["data"]
            for field, value in data.items():
                if field != "step":
                    points.setdefault(f"{name}/{field}", []).append(point(data["step"], at, value))
    said = {"prefix": case, "points": points}
    if case == "params":
        said["params"] = PARAMS
    if case == "media":
        said["files"] = ["sounds ü/sound.wav"]
        points["robot/pos/z"] = [point(None, None, 0.5)]
        points["robot/pos/timestamp"] = [point(None, None, 1.5)]
    if case == "deleted":
        said["files"] = []
    return [said]


main({one.__name__: one for one in (names, steps, numbers, params, deleted, killed, half, together, media, many)}, read)  # fmt: skip
