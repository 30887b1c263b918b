"""Write the folder `tests/compat/v<N>` with this version of Anew: test data for all later ones.

`python tests/compat/build.py tests/compat/v1`, once per format version, by the version that introduced it.
A folder that is there is never written again: old bytes are the test.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = "alice/compat"
NOBODY = {
    "host": "workstation",
    "boot": "00000000-0000-4000-8000-000000000000",
    "pid_space": "pid:[1]",
    "machine": "0000000000000000",
}
KILLED_BEATS = (
    0.2  # seconds; a process that was killed counts as gone for certain after one of them
)


def record(root: str) -> None:
    """One experiment of each kind that a folder can hold."""
    import math

    import numpy as np

    from anew import Experiment, Histogram, Table

    quiet = {"root": root, "quiet": True, "system_metrics": 0}
    config = {
        "model": {"width": 64, "depth": 4},
        "lr": 3e-4,
        "names": ["a", "ü"],
        "limit": math.inf,
    }
    with Experiment(
        f"{HERE}/complete", config=config, tags={"team": "vision", "baseline": None}, **quiet
    ) as exp:
        exp.params.set(seed=1, optimizer={"name": "adam", "betas": [0.9, 0.999]}, ratio=math.nan)
        for step in range(200):
            exp.log_metrics({"train/loss": 1 / (step + 1), "train/acc": step / 200}, step=step)
        exp.log_metric("odd", math.nan, 5)
        exp.log_metric("odd", math.inf, 3)
        exp.log_metric("odd", -math.inf, 3, metadata={"why": "it overflowed"})
        exp.log_metric("odd", 0.1 + 0.2, -7)
        for value in (3.0, 2.0, 1.0):
            exp.log_metric("stepless", value)
        exp.log("half way", level="warning", step=100)
        exp.set_notes("Kept as test data.")
        exp.set_description("Everything one experiment can hold.")
        exp.files("models").save(
            bytes(range(256)), name="weights.bin", step=199, metadata={"acc": 0.97}
        )
        for step in range(3):
            exp.files("checkpoints").save(
                b"epoch %d\n" % step, f"epoch-{step}.pt", step=step, keep_last=1, keep_best="train/loss"
            )  # fmt: skip
        exp.log_value("errors", Table({"image": [712, 98], "digit": [8, 3]}), step=199)
        exp.log_value("layer", Histogram(np.arange(100.0)), step=199)
        print("on the console")

    os.environ["ANEW_CAPTURE"] = "off"  # once is enough: the others keep what any opening keeps
    try:
        with Experiment(f"{HERE}/failed", parent=exp, relation="resumed", **quiet) as failed:
            failed.log_metric("train/loss", 9.0, 0)
            raise RuntimeError("the loss exploded")
    except RuntimeError:
        pass

    for rank in ("0", "1"):
        started_as(rank_of, root, RANK=rank, WORLD_SIZE="2", LOCAL_RANK=rank, ANEW_LAUNCH="compat")
    for restarts in ("0", "1"):
        started_as(requeued, root, SLURM_JOB_ID="17", SLURM_RESTART_COUNT=restarts)

    with Experiment(f"{HERE}/large", **quiet) as large:
        for step in range(5_000):
            large.log_metric("wave", math.sin(step / 100), step)

    continued = {"resume": "must", **quiet}
    with Experiment(f"{HERE}/continued", config={"lr": 0.1}, **quiet) as first:
        first.log_metric("train/loss", 1.0, 0)
    os.environ["ANEW_CAPTURE"] = (
        "on"  # what an opening captures of its own lies in a folder of its own
    )
    with Experiment(f"{HERE}/continued", config={"lr": 0.2}, **continued) as second:
        second.log_metric("train/loss", 0.5, 1)
        second.log_metric("test/acc", 0.75, 1)
    os.environ["ANEW_CAPTURE"] = "off"

    shutil.copytree(f"{root}/{HERE}/failed", f"{root}/{HERE}/fork", symlinks=True)
    with Experiment(f"{HERE}/fork", **continued) as fork:
        fork.log_metric("train/loss", 8.0, 1)

    os.environ["ANEW_HEARTBEAT"] = str(KILLED_BEATS)
    killed = Experiment(f"{HERE}/killed", **quiet)
    killed.run.start()
    killed.log_metric("train/loss", 0.5, 0)
    os.write(killed.life.recording.writer.points.fd, b'{"s":1,"t":1,"m":{"train/l')  # type: ignore[union-attr]
    os.kill(os.getpid(), signal.SIGKILL)


def started_as(part: Callable[[str], None], root: str, **environ: str) -> None:
    """Run a part in a process of its own, as a launcher starts it."""
    command = [sys.executable, __file__, part.__name__, root]
    subprocess.run(command, env={**os.environ, **environ}, check=False)


def rank_of(root: str) -> None:
    """One of two ranks that record one experiment."""
    from anew import Experiment

    with Experiment(f"{HERE}/ranks", root=root, quiet=True, system_metrics=0) as ranked:
        for step in range(3):
            ranked.log_metric("train/loss", ranked.rank + step / 10, step)


def requeued(root: str) -> None:
    """A job that is killed and started again by its launcher, and then goes on."""
    from anew import Experiment

    with Experiment(f"{HERE}/requeued", root=root, quiet=True, system_metrics=0) as job:
        job.log_metric("train/loss", 0.5 if job.resumed else 1.0, int(job.resumed))
        if not job.resumed:
            os.kill(os.getpid(), signal.SIGKILL)


def seal(root: str) -> None:
    """What a reader leaves: sealed parts and a later change."""
    from anew import Store

    with Store(root) as store:
        store.seal(f"{HERE}/large")
        store.tag(f"{HERE}/complete", add="kept")
        store.set_document(
            "view", "losses", {"metrics": ["train/loss"]}, scope="project/alice/compat"
        )
        number = store.claim_version("model", "compat")
        store.set_version(
            "model", "compat", number, store[f"{HERE}/complete"].id, why="It is whole."
        )
        store.set_alias("model", "compat", "best", number)


def anonymous(folder: Path, project: str) -> None:
    """Take this machine's name, ids and paths out of the text files; all else stays as written."""
    told: dict[str, str] = {}
    for path in folder.rglob("*"):
        content = "shared/files" in path.as_posix()  # the bytes of logged files
        if not path.is_file() or content or path.suffix in (".parquet", ".bin", ".png"):
            continue
        text = path.read_text()
        for key, value in NOBODY.items():
            text = re.sub(rf'"{key}":( ?)"[^"]*"', rf'"{key}":\1"{value}"', text)
        for real, shown in (
            (project, "/home/alice/project"),
            (str(folder.resolve()), "/home/alice/experiments"),
            (sys.prefix, "/home/alice/venv"),
            (platform.release(), "6.1.0"),
            (str(REPOSITORY), "/home/alice/anew"),
            (sys.base_prefix, "/usr"),
            (f" on {os.uname().nodename} ", f" on {NOBODY['host']} "),
        ):
            text = text.replace(real, shown)
        before = path.read_bytes()
        if text.encode() != before:
            rewrite(path, text)
            name = f"{path.parent.name}/{path.name}"
            told[f'"{name}":{len(before)}'] = f'"{name}":{len(text.encode())}'
            told[hashlib.sha256(before).hexdigest()] = hashlib.sha256(text.encode()).hexdigest()
    # What the record says of the lengths and hashes of these files.
    for path in [*folder.rglob("journal/*.jsonl"), *folder.rglob("reproduce.sh")]:
        text = path.read_text()
        for old, new in told.items():
            text = text.replace(old, new)
        rewrite(path, text)
    for path in sorted(folder.rglob("*")):
        author = rf"{re.escape(os.uname().nodename)}-[0-9a-f]{{16}}"
        renamed = re.sub(author, f"{NOBODY['host']}-{0:016x}", path.name)
        if path.is_file() and renamed != path.name:
            path.rename(path.with_name(renamed))


