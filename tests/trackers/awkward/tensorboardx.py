"""Awkward things in event files of tensorboardX, read by TensorBoard. Run in an environment of tensorboardX's."""

import glob
import os

import numpy as np
from shared import FEW, NAMES, NUMBERS, POINTS, STEPS, cut, die, main, point
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter

AT = 1_700_000_000.125
FLAT = {"lr": 1e-05, "flag": True, "count": 7, "text": "é ü"}


def begin(name, suffix=""):
    return SummaryWriter(os.path.join("logs ü", name), flush_secs=1, filename_suffix=suffix)


def log(out, name, steps, values):
    for at, (step, value) in enumerate(zip(steps, values, strict=True)):
        out.add_scalar(name, float(value), step, walltime=AT + at)


def names():
    with begin("names") as out:
        for name in NAMES:
            log(out, name, range(3), [1, 2, 3])


def steps():
    for suffix in ("", ".again"):
        with begin("steps", suffix) as out:
            log(out, "loss", STEPS, range(len(STEPS)))


def numbers():
    with begin("numbers") as out, np.errstate(over="ignore", under="ignore"):
        log(out, "odd", range(len(NUMBERS)), np.float32(NUMBERS))


def params():
    with begin("params") as out:
        log(out, "loss", [0], [1])
        out.add_hparams(FLAT, {"best": 0.5}, name="tried")


def killed():
    out = begin("killed")
    log(out, "loss", range(FEW), range(FEW))
    out.flush()
    die()


def half():
    with begin("half") as out:
        log(out, "loss", range(FEW), range(FEW))
    (path,) = glob.glob("logs ü/half/events*")
    cut(path)


def together(name):
    """Two processes in one folder. tensorboardX names files by the second: without a suffix one would write over the other."""
    with begin("together", f".{name}") as out:
        log(out, f"loss {name}", range(FEW), range(FEW))


def media():
    with begin("media") as out:
        pixels = np.zeros((3, 4, 4), np.uint8)
        out.add_image("picture", pixels, 1)
        out.add_images("pictures", np.zeros((2, 3, 4, 4), np.uint8), 1)
        out.add_image_with_boxes("boxes", pixels, np.array([[0, 0, 2, 2]]), 1)
        out.add_audio("sound", np.zeros((80, 1), np.float32), 1, sample_rate=8000)
        out.add_text("said", "hello *x*", 1)
        out.add_histogram("weights", np.arange(10.0), 1)
        out.add_pr_curve("curve", np.array([1, 0]), np.array([0.9, 0.2]), 1)
        out.add_mesh("mesh", np.zeros((1, 3, 3), np.float32), global_step=1)
        out.add_embedding(np.eye(3, dtype=np.float32), metadata=["a", "b", "c"], global_step=1)


def many():
    with begin("many") as out:
        for at in range(10):
            log(out, f"metric {at}", range(POINTS // 10), [step / (at + 3) for step in range(POINTS // 10)])  # fmt: skip


def read(case):
    found = EventAccumulator(os.path.join("logs ü", case), dict.fromkeys(("tensors", "scalars", "images", "audio", "histograms"), 0), purge_orphaned_data=False)  # fmt: skip
    found.Reload()
    tags = found.Tags()
    said = {"prefix": case}
    said["points"] = {
        tag: [point(one.step, one.wall_time, one.value) for one in found.Scalars(tag)]
        for tag in tags["scalars"]
    }
    if case == "media":
        kinds = {"images": "image", "audio": "audio", "histograms": "histogram"}
        said["media"] = {
            tag.removesuffix("/image/0"): kind for of, kind in kinds.items() for tag in tags[of]
        }
        said["media"]["said/text_summary"] = "text"
    if case != "params":
        return [said]
    return [said, {"prefix": "params/tried", "points": {"best": [point(None, None, 0.5)]}, "params": FLAT}]  # fmt: skip


main({one.__name__: one for one in (names, steps, numbers, params, killed, half, together, media, many)}, read)  # fmt: skip
