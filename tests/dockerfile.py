"""The steps of a Dockerfile, taken in plain folders: one for each stage, with an environment of Python in the place of the image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["Image", "built"]

_PATHS = ("/source", "/wheels", "/data", "/cache")
"""What lies at the top of an image and is named in its steps."""
_OF_ROOT = ("useradd", "chown")
"""What only the user who builds an image may do: it is written down."""
_NOTED = '#!/bin/sh\necho "$(basename "$0") $*" >> "$NOTED"\n'


class Image:
    """The stage that is built last: how it is run, in a folder that stands for its root.

    Attributes:
        folder: The root.
        environment: The variables of what runs in it.
        entry, command, probe: ENTRYPOINT, CMD, and the command of HEALTHCHECK.
        noted: What was done as the user who builds.
    """

    def __init__(self, folder: Path, context: Path) -> None:
        self.folder, self._context = folder, context
        self._here = folder
        self.entry: list[str] = []
        self.command: list[str] = []
        self.probe: list[str] = []
        from uv import find_uv_bin

        subprocess.run(
            [find_uv_bin(), "venv", "-q", "--seed", "--python", sys.executable, str(folder / "python")], check=True
        )  # fmt: skip
        (folder / "root-only").mkdir()
        for name in _OF_ROOT:
            (folder / "root-only" / name).write_text(_NOTED)
            (folder / "root-only" / name).chmod(0o755)
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("ANEW_", "PYTHON", "VIRTUAL_ENV"))
        }
        path = f"{folder}/python/bin:{folder}/root-only:{os.environ['PATH']}"
        self.environment = {**kept, "PATH": path, "NOTED": str(folder / "noted")}

    @property
    def noted(self) -> str:
        return (self.folder / "noted").read_text()

    def inside(self, text: str) -> str:
        """A text in which the paths of the image are those of this machine."""
        names = "|".join(map(re.escape, _PATHS))
        return re.sub(rf"(?<![\w./-])({names})(?=[/\s\"']|$)", rf"{self.folder}\1", text)

    def take(self, word: str, rest: str, stages: dict[str, Image]) -> None:
        """Take a step."""
        if word == "WORKDIR":
            self._here = self.folder / rest.lstrip("/")
            self._here.mkdir(parents=True)
        elif word == "COPY":
            self._copy(shlex.split(rest), stages)
        elif word == "RUN":
            subprocess.run(
                ["sh", "-ec", self.inside(rest)], cwd=self._here, env=self.environment, check=True
            )
        elif word == "ENV":
            self.environment |= dict(
                one.split("=", 1) for one in shlex.split(self.inside_values(rest))
            )
        elif word in ("ENTRYPOINT", "CMD"):
            setattr(self, {"ENTRYPOINT": "entry", "CMD": "command"}[word], json.loads(rest))
        elif word == "HEALTHCHECK":
            self.probe = json.loads(rest[rest.index("CMD") + 3 :])
        elif word not in ("USER", "VOLUME", "EXPOSE", "STOPSIGNAL"):
            raise AssertionError(f"a step that is not known: {word} {rest}")

    def inside_values(self, text: str) -> str:
        return re.sub(r"=(/\S+)", lambda found: f"={self.inside(found[1])}", text)

    def _copy(self, words: list[str], stages: dict[str, Image]) -> None:
        source = self._context
        if words[0].startswith("--from="):
            source = stages[words.pop(0).removeprefix("--from=")].folder
        what, to = words
        target = self.folder / to.lstrip("/") if to.startswith("/") else self._here / to
        path = source / what.lstrip("/")
        if path.is_dir():
            shutil.copytree(
                path, target, symlinks=True, dirs_exist_ok=True, ignore=_ignored(source)
            )
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def built(file: Path, context: Path, folder: Path) -> Image:
    """Take all steps of a Dockerfile; the last stage.

    Args:
        context: What `COPY` takes from.
        folder: Where the stages go.
    """
    stages: dict[str, Image] = {}
    last: Image | None = None
    for word, rest in _steps(file.read_text()):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            assert image.startswith("python:")
            (folder / str(len(stages))).mkdir()
            last = stages[name or "last"] = Image(folder / str(len(stages)), context)
        else:
            assert last is not None
            last.take(word, rest, stages)
    assert last is not None
    return last


def _steps(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for step in "\n".join(lines).replace("\\\n", " ").splitlines():
        if step.strip():
            word, _, rest = step.strip().partition(" ")
            yield word, rest


def _ignored(context: Path) -> Callable[[str, list[str]], set[str]]:
    """What `.dockerignore` leaves out: names at the top, and those anywhere."""
    lines = (
        (context / ".dockerignore").read_text().split()
        if (context / ".dockerignore").exists()
        else []
    )
    anywhere = {line.removeprefix("**/") for line in lines if line.startswith("**/")}
    top = set(lines) - {f"**/{one}" for one in anywhere}
    return lambda at, names: {
        n for n in names if n in anywhere or (Path(at) == context and n in top)
    }
