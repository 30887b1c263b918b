"""Where experiments that clients send are filed: one place for each id, and one id at each prefix."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ...errors import InvalidName, InvalidValue
from ...journal.identify import identify
from ...journal.layout import OWN_FOLDERS, is_experiment
from ...journal.root import make_root
from ...journal.storage import FolderStorage
from ...reading.local.root import OpenRoot
from ...reading.local.seen import Seen
from ...record.events import FORMAT_VERSION
from ...record.ids import new_id
from ...record.names import check_prefix, numbered, split_number

__all__ = ["Filings", "Home"]

_REMEMBERED = 100_000
_MOST_NUMBER = 100_000
_LATELY = 0.25
"""Seconds that it is remembered which experiments were deleted."""


class Home(NamedTuple):
    """Where an experiment is filed and lies; `folder` is a path, `user` who recorded it, where that is known."""

    id: str
    prefix: str
    folder: str
    user: str | None = None


class Filings:
    """The experiments of a root by their ids. Any thread may use it.

    Args:
        root: The root, which is open.
    """

    def __init__(self, root: OpenRoot) -> None:
        self._root = root
        self._layout = root.stores.root
        self._homes: dict[str, Home] = {}
        self._guard = threading.Lock()
        self._deleted: tuple[Mapping[str, str], float] = ({}, 0.0)

    def deleted(self, *, lately: bool = False) -> Mapping[str, str]:
        """The experiments that were deleted, by id, and where they were filed.

        Args:
            lately: As of a moment ago, which is enough for those whose folders are still there.
        """
        known, until = self._deleted
        if not lately or time.monotonic() >= until:
            until = time.monotonic() + _LATELY
            events = self._root.journal.state().deleted()
            known = {i: event.prefix for i, event in events.items()}
            self._deleted = (known, until)
        return known

    def find(self, ids: Collection[str]) -> dict[str, Home]:
        """Where those of some experiments lie that are there."""
        found, unknown = {}, []
        for one in ids:
            home = self._homes.get(one)
            if home is not None and os.path.isdir(os.path.join(home.folder, "journal")):
                found[one] = home
            else:
                unknown.append(one)
        if unknown:
            missing = self._look_up(unknown, found)
            if any(one in self._homes for one in missing):  # it was moved a moment ago
                self._root.refresh()
                self._look_up(missing, found)
        return found

    def _look_up(self, ids: list[str], found: dict[str, Home]) -> list[str]:
        """Add those of some experiments that the catalog knows; the others."""
        for known in self._root.ask(lambda catalog: catalog.known(ids=ids), fresh=False):
            folder = self._root.folder(known.prefix)
            if os.path.isdir(os.path.join(folder, "journal")) and self._is_inside(folder):
                user = None
                if "/" not in known.prefix:  # such an experiment lies in its user's own project
                    user = next(
                        (f.user for f in Seen(self._root).facts([known.experiment_id])), None
                    )
                found[known.experiment_id] = Home(known.experiment_id, known.prefix, folder, user)
        self._remember([found[one] for one in ids if one in found])
        return [one for one in ids if one not in found]

    def file(self, experiment_id: str, prefix: str, about: bytes | None = None) -> Home:
        """Make a place for a new experiment: at the prefix, or if that is taken, with `~2`, `~3` … behind it.

        Args:
            about: Its document for people, where that is at hand.

        Raises:
            InvalidName, InvalidValue: There can be no experiment at that prefix.
            OSError: It cannot be made.
        """
        base, number = split_number(check_prefix(prefix))
        self._check_above(base)
        if not os.path.isdir(self._layout.root):
            make_root(self._layout)
        for nth in range(number or 1, _MOST_NUMBER):
            name = numbered(base, nth)
            folder = self._layout.experiment(name).folder
            if self._claim(folder, experiment_id, name, about):
                home = Home(experiment_id, name, folder)
                self._remember([home])
                return home
        raise InvalidName(f"There are {_MOST_NUMBER} experiments at {base!r}.", name=base)

    def _remember(self, homes: list[Home]) -> None:
        with self._guard:
            if len(self._homes) > _REMEMBERED:
                self._homes.clear()
            self._homes.update((home.id, home) for home in homes)

    def _check_above(self, prefix: str) -> None:
        segments = prefix.split("/")
        for number, segment in enumerate(segments[1:], 1):
            if segment in OWN_FOLDERS:
                above = self._layout.experiment("/".join(segments[:number])).folder
                if is_experiment(above):
                    raise InvalidName(
                        f"{prefix!r} would lie among the files of another experiment.", name=prefix
                    )

    def _is_inside(self, folder: str) -> bool:
        at = self._layout.root
        for part in os.path.relpath(folder, at).split(os.sep):
            at = os.path.join(at, part)
            try:
                if stat.S_ISLNK(os.lstat(at).st_mode):
                    break
            except FileNotFoundError:
                return True
        else:
            return True
        real, inside = os.path.realpath(folder), os.path.realpath(self._layout.root)
        return real.startswith(os.path.join(inside, ""))

    def _claim(
        self, folder: str, experiment_id: str, prefix: str, about: bytes | None = None
    ) -> bool:
        """Take a folder for an experiment; whether it is its own. Of several who try at once, one gets it.

        The index hears of it once there is something to read.
        """
        if not self._is_inside(folder):
            raise InvalidValue(
                f"{prefix!r} lies behind a link, outside of the store.", key="prefix"
            )
        identity = os.path.join(folder, "metadata.json")
        if is_experiment(folder) or os.path.lexists(identity):
            if identify_or_claimed(folder) != experiment_id:
                return False
        else:
            os.makedirs(folder, exist_ok=True)
            draft = f"{identity}.{new_id()}.tmp"
            with open(draft, "xb") as file:
                file.write(about or _about(experiment_id, prefix))
            try:
                os.link(draft, identity)
            except FileExistsError:
                if identify_or_claimed(folder) != experiment_id:
                    return False
            finally:
                os.unlink(draft)
        os.makedirs(os.path.join(folder, "journal"), exist_ok=True)
        return True


def _about(experiment_id: str, prefix: str) -> bytes:
    """A document for people that says no more than whose folder it is."""
    said = {"format": FORMAT_VERSION, "experiment_id": experiment_id, "prefix": prefix}
    return json.dumps(said, indent=2).encode() + b"\n"


def identify_or_claimed(folder: str) -> str | None:
    """The id of the experiment in a folder, or the one that a folder without a record was claimed for."""
    storage = FolderStorage(folder)
    if is_experiment(folder):
        try:
            found = identify(storage)
            if found is not None:
                return found
        except OSError:
            return None
    try:
        about = json.loads(storage.read("metadata.json", 0, 1 << 20))
        found_id = about["experiment_id"]
        return found_id if isinstance(found_id, str) else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
