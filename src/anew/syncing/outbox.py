"""What is to be pushed to a server, and how far that has come: files in `.anew/sync/` that a program can read and append to.

    .anew/sync/lab.example.org-3f0c…/               a folder for each server
        node7-81f0….jsonl                           what was opened and ended there: a file for each machine and user
        node7-81f0….done.jsonl                      what the server has all of
        node7-81f0….fetched.jsonl                   what was fetched from it to be continued
        node7-81f0….state.json                      how far the process beside the programs has come, rewritten
        node7-81f0….lock                            held by that process
        node7-81f0….log                             its own errors

Each file has one author (see `journal.author`), so that machines which share a folder share none of these. Nothing here is
needed to push: without it, `anew sync --to ADDRESS` pushes all the same.
"""

from __future__ import annotations

import os
import time

from ..errors import InvalidSetting
from ..journal.liveness import process_started
from ..journal.root import append_line, author_name, make_private
from ..record.encode import encode_line
from ..record.plain import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ..journal.layout import RootLayout

__all__ = ["Behind", "Done", "Outbox", "Registered", "State", "outboxes"]

_PRIME = 2**61 - 1
_MOST_LINE = 1 << 16


class Registered:
    """One line of an outbox: an experiment that a program opened or ended.

    Attributes:
        kind: "opened" or "ended".
        keep: Seconds that the local copy stays after the server has all of it; None for ever.
    """

    __slots__ = ("experiment_id", "keep", "kind", "pid", "prefix", "started", "t", "to")

    def __init__(self, line: dict[str, Any]) -> None:
        self.kind = str(line["k"])
        self.t = float(line["t"])
        self.to = str(line["to"])
        self.experiment_id = str(line["experiment_id"])
        self.prefix = str(line["prefix"])
        self.pid = int(line.get("pid") or 0)
        self.started = int(line.get("started") or 0)
        keep = line.get("keep")
        self.keep = None if keep is None else float(keep)


class Done:
    """An experiment that the server had all of at the time `t`, under the prefix `filed`; or that it said was deleted there."""

    __slots__ = ("deleted", "experiment_id", "filed", "freed", "t")

    def __init__(self, line: dict[str, Any]) -> None:
        self.experiment_id = str(line["experiment_id"])
        self.t = float(line["t"])
        self.filed = str(line.get("filed") or "")
        self.freed = bool(line.get("freed"))
        self.deleted = bool(line.get("deleted"))


class Behind:
    """What the server does not have yet of an experiment: bytes, and why they were not pushed, "" if they are on their way."""

    __slots__ = ("bytes", "why")

    def __init__(self, size: int, why: str = "") -> None:
        self.bytes = size
        self.why = why


class State:
    """How far the process that pushes has come, as it wrote down last.

    Attributes:
        t: When it wrote that.
        pid: Its process id.
        through: How many bytes of the outbox it had read before it began the last pass that it has finished.
        contact: When the server last answered; None if it never did.
        error: Why nothing can be pushed, in a sentence; "".
        waits: Whether the error may pass by itself: the server cannot be reached just now.
        behind: What is still to be pushed, by the ids of the experiments; of very many, the newest.
        count: Of how many experiments something is still to be pushed.
    """

    __slots__ = ("behind", "contact", "count", "error", "pid", "t", "through", "waits")

    def __init__(
        self,
        *,
        t: float = 0.0,
        pid: int = 0,
        through: int = 0,
        contact: float | None = None,
        error: str = "",
        waits: bool = False,
        behind: dict[str, Behind] | None = None,
        count: int = 0,
    ) -> None:
        self.t = t
        self.pid = pid
        self.through = through
        self.contact = contact
        self.error = error
        self.waits = waits
        self.behind = behind or {}
        self.count = count


