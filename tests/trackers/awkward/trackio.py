"""Awkward things in databases of trackio's. Run in an environment of trackio's."""

import glob
import os
import sqlite3
import tempfile

from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, STORE, die, gif, main, point, wav

os.environ["TRACKIO_DIR"] = STORE
os.environ["HF_HOME"] = tempfile.mkdtemp()

import numpy as np
import trackio
from trackio.sqlite_storage import SQLiteStorage

PROJECT = "vision lab"


def begin(name, **more):
    return trackio.init(project=PROJECT, name=name, auto_log_gpu=False, embed=False, **more)


def names():
    run = begin("names")
    for at in (1, 2, 3):
        run.log(dict.fromkeys(NAMES, at))
    trackio.finish()


def steps():
    run = begin("steps")
    for at, step in enumerate(STEPS):
        run.log({"loss": at}, step=step)
    trackio.finish()


def numbers():
    run = begin("numbers")
    for value in NUMBERS:
        run.log({"odd": value})
    trackio.finish()


def params():
    run = begin("params", config=PARAMS)
    run.log({"loss": 1.0})
    trackio.finish()


def deleted():
    begin("deleted").log({"loss": 2.0})
    trackio.finish()
    for one in trackio.Api().runs(PROJECT):
        if one.name == "deleted":
            one.delete()


def killed():
    run = begin("killed")
    for step in range(FEW):
        run.log({"loss": step / 3}, step=step)
    run._flush_queues_inline()
    die()


def half():
    run = begin("half")
    for step in range(FEW):
        run.log({"loss": step / 3}, step=step)
    trackio.finish()


def half_committed():
    """A program that dies in the middle of its commit leaves the rows of it in the log beside the database."""
    (path,) = glob.glob("*.db")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("""UPDATE metrics SET metrics = '{"loss": -1}'""")
    connection.execute("CREATE TABLE half AS SELECT * FROM metrics")


def together(name):
    run = begin(f"together {name}")
    for step in range(FEW):
        run.log({"loss": step}, step=step)
    trackio.finish()


def media():
    run = begin("media")
    pixels = np.zeros((4, 4, 3), np.uint8)
    wav("sound.wav")
    gif("film.gif")
    with open("solid.obj", "w") as file:
        file.write("v 0 0 0\n")
    run.log(
        {
            "picture": trackio.Image(pixels, caption="black"),
            "sound": trackio.Audio("sound.wav"),
            "film": trackio.Video("film.gif", format="gif"),
            "weights": trackio.Histogram([1, 2, 3], num_bins=4),
            "rows": trackio.Table(columns=["a", "b"], data=[[1, "x"], [None, "y"]]),
            "page": trackio.Html("<b>bold</b>", inject=False),
            "solid": trackio.Object3D("solid.obj"),
            "report": trackio.Markdown("# A *title*"),
            "said": "hello",
        }
    )
    trackio.finish()
    for name in ("sound.wav", "film.gif", "solid.obj"):
        os.remove(name)


def many():
    run = begin("many")
    for step in range(POINTS // 10):
        run.log({f"metric {at}": step / (at + 3) for at in range(10)}, step=step)
    trackio.finish()


KINDS = {
    "picture": "image", "sound": "audio", "film": "video", "weights": "histogram", "rows": "table", "page": "text", "report": "text", "said": "text",
}  # fmt: skip


def read(case):
    from datetime import datetime

    found = []
    if case == "deleted":
        assert all(run.name != "deleted" for run in trackio.Api().runs(PROJECT))
        return [{"prefix": "deleted", "absent": True}]
    for run in trackio.Api().runs(PROJECT):
        if run.name.split()[0] != case:
            continue
        points = {}
        for row in SQLiteStorage.get_logs(PROJECT, run.name, run_id=run.id):
            time = datetime.fromisoformat(row.pop("timestamp")).timestamp()
            step = row.pop("step")
            for name, value in row.items():
                if isinstance(value, (int, float)):
                    points.setdefault(name, []).append(point(step, time, value))
        config = {name: one for name, one in (run.config or {}).items() if name[0] != "_"}
        found.append({"prefix": run.name, "points": points, "params": config, "media": KINDS if case == "media" else {}})  # fmt: skip
    return found


main({one.__name__: one for one in (names, steps, numbers, params, deleted, killed, half, together, media, many)}, read, half_committed)  # fmt: skip
