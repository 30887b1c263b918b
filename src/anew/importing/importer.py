"""An import: every run of a source, what is new in it, and whether all of it has arrived."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import msgspec
from blake3 import blake3

from ..errors import AnewError, Conflict, InvalidValue
from ..journal.layout import RootLayout
from ..journal.lock import locked
from ..journal.root import append, make_root
from ..query.question import FactsQuestion
from ..query.scope import project_of
from ..reading.local.opening import open_folder
from ..record.encode import encode, encode_line
from ..record.names import check_prefix, metric_name
from ..record.plain import flatten, to_plain
from .account import Account, Kind, differences, point_hash
from .arriving import (
    Arriving,
    experiment_id_of,
    message_line,
    point_line,
    point_lines,
    printed_line,
)
from .filing import FilesOfRuns
from .kept import Imported as ImportedEvent
from .kept import imports_of
from .planning import batches, planned
from .reading_back import file_name, read_back, rows_here, value_name
from .registering import Place, bring_models
from .source import Finding, Points, Row, Run, Source, Undated, WithModels
from .text import Differs, GrowingText

__all__ = ["Arrived", "Copies", "Imported", "Progress", "Reached", "bring_in", "look_through"]


class Reached(NamedTuple):
    """Where an import stands: the run it is at, how many runs were before it, how many points have been read so far in all; and
    of this run, once it is compared, how many have been read back."""

    run: str
    runs: int
    points: int
    compared: int = 0


Progress = Callable[[Reached], None]

_LOCK_SECONDS = 5.0
_MOST_KEPT = 200
_SEALING_SECONDS = 120.0
_TELLING_SECONDS = 0.1


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one run.

    Attributes:
        key, prefix, id: The run's key, and the experiment that it is here.
        state: "new", "grown" or "same"; "deleted" for one that was deleted here and is left out; "failed" for one that could not
            be read or written at all; "here" for one that a dry run found here, and did not compare.
        counts: How many of each kind of thing the source has of it.
        differs: What is not the same here and there.
        why: What kept one that failed from coming.
    """

    key: str
    prefix: str
    id: str
    state: Literal["new", "grown", "same", "deleted", "failed", "here"]
    counts: dict[str, int] = {}
    differs: tuple[Kind, ...] = ()
    why: str | None = None


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import brought.

    Attributes:
        kind, source: Of the source.
        runs: What became of each run, in the source's order.
        registered: How many models and versions of them its registry has.
        findings: What could not be read, or has no place here.
    """

    kind: str
    source: str
    runs: tuple[Arrived, ...]
    findings: tuple[Finding, ...]
    registered: dict[str, int] = {}

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind of thing the source has in all, and what became of its runs."""
        total: Counter[str] = Counter({"runs": len(self.runs), **self.registered})
        for run in self.runs:
            total.update(run.counts)
            total[run.state] += 1
        return dict(total)

    @property
    def is_whole(self) -> bool:
        """Whether everything that the source has is here, and nothing twice."""
        return not (
            any(run.differs or run.state == "failed" for run in self.runs)
            or any(finding.lost for finding in self.findings)
        )


@runtime_checkable
class Copies(Protocol):
    """A source that holds experiments of Anew's: they come as they are, under the ids that they have.

    The promises are those of `Source`, but for the order: writers' files are put beside those that are here.
    """

    @property
    def kind(self) -> str:
        """See `Source.kind`."""
        ...

    @property
    def where(self) -> str:
        """See `Source.where`."""
        ...

    def look_through(self, *, since: float | None, progress: Progress | None) -> Imported:
        """What an import would bring, without writing anything."""
        ...

    def bring(
        self, root: RootLayout, into: str, since: float | None, progress: Progress | None
    ) -> Iterator[Arrived]:
        """Bring what is new into a root, and compare both sides; what became of each experiment."""
        ...

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        ...

    def close(self) -> None:
        """See `Source.close`."""
        ...


