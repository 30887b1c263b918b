"""Real trackers, each in an environment of its own, and the stores that they make for the tests of their importers.

What an environment holds is pinned in `environments/<tracker>.txt`; the environment is made once, below `.venvs` in the checkout, where git ignores it. A
tracker's program, `tests/trackers/<tracker>/making.py`, is given two paths: a folder for the store that it makes, and a file for what the tracker's own
API reads from that store, as JSON. It imports the tracker and nothing of Anew or of these tests.

The store is recorded in `tests/trackers/<tracker>/recorded.zip`, so that the quick tests need no environment: `Recorded` unpacks it. After a change
of the program or of the tracker's version:

    python -m tests.trackers.environments record TRACKER       makes the store anew, and records it
    python -m tests.trackers.environments pin TRACKER          pins the newest versions that fit the first line of its file
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).resolve().parent
PINS = HERE / "environments"
ENVIRONMENTS = HERE.parents[1] / ".venvs" / "trackers"
ASKED = "# asked for:"
MOST_RECORDED = 50_000
"""Bytes. What is recorded is part of the checkout for good, and stays small."""
_RECORDED_AT = 1_790_000_000
_INSTALL_LIMIT_S = 600
_RUN_LIMIT_S = 900

# Nothing is sent anywhere: each tracker's own switch, and a proxy that answers nobody for what is left.
_QUIET = {
    "CLEARML_OFFLINE_MODE": "1",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "MPLBACKEND": "Agg",
    "NO_PROXY": "localhost,127.0.0.1",
}
# Who runs it, and where, is the same on every machine: it is recorded with the store.
_ANYBODY = """
import getpass, os, platform, socket

socket.gethostname = socket.getfqdn = platform.node = lambda *_: "somewhere"
getpass.getuser = os.getlogin = lambda: "somebody"
"""


class Made(NamedTuple):
    """A store that a tracker made, and what the tracker's own API reads from it."""

    folder: Path
    answers: Any


