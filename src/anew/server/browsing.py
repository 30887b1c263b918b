"""The routes for people, scripts and pages: filters and fields as text, and bytes as they are."""

from __future__ import annotations

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import anyio.to_thread
import msgspec
from starlette.responses import Response, StreamingResponse

from ..alerts.firing import newest_fired
from ..alerts.rules import all_alerts
from ..commands.badges import badge_of
from ..errors import Ambiguous, NotFound
from ..query.changes import ChangesQuestion, cursor_of_experiments, has_news
from ..query.content import ContentQuestion
from ..query.lines import LinesQuestion
from ..query.points import PointsQuestion
from ..query.question import FactsQuestion, NamesQuestion, parse_field
from ..query.references import ResolveQuestion
from ..query.scope import project_of
from ..reading.backend import Backend
from ..reading.comments import Comments, Topic
from ..reading.own import PIN, STAR, Marks, Preferences, looked
from ..reading.saved_views import SavedViews
from ..reading.source import Source, who_asks
from ..reading.telling import telling as tell
from ..record.facts import ExperimentFacts
from ..store import Store
from . import asking
from .callers import Role
from .replies import SECURITY, Denied
from .requests import (
    AlertsAnswer,
    ContentRequest,
    FiredFact,
    Mine,
    ProjectsUsage,
    Stopped,
    VersionAnswer,
)
from .routes import Call

__all__ = [
    "alerts",
    "archive",
    "badge",
    "comments",
    "content",
    "events",
    "experiment",
    "experiments",
    "lines",
    "mine",
    "names",
    "news",
    "panel",
    "send_content",
    "series",
    "stop",
    "telling",
    "trash",
    "usage",
    "usage_of_projects",
    "version",
    "views",
]

_PIECE = 1 << 20
_PING = 15.0
_MOST_STREAMS = 256
# What a browser may show of what users logged: nothing that runs.
_SHOWN = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
    ".mp4": "video/mp4", ".webm": "video/webm", ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
    ".flac": "audio/flac",
}  # fmt: skip


def experiments(call: Call) -> Any:
    """The experiments that meet a filter."""
    return call.place.backend(call.caller).select(call.question.asked())


def telling(call: Call) -> Any:
    """Which fields tell most about the experiments that meet a filter."""
    asked = call.question
    return tell(call.place.backend(call.caller), asked.asked(), metrics=max(0, asked.metrics))


def experiment(call: Call) -> Any:
    """One experiment."""
    backend = call.place.backend(call.caller)
    found = _facts(backend, call.question.ref, *call.question.parts)
    if found.ended_at is not None:  # the same answer then, whenever it is asked for
        return msgspec.structs.replace(found, read_at=found.ended_at)
    return found


def series(call: Call) -> Any:
    """The points of a metric."""
    asked = call.question
    backend = call.place.backend(call.caller)
    found = _facts(backend, asked.ref, "metrics")
    if asked.metric not in (found.metrics or {}):
        raise NotFound(f"{found.id} never logged the metric {asked.metric!r}.", name=asked.metric)
    question = PointsQuestion(
        ids=(found.id,), metrics=(asked.metric,), start=asked.start, stop=asked.stop, points=asked.points,
        cursor=asked.cursor,
    )  # fmt: skip
    return asking.read_points(call, question)


def lines(call: Call) -> Any:
    """Messages or console output."""
    asked = call.question
    backend = call.place.backend(call.caller)
    fields = {name: getattr(asked, name) for name in asked.__struct_fields__ if name != "ref"}
    fields["limit"] = min(asked.limit, 100_000)
    return backend.lines(LinesQuestion(id=_id(backend, asked.ref), **fields))


def names(call: Call) -> Any:
    """Names and values, for completion."""
    asked = call.question
    field = None if asked.field is None else parse_field(asked.field)
    return call.place.backend(call.caller).names(
        NamesQuestion(
            kind=asked.kind, field=field, contains=asked.contains, counts=asked.counts, limit=asked.limit,
            now=time.time(),
        )
    )  # fmt: skip


def views(call: Call) -> Any:
    """Saved views."""
    return SavedViews(call.place.backend(call.caller)).list(call.question.project or None)


def comments(call: Call) -> Any:
    """What people said."""
    asked = call.question
    about = asked.experiment
    if asked.report is not None:
        about = Topic(kind="report", id=asked.report, project=asked.project)
    face = Comments(call.place.backend(call.caller))
    if asked.ids:
        return face.of(asked.ids)
    return face.list(about, mentioning=asked.mentioning, newest=max(0, asked.limit))


