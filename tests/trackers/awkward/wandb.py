"""Awkward things in folders of W&B's offline runs. Run in an environment of W&B's.

Since version 0.28 W&B has no reader of its logs in Python. Here the records are those of W&B's own messages, found by the framing of LevelDB's logs.
"""

import glob
import json
import os
import struct
import time

os.environ |= {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_CONSOLE": "off",
    "WANDB__DISABLE_STATS": "true",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_X_DISABLE_STATS": "true",
    "WANDB_X_DISABLE_META": "true",
}

import wandb
from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, STORE, cut, die, main, point, wav
from wandb.proto.wandb_internal_pb2 import Record

os.environ["WANDB_DIR"] = STORE


def begin(name, **more):
    return wandb.init(project="vision lab", id=name.replace(" ", "-"), name=name, **more)


def names():
    run = begin("names")
    for at in (1, 2, 3):
        run.log(dict.fromkeys(NAMES, at))
    run.finish()


def steps():
    """W&B leaves out a step that goes back; a run that is opened again goes on with its steps."""
    for _ in range(2):
        time.sleep(1.1)  # the name of a run's folder has the second in it
        run = begin("steps", resume="allow")
        for at, step in enumerate(STEPS):
            run.log({"loss": at}, step=step)
        run.finish()


def numbers():
    run = begin("numbers")
    for value in NUMBERS:
        run.log({"odd": value})
    run.finish()


def params():
    run = begin("params", config=PARAMS, tags=["a tag", "ü"], notes="a *note*")
    run.log({"loss": 1.0})
    run.finish()


def killed():
    run = begin("killed")
    for at in range(FEW):
        run.log({"loss": at / 3})
    until = time.time() + 60
    while _written("killed") < FEW and time.time() < until:  # W&B writes from a process of its own
        time.sleep(0.2)
    die()


def _written(name):
    """Rows of a run's history that are in its log."""
    paths = glob.glob(f"wandb/*-{name}/run-{name}.wandb")
    return sum(one.HasField("history") for path in paths for one in _records(path))


def half():
    run = begin("half")
    for at in range(FEW):
        run.log({"loss": at / 3})
    run.finish()
    wandb.teardown()  # until then the file may not be whole
    (path,) = glob.glob("wandb/*-half/run-half.wandb")
    cut(path, 20)


def together(name):
    run = begin(f"together {name}")
    for at in range(FEW):
        run.log({"loss": at})
    run.finish()


def media():
    import numpy as np

    run = begin("media")
    pixels = np.zeros((4, 4, 3), np.uint8)
    wav("sound.wav")
    with open("film.gif", "wb") as file:
        file.write(
            b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
        )
    with open("solid.obj", "w") as file:
        file.write("v 0 0 0\n")
    run.log(
        {
            "picture": wandb.Image(pixels, caption="black"),
            "sound": wandb.Audio("sound.wav", caption="short"),
            "film": wandb.Video("film.gif", format="gif"),
            "weights": wandb.Histogram([1, 2, 3]),
            "rows": wandb.Table(columns=["a", "b"], data=[[1, "x"], [None, "y"]]),
            "page": wandb.Html("<b>bold</b>", inject=False),
            "solid": wandb.Object3D("solid.obj"),
            "said": "hello",
        }
    )
    run.finish()
    for name in ("sound.wav", "film.gif", "solid.obj"):
        os.remove(name)


def many():
    run = begin("many")
    for step in range(POINTS // 10):
        run.log({f"metric {at}": step / (at + 3) for at in range(10)})
    run.finish()


def _records(path):
    """The records of a log, as far as it is whole: blocks of 32 KiB, pieces with checksum, length and type."""
    with open(path, "rb") as file:
        data = file.read()
    at, whole = 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        piece = data[at + 7 : at + 7 + length]
        if len(piece) < length or kind not in (1, 2, 3, 4):
            return
        at += 7 + length
        whole += piece
        if kind in (1, 4):
            yield Record.FromString(whole)
            whole = b""


KINDS = {
    "picture": "image", "sound": "audio", "film": "video", "weights": "histogram", "rows": "table", "page": "text", "said": "text",
}  # fmt: skip


def read(case):
    found = {}
    for path in sorted(glob.glob("wandb/offline-run-*/*.wandb")):
        name = os.path.basename(path)[4:-6]
        if name.split("-")[0] != case:
            continue
        said = found.setdefault(name, {"prefix": name.replace("-", " "), "points": {}, "params": {}})  # fmt: skip
        said["media"] = KINDS if case == "media" else {}
        for record in _records(path):
            if record.HasField("run"):
                for item in record.run.config.update:
                    if item.key != "_wandb":
                        said["params"][item.key] = json.loads(item.value_json)
            if not record.HasField("history"):
                continue
            row = {
                item.key or ".".join(item.nested_key): json.loads(item.value_json, parse_int=float)
                for item in record.history.item
                if len(item.nested_key) < 2  # such as the size of an image
            }
            for key, value in row.items():
                if key[0] != "_" and (value in ("NaN", "Infinity", "-Infinity") or isinstance(value, (int, float))):  # fmt: skip
                    said["points"].setdefault(key, []).append(
                        point(row["_step"], row["_timestamp"], value)
                    )
    return list(found.values())


main({one.__name__: one for one in (names, steps, numbers, params, killed, half, together, media, many)}, read)  # fmt: skip
