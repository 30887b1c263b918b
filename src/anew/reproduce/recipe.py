"""What was recorded of how an experiment was run, as far as it takes to run it again."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, ReproduceError, StillRunning
from ..journal.author import login_name
from ..journal.layout import ExperimentLayout
from ..journal.liveness import host_name
from ..journal.writer import LEAD
from ..provenance.command import is_python
from ..provenance.mark import recipe_mark
from ..provenance.script import place_argument
from ..record.captures import unchanged
from ..record.secrets import MASK
from ..record.status import Status
from ..settings import load_settings

if TYPE_CHECKING:
    from ..reading.openings import Opening
    from ..reading.views import ExperimentView

__all__ = ["Recipe", "program_of", "read_recipe", "read_sessions"]

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_KERNEL = ("-m", "anew.reproduce.kernel", "notebook.py")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Recipe:
    """A recipe as recorded.

    Attributes:
        command: The command line, as it was given.
        cwd: The working directory, absolute.
        root: The top of the code's working tree, "" if it is not known.
        commit: None for code that was in no commit: then the patch is all of it.
        patch: The patch of what was not committed; empty if there was none.
        user: Who recorded it, as the record says; with `host`, the machine.
        is_own: Whether that is this user, on this machine, as far as it can be proven (see `provenance.mark`).
        opened_as: What the program called the experiment; None if it was recorded from outside.
        is_worker: Whether a worker process of the program opened it.
        nth: How many experiments the program had opened before; `repeat` how many under the same name.
        requirements: The recorded packages; None where the file is not the one that was recorded.
        notebook: The cells of a notebook, which are what is run; empty for a program. The last word of its command stands for
            the file that has them.
        entry_link: The symbolic link that the script was started by.
        patches: The patches that were recorded, by name: that, and one against the pushed commit that `git` names.
    """

    experiment_id: str
    prefix: str
    user: str
    host: str
    is_own: bool
    command: list[str]
    cwd: str
    entry: str | None
    root: str
    commit: str | None
    patch: bytes
    opened_as: str | None
    is_worker: bool
    nth: int
    repeat: int
    git: Mapping[str, Any]
    submodules: Mapping[str, str]
    environment: Mapping[str, Any]
    variables: Mapping[str, str]
    inputs: Mapping[str, Mapping[str, Any]]
    requirements: bytes | None
    patches: Mapping[str, bytes] = field(default_factory=dict)
    notebook: bytes = b""
    entry_link: str | None = None

    @property
    def recorded_by(self) -> str:
        """Such as "alice@node7"."""
        return f"{self.user or 'unknown'}@{self.host or 'unknown'}"

    @property
    def import_paths(self) -> list[str]:
        """The folders that the program imported from, relative to the code."""
        return _texts(self.environment.get("paths"))

    @property
    def python_version(self) -> str:
        """Such as "3.11.7"; "" if it is not known."""
        return str(self.environment.get("python") or "")

    @property
    def ran_outside(self) -> bool:
        """Whether the working directory was outside the code."""
        return not place_argument(self.cwd, {"work": self.root})[0]

    def from_pushed(self) -> Recipe | None:
        """The recipe as the newest pushed commit and a patch against it; None where that was not recorded."""
        commit = self.git.get("pushed")
        patch = self.patches.get("pushed.patch")
        if patch is None or not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
            return None
        git = dict(self.git)
        for what in ("left_out", "masked"):
            more = git.get(f"pushed_{what}")
            if more and isinstance(more, type(git.get(what) or more)):
                git[what] = {**(git.get(what) or {}), **more} if what == "left_out" else more
        return replace(self, commit=commit, patch=patch, git=git)

    def placed(self, argument: str, work: str, bin_folder: str) -> str:
        """An argument with the recorded places in it replaced by those of a re-run."""
        head, equals, path = argument.partition("=")
        if argument.startswith("-") and equals:
            return f"{head}={self.placed(path, work, bin_folder)}"
        if self.entry_link and self.entry and os.path.join(self.cwd, argument) == self.entry_link:
            argument = self.entry
        prefix = str(self.environment.get("prefix") or "")
        roots = {"bin": os.path.join(prefix, "bin") if prefix else "", "work": self.root}
        if self.ran_outside and os.sep in argument and not os.path.isabs(argument):
            # A path into the code, as seen from a folder that the re-run does not run in.
            seen = os.path.normpath(os.path.join(self.cwd, argument))
            argument = seen if place_argument(seen, {"work": self.root})[0] else argument
        place, rest = place_argument(argument, roots)
        if not place:
            return argument
        return os.path.join({"bin": bin_folder, "work": work}[place], rest) if rest else work

    def command_in(self, work: str, python: str) -> list[str]:
        """The command line for a re-run in the folder `work` with that interpreter."""
        bin_folder = os.path.dirname(python)
        words = [self.placed(word, work, bin_folder) for word in self.command]
        if is_python(self.command[0]):
            words[0] = python
        return words

    def cwd_in(self, work: str, outside: str) -> str:
        """The working directory of a re-run; `outside` where the recorded one was outside the code."""
        place, rest = place_argument(self.cwd, {"work": self.root})
        return os.path.join(work, rest).rstrip(os.sep) if place else outside

    def place_of(self, path: str, work: str, outside: str) -> str | None:
        """Where a re-run looks for a file that lay in the code or in the working directory; None for one elsewhere."""
        for recorded, here in ((self.root, work), (self.cwd if self.ran_outside else "", outside)):
            place, rest = place_argument(path, {"here": recorded})
            if place and rest:
                return os.path.join(here, rest)
        return None


def read_recipe(view: ExperimentView, command: Sequence[str] | None = None) -> Recipe:
    """The recipe of an experiment.

    Args:
        command: Stands for the recorded command line.

    Raises:
        StillRunning: The experiment is still running.
        ReproduceError: What was recorded is not enough to run it again; the message says what is missing.
    """
    if view.status in (Status.RUNNING, Status.PENDING):
        raise StillRunning(
            f"The experiment {view.prefix} is still running. Wait until it has ended."
        )
    return _read(view, None, command)


def read_sessions(view: ExperimentView) -> list[tuple[list[Opening], Recipe]]:
    """The recipes of an experiment that was continued by starting its program again: one for each process that opened it.

    What a process opens several times is one session, and so is all that workers of one program open. Openings by another
    program, such as an evaluation, are not among them.

    Raises:
        StillRunning: The experiment is still running.
        ReproduceError: What was recorded is not enough to run one of them again.
    """
    program = program_of(view.captured.get("command"))
    found: dict[Any, list[Opening]] = {}
    for one in view.openings:
        command = one.captured.get("command")
        if program_of(command) == program:
            worker = isinstance(command, Mapping) and command.get("worker") is True
            found.setdefault("workers" if worker else one.process, []).append(one)
    return [(openings, _read(view, openings[0], None)) for openings in found.values()]


def program_of(command: Any) -> Any:
    """What tells one program from another: its script, else its command line; None where nothing was captured."""
    if not isinstance(command, Mapping):
        return None
    return command.get("entry") or tuple(command.get("argv") or ()) or None


def _read(view: ExperimentView, opening: Opening | None, command: Sequence[str] | None) -> Recipe:
    """The recipe of an opening; of the one whose recipe is the experiment's if None."""
    captured = view.captured if opening is None else opening.captured
    recorded, git = _fact(captured, "command"), _fact(captured, "git")
    words = list(command) if command else _texts(recorded.get("launcher") or recorded.get("argv"))
    notebook = b"" if command else _read_notebook(view, opening, captured)
    if notebook:
        words = [str(_fact(captured, "environment").get("executable") or "python"), *_KERNEL]
    _check_command(view, recorded, words, given=bool(command or notebook))
    commit, patch = _commit(view, git.get("commit")), _read_patch(view, opening, git)
    program = {**_fact(captured, "program"), **recorded}
    if commit is None and not patch:
        raise ReproduceError(
            f"The code of {view.prefix} was not captured: there was no git repository and no "
            "script. Put the code "
            "under git, run it, and reproduce that run.",
            why="no code",
        )
    return Recipe(
        experiment_id=view.id,
        prefix=view.prefix,
        user=(opening.user if opening is not None else view.user) or "",
        host=(opening.host if opening is not None else view.host) or "",
        is_own=_is_own(view, opening, captured),
        command=words,
        cwd=str(recorded.get("cwd") or git.get("root") or ""),
        entry=_text(recorded.get("entry")),
        root=str(git.get("root") or ""),
        commit=commit,
        patch=patch,
        opened_as=_text(program.get("opened_as")),
        is_worker=program.get("worker") is True,
        nth=_whole(program.get("nth")),
        repeat=_whole(program.get("repeat")),
        git=git,
        environment=_fact(captured, "environment"),
        variables={
            name: value
            for name, value in _fact(captured, "variables").items()
            if isinstance(value, str) and _VARIABLE.fullmatch(name) and "\0" not in value
        },
        submodules=_submodules(view, git),
        inputs={k: v for k, v in _fact(captured, "inputs").items() if isinstance(v, Mapping)},
        requirements=_read_requirements(view, opening, captured),
        notebook=notebook,
        entry_link=_text(recorded.get("entry_link")),
        patches=_patches(patch, _read_pushed(view, opening, git)),
    )


