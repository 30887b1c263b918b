"""What the awkward programs of all trackers share. It lies beside each of them when it is run, and knows no tracker.

python program.py STORE ANSWERS [CASE …]        without a case, all but `many`

Each case is a process of its own, and makes a run of its name. What the tracker's own API then reads of it is written down:

- `prefix`: where the run comes to lie, as the guide says; `points`: by the metric's name there, a list of `[step, time, value]`, the time in seconds (None where the
  tracker has none) and the value as text; `params`, nested; `media`, the kind of each by its name; `files`, some of the names; `absent` of a run that was deleted.
"""

import json
import os
import signal
import subprocess
import sys

PLACE, *WHAT = sys.argv[1:]
STORE, ANSWERS = PLACE, WHAT[0] if WHAT else ""
OPTIONS = [one for one in WHAT[1:] if one.startswith("--")]
REST = [one for one in WHAT[1:] if not one.startswith("--")]

NAMES = ["loss/train", "val acc", "größe ü", "日本/a.b-c d"]
STEPS = [5, 5, 2, 7, 2, 9]
NUMBERS = [0.5, 1e-300, float("nan"), -0.0, 5e-324, float("inf"), float("-inf"), 1.7976931348623157e308, 3]  # fmt: skip
PARAMS = {"lr": 1e-05, "layers": [1, 2, {"size": 3}], "deep": {"flag": True, "none": None, "text": "é ü"}, "count": 7, "like": "007"}  # fmt: skip
POINTS = 100_000
FEW = 20


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def cut(path, bytes_=5):
    """Take off the end of a file, as a full disk or a power cut leaves it."""
    os.truncate(path, os.path.getsize(path) - bytes_)


def wav(path):
    import wave

    with wave.open(path, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(160))


def gif(path):
    """A picture of one pixel, which is a film to most trackers."""
    with open(path, "wb") as film:
        film.write(
            b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
        )


def point(step, time, value):
    return [
        None if step is None else int(step),
        None if time is None else float(time),
        repr(float(value)),
    ]


def start(case, *more):
    command = [sys.executable, sys.argv[0], STORE, ANSWERS, *OPTIONS, "case", case, *more]
    return subprocess.Popen(command, cwd=STORE)


def main(cases, read, last=None):
    """Run the cases, or the one of this process; `read` gives what the tracker reads of a case, or of two of `together`.

    `last` is left behind by a process that is killed once all was read: the tracker itself would clear it away.
    """
    os.chdir(STORE)
    if REST[:1] == ["case"]:
        cases[REST[1]](*REST[2:])
        return
    wanted = REST or [case for case in cases if case != "many"]
    for case in wanted:
        if case == "together":
            both = [start(case, name) for name in ("first", "second")]
            assert [one.wait() for one in both] == [0, 0]
        else:
            code = start(case).wait()
            assert code == (-signal.SIGKILL if case == "killed" else 0), (case, code)
    with open(ANSWERS, "w") as file:
        json.dump({case: read(case) for case in wanted}, file)
    if last is not None and "half" in wanted:
        if os.fork() == 0:
            last()
            die()
        os.wait()
