"""Documents, versions and aliases of a root: written as events of its journal, and read back from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from ..errors import InvalidName, InvalidValue
from ..record.decode import Broken
from ..record.documents import (
    Alias,
    Document,
    Version,
    aliases_in,
    documents_in,
    versions_in,
)
from ..record.ids import new_id
from ..record.models import ModelFact, models_in
from ..record.names import check_label
from ..record.plain import to_plain
from ..record.root import RootEvent, RootState, decode_root
from .author import login_name
from .layout import RootLayout
from .root import RootChunk, RootPosition, append, claim_number, follow_root, journal_files

__all__ = ["FolderLines", "RootJournal", "RootLines", "RootNews", "check_scope"]


class RootNews(NamedTuple):
    """What has come into a root's journal.

    Attributes:
        order: Names the order in which this process has read the events; another one may read them in another.
        total: How many there are.
        subjects: What the new ones are about; None where that cannot be told.
    """

    order: str
    total: int
    subjects: tuple[tuple[str, ...], ...] | None


class RootLines(Protocol):
    """Where the lines of a root's journal are kept. Any thread and any process may use it."""

    def names(self) -> Collection[str]:
        """The names of the files that they are in."""
        ...

    def follow(self, positions: Mapping[str, RootPosition]) -> Iterator[RootChunk]:
        """What was appended since these positions, see `journal.root.follow_root`."""
        ...

    def append(
        self, kind: str, fields: Mapping[str, Any], *, scope: str, after: Sequence[str], user: str, t: float | None
    ) -> str:  # fmt: skip
        """Append an event; returns its id. See `journal.root.append`.

        Raises:
            OSError: It cannot be written.
        """
        ...

    def claim(self, what: str, at_least: int) -> int:
        """A number for `what` that nobody else gets, see `journal.root.claim_number`.

        Raises:
            OSError: It cannot be written.
        """
        ...


class FolderLines:
    """The `RootLines` of a folder.

    Args:
        root: The root's layout.
        durable: Whether a call that writes waits until the disk has it.
    """

    def __init__(self, root: RootLayout, *, durable: bool = False) -> None:
        self._root = root
        self._durable = durable

    def names(self) -> Collection[str]:
        """See `RootLines.names`."""
        return journal_files(self._root)

    def follow(self, positions: Mapping[str, RootPosition]) -> Iterator[RootChunk]:
        """See `RootLines.follow`."""
        return follow_root(self._root, positions)

    def append(
        self, kind: str, fields: Mapping[str, Any], *, scope: str, after: Sequence[str], user: str, t: float | None
    ) -> str:  # fmt: skip
        """See `RootLines.append`."""
        return append(
            self._root, kind, fields, scope=scope, after=after, user=user, t=t, durable=self._durable
        )  # fmt: skip

    def claim(self, what: str, at_least: int) -> int:
        """See `RootLines.claim`."""
        return claim_number(self._root, what, at_least)


def check_scope(scope: object) -> str:
    """The scope, if it is one.

    Raises:
        InvalidName: It is neither "root" nor "project/…" nor "user/…".
    """
    if isinstance(scope, str):
        kind, _, rest = scope.partition("/")
        if scope == "root" or (kind in ("project", "user") and rest):
            return check_label(scope, "scope")
    raise InvalidName(
        f"A scope must be 'root', 'project/<prefix>' or 'user/<name>', not {scope!r}.", name=scope
    )


def _check(kind: str, name: str, scope: str) -> None:
    check_label(kind, "kind")
    check_label(name, "name")
    check_scope(scope)


