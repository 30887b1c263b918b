"""One run on its way into the root: the experiment that it is here, and what of it is new.

The experiment's id, its writer's name and every line of its points follow from the source alone. So a second import finds the first one, two
roots that imported one source can be put together, and nothing has to be remembered that a kill could take away. Lines of points and messages are
compared as text (`importing.text`). What may change (parameters, tags, how it ended) is compared with what this writer said before, and only
differences are written: an edit that somebody made here since is not taken back.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any

import msgspec

from ..errors import InvalidName
from ..journal.follow import read_events
from ..journal.layout import ExperimentLayout, RootLayout
from ..journal.root import announce, append_block, make_root
from ..journal.writer import FORMAT_VERSION
from ..record.encode import encode_line, number_or_name
from ..record.events import FileLogged, ValueLogged
from ..record.fold import ExperimentState, fold
from ..record.ids import ID_LENGTH, id_from_bytes, new_id
from ..record.names import folder_name, metric_name
from ..record.plain import flatten, nest, to_plain
from ..record.secrets import mask_event, mask_text
from ..tracking.documents import claim_identity, iso_time, write_json
from ..tracking.identity import Known, named
from .account import Account
from .names import shown_name, tag_of, wanted_prefix
from .reading_back import hash_of_value
from .source import Message, Points, Row, Run, SourceValue
from .text import GrowingText, points_text

__all__ = [
    "Arriving",
    "experiment_id_of",
    "message_line",
    "point_line",
    "point_lines",
    "printed_line",
]

_HEARTBEAT = 100.0
"""Seconds. A run that its source calls running, and that shows no sign of life for six of these, is taken to be gone."""
_lines = msgspec.json.Encoder()


def experiment_id_of(kind: str, key: str) -> str:
    """The id that a run has here: the same in every import, on every machine."""
    return id_from_bytes(_digest(kind, key)[:ID_LENGTH])


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    """A line of points, as quickly as one can be written."""

    t: float
    m: dict[str, float | str]
    s: int | None = None


def point_lines(points: Points) -> bytes:
    """Lines of one point each; see `docs/internals/format.md`."""
    keys = {name: metric_name(name) for name in dict.fromkeys(points.names)}
    return _lines.encode_lines(
        [
            _Line(
                time, {keys[name]: value if value - value == 0.0 else number_or_name(value)}, step
            )
            for name, step, time, value in zip(*points, strict=True)
        ]
    )


def point_line(row: Row) -> bytes:
    """A line of points; see `docs/internals/format.md`."""
    values: dict[str, float | str] = {
        metric_name(name): value if value - value == 0.0 else number_or_name(value)
        for name, value in row.values.items()
    }
    if not row.beside:
        return _lines.encode_lines([_Line(row.time, values, row.step)])
    line: dict[str, Any] = {"t": row.time, "m": values}
    if row.step is not None:
        line["s"] = row.step
    return encode_line({**line, "x": to_plain(row.beside)})


def message_line(message: Message) -> dict[str, Any]:
    """What a line of messages says; secrets in it are masked."""
    line = {"t": message.time, "level": message.level, "message": message.text}
    if message.fields:
        line["fields"] = to_plain(message.fields)
    return mask_event("message", line)


def printed_line(line: str) -> str:
    """A line of the console; secrets in it are masked."""
    text = line.encode("utf-8", "backslashreplace").decode().replace("\n", " ")
    return mask_text(text)


class Arriving:
    """The experiment that a run is here, open for what is new. Used by one thread of one process at a time.

    Args:
        root: Where it goes.
        kind: The kind of its source.
        run: The run.
        into: The prefix that everything of this import is filed under; "" for none.
        lies: The prefix at which it lies already; None if it is not here yet.

    Raises:
        InvalidName: It cannot be filed where its source has it.
        OSError: The root cannot be written.
    """

    def __init__(
        self, root: RootLayout, kind: str, run: Run, *, into: str, lies: str | None
    ) -> None:
        self._root = root
        self._kind = kind
        self._run = run
        self.id = experiment_id_of(kind, run.key)
        self.is_new = lies is None
        self.prefix = self._make(into) if lies is None else lies
        self.layout: ExperimentLayout = root.experiment(self.prefix)
        letters = id_from_bytes(_digest(kind, run.key, "writer")[:ID_LENGTH])[:4]
        self._first = f"0001-main-{letters}"
        self.letters = letters
        self.changed = False
        """Whether anything was written."""
        self.params = self._plain_params()
        self.tags = self._plain_tags()
        self._state: ExperimentState
        self._files: dict[tuple[str, str, int | None], FileLogged]
        self._values: dict[tuple[str, str, int | None], deque[str | None]]
        self._now: str
        self._begin()

    # -- where it is -------------------------------------------------------------------------------

    def _make(self, into: str) -> str:
        """Make its folder; the prefix."""
        wanted = named(
            self._root, wanted_prefix(self._run, self.id, into), project=None, is_prefix=True
        )
        known = wanted.known()
        for one in known:  # made by an import that was killed right then
            if one.id == self.id:
                os.makedirs(one.layout.path("journal"), exist_ok=True)
                return one.prefix
        place = wanted.place(known, self.id, self.id)
        make_root(self._root)
        layout = place.layout
        os.makedirs(layout.folder, exist_ok=True)
        claim_identity(
            layout.metadata,
            {
                "format": FORMAT_VERSION, "experiment_id": self.id, "prefix": place.prefix, "name": shown_name(self._run, self.id),
                "status": "running", "created_at": iso_time(self._run.started),
            },
        )  # fmt: skip
        if Known(self._root, place.prefix).id != self.id:
            raise InvalidName(
                f"{place.prefix} was taken by another program at the same moment. Import again.",
                name=place.prefix,
            )
        os.makedirs(layout.path("journal"), exist_ok=True)
        return place.prefix

    # -- its writers -------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Know what was said before; open a writer where none is open."""
        events = [one for one in read_events(self.layout.folder) if self._is_mine(one.writer)]
        self._files = {}
        self._values = defaultdict(deque)
        for one in events:
            event = one.event
            if isinstance(event, FileLogged):
                self._files[event.prefix, event.name, event.step] = event
            elif isinstance(event, ValueLogged):
                self._values[event.name, event.kind, event.step].append(event.hash)
        self._state = fold(events)
        mine = list(self._state.writers)
        if not mine:
            self._now = self._first
            self._open(self._now, over=())
            return
        self._now = mine[-1]
        if self._run.status == "running" and self.has_ended:
            self._now = f"{len(mine) + 1:04d}-main-{self.letters}"
            self._open(self._now, over=mine)

    def _is_mine(self, writer: str) -> bool:
        return writer.endswith(f"-main-{self.letters}")

    @property
    def has_ended(self) -> bool:
        """Whether the last of its writers has an end."""
        known = self._state.writers.get(self._now)
        return known is not None and known.ended_at is not None

    @property
    def began(self) -> float:
        """When the run began, as it was first imported, whatever its source says now."""
        return next(iter(self._state.writers.values())).opened.t

    def _open(self, writer: str, over: Iterable[str]) -> None:
        run = self._run
        opened: dict[str, Any] = {
            "version": FORMAT_VERSION, "experiment_id": self.id, "name": shown_name(self._run, self.id), "role": "lead",
            # The program ran elsewhere, or at another time: nothing of it can be seen from here.
            "host": run.host, "machine": "", "boot": "", "pid": 0, "pid_started": 0, "pid_space": "",
            "user": run.user, "heartbeat": _HEARTBEAT, "opening": writer, "prefix": self.prefix,
            "job": f"import {self._kind}",
        }  # fmt: skip
        if over:
            opened["after"] = self.layout.sizes(over)
        started = run.started if writer == self._first else (run.alive or run.started)
        line = encode_line({"k": "opened", "t": started, **mask_event("opened", opened)})
        append_block(self.layout.events(writer), line)
        announce(self._root, "opened", self.id, self.prefix)
        self.changed = True
        events = [one for one in read_events(self.layout.folder) if self._is_mine(one.writer)]
        self._state = fold(events)

    def _event(self, kind: str, t: float, /, **fields: Any) -> None:
        given = {name: value for name, value in fields.items() if value is not None}
        line = encode_line({"k": kind, "t": t, **mask_event(kind, given)})
        append_block(self.layout.events(self._now), line)
        self.changed = True

    # -- what is said of it ------------------------------------------------------------------------

    def say(self) -> None:
        """Write down what the source says of the run and this writer has not said yet; the end comes with `end`."""
        run, state = self._run, self._state
        at = max(run.started, state.folded_to)
        if state.name != shown_name(self._run, self.id):
            self._event("field", at, field="name", value=shown_name(self._run, self.id))
        for field in ("description", "notes"):
            said, now = getattr(state, field), getattr(run, field)
            if now is not None and mask_text(now) != said:
                self._event("field", at, field=field, value=now)
        self._say_tags(at)
        self._say_params(at)
        if run.config is not None and state.config is None and run.status != "running":
            self._event("config", at, config=to_plain(run.config))
        if run.parent is not None:
            parent = experiment_id_of(self._kind, run.parent)
            if (state.parent, state.relation) != (parent, run.relation):
                self._event("linked", at, parent=parent, relation=run.relation)
        for what, data in run.captured.items():
            self._capture(at, what, to_plain(data))

    def _plain_tags(self) -> dict[str, str | None]:
        """The tags as they are kept: a text that is no tag here becomes one that is."""
        found: dict[str, str | None] = {}
        for tag, value in self._run.tags.items():
            found.update(mask_event("tags", {"add": {tag_of(tag): value}})["add"])
        return found

    def _plain_params(self) -> dict[str, Any]:
        """The parameters as they are kept, by their dotted names."""
        return flatten(mask_event("params", {"params": to_plain(self._run.params)})["params"])

    def _say_tags(self, at: float) -> None:
        said = self._state.tags
        add = {t: value for t, value in self.tags.items() if t not in said or said[t] != value}
        remove = [tag for tag in said if tag not in self.tags]
        if add or remove:
            self._event("tags", at, add=add or None, remove=remove or None)

    def _say_params(self, at: float) -> None:
        said = flatten(self._state.params)
        new = {k: value for k, value in self.params.items() if k not in said or said[k] != value}
        if new:
            self._event("params", at, params=nest(new))

    def _capture(self, at: float, what: str, data: dict[str, Any]) -> None:
        if self._state.captured.get(what) != mask_event("captured", {"data": data})["data"]:
            self._event("captured", at, what=what, data=data)

    def origin(self, where: str, account: Account) -> None:
        """Write down where it came from, what the source has of it, and what of that has no place here.

        That the source lies elsewhere now is nothing new.
        """
        data: dict[str, Any] = {"from": self._kind, "key": self._run.key, "source": where}
        data["account"] = {kind: [one.count, one.digest] for kind, one in account.totals().items()}
        if self._run.kept:
            data["kept"] = to_plain(self._run.kept)
        said = self._state.captured.get("imported")
        if said is not None:
            data["source"] = said.get("source")
        self._capture(max(self._run.started, self._state.folded_to), "imported", data)

    def facts(self) -> dict[str, Any]:
        """What the source says of the run as a whole, as it is to be kept, by name.

        What is written down once, such as who ran it, is left out where it was written down before: a source may say it otherwise later.
        """
        run = self._run
        found: dict[str, Any] = {
            "name": shown_name(run, self.id), "status": run.status, "reason": _masked("closed", "reason", run.reason),
            "description": _masked("field", "value", run.description), "notes": _masked("field", "value", run.notes),
        }  # fmt: skip
        found = {name: value for name, value in found.items() if value is not None}
        if run.parent is not None:
            found["parent"] = [experiment_id_of(self._kind, run.parent), run.relation]
        if run.kept:
            found["kept"] = _masked("captured", "data", {"kept": to_plain(run.kept)})["kept"]
        if len(self._state.writers) == 1:  # how it ran is that of the first opening
            for what, data in run.captured.items():
                found[f"captured {what}"] = _masked("captured", "data", to_plain(data))
        if self.is_new:
            found |= {
                name: _masked("opened", name, getattr(run, name)) for name in ("user", "host")
            }
            found["started"] = run.started
            if run.config is not None and run.status != "running":
                found["config"] = _masked("config", "config", to_plain(run.config))
            if run.ended is not None and run.status != "running":
                found["ended"] = max(run.ended, run.started)
        return found

    # -- what it logged ----------------------------------------------------------------------------

    def points(self) -> GrowingText:
        """The lines of its points."""
        return points_text(self.layout, self._first)

    def messages(self) -> GrowingText:
        """The lines of its messages."""
        return _one_file(self.layout.logs(self._first))

    def printed(self) -> GrowingText:
        """The lines that its program printed."""
        return _one_file(self.layout.console(self._first))

    def known_file(self, prefix: str, name: str, step: int | None) -> FileLogged | None:
        """What is here of a file of that name and step."""
        return self._files.get((prefix, name, step))

    def keep_file(self, event: dict[str, Any], t: float) -> None:
        """Write down a file whose bytes are in its folder."""
        self._event("file", t, **event)

    def keep_value(self, one: SourceValue) -> str | None:
        """Save a value, unless it is here; its hash, as it was made from the source. Asked once for each value of the source, in order.

        Raises:
            InvalidValue: It is none.
            OSError: It cannot be written.
        """
        here = self._values[one.name, one.kind, one.step]
        if here:
            return here.popleft()
        value = one.make()
        step = None if one.step is None else str(one.step)
        stem = "-".join(p for p in (folder_name(one.name), step, new_id()) if p)
        saved = value.save(self.layout.path("values"), stem)
        path = None if saved.path is None else f"values/{saved.path}"
        digest = hash_of_value(self.layout, path, _masked("value", "data", saved.data))
        self._event(
            "value", one.time, name=one.name, kind=value.kind, step=one.step, path=path, data=saved.data,
            metadata=saved.metadata or None, hash=digest,
        )  # fmt: skip
        return digest

    # -- its end -----------------------------------------------------------------------------------

    def end(self, last: float | None) -> None:
        """Write down how it ended, if it did and that is new; else leave the sign of life that the source gives.

        Args:
            last: The time of the last thing that it logged.
        """
        run = self._run
        known = self._state.writers.get(self._now)
        if run.status == "running":
            self._touch(max(run.alive or run.started, last or 0.0))
        elif (
            known is None
            or known.ended_at is None
            or known.status.value != run.status
            or known.reason != _masked("closed", "reason", run.reason)
        ):
            ended = run.ended if run.ended is not None else max(run.started, last or 0.0)
            self._event(
                "closed",
                max(ended, self._state.folded_to),
                status=run.status,
                reason=run.reason,
                wrote=self._wrote() or None,
            )
            write_json(
                self.layout.metadata,
                {
                    "format": FORMAT_VERSION, "experiment_id": self.id, "prefix": self.prefix, "name": shown_name(self._run, self.id),
                    "status": run.status, "created_at": iso_time(run.started), "ended_at": iso_time(ended),
                },
            )  # fmt: skip
        if self.changed:
            announce(
                self._root, "ended" if run.status != "running" else "changed", self.id, self.prefix
            )

    def _touch(self, at: float) -> None:
        """Leave the source's last sign of life as that of the files: readers look at them for one."""
        for path in (self.layout.events(self._now), *self._files_written()):
            try:
                os.utime(path, (at, min(at, time.time())))
            except OSError:
                continue  # it is shown as running a little longer

    def _files_written(self) -> list[str]:
        """The files that the writer wrote beside its events, sealed parts left out."""
        parts = []
        part = 1
        while os.path.exists(path := self.layout.points(self._first, part)) or os.path.exists(
            self.layout.sealed(self._first, part)
        ):
            parts.append(path)
            part += 1
        found = [*parts, self.layout.logs(self._first), self.layout.console(self._first)]
        return [path for path in found if os.path.exists(path)]

    def _wrote(self) -> dict[str, int]:
        return {
            "/".join(path.split(os.sep)[-2:]): os.path.getsize(path)
            for path in self._files_written()
        }


def _one_file(path: str) -> GrowingText:
    return GrowingText(lambda part: path if part == 1 else "", lambda part: "", rotate=None)


def _masked(kind: str, field: str, value: Any) -> Any:
    """A field of an event as it is written down."""
    return mask_event(kind, {field: value})[field]


def _digest(*texts: str) -> bytes:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).digest()