def look_through(
    source: Source | Copies,
    root: str | None = None,
    *,
    into: str = "",
    since: float | None = None,
    progress: Progress | None = None,
) -> Imported:
    """What an import into a root, or into an empty one, would bring, without writing anything; see `bring_in`."""
    if isinstance(source, Copies):
        return source.look_through(since=since, progress=progress)
    found: list[Arrived] = []
    points = 0
    for run, prefix, state in planned(source, root, into, since):
        here = 0
        tell = _Telling(progress, run.name or run.key, len(found), points)
        for row in source.rows(run):
            here += len(row.values)
            tell.read(len(row.values))
        counts = {
            "points": here,
            "messages": sum(1 for _ in source.messages(run)),
            "lines": sum(1 for _ in source.printed(run)),
            "files": sum(1 for _ in source.files(run)),
            "values": sum(1 for _ in source.values(run)),
            "params": len(flatten(run.params)),
            "tags": len(run.tags),
        }
        points += here
        arrived = Arrived(
            key=run.key,
            prefix=prefix,
            id=experiment_id_of(source.kind, run.key),
            state=state,
            counts={kind: count for kind, count in counts.items() if count},
        )
        found.append(arrived)
        if progress is not None:
            progress(Reached(run.name or run.key, len(found), points))
    models = list(source.models()) if isinstance(source, WithModels) else []
    registered = {"models": len(models), "versions": sum(len(one.versions) for one in models)}
    return Imported(
        kind=source.kind, source=source.where, runs=tuple(found), findings=source.findings(),
        registered={name: count for name, count in registered.items() if count},
    )  # fmt: skip


