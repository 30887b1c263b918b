"""Makes a store of ml-dash's with the awkward things in it: run by `tests.trackers.environments`, with ml-dash and without Anew."""

import json
import sys
from pathlib import Path

from ml_dash import Experiment
from ml_dash.storage import LocalStorage


def main(folder: Path, answers: Path) -> None:
    prefix = "alice/vision/net ü/run 1"
    (folder / "a ü.txt").write_text("hello")
    with Experiment(
        prefix=prefix, dash_url=None, dash_root=str(folder / ".dash"), tags=["a", "b c"]
    ).run as exp:
        exp.params.set(lr=0.1, deep={"layers": [1, 2], "on": True})
        exp.log("a message", level="warn", extra=1)
        for step in range(60):
            exp.metrics("train").log(
                loss=1 / (step + 1),
                odd=float("nan") if step % 2 else float("-inf"),
                text="t",
                step=step % 20,
            )
            exp.metrics.log(epoch=step)
        exp.metrics.flush()
        exp.files("models").save(str(folder / "a ü.txt"))
        exp.tracks("robot/pos").append(q=[1, 2], z=0.5, _ts=1.5)
    storage = LocalStorage(folder / ".dash")
    found = storage.read_metric_data("alice", "vision", prefix, "train", limit=1000)["data"]
    answers.write_text(
        json.dumps(
            [
                [
                    one["data"]["step"],
                    one["data"]["_ts"],
                    repr(one["data"]["loss"]),
                    repr(one["data"]["odd"]),
                ]
                for one in found
            ]
        )
    )


main(Path(sys.argv[1]), Path(sys.argv[2]))