def rewrite(path: Path, text: str) -> None:
    """Write a file anew, with the rights it has."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_text(text)
    path.chmod(mode)


def project_in(folder: str) -> Path:
    """A project with a commit and a change beside it, whose program is this file."""
    program = Path(folder, "train.py")
    program.write_text(Path(__file__).read_text())
    Path(folder, ".gitignore").write_text("experiments/\n")
    author = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"]
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        [*author, "commit", "-q", "-m", "Train"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    Path(folder, "notes.txt").write_text("not committed\n")
    return program


def main(folder: Path) -> None:
    """Build the folder."""
    if folder.exists():
        sys.exit(f"{folder} is there; old bytes are not written again")
    settings = {"LOGNAME": "alice", "ANEW_USER": "alice", "ANEW_CONSOLE": "on"}
    with tempfile.TemporaryDirectory() as project:
        program = project_in(project)
        for part in ("record", "seal"):
            command = [sys.executable, str(program), part, str(folder.resolve())]
            environment = {**os.environ, **settings}
            done = subprocess.run(command, cwd=project, env=environment, check=part == "seal")
            if part == "record":
                if done.returncode != -signal.SIGKILL:
                    sys.exit("the program that was to be killed ended by itself")
                time.sleep(5 * KILLED_BEATS)  # until its last sign of life is old enough
        for derived in (
            "experiments.db",
            "experiments.db-wal",
            "experiments.db-shm",
            ".anew/index.lock",
            ".anew/reserve",
            ".gitignore",  # git would leave out the folder
        ):
            (folder / derived).unlink(missing_ok=True)
        anonymous(folder, project)


if __name__ == "__main__":
    if sys.argv[1] in ("record", "rank_of", "requeued", "seal"):
        globals()[sys.argv[1]](sys.argv[2])
    else:
        main(Path(sys.argv[1]))
