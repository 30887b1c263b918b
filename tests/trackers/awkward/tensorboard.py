"""Awkward things in event files of TensorBoard's own writer of records. Run in an environment of TensorBoard's.

The summaries are those of TensorBoard's functions that need no TensorFlow; `tensorboardx.py` is the writer that PyTorch's goes back to.
"""

import glob
import os

import numpy as np
from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, cut, die, main, point, wav
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.audio import metadata as of_audio
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.image import metadata as of_images
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_tensor_proto

AT = 1_700_000_000.125
"""Of all events: what is written in one second is told apart by its place in the file."""


class Writer:
    def __init__(self, name):
        self.to = EventFileWriter(os.path.join("logs ü", name), flush_secs=1)

    def add(self, summary, step, time=AT):
        event = Event(wall_time=time, step=step)
        event.summary.CopyFrom(Summary.FromString(summary.SerializeToString()))
        self.to.add_event(event)

    def log(self, name, steps, values):
        for at, (step, value) in enumerate(zip(steps, values, strict=True)):
            self.add(scalar_pb(name, float(np.float32(value))), step, AT + at)

    def end(self):
        self.to.close()


def names():
    out = Writer("names")
    for name in NAMES:
        out.log(name, range(3), [1, 2, 3])
    out.end()


def steps():
    out = Writer("steps")
    out.log("loss", STEPS, range(len(STEPS)))
    out.end()
    out = Writer("steps")  # a restart: another file in the folder
    out.log("loss", [7, 8], [70, 80])
    out.end()


def numbers():
    out = Writer("numbers")
    with np.errstate(over="ignore", under="ignore"):
        out.log("odd", range(len(NUMBERS)), NUMBERS)
    out.end()


FLAT = {"lr": 1e-05, "deep/flag": True, "count": 7, "text": "é ü"}


def params():
    out = Writer("params")
    out.add(hparams_pb(FLAT, trial_id="t"), 0)
    out.log("loss", [0], [1])
    out.end()
    assert PARAMS


def killed():
    out = Writer("killed")
    out.log("loss", range(FEW), range(FEW))
    out.to.flush()
    die()


def half():
    out = Writer("half")
    out.log("loss", range(FEW), range(FEW))
    out.end()
    (path,) = glob.glob("logs ü/half/events*")
    cut(path)


def together(name):
    """Two processes that write into one folder, each a file of its own."""
    out = Writer("together")
    out.log(f"loss {name}", range(FEW), range(FEW))
    out.end()


def media():
    out = Writer("media")
    out.add(_media("picture", of_images.create_summary_metadata("", ""), [b"4", b"4", _png()]), 1)
    wav("sound.wav")
    with open("sound.wav", "rb") as file:
        sound = [[file.read(), b""]]
    about = of_audio.create_summary_metadata("", "", of_audio.Encoding.Value("WAV"))
    out.add(_media("sound", about, sound), 1)
    os.remove("sound.wav")
    out.add(text_pb("said", "hello *x*"), 1)
    out.add(histogram_pb("weights", np.arange(10.0)), 1)
    out.end()


def _media(tag, about, given):
    summary = Summary()
    summary.value.add(tag=tag, metadata=about, tensor=make_tensor_proto(given, np.object_))
    return summary


def _png():
    from io import BytesIO

    from PIL import Image

    data = BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(data, "PNG")
    return data.getvalue()


def many():
    out = Writer("many")
    for at in range(10):
        out.log(f"metric {at}", range(POINTS // 10), [step / (at + 3) for step in range(POINTS // 10)])  # fmt: skip
    out.end()


def read(case):
    found = EventAccumulator(os.path.join("logs ü", case), {"tensors": 0, "scalars": 0}, purge_orphaned_data=False)  # fmt: skip
    found.Reload()
    tags = found.Tags()["tensors"]
    said = {"prefix": case, "points": {}}
    for tag in tags:
        if found.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            said["points"][tag.removesuffix("/scalar_summary")] = [
                point(one.step, one.wall_time, one.tensor_proto.float_val[0]
                      if one.tensor_proto.float_val
                      else np.frombuffer(one.tensor_proto.tensor_content, np.float32)[0])
                for one in found.Tensors(tag)
            ]  # fmt: skip
    if case == "params":
        said["params"] = FLAT
    if case == "media":
        said["media"] = {
            tag: {"images": "image", "audio": "audio", "text": "text", "histograms": "histogram"}[plugin]
            for tag in tags if (plugin := found.SummaryMetadata(tag).plugin_data.plugin_name)
        }  # fmt: skip
    return [said]


main({one.__name__: one for one in (names, steps, numbers, params, killed, half, together, media, many)}, read)  # fmt: skip