class Outbox:
    """What this machine and user have to push from a root to a server.

    Args:
        root: The root.
        server: The address of the server.
    """

    def __init__(self, root: RootLayout, server: str) -> None:
        self.root = root
        self.server = server
        self.folder = os.path.join(root.sync, _name_of(server))
        self._stem = ""

    def _path(self, suffix: str) -> str:
        if not self._stem:
            self._stem = author_name(self.root)
        return os.path.join(self.folder, self._stem + suffix)

    @property
    def lock(self) -> str:
        """The file that the process which pushes holds locked."""
        return self._path(".lock")

    @property
    def log(self) -> str:
        """What that process prints."""
        return self._path(".log")

    def register(
        self, kind: str, experiment_id: str, prefix: str, keep: float | None = None
    ) -> int:
        """Say that this process has opened or ended an experiment; how many bytes the outbox then has.

        Raises:
            OSError: It cannot be written.
        """
        make_private(self.root, self.folder)
        line: dict[str, Any] = {
            "k": kind, "t": time.time(), "to": self.server, "experiment_id": experiment_id, "prefix": prefix,
            "pid": os.getpid(), "started": process_started(os.getpid()),
        }  # fmt: skip
        if keep is not None:
            line["keep"] = keep
        path = self._path(".jsonl")
        append_line(path, encode_line(line))
        return os.path.getsize(path)

    def registered(self, offset: int = 0) -> tuple[list[Registered], int]:
        """What was registered after so many bytes, and how many bytes there are now."""
        return self._lines(self._path(".jsonl"), offset, Registered)

    def size(self) -> int:
        """How many bytes the outbox has."""
        try:
            return os.path.getsize(self._path(".jsonl"))
        except OSError:
            return 0

    def note_done(self, experiment_id: str, filed: str = "", *, freed: bool = False) -> None:
        """Say that the server has all of an experiment, or that the local copy was freed after that.

        Raises:
            OSError: It cannot be written.
        """
        line = {"k": "done", "t": time.time(), "experiment_id": experiment_id, "filed": filed}
        if freed:
            line["freed"] = True
        append_line(self._path(".done.jsonl"), encode_line(line))

    def note_deleted(self, experiment_id: str) -> None:
        """Say that an experiment was deleted on the server, so that nothing of it is to be pushed.

        Raises:
            OSError: It cannot be written.
        """
        make_private(self.root, self.folder)
        line = {"k": "done", "t": time.time(), "experiment_id": experiment_id, "deleted": True}
        append_line(self._path(".done.jsonl"), encode_line(line))

    def done(self) -> dict[str, Done]:
        """What the server has all of, or has deleted, by the experiment's id, whoever pushed it."""
        known: dict[str, Done] = {}
        for name in self._files(".done.jsonl"):
            for one in self._lines(os.path.join(self.folder, name), 0, Done)[0]:
                if one.experiment_id not in known or known[one.experiment_id].t <= one.t:
                    known[one.experiment_id] = one
        return known

    def note_fetched(self, experiment_id: str, last_step: int | None) -> None:
        """Say that what a continuation needs of an experiment was fetched, and which step it had come to.

        Raises:
            OSError: It cannot be written.
        """
        make_private(self.root, self.folder)
        line = {"k": "fetched", "experiment_id": experiment_id, "last_step": last_step}
        append_line(self._path(".fetched.jsonl"), encode_line(line))

    def fetched_step(self, experiment_id: str) -> int | None:
        """The last step of an experiment when it was fetched; None where it was not, or has none."""
        step: int | None = None
        for name in self._files(".fetched.jsonl"):
            for line in self._lines(os.path.join(self.folder, name), 0, dict)[0]:
                found = line.get("last_step")
                if line.get("experiment_id") == experiment_id and isinstance(found, int):
                    step = found if step is None else max(step, found)
        return step

    def of_this_machine(self) -> list[Registered]:
        """What programs on a machine of this name registered, also in other containers and before it was restarted."""
        start = f"{os.path.basename(self._path('')).rpartition('-')[0]}-"
        return self._of(name for name in self._files(".jsonl") if name.startswith(start))

    def everything(self) -> list[Registered]:
        """What all who share this folder registered."""
        return self._of(self._files(".jsonl"))

    def _of(self, names: Iterable[str]) -> list[Registered]:
        found = []
        for name in names:
            found += self._lines(os.path.join(self.folder, name), 0, Registered)[0]
        return [one for one in found if one.to == self.server]

    def _files(self, suffix: str) -> list[str]:
        """The names of the files of a kind, of all authors."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        return sorted(n for n in names if n.endswith(suffix) and n.count(".") == suffix.count("."))

    def states(self) -> list[State]:
        """How far each process that pushes from this folder has come, the newest first."""
        found = [
            self._state(os.path.join(self.folder, name)) for name in self._files(".state.json")
        ]
        return sorted((one for one in found if one is not None), key=lambda one: -one.t)

    def save(self, state: State) -> None:
        """Write down how far pushing has come; only the process that holds the lock may.

        Raises:
            OSError: It cannot be written.
        """
        path = self._path(".state.json")
        line = {
            "t": state.t, "pid": state.pid, "through": state.through, "contact": state.contact, "error": state.error,
            "waits": state.waits, "count": state.count,
            "behind": {one: [found.bytes, found.why] for one, found in state.behind.items()},
        }  # fmt: skip
        with open(f"{path}.new", "wb") as file:
            file.write(encode_line(line))
        os.replace(f"{path}.new", path)

    def state(self) -> State | None:
        """How far pushing has come; None if nothing was ever tried, or that cannot be read."""
        return self._state(self._path(".state.json"))

    @staticmethod
    def _state(path: str) -> State | None:
        try:
            with open(path, "rb") as file:
                found = parse_json(file.read())
            behind = {
                str(one): Behind(int(n), str(why)) for one, (n, why) in found["behind"].items()
            }
            contact = found["contact"]
            return State(
                t=float(found["t"]),
                pid=int(found["pid"]),
                through=int(found["through"]),
                contact=None if contact is None else float(contact),
                error=str(found["error"]),
                waits=bool(found["waits"]),
                behind=behind,
                count=int(found["count"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @staticmethod
    def _lines(path: str, offset: int, kind: Any) -> tuple[list[Any], int]:
        """The whole lines of a file after so many bytes, and where they end; what is no such line is passed over."""
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read()
        except OSError:
            return [], offset
        data = data[: data.rfind(b"\n") + 1]
        found = []
        for line in data.split(b"\n"):
            if line and len(line) < _MOST_LINE:
                try:
                    found.append(kind(parse_json(line)))
                except (ValueError, KeyError, TypeError):
                    continue
        return found, offset + len(data)


def outboxes(root: RootLayout) -> Iterator[Outbox]:
    """The outboxes in a root, one for each server that something was recorded for."""
    folder = root.sync
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        where = os.path.join(folder, name)
        if os.path.islink(where) or not os.path.isdir(where):
            continue
        for file in sorted(os.listdir(where)):
            if file.endswith(".jsonl") and file.count(".") == 1:
                found, _ = Outbox._lines(os.path.join(where, file), 0, Registered)
                if found and _name_of(found[0].to) == name and _is_server(found[0].to):
                    yield Outbox(root, found[0].to)
                    break


def _is_server(text: str) -> bool:
    """Whether a text out of a file is the address of a server, in the one spelling."""
    from ..address import parse_address

    try:
        address = parse_address(text)
    except InvalidSetting:
        return False
    return address.kind == "server" and address.location == text


def _name_of(server: str) -> str:
    """The name of a server's folder. A remainder by a prime is hash enough, and `hashlib` takes longer to import."""
    digest = int.from_bytes(server.encode("utf-8", "replace"), "big") % _PRIME
    host = server.partition("://")[2].partition("/")[0]
    shown = "".join(c if c.isalnum() or c in ".-" else "-" for c in host)[:60].strip(".-")
    return f"{shown or 'server'}-{digest:016x}"
