"""Makes a store of Sacred's with the awkward things in it: run by `tests.trackers.environments`, with Sacred and without Anew."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
from sacred import SETTINGS, Experiment
from sacred.observers import FileStorageObserver
from sacred.serializer import restore
from sacred.utils import SacredInterrupt

SETTINGS.CAPTURE_MODE = "sys"
SETTINGS.DISCOVER_DEPENDENCIES = "none"
SETTINGS.HOST_INFO.CAPTURED_ENV = []


class Stopped(SacredInterrupt):
    STATUS = "INTERRUPTED"


def experiment(folder: Path) -> Experiment:
    ex = Experiment("my exp/ü", save_git_info=False)
    ex.observers.append(FileStorageObserver(folder / "runs"))

    ex.add_config(
        lr=0.1, many=(1, 2), deep={"layers": [1, {"width": 8}], "on": True, "nothing": None, "1": "one"},
        numpy_number=np.float64(0.25), points=60, how="completed",
    )  # fmt: skip

    @ex.main
    def main(points, how, _run):
        for step in range(points):
            _run.log_scalar("loss/train ü", 1 / (step + 1), step % 20)
            if step % 2:
                _run.log_scalar("odd", float("nan") if step % 3 else float("-inf"), -step)
            _run.log_scalar("numpy", np.float32(step), step)
        _run.log_scalar("without a step", 5)
        print("printed ü")
        print("progress 1\rprogress 2")
        (folder / "made.bin").write_bytes(bytes(range(256)))
        _run.add_artifact(folder / "made.bin", name="out file ü.bin", metadata={"a": 1})
        _run.add_resource(folder / "made.bin")
        _run.info["curve"] = [1, 2.5]
        if how == "failed":
            raise ValueError("out of memory")
        if how == "interrupted":
            raise Stopped
        if how == "killed":
            _run._emit_heartbeat()
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.5

    return ex


def main(folder: Path, answers: Path) -> None:
    for how in ("completed", "failed", "interrupted"):
        try:
            experiment(folder).run(
                config_updates={"how": how}, options={"--comment": f"a comment of {how}"}
            )
        except (ValueError, Stopped):
            pass
    if os.fork() == 0:  # one that is killed
        experiment(folder).run(config_updates={"how": "killed", "points": 5})
    os.wait()
    found = {}
    for run in sorted((folder / "runs").iterdir()):
        if (run / "run.json").exists():
            about, metrics = (
                restore(json.loads((run / name).read_text()))
                for name in ("run.json", "metrics.json")
            )
            config = restore(json.loads((run / "config.json").read_text()))
            found[run.name] = {
                "status": about["status"],
                "start_time": about["start_time"],
                "config": json.loads(json.dumps(config, default=float)),
                "metrics": {
                    name: [
                        [step, at, repr(float(value))]
                        for step, at, value in zip(
                            one["steps"], one["timestamps"], one["values"], strict=True
                        )
                    ]
                    for name, one in metrics.items()
                },
            }
    answers.write_text(json.dumps(found))


main(Path(sys.argv[1]), Path(sys.argv[2]))
