"""The experiments of a folder that may be a whole store, a part of one, or a single experiment."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from ..importing.foreign import is_hollow
from ..importing.source import Finding
from ..journal.identify import tenants
from ..journal.layout import RootLayout, is_experiment
from ..journal.residents import FolderJournals
from ..sync.local import Local, find

__all__ = ["Met", "experiments_in", "first_hollow", "is_store", "is_within_reach", "store_in"]

_DEPTH = 6
_LOOKED_AT = 3_000


class Met(NamedTuple):
    """An experiment of a folder: where it lies and what it has, the prefix that it is called by, and when it began."""

    local: Local
    prefix: str
    started: float


def is_store(folder: str) -> bool:
    """Whether a folder is the root of a store."""
    return os.path.isdir(RootLayout(folder).private)


def is_within_reach(folder: str) -> bool:
    """Whether experiments lie in a folder or a little below it; stores of their own that lie there do not count."""
    if is_store(folder) or _has_events(folder):
        return True
    looked = 0
    level = [folder]
    for _ in range(_DEPTH):
        below = []
        for at in level:
            try:
                with os.scandir(at) as entries:
                    inside = [e.path for e in entries if _is_plain_folder(e)]
            except OSError:
                continue
            for path in inside:
                looked += 1
                if looked > _LOOKED_AT:
                    return False
                if is_store(path):
                    continue
                if _has_events(path):
                    return True
                below.append(path)
        level = below
    return False


def store_in(folder: str) -> str:
    """Where the store lies in a folder that an archive was unpacked into: the folder itself, or the only one in it."""
    at = folder
    while not (is_store(at) or is_experiment(at)):
        try:
            inside = list(os.scandir(at))
        except OSError:
            break
        if len(inside) != 1 or not inside[0].is_dir(follow_symlinks=False):
            break
        at = inside[0].path
    return at if is_store(at) or is_experiment(at) else folder


def experiments_in(folder: str, findings: list[Finding]) -> Iterator[Met]:
    """The experiments of a folder, as they are called there; what cannot be read becomes a finding."""

    def unreadable(prefix: str, error: OSError) -> None:
        findings.append(
            Finding(
                os.path.join(folder, prefix), f"It cannot be read: {error.strerror or error}.", True
            )
        )

    alone = is_experiment(folder)
    base = RootLayout(os.path.dirname(os.path.abspath(folder)) if alone else folder)
    name = os.path.basename(os.path.abspath(folder))
    closed: dict[str, OSError] = {}
    inside = RootLayout(folder).walk(closed)
    prefixes = [f"{name}/{prefix}" for prefix in inside] if alone else list(inside)
    for prefix, error in closed.items():
        unreadable(prefix, error)
    if alone:
        prefixes.insert(0, name)
    plain = []
    for prefix in sorted(prefixes):
        if _is_behind_link(base.root, prefix):
            findings.append(
                Finding(
                    os.path.join(base.root, prefix), "It lies behind a link, and is left out.", True
                )
            )
        elif hollow := first_hollow(os.path.join(base.root, *prefix.split("/"))):
            what = (
                "Nearly all of it is holes: it would fill a disk, and its experiment is left out."
            )
            findings.append(Finding(hollow, what, True))
        else:
            plain.append(prefix)
    whole = is_store(folder) and not alone
    for local in find(base, FolderJournals(base), {}, prefixes=plain, failed=unreadable):
        try:
            own = next(one for one in tenants(local.storage) if one.experiment_id == local.id)
            started, filed = own.first, own.filed
        except (OSError, StopIteration):
            started, filed = 0.0, frozenset[str]()
        yield Met(local, local.prefix if whole else _called(local.prefix, filed), started)


def first_hollow(folder: str) -> str | None:
    """A file below a folder that is large for its holes alone."""
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if is_hollow(path):
                return path
    return None


def _called(relative: str, filed: frozenset[str]) -> str:
    """The prefix of an experiment of which only a part of the path is known, by what its writers said."""
    fitting = [one for one in filed if one == relative or one.endswith(f"/{relative}")]
    if fitting:
        return max(fitting, key=len)
    if "/" not in relative and (said := sorted(filed - {""})):
        return said[-1]  # the folder of one experiment, which was given another name
    return relative


def _has_events(folder: str) -> bool:
    """Whether it is an experiment's folder, and no other with a folder called journal."""
    try:
        names = os.listdir(os.path.join(folder, "journal"))
    except OSError:
        return False
    for name in names[:100]:
        if name.endswith(".jsonl"):
            path = os.path.join(folder, "journal", name)
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as file:
                        return file.read(12).startswith(b'{"k":"')
            except OSError:
                continue
    return False


def _is_plain_folder(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _is_behind_link(root: str, prefix: str) -> bool:
    at = root
    for part in prefix.split("/"):
        at = os.path.join(at, part)
        if os.path.islink(at):
            return True
    return False