def mine(call: Call) -> Any:
    """What belongs to who asks."""
    backend = call.place.backend(call.caller)
    known = call.caller.grants is None or call.caller.user  # a link that shows something is nobody
    user = who_asks(backend) if known else ""
    return Mine(
        user=user,
        preferences=Preferences(backend).list() if user else {},
        looked=looked(backend) if user else None,
        stars=Marks(backend, STAR).list() if user else (),
        pins=Marks(backend, PIN).list(),
    )


def news(call: Call) -> Any:
    """What has changed since who asks has looked."""
    store = Store(call.place.backend(call.caller))
    return store.news(call.question.since, limit=max(0, min(call.question.limit, 1000)))


async def badge(call: Call) -> Response:
    """A badge, for who may see what it is about."""
    store = Store(call.place.backend(call.caller))
    found = await anyio.to_thread.run_sync(badge_of, store, call.question)
    return Response(found.to_svg(), headers=SECURITY, media_type="image/svg+xml")


def alerts(call: Call) -> Any:
    """What is watched for, and what was found."""
    backend = call.place.backend(call.caller)
    fired, total = newest_fired(backend, max(0, min(call.question.limit, 1000)))
    told = tuple(
        FiredFact(
            alert=one.alert, when=one.when, experiment=one.experiment, prefix=one.prefix, why=one.why, time=one.time,
            told=one.told, error=one.error,
        )
        for one in fired
    )  # fmt: skip
    return AlertsAnswer(tuple(all_alerts(backend)), told, total)


def panel(call: Call) -> Any:
    """Metrics of many experiments on one grid."""
    from dataclasses import replace

    return asking.panel(replace(call, question=call.question.asked()))


def version(call: Call) -> Any:
    """The cursor of the newest change."""
    found = call.place.backend(call.caller).changes(ChangesQuestion())
    return VersionAnswer(cursor_of_experiments(found.cursor))


def trash(call: Call) -> Any:
    """What is in the trash."""
    return tuple(call.place.upkeep(call.caller).trash())


def stop(call: Call) -> Any:
    """Stop the programs that record experiments."""
    caller, place = call.caller, call.place
    backend = place.backend(caller, Role.WRITER)
    told = Source(backend, place.upkeep(caller, Role.WRITER)).stop(
        call.question.ids, call.question.why
    )
    for one in backend.facts(FactsQuestion(ids=tuple(call.question.ids), now=time.time())):
        call.note("stopped", project_of(one.prefix, one.user), one.id)
    return Stopped(told)


def usage(call: Call) -> Any:
    """Bytes on the server's disk."""
    return call.place.upkeep(call.caller).du(call.question.ids)


def usage_of_projects(call: Call) -> ProjectsUsage:
    """Bytes by project and by user."""
    backend = call.place.backend(call.caller)
    sizes = call.place.upkeep(call.caller).du().by_experiment
    projects: dict[str, int] = defaultdict(int)
    users: dict[str, int] = defaultdict(int)
    for one in backend.facts(FactsQuestion(ids=tuple(sizes), now=time.time())):
        projects[project_of(one.prefix, one.user)] += sizes[one.id]
        users[one.user or ""] += sizes[one.id]
    return ProjectsUsage(dict(sorted(projects.items())), dict(sorted(users.items())))


async def content(call: Call) -> Response:
    """The bytes of a file, whole or a range of them."""
    asked: ContentRequest = call.question
    return await send_content(call, asked)


async def send_content(call: Call, asked: ContentRequest) -> Response:
    """The bytes of a file of an experiment; the request may ask for a range of them."""
    backend = call.place.backend(call.caller)

    def look() -> tuple[ContentQuestion, int, str]:
        part = "files" if asked.kind == "file" else "values"
        found = _facts(backend, asked.ref, part)
        question = ContentQuestion(id=found.id, kind=asked.kind, name=asked.name)
        size = backend.open(msgspec.structs.replace(question, length=0)).size
        known = next((f.hash for f in found.files or () if f.path == asked.name), "")
        return question, size, known.removeprefix("blake3:")

    question, size, known = await anyio.to_thread.run_sync(look)
    headers = {**SECURITY, "Accept-Ranges": "bytes"}
    if known:
        headers["ETag"] = f'"{known}"'
        if headers["ETag"] in call.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
    base = asked.name.rsplit("/", 1)[-1]
    media = _SHOWN.get(os.path.splitext(base)[1].lower())
    shown = "inline" if media else "attachment"
    headers["Content-Disposition"] = f"{shown}; filename*=UTF-8''{quote(base, safe='')}"
    begin, end, status = 0, size, 200
    wanted = call.request.headers.get("range")
    same = call.request.headers.get("if-range") in (None, headers.get("ETag"))
    if wanted is not None and same and (span := _range(wanted, size)) is not None:
        begin, end = span
        if begin >= end:
            headers["Content-Range"] = f"bytes */{size}"
            return Response(status_code=416, headers=headers)
        status = 206
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - begin)

    async def body() -> AsyncIterator[bytes]:
        at = begin
        while at < end:
            part = msgspec.structs.replace(question, start=at, length=min(_PIECE, end - at))
            data = (await anyio.to_thread.run_sync(backend.open, part)).data
            if not data:
                raise OSError("The file became shorter while it was sent.")
            at += len(data)
            yield data

    return StreamingResponse(
        body(), status, headers=headers, media_type=media or "application/octet-stream"
    )


