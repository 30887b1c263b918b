"""Awkward things in the folder of Sacred's FileStorageObserver. Run in an environment of Sacred's."""

import json
import os
import time
from datetime import datetime, timezone

from sacred import SETTINGS, Experiment
from sacred.observers import FileStorageObserver
from sacred.serializer import restore
from shared import ANSWERS, FEW, NAMES, NUMBERS, PARAMS, POINTS, STEPS, cut, die, main, point, wav

SETTINGS.CAPTURE_MODE = "sys"
SETTINGS.DISCOVER_DEPENDENCIES = "none"
SETTINGS.HOST_INFO.CAPTURED_ENV = []
assert ANSWERS


def begin(name, log, config=None):
    """Run a function as Sacred's main; Sacred numbers the runs, so which is which is kept beside them."""
    ex = Experiment("my exp/ü", save_git_info=False)
    ex.observers.append(FileStorageObserver("runs"))
    ex.add_config(config or {"seed": 1})

    @ex.main
    def sacreds_main(_run):
        with open(f"{name}.made", "w") as file:
            file.write(str(_run._id))
        log(_run)

    ex.run()


def _log(run, name, steps, values):
    for step, value in zip(steps, values, strict=True):
        run.log_scalar(name, value, step)


def names():
    begin("names", lambda run: [_log(run, name, range(3), [1, 2, 3]) for name in NAMES])


def steps():
    begin("steps", lambda run: _log(run, "loss", STEPS, range(len(STEPS))))


def numbers():
    begin("numbers", lambda run: _log(run, "odd", range(len(NUMBERS)), NUMBERS))


def params():
    begin("params", lambda run: None, {**PARAMS, "seed": 1, "pair": (1, 2)})


def killed():
    def log(run):
        _log(run, "loss", range(FEW), range(FEW))
        run._emit_heartbeat()
        die()

    begin("killed", log)


def half():
    begin("half", lambda run: [_log(run, name, range(FEW), range(FEW)) for name in ("acc", "loss")])
    with open("half.made") as file:
        cut(os.path.join("runs", file.read(), "metrics.json"), 200)


def together(name):
    """Two processes that take the next number of the same folder."""
    begin(f"together {name}", lambda run: _log(run, "loss", range(FEW), range(FEW)))


def media():
    def log(run):
        wav("sound.wav")
        run.add_artifact("sound.wav", name="sound ü.wav", metadata={"a": 1})
        run.add_resource("sound.wav")
        run.info["curve"] = [1, 2.5]
        os.remove("sound.wav")

    begin("media", log)


def many():
    def log(run):
        for at in range(10):
            _log(run, f"metric {at}", range(POINTS // 10), [step / (at + 3) for step in range(POINTS // 10)])  # fmt: skip
        time.sleep(0.1)

    begin("many", log)


def read(case):
    said = []
    for name in sorted(os.listdir(".")):
        name, made, _ = name.partition(".made")
        if not made or name.split()[0] != case:
            continue
        with open(f"{name}.made") as file:
            number = file.read()
        folder = os.path.join("runs", number)
        with open(os.path.join(folder, "metrics.json")) as file:
            text = file.read()
        if case == "half":  # of which Sacred reads nothing: the first metric is whole
            text = text[: text.index("}") + 1] + "}"
        points = {
            metric: [
                point(step, datetime.fromisoformat(at).replace(tzinfo=timezone.utc).timestamp(), value)  # noqa: UP017 - Sacred's Python may be older
                for step, at, value in zip(one["steps"], one["timestamps"], one["values"], strict=True)
            ]
            for metric, one in restore(json.loads(text)).items()
        }  # fmt: skip
        with open(os.path.join(folder, "config.json")) as file:
            config = json.loads(json.dumps(restore(json.load(file))))
        one = {"prefix": number, "points": points, "params": config}
        if case == "media":
            one["files"] = ["artifacts/sound ü.wav"]
        said.append(one)
    return said


main({one.__name__: one for one in (names, steps, numbers, params, killed, half, together, media, many)}, read)  # fmt: skip