class RootJournal:
    """The current state of a root's journal; every call first reads what was appended since the last one.

    For use by any number of threads; any number of processes may write to the same root.

    Args:
        root: The root's layout, or where else its lines are.
        user: Who writes; the login name if empty.
        durable: Whether a call that writes to a folder waits until the disk has it.
    """

    def __init__(
        self, root: RootLayout | RootLines, *, user: str = "", durable: bool = False
    ) -> None:
        self._lines = FolderLines(root, durable=durable) if isinstance(root, RootLayout) else root
        self._user = user
        self._author = threading.local()
        self._lock = threading.Lock()
        self._positions: dict[str, RootPosition] = {}
        self._events: dict[str, list[RootEvent]] = {}
        self._broken: dict[str, list[Broken]] = {}
        self._state = RootState()
        self._order = new_id()
        self._subjects: list[tuple[str, ...]] = []

    # -- everything -------------------------------------------------------------------------------

    def state(self) -> RootState:
        """The state that all events result in.

        Raises:
            OSError: The journal cannot be read.
        """
        with self._lock:
            self._read()
            return self._state

    def news(self, order: str, since: int) -> RootNews:
        """What events are about that came since an earlier answer, whose `order` and `total` are given.

        Raises:
            OSError: The journal cannot be read.
        """
        with self._lock:
            self._read()
            there = self._subjects
            known = order == self._order and 0 <= since <= len(there)
            subjects = tuple(dict.fromkeys(there[since:])) if known else None
            return RootNews(self._order, len(there), subjects)

    def broken(self) -> dict[str, list[Broken]]:
        """The lines that cannot be read, by file."""
        with self._lock:
            self._read()
            return {name: list(found) for name, found in self._broken.items() if found}

    @property
    def author(self) -> str:
        """Who writes now, in this thread: the user that was given, else the login name."""
        return self._by() or login_name()

    def _by(self) -> str:
        return getattr(self._author, "name", "") or self._user

    def append(
        self,
        kind: str,
        fields: Mapping[str, Any],
        *,
        scope: str = "root",
        after: Sequence[str] = (),
        t: float | None = None,
    ) -> str:
        """Append an event; returns its id. See `journal.root.append`."""
        user = self._by()
        return self._lines.append(kind, fields, scope=scope, after=after, user=user, t=t)

    @contextmanager
    def written_by(self, user: str) -> Iterator[None]:
        """Let what this thread writes in the block be by another user; by the usual one if it is empty."""
        before = getattr(self._author, "name", "")
        self._author.name = user
        try:
            yield
        finally:
            self._author.name = before

    def _read(self) -> None:
        gone = self._positions.keys() - set(self._lines.names())
        again = bool(gone)
        for name in gone:
            del self._positions[name], self._events[name], self._broken[name]
        new: list[RootEvent] = []
        for chunk in self._lines.follow(self._positions):
            lines, broken = decode_root(chunk.data, chunk.lines + 1, hints=False)
            events = [line.event for line in lines if isinstance(line.event, RootEvent)]
            if chunk.replaced:
                again = True
                self._events[chunk.name], self._broken[chunk.name] = [], []
            self._events.setdefault(chunk.name, []).extend(events)
            self._broken.setdefault(chunk.name, []).extend(broken)
            self._positions[chunk.name] = chunk.end
            new += events
        if again:
            new = [event for events in self._events.values() for event in events]
            self._state = RootState()
            self._order, self._subjects = new_id(), []
        for event in new:
            self._state.add(event)
            self._subjects.append(event.subject)

    # -- documents --------------------------------------------------------------------------------

    def documents(
        self,
        kind: str | None = None,
        *,
        name: str | None = None,
        scope: str | None = None,
        gone: bool = False,
        history: bool = False,
        keep: Callable[[Document], bool] | None = None,
    ) -> list[Document]:
        """The documents of a kind, name or scope, sorted by kind, name and scope.

        Args:
            gone: Also those that were removed, without a body.
            history: Also what each said before.
            keep: Which of them, told from what each says now.
        """
        state = self.state()
        with self._lock:
            return documents_in(state, kind, scope, name, gone=gone, history=history, keep=keep)

    def set_document(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any] | None,
        *,
        scope: str = "root",
        after: Document | Sequence[str] | None = None,
    ) -> Document | None:
        """Write a document, or remove it when `body` is None; returns the document as it is then.

        Args:
            after: The document that its author saw, or the ids of the events that wrote it, when it may have been
                changed since: what somebody else wrote meanwhile then stays beside it, in `others`. What there is now,
                if not given.

        Raises:
            InvalidName: The kind, name or scope is none.
            InvalidValue: The body is no mapping.
            OSError: It cannot be written.
        """
        _check(kind, name, scope)
        if body is not None and not isinstance(body, Mapping):
            raise InvalidValue(
                f"The body of a document must be a mapping, not {body!r}.", key="body"
            )
        if isinstance(after, Document):
            after = [after.event, *(other.event for other in after.others)]
        seen = self._seen("document", scope, kind, name) if after is None else list(after)
        fields = {"kind": kind, "name": name, "body": to_plain(body)}
        self.append("document", fields, scope=scope, after=seen)
        found = self.documents(kind, name=name, scope=scope)
        return found[0] if found else None

    # -- versions and aliases ---------------------------------------------------------------------

    def versions(
        self, kind: str | None = None, name: str | None = None, *, scope: str | None = None
    ) -> list[Version]:
        """The versions of a kind, name or scope, sorted by kind, name, scope and number."""
        state = self.state()
        with self._lock:
            return versions_in(state, kind, name, scope)

    def claim_version(self, kind: str, name: str, *, scope: str = "root", first: int = 1) -> int:
        """A unique number for a new version; `set_version` then sets what the version is.

        Args:
            first: The number of the first version.

        Raises:
            InvalidName: The kind, name or scope is none.
            OSError: The root cannot be written.
        """
        _check(kind, name, scope)
        state = self.state()
        with self._lock:
            known = [int(s[4]) + 1 for s in state.subjects("version", scope, kind, name)]
        return self._lines.claim("\0".join((scope, kind, name)), max([first, *known]))

    def set_version(
        self,
        kind: str,
        name: str,
        number: int,
        target: str | None,
        *,
        digest: str | None = None,
        body: Mapping[str, Any] | None = None,
        why: str | None = None,
        scope: str = "root",
    ) -> Version | None:
        """Set what a version points to, or withdraw it when `target` is None; returns the version as it is then.

        Raises:
            InvalidName: The kind, name or scope is none.
            OSError: It cannot be written.
        """
        _check(kind, name, scope)
        fields = {
            "kind": kind,
            "name": name,
            "number": int(number),
            "target": to_plain(target),
            "digest": digest,
            "body": to_plain(body or {}),
            "why": to_plain(why),
        }
        after = self._seen("version", scope, kind, name, str(int(number)))
        self.append("version", fields, scope=scope, after=after)
        return next((v for v in self.versions(kind, name, scope=scope) if v.number == number), None)

    def aliases(
        self, kind: str | None = None, name: str | None = None, *, scope: str | None = None
    ) -> list[Alias]:
        """The aliases of a kind, name or scope, sorted by kind, name, scope and alias."""
        state = self.state()
        with self._lock:
            return aliases_in(state, kind, name, scope)

    def set_alias(
        self,
        kind: str,
        name: str,
        alias: str,
        number: int | None,
        *,
        why: str | None = None,
        body: Mapping[str, Any] | None = None,
        scope: str = "root",
    ) -> Alias | None:
        """Point an alias to a version, or remove it when `number` is None; returns the alias as it is then.

        Args:
            body: What that rests on, such as the verdict of a re-run.

        Raises:
            InvalidName: The kind, name, alias or scope is none.
            OSError: It cannot be written.
        """
        _check(kind, name, scope)
        fields = {
            "kind": kind,
            "name": name,
            "alias": check_label(alias, "alias"),
            "number": None if number is None else int(number),
            "why": to_plain(why),
        }
        if body:
            fields["body"] = to_plain(body)
        after = self._seen("alias", scope, kind, name, alias)
        self.append("alias", fields, scope=scope, after=after)
        return next((a for a in self.aliases(kind, name, scope=scope) if a.alias == alias), None)

    def models(
        self,
        name: str | None = None,
        *,
        scope: str | None = None,
        gone: bool = False,
        history: bool = False,
    ) -> list[ModelFact]:
        """The registered models of a name or scope, see `record.models.models_in`."""
        state = self.state()
        with self._lock:
            return models_in(state, name, scope, gone=gone, history=history)

    # -- sinks ------------------------------------------------------------------------------------

    def set_sink(self, name: str, address: str = "", *, registered: bool = True) -> None:
        """Register a sink that sealing has to wait for, or end the waiting.

        Args:
            name: What it is called; the files in which it says how far it has come begin so.
            address: Where it sends to, without passwords.

        Raises:
            InvalidName: The name is none.
            OSError: It cannot be written.
        """
        fields = {"name": check_label(name, "name"), "registered": registered}
        if address:
            fields["address"] = address
        self.append("sink", fields, after=self._seen("sink", name))

    def _seen(self, *subject: str) -> list[str]:
        state = self.state()
        with self._lock:
            return [event.id for event in state.heads(*subject)]
