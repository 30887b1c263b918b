"""Awkward things in a repository of Aim's. Run in an environment of Aim's."""

import os
import time

import aim
import numpy as np
import plotly.graph_objects as go
from shared import FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, STORE, die, main, point, wav

os.environ["AIM_UI_TELEMETRY_ENABLED"] = "0"
EXPERIMENT = "vision ü"


def begin(name):
    if not os.path.isdir(os.path.join(STORE, ".aim")):
        aim.Repo(STORE, init=True).close()
    quiet = {"log_system_params": False, "capture_terminal_logs": False}
    run = aim.Run(repo=STORE, experiment=EXPERIMENT, system_tracking_interval=None, **quiet)
    run.name = name
    return run


def names():
    run = begin("names")
    for at in (1, 2, 3):
        for name in NAMES:
            run.track(at, name=name, step=at, context={"subset": "train ü"})
    run.close()


def steps():
    """Aim keeps one value for each step."""
    run = begin("steps")
    for at, step in enumerate(STEPS):
        run.track(at, name="loss", step=step)
    run.close()


def numbers():
    run = begin("numbers")
    for at, value in enumerate(NUMBERS):
        run.track(float(value), name="odd", step=at)
    run.close()


def params():
    run = begin("params")
    for name, value in PARAMS.items():
        run[name] = value
    run.track(1.0, name="loss", step=0)
    run.close()


def deleted():
    run = begin("deleted")
    run.track(1.0, name="loss", step=0)
    run.close()


def killed():
    run = begin("killed")
    for at in range(FEW):
        run.track(at / 3, name="loss", step=at)
    time.sleep(2)  # Aim writes from a thread of its own
    die()


def together(name):
    run = begin(f"together {name}")
    for at in range(FEW):
        run.track(at, name="loss", step=at)
    run.close()


def media():
    run = begin("media")
    wav("sound.wav")
    pixels = np.zeros((4, 4, 3), np.uint8)
    run.track(aim.Image(pixels, caption="black"), name="picture", step=1)
    run.track(
        aim.Audio("sound.wav", format="wav", rate=8000, caption="short"), name="sound", step=1
    )
    run.track(aim.Distribution(np.arange(9)), name="weights", step=1)
    run.track(aim.Text("hello"), name="said", step=1)
    run.track(aim.Figure(go.Figure(data=[go.Bar(y=[1, 2])])), name="bars", step=1)
    run.track([aim.Image(pixels), aim.Image(pixels + 1)], name="pictures", step=1)
    run.close()
    os.remove("sound.wav")


def many():
    run = begin("many")
    for step in range(POINTS // 10):
        for at in range(10):
            run.track(step / (at + 3), name=f"metric {at}", step=step)
    run.close()


MEDIA = {
    "picture": "image",
    "sound": "audio",
    "weights": "histogram",
    "said": "text",
    "bars": "figure",
    "pictures": "image",
}


def index():
    """What `aim up` does by itself: Aim reads runs only through its index."""
    from aim.sdk.index_manager import RepoIndexManager

    manager = RepoIndexManager(aim.Repo(STORE))
    for key in os.listdir(".aim/meta/chunks"):
        manager.index(key)
    manager.new_chunk_observer.stop()
    manager.repo.container_pool.clear()


def runs():
    if not os.path.exists("indexed"):
        index()
        open("indexed", "w").close()
    repo = aim.Repo(STORE)
    found = (repo.get_run(key) for key in sorted(repo.list_all_runs()))
    return [
        run for run in found if run is not None
    ]  # one that was deleted just now may still be listed


def read(case):
    if case == "deleted":  # Aim waits for a run that is deleted by the process that wrote it
        (key,) = [run.hash for run in runs() if run.name == case]
        assert aim.Repo(STORE).delete_run(key)
        assert all(run.name != case for run in runs())
        return [{"prefix": case, "absent": True}]
    found = []
    for run in runs():
        if run.name.split()[0] != case:
            continue
        points = {}
        for metric in run.metrics():
            context = ", ".join(f"{key}={value}" for key, value in metric.context.to_dict().items())
            at, (values, _, times) = metric.data.items_list()
            rows = sorted(zip(times, at, values, strict=True), key=lambda row: row[:2])
            points[metric.name + (f"[{context}]" if context else "")] = [
                point(step, when, value) for when, step, value in rows
            ]
        said = {"prefix": run.name, "points": points, "media": MEDIA if case == "media" else {}}
        said["params"] = PARAMS if case == "params" else {}
        if case == "params":
            assert {name: run[name] for name in PARAMS} == PARAMS
        found.append(said)
    return found


main({one.__name__: one for one in (names, steps, numbers, params, deleted, killed, together, media, many)}, read)  # fmt: skip
