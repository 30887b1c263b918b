"""Makes a store with trackio, and writes what trackio's own API reads from it. Run by the tests, in an environment of trackio's.

python making.py STORE ANSWERS [POINTS]        POINTS: one run with so many points instead of everything awkward
"""

import json
import os
import signal
import subprocess
import sys
import tempfile

store, answers, *rest = sys.argv[1:]
os.environ["TRACKIO_DIR"] = store
os.environ["HF_HOME"] = tempfile.mkdtemp()

import numpy as np  # noqa: E402
import trackio  # noqa: E402
from trackio.sqlite_storage import SQLiteStorage  # noqa: E402

NUMBERS = [0.5, 1e-300, float("nan"), -0.0, 5e-324, float("inf"), float("-inf"), 1.7976931348623157e308, 3, True]  # fmt: skip


def init(name, **more):
    return trackio.init(project="vision lab", name=name, auto_log_gpu=False, embed=False, **more)


def everything():
    config = {
        "lr": 0.1, "layers": [1, 2, {"size": 3}], "deep": {"flag": True, "none": None, "a/b": "text"}, "odd": float("inf"), "ünïcode key": "é",
    }  # fmt: skip
    run = init("run ü/1", config=config, group="a group")
    for at, value in enumerate(NUMBERS):
        run.log(
            {"loss": value, "val/acc ü": at / 7, "deep": {"er": at, "said": "text"}},
            step=[5, 5, 2, 7][at % 4],
        )
    run.log({"large": 2**53 + 1, "said": "hello", "listed": [1, "two", None]})
    pixels = np.zeros((4, 4, 3), np.uint8)
    run.log(
        {
            "picture": trackio.Image(pixels, caption="black"),
            "sound": trackio.Audio(np.zeros(80, np.float32), sample_rate=8000, format="wav"),
            "weights": trackio.Histogram([1, 2, 3], num_bins=4),
            "table": trackio.Table(
                columns=["a", "b"], data=[[1, "x"], [None, trackio.Image(pixels)]]
            ),
            "page": trackio.Html("<b>bold</b>", inject=False),
            "report": trackio.Markdown("# A *title*"),
            "talk": trackio.Trace([{"role": "user", "content": "hi"}], metadata={"session": 1}),
        }
    )
    with open("solid.obj", "w") as file:
        file.write("v 0 0 0\n")
    run.log({"solid": trackio.Object3D("solid.obj")})
    # Eight bytes that every GIF begins with are a film to trackio, which does not look inside.
    with open("film.gif", "wb") as file:
        file.write(
            b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
        )
    run.log({"film": trackio.Video("film.gif", format="gif", caption="short")})
    run.alert("careful", "it is hot", level=trackio.AlertLevel.ERROR)
    run.alert("fine", level=trackio.AlertLevel.INFO)
    run.log_system({"cpu": 12.5, "gpu": {"memory": 1024}})
    with open("model.bin", "wb") as file:
        file.write(b"m" * 1000)
    made = trackio.Artifact("model", type="model", description="the best", metadata={"epochs": 3})
    made.add_file("model.bin", name="weights/model.bin")
    run.log_artifact(made, aliases=["best"])
    trackio.finish()

    run = init("run ü/1")  # the same name again: another run
    run.use_artifact("model:best")
    run.log({"loss": 1.0})
    trackio.finish()

    with open("notes.txt", "w") as file:
        file.write("of the project")
    trackio.save("notes.txt", project="vision lab")

    for name in ("deleted", "old name"):
        init(name).log({"loss": 2.0})
        trackio.finish()
    for one in trackio.Api().runs("vision lab"):
        if one.name == "deleted":
            one.delete()
        elif one.name == "old name":
            one.rename("new name")
    for name in ("model.bin", "notes.txt", "solid.obj", "film.gif"):
        os.remove(name)


def together():
    """Two processes write into one project; one of them is killed."""
    programs = [
        subprocess.Popen([sys.executable, __file__, store, answers, "child", name])
        for name in ("first", "killed")
    ]
    assert sorted(one.wait() for one in programs) == [-signal.SIGKILL, 0]


def child(name):
    run = init(name, config={"who": name})
    for step in range(20):
        run.log({"loss": step / 3}, step=step)
    if name == "killed":
        run._flush_queues_inline()
        os.kill(os.getpid(), signal.SIGKILL)
    trackio.finish()


def read():
    """What trackio itself says of every run."""
    found = []
    for project in SQLiteStorage.get_projects():
        for run in trackio.Api().runs(project):
            found.append(
                {
                    "project": project, "id": run.id, "name": run.name, "config": run.config,
                    "logs": SQLiteStorage.get_logs(project, run.name, run_id=run.id), "system": SQLiteStorage.get_system_logs(project, run.name, run_id=run.id),
                    "alerts": run.alerts(), "artifacts": SQLiteStorage.get_run_artifacts(project, run.name, run_id=run.id),
                }
            )  # fmt: skip
    return found


if __name__ == "__main__":
    os.chdir(store)
    if rest[:1] == ["child"]:
        child(rest[1])
        sys.exit()
    if rest:
        run = init("long")
        for step in range(int(rest[0]) // 10):
            run.log({f"metric {at}": step / (at + 3) for at in range(10)}, step=step)
        trackio.finish()
    else:
        everything()
        together()
    with open(answers, "w") as file:
        json.dump(read(), file)
