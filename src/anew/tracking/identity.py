"""What an opening is called: a prefix or a name, and which experiments there are of it already."""

from __future__ import annotations

import os

from ..errors import InvalidName
from ..journal.layout import ExperimentLayout, RootLayout, is_experiment, would_hide
from ..journal.writer import LEAD
from ..record.ids import ID_LENGTH, is_like_id
from ..record.names import (
    RESERVED,
    check_label,
    check_prefix,
    folder_name,
    numbered,
    split_number,
)
from ..record.plain import parse_json
from ..record.secrets import MASK, mask_text
from .documents import read_identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Known", "Named", "Place", "find_by_id", "named", "said_of"]

_TAIL_BYTES = 1 << 16


class Place:
    """Where an opening goes.

    Attributes:
        prefix, name, layout: Of the experiment.
        experiment_id: The id it has or is to have.
        opening: What its writer names as its opening: the same for all that open it together.
        is_new: Whether the experiment is to be made; it is not, if another process is quicker.
        joins: Whether this program, or one that started it, has it open already.
        all_over: Whether every earlier opening is known to have ended: the launcher started its job again.
    """

    __slots__ = (
        "all_over",
        "experiment_id",
        "is_new",
        "joins",
        "layout",
        "name",
        "opening",
        "prefix",
    )

    def __init__(
        self,
        root: RootLayout,
        prefix: str,
        name: str,
        experiment_id: str,
        opening: str,
        *,
        is_new: bool = False,
        joins: bool = False,
        all_over: bool = False,
    ) -> None:
        self.prefix = prefix
        self.name = name
        self.experiment_id = experiment_id
        self.opening = opening
        self.is_new = is_new
        self.joins = joins
        self.all_over = all_over
        self.layout: ExperimentLayout = root.experiment(prefix)


