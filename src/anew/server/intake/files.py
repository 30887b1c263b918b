"""Files that arrive with a name, and where they are put."""

from __future__ import annotations

import contextlib
import os
import stat

from blake3 import blake3

from ...blobs.linked import hash_file
from ...reading.local.root import OpenRoot
from ...sync.wire import MOST_BYTES, Kept, Named
from ..callers import Caller
from .contents import Arrivals, is_hash, place
from .filing import Home
from .identity import is_about
from .names import check_path, is_replaceable, prepare
from .parts import part_of, place_lines, place_part
from .segments import keep_beside

__all__ = ["Files"]

_SHARED = ("files/", "environment/", "openings/")


class Files:
    """Gives names to contents in the folders of experiments. Any thread may use it.

    Args:
        root: The root that the experiments lie in.
        arrivals: The contents that have arrived.
    """

    def __init__(self, root: OpenRoot, arrivals: Arrivals) -> None:
        self._root = root
        self._arrivals = arrivals
        self._conflicts = root.stores.root.conflicts

    def name(self, caller: Caller, home: Home, one: Named) -> Kept:
        """What becomes of a name in the experiment that lies there."""
        reason = check_path(one.path)
        if reason is not None or not is_hash(one.hash) or one.size < 0:
            return Kept(status="refused", reason=reason or "the hash is no BLAKE3 in hexadecimal")
        if one.data is not None and blake3(one.data).hexdigest() != one.hash:
            return Kept(status="damaged")
        if one.path == "metadata.json" and not (one.data and is_about(one.data, home.id)):
            return Kept(
                status="missing" if one.data is None else "refused", reason="it is of another id"
            )
        try:
            target = prepare(home.folder, one.path)
            if one.path.startswith("metrics/"):
                return self._part(caller, home, one, target)
            return self._file(caller, home, one, target)
        except NotADirectoryError:
            return Kept(status="refused", reason="a link, or a file, lies in its place")

    def _file(self, caller: Caller, home: Home, one: Named, target: str) -> Kept:
        try:
            about = os.lstat(target)
        except FileNotFoundError:
            is_there = False
        else:
            is_there, plain = True, stat.S_ISREG(about.st_mode)
            if plain and about.st_size == one.size and hash_file(target) == one.hash:
                return Kept(status="ok")
            if not plain or not is_replaceable(one.path):
                return self._other(caller, home, one)
        shared = one.path.startswith(_SHARED)
        if shared and self._may_share(caller, one) and self._share(one, target, is_there):
            return Kept(status="ok")
        with self._arrivals.taken(caller.name, one.hash, one.size, one.data) as source:
            if source is None:
                return Kept(status="missing")
            self._arrivals.note(caller.name, one.hash)
            mode = _mode(one) if shared else 0o755 if one.executable else 0o644
            place(self._arrivals.stored, source, target, one.hash, mode=mode, shared=shared)
        return Kept(status="ok")

    def _may_share(self, caller: Caller, one: Named) -> bool:
        """Whether somebody has a content, or may see it, so that they may name what is stored of it."""
        has = one.data is not None or self._arrivals.gave(caller.name, one.hash)
        return has or _sees_all(caller)

    def _share(self, one: Named, target: str, is_there: bool) -> bool:
        """Give a stored content a further name; whether there is one that can have it."""
        if not is_there:
            return self._arrivals.stored.share(one.hash, one.size, target, _mode(one))
        draft = f"{target}.{os.urandom(4).hex()}.part"
        try:
            if not self._arrivals.stored.share(one.hash, one.size, draft, _mode(one)):
                return False
            os.replace(draft, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)  # a link to the very file that is there is not moved
        return True

    def _part(self, caller: Caller, home: Home, one: Named, target: str) -> Kept:
        """A sealed part, or lines in the place of one."""
        with self._arrivals.taken(caller.name, one.hash, one.size, one.data) as source:
            if source is None:
                return Kept(status="missing")
            # The index seals parts too: not while one is put in place.
            with self._root.guard, self._root.index.exclusive():
                if one.path.endswith(".parquet"):
                    info = part_of(source, one.path)
                    if info is None:
                        return Kept(status="refused", reason="it is no sealed part of this name")
                    done = place_part(source, target, info)
                else:
                    done = place_lines(source, f"{target[:-6]}.parquet")
            if done:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(source)
                return Kept(status="ok")
        return self._other(caller, home, one)

    def _other(self, caller: Caller, home: Home, one: Named) -> Kept:
        """Keep a file whose name has another content."""
        with self._arrivals.taken(caller.name, one.hash, one.size, one.data) as source:
            if source is None:
                return Kept(status="missing")
            if one.size > MOST_BYTES:
                return Kept(status="diverged", reason="there is no room to keep it beside")
            with open(source, "rb") as file:
                data = file.read()
            folder = os.path.join(self._conflicts, home.id)
            kept = keep_beside(folder, one.path, 0, data)
            return Kept(
                status="diverged", reason="" if kept else "there is no room to keep it beside"
            )


def _mode(one: Named) -> int:
    """The permissions of a file that shares its bytes."""
    return 0o555 if one.executable else 0o444


def _sees_all(caller: Caller) -> bool:
    """Whether nothing of the store is hidden from somebody: then a hash gives away nothing."""
    return caller.scope() is None
