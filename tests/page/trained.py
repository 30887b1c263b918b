"""A program in a repository of its own, run three times: what the page says of code, inputs, media, files and kin is of these.

The run called "fork" comes from the first, with a line that was not committed and other data; the one between them has the first's
name again, and fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

import anew
from anew import Audio, Experiment, Figure, Histogram, Image, Table, Text, Video

root, name, parent = sys.argv[1:]
SCALE = 1
anew.seed_everything(7)


with Experiment(
    f"lab/trained/{name}", root=root, quiet=True, system_metrics=0, params={"lr": 0.1}, console="off",
    **({"parent": parent, "relation": "forked"} if parent else {}),
) as exp:
    exp.inputs.add("train.csv")
    for step in range(30):
        exp.log_metrics({"loss": SCALE / (step + 1), "train/acc": step / 30}, step=step)
    if name == "fork":
        sys.exit()
    for step in (0, 10, 20):
        wave = np.sin(np.arange(800) / (step + 4)).astype(np.float32)
        across, down = np.meshgrid(np.arange(48), np.arange(48))
        exp.log_value("image", Image(((across * (step + 3) + down * 5) % 256).astype(np.uint8)), step=step)
        exp.log_value("sound", Audio(wave, 8000, caption="a hum"), step=step)
        exp.log_value("video", Video(np.stack([np.full((24, 32), shade, np.uint8) for shade in (0, 120, 250)])), step=step)
        exp.log_value("weights", Histogram(np.random.default_rng(step).normal(size=500)), step=step)
        exp.log_value("sample", Text(f"what it wrote at step {step}"), step=step)
        exp.log_value("scores", Table(["digit", "f1"], [[digit, 0.9 + digit / 1000] for digit in range(10)]), step=step)
        exp.log_value("plotly", Figure(go.Figure([go.Scatter(name="measured", x=[1, 2, 3], y=[2, 1, 3]), go.Bar(name="counted", x=[1, 2, 3], y=[1, 2, 2])], {"title": {"text": "Calibration"}})), step=step)
    folder = Path("made")
    folder.mkdir(exist_ok=True)
    (folder / "readme.txt").write_text("what is in it\\n")
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 8)
    import PIL.Image

    PIL.Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(folder / "picture.png")
    for path in folder.iterdir():
        exp.files("made").save(path)
    if Path("broken").exists():
        raise MemoryError("the batch is too large")
"""


def train(root: Path, folder: Path) -> dict[str, str]:
    """Run it; the ids of the three."""
    from anew import Store

    folder.mkdir()
    (folder / "train.py").write_text(PROGRAM)
    (folder / "train.csv").write_text("digit,label\n1,one\n")
    (folder / ".gitignore").write_text("made\nbroken\n")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "begin")
    _run(root, folder, "base", "")
    with Store(root) as store:
        base = store.get("lab/trained/base").id
    (folder / "broken").touch()
    _run(root, folder, "base", "")
    (folder / "train.py").write_text(PROGRAM.replace("SCALE = 1", "SCALE = 2  # a try"))
    (folder / "train.csv").write_text("digit,label\n2,two\n")
    _run(root, folder, "fork", base)
    with Store(root) as store:
        found = {one.id: one for one in store.list(project=None)}
        mine = [one for one in found.values() if one.prefix.startswith("lab/trained/")]
        fork = next(one.id for one in mine if one.name == "fork")
        retry = next(one.id for one in mine if one.id not in (base, fork))
    return {"base": base, "fork": fork, "retry": retry}


def _git(folder: Path, *words: str) -> None:
    names = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True)


def _run(root: Path, folder: Path, name: str, parent: str) -> None:
    environ = os.environ | {"ANEW_KEEP_COMMITS": "off"}
    command = [sys.executable, "train.py", str(root), name, parent]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode and "the batch is too large" not in done.stderr:
        raise RuntimeError(done.stderr)
