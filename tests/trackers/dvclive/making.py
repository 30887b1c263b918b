"""Makes folders with DVCLive, and writes what DVCLive's own functions read from them. Run by the tests, in an environment of DVCLive's.

python making.py STORE ANSWERS [POINTS]        POINTS: one run with so many points instead of everything awkward
"""

import json
import os
import signal
import subprocess
import sys

import numpy as np
from dvclive import Live
from dvclive.utils import parse_metrics

store, answers, *rest = sys.argv[1:]
NUMBERS = [0.5, 1e-300, float("nan"), -0.0, 5e-324, float("inf"), float("-inf"), 1.7976931348623157e308, 3, 2**53 + 1]  # fmt: skip
STEPS = [5, 5, 2, 7]


def live(name, **more):
    return Live(
        os.path.join(name, "dvclive"),
        save_dvc_exp=False,
        dvcyaml=os.path.join(name, "dvc.yaml"),
        **more,
    )


def everything():
    run = live("group ü/all of it")
    run.log_params(
        {
            "lr": 1e-05,
            "layers": [1, 2, {"size": 3}],
            "deep": {"flag": True, "none": None, "a/b": "text"},
            "like": ["yes", "012", "1e3", "null", "1.0"],
            "ü": "é",
        }
    )
    for at, value in enumerate(NUMBERS):
        run.step = STEPS[at % 4]
        run.log_metric("loss", value)
        run.log_metric("train/val acc ü", at / 7, timestamp=True)
        run.make_summary()
    run.step = 8
    run.log_metric("verdict", "good\tor bad")
    run.log_metric("best/acc", 0.75, plot=False)
    pixels = np.zeros((4, 4, 3), np.uint8)
    run.log_image("last.png", pixels)
    for step in range(3):
        run.log_image(f"samples/{step}.png", pixels + step)
    run.log_plot("curve", [{"x": 1, "y": 2.5}, {"x": 2, "y": None}], x="x", y="y", title="A curve")
    run.log_sklearn_plot("confusion_matrix", [0, 1, 1], [0, 1, 0])
    run.end()
    # A run that goes on, and one that is written over by the next.
    for more in ({}, {"resume": True}):
        run = live("resumed", **more)
        for _ in range(5):
            run.log_metric("loss", 1 / (run.step + 1))
            run.next_step()
    for value in (1.0, 2.0):
        run = live("twice")
        run.log_param("value", value)
        run.log_metric("loss", value)
        run.end()


def together():
    """Two processes, each with a folder of its own; one of them is killed."""
    programs = [
        subprocess.Popen([sys.executable, __file__, store, answers, "child", name])
        for name in ("first", "killed")
    ]
    assert sorted(one.wait() for one in programs) == [-signal.SIGKILL, 0]


def child(name):
    run = live(f"both/{name}")
    for step in range(20):
        run.log_metric("loss", step / 3)
        run.next_step()
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    run.end()


def read():
    """What DVCLive itself reads of every folder."""
    found = {}
    for at, _, _ in os.walk("."):
        if os.path.basename(at) == "dvclive":
            history, latest = parse_metrics(
                Live(at, resume=True, save_dvc_exp=False, dvcyaml=False)
            )
            base = os.path.join(at, "plots", "metrics")
            found[os.path.relpath(at, ".")] = {
                "history": {os.path.relpath(path, base).removesuffix(".tsv"): rows for path, rows in history.items()}, "latest": latest,
            }  # fmt: skip
    return found


if __name__ == "__main__":
    os.chdir(store)
    if rest[:1] == ["child"]:
        child(rest[1])
        sys.exit()
    if rest:
        run = live("long")
        for step in range(int(rest[0]) // 10):
            for at in range(10):
                run.log_metric(f"metric {at}", step / (at + 3))
            run._step = (
                step + 1
            )  # what next_step does, without the summary that it writes each time
        run.end()
    else:
        everything()
        together()
    with open(answers, "w") as file:
        json.dump(read(), file)
