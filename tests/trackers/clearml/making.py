"""Makes offline sessions with ClearML, and writes what ClearML's own import would report. Run by the tests, in an environment of ClearML's.

python making.py STORE ANSWERS [POINTS]        POINTS: one task with so many points instead of everything awkward
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile

store, answers, *rest = sys.argv[1:]
os.environ["CLEARML_CACHE_DIR"] = os.path.join(os.environ["HOME"], "clearml")
os.environ["CLEARML_CONFIG_FILE"] = os.path.join(os.environ["HOME"], "clearml.conf")
with open(os.environ["CLEARML_CONFIG_FILE"], "w") as file:
    file.write(
        "sdk.development.vcs_repo_detect_async: false\nsdk.development.detect_with_pip_freeze: false\nsdk.development.log_os_environments: []\n"
    )

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from clearml import StorageManager, Task  # noqa: E402
from clearml.backend_interface.metrics.interface import Metrics  # noqa: E402

NUMBERS = [0.5, 1e-300, float("nan"), -0.0, 5e-324, float("inf"), float("-inf"), 1.7976931348623157e308, 3, 2**53 + 1]  # fmt: skip
STEPS = [5, 5, 2, 7]


def begin(name, **more):
    Task.set_offline(offline_mode=True)
    return Task.init(
        project_name="vision lab/net ü", task_name=name, auto_connect_frameworks=False, auto_connect_arg_parser=False,
        auto_resource_monitoring=False, reuse_last_task_id=False, **more,
    )  # fmt: skip


def keep(task):
    """The session's zip lies in ClearML's cache, and its folder too."""
    folder = task.get_offline_mode_folder()
    task.close()
    name = f"{task.id}"
    shutil.copyfile(f"{folder}.zip", os.path.join(store, f"{name}.zip"))
    return str(folder)


def everything():
    task = begin("all of it", tags=["a tag", "b"])
    task.set_comment("a *note*")
    task.add_tags(["later"])
    params = {
        "lr": 1e-05,
        "layers": [1, 2, {"size": 3}],
        "deep": {"flag": True, "none": None, "text": "x"},
        "ü": "é",
    }
    task.connect(params)
    task.set_parameter("Other/count", 7)
    task.connect_configuration({"optimizer": {"name": "adam"}}, name="the config")
    task.set_user_properties(owner="me", stage=3)
    log = task.get_logger()
    for at, value in enumerate(NUMBERS):
        log.report_scalar("loss", "train", value, STEPS[at % 4])
        log.report_scalar("val acc ü", "a/b", at / 7, at)
    log.report_single_value("best", 0.75)
    pixels = np.zeros((4, 4, 3), np.uint8)
    log.report_image("picture", "black", 1, image=pixels)
    log.report_histogram("weights", "layer", [1, 2, 3], iteration=2, xlabels=["a", "b", "c"])
    log.report_table("table", "rows", 3, table_plot=pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    log.report_confusion_matrix("confusion", "m", np.eye(2), iteration=3)
    log.report_text("said by the program", print_console=False)
    with open("sound.wav", "wb") as file:
        import wave

        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8000)
            sound.writeframes(bytes(160))
    log.report_media("sound", "short", 4, local_path="sound.wav")
    print("first line\nsecond line")
    with open("model.bin", "wb") as file:
        file.write(b"m" * 1000)
    task.upload_artifact("numbers", {"a": [1, 2]}, metadata={"k": "v"}, wait_on_upload=True)
    task.upload_artifact("file ü", "model.bin", wait_on_upload=True)
    task.upload_artifact("frame", pd.DataFrame({"a": [1]}), wait_on_upload=True)
    log.flush(wait=True)
    folder = keep(task)
    shutil.copytree(folder, os.path.join(store, "as a folder"))


def together():
    """Two processes; one of them is killed, and has no zip."""
    around = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLEARML_PROC", "TRAINS_PROC"))
    }
    programs = [
        subprocess.Popen([sys.executable, __file__, store, answers, "child", name], env=around)
        for name in ("first", "killed")
    ]
    assert sorted(one.wait() for one in programs) == [-signal.SIGKILL, 0]


def child(name):
    task = begin(name)
    for step in range(20):
        task.get_logger().report_scalar("loss", "loss", step / 3, step)
    task.get_logger().flush(wait=True)
    if name == "killed":
        shutil.copytree(str(task.get_offline_mode_folder()), os.path.join(store, "killed"))
        os.kill(os.getpid(), signal.SIGKILL)
    keep(task)


class Listening:
    """A session with a server that hears what ClearML's own import of offline sessions sends."""

    def __init__(self):
        self.events = []

    def send(self, batch):
        for request in batch.requests:
            self.events.append(request if isinstance(request, dict) else request.to_dict())

    def __getattr__(self, name):
        raise AttributeError(name)


class Reported:
    def __init__(self, id):
        self.id = id


def read():
    """What ClearML's own import reports of every session."""
    StorageManager.upload_file = staticmethod(lambda *_, **__: None)
    found = {}
    for name in sorted(os.listdir(store)):
        path = os.path.join(store, name)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(path := tempfile.mkdtemp())
        elif not os.path.isdir(path):
            continue
        with open(os.path.join(path, "task.json")) as file:
            task = json.load(file)
        heard = Listening()
        Metrics.report_offline_session(
            Reported(task["id"]), path, remote_url="files", only_with_id=task["id"], session=heard
        )
        found[name] = {"task": task, "events": heard.events}
    return found


if __name__ == "__main__":
    os.chdir(store)
    if rest[:1] == ["child"]:
        child(rest[1])
        sys.exit()
    if rest:
        task = begin("long")
        for step in range(int(rest[0]) // 10):
            for at in range(10):
                task.get_logger().report_scalar("metric", str(at), step / (at + 3), step)
        task.get_logger().flush(wait=True)
        keep(task)
    else:
        everything()
        together()
    for name in ("sound.wav", "model.bin"):
        if os.path.exists(name):
            os.remove(name)
    with open(answers, "w") as file:
        json.dump(read(), file)
