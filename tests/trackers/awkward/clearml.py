"""Awkward things in offline sessions of ClearML's. Run in an environment of ClearML's."""

import glob
import json
import os
import shutil
import tempfile
import zipfile
from io import StringIO

from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, STORE, cut, die, main, point, wav

os.environ["CLEARML_CACHE_DIR"] = os.path.join(os.environ["HOME"], "clearml")
os.environ["CLEARML_CONFIG_FILE"] = os.path.join(os.environ["HOME"], "clearml.conf")
with open(os.environ["CLEARML_CONFIG_FILE"], "w") as file:
    file.write(
        "sdk.development.vcs_repo_detect_async: false\nsdk.development.detect_with_pip_freeze: false\nsdk.development.log_os_environments: []\n"
    )

import numpy as np
import pandas as pd
from clearml import StorageManager, Task
from clearml.backend_interface.metrics.interface import Metrics
from clearml.utilities.plotly_reporter import SeriesInfo


def begin(name):
    Task.set_offline(offline_mode=True)
    return Task.init(
        project_name="vision lab/ü", task_name=name, auto_connect_frameworks=False, auto_connect_arg_parser=False,
        auto_resource_monitoring=False, auto_connect_streams=False, reuse_last_task_id=False,
    )  # fmt: skip


def end(task):
    task.get_logger().flush(wait=True)
    folder = task.get_offline_mode_folder()
    task.close()
    shutil.copyfile(f"{folder}.zip", os.path.join(STORE, f"{task.name}.zip"))


def log(task, name, steps, values):
    title, _, series = name.partition("/")
    for step, value in zip(steps, values, strict=True):
        task.get_logger().report_scalar(title, series or title, value, step)


def names():
    task = begin("names")
    for name in NAMES:
        log(task, name, range(3), [1, 2, 3])
    end(task)


def steps():
    task = begin("steps")
    log(task, "loss", STEPS, range(len(STEPS)))
    end(task)


def numbers():
    task = begin("numbers")
    log(task, "odd", range(len(NUMBERS)), NUMBERS)
    end(task)


def params():
    task = begin("params")
    task.connect(PARAMS)
    end(task)


def killed():
    task = begin("killed")
    log(task, "loss", range(FEW), range(FEW))
    task.get_logger().flush(wait=True)
    shutil.copytree(str(task.get_offline_mode_folder()), os.path.join(STORE, "killed"))
    die()


def half():
    """A session's folder whose file of events ends in the middle of a line."""
    task = begin("half")
    for at in range(0, FEW, 5):
        log(task, "loss", range(at, at + 5), range(at, at + 5))
        task.get_logger().flush(wait=True)
    shutil.copytree(str(task.get_offline_mode_folder()), os.path.join(STORE, "half"))
    task.close()
    cut(os.path.join("half", "metrics.jsonl"), 30)


def together(name):
    task = begin(f"together {name}")
    log(task, "loss", range(FEW), range(FEW))
    end(task)


def media():
    task = begin("media")
    to = task.get_logger()
    wav("sound.wav")
    to.report_image("picture", "black", 1, image=np.zeros((4, 4, 3), np.uint8))
    to.report_media("sound", "short", 4, local_path="sound.wav")
    to.report_histogram("weights", "layer", [1, 2, 3], iteration=2)
    to.report_table("rows", "two", 3, table_plot=pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    to.report_scatter2d("dots", "one", [[1, 2], [3, 4]], 3)
    to.report_scatter3d("space", "one", [[1, 2, 3], [3, 4, 5]], 3)
    to.report_confusion_matrix("confusion", "m", np.eye(2), iteration=3)
    to.report_surface("hills", "s", np.eye(3), iteration=3)
    to.report_line_plot("lines", [SeriesInfo("l", [[1, 2], [3, 4]])], "x", "y", iteration=3)
    to.report_media("said", "short", 4, stream=StringIO("hello ü"), file_extension="txt")
    with open("film.mp4", "wb") as film:
        film.write(b"\0\0\0\x18ftypisom\0\0\0\0isomiso2")
    to.report_media("film", "short", 4, local_path="film.mp4")
    to.report_single_value("best", 0.75)
    task.upload_artifact("file ü", "sound.wav", wait_on_upload=True)
    task.upload_artifact("facts", {"a": [1]}, wait_on_upload=True)
    end(task)
    os.remove("sound.wav")
    os.remove("film.mp4")


def many():
    task = begin("many")
    for at in range(10):
        log(task, f"metric/{at}", range(POINTS // 10), [step / (at + 3) for step in range(POINTS // 10)])  # fmt: skip
    end(task)


SINGLE = -(1 << 31)
"""The iteration that ClearML gives to a single value."""


class Listening:
    """A session with a server that hears what ClearML's own import of offline sessions sends."""

    def __init__(self):
        self.events = []

    def send(self, batch):
        self.events += [one if isinstance(one, dict) else one.to_dict() for one in batch.requests]


class Reported:
    def __init__(self, id):
        self.id = id


def _events(path, id):
    heard = Listening()
    Metrics.report_offline_session(
        Reported(id), path, remote_url="files", only_with_id=id, session=heard
    )
    return heard.events


def read(case):
    StorageManager.upload_file = staticmethod(lambda *_, **__: None)
    said = []
    for path in sorted(glob.glob("*")):
        name = path.removesuffix(".zip")
        if name.split()[0] != case:
            continue
        if path.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(path := tempfile.mkdtemp())
        with open(os.path.join(path, "task.json")) as file:
            task = json.load(file)
        if case == "half":  # ClearML's own import gives such a file up
            with open(os.path.join(path, "metrics.jsonl")) as file:
                whole = [line for line in file if line.endswith("\n")]
            path = tempfile.mkdtemp()
            with open(os.path.join(path, "metrics.jsonl"), "w") as file:
                file.writelines(whole)
        points = {}
        for event in _events(path, task["id"]):
            if event["type"] == "training_stats_scalar":
                title, series = event["metric"], event["variant"]
                points.setdefault(title if title == series else f"{title}/{series}", []).append(
                    point(
                        None if event["iter"] == SINGLE else event["iter"],
                        event["timestamp"] / 1000,
                        event["value"],
                    )
                )
        said.append({"prefix": name, "points": points})
        if case == "params":
            said[-1]["params"] = PARAMS
        if case == "media":
            said[-1]["media"] = {"picture/black": "image", "sound/short": "audio", "weights/layer": "figure", "rows/two": "table", "dots/one": "figure", "space/one": "figure", "confusion/m": "figure", "hills/s": "figure", "lines": "figure", "said/short": "text", "film/short": "video"}  # fmt: skip
    return said


main({one.__name__: one for one in (names, steps, numbers, params, killed, half, together, media, many)}, read)  # fmt: skip
