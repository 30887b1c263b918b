"""Makes a repository with Aim, and writes what Aim's own API reads from it: `python making.py STORE ANSWERS`."""

import json
import subprocess
import sys
from pathlib import Path

import aim
import numpy as np

store, answers, *what = sys.argv[1:]
NUMBERS = [0.5, 1e-300, float("nan"), -0.0, 5e-324, float("inf"), float("-inf")]


def begin(name):
    run = aim.Run(
        repo=store,
        experiment="vision/ü",
        system_tracking_interval=None,
        log_system_params=False,
        capture_terminal_logs=False,
    )
    run.name = name
    return run


def read(run):
    found = {}
    for metric in run.metrics():
        context = metric.context.to_dict()
        steps, (values, _, times) = metric.data.items_list()
        name = metric.name + (
            f"[{', '.join(f'{k}={v}' for k, v in context.items())}]" if context else ""
        )
        found[name] = sorted(
            zip(map(int, steps), map(float, values), map(float, times), strict=True)
        )
    return found


def write():
    aim.Repo(store, init=True).close()
    found, deleted = {}, ""
    for name in ("all of it", "other", "deleted"):
        run = begin(name)
        if name == "all of it":
            run["hparams"] = {
                "lr": 1e-05,
                "layers": [1, 2, {"size": 3}],
                "none": None,
                "flag": True,
                "a/b": "é",
            }
            run.description = "a note"
            run.add_tag("a tag")
            run.track(aim.Text("hello"), name="said", step=1)
            run.track(
                [
                    aim.Image(np.zeros((4, 4, 3), np.uint8), caption="black"),
                    aim.Image(np.zeros((4, 4, 3), np.uint8)),
                ],
                name="pictures",
                step=2,
            )
            run.track(aim.Distribution([1, 2, 3]), name="weights", step=1)
            run.log_warning("careful")
        for at, value in enumerate(NUMBERS):
            run.track(
                value, name="loss", step=[5, 4, 2, 7, 9, 1, 0][at], context={"subset": "train"}
            )
            run.track(at, name="val acc/ü")
        if name == "deleted":
            deleted = run.hash
        else:
            found[run.hash] = read(run)
        run.close()
    Path(answers).write_text(json.dumps(found))
    Path(answers + ".deleted").write_text(deleted)


if __name__ == "__main__":
    if what == ["write"]:
        write()
    elif what == ["delete"]:
        aim.Repo(store).delete_run(Path(answers + ".deleted").read_text())
    else:  # Aim waits for a run that is deleted in the process that wrote it
        for step in ("write", "delete"):
            subprocess.run([sys.executable, __file__, store, answers, step], check=True)