class Known:
    """An experiment that is there; what is read of it here is what the choice needs, and no more."""

    __slots__ = ("_root", "layout", "prefix")

    def __init__(self, root: RootLayout, prefix: str) -> None:
        self._root = root
        self.prefix = prefix
        self.layout = root.experiment(prefix)

    @property
    def id(self) -> str:
        """Its id, "" if it cannot be read."""
        known = read_identity(self.layout.metadata)
        if known is None:
            known = next((line for _, line in self.opened()), {})
        return str(known.get("experiment_id") or "")

    @property
    def created_at(self) -> str:
        """When it was made, as its document has it; texts of this kind sort by time."""
        return str((read_identity(self.layout.metadata) or {}).get("created_at") or "")

    def opened(self, label: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """What its writers said when they began, newest number first.

        Args:
            label: Only of the writers called so.
        """
        for writer in reversed(self.layout.writers()):
            if label and f"-{label}-" not in writer:
                continue
            try:
                with open(self.layout.events(writer), "rb") as file:
                    line = parse_json(file.readline(16 << 20))
            except (OSError, ValueError):
                continue
            if isinstance(line, dict) and line.get("k") == "opened":
                yield writer, line

    def has_ended(self, writer: str) -> bool:
        """Whether a writer wrote its end."""
        try:
            with open(self.layout.events(writer), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
                return b'"k":"closed"' in file.read().rstrip(b"\n").rpartition(b"\n")[2]
        except OSError:
            return True

    def lead(self) -> dict[str, Any]:
        """What its newest lead said when it began; empty without one."""
        return next((line for _, line in self.opened(LEAD.strip("-"))), {})


class Named:
    """What an opening is called, and the experiments that are called so.

    Args:
        prefix: Its prefix; "" where it has a name alone.
        name: Its name.
        project: The folder of experiments opened by name.
    """

    __slots__ = ("_root", "name", "prefix", "project")

    def __init__(self, root: RootLayout, prefix: str, name: str, project: str | None) -> None:
        self._root = root
        self.prefix = prefix
        self.name = name
        self.project = project

    @property
    def key(self) -> str:
        """A text for what is called alike, in any root."""
        return self.prefix or f"{self.project}\0{self.name}"

    def known(self) -> list[Known]:
        """The experiments that are called so, the newest first."""
        if not self.prefix:
            return self._of_that_name()
        folder, _, last = os.path.join(self._root.root, *self.prefix.split("/")).rpartition(os.sep)
        found = []
        try:
            names = os.listdir(folder)
        except OSError:
            return []
        for name in names:
            start, number = split_number(name)
            if name == last or (start == last and number > 1):
                prefix = numbered(self.prefix, 1 if name == last else number)
                if _is_there(self._root, prefix):
                    found.append((0 if name == last else number, prefix))
        return [Known(self._root, prefix) for _, prefix in sorted(found, reverse=True)]

    def _of_that_name(self) -> list[Known]:
        folder = os.path.join(self._root.root, *(self.project or "").split("/"))
        try:
            names = os.listdir(folder)
        except OSError:
            return []
        start = f"{folder_name(self.name)}-"
        found = []
        for name in names:
            rest = name[len(start) :]
            if name.startswith(start) and len(rest) == ID_LENGTH and is_like_id(rest):
                prefix = name if self.project is None else f"{self.project}/{name}"
                if _is_there(self._root, prefix):
                    found.append(Known(self._root, prefix))
        return sorted(found, key=lambda one: one.created_at, reverse=True)

    def place(self, known: list[Known], experiment_id: str, opening: str) -> Place:
        """The place of a new one beside those that are there."""
        if self.prefix:
            newest = split_number(known[0].prefix)[1] if known else 0
            number = max(newest, 1) + 1 if known else 1
            prefix = numbered(self.prefix, number)
        else:
            folder = f"{folder_name(self.name)}-{experiment_id}"
            prefix = check_prefix(folder if self.project is None else f"{self.project}/{folder}")
        return Place(self._root, prefix, self.name, experiment_id, opening, is_new=True)


def named(root: RootLayout, given: str, *, project: str | None, is_prefix: bool = False) -> Named:
    """What the first argument of `Experiment` means.

    With a slash, or when `is_prefix` says so, it is a prefix. Without, it is a name: its experiment gets a folder of
    its own.

    Raises:
        InvalidName: It cannot be a prefix or a name.
    """
    if not isinstance(given, str):
        raise InvalidName(
            f"The prefix or name of an experiment must be a string, not {type(given).__name__} {given!r:.50}.",
            name=given,
        )
    if is_prefix or "/" in given or "\\" in given:
        prefix = check_prefix(given if project is None else f"{project}/{given}")
        last = prefix.rsplit("/", 1)[-1]
        if split_number(last)[1]:
            raise InvalidName(
                f"The prefix {prefix!r} ends in '~' and a number, which Anew adds itself when a prefix is opened again. "
                f"Leave it out; to continue that experiment, give its id as resume=.",
                name=prefix,
            )
        _refuse_secret(prefix)
        _check_parents(root, prefix)
        return Named(root, prefix, last, None)
    name = mask_text(check_label(given, "name"))
    if name in (".", ".."):
        check_prefix(name)
    folder = f"{folder_name(name)}-{'x' * ID_LENGTH}"
    prefix = check_prefix(folder if project is None else f"{project}/{folder}")
    _check_parents(root, prefix)
    return Named(root, "", name, project)


def find_by_id(root: RootLayout, experiment_id: str) -> Known | None:
    """The experiment with that id, wherever it lies: as the root's journal says, else found by walking."""
    for prefix in dict.fromkeys(_announced(root, experiment_id)):
        if _is_there(root, prefix) and (known := Known(root, prefix)).id == experiment_id:
            return known
    if not os.path.isdir(root.root):
        return None
    for prefix in root.walk():
        if (known := Known(root, prefix)).id == experiment_id:
            return known
    return None


def _announced(root: RootLayout, experiment_id: str) -> Iterator[str]:
    """The prefixes that the root's journal names for an id, the newest of each file first."""
    for found in said_of(root, experiment_id):
        try:
            yield check_prefix(found.get("prefix"))
        except ValueError:
            continue


def said_of(root: RootLayout, experiment_id: str) -> Iterator[dict[str, Any]]:
    """The lines of the root's journal about an experiment, the newest of each file first."""
    from ..journal.root import journal_files

    mark = experiment_id.encode("utf-8", "replace")
    for name in journal_files(root):
        try:
            with open(os.path.join(root.journal, name), "rb") as file:
                lines = [line for line in file if mark in line]
        except OSError:
            continue
        for line in reversed(lines):
            try:
                found = parse_json(line)
            except ValueError:
                continue
            if isinstance(found, dict) and found.get("experiment_id") == experiment_id:
                yield found


def _is_there(root: RootLayout, prefix: str) -> bool:
    folder = root.experiment(prefix)
    return is_experiment(folder.folder) or read_identity(folder.metadata) is not None


def _refuse_secret(prefix: str) -> None:
    """Refuse a prefix that holds a credential: it becomes folders, and is shown wherever the experiment is.

    Raises:
        InvalidName: It does.
    """
    shown = mask_text(prefix)
    if shown != prefix:
        raise InvalidName(
            f"The prefix {shown!r} contains what looks like a secret (shown as {MASK}). Prefixes become folders, "
            "and everyone who can see the store can read them. Leave it out.",
            name=shown,
        )


def _check_parents(root: RootLayout, prefix: str) -> None:
    """An experiment may lie inside another one's folder, but not where that one keeps its own things, in either order."""
    segments = prefix.split("/")
    for i, segment in enumerate(segments[1:], 1):
        if segment in RESERVED and is_experiment(os.path.join(root.root, *segments[:i])):
            raise InvalidName(
                f"The prefix {prefix!r} would lie in the folder {segment!r} of the experiment "
                f"{'/'.join(segments[:i])!r}. Choose another name for that segment.",
                name=prefix,
            )
    inside = would_hide(root.experiment(prefix).folder)
    if inside is not None:
        raise InvalidName(
            f"The prefix {prefix!r} would hide the experiment {os.path.relpath(inside, root.root)!r}, which lies where it would "
            "keep things of its own. Choose another prefix, or move that one first.",
            name=prefix,
        )