def _fact(captured: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    found = captured.get(what)
    return found if isinstance(found, Mapping) else {}


def _is_own(view: ExperimentView, opening: Opening | None, captured: Mapping[str, Any]) -> bool:
    """Whether this user recorded it on this machine: as the record says, and as it cannot say of what others made up."""
    ours = {login_name(), load_settings().user or login_name()}
    who = view if opening is None else opening
    if (who.user or "") not in ours or who.host != host_name():
        return False
    mark = recipe_mark(captured)
    if not mark or _fact(captured, "mark").get("recipe") != mark:
        return False
    return _is_ours(view)


def _is_ours(view: ExperimentView) -> bool:
    """Whether the files that hold the recipe belong to this user: another one of this machine knows its id too."""
    getuid = getattr(os, "getuid", None)  # Windows has none
    try:
        folder = ExperimentLayout(str(view.path))
        paths = [folder.events(writer) for writer in view.writers if LEAD in writer]
        owners = {os.lstat(path).st_uid for path in paths}
    except (NotFound, OSError):
        return False
    return getuid is None or owners == {getuid()}


def _texts(value: object) -> list[str]:
    """A recorded list of texts; empty for anything else: what was recorded may have been written by anybody."""
    if isinstance(value, (list, tuple)) and all(
        isinstance(v, str) and "\0" not in v for v in value
    ):
        return list(value)
    return []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int:
    return value if type(value) is int and 0 <= value < 1 << 31 else 0


def _commit(view: ExperimentView, value: object) -> str | None:
    """The recorded commit; what is none could be taken for an option of git."""
    if value is None or (isinstance(value, str) and _COMMIT.fullmatch(value)):
        return value
    raise ReproduceError(
        f"The recorded commit of {view.prefix} is not a commit: {value!r}.", why="bad record"
    )


def _submodules(view: ExperimentView, git: Mapping[str, Any]) -> dict[str, str]:
    found = git.get("submodules") or {}
    for path, commit in found.items() if isinstance(found, Mapping) else [("", None)]:
        parts = path.split("/")
        inside = not {"", ".", "..", ".git"}.intersection(parts) and "\\" not in path
        if not inside or not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
            raise ReproduceError(
                f"The recorded submodule {path!r} of {view.prefix} is not one: its path would leave "
                "the checkout, or its commit is not a commit.",
                why="bad record",
            )
    return dict(found)


def _check_command(
    view: ExperimentView, recorded: Mapping[str, Any], words: list[str], *, given: bool
) -> None:
    again = f"`anew reproduce {view.id[:6]} -- COMMAND …` runs it with the command that you give."
    if recorded.get("notebook") and not given:
        raise ReproduceError(
            f"{view.prefix} was recorded in a notebook, which cannot be run as a command; the "
            "cells it ran are in "
            f"environment/notebook.py of its folder. {again}",
            why="notebook",
        )
    if not words:
        raise ReproduceError(
            f"No command was recorded for {view.prefix}. {again}", why="no command"
        )
    if any(MASK in word for word in words):
        raise ReproduceError(
            f"The recorded command of {view.prefix} contained a secret, which was not saved: "
            f"{' '.join(words)}. {again}",
            why="secret",
        )
    if is_python(words[0]) and not any(
        not w.startswith("-") or w in ("-c", "-m") for w in words[1:]
    ):
        raise ReproduceError(
            f"{view.prefix} was recorded in an interactive session: there is no program to run. "
            f"{again}",
            why="interactive",
        )


def _read_requirements(
    view: ExperimentView, opening: Opening | None, captured: Mapping[str, Any]
) -> bytes | None:
    found = view.read_capture("requirements.txt", opening) or b""
    return found if unchanged(captured, "requirements.txt", found) else None


def _read_notebook(
    view: ExperimentView, opening: Opening | None, captured: Mapping[str, Any]
) -> bytes:
    """The recorded cells; empty where it was no notebook.

    Raises:
        ReproduceError: They are not what was recorded, or a secret in them was not saved.
    """
    facts = _fact(captured, "notebook")
    if _fact(captured, "command").get("notebook") is not True or not facts.get("source"):
        return b""
    found = view.read_capture("notebook.py", opening) or b""
    again = f"`anew reproduce {view.id[:6]} -- COMMAND …` runs it with the command that you give."
    if not unchanged(captured, "notebook.py", found):
        raise ReproduceError(
            f"environment/notebook.py of {view.prefix} is not the list of cells that was recorded. {again}",
            why="notebook",
        )
    if facts.get("masked"):
        raise ReproduceError(
            f"The cells of {view.prefix} contained a secret, which was not saved. {again}",
            why="secret",
        )
    return found


def _patches(patch: bytes, pushed: bytes | None) -> dict[str, bytes]:
    found = {"git.patch": patch, "pushed.patch": pushed}
    return {name: one for name, one in found.items() if one}


def _read_pushed(
    view: ExperimentView, opening: Opening | None, git: Mapping[str, Any]
) -> bytes | None:
    wanted = git.get("pushed_patch")
    found = (view.read_capture("pushed.patch", opening) or b"") if wanted else b""
    return found if wanted and hashlib.sha256(found).hexdigest() == wanted else None


def _read_patch(view: ExperimentView, opening: Opening | None, git: Mapping[str, Any]) -> bytes:
    wanted = git.get("patch")
    if not wanted:
        return b""
    patch = view.read_capture("git.patch", opening) or b""
    if hashlib.sha256(patch).hexdigest() != wanted:
        state = "has been changed" if patch else "is gone"
        raise ReproduceError(
            f"The patch of uncommitted changes of {view.prefix} {state}: environment/git.patch "
            "in its folder. Without it, the code is not the code that was run.",
            why="no patch",
        )
    return patch
