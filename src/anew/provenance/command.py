"""How the process was started: its command line, entry script and working directory."""

from __future__ import annotations

import os
import re
import sys

from ..record.secrets import mask_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["absolute", "command_facts", "is_python", "is_worker", "joined_arguments"]

_PYTHON = re.compile(r"^(python|pypy)[\d.]*(\.exe)?$")
_LAUNCHER = re.compile(
    r"torchrun|torch\.distributed|accelerate|deepspeed|mpirun|mpiexec|horovodrun"
)


def is_python(program: str) -> bool:
    """Whether the first word of a command line is a Python interpreter."""
    return bool(_PYTHON.match(os.path.basename(program)))


def absolute(path: str | None) -> str | None:
    """An absolute path; a relative one stays as it is where the working directory was deleted."""
    try:
        return os.path.abspath(path) if path else None
    except OSError:
        return path


def command_facts(*, world_size: int | None = None) -> dict[str, Any]:
    """The command line with secrets masked, the entry script, the working directory; the launcher of many ranks."""
    main = sys.modules.get("__main__")
    entry = getattr(main, "__file__", None)
    try:
        cwd = os.getcwd()
    except OSError:  # the working directory was deleted, or may not be entered any more
        cwd = ""
    # An interpreter inside another program may have neither.
    arguments = getattr(sys, "orig_argv", None) or getattr(sys, "argv", None) or []
    facts: dict[str, Any] = {
        "argv": mask_arguments([str(argument) for argument in arguments]),
        "cwd": cwd,
        "entry": absolute(entry),
        "python": sys.version.split()[0],
    }
    if entry and os.path.islink(
        entry
    ):  # the code lies where the script does, and not where the link is
        facts |= {"entry": os.path.realpath(entry), "entry_link": absolute(entry)}
    facts |= _program_of_worker([str(argument) for argument in arguments])
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        facts["worker"] = True
    if "ipykernel" in sys.modules:
        facts["notebook"] = True
    if (world_size or 1) > 1:
        launcher = _arguments_of(os.getppid())
        if _LAUNCHER.search(" ".join(launcher)):
            facts["launcher"] = mask_arguments(launcher)
    return facts


_WORKER = re.compile(
    r"multiprocessing\.(spawn|forkserver|resource_tracker)|loky|popen_loky|joblib\.externals|--multiprocessing-fork"
)
_DEEPEST = 16


def is_worker() -> bool:
    """Whether this process is a worker of a program."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        return True
    return bool(_WORKER.search(" ".join(getattr(sys, "orig_argv", None) or [])))


def _program_of_worker(arguments: Sequence[str]) -> dict[str, Any]:
    """What started the program that a spawned worker belongs to: its own command line only tells how it was spawned."""
    pid, words = os.getppid(), list(arguments)
    for _ in range(_DEEPEST):
        if not _WORKER.search(" ".join(words)):
            break
        words = _arguments_of(pid)
        found, pid = pid, _parent_of(pid)
    else:
        return {}
    if words == list(arguments) or not words:
        return {}
    try:
        cwd = os.readlink(f"/proc/{found}/cwd")
    except OSError:
        return {}
    facts: dict[str, Any] = {"argv": mask_arguments(words), "cwd": cwd, "worker": True}
    script = getattr(sys.modules.get("__mp_main__"), "__file__", None) or next(
        (word for word in words[1:] if word.endswith(".py")), None
    )
    if script:
        facts["entry"] = os.path.normpath(os.path.join(cwd, script))
    return facts


def _parent_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _arguments_of(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
    except OSError:
        return []


def joined_arguments(arguments: Sequence[str]) -> str:
    """A command line as one would type it."""
    import shlex

    return shlex.join(arguments)
