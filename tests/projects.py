"""Real projects for tests of capture and reproduction: a git repository, programs in it, and what they recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Any

from anew import Store
from anew.reading.views import ExperimentView
from anew.reproduce.plan import make_plan
from anew.reproduce.replay import Replayed, replay

ENDS_WITHIN = 500.0  # seconds; what takes longer hangs, and what it said until then is shown
TRAIN = """\
import random
import time
from anew import Experiment, seed_everything

seed_everything(7)
with Experiment("lab/toy", config={"lr": 0.5}, system_metrics=0) as exp:
    x = 1.0
    begun = time.perf_counter()
    for step in range(20):
        x = x * 0.9 + random.random() * 0.1
        exp.log_metrics({"loss": x, "train/time": time.perf_counter() - begun}, step=step)
"""


class Project:
    """A folder under git, and the store beside it."""

    def __init__(self, folder: Path, *, git: bool = True) -> None:
        self.path = folder
        self.root = folder.parent / f"{folder.name}-experiments"
        folder.mkdir(parents=True)
        # One temporary folder per project, so that what is left behind can be seen. Its path is short: the sockets below it
        # that PyTorch's data loaders make may have 107 characters, and without one they wait for each other for good.
        self.temporary = Path(tempfile.mkdtemp(prefix="anew-"))
        weakref.finalize(self, shutil.rmtree, self.temporary, ignore_errors=True)
        bare = {
            k: v for k, v in os.environ.items() if not k.startswith(("ANEW_", "GIT_", "SLURM_"))
        }
        self.environ = bare | {
            "ANEW_ROOT": str(self.root),
            "TMPDIR": str(self.temporary),
            "HOME": str(folder.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), bare["PATH"]]),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        if git:
            self.git("init", "--quiet", "--initial-branch=main", "--template=")
            with open(folder / ".git" / "config", "a") as config:
                config.write("[user]\n\temail = a@example.org\n\tname = A\n")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=self.environ, capture_output=True, text=True, check=True
        )  # fmt: skip
        return done.stdout.strip()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def commit(self, **files: str | bytes) -> str:
        for name, content in files.items():
            self.write(f"{name}.py", content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "A change")
        return self.git("rev-parse", "HEAD")

    def call(
        self, *command: str, check: bool = True, cwd: Path | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        try:
            done = subprocess.run(
                command,
                cwd=cwd or self.path,
                env=self.environ | environ,
                capture_output=True,
                text=True,
                check=False,
                timeout=ENDS_WITHIN,
            )
        except subprocess.TimeoutExpired as hung:
            said = (hung.stdout or b"") + (hung.stderr or b"")
            raise AssertionError(f"{hung}: {said.decode(errors='replace')}") from None
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def run(self, script: str = "train.py", *arguments: str, **environ: str) -> str:
        """Run a program of the project; what it said on standard error."""
        return self.call(sys.executable, script, *arguments, **environ).stderr

    def anew(
        self, *arguments: str, check: bool = False, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """The command line."""
        return self.call(sys.executable, "-m", "anew", *arguments, check=check, **environ)

    def view(self, ref: str = "lab/toy") -> ExperimentView:
        with Store(self.root) as store:
            return store.get(ref)

    def folder(self, prefix: str = "lab/toy") -> Path:
        return self.root / prefix

    def reproduce(self, monkeypatch: Any, ref: str = "lab/toy", **options: Any) -> list[Replayed]:
        """Reproduce in this process, as if called from the project's folder."""
        self.enter(monkeypatch)
        of_plan = {
            k: options.pop(k)
            for k in ("kind", "repo", "python", "command", "links", "given")
            if k in options
        }
        options.setdefault("figure", False)
        with Store(self.root) as store:
            plan = make_plan(store, store.get(ref), **of_plan)
            return list(replay(store, plan, **options))

    def enter(self, monkeypatch: Any) -> None:
        monkeypatch.chdir(self.path)
        monkeypatch.setattr(tempfile, "tempdir", str(self.temporary))
        for name in list(os.environ):
            if name.startswith(("ANEW_", "GIT_", "SLURM_")):
                monkeypatch.delenv(name)
        for name in (
            "ANEW_ROOT",
            "PATH",
            "HOME",
            "PYTHONDONTWRITEBYTECODE",
            "GIT_CONFIG_NOSYSTEM",
        ):
            monkeypatch.setenv(name, self.environ[name])

    def untouched(self) -> dict[str, Any]:
        """What must be the same after an attempt that was refused."""
        return {
            "status": self.git("status", "--porcelain"),
            "head": self.git("rev-parse", "HEAD"),
            "worktrees": self.git("worktree", "list"),
            "experiments": sorted(str(p) for p in self.root.rglob("journal")),
            "temporary": sorted(p.name for p in self.temporary.iterdir()),
        }
