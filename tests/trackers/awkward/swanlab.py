"""Awkward things in logs of SwanLab's. Run in an environment of SwanLab's."""

import glob
import os
import time

import numpy as np
import swanlab
from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, STORE, cut, die, gif, main, point
from swanlab.proto.swanlab.record.v1.record_pb2 import Record
from swanlab.sdk.internal.core_python.store import DataStoreReader


def begin(name, **more):
    swanlab.init(
        project="vision", experiment_name=name, mode="offline", logdir=f"{STORE}/swanlog", **more
    )


def names():
    begin("names")
    for at in (1, 2, 3):
        swanlab.log(dict.fromkeys(NAMES, at))
    swanlab.finish()


def steps():
    begin("steps")
    for at, step in enumerate(STEPS):
        swanlab.log({"loss": at}, step=step)
    swanlab.finish()


def numbers():
    begin("numbers")
    for value in NUMBERS:
        swanlab.log({"odd": value})
    swanlab.finish()


def params():
    begin("params", config=PARAMS, tags=["a", "b c"], description="a note")
    swanlab.log({"loss": 1.0})
    swanlab.finish()


def killed():
    begin("killed")
    for step in range(600):
        swanlab.log({"loss": step}, step=step)
    time.sleep(1)
    die()


def half():
    begin("half")
    for step in range(FEW):
        swanlab.log({"loss": step}, step=step)
    swanlab.finish()
    for path in glob.glob("swanlog/run-*/run-*.swanlab"):
        if _said(path)[0] == "half":
            cut(path, 20)


def together(name):
    begin(f"together {name}")
    for step in range(FEW):
        swanlab.log({"loss": step}, step=step)
    swanlab.finish()


class Chart:
    """What SwanLab takes of pyecharts' charts. Its molecules need RDKit, and are not made."""

    def dump_options(self):
        return '{"series": []}'


def media():
    begin("media")
    gif("film.gif")
    pixels = np.zeros((4, 4, 3), np.uint8)
    swanlab.log(
        {
            "picture": swanlab.Image(pixels, caption="black"),
            "sound": swanlab.Audio(np.zeros(800, dtype=np.float32), sample_rate=8000),
            "said": swanlab.Text("hello ü", "cap"),
            "film": swanlab.Video("film.gif"),
            "page": swanlab.Html("<b>bold</b>"),
            "cloud": swanlab.Object3D(np.zeros((4, 3), np.float32)),
            "chart": swanlab.ECharts(Chart()),
        },
        step=4,
    )
    swanlab.finish()
    os.remove("film.gif")


def many():
    begin("many")
    for step in range(POINTS // 10):
        swanlab.log({f"metric {at}": step / (at + 3) for at in range(10)}, step=step)
    swanlab.finish()


def _said(path):
    """The name, points and config of a log."""
    reader, points, name = DataStoreReader(), {}, ""
    reader.open(path)
    try:
        for data in reader:
            record = Record()
            record.ParseFromString(data)
            if record.HasField("start"):
                name = record.start.name
            elif record.HasField("scalar"):
                one = record.scalar
                at = one.timestamp.seconds + one.timestamp.nanos / 1e9
                points.setdefault(one.key, []).append(point(one.step, at, one.value.number))
    except (EOFError, ValueError, AssertionError):
        assert name == "half"
    return name, points


def read(case):
    said = []
    for path in sorted(glob.glob("swanlog/run-*/run-*.swanlab")):
        name, points = _said(path)
        if name.split()[0] != case:
            continue
        points = {key: rows for key, rows in points.items() if not key.startswith("__")}
        one = {"prefix": name, "points": points}
        if case == "params":
            one["params"] = PARAMS
        if case == "media":
            # SwanLab itself keeps its films as pictures.
            one["media"] = {
                "picture": "image",
                "sound": "audio",
                "said": "text",
                "film": "image",
                "page": "text",
            }
            found = [
                *glob.glob("media/echarts/*", root_dir=os.path.dirname(path)),
                *glob.glob("media/object3d/*", root_dir=os.path.dirname(path)),
            ]
            assert len(found) == 2
            one["files"] = [f"swanlab/{name}" for name in found]
        said.append(one)
    assert os.path.isdir("swanlog")
    return said


main({one.__name__: one for one in (names, steps, numbers, params, killed, half, together, media, many)}, read)  # fmt: skip
