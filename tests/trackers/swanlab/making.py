"""Makes a store of SwanLab's with the awkward things in it: run by `tests.trackers.environments`, with SwanLab and without Anew."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import swanlab
from swanlab.proto.swanlab.record.v1.record_pb2 import Record
from swanlab.sdk.internal.core_python.store import DataStoreReader


def log(folder: Path, name: str, points: int, how: str) -> None:
    swanlab.init(
        project="vision",
        experiment_name=name,
        description="a note",
        tags=["a", "b c"],
        mode="offline",
        logdir=str(folder / "swanlog"),
        config={"lr": 0.1, "deep": {"layers": [1, {"width": 8}], "on": True, "nothing": None}},
    )
    for step in range(points):
        swanlab.log(
            {"loss/train ü": 1 / (step + 1), "odd": float("nan") if step % 2 else float("-inf")},
            step=step * 2 % 31,
        )
    if how == "finished":
        swanlab.log(
            {
                "pic": [
                    swanlab.Image(np.zeros((4, 4, 3), np.uint8), caption="black"),
                    swanlab.Image(np.ones((4, 4, 3), np.uint8)),
                ],
                "said": swanlab.Text("hello ü", "cap"),
                "sound": swanlab.Audio(np.zeros(800, dtype=np.float32), sample_rate=8000),
            },
            step=40,
        )
        print("printed ü")
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    swanlab.finish(
        **(
            {"state": "crashed", "error": "Traceback\nValueError: out of memory"}
            if how == "crashed"
            else {}
        )
    )


def main(folder: Path, answers: Path) -> None:
    for name, points, how in (
        ("one ü/x", 60, "finished"),
        ("two", 3, "crashed"),
        ("three", 500, "killed"),
    ):
        child = os.fork()
        if child == 0:
            try:
                log(folder, name, points, how)
            finally:
                sys.stdout.flush()
                os._exit(0)
        os.waitpid(child, 0)
    found = {}
    for path in sorted((folder / "swanlog").glob("run-*/run-*.swanlab")):
        reader, points, name = DataStoreReader(), [], ""
        reader.open(path)
        for data in reader:
            record = Record()
            record.ParseFromString(data)
            if record.HasField("start"):
                name = record.start.name
            elif record.HasField("scalar"):
                one = record.scalar
                at = one.timestamp.seconds + one.timestamp.nanos / 1e9
                points.append([one.key, one.step, at, repr(one.value.number)])
        found[name] = points
    answers.write_text(json.dumps(found))


main(Path(sys.argv[1]), Path(sys.argv[2]))