class Environment:
    """The environment of one tracker.

    Args:
        tracker: The name of its file of pins.

    Raises:
        OSError, subprocess.SubprocessError: It cannot be made.
    """

    def __init__(self, tracker: str) -> None:
        self.tracker = tracker
        self._folder = ENVIRONMENTS / tracker
        self.python = str(self._folder / "bin" / "python")
        self._install()

    def _install(self) -> None:
        pins = PINS / f"{self.tracker}.txt"
        wanted = f"{sys.version}\n{pins.read_text()}\n{_ANYBODY}"
        stamp = self._folder / "installed.txt"
        ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
        with open(ENVIRONMENTS / f"{self.tracker}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the suite may be making it
            if stamp.exists() and stamp.read_text() == wanted:
                return
            shutil.rmtree(self._folder, ignore_errors=True)
            _uv("venv", "--python", sys.executable, str(self._folder))
            _uv(
                "pip",
                "install",
                "--compile-bytecode",
                "--python",
                self.python,
                "--requirements",
                str(pins),
            )
            (site,) = self._folder.glob("lib/python*/site-packages")
            (site / "sitecustomize.py").write_text(_ANYBODY)
            stamp.write_text(wanted)

    def run(
        self,
        program: Path | str,
        folder: Path,
        *arguments: str,
        killed: bool = False,
        beside: Sequence[Path] = (),
    ) -> Any:
        """Run a program of the tests in it; what the program wrote as its answers, None for nothing.

        Args:
            program: A file, or its text.
            folder: The folder that the program makes its store in; its working directory.
            arguments: What the program is given behind the two paths.
            killed: Whether the program ends by SIGKILL.
            beside: Modules that it imports.
        """
        with tempfile.TemporaryDirectory() as temporary:
            home = Path(temporary)
            text = program if isinstance(program, str) else program.read_text()
            (home / "program.py").write_text(text)  # some trackers look at what lies around it
            for module in beside:
                shutil.copy(module, home)
            answers = home / "answers.json"
            folder.mkdir(parents=True, exist_ok=True)
            given = {
                name: value
                for name, value in os.environ.items()
                if name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
            }
            done = subprocess.run(
                [self.python, str(home / "program.py"), str(folder), str(answers), *arguments],
                cwd=folder,
                env={
                    **given,
                    **_QUIET,
                    "HOME": temporary,
                    "USER": "somebody",
                    "TMPDIR": temporary,
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_RUN_LIMIT_S,
            )
            if done.returncode != (-signal.SIGKILL if killed else 0):
                raise AssertionError(
                    f"The program ended with {done.returncode}.\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
                )
            return json.loads(answers.read_text()) if answers.exists() else None

    def make(self, folder: Path) -> Made:
        """The store of the tracker's own program, `tests/trackers/<tracker>/making.py`."""
        return Made(folder, self.run(_room(self.tracker) / "making.py", folder))


@cache
def environment(tracker: str) -> Environment:
    """The environment of a tracker, made where it is missing; in a test, whose run ends as skipped where it cannot be made.

    In continuous integration, that is a failure.
    """
    try:
        return Environment(tracker)
    except (OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI"):
            raise
        said = (getattr(error, "stderr", "") or str(error)).strip()
        pytest.skip(f"the environment of {tracker} cannot be made: {said[-300:]}")


def recorded(tracker: str, folder: Path) -> Made:
    """The recorded store of a tracker, unpacked into a folder."""
    return unpacked(_recording(tracker), folder)


def unpacked(recording: Path, folder: Path) -> Made:
    """A recorded store, unpacked into a folder."""
    with zipfile.ZipFile(recording) as archive:
        answers = json.loads(archive.read("answers.json"))
        for name in archive.namelist():
            if name.startswith("store/"):
                os.utime(archive.extract(name, folder), (_RECORDED_AT, _RECORDED_AT))
    for path in (folder / "store").rglob(
        "*"
    ):  # folders too: a tracker's last sign of life may be theirs
        if path.is_dir():
            os.utime(path, (_RECORDED_AT, _RECORDED_AT))
    return Made(folder / "store", answers)


def record(tracker: str) -> int:
    """Make the store of a tracker again, and record it; the bytes that it takes.

    Raises:
        ValueError: It is too large to be kept in the checkout.
    """
    with tempfile.TemporaryDirectory(prefix="store-") as temporary:
        made = Environment(tracker).make(Path(temporary).resolve() / "store")
        return keep(made, _recording(tracker))


def keep(made: Made, recording: Path) -> int:
    """Record a store that was made; the bytes that it takes.

    Raises:
        ValueError: It is too large to be kept in the checkout.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        _put(archive, "answers.json", json.dumps(made.answers, ensure_ascii=False).encode())
        for path in sorted(made.folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                if path.suffix == ".json":  # some trackers say which Python ran
                    data = data.replace(os.fsencode(ENVIRONMENTS), b"/opt")
                _put(archive, f"store/{path.relative_to(made.folder)}", data)
    if len(packed.getvalue()) > MOST_RECORDED:
        raise ValueError(f"{recording} would take {len(packed.getvalue()):,} bytes.")
    recording.write_bytes(packed.getvalue())
    return len(packed.getvalue())


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)


def pin(tracker: str) -> None:
    """Write down the newest versions that fit what the first line of a tracker's file asks for."""
    pins = PINS / f"{tracker}.txt"
    first = pins.read_text().splitlines()[0]
    asked = first.removeprefix(ASKED).split()
    with _file("\n".join(asked)) as path:
        options = ("--universal", "--no-header", "--no-annotate", "--no-emit-index-url")
        found = _uv("pip", "compile", "--quiet", "--python-version", "3.11", *options, path)
    pins.write_text(f"{first}\n{found}")


@contextmanager
def _file(text: str) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".in") as file:
        file.write(text)
        file.flush()
        yield file.name


def _room(tracker: str) -> Path:
    return HERE / tracker.replace("-", "_")


def _recording(tracker: str) -> Path:
    return _room(tracker) / "recorded.zip"


def _uv(*arguments: str) -> str:
    from uv import find_uv_bin

    done = subprocess.run(
        [find_uv_bin(), "--no-progress", *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=_INSTALL_LIMIT_S,
    )
    return done.stdout


def main() -> None:
    """Pin, or record, the named trackers."""
    what, *trackers = sys.argv[1:]
    for tracker in trackers:
        if what == "pin":
            pin(tracker)
        else:
            print(f"{tracker}: {record(tracker):,} bytes")


if __name__ == "__main__":
    main()