def bring_in(
    source: Source | Copies,
    root: str,
    *,
    into: str = "",
    since: float | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Bring what is new of a source into a root, and compare both afterwards.

    It may be ended at any moment and repeated: what is here already stays, and nothing is there twice. What came of it is
    kept as an event of the root.

    Args:
        root: The root's folder; it is made if it is not there.
        into: A prefix that everything is filed under.
        since: Only runs that began then or later, in seconds since the epoch.
        progress: Called with where it stands: at each run, and several times a second within one.

    Raises:
        Conflict: Another import into this root is under way.
        InvalidName: `into` is no prefix.
        OSError: The root cannot be written.
    """
    if into:
        check_prefix(into)
    layout = RootLayout(root)
    make_root(layout)
    os.makedirs(layout.private, exist_ok=True)
    with locked(os.path.join(layout.private, "import.lock"), _LOCK_SECONDS) as held:
        if not held:
            raise Conflict(f"Another import into {root} is under way. Wait for it, or stop it.")
        runs = tuple(
            source.bring(layout, into, since, progress)
            if isinstance(source, Copies)
            else _all(source, layout, into, since, progress)
        )
        registered, findings = _models(source, layout)
        imported = Imported(
            kind=source.kind, source=source.where, runs=runs, findings=(*source.findings(), *findings),
            registered=registered,
        )  # fmt: skip
        _keep(layout, imported)
    return imported


def _all(
    source: Source, layout: RootLayout, into: str, since: float | None, progress: Progress | None
) -> Iterator[Arrived]:
    opened = open_folder(layout.root)
    files = FilesOfRuns(layout)
    points = done = 0
    try:
        opened.upkeep.refresh()
        gone = {one.id for one in opened.upkeep.trash()}
        for runs in batches(run for run in source.runs() if since is None or run.started >= since):
            ids = tuple(experiment_id_of(source.kind, run.key) for run in runs)
            known = opened.backend.facts(FactsQuestion(ids=ids, now=time.time()))
            lies = {one.id: one.prefix for one in known}
            for run, id_ in zip(runs, ids, strict=True):
                tell = _Telling(progress, run.name or run.key, done, points)
                if id_ in gone:
                    arrived = Arrived(key=run.key, prefix="", id=id_, state="deleted")
                else:
                    arrived = _one(source, run, layout, files, into, lies.get(id_), tell)
                done += 1
                points += arrived.counts.get("points", 0)
                yield arrived
    finally:
        opened.close()


def _models(source: Source | Copies, layout: RootLayout) -> tuple[dict[str, int], list[Finding]]:
    """Bring in the models that the source has registered; how many there are, and what is wrong with them."""
    models = list(source.models()) if isinstance(source, WithModels) else []
    if not models:
        return {}, []
    assert not isinstance(source, Copies)
    keys = {version.run for model in models for version in model.versions if version.run}
    ids = {experiment_id_of(source.kind, key): key for key in sorted(keys)}
    opened = open_folder(layout.root)
    try:
        opened.upkeep.refresh()
        known = opened.backend.facts(FactsQuestion(ids=tuple(ids), now=time.time())) if ids else []
        places = {ids[one.id]: Place(one.id, project_of(one.prefix, one.user)) for one in known}
    finally:
        opened.close()
    return bring_models(source.kind, models, layout, places)


class _Telling:
    """Tells where an import stands within a run, several times a second."""

    def __init__(self, progress: Progress | None, run: str, runs: int, points: int) -> None:
        self._progress = progress
        self._run, self._runs = run, runs
        self._points, self._compared = points, 0
        self._told_at = 0.0
        self._tell()

    def read(self, points: int) -> None:
        """So many more points were read."""
        self._points += points
        self._tell()

    def compared(self, points: int) -> None:
        """So many more points were read back."""
        self._compared += points
        self._tell()

    def _tell(self) -> None:
        if self._progress is None or (now := time.monotonic()) - self._told_at < _TELLING_SECONDS:
            return
        self._told_at = now
        self._progress(Reached(self._run, self._runs, self._points, self._compared))


def _one(
    source: Source,
    run: Run,
    root: RootLayout,
    files: FilesOfRuns,
    into: str,
    lies: str | None,
    tell: _Telling,
) -> Arrived:
    """Bring in one run. What is wrong with it does not keep others from coming."""
    try:
        arriving = Arriving(root, source.kind, run, into=into, lies=lies)
        with _at_rest(root, arriving):
            there, ordered, why = _bring(source, run, arriving, files, tell)
        here = read_back(arriving.layout, arriving.letters, ordered=ordered, tell=tell.compared)
    except (AnewError, OSError) as error:
        return Arrived(
            key=run.key, prefix=lies or "", id=experiment_id_of(source.kind, run.key), state="failed",
            why=str(error),
        )  # fmt: skip
    state: Literal["new", "grown", "same"] = (
        "new" if arriving.is_new else "grown" if arriving.changed else "same"
    )
    return Arrived(
        key=run.key, prefix=arriving.prefix, id=arriving.id, state=state, counts=dict(there.counts),
        differs=tuple(differences(there, here)), why=why,
    )  # fmt: skip


@contextmanager
def _at_rest(root: RootLayout, arriving: Arriving) -> Iterator[None]:
    """Keep readers from sealing what is appended to: they may seal the points of whatever has ended."""
    if arriving.is_new or not arriving.has_ended:
        yield
        return
    with locked(root.lock, _SEALING_SECONDS) as held:
        if not held:
            raise Conflict(f"{arriving.prefix} is being sealed. Import again.")
        yield


def _bring(
    source: Source, run: Run, arriving: Arriving, files: FilesOfRuns, tell: _Telling
) -> tuple[Account, bool, str | None]:
    """Write what is new of one run; the source's account, whether the order of its points is kept, and what a value lacks
    that is none here: it is counted there alone."""
    arriving.say()
    there, last, ordered = Account(), run.started, True
    try:
        last = _bring_points(source, run, arriving, there, tell)
    except Differs:
        there, ordered = Account(ordered=False), False
        last = _bring_points_by_difference(source, run, arriving, there)
    last = max(last, _bring_messages(source, run, arriving, there))
    _bring_printed(source, run, arriving, there)
    kept = {}
    for file in source.files(run):
        key, size, digest = files.keep(arriving, file, last)
        kept[file_name(*key)] = [size, digest]
    there.things("files", kept.items())
    values: list[tuple[str, str | None]] = []
    why = None
    for value in source.values(run):
        made: str | None = None
        try:
            made = arriving.keep_value(value)
        except InvalidValue as error:
            why = f"{value.name}: {error}"
        values.append((value_name(value.name, value.kind, value.step), made))
    there.things("values", values)
    there.things("params", arriving.params.items())
    there.things("tags", arriving.tags.items())
    arriving.origin(source.where, there)
    arriving.end(last)
    there.facts(arriving.facts())
    return there, ordered, why


def _bring_points(
    source: Source, run: Run, arriving: Arriving, account: Account, tell: _Telling
) -> float:
    """Append the points that are new; the time of the last one.

    Raises:
        Differs: What is here is not the beginning of what the source says.
    """
    last = run.started
    with arriving.points() as text:
        for row in _dated(source.rows(run), arriving.began):
            if isinstance(row, Points):
                text.add(point_lines(row))
                account.points(row)
                last = max(last, max(row.times, default=last))
                tell.read(len(row.names))
                continue
            text.add(point_line(row))
            last = max(last, row.time)
            account.row(row.step, row.time, row.values)
            if row.beside:
                _account_beside(row, account)
            tell.read(len(row.values))
        text.finish()
        arriving.changed |= bool(text.appended)
    return last


def _bring_points_by_difference(
    source: Source, run: Run, arriving: Arriving, account: Account
) -> float:
    """Append the points that are not here, wherever in the source they are; the time of the last one."""
    here = Counter(point_hash(*point) for point in rows_here(arriving.layout, arriving.letters))
    last = run.started
    with arriving.points() as text:
        text.go_to_end()
        for row in _dated(source.rows(run), arriving.began):
            beside = None
            if isinstance(row, Points):
                account.points(row)
            else:
                account.row(row.step, row.time, row.values)
                if beside := row.beside:
                    _account_beside(row, account)
            for name, step, time_, value in _each(row):
                last = max(last, time_)
                hashed = point_hash(name, step, time_, value)
                if here[hashed] > 0:
                    here[hashed] -= 1
                else:
                    text.add(point_line(Row(step, time_, {name: value}, beside)))
        text.flush()
        arriving.changed |= bool(text.appended)
    return last


def _account_beside(row: Row, account: Account) -> None:
    for name in row.values:
        account.beside(metric_name(name), row.step, row.time, to_plain(row.beside))


def _dated(rows: Iterator[Row | Points | Undated], began: float) -> Iterator[Row | Points]:
    """Rows with a time; one that the source has no time for is given that of the run's beginning, which is the same in each import."""
    for row in rows:
        if isinstance(row, Undated):
            yield Row(row.step, began, row.values, row.beside)
        else:
            yield row


def _each(row: Row | Points) -> Iterator[tuple[str, int | None, float, float]]:
    if isinstance(row, Points):
        for name, step, time_, value in zip(*row, strict=True):
            yield metric_name(name), step, time_, value
    else:
        for name, value in row.values.items():
            yield metric_name(name), row.step, row.time, value


def _bring_messages(source: Source, run: Run, arriving: Arriving, account: Account) -> float:
    last = run.started
    with arriving.messages() as text:
        for message in source.messages(run):
            line = message_line(message)
            text.add(encode_line(line))
            account.thing(
                "messages", [line["t"], line["level"], line["message"], line.get("fields", {})]
            )
            last = max(last, message.time)
        _finish(text, arriving)
    return last


def _bring_printed(source: Source, run: Run, arriving: Arriving, account: Account) -> None:
    with arriving.printed() as text:
        for line in source.printed(run):
            shown = printed_line(line)
            text.add(shown.encode() + b"\n")
            account.thing("lines", shown)
        _finish(text, arriving)


def _finish(text: GrowingText, arriving: Arriving) -> None:
    """What a program said before may be gone from its source: what is here stays, and the accounts tell the difference."""
    try:
        text.finish()
    except Differs:
        return
    arriving.changed |= bool(text.appended)


def _keep(layout: RootLayout, imported: Imported) -> None:
    """Keep what came of an import, for people who ask later; not if there was nothing new to tell."""
    counts = imported.counts
    if not any(counts.get(state) for state in ("new", "grown", "failed")) and imported.is_whole:
        return
    digest = blake3(
        encode([[run.id, run.counts, run.state != "failed"] for run in imported.runs])
    ).hexdigest()
    missing = [
        {"experiment_id": run.id, "kind": one.kind, "name": one.name, "there": one.there.count, "here": one.here.count}
        for run in imported.runs for one in run.differs
    ]  # fmt: skip
    missing += [
        {"experiment_id": run.id, "kind": "run", "name": run.why or "", "there": 1, "here": 0}
        for run in imported.runs if run.state == "failed"
    ]  # fmt: skip
    left = [
        {"where": one.where, "what": one.what, "lost": one.lost, "experiment_id": experiment_id_of(imported.kind, one.run) if one.run else ""}
        for one in sorted(imported.findings, key=lambda one: not one.lost)
    ]  # fmt: skip
    said: dict[str, Any] = {
        "source": f"{imported.kind} {imported.source}", "counts": counts, "digest": digest, "whole": imported.is_whole,
        "missing": missing[:_MOST_KEPT], "left": left[:_MOST_KEPT],
        "more": len(missing[_MOST_KEPT:]) + len(left[_MOST_KEPT:]),
    }  # fmt: skip
    if not any(
        counts.get(state) for state in ("new", "grown")
    ):  # a source that is followed lacks the same each time
        before = next(
            (one for one in imports_of(layout.root) if one.source == said["source"]), None
        )
        if before is not None and _same(before, said):
            return
    append(layout, "imported", said)


def _same(before: ImportedEvent, said: dict[str, Any]) -> bool:
    """Whether an import that is on record says the same."""
    now = msgspec.convert({**said, "k": "imported", "t": before.t, "id": before.id}, ImportedEvent)
    told = ("source", "digest", "whole", "missing", "left", "more")
    return all(getattr(now, name) == getattr(before, name) for name in told)