async def archive(call: Call) -> Response:
    """Experiments as a zip file, which is made in a folder of its own and removed once it was sent."""
    folder = await anyio.to_thread.run_sync(lambda: tempfile.TemporaryDirectory(prefix="anew-"))
    target = os.path.join(folder.name, "experiments.zip")
    try:
        await anyio.to_thread.run_sync(
            lambda: call.place.upkeep(call.caller).archive(
                call.question.ids, target, whole=call.question.whole
            )
        )
    except BaseException:
        folder.cleanup()
        raise
    size = os.path.getsize(target)

    async def body() -> AsyncIterator[bytes]:
        try:
            async with await anyio.open_file(target, "rb") as file:
                while piece := await file.read(_PIECE):
                    yield piece
        finally:
            folder.cleanup()

    headers = {**SECURITY, "Content-Length": str(size)}
    headers["Content-Disposition"] = 'attachment; filename="experiments.zip"'
    return StreamingResponse(body(), headers=headers, media_type="application/zip")


async def events(call: Call) -> Response:
    """Changes as server-sent events, each with the cursor to go on from as its id."""
    live = call.place.live
    backend = call.place.backend(call.caller)
    if live.streams >= _MOST_STREAMS:
        raise Denied(503, "TooManyStreams", "Too many pages wait for changes already.")
    key, limits = call.caller.key, call.meters.limits
    group = f"project {call.caller.project}" if call.caller.project else ""
    counted = [one for one in (key, group) if one]
    for one, most, name in (
        ("" if key == "local" else key, limits.token_streams, "token.streams"),
        (group, limits.project_streams, "project.streams"),
    ):
        if one and most is not None and live.of_caller[one] >= most:
            said = f"{most} pages wait for changes already, and more may not ({name}). Close one of them."
            raise Denied(429, "TooManyStreams", said, after=_PING)
    cursor = call.request.headers.get("last-event-id") or call.question.since
    begun = await live.wait(backend, ChangesQuestion(cursor))

    def still() -> bool:
        try:
            return call.again() == call.caller
        except Denied:
            return False

    async def body() -> AsyncIterator[bytes]:
        found, told = begun, True
        live.streams += 1
        live.of_caller.update(counted)
        try:
            yield b"retry: 2000\n\n"
            while not live.closed and await anyio.to_thread.run_sync(still):
                if told:
                    data = msgspec.json.encode(found)
                    yield b"id: %b\nevent: changes\ndata: %b\n\n" % (found.cursor.encode(), data)
                else:
                    yield b": ping\n\n"
                found = await live.wait(backend, ChangesQuestion(found.cursor, wait=_PING))
                told = has_news(found)
        finally:
            live.streams -= 1
            live.of_caller.subtract(counted)
            for one in counted:
                if not live.of_caller[one]:
                    del live.of_caller[one]

    headers = {**SECURITY, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body(), headers=headers, media_type="text/event-stream")


def _id(backend: Backend, ref: str) -> str:
    """The id of the experiment that a text means.

    Raises:
        NotFound: It means none.
        Ambiguous: It means several.
    """
    (found,) = backend.resolve(ResolveQuestion((ref,)))
    if found.id is not None:
        return found.id
    if found.candidates:
        raise Ambiguous(
            f"{ref!r} may be any of several experiments.",
            candidates=[one.id for one in found.candidates],
        )
    raise NotFound(f"There is no experiment {ref!r}.", name=ref, nearest=found.nearest)


def _facts(backend: Backend, ref: str, *parts: Any) -> ExperimentFacts:
    id_ = _id(backend, ref)
    found = backend.facts(FactsQuestion(ids=(id_,), parts=frozenset(parts), now=time.time()))
    if not found:
        raise NotFound(f"The experiment {id_} was deleted just now.", name=id_)
    return found[0]


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last of a Range header; None if it is none that is served."""
    unit, _, spec = header.partition("=")
    first, dash, last = spec.strip().partition("-")
    numbers = (not first or first.isdecimal()) and (not last or last.isdecimal())
    if unit.strip() != "bytes" or not dash or not numbers or not (first or last):
        return None  # several ranges, or another unit: all of it is an answer too
    if len(first) > 18 or len(last) > 18:
        return size, size
    if not first:
        return max(0, size - int(last)), size
    return int(first), size if not last else min(size, int(last) + 1)
